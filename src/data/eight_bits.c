/* data/eight_bits.c: whether samples are pictures of 8 bits a value. */
#include "data/eight_bits.h"

#include "base/memory.h"
#include "data/content.h"
#include "store/convert.h"
#include "store/storage.h"

enum { TILE = 64 }; /* samples a task looks at */

/* Whether reading brings the pictures to another size; copying grey into three channels changes no value. */
static int changes_values(const peek_dataset *dataset)
{
    const peek__content *content = dataset->content;
    return dataset->fitted && (content->mixed || content->height != dataset->height ||
                               content->width != dataset->width || content->channels > dataset->channels);
}

typedef struct looking {
    peek_context *context;
    const peek_dataset *dataset;
    float *samples; /* workers x sample */
    uint8_t *bytes; /* likewise */
    int other;      /* a value that is none was found */
} looking;

static peek_status look_at_tile(void *argument, int64_t tile, int thread)
{
    looking *work = argument;
    int64_t size = peek__dataset_size(work->dataset), end = (tile + 1) * TILE;
    float *sample = work->samples + thread * size;
    if (end > work->dataset->count) end = work->dataset->count;
    for (int64_t t = tile * TILE; t < end && !__atomic_load_n(&work->other, __ATOMIC_RELAXED); t++) {
        PEEK_TRY(peek_dataset_read(work->context, work->dataset, t, 1, sample));
        if (peek__converter_best()->to_bytes(sample, size, PEEK__BYTE_SCALE, work->bytes + thread * size))
            __atomic_store_n(&work->other, 1, __ATOMIC_RELAXED);
    }
    return PEEK_OK;
}

static peek_status look(peek_context *context, const peek_dataset *dataset, int *out)
{
    looking work = {.context = context, .dataset = dataset};
    int64_t tiles = (dataset->count + TILE - 1) / TILE;
    int64_t room = peek__product(peek__workers(context, tiles), peek__dataset_size(dataset));
    peek_status status = peek__alloc_raw(context, &work.samples, room, "a sample");
    if (status == PEEK_OK) status = peek__alloc_raw(context, &work.bytes, room, "a sample");
    if (status == PEEK_OK) status = peek__parallel(context, tiles, look_at_tile, &work);
    *out = !work.other;
    peek__free(&work.samples);
    peek__free(&work.bytes);
    return status;
}

peek_status peek__dataset_eight_bits(peek_context *context, const peek_dataset *dataset, int *out)
{
    const peek__content *content = dataset->content;
    int declared = content->pictures && (content->files ? !content->deep : content->values.type == PEEK__UINT8);
    *out = declared && !changes_values(dataset);
    return *out || content->files ? PEEK_OK : look(context, dataset, out);
}
