/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what the tables of options, of keys and of TLS libraries say in the forms that others read:
 *
 *   option_docs bash | zsh     a completion file
 *   option_docs man PAGE       a page of the manual with its generated parts made anew, to stdout
 *   option_docs md PAGE        the same of a page in Markdown
 *
 * A generated part of a page stands between the lines `.\" begin NAME` and `.\" end`, in Markdown
 * `<!-- begin NAME -->` and `<!-- end -->`. A test makes them again and compares.
 */
#include "base/counters.h"
#include "cli/option_table.h"
#include "library/libraries.h"
#include "model/exchange.h"
#include "sinks/top/top.h"
#include "stats/stats.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what can be typed for an argument, or behind a filter's colon ------------------- */

static void put_word(void *ctx, const char *word)
{
	(void)ctx;
	printf("%s ", word);
}

static void list_by(void)
{
	for (int i = 0; stats_by_name((enum stats_by)i); i++)
		put_word(NULL, stats_by_name((enum stats_by)i));
}

static void list_sorts(void)
{
	for (int i = 0; stats_sort_name((enum stats_sort)i); i++)
		put_word(NULL, stats_sort_name((enum stats_sort)i));
}

static void list_flags(void)
{
	exchange_flags_each(~0u, put_word, NULL);
}

/* Of one kind of values: words, or a list of the program's, or what the shell finds out. */
struct values {
	const char *name, *words;
	void (*list)(void);
	const char *bash, *zsh; /* a command that offers them */
};

#define BASH_PROGRAMS "_hark_offer $(_hark_programs)"
#define BASH_USERS    "_hark_offer $(compgen -u)"
#define BASH_PIDS     "_hark_offer $(cd /proc && echo [0-9]*)"

/* By how --help calls it, or of one option alone. */
static const struct values arguments[] = {
	{ .name = "PID[,PID...]", .bash = BASH_PIDS, .zsh = "_pids" },
	{ .name = "comm", .bash = BASH_PROGRAMS, .zsh = "_hark_programs" },
	{ .name = "USER", .bash = BASH_USERS, .zsh = "_users" },
	{ .name = "FILE", .bash = "_hark_files", .zsh = "_files" },
	{ .name = "FORMAT[:FILE]", .words = "text json har curl" },
	{ .name = "as", .words = "curl" },
	{ .name = "WHEN", .words = "auto always never" },
	{ .name = "WAY", .words = "auto socket syscall" },
	{ .name = "KEY", .list = list_by },
	{ .name = "COLUMN", .list = list_sorts },
};

/* By the name of the key; of the others hark cannot know what is meant. */
static const struct values filter_values[] = {
	{ .name = "pid", .bash = BASH_PIDS, .zsh = "_pids" },
	{ .name = "comm", .bash = BASH_PROGRAMS, .zsh = "_hark_programs" },
	{ .name = "user", .bash = BASH_USERS, .zsh = "_users" },
	{ .name = "role", .words = "client server" },
	{ .name = "tls", .words = "yes no" },
	{ .name = "proto", .words = "1 1.0 1.1 2 3" },
	{ .name = "method", .words = "GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE" },
	{ .name = "status", .words = "1xx 2xx 3xx 4xx 5xx none" },
	{ .name = "grpc", .words = "error" },
	{ .name = "flag", .list = list_flags },
};

static void values_put(const struct values *values)
{
	if (values->words)
		fputs(values->words, stdout);
	else
		values->list();
}

static bool values_are_for(const struct values *values, const struct option_row *row)
{
	return row->argp.arg &&
	       (strcmp(values->name, row->argp.arg) == 0 || strcmp(values->name, row->argp.name) == 0);
}

static const struct values *argument_find(const struct option_row *row)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
		if (values_are_for(&arguments[i], row))
			return &arguments[i];
	return NULL;
}

static char letter_of(const struct option_row *row)
{
	return (char)row->argp.key;
}

static const char *page_path; /* of the page that is written */

/* --- the man page ------------------------------------------------------------- */

/* Text in roff: hyphens and backslashes stand for themselves, no line begins with a control character. */
static void man_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '.' && text[1] == ' ' && text[2] >= 'A' && text[2] <= 'Z')
			fputs(".\n", stdout), text++;
		else
			putchar(*text);
	}
}

