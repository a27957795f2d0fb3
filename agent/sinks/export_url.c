/* SPDX-License-Identifier: Apache-2.0 */
#include "export_url.h"

#include "base/log.h"

#include <errno.h>

static struct slice scheme_of(struct slice text)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (slice_has_prefix(text, slice_of_string(schemes[i])))
			return slice_of_string(schemes[i]);
	return slice_of(NULL, 0);
}

int export_url_parse(struct export_url *url, const char *format, const char *place)
{
	struct slice text = slice_of_string(place), scheme = scheme_of(text), authority, rest;

	text = slice_take(text, slice_find(text, '#'));
	rest = slice_drop(text, scheme.len);
	authority = slice_take(slice_take(rest, slice_find(rest, '/')), slice_find(rest, '?'));
	rest = slice_drop(rest, authority.len);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] == 0x7f)
			authority.len = 0;
	if (!scheme.len || !authority.len) {
		log_error("-o %s:%s: this is no URL of a receiver: http:// or https://, and its host", format,
			  place);
		return -EINVAL;
	}
	if (slice_find(authority, '@') < authority.len) {
		log_error("-o %s: a password in a URL is seen by everybody (ps): --export-header "
			  "@FILE has an Authorization header instead",
			  format);
		return -EINVAL;
	}
	url->base = slice_take(text, scheme.len + authority.len);
	url->path = slice_take(rest, slice_find(rest, '?'));
	url->query = slice_drop(rest, url->path.len + 1);
	if (slice_equal(url->path, SLICE("/")))
		url->path.len = 0;
	return 0;
}
