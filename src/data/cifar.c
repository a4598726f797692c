/* data/cifar.c: CIFAR-10's binary batches: records of one label byte and 3 x 32 x 32 pixels.
 * Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; the dataset's page,
 * "Binary version". */
#include <string.h>

#include "base/memory.h"
#include "data/byte_reader.h"
#include "data/format.h"
#include "store/file.h"

enum { PIXELS = 3 * 32 * 32, RECORD = PIXELS + 1, CLASSES = 10 };

static const char *const class_names[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                 "dog",      "frog",       "horse", "ship", "truck"};

static peek__likeness recognise(const peek__candidate *candidate)
{
    if (candidate->folder || !peek__ends_with(candidate->path, ".bin")) return PEEK__FOREIGN;
    return candidate->size % RECORD == 0 && candidate->head[0] < CLASSES ? PEEK__RECOGNISED : PEEK__NAMED_LIKE;
}

static peek_status read_batch(peek_context *context, const char *path, int64_t first, int64_t count,
                              peek__content *content)
{
    peek__byte_reader *reader;
    PEEK_TRY(peek__byte_reader_open(context, path, &reader));
    peek_status status = PEEK_OK;
    for (int64_t t = first; status == PEEK_OK && t < first + count; t++) {
        unsigned char label = 0;
        status = peek__byte_reader_read(reader, &label, 1);
        if (status == PEEK_OK)
            status = peek__byte_reader_read(reader, (unsigned char *)content->owned + t * PIXELS, PIXELS);
        if (status == PEEK_OK && label >= CLASSES)
            status = peek__fail(
                context, PEEK_E_FORMAT,
                "'%s' is not a CIFAR-10 batch: record %lld has the label %d, but there are %d classes", path,
                (long long)(t - first), label, CLASSES);
        content->labels[t] = label;
    }
    if (status == PEEK_OK) status = peek__byte_reader_finish(reader);
    peek__byte_reader_close(&reader);
    return status;
}

static peek_status count_records(peek_context *context, const char *path, int64_t *count)
{
    struct stat about;
    PEEK_TRY(peek__file_look(context, path, &about));
    if (!about.st_mode)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "there is no file '%s': unpack the whole archive of CIFAR-10", path);
    *count = about.st_size / RECORD;
    if (about.st_size > 0 && about.st_size % RECORD == 0) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT,
                      "'%s' is no whole CIFAR-10 batch: %lld bytes are not a multiple of %d; copy it again",
                      path, (long long)about.st_size, RECORD);
}

peek_status peek__cifar_read(peek_context *context, const char *const *paths, int64_t count,
                             peek__content *content)
{
    int64_t total = 0, records, first = 0;
    for (int64_t i = 0; i < count; i++) {
        PEEK_TRY(count_records(context, paths[i], &records));
        total += records;
    }
    PEEK_TRY(peek__content_hold(context, content, PEEK__UINT8, total, 3, 32, 32));
    content->pictures = 1;
    PEEK_TRY(peek__alloc(context, &content->labels, total, "labels"));
    PEEK_TRY(peek__classes_copy(context, &content->classes, class_names, CLASSES));
    for (int64_t i = 0; i < count; i++, first += records) {
        PEEK_TRY(count_records(context, paths[i], &records));
        if (first + records > total)
            return peek__fail(context, PEEK_E_IO, "'%s' changed while it was read", paths[i]);
        PEEK_TRY(read_batch(context, paths[i], first, records, content));
    }
    return PEEK_OK;
}

static peek_status read(peek_context *context, const char *path, peek__content *content)
{
    return peek__cifar_read(context, &path, 1, content);
}

const peek__data_format peek__cifar_format = {"CIFAR-10 batch", recognise, read};