static void man_option(const struct option_row *row)
{
	char letter = letter_of(row);
	const char *arg = row->argp.arg;

	puts(".TP");
	printf("\\fB");
	if (letter)
		printf("\\-%c", letter);
	if (letter && arg)
		printf("\\fR \\fI%s", arg);
	if (letter)
		printf("\\fR, \\fB");
	man_text("--");
	man_text(row->argp.name);
	if (arg)
		printf("\\fR=\\fI%s", arg);
	puts("\\fR");
	man_text(row->argp.doc);
	puts(".");
	if (row->more) {
		man_text(row->more);
		putchar('\n');
	}
}

static void man_options(void)
{
	int group = 0;

	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].argp.group != group)
			printf(".SS %s\n", option_groups[option_rows[i].argp.group]);
		group = option_rows[i].argp.group;
		man_option(&option_rows[i]);
	}
}

static void man_filters(void)
{
	for (size_t i = 0; i < filter_key_count; i++) {
		const struct filter_key *key = &filter_keys[i];

		printf(".TP\n\\fB%s:\\fI", key->name);
		man_text(key->form);
		puts("\\fR");
		man_text(key->doc);
		puts(".");
		if (key->more) {
			man_text(key->more);
			putchar('\n');
		}
	}
}

static void man_counters(void)
{
	for (enum counter counter = 0; counter < COUNTER_COUNT; counter++) {
		printf(".TP\n\\fB");
		man_text(counter_name(counter));
		puts("\\fR");
		man_text(counter_meaning(counter));
		puts(".");
	}
}

static void man_top_keys(void)
{
	for (size_t i = 0; i < top_key_count; i++) {
		const struct top_key_row *row = &top_keys[i];

		if (!row->help)
			continue;
		printf(".TP\n\\fB");
		man_text(row->help_keys);
		printf("\\fR\n%c", toupper((unsigned char)*row->help));
		man_text(row->help + 1);
		puts(".");
	}
}

/* A cell of a Markdown table: code is bold, links and the like do not occur. */
static void man_cell(const char *cell, size_t len)
{
	bool code = false;

	for (const char *c = cell; c < cell + len; c++) {
		if (*c == '`')
			fputs((code = !code) ? "\\fB" : "\\fR", stdout);
		else if (*c == '-')
			fputs("\\-", stdout);
		else if (*c == '\\')
			fputs("\\e", stdout);
		else
			putchar(*c);
	}
}

/* The keys of docs/interface.md, which stands beside the page. */
static void man_keys(void)
{
	char path[4096], line[4096];
	const char *slash = strrchr(page_path, '/');
	bool inside = false;
	FILE *file;

	snprintf(path, sizeof(path), "%.*sinterface.md", slash ? (int)(slash + 1 - page_path) : 0, page_path);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file)) {
		char *cells[3], *at = line + strlen("| ");
		size_t count = 0;

		if (strncmp(line, "## ", 3) == 0)
			inside = strcmp(line, "## JSON keys\n") == 0;
		if (!inside || strncmp(line, "| `", 3) != 0)
			continue;
		for (char *end; count < 3 && (end = strstr(at, " |"));
		     at = end + strlen(" |") + (end[2] == ' ')) {
			*end = '\0';
			cells[count++] = at;
		}
		if (count < 2)
			continue;
		puts(".TP");
		man_cell(cells[0], strlen(cells[0]));
		printf("\\& (%s)\n", cells[1]);
		if (count > 2 && *cells[2]) {
			fputs("\\&", stdout);
			man_cell(cells[2], strlen(cells[2]));
			puts(".");
		}
	}
	fclose(file);
}

static void man_commands(void)
{
	for (size_t i = 0; i < command_row_count; i++) {
		printf(i ? ".br\n\\fBhark %s\\fR " : "\\fBhark\\fR [\\fB%s\\fR] ", command_rows[i].name);
		fputs("[OPTION...] ", stdout);
		man_text(command_rows[i].form);
		putchar('\n');
	}
}

/* --- Markdown ------------------------------------------------------------------ */

