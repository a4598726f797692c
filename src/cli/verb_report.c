/* cli/verb_report.c: nnpeek report */
#include "cli/cli.h"

typedef struct report_flags {
    size_t size;
    const char *output;
} report_flags;

static const peek_option rows[] = {
    CLI_TEXT(report_flags, output, "output", "FILE.html",
             "where the report goes (default: report.html in the first run)"),
};
CLI_TABLE(table, "report", report_flags, rows);

int cli_report(int argc, char **argv)
{
    report_flags flags;
    cli_call call = {
        .verb = "report",
        .arguments = "RUN...",
        .about = "Writes the report of one run, or of several side by side, as one HTML file that loads "
                 "nothing from the network.",
        .examples =
            "Examples:\n  nnpeek report run -o report.html\n  nnpeek report run-a run-b -o compare.html\n",
        .sets = {{&table, &flags, NULL}},
        .least = 1,
        .most = CLI_VALUES,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    char path[4096];
    snprintf(path, sizeof path, "%s/report.html", call.positional[0]);
    const char *output = flags.output ? flags.output : path;
    peek_status result =
        peek_report(call.context, (const char *const *)call.positional, call.positionals, output);
    if (result == PEEK_OK) {
        call.result = cJSON_CreateObject();
        cJSON_AddStringToObject(call.result, "report", output);
        cli_say(&call, "the report is in %s\n", output);
    }
    return cli_end(&call, result);
}
