/* data/picture.c: one picture file, PNG or JPEG, as its first bytes say. */
#include "data/picture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

enum { HEAD = 33 }; /* of a PNG file: the signature, the header chunk and its checksum */

static const int64_t largest_file = (int64_t)1 << 30;

static int is_png(const char *head, int64_t size)
{
    return size >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static int is_jpeg(const char *head, int64_t size)
{
    return size >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0;
}

peek_status peek__picture_describe(peek_context *context, const char *path, peek__picture *out)
{
    char head[HEAD];
    FILE *file = fopen(path, "rbe");
    if (!file) return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(errno));
    int64_t size = (int64_t)fread(head, 1, sizeof head, file);
    fclose(file);
    if (is_jpeg(head, size)) return peek__jpeg_header(context, path, out);
    if (is_png(head, size)) return peek__png_header(context, path, head, size, out);
    return peek__fail(context, PEEK_E_FORMAT, "'%s' is neither a PNG nor a JPEG file: repair or remove it",
                      path);
}

peek_status peek__picture_read(peek_context *context, const char *path, int64_t wanted_height,
                               int64_t wanted_width, peek__picture *out, void **pixels)
{
    char *bytes;
    int64_t size;
    *pixels = NULL;
    PEEK_TRY(peek__file_read(context, path, largest_file, &bytes, &size));
    peek_status status = is_jpeg(bytes, size) ? peek__jpeg_decode(context, path, bytes, size, wanted_height,
                                                                  wanted_width, out, pixels)
                                              : peek__png_decode(context, path, bytes, size, out, pixels);
    peek__free(&bytes);
    return status;
}
