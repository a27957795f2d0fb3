/* SPDX-License-Identifier: Apache-2.0 */
/* The line at the bottom into which a filter, or what is searched for, is typed. It takes effect as it is
 * typed. */
#include "top.h"

static struct top_prompt *prompt_of(struct sink *sink)
{
	return sink->prompting == PROMPT_SEARCH ? &sink->search_text : &sink->filter_text;
}

static void prompt_append(struct top_prompt *prompt, uint32_t c)
{
	char bytes[4];
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c < 0x20 || c > 0x10ffff || prompt->len + len >= sizeof(prompt->text))
		return;
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(len == 1 ? c : c | (0xf00u >> len & 0xffu));
	memcpy(prompt->text + prompt->len, bytes, len);
	prompt->len += len;
}

static void prompt_erase_word(struct top_prompt *prompt)
{
	while (prompt->len && prompt->text[prompt->len - 1] == ' ')
		prompt->len--;
	while (prompt->len && prompt->text[prompt->len - 1] != ' ')
		prompt->len--;
}

void top_filter_changed(struct sink *sink)
{
	sink->filter_text.text[sink->filter_text.len] = '\0';
	top_filter_typed(sink);
	top_page_make(sink);
}

bool top_search(struct sink *sink, size_t skip)
{
	struct top_table *table = top_table_shown(sink);
	const char *text = sink->search_text.text;

	if (!*text)
		return true;
	return table ? top_table_find(table, text, skip) : top_lines_find(&sink->lines, text, skip);
}

static void prompt_changed(struct sink *sink)
{
	if (sink->prompting == PROMPT_FILTER) {
		top_filter_changed(sink);
		return;
	}
	sink->search_text.text[sink->search_text.len] = '\0';
	snprintf(sink->prompt_error, sizeof(sink->prompt_error), "%s",
		 top_search(sink, 0) ? "" : "not on this page");
}

/* A text that is no filter never held: the line shows the filter that does. */
static void prompt_end(struct sink *sink, bool keep)
{
	struct top_prompt *prompt = prompt_of(sink);
	bool filter = sink->prompting == PROMPT_FILTER;

	sink->prompting = PROMPT_NONE;
	while (filter && prompt->len && prompt->text[prompt->len - 1] == ' ')
		prompt->text[--prompt->len] = '\0';
	if (!filter)
		sink->prompt_error[0] = '\0';
	if (keep && (!filter || (!sink->prompt_error[0] && sink->filter)))
		return;
	prompt->text[prompt->len = 0] = '\0';
	if (filter)
		top_filter_changed(sink);
}

void top_prompt_key(struct sink *sink, uint32_t key)
{
	struct top_prompt *prompt = prompt_of(sink);

	switch (key) {
	case TOP_KEY_ENTER:
	case TOP_KEY_ESCAPE:
		prompt_end(sink, key == TOP_KEY_ENTER);
		return;
	case TOP_KEY_F0 + 3:
		if (sink->prompting == PROMPT_SEARCH)
			top_search(sink, 1);
		return;
	case TOP_KEY_BACK:
		while (prompt->len && ((uint8_t)prompt->text[--prompt->len] & 0xc0) == 0x80)
			;
		break;
	case 'U' - '@':
		prompt->len = 0;
		break;
	case 'W' - '@':
		prompt_erase_word(prompt);
		break;
	default:
		prompt_append(prompt, key);
		break;
	}
	prompt_changed(sink);
}
