/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine has hundreds of processes and a screen has forty lines: processes
 * of one name of which the same is said are one line with the first ids.
 * Programs that hark cannot cover come first, for they are why somebody asks.
 */
#include "doctor_processes.h"

#include "base/escape.h"
#include "doctor_cells.h"
#include "doctor_look.h"
#include "library/libraries.h"
#include "library/library_search.h"
#include "library/proc_maps.h"
#include "sinks/line_text.h"
#include "sinks/text_width.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX   256
#define GROUPS_SHOWN 6 /* of the uncovered, and of the covered */
#define PIDS_SHOWN   3
#define CELL_MIN     4 /* columns that each keeps */

struct group {
	struct doctor_look look; /* of the first, but for the ports, which are those of all */
	uint32_t pids[PIDS_SHOWN];
	unsigned int count;
	struct buffer cells[COLUMN_COUNT];
};

struct doctor_processes {
	struct doctor_files *files;
	uint32_t except;
	struct group groups[GROUPS_MAX];
	size_t group_count;
	unsigned int without;  /* no TLS that is known */
	unsigned int refused;  /* not ours to look at */
	unsigned int unlisted; /* more programs than groups */
};

static bool cells_same(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

static void cells_fini(struct buffer cells[COLUMN_COUNT])
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_fini(&cells[i]);
}

static bool group_has(const struct group *group, const struct doctor_look *look,
		      const struct buffer cells[COLUMN_COUNT])
{
	if (strncmp(group->look.facts.name, look->facts.name, sizeof(look->facts.name)) != 0)
		return false;
	for (size_t i = COLUMN_LIBRARY; i < COLUMN_COUNT; i++)
		if (!cells_same(&group->cells[i], &cells[i]))
			return false;
	return true;
}

/* Takes the process into its group. False: there are too many. */
static bool group_take(struct doctor_processes *processes, const struct doctor_look *look)
{
	struct buffer cells[COLUMN_COUNT] = { 0 };
	struct group *group = processes->groups;

	doctor_cells_put(cells, look, processes->files);
	while (group < processes->groups + processes->group_count && !group_has(group, look, cells))
		group++;
	if (group < processes->groups + processes->group_count) {
		cells_fini(cells);
		doctor_ports_merge(&group->look.ports, &look->ports);
	} else if (processes->group_count == GROUPS_MAX) {
		cells_fini(cells);
		return false;
	} else {
		processes->group_count++;
		*group = (struct group){ .look = *look };
		memcpy(group->cells, cells, sizeof(cells));
	}
	if (group->count < PIDS_SHOWN)
		group->pids[group->count] = look->pid;
	group->count++;
	return true;
}

static void libraries_count(struct doctor_files *files, const struct doctor_look *look)
{
	for (size_t i = 0; i < files->count; i++)
		files->libraries[i].processes += (look->libraries | look->unknown) >> i & 1;
}

static bool process_take(void *ctx, uint32_t pid)
{
	struct doctor_processes *processes = ctx;
	struct doctor_look look;
	int err = -ESRCH;

	if (pid != processes->except) {
		/* One that began since all were searched would seem to have nothing that is followed. */
		(void)library_search_scan_pid(processes->files->search, pid);
		err = doctor_look(&look, processes->files, pid);
	}
	if (err) {
		processes->refused += err == -EACCES || err == -EPERM;
		return true;
	}
	if (!look.has_files)
		return true; /* a kernel thread */
	libraries_count(processes->files, &look);
	if (!look.libraries && !look.others && !look.is_32bit && !look.rings) {
		processes->without++;
		return true;
	}
	if (!group_take(processes, &look))
		processes->unlisted++;
	return true;
}

static void group_finish(struct group *group)
{
	struct buffer *program = &group->cells[COLUMN_PROGRAM];
	const char *name = group->look.facts.name;

	escape_text(program, slice_of_string(name[0] ? name : "?"), MB_CUR_MAX > 1);
	if (group->count > 1)
		buffer_format(program, " %s%u", MB_CUR_MAX > 1 ? "\303\227" : "x", group->count);
	for (unsigned int i = 0; i < group->count && i < PIDS_SHOWN; i++)
		buffer_format(program, "%s%u", i ? ", " : " (", group->pids[i]);
	buffer_string(program, group->count > PIDS_SHOWN ? ", ...)" : ")");
	doctor_ports_put(&group->cells[COLUMN_TCP], &group->look.ports);
}

