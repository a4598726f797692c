/* cli/verb_train.c: nnpeek train */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

typedef struct train_flags {
    size_t size;
    const char *data, *output, *test, *order, *data_dir, *curve, *keep_epochs;
    int64_t skip_broken;
} train_flags;

static const peek_option rows[] = {
    CLI_TEXT(train_flags, data, "data", "DATA",
             "labelled samples to train on (required): a named data set or a path"),
    CLI_TEXT(train_flags, output, "output", "FILE.onnx", "where the trained network goes (required)"),
    CLI_TEXT(train_flags, test, "test", "DATA",
             "labelled samples to test on (default: the test split of a named data set)"),
    CLI_TEXT(train_flags, order, "order", "ORDER",
             "order of the samples: shuffled, by-class, by-class:9,0-8 or stored (default: shuffled anew every "
             "epoch)"),
    CLI_TEXT(train_flags, curve, "curve", "FILE.csv", "loss and accuracies of every epoch"),
    CLI_TEXT(train_flags, keep_epochs, "keep-epochs", "DIR",
             "folder for the networks before training and after every epoch: epoch-000.onnx .."),
    CLI_TEXT(train_flags, data_dir, "data-dir", "DIR", "where named data sets are looked up first"),
    CLI_SKIP_BROKEN(train_flags),
};
CLI_TABLE(table, "train", train_flags, rows);

typedef struct train_work {
    train_flags flags;
    peek_dataset_cut cut;
    peek_train_options options;
    peek_dataset *all, *data, *test;
    peek_network *network;
    int64_t *confusion;
    cli_call *call;
    cJSON *epochs;
} train_work;

/* The test split of a named data set, or NULL: "mnist:train" gives "mnist:test". Only names are asked for, so
 * that it does not matter where the sets could not be looked for. */
static const char *named_test(cli_call *call, const char *data, char *buffer, size_t size)
{
    size_t length = strcspn(data, ":");
    peek_dataset_entry entry;
    for (int64_t i = 0; (void)peek_dataset_list(call->context, NULL, i, &entry), entry.name; i++)
        if (strlen(entry.name) == length && strncmp(entry.name, data, length) == 0) {
            snprintf(buffer, size, "%.*s:test", (int)length, data);
            return buffer;
        }
    return NULL;
}

static peek_status open_network(cli_call *call, train_work *work)
{
    const char *name = call->positional[0];
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".onnx") == 0)
        return peek_network_load(call->context, name, &work->network);
    int64_t takes[3];
    peek_dataset_info info = peek_dataset_describe(work->data);
    peek_status status = peek_network_takes(call->context, name, info.channels, takes);
    if (status != PEEK_OK) return status;
    return peek_network_build(call->context, name, takes[0], takes[1], takes[2], info.class_count,
                              (uint64_t)call->common.seed, &work->network);
}

/* Brings pictures to what the network takes; everything else stays as it is. */
static peek_status fit_data(cli_call *call, const train_work *work, peek_dataset **data)
{
    peek_network_info takes = peek_network_describe(work->network);
    peek_dataset_info info = peek_dataset_describe(*data);
    int same = info.channels == takes.channels && info.height == takes.height && info.width == takes.width;
    if (!info.pictures || takes.open || takes.dimensions != 3 || same) return PEEK_OK;
    peek_dataset *fitted;
    peek_status status =
        peek_dataset_fit(call->context, *data, takes.channels, takes.height, takes.width, &fitted);
    if (status != PEEK_OK) return status;
    peek_dataset_free(data);
    *data = fitted;
    return PEEK_OK;
}

