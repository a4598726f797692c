/* study/shifts.c: whether a network's predictions survive when its pictures move by a few pixels. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "measure/sampled.h"
#include "store/file.h"
#include "study/scramble.h"

enum { PIXELS_MOST = 3, DIRECTIONS = 4 };

typedef struct shift_work {
    peek__examination *of;
    peek_network *network;
    peek__pictures pictures, shifted;
    const char *name, *file; /* of the output */
    peek__npy npy;           /* the output for the pictures as they are */
    peek__sampled output;
    int64_t down, right;
    double agreement, invariance; /* of the shift just made */
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

static peek_status open_output(shift_work *work, const char *folder, peek__npy *npy, peek__sampled *out)
{
    char *path = NULL;
    PEEK_TRY(peek__format(work->of->context, &path, "%s/capture/%s", folder, work->file));
    peek_status status = peek__npy_open(work->of->context, path, npy);
    peek__free(&path);
    return status == PEEK_OK ? peek__sample(work->of->context, npy, npy->rows, out) : status;
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

static peek_status compare(shift_work *work, const char *folder)
{
    peek__npy npy = {0};
    peek__sampled shifted = {0};
    const peek__rows *p = &work->output.rows;
    peek_status status = open_output(work, folder, &npy, &shifted);
    if (status == PEEK_OK && (npy.rows != p->rows || npy.columns != p->columns))
        status = peek__fail(work->of->context, PEEK_E_SHAPE,
                            "the output in %s has another shape than the network's: capture again",
                            work->of->capture);
    if (status == PEEK_OK) {
        work->agreement = peek_agreement(p->x, shifted.rows.x, p->rows, p->columns);
        work->invariance = peek_is_probability(p->x, p->rows, p->columns)
                               ? peek_effective_invariance(p->x, shifted.rows.x, p->rows, p->columns)
                               : NAN;
    }
    peek__sampled_clear(&shifted);
    peek__npy_close(&npy);
    return status;
}

static peek_status try_shift(shift_work *work, const char *place)
{
    char *folder = NULL;
    peek_context *context = work->of->context;
    PEEK_TRY(peek__parallel(context, work->pictures.count, shift_task, work));
    PEEK_TRY(peek__folder_begin(context, place, &folder));
    peek_status status = peek__run_capture(work->of, work->network, &work->shifted, work->name, folder);
    if (status == PEEK_OK) status = compare(work, folder);
    peek__folder_abort(&folder);
    return status;
}

/* The mean over four directions. */
static peek_status try_pixels(shift_work *work, const char *place, int64_t pixels, cJSON *list)
{
    static const int directions[DIRECTIONS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    double agreement = 0, invariance = 0;
    for (int i = 0; i < DIRECTIONS; i++) {
        work->down = directions[i][0] * pixels;
        work->right = directions[i][1] * pixels;
        PEEK_TRY(try_shift(work, place));
        agreement += work->agreement / DIRECTIONS;
        invariance += work->invariance / DIRECTIONS;
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "pixels", (double)pixels);
    peek__put_number(entry, "agreement", agreement);
    peek__put_number(entry, "effective_invariance", invariance);
    return PEEK_OK;
}

static peek_status prepare(shift_work *work)
{
    const peek__examination *of = work->of;
    PEEK_TRY(find_output(work));
    PEEK_TRY(peek__run_network(of, &work->network));
    PEEK_TRY(peek__run_pictures(of, &work->pictures));
    PEEK_TRY(open_output(work, of->run, &work->npy, &work->output));
    int64_t size = work->pictures.channels * work->pictures.height * work->pictures.width;
    work->shifted = work->pictures;
    work->shifted.pixels = NULL;
    return peek__alloc_raw(of->context, &work->shifted.pixels, peek__product(work->pictures.count, size),
                           "shifted pictures");
}

static peek_status run(shift_work *work, cJSON *list)
{
    char *place = NULL;
    peek_status status = prepare(work);
    if (status == PEEK_OK) status = peek__format(work->of->context, &place, "%s/shifted", work->of->run);
    peek__hush(work->of->context, 1);
    for (int64_t pixels = 1; status == PEEK_OK && pixels <= PIXELS_MOST; pixels++)
        status = try_pixels(work, place, pixels, list);
    peek__hush(work->of->context, 0);
    peek__free(&place);
    return status;
}

peek_status peek__examine_shifts(peek__examination *of)
{
    shift_work work = {.of = of};
    peek_status status = run(&work, cJSON_AddArrayToObject(of->measures, "shifts"));
    peek__sampled_clear(&work.output);
    peek__npy_close(&work.npy);
    peek__free(&work.pictures.pixels);
    peek__free(&work.shifted.pixels);
    peek_network_free(&work.network);
    return status;
}
