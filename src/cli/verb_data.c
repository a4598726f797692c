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
    CLI_TEXT(data_flags, data_dir, "data-dir", "DIR", "list: where named data sets are looked up first"),
};
CLI_TABLE(table, "data", data_flags, rows);

static peek_status list(cli_call *call, const data_flags *flags)
{
    peek_dataset_options options;
    peek_dataset_entry entry;
    peek_dataset_options_default(&options);
    options.data_dir = flags->data_dir;
    call->result = cJSON_CreateArray();
    for (int64_t i = 0; peek_dataset_list(call->context, &options, i, &entry); i++) {
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
    return PEEK_OK;
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

int cli_data(int argc, char **argv)
{
    data_flags flags;
    cli_call call = {
        .verb = "data",
        .arguments = "list|make [NAME]",
        .about = "Lists the named data sets and where they were found, or makes the built-in one, strokes.",
        .examples = "Examples:\n  nnpeek data list\n  nnpeek data make strokes --samples 5000 -o strokes\n",
        .sets = {{&table, &flags, NULL}},
        .least = 1,
        .most = 2,
    };
    int status = cli_begin(&call, argc, argv);
    if (status != CLI_DONE) return status;
    peek_status result;
    if (strcmp(call.positional[0], "list") == 0 && call.positionals > 1)
        result =
            cli_wrong(&call, "data list takes no name, but '%s' is given: leave it out", call.positional[1]);
    else if (strcmp(call.positional[0], "list") == 0)
        result = list(&call, &flags);
    else if (strcmp(call.positional[0], "make") == 0)
        result = make(&call, &flags);
    else
        result = cli_wrong(&call, "data can 'list' and 'make', not '%s'", call.positional[0]);
    return cli_end(&call, result);
}
