/* data/png.c: decoding PNG with libspng. */
#include "data/png.h"

#include <errno.h>
#include <spng.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"

static const int64_t largest_file = (int64_t)1 << 30;
static const uint32_t largest_side = 1 << 16;

/* Deflate packs at most 1032 bytes into one; an image that promises more is a lie, and no memory is asked for
 * it. */
static const int64_t best_ratio = 1032;

/* A file being decoded. */
typedef struct decoder {
    char *bytes;
    int64_t size;
    spng_ctx *png;
    struct spng_ihdr header;
} decoder;

static peek_status broken(peek_context *context, const char *path, int code)
{
    return peek__fail(context, PEEK_E_FORMAT, "'%s' is not a whole PNG file (%s): repair or remove it", path,
                      spng_strerror(code));
}

static void stop(decoder *d)
{
    spng_ctx_free(d->png);
    peek__free(&d->bytes);
}

static peek_status begin(peek_context *context, const char *path, decoder *d)
{
    d->png = spng_ctx_new(0);
    if (!d->png) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to decode '%s'", path);
    int code = spng_set_image_limits(d->png, largest_side, largest_side);
    if (!code) code = spng_set_crc_action(d->png, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    if (!code) code = spng_set_png_buffer(d->png, d->bytes, (size_t)d->size);
    if (!code) code = spng_get_ihdr(d->png, &d->header);
    return code ? broken(context, path, code) : PEEK_OK;
}

static peek__png shape_of(const struct spng_ihdr *header)
{
    int colour = header->color_type & SPNG_COLOR_TYPE_TRUECOLOR; /* also set for palettes */
    return (peek__png){.channels = colour ? 3 : 1,
                       .height = header->height,
                       .width = header->width,
                       .deep = header->bit_depth == 16};
}

peek_status peek__png_describe(peek_context *context, const char *path, peek__png *out)
{
    /* The signature, the header chunk and its checksum; the rest is not needed yet. */
    char head[33];
    decoder d = {.bytes = head};
    FILE *file = fopen(path, "rbe");
    if (!file) return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(errno));
    d.size = (int64_t)fread(head, 1, sizeof head, file);
    fclose(file);
    peek_status status = begin(context, path, &d);
    if (status == PEEK_OK) *out = shape_of(&d.header);
    spng_ctx_free(d.png);
    return status;
}

/* Pixels of `channels` interleaved values to planes: 8 bits. */
static void spread_bytes(const unsigned char *pixels, const peek__png *wanted, int grey, void *out)
{
    int64_t plane = wanted->height * wanted->width;
    for (int64_t c = 0; c < wanted->channels; c++)
        for (int64_t i = 0; i < plane; i++) {
            unsigned char value = pixels[4 * i + (grey ? 0 : c)];
            if (wanted->deep)
                ((uint16_t *)out)[c * plane + i] = (uint16_t)(value * 257);
            else
                ((uint8_t *)out)[c * plane + i] = value;
        }
}

/* The same for 16 bits, as stored: grey, grey and alpha, RGB or RGBA. */
static void spread_words(const unsigned char *pixels, const peek__png *wanted, int stored, uint16_t *out)
{
    int64_t plane = wanted->height * wanted->width;
    for (int64_t c = 0; c < wanted->channels; c++)
        for (int64_t i = 0; i < plane; i++)
            memcpy(&out[c * plane + i], pixels + 2 * (stored * i + (stored < 3 ? 0 : c)), 2);
}

/* libspng does not read the checksum of the last chunk, which never changes; where it is missing, the file was
 * cut. */
static int has_end(const decoder *d)
{
    static const char end[] = "IEND\xae\x42\x60\x82";
    return memmem(d->bytes, (size_t)d->size, end, sizeof end - 1) != NULL;
}

static peek_status decode(peek_context *context, const char *path, decoder *d, const peek__png *wanted,
                          void *out)
{
    static const int stored_values[] = {1, 0, 3, 0, 2, 0, 4};
    PEEK_TRY(begin(context, path, d));
    peek__png mine = shape_of(&d->header);
    if (mine.height != wanted->height || mine.width != wanted->width || mine.channels > wanted->channels ||
        mine.deep > wanted->deep)
        return peek__fail(context, PEEK_E_IO, "'%s' changed while it was read", path);
    int format = mine.deep ? SPNG_FMT_PNG : SPNG_FMT_RGBA8;
    size_t size;
    int code = spng_decoded_image_size(d->png, format, &size);
    if (code) return broken(context, path, code);
    if ((int64_t)(size / 32) > peek__product(d->size, best_ratio))
        return broken(context, path, SPNG_EIDAT_TOO_SHORT);
    unsigned char *pixels;
    PEEK_TRY(peek__alloc(context, &pixels, size, "the pixels of a picture"));
    code = spng_decode_image(d->png, pixels, size, format, 0);
    if (!code) code = spng_decode_chunks(d->png); /* up to the end of the file */
    if (!code && !has_end(d)) code = SPNG_IO_EOF;
    if (!code && mine.deep)
        spread_words(pixels, wanted, stored_values[d->header.color_type], out);
    else if (!code)
        spread_bytes(pixels, wanted, mine.channels == 1, out);
    peek__free(&pixels);
    return code ? broken(context, path, code) : PEEK_OK;
}

peek_status peek__png_read(peek_context *context, const char *path, const peek__png *wanted, void *out)
{
    decoder d = {0};
    PEEK_TRY(peek__file_read(context, path, largest_file, &d.bytes, &d.size));
    peek_status status = decode(context, path, &d, wanted, out);
    stop(&d);
    return status;
}
