/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a HAR entry (HAR 1.2) that a request or a response has. Each writes a value, redacted and escaped.
 */
#ifndef HARK_HAR_PARTS_H
#define HARK_HAR_PARTS_H

#include "body.h"
#include "json_writer.h"
#include "model/exchange.h"

/* [{"name":…,"value":…}] */
void har_put_fields(struct json_writer *writer, const struct header_list *list);
/* The cookies of a Cookie or of all Set-Cookie fields. */
void har_put_cookies(struct json_writer *writer, const struct message *message);
/* An absolute URL in which each byte that a URL cannot have is escaped (RFC 3986, 2.1). */
void har_put_url(struct json_writer *writer, const struct exchange *exchange);
void har_put_query(struct json_writer *writer, const struct message *request);
/* The members of postData and content. */
void har_put_post_data(struct json_writer *writer, struct body_reader *bodies, const struct message *request);
/* response NULL: not seen. */
void har_put_content(struct json_writer *writer, struct body_reader *bodies, const struct message *response);

#endif
