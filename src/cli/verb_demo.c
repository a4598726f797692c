/* cli/verb_demo.c: nnpeek demo */
#include <string.h>

#include "cli/cli.h"

typedef struct demo_flags {
    size_t size;
    const char *output, *data_dir;
} demo_flags;

static const peek_option rows[] = {
    CLI_TEXT(demo_flags, output, "output", "DIR", "folder for network, run and report (default nnpeek-demo)"),
    CLI_TEXT(demo_flags, data_dir, "data-dir", "DIR", "where MNIST is looked up first"),
};
CLI_TABLE(table, "demo", demo_flags, rows);

/* MNIST where it is found, else the built-in strokes. */
static peek_status choose_data(cli_call *call, const char *data_dir, const char **data)
{
    peek_dataset_options options;
    peek_dataset_entry entry;
    peek_status status;
    peek_dataset_options_default(&options);
    options.data_dir = data_dir;
    *data = "strokes";
    for (int64_t i = 0;
         (status = peek_dataset_list(call->context, &options, i, &entry)) == PEEK_OK && entry.name; i++)
        if (strcmp(entry.name, "mnist") == 0 && entry.found) *data = "mnist";
    return status;
}

static peek_status train(cli_call *call, const char *data, const char *data_dir, const char *path)
{
    peek_dataset *training = NULL, *test = NULL;
    peek_network *network = NULL;
    peek_train_options options;
    peek_train_result result;
    double accuracy = 0;
    peek_train_options_default(&options);
    options.seed = call->common.seed;
    peek_status status = cli_open_data(call, data, data_dir, PEEK_SPLIT_TRAIN, 0, &training);
    if (status == PEEK_OK) status = cli_open_data(call, data, data_dir, PEEK_SPLIT_TEST, 0, &test);
    if (status == PEEK_OK) {
        peek_dataset_info info = peek_dataset_describe(training);
        status = peek_network_build(call->context, "paper", info.channels, info.height, info.width,
                                    info.class_count, (uint64_t)call->common.seed, &network);
    }
    if (status == PEEK_OK) status = peek_network_train(call->context, network, training, &options, &result);
    if (status == PEEK_OK) status = peek_network_evaluate(call->context, network, test, &accuracy, NULL);
    if (status == PEEK_OK) status = peek_network_save(call->context, network, path);
    if (status == PEEK_OK) {
        char count[32];
        cJSON_AddNumberToObject(call->result, "test_accuracy", accuracy);
        cJSON_AddNumberToObject(call->result, "train_seconds", result.seconds);
        cli_say(
            call,
            "the paper's network, one epoch on %s samples of %s in %.1f s: %.2f %% right on the test samples\n",
            cli_count(result.samples, count), data, result.seconds, 100 * accuracy);
    }
    peek_network_free(&network);
    peek_dataset_free(&test);
    peek_dataset_free(&training);
    return status;
}

static peek_status run(cli_call *call, const demo_flags *flags)
{
    char network[4096], report[4096];
    const char *folder = flags->output ? flags->output : "nnpeek-demo", *data;
    peek_inspect_options options;
    snprintf(network, sizeof network, "%s/network.onnx", folder);
    snprintf(report, sizeof report, "%s/report.html", folder);
    peek_inspect_options_default(&options);
    options.seed = call->common.seed;
    options.data_dir = flags->data_dir;
    peek_status status = choose_data(call, flags->data_dir, &data);
    if (status != PEEK_OK) return status;
    call->result = cJSON_CreateObject();
    cJSON_AddStringToObject(call->result, "data", data);
    status = cli_make_folder(call, folder);
    if (status == PEEK_OK) status = train(call, data, flags->data_dir, network);
    if (status == PEEK_OK) status = peek_inspect(call->context, network, data, folder, report, &options);
    cJSON *measures = NULL;
    if (status == PEEK_OK) status = cli_read_json(call, folder, "measures.json", &measures);
    if (status != PEEK_OK) return status;
    cli_say_findings(call, measures);
    cJSON_AddItemToObject(call->result, "measures", measures);
    cJSON_AddStringToObject(call->result, "report", report);
    cli_say(call, "\nopen the report in a browser: %s\n", report);
    return PEEK_OK;
}

int cli_demo(int argc, char **argv)
{
    demo_flags flags;
    cli_call call = {
        .verb = "demo",
        .arguments = "",
        .about = "Trains the network of the paper for one epoch on MNIST where it is found, else on strokes "
                 "(drawn digits, built in), "
                 "then goes the whole way: capture, joint factorisation, measures, report.",
        .examples = "Examples:\n  nnpeek demo\n  nnpeek demo -o /tmp/demo --data-dir ~/data\n",
        .sets = {{&table, &flags, NULL}},
    };
    int status = cli_begin(&call, argc, argv);
    return status != CLI_DONE ? status : cli_end(&call, run(&call, &flags));
}
