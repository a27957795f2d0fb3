/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine has hundreds of processes and a screen has forty lines: processes
 * of one name with the same coverage are one line with the first ids. Programs
 * that hark cannot cover come first, for they are why somebody asks.
 */
#include "doctor_processes.h"

#include "base/path.h"
#include "doctor_look.h"
#include "library/libraries.h"
#include "library/proc_maps.h"
#include "library/library_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX   256
#define GROUPS_SHOWN 6 /* of the uncovered, and of the covered */
#define PIDS_SHOWN   3

struct group {
	struct doctor_look look; /* of the first; what is grouped by is the same in all */
	uint32_t pids[PIDS_SHOWN];
	unsigned int count;
};

struct doctor_processes {
	struct doctor_files *files;
	struct group groups[GROUPS_MAX];
	size_t group_count;
	unsigned int without;  /* no TLS that is known */
	unsigned int refused;  /* not ours to look at */
	unsigned int unlisted; /* more programs than groups */
};

/* NULL: there are too many. */
static struct group *group_find(struct doctor_processes *processes, const struct doctor_look *look)
{
	struct group *group = processes->groups;

	for (size_t i = 0; i < processes->group_count; i++, group++)
		if (group->look.libraries == look->libraries && group->look.others == look->others &&
		    group->look.is_32bit == look->is_32bit && !group->look.rings == !look->rings &&
		    strncmp(group->look.facts.name, look->facts.name, sizeof(look->facts.name)) == 0)
			return group;
	if (processes->group_count == GROUPS_MAX)
		return NULL;
	processes->group_count++;
	*group = (struct group){ .look = *look };
	return group;
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
	struct group *group;
	int err = doctor_look(&look, processes->files, pid);

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
	group = group_find(processes, &look);
	if (!group) {
		processes->unlisted++;
		return true;
	}
	if (group->count < PIDS_SHOWN)
		group->pids[group->count] = pid;
	group->count++;
	return true;
}

struct doctor_processes *doctor_processes_scan(struct doctor_files *files)
{
	struct doctor_processes *processes = calloc(1, sizeof(*processes));
	int err;

	if (!processes)
		return NULL;
	processes->files = files;
	err = proc_each(process_take, processes);
	if (!err)
		return processes;
	free(processes);
	errno = -err;
	return NULL;
}

static void coverage_print(FILE *out, const struct doctor_files *files, uint64_t libraries, uint32_t others)
{
	const char *between = "covered: ";

	for (size_t i = 0; i < files->count; i++) {
		if (!(libraries >> i & 1))
			continue;
		fputs(between, out);
		doctor_text(out, path_base(files->libraries[i].path));
		between = ", ";
	}
	if (!libraries && !others)
		fputs("no TLS", out);
	between = libraries ? "; mapped too, NOT covered: " : "NOT covered: ";
	for (; others; others &= others - 1) {
		fprintf(out, "%s%s", between, libraries_row(__builtin_ctz(others))->title);
		between = ", ";
	}
}

static void group_print(const struct doctor_processes *processes, const struct group *group, FILE *out)
{
	fputs("  ", out);
	doctor_text(out, group->look.facts.name[0] ? group->look.facts.name : "?");
	if (group->count > 1)
		fprintf(out, " %s%u", MB_CUR_MAX > 1 ? "\303\227" : "x", group->count);
	for (unsigned int i = 0; i < group->count && i < PIDS_SHOWN; i++)
		fprintf(out, "%s%u", i ? ", " : " (", group->pids[i]);
	fputs(group->count > PIDS_SHOWN ? ", ...)  " : ")  ", out);
	coverage_print(out, processes->files, group->look.libraries, group->look.others);
	fputs(group->look.is_32bit ? "; 32-bit: sizes only" : "", out);
	fputs(group->look.rings ? "; io_uring: sizes only" : "", out);
	fputc('\n', out);
}

/* Another library often comes along as a library of a library, unused: beside a followed one it is no
 * trouble. */
static bool group_troubled(const struct group *group)
{
	const struct doctor_look *look = &group->look;

	return (look->others && !look->libraries) || look->is_32bit || look->rings;
}

static void groups_print(const struct doctor_processes *processes, FILE *out, bool troubled, bool all)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < processes->group_count; i++) {
		if (group_troubled(&processes->groups[i]) != troubled)
			continue;
		if (!all && shown == GROUPS_SHOWN) {
			left++;
			continue;
		}
		shown++;
		group_print(processes, &processes->groups[i], out);
	}
	if (left)
		fprintf(out, "  and %zu more programs that are %scovered (-v lists them)\n", left,
			troubled ? "not wholly " : "");
}

void doctor_processes_print(const struct doctor_processes *processes, FILE *out, bool all)
{
	bool troubled = false;

	for (size_t i = 0; i < processes->group_count; i++)
		troubled |= group_troubled(&processes->groups[i]);
	groups_print(processes, out, true, all);
	groups_print(processes, out, false, all);
	fprintf(out, "  %u without TLS that hark knows; what they send in the clear is seen\n",
		processes->without);
	if (processes->refused)
		fprintf(out, "  %u could not be looked at: %s\n", processes->refused,
			geteuid() == 0 ? "the system forbids it even to root" : "run it as root");
	if (processes->unlisted)
		fprintf(out, "  %u more are not listed\n", processes->unlisted);
	if (troubled)
		fprintf(out, "  Not covered: its connections show as opaque, with the server's name. The "
			     "other end\n"
			     "  may be covered; or tshark, if the program can write an SSLKEYLOGFILE.\n");
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
	for (size_t i = 0; i < files->count; i++) {
		if (!(look->libraries >> i & 1))
			continue;
		fprintf(out, "  covered       ");
		doctor_library_print(&files->libraries[i], out, true);
	}
	for (uint32_t others = look->others; others; others &= others - 1)
		fprintf(out,
			"  not covered   %s: hark does not follow it, its connections show as opaque.\n"
			"                Look at the other end, or use SSLKEYLOGFILE and tshark\n",
			libraries_row(__builtin_ctz(others))->title);
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
			err == -ESRCH			  ? "there is none"
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
	obstacles_print(&look, out);
	return 0;
}