/* A row without users is one more form of another's. */
static void md_libraries(void)
{
	const struct library_row *row;

	puts("| programs and languages | TLS library | read? |\n| --- | --- | --- |");
	for (size_t i = 0; (row = libraries_row(i)); i++) {
		if (!row->used_by)
			continue;
		printf("| %s", row->used_by);
		if (row->untried)
			printf(" (not tried: %s)", row->untried);
		printf(" | %s | %s", row->title, row->number ? "yes" : "**no**");
		if (row->limit)
			printf(": %s", row->limit);
		puts(" |");
	}
}

/* --- pages ------------------------------------------------------------------------- */

static const struct page_form {
	const char *name, *begin, *begin_end, *end;
} forms[] = {
	{ "man", ".\\\" begin ", "\n", ".\\\" end\n" },
	{ "md", "<!-- begin ", " -->\n", "<!-- end -->\n" },
};

static const struct {
	const char *name;
	void (*write)(void);
} parts[] = {
	{ "options", man_options },   { "synopsis", man_commands }, { "filters", man_filters },
	{ "counters", man_counters }, { "keys", man_keys },	    { "TLS libraries", md_libraries },
	{ "top", man_top_keys },
};

static int page_write(const struct page_form *form, const char *path)
{
	page_path = path;
	FILE *page = fopen(path, "r");
	char line[4096], *name, *end;
	bool inside = false;

	if (!page) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), page)) {
		if (strcmp(line, form->end) == 0)
			inside = false;
		if (!inside)
			fputs(line, stdout);
		if (strncmp(line, form->begin, strlen(form->begin)) != 0)
			continue;
		name = line + strlen(form->begin);
		end = strstr(name, form->begin_end);
		if (end)
			*end = '\0';
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (strcmp(parts[i].name, name) == 0)
				parts[i].write(), inside = true;
		if (!inside) {
			fprintf(stderr, "%s: there is no part %s\n", path, name);
			return 1;
		}
	}
	fclose(page);
	return inside;
}

static const struct page_form *form_find(const char *name)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	return NULL;
}

/* --- bash ------------------------------------------------------------------------ */

static void bash_names(void)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (letter_of(&option_rows[i]))
			printf("-%c ", letter_of(&option_rows[i]));
		printf("--%s ", option_rows[i].argp.name);
	}
}

/* The options whose argument is completed in one way, as a pattern of case; false: there are none. */
static bool bash_pattern(const struct values *values)
{
	const char *separator = "\t";

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!values_are_for(values, row))
			continue;
		if (letter_of(row))
			printf("%s-%c", separator, letter_of(row)), separator = " | ";
		printf("%s--%s", separator, row->argp.name);
		separator = " | ";
	}
	if (*separator == '\t')
		return false;
	puts(")");
	return true;
}

static void bash_values(const struct values *values)
{
	if (values->bash) {
		printf("\t\t%s\n", values->bash);
	} else {
		printf("\t\t_hark_offer ");
		values_put(values);
		puts("");
	}
	if (values->list == list_sorts) {
		printf("\t\t[[ $cur == -* ]] && _hark_offer ");
		for (int i = 0; stats_sort_name((enum stats_sort)i); i++)
			printf("-%s ", stats_sort_name((enum stats_sort)i));
		puts("");
	}
}

static void bash_arguments(void)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		if (!bash_pattern(&arguments[i]))
			continue;
		bash_values(&arguments[i]);
		puts("\t\treturn\n\t\t;;");
	}
}

/* Other arguments: nothing to offer but what the user knows. */
static void bash_free_arguments(void)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->argp.arg || argument_find(row))
			continue;
		printf("\t");
		if (letter_of(row))
			printf("-%c | ", letter_of(row));
		printf("--%s)\n\t\treturn\n\t\t;;\n", row->argp.name);
	}
}

/*
 * Readline replaces what stands behind the last of COMP_WORDBREAKS, to which = and : belong as a rule. Names
 * of programs are other people's words: nothing expands them (compgen -W would), and one that a shell has to
 * quote is not offered.
 */
