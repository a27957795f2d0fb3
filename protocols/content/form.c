/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of HTML (WHATWG URL, 5). */
#include "contents.h"

const struct content form_content = {
	.name = "form",
	.types = { SLICE("application/x-www-form-urlencoded") },
	.look = CONTENT_TEXT,
	.secrets = CONTENT_FORM,
};
