/* data/digest.c: telling whether data are still what they were.
 *
 * Not every byte of large files is read for that: of an array that is mapped and of picture files, size and
 * time of the last change speak for the rest. Samples in memory are digested whole. */
#include <string.h>

#include "base/memory.h"
#include "data/content.h"
#include "store/file.h"

/* Of a mapped array so many pieces of so many bytes are looked at. */
enum { PIECES = 64, PIECE = 1 << 12 };

/* Eight bytes at a time, with the multiplier of 64-bit FNV; the shift brings high bits down again. */
static uint64_t mix(uint64_t state, const void *bytes, size_t count)
{
    const char *at = bytes;
    for (; count; at += 8) {
        uint64_t word = 0;
        size_t some = count < 8 ? count : 8;
        memcpy(&word, at, some);
        state = (state ^ word) * UINT64_C(0x100000001b3) + 1;
        state ^= state >> 29;
        count -= some;
    }
    return state;
}

static uint64_t digest_values(const peek__content *content)
{
    int64_t size = peek__product(peek__product(content->values.rows, content->values.columns),
                                 (int64_t)peek__type_size(content->values.type));
    uint64_t state = mix((uint64_t)size, &content->stamp, sizeof content->stamp);
    const char *data = content->values.data;
    if (!content->values.mapping || size <= (int64_t)PIECES * PIECE) return mix(state, data, (size_t)size);
    for (int64_t i = 0; i < PIECES; i++)
        state = mix(state, data + (size - PIECE) / (PIECES - 1) * i / 8 * 8, PIECE);
    return state;
}

/* The class's folder and the name. */
static const char *last_parts(const char *path)
{
    const char *at = path + strlen(path);
    for (int slashes = 0; at > path; at--)
        if (at[-1] == '/' && ++slashes == 2) break;
    return at;
}

static peek_status digest_file(peek_context *context, const char *path, uint64_t *state)
{
    struct stat about;
    const char *name = last_parts(path);
    PEEK_TRY(peek__file_look(context, path, &about));
    int64_t numbers[] = {(int64_t)about.st_size, (int64_t)about.st_mtim.tv_sec, (int64_t)about.st_mtim.tv_nsec};
    *state = mix(mix(*state, name, strlen(name) + 1), numbers, sizeof numbers);
    return PEEK_OK;
}

peek_status peek__dataset_digest(peek_context *context, const peek_dataset *dataset, uint64_t *state)
{
    const peek__content *content = dataset->content;
    int64_t numbers[] = {dataset->count,  dataset->channels, dataset->height, dataset->width,
                         dataset->fitted, content->pictures, content->stored, content->values.type};
    uint64_t sum = mix(0, numbers, sizeof numbers);
    sum = mix(sum, dataset->name, strlen(dataset->name) + 1);
    sum = mix(sum, dataset->indices, (size_t)dataset->count * sizeof *dataset->indices);
    if (dataset->labels) sum = mix(sum, dataset->labels, (size_t)dataset->count * sizeof *dataset->labels);
    for (int64_t i = 0; dataset->labels && i < dataset->classes.count; i++)
        sum = mix(sum, dataset->classes.names[i], strlen(dataset->classes.names[i]) + 1);
    if (!content->files) sum = mix(sum, &(uint64_t){digest_values(content)}, sizeof sum);
    for (int64_t i = 0; content->files && i < dataset->count; i++)
        PEEK_TRY(digest_file(context, content->files[dataset->indices[i]], &sum));
    peek__digest(state, &sum, sizeof sum);
    return PEEK_OK;
}
