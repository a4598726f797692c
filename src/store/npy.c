/* store/npy.c: mapping .npy files for reading. */
#include "store/npy.h"

#include <string.h>
#include <sys/mman.h>

#include "base/guard.h"
#include "base/memory.h"
#include "store/mapping.h"
#include "store/npy_header.h"

/* How long a header may be; numpy.load itself refuses headers over 10,000 characters. */
enum { LONGEST_HEADER = 1 << 20 };

/* Compares what the header promises with the bytes that are there. */
static peek_status check_size(peek_context *context, const char *path, const peek__npy *npy, size_t offset)
{
    size_t row = (size_t)npy->columns * peek__type_size(npy->type), there = npy->mapping_size - offset;
    size_t promised = row * (size_t)npy->rows;
    if (there < promised)
        return peek__fail(
            context, PEEK_E_FORMAT,
            "'%s' is cut short: its header says %lld rows, but only %lld are whole; copy or write it again",
            path, (long long)npy->rows, (long long)(there / row));
    if (there > promised)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' holds %llu bytes more than its header says: keep one array in a file", path,
                          (unsigned long long)(there - promised));
    return PEEK_OK;
}

/* Headers of old writers end anywhere; values at an odd address would trap or be slow, so they are moved once.
 */
static peek_status align(peek_context *context, const char *path, peek__npy *npy, size_t offset)
{
    npy->data = npy->mapping + offset;
    if (offset % peek__type_size(npy->type) == 0) return PEEK_OK;
    size_t size = npy->mapping_size - offset;
    void *moved = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved == MAP_FAILED)
        return peek__fail(context, PEEK_E_MEMORY, "not enough memory for the values of '%s' (%.1f MB)", path,
                          (double)size / 1e6);
    memcpy(moved, npy->data, size);
    peek__unmap_file(&npy->mapping, &npy->mapping_size);
    npy->data = npy->mapping = moved;
    npy->mapping_size = size + 1;
    npy->moved = 1;
    return PEEK_OK;
}

peek_status peek__npy_open(peek_context *context, const char *path, peek__npy *out)
{
    *out = (peek__npy){0};
    PEEK_TRY(peek__map_file(context, path, "an .npy file", &out->mapping, &out->mapping_size));
    size_t offset = 0, head = out->mapping_size < LONGEST_HEADER ? out->mapping_size : LONGEST_HEADER;
    peek_status status =
        peek__npy_header_read(context, path, (const unsigned char *)out->mapping, head, out, &offset);
    if (status == PEEK_OK) status = check_size(context, path, out, offset);
    if (status == PEEK_OK) status = align(context, path, out, offset);
    if (status == PEEK_OK) status = peek__guard_check(context);
    if (status != PEEK_OK) peek__npy_close(out);
    return status;
}

void peek__npy_close(peek__npy *npy)
{
    peek__unmap_file(&npy->mapping, &npy->mapping_size);
    *npy = (peek__npy){0};
}

peek_status peek__npy_load(peek_context *context, const char *path, int dimensions, int64_t *shape, float **out)
{
    peek__npy npy;
    *out = NULL;
    PEEK_TRY(peek__npy_open(context, path, &npy));
    peek_status status = PEEK_OK;
    if (npy.type != PEEK__FLOAT32 || npy.dimensions != dimensions)
        status = peek__fail(context, PEEK_E_SHAPE, "'%s' is %s with %d dimensions, but must be float32 with %d",
                            path, peek__type_name(npy.type), npy.dimensions, dimensions);
    if (status == PEEK_OK) status = peek__alloc(context, out, npy.rows * npy.columns, "an array");
    if (status == PEEK_OK) {
        memcpy(*out, npy.data, (size_t)(npy.rows * npy.columns) * sizeof **out);
        memcpy(shape, npy.shape, (size_t)dimensions * sizeof *shape);
        status = peek__guard_check_files(context);
        if (status != PEEK_OK) peek__free(out);
    }
    peek__npy_close(&npy);
    return status;
}