static peek_status prepare(cli_call *call, train_work *work)
{
    char buffer[256];
    const train_flags *flags = &work->flags;
    if (!flags->data) return cli_wrong(call, "--data is missing: say what to train on, as in --data mnist");
    if (!flags->output)
        return cli_wrong(call, "-o is missing: say where the network goes, as in -o network.onnx");
    peek_status status = cli_check_place(call, flags->output);
    if (status == PEEK_OK)
        status =
            cli_open_data(call, flags->data, flags->data_dir, PEEK_SPLIT_TRAIN, flags->skip_broken, &work->all);
    if (status == PEEK_OK && !peek_dataset_labels(work->all))
        return cli_wrong(call, "%s has no labels: training needs a folder per class or a file of labels",
                         flags->data);
    const char *test = flags->test;
    if (status == PEEK_OK && !test) test = named_test(call, flags->data, buffer, sizeof buffer);
    if (status == PEEK_OK && test)
        status = cli_open_data(call, test, flags->data_dir, PEEK_SPLIT_TEST, flags->skip_broken, &work->test);
    if (status == PEEK_OK && work->test && !peek_dataset_labels(work->test))
        return cli_wrong(call, "%s has no labels: give --test labelled samples", test);
    /* Without an order the samples are shuffled anew every epoch; with one they are taken as ordered. */
    int shuffled = !flags->order || strcmp(flags->order, "shuffled") == 0;
    work->cut.order = shuffled ? "stored" : flags->order;
    work->options.shuffle = shuffled;
    if (status == PEEK_OK) status = peek_dataset_select(call->context, work->all, &work->cut, &work->data);
    if (status == PEEK_OK) status = open_network(call, work);
    if (status == PEEK_OK) status = fit_data(call, work, &work->data);
    return status == PEEK_OK && work->test ? fit_data(call, work, &work->test) : status;
}

static peek_status keep_epoch(train_work *work, int64_t epoch)
{
    char path[4096];
    if (!work->flags.keep_epochs) return PEEK_OK;
    snprintf(path, sizeof path, "%s/epoch-%03lld.onnx", work->flags.keep_epochs, (long long)epoch);
    return peek_network_save(work->call->context, work->network, path);
}

/* Tests, tells and keeps what an epoch came to, as far as somebody wants it. */
static peek_status see_epoch(const peek_train_epoch *epoch, void *user)
{
    train_work *work = user;
    cli_call *call = work->call;
    double test_accuracy = -1;
    int wanted = epoch->epochs > 1 || work->flags.curve;
    if (wanted && work->test) {
        peek_status status =
            peek_network_evaluate(call->context, work->network, work->test, &test_accuracy, NULL);
        if (status != PEEK_OK) return status;
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddNumberToObject(entry, "epoch", (double)epoch->epoch);
    cJSON_AddNumberToObject(entry, "learning_rate", epoch->learning_rate);
    cJSON_AddNumberToObject(entry, "loss", epoch->loss);
    cJSON_AddNumberToObject(entry, "train_accuracy", epoch->train_accuracy);
    if (test_accuracy >= 0) cJSON_AddNumberToObject(entry, "test_accuracy", test_accuracy);
    cJSON_AddItemToArray(work->epochs, entry);
    if (epoch->epochs > 1 && test_accuracy >= 0)
        cli_say(call,
                "epoch %lld of %lld: loss %.4f, accuracy while training %.2f %%, on the test samples %.2f %%\n",
                (long long)epoch->epoch, (long long)epoch->epochs, epoch->loss, 100 * epoch->train_accuracy,
                100 * test_accuracy);
    else if (epoch->epochs > 1)
        cli_say(call, "epoch %lld of %lld: loss %.4f, accuracy while training %.2f %%\n",
                (long long)epoch->epoch, (long long)epoch->epochs, epoch->loss, 100 * epoch->train_accuracy);
    peek_status status =
        work->flags.curve ? cli_curve_put(call, work->flags.curve, epoch, test_accuracy) : PEEK_OK;
    return status == PEEK_OK ? keep_epoch(work, epoch->epoch) : status;
}

static peek_status test_network(cli_call *call, train_work *work)
{
    if (!work->test) {
        cJSON_AddNullToObject(call->result, "test_accuracy");
        cJSON_AddNullToObject(call->result, "confusion");
        return PEEK_OK;
    }
    int64_t classes = peek_network_describe(work->network).outputs;
    double accuracy = 0;
    work->confusion = calloc((size_t)(classes * classes), sizeof *work->confusion);
    if (!work->confusion) return PEEK_E_MEMORY;
    peek_status status =
        peek_network_evaluate(call->context, work->network, work->test, &accuracy, work->confusion);
    if (status != PEEK_OK) return status;
    cJSON_AddNumberToObject(call->result, "test_accuracy", accuracy);
    cJSON *rows_json = cJSON_AddArrayToObject(call->result, "confusion");
    for (int64_t i = 0; i < classes; i++) {
        cJSON *row = cJSON_CreateArray();
        for (int64_t j = 0; j < classes; j++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)work->confusion[i * classes + j]));
        cJSON_AddItemToArray(rows_json, row);
    }
    peek_dataset_info info = peek_dataset_describe(work->test);
    cli_say(call, "test accuracy %.2f %% on %lld samples of %s\n", 100 * accuracy, (long long)info.count,
            info.name);
    return PEEK_OK;
}

