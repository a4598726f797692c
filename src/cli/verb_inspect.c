/* cli/verb_inspect.c: nnpeek inspect */
#include <string.h>

#include "cli/cli.h"

typedef struct inspect_flags {
    size_t size;
    const char *output, *run, *input;
} inspect_flags;

static const peek_option rows[] = {
    CLI_TEXT(inspect_flags, output, "output", "FILE.html", "where the report goes (default report.html)"),
    CLI_TEXT(inspect_flags, run, "run", "DIR", "folder of the run (default: the report's name without .html)"),
    CLI_TEXT(inspect_flags, input, "input", "NAME=DATA",
             "samples of one input of the network, by its name; once for each input of several"),
};
CLI_TABLE(table, "inspect", inspect_flags, rows);

static peek_status run(cli_call *call, const inspect_flags *flags, peek_inspect_options *options)
{
    char folder[4096];
    const char *named[CLI_VALUES], *data = call->positionals > 1 ? call->positional[1] : NULL;
    options->inputs = cli_values(call, "input", named);
    options->input = named;
    if (!data && !options->inputs)
        return cli_wrong(call,
                         "an argument is missing: inspect takes NETWORK DATA, as in nnpeek inspect %s images/",
                         call->positional[0]);
    const char *output = flags->output ? flags->output : "report.html";
    size_t length = strlen(output);
    if (length > 5 && strcmp(output + length - 5, ".html") == 0)
        snprintf(folder, sizeof folder, "%.*s", (int)(length - 5), output);
    else
        snprintf(folder, sizeof folder, "%s.run", output);
    const char *place = flags->run ? flags->run : folder;
    peek_status status = peek_inspect(call->context, call->positional[0], data, place, output, options);
    if (status == PEEK_OK) status = cli_read_json(call, place, "measures.json", &call->result);
    if (status != PEEK_OK) return status;
    cJSON_AddStringToObject(call->result, "run", place);
    cJSON_AddStringToObject(call->result, "report", output);
    cli_say_findings(call, call->result);
    cli_say(call, "the run is in %s, the report in %s\n", place, output);
    return PEEK_OK;
}

int cli_inspect(int argc, char **argv)
{
    inspect_flags flags;
    peek_inspect_options options;
    cli_call call = {
        .verb = "inspect",
        .arguments = "NETWORK [DATA]",
        .about = "The whole way: reads an ONNX network, runs data through it, factorises input and layers "
                 "jointly, measures, and "
                 "writes a report to look at. Labels are used for captions only.",
        .examples = "Examples:\n"
                    "  nnpeek inspect model.onnx images/ -o report.html\n"
                    "  nnpeek inspect model.onnx mnist --samples 5000 --ranks 5,10,20 -o mnist.html\n"
                    "  nnpeek inspect model.onnx images/ --resume -o report.html     # after a stop, a crash\n"
                    "  nnpeek inspect signals.onnx signals.npy -o report.html\n"
                    "  nnpeek inspect two.onnx images/ --input table=table.npy -o report.html\n",
        .sets = {{&table, &flags, NULL}, {peek_inspect_option_table(), &options, NULL}},
        .least = 1,
        .most = 2,
    };
    int status = cli_begin(&call, argc, argv);
    return status != CLI_DONE ? status : cli_end(&call, run(&call, &flags, &options));
}
