/* measure/shifts.c: whether a network's predictions survive when its pictures move by a few pixels. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "store/npy.h"
#include "measure/scramble.h"
#include "store/partial.h"

enum { PIXELS_MOST = 3, DIRECTIONS = 4 };

typedef struct shift_work {
    peek__examination *of;
    peek_network *network;
    peek__pictures pictures, shifted;
    const char *name, *file; /* of the output */
    char *place;
    float *p; /* the output for the pictures as they are, count x classes */
    int64_t classes;
    int64_t down, right;
} shift_work;

static peek_status find_output(shift_work *work)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(work->of->manifest, "blocks"))
    {
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "kind"));
        if (!kind || strcmp(kind, "output") != 0 || work->file) continue;
        work->name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        work->file = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "file"));
    }
    if (work->name && work->file && !strchr(work->file, '/')) return PEEK_OK;
    return peek__fail(work->of->context, PEEK_E_NOT_FOUND,
                      "%s does not hold the network's output, which --shifts needs: capture it too",
                      work->of->capture);
}

static peek_status read_output(shift_work *work, const char *folder, float **out)
{
    char *path = NULL;
    peek__npy npy = {0};
    PEEK_TRY(peek__format(work->of->context, &path, "%s/capture/%s", folder, work->file));
    peek_status status = peek__npy_open(work->of->context, path, &npy);
    if (status == PEEK_OK)
        status = peek__alloc_raw(work->of->context, out, peek__product(npy.rows, npy.columns), "outputs");
    if (status == PEEK_OK) peek__npy_floats(&npy, 0, npy.rows * npy.columns, *out);
    work->classes = npy.columns;
    peek__npy_close(&npy);
    peek__free(&path);
    return status;
}

static peek_status shift_task(void *argument, int64_t t, int thread)
{
    (void)thread;
    shift_work *work = argument;
    const peek__pictures *from = &work->pictures;
    int64_t size = from->channels * from->height * from->width;
    peek__shift_picture(from, t, work->down, work->right, work->shifted.pixels + t * size);
    return PEEK_OK;
}

/* The network's output for the pictures shifted by (down, right); the caller frees *out, also after a failure.
 */
static peek_status predict(shift_work *work, int64_t down, int64_t right, float **out)
{
    peek__partial folder;
    peek_context *context = work->of->context;
    work->down = down;
    work->right = right;
    PEEK_TRY(peek__parallel(context, work->pictures.count, shift_task, work));
    PEEK_TRY(peek__partial_open(context, work->place, NULL, &folder));
    peek_status status = peek__run_capture(work->of, work->network, &work->shifted, work->name, folder.path);
    if (status == PEEK_OK) status = read_output(work, folder.path, out);
    peek__partial_remove(&folder);
    return status;
}

/* Adds what one direction gives to the means over all. */
static peek_status try_direction(shift_work *work, int64_t down, int64_t right, double *agreement,
                                 double *invariance)
{
    float *q = NULL;
    int64_t count = work->pictures.count, classes = work->classes;
    peek_status status = predict(work, down, right, &q);
    if (status == PEEK_OK) {
        *agreement += peek_agreement(work->p, q, count, classes) / DIRECTIONS;
        *invariance += peek_is_probability(work->p, count, classes)
                           ? peek_effective_invariance(work->p, q, count, classes) / DIRECTIONS
                           : NAN;
    }
    peek__free(&q);
    return status;
}

static peek_status try_pixels(shift_work *work, int64_t pixels, cJSON *list)
{
    static const int directions[DIRECTIONS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    double agreement = 0, invariance = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        PEEK_TRY(
            try_direction(work, directions[i][0] * pixels, directions[i][1] * pixels, &agreement, &invariance));
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "pixels", (double)pixels);
    peek__put_number(entry, "agreement", agreement);
    peek__put_number(entry, "effective_invariance", invariance);
    cJSON_AddNumberToObject(entry, "samples", (double)work->pictures.count);
    return PEEK_OK;
}

static peek_status prepare(shift_work *work)
{
    const peek__examination *of = work->of;
    PEEK_TRY(find_output(work));
    PEEK_TRY(peek__run_network(of, &work->network));
    PEEK_TRY(peek__run_pictures(of, &work->pictures));
    PEEK_TRY(peek__format(of->context, &work->place, "%s/shifted", of->run));
    int64_t size = work->pictures.channels * work->pictures.height * work->pictures.width;
    work->shifted = work->pictures;
    work->shifted.pixels = NULL;
    PEEK_TRY(peek__alloc_raw(of->context, &work->shifted.pixels, peek__product(work->pictures.count, size),
                             "shifted pictures"));
    return predict(work, 0, 0, &work->p);
}

peek_status peek__examine_shifts(peek__examination *of)
{
    shift_work work = {.of = of};
    cJSON *list = cJSON_AddArrayToObject(of->measures, "shifts");
    peek__hush(of->context, 1);
    peek_status status = prepare(&work);
    for (int64_t pixels = 1; status == PEEK_OK && pixels <= PIXELS_MOST; pixels++)
        status = try_pixels(&work, pixels, list);
    peek__hush(of->context, 0);
    peek__free(&work.place);
    peek__free(&work.p);
    peek__free(&work.pictures.pixels);
    peek__free(&work.shifted.pixels);
    peek_network_free(&work.network);
    return status;
}
