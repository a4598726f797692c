/* cli/arguments.c: flags, help and checks from option tables, by argp. */
#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { OPTIONS = 128, FIRST_KEY = 1000 };

static const peek_option common_rows[] = {
    {.name = "seed",
     .type = PEEK_OPTION_INTEGER,
     .offset = offsetof(cli_common, seed),
     .max = 0x1p53,
     .placeholder = "N",
     .help = "seed of all that is random (default 0)"},
    {.name = "threads",
     .type = PEEK_OPTION_INTEGER,
     .offset = offsetof(cli_common, threads),
     .max = 1024,
     .placeholder = "N",
     .help = "threads to work with; the result does not depend on it (default: the cores it may use)"},
    {.name = "memory",
     .type = PEEK_OPTION_TEXT,
     .offset = offsetof(cli_common, memory),
     .placeholder = "LIMIT",
     .help = "memory that a fit may take, as in 4G or 500M; larger data are read from disk again and again "
             "(default: three quarters of what is free)"},
    {.name = "quiet",
     .type = PEEK_OPTION_FLAG,
     .offset = offsetof(cli_common, quiet),
     .max = 1,
     .help = "say only what went wrong"},
    {.name = "json",
     .type = PEEK_OPTION_FLAG,
     .offset = offsetof(cli_common, json),
     .max = 1,
     .help = "print the result as JSON on standard output"},
};
CLI_TABLE(common_table, "every verb", cli_common, common_rows);

typedef struct parse_state {
    cli_call *call;
    struct argp_option options[OPTIONS];
    char helps[OPTIONS][400];
    int count;
} parse_state;

static int hidden(const cli_set *set, const char *name)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, ",%s,", name);
    return set->hidden && strstr(set->hidden, wanted);
}

static int listed(const parse_state *state, const char *name)
{
    for (int i = 0; i < state->count; i++)
        if (strcmp(state->options[i].name, name) == 0) return 1;
    return 0;
}

/* The help of an option with its default behind it. */
static void describe(const peek_option *option, char *out, size_t size)
{
    char word[64], standard[80] = "";
    if (option->type == PEEK_OPTION_TEXT && option->text)
        snprintf(standard, sizeof standard, " (default %s)", option->text);
    if (option->type == PEEK_OPTION_CHOICE &&
        peek_option_choice(option, (int64_t)option->standard, word, sizeof word))
        snprintf(standard, sizeof standard, ": %s (default %s)", option->choices, word);
    if ((option->type == PEEK_OPTION_INTEGER || option->type == PEEK_OPTION_REAL) &&
        !strstr(option->help, "(default"))
        snprintf(standard, sizeof standard, " (default %.10g)", option->standard);
    snprintf(out, size, "%s%s", option->help, standard);
}

static void add_table(parse_state *state, const cli_set *set, int group)
{
    for (size_t i = 0; i < set->table->count && state->count < OPTIONS - 1; i++) {
        const peek_option *option = &set->table->options[i];
        if (hidden(set, option->name) || listed(state, option->name)) continue;
        char *help = state->helps[state->count];
        describe(option, help, sizeof state->helps[0]);
        state->options[state->count] =
            (struct argp_option){.name = option->name,
                                 .key = strcmp(option->name, "output") == 0 ? 'o' : FIRST_KEY + state->count,
                                 .arg = option->type == PEEK_OPTION_FLAG ? NULL : option->placeholder,
                                 .doc = help,
                                 .group = group};
        state->count++;
    }
}