struct doctor_processes *doctor_processes_scan(struct doctor_files *files, uint32_t except)
{
	struct doctor_processes *processes = calloc(1, sizeof(*processes));
	int err;

	if (!processes)
		return NULL;
	processes->files = files;
	processes->except = except;
	err = proc_each(process_take, processes);
	for (size_t i = 0; i < processes->group_count; i++)
		group_finish(&processes->groups[i]);
	if (!err)
		return processes;
	doctor_processes_free(processes);
	errno = -err;
	return NULL;
}

void doctor_processes_free(struct doctor_processes *processes)
{
	for (size_t i = 0; processes && i < processes->group_count; i++)
		cells_fini(processes->groups[i].cells);
	free(processes);
}

/* Another library often comes along as a library of a library, unused: beside a followed one it is no
 * trouble. */
static bool group_troubled(const struct group *group)
{
	const struct doctor_look *look = &group->look;

	return doctor_verdict_of(look) > VERDICT_READ || look->is_32bit || look->rings;
}

/* The groups that a screen shows, in the order in which it does. */
struct shown {
	const struct group *groups[GROUPS_MAX];
	size_t count;
	size_t left[2]; /* not shown: covered, troubled */
};

static void groups_choose(struct shown *shown, const struct doctor_processes *processes, bool troubled,
			  bool all)
{
	size_t before = shown->count;

	for (size_t i = 0; i < processes->group_count; i++) {
		if (group_troubled(&processes->groups[i]) != troubled)
			continue;
		if (all || shown->count - before < GROUPS_SHOWN)
			shown->groups[shown->count++] = &processes->groups[i];
		else
			shown->left[troubled]++;
	}
}

/* On a narrow screen the columns keep to these shares of it. */
static const struct {
	const char *title;
	size_t share;
} columns[COLUMN_COUNT] = {
	[COLUMN_PROGRAM] = { "PROGRAM", 8 },	 [COLUMN_TCP] = { "TCP PORTS", 4 },
	[COLUMN_LIBRARY] = { "TLS LIBRARY", 5 }, [COLUMN_FOUND] = { "FOUND", 4 },
	[COLUMN_READ] = { "READ?", 8 },
};

/* As wide as the widest cell; where that is more than the screen has, who is most above the share gives way.
 */
static void widths_choose(size_t widths[COLUMN_COUNT], const struct shown *shown, size_t screen_columns)
{
	size_t total = 2 * COLUMN_COUNT; /* the margin, and what is between them */

	for (size_t column = 0; column < COLUMN_COUNT; column++) {
		widths[column] = strlen(columns[column].title);
		for (size_t i = 0; i < shown->count; i++) {
			const struct buffer *cell = &shown->groups[i]->cells[column];
			size_t width = text_width(cell->data, cell->len);

			widths[column] = width > widths[column] ? width : widths[column];
		}
		total += widths[column];
	}
	for (; screen_columns && total > screen_columns; total--) {
		size_t most = 0;

		for (size_t column = 1; column < COLUMN_COUNT; column++)
			if (widths[column] * columns[most].share > widths[most] * columns[column].share)
				most = column;
		if (widths[most] <= CELL_MIN)
			return;
		widths[most]--;
	}
}

/* One row; cells NULL: the titles. */
static void row_print(const size_t widths[COLUMN_COUNT], const struct buffer *cells, enum style_color color,
		      const struct doctor_screen *screen, FILE *out)
{
	const struct style style = { .color = screen->color };
	struct buffer line = { 0 };

	buffer_string(&line, "  ");
	for (size_t column = 0; column < COLUMN_COUNT; column++) {
		bool colored = !cells || column == COLUMN_READ;
		size_t start;

		if (colored)
			line_style_on(&line, &style, color);
		start = line.len;
		if (cells)
			buffer_put(&line, cells[column].data, cells[column].len);
		else
			buffer_string(&line, columns[column].title);
		text_cut_end(&line, start, widths[column], MB_CUR_MAX > 1);
		if (column + 1 < COLUMN_COUNT)
			line_column_end(&line, start, widths[column] + 1);
		if (colored)
			line_style_off(&line, &style);
	}
	buffer_char(&line, '\n');
	(void)buffer_write(&line, out);
	buffer_fini(&line);
}