static const char bash_head[] = "# bash completion for hark; made from its tables\n"
				"_hark_offer()\n{\n"
				"\tlocal word\n"
				"\tif [[ $cur == *,* ]]; then\n"
				"\t\tkept=$kept${cur%,*},\n"
				"\t\tcur=${cur##*,}\n"
				"\tfi\n"
				"\tfor word; do\n"
				"\t\t[[ $word == \"$cur\"* ]] && COMPREPLY+=(\"$kept$word\")\n"
				"\tdone\n}\n"
				"_hark_files()\n{\n"
				"\tcompopt -o default 2>/dev/null\n"
				"\tCOMPREPLY=()\n}\n"
				"_hark_programs()\n{\n"
				"\tlocal file name\n"
				"\tfor file in /proc/[0-9]*/comm; do\n"
				"\t\t{ IFS= read -r name <\"$file\"; } 2>/dev/null || continue\n"
				"\t\t[[ $name =~ ^[A-Za-z0-9_.+-]+$ ]] && printf '%s\\n' \"$name\"\n"
				"\tdone | sort -u\n}\n"
				"_hark_value()\n{\n"
				"\tcase $1 in\n";

static const char bash_begin[] = "\tesac\n}\n"
				 "_hark()\n{\n"
				 "\tlocal cur prev kept= key line=${COMP_LINE:0:COMP_POINT} i\n"
				 "\tCOMPREPLY=()\n"
				 "\tcur=${line##*[[:space:]]}\n"
				 "\tprev=${line%\"$cur\"}\n"
				 "\tprev=${prev%\"${prev##*[![:space:]]}\"}\n"
				 "\tprev=${prev##*[[:space:]]}\n"
				 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
				 "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
				 "\t\t\tif declare -F _command_offset >/dev/null; then\n"
				 "\t\t\t\t_command_offset $((i + 1))\n"
				 "\t\t\telse\n"
				 "\t\t\t\tmapfile -t COMPREPLY < <(compgen -c -f -- \"$cur\")\n"
				 "\t\t\tfi\n"
				 "\t\t\treturn\n"
				 "\t\tfi\n"
				 "\tdone\n"
				 "\tif [[ $cur == --*=* ]]; then\n"
				 "\t\tprev=${cur%%=*}\n"
				 "\t\t[[ $COMP_WORDBREAKS == *=* ]] || kept=$prev=\n"
				 "\t\tcur=${cur#*=}\n"
				 "\tfi\n"
				 "\tcase $prev in\n";

static void bash_filter_values(void)
{
	for (size_t i = 0; i < sizeof(filter_values) / sizeof(filter_values[0]); i++) {
		printf("\t%s)\n", filter_values[i].name);
		bash_values(&filter_values[i]);
		puts("\t\t;;");
	}
}

static void bash_write(void)
{
	fputs(bash_head, stdout);
	bash_filter_values();
	fputs(bash_begin, stdout);
	bash_arguments();
	bash_free_arguments();
	puts("\treplay)\n\t\t_hark_files\n\t\treturn\n\t\t;;\n"
	     "\tdoctor)\n\t\t" BASH_PIDS "\n\t\treturn\n\t\t;;\n\tesac\n"
	     "\tif [[ $cur == *:* ]]; then\n"
	     "\t\tkey=${cur%%:*}\n"
	     "\t\t[[ $COMP_WORDBREAKS == *:* ]] || kept=$key:\n"
	     "\t\tcur=${cur#*:}\n"
	     "\t\t_hark_value \"${key#!}\"\n"
	     "\t\treturn\n"
	     "\tfi");
	printf("\t_hark_offer ");
	bash_names();
	for (size_t i = 0; i < command_row_count; i++)
		printf("%s ", command_rows[i].name);
	for (size_t i = 0; i < filter_key_count; i++)
		printf("%s: ", filter_keys[i].name);
	puts("\n\t[[ $cur == !* ]] && kept=! cur=${cur#!} && _hark_offer \\");
	printf("\t\t");
	for (size_t i = 0; i < filter_key_count; i++)
		printf("%s: ", filter_keys[i].name);
	puts("\n\t[[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *: ]] && compopt -o nospace 2>/dev/null\n"
	     "\treturn 0\n}\ncomplete -F _hark hark");
}

/* --- zsh --------------------------------------------------------------------------- */

