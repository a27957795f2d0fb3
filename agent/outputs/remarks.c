/* SPDX-License-Identifier: Apache-2.0 */
#include "remarks.h"

#include "base/counters.h"
#include "base/log.h"

/* Calls and frames are not hidden by what the filter asks about exchanges; a recording holds what the kernel
 * lets through.
 */
static void remark(const struct filter *filter, enum view view, bool records)
{
	struct buffer keys = { .data = NULL };

	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];
		bool decided = records ? filter_key_in_kernel(key) : key->decider < FILTER_BY_EXCHANGE;

		if (!decided && filter_uses(filter, key))
			buffer_format(&keys, "%s%s:", keys.len ? " " : "", key->name);
	}
	if (keys.len && records)
		log_warn("%.*s does not restrict a recording; pid:, port: and container: do", (int)keys.len,
			 keys.data);
	else if (keys.len && (view == VIEW_RAW || view == VIEW_FRAMES))
		log_warn("%.*s hides no single %s: it asks about whole exchanges", (int)keys.len, keys.data,
			 view == VIEW_RAW ? "calls" : "frames");
	buffer_fini(&keys);
}

void remarks_filter(const struct filter *filter, enum view view, bool recorded)
{
	if (recorded || view == VIEW_RECORD)
		remark(filter, view, true);
	if (view != VIEW_RECORD)
		remark(filter, view, false);
}

void remarks_left_out(struct remarks *remarks, const struct filter *filter, const struct exchange *exchange)
{
	if (!filter_lacks_address(filter, exchange))
		return;
	counter_add(COUNTER_FILTER_NO_ADDRESS, 1);
	if (remarks->said_no_address)
		return;
	remarks->said_no_address = true;
	log_warn(
		"%s (process %u) keeps its TLS in memory buffers, so that its sessions have no known socket: "
		"port: and peer: leave them out (filter.no_address); pid: and comm: do not",
		exchange->mover.exe[0] ? exchange->mover.exe : exchange->mover.comm, exchange->mover.pid);
}

void remarks_unread(struct remarks *remarks, const struct result *result, bool each)
{
	struct buffer text = { .data = NULL };
	struct style style;

	if (log_level < LOG_NORMAL)
		return;
	line_style_init(&style, &(struct sink_config){ .out = stderr });
	if (opaque_told_first(&remarks->told, &style, result, each)) {
		opaque_text_tell(&text, &style, result);
		log_info("%.*s", (int)text.len, text.data ? text.data : "");
	}
	line_style_fini(&style);
	buffer_fini(&text);
}