void doctor_processes_print(const struct doctor_processes *processes, FILE *out,
			    const struct doctor_screen *screen)
{
	size_t widths[COLUMN_COUNT];
	struct shown shown = { .count = 0 };
	bool troubled;

	groups_choose(&shown, processes, true, screen->detail);
	troubled = shown.count > 0;
	groups_choose(&shown, processes, false, screen->detail);
	widths_choose(widths, &shown, screen->detail ? 0 : screen->columns);
	if (shown.count)
		row_print(widths, NULL, STYLE_BOLD, screen, out);
	for (size_t i = 0; i < shown.count; i++)
		row_print(widths, shown.groups[i]->cells,
			  group_troubled(shown.groups[i]) ? STYLE_RED : STYLE_GREEN, screen, out);
	for (size_t i = 2; i-- > 0;)
		if (shown.left[i])
			fprintf(out, "  and %zu more programs that are %scovered (-v lists them)\n",
				shown.left[i], i ? "not wholly " : "");
	fprintf(out, "  %u without TLS that hark knows; what they send in the clear is seen\n",
		processes->without);
	if (processes->refused)
		fprintf(out, "  %u could not be looked at: %s\n", processes->refused,
			geteuid() == 0 ? "the system forbids it even to root" : "run it as root");
	if (processes->unlisted)
		fprintf(out, "  %u more are not listed\n", processes->unlisted);
	if (troubled)
		fprintf(out, "  Not read: its connections show as opaque, with the server's name; hark "
			     "doctor PID\n"
			     "  says more. The other end may be covered; or tshark, if it writes "
			     "SSLKEYLOGFILE.\n");
}

static void ports_print(const struct doctor_look *look, FILE *out)
{
	struct buffer text = { 0 };

	buffer_string(&text, "  TCP ports     ");
	doctor_ports_put(&text, &look->ports);
	buffer_string(&text, "  (hark -p shows what is spoken there)\n");
	(void)buffer_write(&text, out);
	buffer_fini(&text);
}

static void obstacles_print(const struct doctor_look *look, FILE *out)
{
	if (look->is_32bit)
		fprintf(out, "  32-bit        of its transfers only the sizes are seen\n");
	if (look->is_static)
		fprintf(out, "  static        no loader is mapped: TLS can only be inside the executable\n");
	if (look->rings)
		fprintf(out,
			"  io_uring      %u ring%s: of what moves through them only the sizes are seen\n",
			look->rings, look->rings == 1 ? "" : "s");
	if (look->other_mounts)
		fprintf(out, "  mounts        its own: its libraries are found through /proc, not by path\n");
	if (look->other_network)
		fprintf(out, "  network       its own: addresses are those of its namespace\n");
	if (look->container[0]) {
		fprintf(out, "  cgroup        ");
		doctor_text(out, look->container);
		fputc('\n', out);
	}
}

static void coverage_detail(const struct doctor_look *look, const struct doctor_files *files, FILE *out)
{
	for (uint32_t others = look->others; others; others &= others - 1) {
		const struct library_row *row = libraries_row((size_t)__builtin_ctz(others));
		const char *limit = doctor_row_limit(row);

		fprintf(out,
			"  not covered   %s: %s\n"
			"                Its connections show as opaque. Look at the other end, or use\n"
			"                SSLKEYLOGFILE and tshark\n",
			row->title, limit ? limit : "hark does not follow it");
	}
	for (size_t i = 0; i < files->count; i++) {
		if (!(look->libraries >> i & 1))
			continue;
		fprintf(out, "  covered       ");
		doctor_library_print(&files->libraries[i], out, true);
	}
	if (!look->libraries && !look->others)
		fprintf(out, "  no TLS        that hark knows; what it sends in the clear is seen\n");
}

int doctor_process_print(struct doctor_files *files, uint32_t pid, FILE *out)
{
	struct doctor_look look;
	int err = library_search_scan_pid(files->search, pid);

	if (!err)
		err = doctor_look(&look, files, pid);
	if (err) {
		fprintf(out, "process %u: %s\n", pid,
			err == -ESRCH			  ? "it has ended, or never was: ask while it runs, "
							    "or start it under hark (hark -- COMMAND)"
			: err == -EACCES || err == -EPERM ? "it belongs to another user: run doctor as root"
							  : strerror(-err));
		return err;
	}
	libraries_count(files, &look);
	fprintf(out, "process %u ", pid);
	doctor_text(out, look.facts.name[0] ? look.facts.name : look.facts.h.comm);
	fprintf(out, ", user %u\n", look.facts.h.uid);
	if (!look.has_files)
		fprintf(out, "  a kernel thread: it maps nothing\n");
	else
		coverage_detail(&look, files, out);
	if (look.has_files)
		ports_print(&look, out);
	obstacles_print(&look, out);
	return 0;
}
