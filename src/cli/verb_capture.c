/* cli/verb_capture.c: nnpeek capture */
#include "cli/cli.h"

typedef struct capture_flags {
    size_t size;
    const char *data, *output, *labels, *data_dir, *input;
    int64_t skip_broken;
} capture_flags;

static const peek_option rows[] = {
    CLI_TEXT(capture_flags, data, "data", "DATA", "samples to run: a named data set or a path"),
    CLI_TEXT(capture_flags, input, "input", "NAME=DATA",
             "samples of one input of the network, by its name; once for each input of several"),
    CLI_TEXT(capture_flags, output, "output", "DIR", "folder for the capture (required)"),
    CLI_TEXT(capture_flags, labels, "labels", "FILE",
             "labels for captions: an .npy of integers, or a name a line"),
    CLI_TEXT(capture_flags, data_dir, "data-dir", "DIR", "where named data sets are looked up first"),
    CLI_SKIP_BROKEN(capture_flags),
};
CLI_TABLE(table, "capture", capture_flags, rows);

/* What is opened on the way. */
typedef struct opened {
    peek_network *network;
    peek_input *inputs;
    int64_t count;
} opened;

static peek_status run(cli_call *call, const capture_flags *flags, const peek_capture_options *options,
                       opened *o)
{
    const char *named[CLI_VALUES];
    int64_t count = cli_values(call, "input", named);
    if (!flags->data && !count)
        return cli_wrong(call, "--data is missing: say what to run, as in --data images/");
    if (!flags->output)
        return cli_wrong(call, "-o is missing: say where the capture goes, as in -o run/capture");
    peek_dataset_options data_options;
    peek_dataset_options_default(&data_options);
    data_options.data_dir = flags->data_dir;
    data_options.skip_broken = flags->skip_broken;
    peek_status status = peek_network_load(call->context, call->positional[0], &o->network);
    if (status == PEEK_OK)
        status = peek_inputs_open(call->context, flags->data, count, named, &data_options, flags->labels,
                                  &o->inputs, &o->count);
    if (status == PEEK_OK)
        status = peek_capture_inputs(call->context, o->network, o->count, o->inputs, options, flags->output);
    if (status == PEEK_OK) status = cli_read_json(call, flags->output, "manifest.json", &call->result);
    if (status != PEEK_OK) return status;
    const cJSON *block, *blocks = cJSON_GetObjectItem(call->result, "blocks");
    int wide = 5;
    cJSON_ArrayForEach(block, blocks) wide =
        cli_wider(wide, cJSON_GetStringValue(cJSON_GetObjectItem(block, "name")));
    cli_say(call, "%-*s %-18s %12s  %s\n", wide, "block", "operator", "values", "reduction");
    cJSON_ArrayForEach(block, blocks)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(block, "name"));
        const char *op = cJSON_GetStringValue(cJSON_GetObjectItem(block, "operator"));
        const cJSON *columns = cJSON_GetObjectItem(block, "columns");
        const char *reduction = cJSON_GetStringValue(cJSON_GetObjectItem(block, "reduction"));
        cli_say(call, "%-*s %-18s %12.0f  %s\n", wide, name ? name : "", op && *op ? op : "input",
                columns ? columns->valuedouble : 0, reduction ? reduction : "");
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
            "  nnpeek capture model.onnx --data mnist --samples 2000 --layers 'relu*,softmax' -o run/capture\n"
            "  nnpeek capture model.onnx --data images/ --reduce grid:7,first -o run/capture\n"
            "  nnpeek capture model.onnx --data images/ --store float16 -o run/capture\n"
            "  nnpeek capture model.onnx --data images/ --skip-broken -o run/capture\n"
            "  nnpeek capture model.onnx --data images/ --resume -o run/capture     # after a stop, a crash\n"
            "  nnpeek capture two.onnx --input image=images/ --input table=table.npy -o run/capture\n",
        .sets = {{&table, &flags, NULL}, {peek_capture_option_table(), &options, NULL}},
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    opened o = {0};
    peek_status result = run(&call, &flags, &options, &o);
    peek_inputs_free(&o.inputs, o.count);
    peek_network_free(&o.network);
    return cli_end(&call, result);
}
