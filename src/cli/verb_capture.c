/* cli/verb_capture.c: nnpeek capture */
#include "cli/cli.h"

typedef struct capture_flags {
    size_t size;
    const char *data, *output, *labels, *data_dir;
} capture_flags;

static const peek_option rows[] = {
    CLI_TEXT(capture_flags, data, "data", "DATA", "samples to run (required): a named data set or a path"),
    CLI_TEXT(capture_flags, output, "output", "DIR", "folder for the capture (required)"),
    CLI_TEXT(capture_flags, labels, "labels", "FILE",
             "labels for captions: an .npy of integers, or a name a line"),
    CLI_TEXT(capture_flags, data_dir, "data-dir", "DIR", "where named data sets are looked up first"),
};
CLI_TABLE(table, "capture", capture_flags, rows);

static peek_status run(cli_call *call, const capture_flags *flags, const peek_capture_options *options,
                       peek_network **network, peek_dataset **data)
{
    if (!flags->data) return cli_wrong(call, "--data is missing: say what to run, as in --data images/");
    if (!flags->output)
        return cli_wrong(call, "-o is missing: say where the capture goes, as in -o run/capture");
    peek_status status = peek_network_load(call->context, call->positional[0], network);
    if (status == PEEK_OK) status = cli_open_data(call, flags->data, flags->data_dir, PEEK_SPLIT_TEST, data);
    if (status == PEEK_OK && flags->labels)
        status = peek_dataset_read_labels(call->context, *data, flags->labels);
    if (status == PEEK_OK) status = peek_capture(call->context, *network, *data, options, flags->output);
    if (status == PEEK_OK) status = cli_read_json(call, flags->output, "manifest.json", &call->result);
    if (status != PEEK_OK) return status;
    const cJSON *block;
    cli_say(call, "%-24s %-12s %12s\n", "block", "operator", "values");
    cJSON_ArrayForEach(block, cJSON_GetObjectItem(call->result, "blocks"))
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(block, "name"));
        const char *op = cJSON_GetStringValue(cJSON_GetObjectItem(block, "operator"));
        const cJSON *columns = cJSON_GetObjectItem(block, "columns");
        cli_say(call, "%-24s %-12s %12.0f\n", name ? name : "", op ? op : "input",
                columns ? columns->valuedouble : 0);
    }
    cli_say(call, "the capture is in %s\n", flags->output);
    return PEEK_OK;
}

int cli_capture(int argc, char **argv)
{
    capture_flags flags;
    peek_capture_options options;
    cli_call call = {
        .verb = "capture",
        .arguments = "NETWORK",
        .about = "Runs data through an ONNX network and writes the input and the activations of the chosen "
                 "layers, one .npy file "
                 "each with one sample a row.",
        .examples =
            "Examples:\n"
            "  nnpeek capture model.onnx --data images/ -o run/capture\n"
            "  nnpeek capture model.onnx --data mnist --samples 2000 --layers 'relu*,softmax' -o run/capture\n",
        .sets = {{&table, &flags, NULL}, {peek_capture_option_table(), &options, NULL}},
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    peek_network *network = NULL;
    peek_dataset *data = NULL;
    peek_status result = run(&call, &flags, &options, &network, &data);
    peek_dataset_free(&data);
    peek_network_free(&network);
    return cli_end(&call, result);
}
