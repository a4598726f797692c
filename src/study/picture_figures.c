/* study/picture_figures.c: models as pictures in a page. */
#include "study/picture_figures.h"

#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/captions.h"
#include "report/packed.h"
#include "store/npy.h"
#include "study/chart.h"

enum { CLASSES_SHOWN = 3, CHANNELS = 3 };

#define PUT(...) PEEK_TRY(peek__put(context, file, __VA_ARGS__))

/* Writes "data:image/png;base64,..". pixels: height x width x channels, one or three. */
static peek_status put_png(peek_context *context, peek__file *file, const uint8_t *pixels, int64_t height,
                           int64_t width, int64_t channels)
{
    struct spng_ihdr header = {.width = (uint32_t)width,
                               .height = (uint32_t)height,
                               .bit_depth = 8,
                               .color_type =
                                   channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_GRAYSCALE};
    int code;
    size_t size = 0;
    char *text = NULL;
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!png) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for a picture");
    spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    spng_set_ihdr(png, &header);
    code =
        spng_encode_image(png, pixels, (size_t)(height * width * channels), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    uint8_t *bytes = code ? NULL : spng_get_png_buffer(png, &size, &code);
    spng_ctx_free(png);
    peek_status status =
        bytes ? peek__alloc(context, &text, (int64_t)(size + 2) / 3 * 4 + 1, "a picture")
              : peek__fail(context, PEEK_E_MEMORY, "cannot write a picture: %s", spng_strerror(code));
    if (status == PEEK_OK) {
        peek__encode_base64(bytes, (int64_t)size, text);
        status = peek__put(context, file, "data:image/png;base64,");
    }
    if (status == PEEK_OK) status = peek__file_write(context, file, text, strlen(text));
    free(bytes);
    peek__free(&text);
    return status;
}

/* A model of a run and what its capture says. */
typedef struct look {
    const char *run;
    int64_t rank, samples;
    cJSON *manifest;
    float *f;        /* samples x rank */
    int32_t *labels; /* or NULL */
} look;

static peek_status load_matrix(peek_context *context, const look *l, const char *name, int64_t *rows,
                               float **out)
{
    char *path;
    int64_t shape[2];
    PEEK_TRY(peek__format(context, &path, "%s/fit/rank-%lld/%s", l->run, (long long)l->rank, name));
    peek_status status = peek__npy_load(context, path, 2, shape, out);
    if (status == PEEK_OK && shape[1] != l->rank)
        status = peek__fail(context, PEEK_E_SHAPE, "%s is not of rank %lld", path, (long long)l->rank);
    if (status == PEEK_OK) *rows = shape[0];
    peek__free(&path);
    return status;
}

static peek_status open_look(peek_context *context, look *l)
{
    char *capture = NULL, *path = NULL;
    peek_status status = peek__format(context, &capture, "%s/capture", l->run);
    if (status == PEEK_OK) status = peek__format(context, &path, "%s/manifest.json", capture);
    if (status == PEEK_OK) status = peek__json_read(context, path, &l->manifest);
    if (status == PEEK_OK) status = load_matrix(context, l, "samples.npy", &l->samples, &l->f);
    if (status == PEEK_OK) status = peek__labels_load(context, capture, l->samples, &l->labels);
    peek__free(&capture);
    peek__free(&path);
    return status;
}

static void close_look(look *l)
{
    cJSON_Delete(l->manifest);
    peek__free(&l->f);
    peek__free(&l->labels);
}

static const char *text_of(const cJSON *entry, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, name));
    return text ? text : "";
}

/* The planes of the input picture, one a channel. */
typedef struct planes {
    int64_t channels, height, width;
    float *loadings[CHANNELS]; /* height width x rank */
    double *energy;            /* of each component in the input */
    int64_t *order;            /* the most first */
} planes;

static int64_t size_at(const cJSON *entry, int place)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    const cJSON *item = cJSON_GetArraySize(shape) == 3 ? cJSON_GetArrayItem(shape, place) : NULL;
    int64_t size = peek__json_count(item);
    return size <= INT32_MAX ? size : 0;
}

static peek_status load_planes(peek_context *context, const look *l, planes *p)
{
    const cJSON *entry;
    int64_t rows = 0, first = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(l->manifest, "blocks"))
    {
        if (strcmp(text_of(entry, "kind"), "input") != 0 || p->channels == CHANNELS) continue;
        p->height = size_at(entry, 1);
        p->width = size_at(entry, 2);
        PEEK_TRY(load_matrix(context, l, text_of(entry, "file"), &rows, &p->loadings[p->channels]));
        if (p->channels++ == 0) first = rows;
        if (rows != p->height * p->width || rows != first) first = -1;
    }
    if (first < 1) p->height = 0; /* no pictures, or of several sizes */
    if (p->channels == 2) p->channels = 1;
    return PEEK_OK;
}

static void order_components(const look *l, planes *p)
{
    int64_t k = l->rank;
    for (int64_t r = 0; r < k; r++) {
        double samples = 0, loadings = 0;
        for (int64_t t = 0; t < l->samples; t++) samples += (double)l->f[t * k + r] * l->f[t * k + r];
        for (int64_t c = 0; c < p->channels; c++)
            for (int64_t i = 0; i < p->height * p->width; i++)
                loadings += (double)p->loadings[c][i * k + r] * p->loadings[c][i * k + r];
        p->energy[r] = samples * loadings;
        int64_t place = r;
        for (; place > 0 && p->energy[p->order[place - 1]] < p->energy[r]; place--)
            p->order[place] = p->order[place - 1];
        p->order[place] = r;
    }
}

