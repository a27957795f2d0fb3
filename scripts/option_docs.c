/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what the tables of options and of TLS libraries say in the forms that others read:
 *
 *   option_docs bash | zsh     a completion file
 *   option_docs man PAGE       a page of the manual with its generated parts made anew, to stdout
 *   option_docs md PAGE        the same of a page in Markdown
 *
 * A generated part of a page stands between the lines `.\" begin NAME` and `.\" end`, in Markdown
 * `<!-- begin NAME -->` and `<!-- end -->`. A test makes them again and compares.
 */
#include "cli/option_table.h"
#include "library/libraries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words that can be typed for an argument; a shell completes files, processes and users by itself. */
static const struct argument {
	const char *arg, *words, *zsh;
} arguments[] = {
	{ "PID[,PID...]", NULL, "_pids" },
	{ "NAME", NULL, "_command_names -e" },
	{ "USER", NULL, "_users" },
	{ "FILE", NULL, "_files" },
	{ "FORMAT[:FILE]", "text json", NULL },
	{ "WHEN", "auto always never", NULL },
	{ "WAY", "auto socket syscall", NULL },
};

static const struct argument *argument_find(const char *arg)
{
	for (size_t i = 0; arg && i < sizeof(arguments) / sizeof(arguments[0]); i++)
		if (strcmp(arguments[i].arg, arg) == 0)
			return &arguments[i];
	return NULL;
}

static char letter_of(const struct option_row *row)
{
	return (char)row->argp.key;
}

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
	{ "options", man_options },
	{ "synopsis", man_commands },
	{ "filters", man_filters },
	{ "TLS libraries", md_libraries },
};

static int page_write(const struct page_form *form, const char *path)
{
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
static bool bash_pattern(const char *arg)
{
	const char *separator = "\t";

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->argp.arg || strcmp(row->argp.arg, arg) != 0)
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

static void bash_arguments(void)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		const struct argument *argument = &arguments[i];

		if (!bash_pattern(argument->arg))
			continue;
		if (argument->words)
			printf("\t\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n", argument->words);
		else if (strcmp(argument->arg, "FILE") == 0)
			puts("\t\tcompopt -o default\n\t\tCOMPREPLY=()");
		else if (strcmp(argument->arg, "USER") == 0)
			puts("\t\tCOMPREPLY=($(compgen -u -- \"$cur\"))");
		else if (strcmp(argument->arg, "NAME") == 0)
			puts("\t\tCOMPREPLY=($(compgen -W \"$(cat /proc/[0-9]*/comm 2>/dev/null | sort -u)\" "
			     "-- \"$cur\"))");
		else
			puts("\t\tCOMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\"))");
		puts("\t\treturn\n\t\t;;");
	}
}

/* Other arguments: nothing to offer but what the user knows. */
static void bash_free_arguments(void)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->argp.arg || argument_find(row->argp.arg))
			continue;
		printf("\t");
		if (letter_of(row))
			printf("-%c | ", letter_of(row));
		printf("--%s)\n\t\treturn\n\t\t;;\n", row->argp.name);
	}
}

static void bash_write(void)
{
	puts("# bash completion for hark; made from its option table\n"
	     "_hark()\n{\n"
	     "\tlocal cur prev words cword i\n"
	     "\tCOMPREPLY=()\n"
	     "\tif declare -F _init_completion >/dev/null; then\n"
	     "\t\t_init_completion -s || return\n"
	     "\telse\n"
	     "\t\tcur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "\t\twords=(\"${COMP_WORDS[@]}\") cword=$COMP_CWORD\n"
	     "\tfi\n"
	     "\tfor ((i = 1; i < cword; i++)); do\n"
	     "\t\tif [[ ${words[i]} == -- ]]; then\n"
	     "\t\t\tif declare -F _command_offset >/dev/null; then\n"
	     "\t\t\t\t_command_offset $((i + 1))\n"
	     "\t\t\telse\n"
	     "\t\t\t\tCOMPREPLY=($(compgen -c -f -- \"$cur\"))\n"
	     "\t\t\tfi\n"
	     "\t\t\treturn\n"
	     "\t\tfi\n"
	     "\tdone\n"
	     "\tcase $prev in");
	bash_arguments();
	bash_free_arguments();
	puts("\treplay)\n\t\tcompopt -o default\n\t\tCOMPREPLY=()\n\t\treturn\n\t\t;;\n"
	     "\tdoctor)\n\t\tCOMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\"))\n"
	     "\t\treturn\n\t\t;;\n\tesac");
	printf("\tCOMPREPLY=($(compgen -W '");
	bash_names();
	for (size_t i = 0; i < command_row_count; i++)
		printf("%s ", command_rows[i].name);
	for (size_t i = 0; i < filter_key_count; i++)
		printf("%s: ", filter_keys[i].name);
	puts("' -- \"$cur\"))\n"
	     "\t[[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *: ]] && compopt -o nospace 2>/dev/null\n"
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
	const struct argument *argument = argument_find(row->argp.arg);
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
	if (argument && argument->words)
		printf("(%s)", argument->words);
	else if (argument)
		printf("%s", argument->zsh);
	puts("' \\");
}

static void zsh_write(void)
{
	puts("#compdef hark\n# zsh completion for hark; made from its option table\n_hark() {\n"
	     "\tlocal -a views filters\n\tlocal context state line\n\tviews=(");
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
	     "\t[[ $state == first ]] && _describe view views\n"
	     "\t[[ $state == more ]] && _files\n"
	     "\t_describe -S : filter filters\n}\n_hark \"$@\"");
}

int main(int argc, char **argv)
{
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
