/* cli/verb_data.c: nnpeek data */
#include <string.h>

#include "cli/cli.h"

typedef struct data_flags {
    size_t size;
    const char *output, *data_dir;
    int64_t samples, split;
} data_flags;

static const peek_option rows[] = {
    CLI_TEXT(data_flags, output, "output", "DIR", "make: folder for images.npy and labels.npy"),
    {.name = "samples",
     .type = PEEK_OPTION_INTEGER,
     .offset = offsetof(data_flags, samples),
     .standard = 10000,
     .min = 1,
     .max = 1e8,
     .placeholder = "N",
     .help = "make: how many"},
    {.name = "split",
     .type = PEEK_OPTION_CHOICE,
     .offset = offsetof(data_flags, split),
     .choices = "test|train",
     .placeholder = "NAME",
     .help = "make: which split to draw"},
    CLI_TEXT(data_flags, data_dir, "data-dir", "DIR",
             "list: where named data sets are looked up first; get: where it goes (default: nnpeek in the "
             "cache folder)"),
};
CLI_TABLE(table, "data", data_flags, rows);

static peek_status list(cli_call *call, const data_flags *flags)
{
    peek_dataset_options options;
    peek_dataset_entry entry;
    peek_status status;
    peek_dataset_options_default(&options);
    options.data_dir = flags->data_dir;
    call->result = cJSON_CreateArray();
    for (int64_t i = 0;
         (status = peek_dataset_list(call->context, &options, i, &entry)) == PEEK_OK && entry.name; i++) {
        cli_say(call, "%-10s %s\n%-10s %s\n", entry.name, entry.about, "",
                entry.found ? entry.found : "not found under --data-dir, $NNPEEK_DATA or the cache folder");
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", entry.name);
        cJSON_AddStringToObject(item, "about", entry.about);
        if (entry.found)
            cJSON_AddStringToObject(item, "found", entry.found);
        else
            cJSON_AddNullToObject(item, "found");
        cJSON_AddItemToArray(call->result, item);
    }
    return status;
}

static peek_status make(cli_call *call, const data_flags *flags)
{
    peek_dataset *strokes = NULL;
    peek_dataset_options options;
    if (call->positionals != 2 || strcmp(call->positional[1], "strokes") != 0)
        return cli_wrong(call,
                         "data make takes a name; only strokes can be made: nnpeek data make strokes -o DIR");
    if (!flags->output) return cli_wrong(call, "-o is missing: say where the data goes, as in -o strokes");
    peek_dataset_options_default(&options);
    options.samples = flags->samples;
    options.split = flags->split;
    options.seed = call->common.seed;
    peek_status status = peek_dataset_open(call->context, "strokes", &options, &strokes);
    if (status == PEEK_OK) status = peek_dataset_save(call->context, strokes, flags->output);
    peek_dataset_free(&strokes);
    if (status != PEEK_OK) return status;
    call->result = cJSON_CreateObject();
    cJSON_AddStringToObject(call->result, "folder", flags->output);
    cJSON_AddNumberToObject(call->result, "samples", (double)flags->samples);
    cli_say(call, "%lld samples are in %s/images.npy, their labels in labels.npy\n", (long long)flags->samples,
            flags->output);
    return PEEK_OK;
}

/* --data-dir is a flag of `list` as well. */
static peek_status get(cli_call *call, const data_flags *flags, peek_get_options *options)
{
    peek_get_result result;
    char files[32];
    if (call->positionals != 2) return cli_wrong(call, "data get takes a name: mnist or cifar10");
    options->data_dir = flags->data_dir;
    peek_status status = peek_dataset_get(call->context, call->positional[1], options, &result);
    if (status != PEEK_OK) return status;
    call->result = cJSON_CreateObject();
    cJSON_AddStringToObject(call->result, "name", call->positional[1]);
    cJSON_AddStringToObject(call->result, "folder", result.folder);
    cJSON_AddNumberToObject(call->result, "files", (double)result.files);
    cJSON_AddNumberToObject(call->result, "downloaded", (double)result.downloaded);
    cJSON_AddNumberToObject(call->result, "bytes", (double)result.bytes);
    cli_count(result.files, files);
    if (result.downloaded)
        cli_say(call, "%s is in %s: %s files, %.1f MB downloaded\n", call->positional[1], result.folder, files,
                (double)result.bytes / 1e6);
    else
        cli_say(call, "%s is already in %s: %s files\n", call->positional[1], result.folder, files);
    return PEEK_OK;
}

int cli_data(int argc, char **argv)
{
    data_flags flags;
    peek_get_options get_options;
    cli_call call = {
        .verb = "data",
        .arguments = "list|get|make [NAME]",
        .about =
            "Lists the named data sets and where they were found; downloads mnist or cifar10; or makes the "
            "built-in one, strokes. A download that broke off goes on where it was.",
        .examples = "Examples:\n  nnpeek data list\n  nnpeek data get mnist\n"
                    "  nnpeek data get cifar10 --data-dir ~/data --mirror http://mirror.example.org/cifar\n"
                    "  nnpeek data make strokes --samples 5000 -o strokes\n",
        .sets = {{&table, &flags, NULL}, {peek_get_option_table(), &get_options, ",data-dir,"}},
        .least = 1,
        .most = 2,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    const char *what = call.positional[0];
    peek_status result;
    if (strcmp(what, "list") == 0 && call.positionals > 1)
        result =
            cli_wrong(&call, "data list takes no name, but '%s' is given: leave it out", call.positional[1]);
    else if (strcmp(what, "list") == 0)
        result = list(&call, &flags);
    else if (strcmp(what, "get") == 0)
        result = get(&call, &flags, &get_options);
    else if (strcmp(what, "make") == 0)
        result = make(&call, &flags);
    else
        result = cli_wrong(&call, "data can 'list', 'get' and 'make', not '%s'", what);
    return cli_end(&call, result);
}
