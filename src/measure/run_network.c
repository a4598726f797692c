/* measure/run_network.c: what a run was made from, once more. */
#include "measure/run_network.h"

#include <string.h>

#include "base/memory.h"
#include "store/file.h"
#include "store/storage.h"

static const char *text_at(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static peek_status load(const peek__examination *of, const char *path, peek_network **out)
{
    int there;
    PEEK_TRY(peek__find_file(of->context, path, &there));
    if (!there)
        return peek__fail(
            of->context, PEEK_E_NOT_FOUND,
            "%s is not there: say which network the run was made from, as in --network model.onnx", path);
    PEEK_TRY(peek_network_load(of->context, path, out));
    const char *digest = text_at(cJSON_GetObjectItemCaseSensitive(of->manifest, "network"), "digest");
    if (digest && strcmp(digest, peek_network_describe(*out).digest) == 0) return PEEK_OK;
    peek_network_free(out);
    return peek__fail(of->context, PEEK_E_ARGUMENT,
                      "%s is not the network that %s was made from: their digests differ; give that one with "
                      "--network",
                      path, of->capture);
}

peek_status peek__run_network(const peek__examination *of, peek_network **out)
{
    char *path = NULL;
    *out = NULL;
    if (of->options->network) return load(of, of->options->network, out);
    PEEK_TRY(peek__format(of->context, &path, "%s/network.onnx", of->run));
    peek_status status = load(of, path, out);
    peek__free(&path);
    return status;
}

static peek_status no_pictures(const peek__examination *of)
{
    return peek__fail(of->context, PEEK_E_UNSUPPORTED,
                      "nulls and shifts need pictures as the only input, which %s has not", of->capture);
}

/* Copies one channel to its place in every picture; the first one sets the shape. */
static peek_status take_channel(const peek__examination *of, const peek__npy *npy, int64_t channel,
                                peek__pictures *out)
{
    if (npy->dimensions != 4 || npy->shape[1] != 1) return no_pictures(of);
    if (!out->pixels) {
        out->total = npy->rows;
        out->step = peek__examine_step(of, npy->rows);
        out->count = (npy->rows + out->step - 1) / out->step;
        out->height = npy->shape[2];
        out->width = npy->shape[3];
        PEEK_TRY(peek__alloc_raw(of->context, &out->pixels,
                                 peek__product(out->count, out->channels * npy->columns), "pictures"));
    }
    if ((npy->rows + out->step - 1) / out->step != out->count || npy->shape[2] != out->height ||
        npy->shape[3] != out->width)
        return no_pictures(of);
    int64_t plane = npy->columns;
    for (int64_t t = 0; t < out->count; t++)
        peek__npy_floats(npy, t * out->step * plane, plane,
                         out->pixels + (t * out->channels + channel) * plane);
    return PEEK_OK;
}

static peek_status read_channel(const peek__examination *of, const cJSON *entry, int64_t channel,
                                peek__pictures *out)
{
    char *path = NULL;
    peek__npy npy = {0};
    const char *file = text_at(entry, "file");
    if (!file || strchr(file, '/'))
        return peek__fail(of->context, PEEK_E_FORMAT,
                          "%s/manifest.json lists a block without file: capture again", of->capture);
    PEEK_TRY(peek__format(of->context, &path, "%s/%s", of->capture, file));
    peek_status status = peek__stored_open(of->context, path, entry, &npy);
    if (status == PEEK_OK) status = take_channel(of, &npy, channel, out);
    peek__npy_close(&npy);
    peek__free(&path);
    return status;
}

static int is_input(const cJSON *entry)
{
    const char *kind = text_at(entry, "kind");
    return kind && strcmp(kind, "input") == 0;
}

/* Whether it is a channel of the same picture as `first`. */
static int is_channel(const cJSON *entry, const cJSON *first)
{
    const char *input = text_at(entry, "input"), *other = text_at(first, "input");
    return cJSON_GetObjectItemCaseSensitive(entry, "channel") && input && other && strcmp(input, other) == 0;
}

peek_status peek__run_pictures(const peek__examination *of, peek__pictures *out)
{
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(of->manifest, "blocks"), *entry, *first = NULL;
    int64_t channel = 0;
    *out = (peek__pictures){0};
    cJSON_ArrayForEach(entry, blocks)
    {
        if (!is_input(entry)) continue;
        if (!first) first = entry;
        if (!is_channel(entry, first)) return no_pictures(of);
        out->channels++;
    }
    if (!first) return no_pictures(of);
    cJSON_ArrayForEach(entry, blocks)
    {
        if (is_input(entry)) PEEK_TRY(read_channel(of, entry, channel++, out));
    }
    return PEEK_OK;
}

static void capture_options(const peek__examination *of, const char *layers, peek_capture_options *options)
{
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(of->manifest, "options"),
                *budget = cJSON_GetObjectItemCaseSensitive(made, "budget");
    peek_capture_options_default(options);
    if (text_at(made, "layers")) options->layers = text_at(made, "layers");
    if (layers) options->layers = layers;
    if (text_at(made, "reduce")) options->reduce = text_at(made, "reduce");
    if (cJSON_IsNumber(budget)) options->budget = budget->valuedouble;
    const char *store = text_at(made, "store");
    if (store && strstr(store, "float16")) options->budget *= 2; /* half the bytes then; here floats */
    if (text_at(of->manifest, "preprocess")) options->preprocess = text_at(of->manifest, "preprocess");
}

peek_status peek__run_capture(const peek__examination *of, const peek_network *network,
                              const peek__pictures *pictures, const char *layers, const char *folder)
{
    peek_capture_options options;
    peek_dataset *data = NULL;
    char *capture = NULL;
    capture_options(of, layers, &options);
    /* As much for each sample as then, so that layers are averaged as they were. */
    options.budget *= (double)pictures->count / (double)pictures->total;
    peek_status status = peek_dataset_from_array(of->context, pictures->pixels, NULL, pictures->count,
                                                 pictures->channels, pictures->height, pictures->width, &data);
    if (status == PEEK_OK) status = peek__format(of->context, &capture, "%s/capture", folder);
    if (status == PEEK_OK) status = peek_capture(of->context, network, data, &options, capture);
    peek_dataset_free(&data);
    peek__free(&capture);
    return status;
}
