/* data/png.c: decoding PNG with libspng. */
#include <spng.h>
#include <string.h>

#include "base/memory.h"
#include "data/picture.h"

static const uint32_t largest_side = 1 << 16;

/* Deflate packs at most 1032 bytes into one; an image that promises more is a lie, and no memory is asked for
 * it. */
static const int64_t best_ratio = 1032;

/* A file being decoded. */
typedef struct decoder {
    const void *bytes;
    int64_t size;
    spng_ctx *png;
    struct spng_ihdr header;
} decoder;

static peek_status broken(peek_context *context, const char *path, int code)
{
    if (code == SPNG_EMEM) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to decode '%s'", path);
    return peek__fail(context, PEEK_E_FORMAT, "'%s' is not a whole PNG file (%s): repair or remove it", path,
                      spng_strerror(code));
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

static peek__picture shape_of(const struct spng_ihdr *header)
{
    int colour = header->color_type & SPNG_COLOR_TYPE_TRUECOLOR; /* also set for palettes */
    return (peek__picture){.channels = colour ? 3 : 1,
                           .height = header->height,
                           .width = header->width,
                           .whole_height = header->height,
                           .whole_width = header->width,
                           .deep = header->bit_depth == 16};
}

peek_status peek__png_header(peek_context *context, const char *path, const void *bytes, int64_t size,
                             peek__picture *out)
{
    decoder d = {.bytes = bytes, .size = size};
    peek_status status = begin(context, path, &d);
    if (status == PEEK_OK) *out = shape_of(&d.header);
    spng_ctx_free(d.png);
    return status;
}

/* RGBA of 8 bits to planes. */
static void spread_bytes(const unsigned char *pixels, const peek__picture *shape, uint8_t *out)
{
    int64_t plane = shape->height * shape->width;
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t i = 0; i < plane; i++) out[c * plane + i] = pixels[4 * i + c];
}

/* The same for 16 bits, as stored: grey, grey and alpha, RGB or RGBA. */
static void spread_words(const unsigned char *pixels, const peek__picture *shape, int stored, uint16_t *out)
{
    int64_t plane = shape->height * shape->width;
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t i = 0; i < plane; i++) memcpy(&out[c * plane + i], pixels + 2 * (stored * i + c), 2);
}

/* libspng does not read the checksum of the last chunk, which never changes; where it is missing, the file was
 * cut. */
static int has_end(const decoder *d)
{
    static const char end[] = "IEND\xae\x42\x60\x82";
    return memmem(d->bytes, (size_t)d->size, end, sizeof end - 1) != NULL;
}

static peek_status decode(peek_context *context, const char *path, decoder *d, const peek__picture *shape,
                          void *out)
{
    static const int stored_values[] = {1, 0, 3, 0, 2, 0, 4};
    int format = shape->deep ? SPNG_FMT_PNG : SPNG_FMT_RGBA8;
    size_t size;
    int code = spng_decoded_image_size(d->png, format, &size);
    if (code) return broken(context, path, code);
    unsigned char *pixels;
    PEEK_TRY(peek__alloc(context, &pixels, size, "the pixels of a picture"));
    code = spng_decode_image(d->png, pixels, size, format, 0);
    if (!code) code = spng_decode_chunks(d->png); /* up to the end of the file */
    if (!code && !has_end(d)) code = SPNG_IO_EOF;
    if (!code && shape->deep)
        spread_words(pixels, shape, stored_values[d->header.color_type], out);
    else if (!code)
        spread_bytes(pixels, shape, out);
    peek__free(&pixels);
    return code ? broken(context, path, code) : PEEK_OK;
}

peek_status peek__png_decode(peek_context *context, const char *path, const void *bytes, int64_t size,
                             peek__picture *out, void **pixels)
{
    decoder d = {.bytes = bytes, .size = size};
    *pixels = NULL;
    peek_status status = begin(context, path, &d);
    if (status == PEEK_OK) {
        *out = shape_of(&d.header);
        int64_t values = out->channels * out->height * out->width;
        if (out->height * out->width / 8 > peek__product(size, best_ratio))
            status = broken(context, path, SPNG_EIDAT_TOO_SHORT);
        else
            status = peek__alloc_bytes(context, pixels, values, out->deep ? 2 : 1, "the pixels of a picture");
    }
    if (status == PEEK_OK) status = decode(context, path, &d, out, *pixels);
    if (status != PEEK_OK) peek__free(pixels);
    spng_ctx_free(d.png);
    return status;
}