static peek_status run(cli_call *call, train_work *work)
{
    peek_train_result result;
    char checkpoint[4096];
    peek_status status = prepare(call, work);
    if (status == PEEK_OK && work->flags.curve) status = cli_check_place(call, work->flags.curve);
    if (status == PEEK_OK && work->flags.keep_epochs) status = cli_make_folder(call, work->flags.keep_epochs);
    if (status != PEEK_OK) return status;
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", work->flags.output);
    work->options.checkpoint = checkpoint;
    work->options.epoch = see_epoch;
    work->options.user = work;
    call->result = cJSON_CreateObject();
    work->epochs = cJSON_AddArrayToObject(call->result, "epochs");
    if (!work->options.resume || access(checkpoint, F_OK) != 0) status = keep_epoch(work, 0);
    if (status == PEEK_OK)
        status = peek_network_train(call->context, work->network, work->data, &work->options, &result);
    if (status != PEEK_OK) return status;
    cJSON_AddStringToObject(call->result, "network", call->positional[0]);
    cJSON_AddStringToObject(call->result, "file", work->flags.output);
    cJSON_AddStringToObject(call->result, "data", peek_dataset_describe(work->all).name);
    cJSON_AddNumberToObject(call->result, "train_samples", (double)result.samples);
    cJSON_AddNumberToObject(call->result, "steps", (double)result.steps);
    cJSON_AddNumberToObject(call->result, "seconds", result.seconds);
    cJSON_AddNumberToObject(call->result, "loss", result.loss);
    cJSON_AddNumberToObject(call->result, "train_accuracy", result.train_accuracy);
    cJSON_AddNumberToObject(call->result, "seed", (double)call->common.seed);
    cli_say(call, "trained on %lld samples in %.1f s: loss %.4f, accuracy while training %.2f %%\n",
            (long long)result.samples, result.seconds, result.loss, 100 * result.train_accuracy);
    status = test_network(call, work);
    if (status == PEEK_OK) status = peek_network_save(call->context, work->network, work->flags.output);
    if (status != PEEK_OK) return status;
    unlink(checkpoint); /* only now is nothing lost with it */
    cli_say(call, "the network is in %s\n", work->flags.output);
    return PEEK_OK;
}

int cli_train(int argc, char **argv)
{
    train_work work = {0};
    cli_call call = {
        .verb = "train",
        .arguments = "NET",
        .about = "Trains a network and writes it as ONNX. NET is paper (28 x 28, grey), alexnet (32 x 32, grey "
                 "or colour) or an ONNX file to train further. Pictures are brought to the network's size. A "
                 "training that was stopped or killed goes on with --resume, from FILE.onnx.checkpoint.",
        .examples =
            "Examples:\n"
            "  nnpeek train paper --data mnist -o mnist.onnx\n"
            "  nnpeek train paper --data mnist --fraction 0.25 -o quarter.onnx\n"
            "  nnpeek train alexnet --data cifar10 --normalise --learning-rate 0.05 --momentum 0.9 --batch 128 "
            "-o alexnet.onnx\n"
            "  nnpeek train paper --data strokes --epochs 10 --milestones 6,9 --curve curve.csv --keep-epochs "
            "epochs -o ten.onnx\n"
            "  nnpeek train paper --data strokes --epochs 10 --resume -o ten.onnx     # after a stop, a crash\n"
            "  nnpeek train paper --data digits/ --order by-class:9,0-8 -o ordered.onnx\n",
        .sets = {{&table, &work.flags, NULL},
                 {peek_dataset_cut_table(), &work.cut, ",order,"},
                 {peek_train_option_table(), &work.options, ",shuffle,checkpoint,"}},
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    work.call = &call;
    peek_status result = run(&call, &work);
    free(work.confusion);
    peek_network_free(&work.network);
    peek_dataset_free(&work.test);
    peek_dataset_free(&work.data);
    peek_dataset_free(&work.all);
    return cli_end(&call, result);
}
