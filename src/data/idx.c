/* data/idx.c: IDX files, the format of MNIST: 00 00 type dimensions, then sizes as big-endian 32-bit numbers,
 * then values. Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database, "The IDX file format". */
#include <string.h>

#include "base/memory.h"
#include "data/byte_reader.h"
#include "data/format.h"

enum { UNSIGNED_BYTES = 8, MOST_DIMENSIONS = 4 };

static peek__likeness recognise(const peek__candidate *candidate)
{
    const unsigned char *head = candidate->head;
    if (candidate->folder) return PEEK__FOREIGN;
    const char *slash = strrchr(candidate->path, '/'), *base = slash ? slash + 1 : candidate->path;
    int named = strstr(base, "ubyte") || strstr(base, "idx") || peek__ends_with(base, ".gz");
    int type = head[2] == 8 || head[2] == 9 || (head[2] >= 11 && head[2] <= 14);
    int plain = head[0] == 0 && head[1] == 0 && type && head[3] >= 1 && head[3] <= 8;
    int packed = head[0] == 0x1f && head[1] == 0x8b;
    if (packed && peek__ends_with(base, ".tar.gz")) return PEEK__FOREIGN;
    if (plain || (packed && named)) return PEEK__RECOGNISED;
    return named ? PEEK__NAMED_LIKE : PEEK__FOREIGN;
}

/* An IDX file of unsigned bytes, its header read. */
typedef struct idx {
    peek__byte_reader *reader;
    int dimensions;
    int64_t shape[MOST_DIMENSIONS], total;
} idx;

static peek_status read_header(peek_context *context, const char *path, idx *out)
{
    unsigned char head[4], size[4];
    PEEK_TRY(peek__byte_reader_read(out->reader, head, 4));
    if (head[0] != 0 || head[1] != 0 || head[3] == 0)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' is not an IDX file: it begins with %02x%02x%02x%02x, not 000008..", path,
                          head[0], head[1], head[2], head[3]);
    if (head[2] != UNSIGNED_BYTES)
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "'%s' is an IDX file of type 0x%02x, but only unsigned bytes (0x08) are read: convert it to .npy",
            path, head[2]);
    if (head[3] > MOST_DIMENSIONS)
        return peek__fail(context, PEEK_E_UNSUPPORTED, "'%s' has %d dimensions, but at most %d are read", path,
                          head[3], MOST_DIMENSIONS);
    out->dimensions = head[3];
    out->total = 1;
    for (int i = 0; i < out->dimensions; i++) {
        PEEK_TRY(peek__byte_reader_read(out->reader, size, 4));
        out->shape[i] = (int64_t)size[0] << 24 | (int64_t)size[1] << 16 | (int64_t)size[2] << 8 | size[3];
        if (out->total >= 0) out->total = peek__product(out->total, out->shape[i]);
    }
    if (out->total >= 0 && out->total <= peek__byte_reader_most(out->reader)) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT,
                      "'%s' is cut short: its header says more than is there; copy it again", path);
}

static peek_status read_labels(peek_context *context, const char *path, idx *file, peek__content *content)
{
    PEEK_TRY(read_header(context, path, file));
    if (file->dimensions != 1)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' has %d dimensions, but labels have 1: put the right file there", path,
                          file->dimensions);
    if (file->total != content->count)
        return peek__fail(context, PEEK_E_SHAPE,
                          "'%s' has %lld labels, but there are %lld images: put the right file there", path,
                          (long long)file->total, (long long)content->count);
    PEEK_TRY(peek__alloc(context, &content->labels, content->count, "labels"));
    for (int64_t t = 0; t < content->count; t++) {
        unsigned char label;
        PEEK_TRY(peek__byte_reader_read(file->reader, &label, 1));
        content->labels[t] = label;
    }
    PEEK_TRY(peek__byte_reader_finish(file->reader));
    return peek__content_number_labels(context, content->labels, content->count, path, &content->classes);
}

static peek_status read_labels_at(peek_context *context, const char *path, peek__content *content)
{
    idx file = {0};
    PEEK_TRY(peek__byte_reader_open(context, path, &file.reader));
    peek_status status = read_labels(context, path, &file, content);
    peek__byte_reader_close(&file.reader);
    return status;
}

/* Replaces the first `from` in the file's own name by `to` of equal length. */
static int rename_part(char *path, const char *from, const char *to)
{
    char *slash = strrchr(path, '/'), *place = strstr(slash ? slash : path, from);
    if (place) memcpy(place, to, strlen(to));
    return place != NULL;
}

/* x-images-idx3-ubyte finds x-labels-idx1-ubyte beside it, packed or plain; without one there are no labels. */
static peek_status find_labels(peek_context *context, const char *path, peek__content *content)
{
    char *beside, *other = NULL;
    PEEK_TRY(peek__copy_text(context, &beside, path));
    peek_status status = PEEK_OK;
    if (rename_part(beside, "images", "labels")) {
        rename_part(beside, "idx3", "idx1");
        int length = (int)strlen(beside), packed = peek__ends_with(beside, ".gz");
        status =
            peek__format(context, &other, "%.*s%s", packed ? length - 3 : length, beside, packed ? "" : ".gz");
        int plain = 0, otherwise = 0;
        if (status == PEEK_OK) status = peek__find_file(context, beside, &plain);
        if (status == PEEK_OK && !plain) status = peek__find_file(context, other, &otherwise);
        if (plain || otherwise) status = read_labels_at(context, plain ? beside : other, content);
    }
    peek__free(&beside);
    peek__free(&other);
    return status;
}

static peek_status read_images(peek_context *context, const char *path, idx *file, peek__content *content)
{
    PEEK_TRY(read_header(context, path, file));
    if (file->dimensions < 2)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' holds a list of numbers (labels?), not images: give the file of "
                          "images",
                          path);
    int64_t sizes[3] = {1, 1, 1};
    for (int i = 1; i < file->dimensions; i++) sizes[3 - file->dimensions + i] = file->shape[i];
    PEEK_TRY(peek__content_hold(context, content, PEEK__UINT8, file->shape[0], sizes[0], sizes[1], sizes[2]));
    content->pictures = 1;
    PEEK_TRY(peek__byte_reader_read(file->reader, content->owned, file->total));
    return peek__byte_reader_finish(file->reader);
}

static peek_status read(peek_context *context, const char *path, peek__content *content)
{
    idx file = {0};
    PEEK_TRY(peek__byte_reader_open(context, path, &file.reader));
    peek_status status = read_images(context, path, &file, content);
    peek__byte_reader_close(&file.reader);
    return status == PEEK_OK ? find_labels(context, path, content) : status;
}

const peek__data_format peek__idx_format = {"IDX", recognise, read};
