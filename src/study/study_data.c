/* study/study_data.c: the data of a study's families, in memory as their networks take them. */
#include "study/study_data.h"

#include <string.h>

#include "base/memory.h"
#include "data/content.h"
#include "nnpeek/network.h"

static peek_status open_split(peek_context *context, const peek_study_options *options, const char *data,
                              const char *split, peek_dataset **out)
{
    char *name;
    peek_dataset_options how;
    peek_dataset_options_default(&how);
    how.data_dir = options->data_dir;
    PEEK_TRY(peek__format(context, &name, "%s:%s", data, split));
    peek_status status = peek_dataset_open(context, name, &how, out);
    peek__free(&name);
    return status;
}

/* A split as the network takes it, in memory: many runs read it many times. */
static peek_status hold(peek_context *context, const char *zoo, peek_dataset **data)
{
    int64_t takes[3];
    peek_dataset *fitted = NULL, *held = NULL;
    PEEK_TRY(peek_network_takes(context, zoo, peek_dataset_describe(*data).channels, takes));
    peek_status status = peek_dataset_fit(context, *data, takes[0], takes[1], takes[2], &fitted);
    if (status == PEEK_OK) status = peek__dataset_hold(context, fitted, &held);
    peek_dataset_free(&fitted);
    if (status != PEEK_OK) return status;
    peek_dataset_free(data);
    *data = held;
    return PEEK_OK;
}

static peek_status open_family(peek_context *context, const peek__study_family *family,
                               const peek_study_options *options, int stand_in, peek__study_data *out)
{
    out->name = options->data ? options->data : family->data;
    peek_status status = open_split(context, options, out->name, "train", &out->train);
    if (status == PEEK_E_NOT_FOUND && !options->data && strcmp(out->name, "strokes") != 0 && stand_in) {
        peek__note(context,
                   "%s is not found (give --data-dir, set NNPEEK_DATA, or get it with `nnpeek data get`): the "
                   "study runs on strokes, drawn digits that are built in",
                   out->name);
        out->name = "strokes";
        status = open_split(context, options, out->name, "train", &out->train);
    }
    if (status == PEEK_OK) status = open_split(context, options, out->name, "test", &out->test);
    if (status != PEEK_OK) return status;
    if (!peek_dataset_labels(out->train) || !peek_dataset_labels(out->test))
        return peek__fail(context, PEEK_E_ARGUMENT, "the study needs labelled data, but '%s' has no labels",
                          out->name);
    PEEK_TRY(hold(context, family->zoo, &out->train));
    return hold(context, family->zoo, &out->test);
}

peek_status peek__study_data_open(peek_context *context, const peek__recipe *recipe,
                                  const peek_study_options *options, peek__study_data **out)
{
    PEEK_TRY(peek__alloc(context, out, recipe->families, "the data of a study"));
    for (int64_t i = 0; i < recipe->families; i++)
        PEEK_TRY(open_family(context, &recipe->family[i], options, recipe->families == 1, &(*out)[i]));
    return PEEK_OK;
}

void peek__study_data_free(peek__study_data **data, int64_t families)
{
    for (int64_t i = 0; *data && i < families; i++) {
        peek_dataset_free(&(*data)[i].train);
        peek_dataset_free(&(*data)[i].test);
    }
    peek__free(data);
}