static error_t parse(int key, char *argument, struct argp_state *argp)
{
    parse_state *state = argp->input;
    cli_call *call = state->call;
    if (key == ARGP_KEY_ARG) {
        if (call->positionals == call->most || call->positionals == CLI_VALUES)
            argp_error(argp, "'%s' is one argument too many: %s takes %s", argument, call->verb,
                       call->arguments[0] ? call->arguments : "none");
        call->positional[call->positionals++] = argument;
        return 0;
    }
    if (key == ARGP_KEY_END && call->positionals < call->least)
        argp_error(argp, "an argument is missing: %s takes %s", call->verb, call->arguments);
    for (int i = 0; i < state->count; i++) {
        if (state->options[i].key != key) continue;
        if (call->value_count == CLI_VALUES) argp_error(argp, "there are more than %d flags", CLI_VALUES);
        call->values[call->value_count].name = state->options[i].name;
        call->values[call->value_count++].value = argument ? argument : "1";
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int has_option(const cli_set *set, const char *name)
{
    for (size_t i = 0; i < set->table->count; i++)
        if (strcmp(set->table->options[i].name, name) == 0) return 1;
    return 0;
}

/* Gives each flag to every struct that has it: one --seed serves all. */
static peek_status apply(cli_call *call)
{
    cli_set common = {&common_table, &call->common, NULL};
    for (int i = 0; i < call->value_count; i++) {
        const char *name = call->values[i].name, *value = call->values[i].value;
        for (int s = -1; s < CLI_SETS; s++) {
            const cli_set *set = s < 0 ? &common : &call->sets[s];
            int mine = set->table && has_option(set, name) && (strcmp(name, "seed") == 0 || !hidden(set, name));
            if (!mine) continue;
            peek_status status = peek_options_set(call->context, set->table, set->options, name, value);
            if (status != PEEK_OK) return status;
        }
    }
    return PEEK_OK;
}

/* "4G", "1.5 GB", "500M", "2GiB" or a number of bytes; 0 where it is none of these. */
static int64_t bytes_of(const char *text)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"", 1},         {"B", 1},        {"k", 1e3},      {"kB", 1e3},    {"M", 1e6},
                 {"MB", 1e6},     {"G", 1e9},      {"GB", 1e9},     {"T", 1e12},    {"TB", 1e12},
                 {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    char *unit;
    double number = strtod(text, &unit);
    while (*unit == ' ') unit++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(unit, units[i].name) == 0 && number * units[i].bytes >= 1 &&
            number * units[i].bytes < 0x1p62)
            return (int64_t)(number * units[i].bytes);
    return 0;
}

static peek_status open_context(cli_call *call)
{
    peek_context_options options;
    peek_context_options_default(&options);
    if (call->common.memory) {
        options.memory = bytes_of(call->common.memory);
        if (!options.memory)
            return cli_wrong(call, "--memory is '%s', but must be a number of bytes, as in 4G or 500M",
                             call->common.memory);
    }
    options.threads = call->common.threads;
    options.event = cli_event;
    peek_context_free(&call->context);
    cli_terminal_begin(call->common.quiet != 0);
    return peek_context_create(&call->context, &options);
}

static int no_memory(const cli_call *call)
{
    fprintf(stderr, "nnpeek %s: not enough memory to begin\n", call->verb);
    return CLI_FAILED;
}

int cli_begin(cli_call *call, int argc, char **argv)
{
    static char name[64];
    parse_state *state = calloc(1, sizeof *state);
    char *text = NULL;
    if (!state || asprintf(&text, "%s\v%s", call->about, call->examples) < 0) {
        free(state);
        return no_memory(call);
    }
    state->call = call;
    peek_options_default(&common_table, &call->common);
    for (int s = 0; s < CLI_SETS && call->sets[s].table; s++) {
        peek_options_default(call->sets[s].table, call->sets[s].options);
        add_table(state, &call->sets[s], 0);
    }
    cli_set common = {&common_table, &call->common, NULL};
    add_table(state, &common, 1);
    snprintf(name, sizeof name, "nnpeek %s", call->verb);
    argv[0] = name;
    argp_err_exit_status = CLI_USAGE;
    setenv("ARGP_HELP_FMT", "rmargin=100,opt-doc-col=28,no-dup-args-note", 0);
    struct argp argp = {.options = state->options, .parser = parse, .args_doc = call->arguments, .doc = text};
    int parsed =
        argp_parse(&argp, argc, argv, 0, NULL, state) == 0; /* what is wrong with the arguments it says */
    /* Values borrow from argv, names from the tables: the state can go. */
    peek_status status = parsed ? peek_context_create(&call->context, NULL) : PEEK_E_MEMORY;
    if (status == PEEK_OK) status = apply(call);
    if (status == PEEK_OK) status = open_context(call);
    free(text);
    free(state);
    return status == PEEK_OK ? CLI_DONE : cli_end(call, status);
}
