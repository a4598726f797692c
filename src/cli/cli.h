/* cli/cli.h: what the verbs share: arguments from option tables, a context that shows progress, results as text
 * or JSON. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "nnpeek/nnpeek.h"

#include "cli/result.h"

enum { CLI_SETS = 5, CLI_VALUES = 256, CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

/* One option struct that flags of a verb fill. hidden: names, each between commas (",split,seed,"), that are no
 * flags here; or NULL. */
typedef struct cli_set {
    const peek_option_table *table;
    void *options;
    const char *hidden;
} cli_set;

typedef struct cli_common {
    size_t size;
    int64_t seed, threads, quiet, json;
    const char *memory;
} cli_common;

/* One run of a verb. The verb fills the first part, cli_begin() the second. */
typedef struct cli_call {
    const char *verb, *arguments, *about, *examples;
    cli_set sets[CLI_SETS];
    int least, most; /* positional arguments */

    cli_common common;
    char *positional[CLI_VALUES];
    int positionals;
    struct {
        const char *name, *value;
    } values[CLI_VALUES]; /* all flags in the order given */
    int value_count;
    peek_context *context;
    cJSON *result; /* the verb's result, printed with --json */
    char *made;    /* the output folder, where it or its parents were made by this call */
    size_t kept;   /* the leading part of `made` that was there before */
} cli_call;

/* Parses the arguments, creates the context, installs the handler of Ctrl-C. Returns CLI_DONE or the exit
 * status. */
int cli_begin(cli_call *call, int argc, char **argv);

/* Ends a call: prints the error, or with --json the result; frees the context. Returns the exit status. */
int cli_end(cli_call *call, peek_status status);

/* A failure of the command line itself, printed like those of the library: `return cli_wrong(call, "...")`. */
peek_status cli_wrong(cli_call *call, const char *format, ...) PEEK_PRINTF(2, 3);

/* Prints to standard output unless --json or --quiet. */
void cli_say(const cli_call *call, const char *format, ...) PEEK_PRINTF(2, 3);

/* Opens DATA for a verb, `split` for bare names, without broken pictures where skip_broken says so. A named
 * data set is the same whatever --seed says. */
peek_status cli_open_data(cli_call *call, const char *spec, const char *data_dir, peek_split split,
                          int64_t skip_broken, peek_dataset **out);

/* All values that were given for a flag, in order; returns how many. out has CLI_VALUES places. */
int64_t cli_values(const cli_call *call, const char *flag, const char *out[]);

/* Makes an output folder and its parents before long work, so that an unwritable place is found out first. What
 * was made and is still empty goes again when the call fails. */
peek_status cli_make_folder(cli_call *call, const char *path);
void cli_unmake_folder(cli_call *call);

/* The same for an output file: it has a name, is no folder itself, and its folder is there and writable. */
peek_status cli_check_place(cli_call *call, const char *path);

/* "1,440" with thin grouping for a person; buffer of 32. */
const char *cli_count(int64_t number, char *buffer);

/* The width of a column of names: of the widest so far and this one, but no wider than most terminals allow. */
int cli_wider(int width, const char *name);

/* Reads a JSON file that the library has written. Errors: said through cli_wrong(). */
peek_status cli_read_json(cli_call *call, const char *folder, const char *name, cJSON **out);

/* A number of a JSON object, 0 where there is none. */
double cli_number(const cJSON *object, const char *name);

/* Prints what measures.json holds of measures that were asked for, now or before: a line a rank, a shift
 * (findings.c). */
void cli_say_asked(const cli_call *call, const cJSON *measures);

/* Prints what measures.json holds, in a few lines. */
void cli_say_findings(const cli_call *call, const cJSON *measures);

/* Writes the line of an epoch into a CSV, behind those of the epochs before it; test_accuracy below 0: unknown
 * (curve.c). */
peek_status cli_curve_put(cli_call *call, const char *path, const peek_train_epoch *epoch,
                          double test_accuracy);

/* The event callback and its bar (terminal.c). */
int cli_event(const peek_event *event, void *user);
void cli_terminal_begin(int quiet);
void cli_terminal_clear(void);
int cli_interrupted(void);

/* The verbs, one a file. */
int cli_demo(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_layers(int argc, char **argv);
int cli_train(int argc, char **argv);
int cli_capture(int argc, char **argv);
int cli_fit(int argc, char **argv);
int cli_measure(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_study(int argc, char **argv);
int cli_data(int argc, char **argv);

/* Rows of a verb's own option table. */
#define CLI_TEXT(struct_, field, flag, place, help_)                                                           \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_TEXT, .offset = offsetof(struct_, field), .placeholder = place,      \
        .help = help_                                                                                          \
    }
#define CLI_FLAG(struct_, field, flag, help_)                                                                  \
    {                                                                                                          \
        .name = flag, .type = PEEK_OPTION_FLAG, .offset = offsetof(struct_, field), .max = 1, .help = help_    \
    }
#define CLI_SKIP_BROKEN(struct_)                                                                               \
    CLI_FLAG(struct_, skip_broken, "skip-broken",                                                              \
             "leave out pictures of a folder that cannot be read, instead of failing")
#define CLI_TABLE(table, name_, struct_, rows)                                                                 \
    static const peek_option_table table = {.name = name_,                                                     \
                                            .struct_size = sizeof(struct_),                                    \
                                            .count = sizeof(rows) / sizeof *(rows),                            \
                                            .options = rows}

#endif