/* The classes that have most of a component: "9 (34 %), 4 (20 %)". */
static peek_status put_classes(peek_context *context, peek__file *file, const look *l, int64_t r)
{
    double *sums = NULL, all = 0;
    int64_t classes = 0;
    for (int64_t t = 0; t < l->samples; t++)
        if (l->labels[t] >= classes) classes = (int64_t)l->labels[t] + 1;
    PEEK_TRY(peek__alloc(context, &sums, classes, "the classes of a component"));
    for (int64_t t = 0; t < l->samples; t++) {
        if (l->labels[t] < 0) continue;
        sums[l->labels[t]] += l->f[t * l->rank + r];
        all += l->f[t * l->rank + r];
    }
    peek_status status = PEEK_OK;
    for (int shown = 0; status == PEEK_OK && all > 0 && shown < CLASSES_SHOWN && shown < classes; shown++) {
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            if (sums[c] > sums[best]) best = c;
        status = peek__put(context, file, "%s%lld (%.0f %%)", shown ? ", " : "", (long long)best,
                           100 * sums[best] / all);
        sums[best] = 0;
    }
    peek__free(&sums);
    return status;
}

static peek_status put_component(peek_context *context, peek__file *file, const look *l, const planes *p,
                                 int64_t r, uint8_t *pixels)
{
    int64_t places = p->height * p->width, k = l->rank;
    float most = 0;
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t i = 0; i < places; i++) most = fmaxf(most, p->loadings[c][i * k + r]);
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t i = 0; i < places; i++)
            pixels[i * p->channels + c] =
                (uint8_t)(most > 0 ? lrintf(255 * p->loadings[c][i * k + r] / most) : 0);
    PUT("<figure><img alt='component %lld' src='", (long long)r);
    PEEK_TRY(put_png(context, file, pixels, p->height, p->width, p->channels));
    PUT("'><figcaption>");
    if (l->labels) PEEK_TRY(put_classes(context, file, l, r));
    PUT("</figcaption></figure>\n");
    return PEEK_OK;
}

static peek_status put_components(peek_context *context, peek__file *file, const look *l, planes *p,
                                  const char *name)
{
    uint8_t *pixels = NULL;
    PEEK_TRY(load_planes(context, l, p));
    if (!p->channels || p->height < 1) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &p->energy, l->rank, "components"));
    PEEK_TRY(peek__alloc(context, &p->order, l->rank, "components"));
    order_components(l, p);
    PEEK_TRY(peek__alloc(context, &pixels, p->height * p->width * p->channels, "a picture"));
    peek_status status = peek__put(context, file, "<p><b>%s</b></p><div class='latents'>", name);
    for (int64_t i = 0; status == PEEK_OK && i < l->rank; i++)
        status = put_component(context, file, l, p, p->order[i], pixels);
    if (status == PEEK_OK) status = peek__put(context, file, "</div>\n");
    peek__free(&pixels);
    return status;
}

peek_status peek__components_write(peek_context *context, peek__file *file, const char *run, int64_t rank,
                                   const char *name)
{
    look l = {.run = run, .rank = rank};
    planes p = {0};
    peek_status status = open_look(context, &l);
    if (status == PEEK_OK) status = put_components(context, file, &l, &p, name);
    for (int c = 0; c < CHANNELS; c++) peek__free(&p.loadings[c]);
    peek__free(&p.energy);
    peek__free(&p.order);
    close_look(&l);
    return status;
}

static peek_status put_loadings(peek_context *context, peek__file *file, const look *l, const cJSON *entry)
{
    float *loadings = NULL, most = 0;
    uint8_t *pixels = NULL;
    char *name = NULL;
    int64_t n = 0, k = l->rank;
    peek_status status = load_matrix(context, l, text_of(entry, "file"), &n, &loadings);
    if (status == PEEK_OK) status = peek__alloc(context, &pixels, peek__product(n, k), "a picture");
    if (status == PEEK_OK) status = peek__escape(context, text_of(entry, "name"), &name);
    for (int64_t i = 0; status == PEEK_OK && i < n * k; i++) most = fmaxf(most, loadings[i]);
    for (int64_t i = 0; status == PEEK_OK && i < n * k; i++)
        pixels[i % k * n + i / k] = (uint8_t)(most > 0 ? lrintf(255 * sqrtf(loadings[i] / most)) : 0);
    if (status == PEEK_OK)
        status =
            peek__put(context, file,
                      "<figure><figcaption>%s, %lld neurons</figcaption><img class='loadings' alt='loadings' "
                      "src='",
                      name, (long long)n);
    if (status == PEEK_OK) status = put_png(context, file, pixels, k, n, 1);
    if (status == PEEK_OK) status = peek__put(context, file, "'></figure>\n");
    peek__free(&loadings);
    peek__free(&pixels);
    peek__free(&name);
    return status;
}

peek_status peek__loadings_write(peek_context *context, peek__file *file, const char *run, int64_t rank,
                                 const char *name)
{
    look l = {.run = run, .rank = rank};
    const cJSON *entry;
    peek_status status = open_look(context, &l);
    if (status == PEEK_OK) status = peek__put(context, file, "<p><b>%s</b></p>\n", name);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(l.manifest, "blocks"))
    {
        char *path;
        if (status != PEEK_OK || strcmp(text_of(entry, "kind"), "layer") != 0) continue;
        status =
            peek__format(context, &path, "%s/fit/rank-%lld/%s", run, (long long)rank, text_of(entry, "file"));
        int there = 0; /* not of one that was split */
        if (status == PEEK_OK) status = peek__find_file(context, path, &there);
        peek__free(&path);
        if (there) status = put_loadings(context, file, &l, entry);
    }
    close_look(&l);
    return status;
}