/* Within '...[text]...' of _arguments. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void zsh_option(const struct option_row *row)
{
	const struct values *argument = argument_find(row);
	char letter = letter_of(row);

	if (letter)
		printf("\t\t'*'{-%c%s,--%s%s}'[", letter, row->argp.arg ? "+" : "", row->argp.name,
		       row->argp.arg ? "=" : "");
	else
		printf("\t\t'*--%s%s[", row->argp.name, row->argp.arg ? "=" : "");
	zsh_text(row->argp.doc);
	putchar(']');
	if (row->argp.arg) {
		putchar(':');
		zsh_text(row->argp.arg);
		putchar(':');
	}
	if (argument && argument->zsh) {
		fputs(argument->zsh, stdout);
	} else if (argument) {
		putchar('(');
		values_put(argument);
		putchar(')');
	}
	puts("' \\");
}

static void zsh_values(void)
{
	puts("_hark_value() {\n\tcase $1 in");
	for (size_t i = 0; i < sizeof(filter_values) / sizeof(filter_values[0]); i++) {
		const struct values *values = &filter_values[i];

		printf("\t%s)\n\t\t", values->name);
		if (values->zsh) {
			fputs(values->zsh, stdout);
		} else {
			printf("compadd -S '' -- ");
			values_put(values);
		}
		puts("\n\t\t;;");
	}
	puts("\tesac\n}");
}

static void zsh_write(void)
{
	puts("#compdef hark\n# zsh completion for hark; made from its tables\n"
	     "_hark_programs() {\n"
	     "\tlocal -a names\n"
	     "\tnames=(${(fu)\"$(cat /proc/[0-9]*/comm 2>/dev/null)\"})\n"
	     "\tcompadd -S '' \"$@\" -- ${(M)names:#[A-Za-z0-9_.+-]*~*[^A-Za-z0-9_.+-]*}\n}");
	zsh_values();
	puts("_hark() {\n"
	     "\tsetopt localoptions extendedglob\n"
	     "\tlocal -a views filters\n\tlocal context state line key\n\tviews=(");
	for (size_t i = 0; i < command_row_count; i++) {
		printf("\t\t'%s:", command_rows[i].name);
		zsh_text(command_rows[i].doc);
		puts("'");
	}
	puts("\t)\n\tfilters=(");
	for (size_t i = 0; i < filter_key_count; i++) {
		printf("\t\t'%s:", filter_keys[i].name);
		zsh_text(filter_keys[i].doc);
		puts("'");
	}
	puts("\t)\n\t_arguments -s \\");
	for (size_t i = 0; i < option_row_count; i++)
		zsh_option(&option_rows[i]);
	puts("\t\t'(-)--[the command to run]:*:: :_normal' \\\n"
	     "\t\t'1:view or filter:->first' \\\n"
	     "\t\t'*:filter or file:->more' && return\n"
	     "\tif [[ $PREFIX == *:* ]]; then\n"
	     "\t\tkey=${${PREFIX%%:*}#\\!}\n"
	     "\t\tcompset -P '[^:]#:'\n"
	     "\t\tcompset -P '*,'\n"
	     "\t\t_hark_value $key\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcompset -P '\\!'\n"
	     "\t[[ $state == first ]] && _describe view views\n"
	     "\t[[ $state == more ]] && _files\n"
	     "\t_describe -S : filter filters\n}\n_hark \"$@\"");
}

/* A key that was renamed is renamed here. */
static bool values_have_keys(void)
{
	for (size_t i = 0; i < sizeof(filter_values) / sizeof(filter_values[0]); i++) {
		size_t j = 0;

		while (j < filter_key_count && strcmp(filter_keys[j].name, filter_values[i].name) != 0)
			j++;
		if (j == filter_key_count)
			return fprintf(stderr, "there is no filter %s:\n", filter_values[i].name), false;
	}
	return true;
}

int main(int argc, char **argv)
{
	if (!values_have_keys())
		return 1;
	if (argc == 2 && strcmp(argv[1], "bash") == 0)
		bash_write();
	else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
		zsh_write();
	else if (argc == 3 && form_find(argv[1]))
		return page_write(form_find(argv[1]), argv[2]);
	else
		return fputs("usage: option_docs bash | zsh | man PAGE | md PAGE\n", stderr), 2;
	return 0;
}
