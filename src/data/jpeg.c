/* data/jpeg.c: decoding JPEG with libjpeg-turbo. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "data/picture.h"
#include "data/resample.h"

/* A file may hold a picture of one colour in very few bytes, but one that promises more pixels than this for
 * each is a lie, and no memory is asked for it. */
static const int64_t most_pixels_a_byte = 16384;

/* A file being decoded. libjpeg leaves by longjmp() where it fails. */
typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf leave;
    char message[JMSG_LENGTH_MAX];
    int cut; /* the file ended too early */
    FILE *file;
    unsigned char *line;
} decoder;

static void fail(j_common_ptr jpeg)
{
    decoder *d = (decoder *)jpeg->client_data;
    jpeg->err->format_message(jpeg, d->message);
    longjmp(d->leave, 1);
}

/* Warnings: what people's files have (bytes too many, an odd marker) is passed over, a missing end is not. */
static void warn(j_common_ptr jpeg, int level)
{
    decoder *d = (decoder *)jpeg->client_data;
    if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) d->cut = 1;
}

static void begin(decoder *d)
{
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->jpeg.client_data = d;
    d->errors.error_exit = fail;
    d->errors.emit_message = warn;
}

static void end(decoder *d)
{
    jpeg_destroy_decompress(&d->jpeg);
    if (d->file) fclose(d->file);
    d->file = NULL;
    peek__free(&d->line);
}

static peek_status broken(peek_context *context, const char *path, const char *why)
{
    return peek__fail(context, PEEK_E_FORMAT, "'%s' is not a whole JPEG file (%s): repair or remove it", path,
                      why);
}

/* Of what libjpeg has left by longjmp(). */
static peek_status failed(peek_context *context, const char *path, const decoder *d)
{
    if (d->errors.msg_code == JERR_OUT_OF_MEMORY)
        return peek__fail(context, PEEK_E_MEMORY, "not enough memory to decode '%s'", path);
    return broken(context, path, d->message);
}

static unsigned read_number(const unsigned char *at, int bytes, int little)
{
    unsigned number = 0;
    for (int i = 0; i < bytes; i++) number = number << 8 | at[little ? bytes - 1 - i : i];
    return number;
}

/* How the picture is to be turned, 1 to 8: the tag Orientation of the first directory (Exif 2.3, 4.6.4 A). 1
 * where there is none, or the marker is damaged. */
static int orientation_of(const jpeg_saved_marker_ptr marker)
{
    enum { ENTRY = 12, TAG = 0x0112, SHORT = 3 };
    const unsigned char *data = marker->data, *tiff = data + 6;
    if (marker->data_length < 14 || memcmp(data, "Exif\0\0", 6) != 0) return 1;
    size_t size = marker->data_length - 6;
    int little = memcmp(tiff, "II", 2) == 0;
    if (!little && memcmp(tiff, "MM", 2) != 0) return 1;
    size_t at = read_number(tiff + 4, 4, little);
    if (at > size || size - at < 2) return 1;
    unsigned entries = read_number(tiff + at, 2, little);
    at += 2;
    for (; entries && size - at >= ENTRY; entries--, at += ENTRY) {
        if (read_number(tiff + at, 2, little) != TAG || read_number(tiff + at + 2, 2, little) != SHORT)
            continue;
        unsigned number = read_number(tiff + at + 8, 2, little);
        return number >= 1 && number <= 8 ? (int)number : 1;
    }
    return 1;
}

static int find_orientation(const decoder *d)
{
    for (jpeg_saved_marker_ptr marker = d->jpeg.marker_list; marker; marker = marker->next)
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length >= 6 && memcmp(marker->data, "Exif", 4) == 0)
            return orientation_of(marker);
    return 1;
}

static int is_sideways(int orientation)
{
    return orientation >= 5;
}

static peek__picture shape_of(const decoder *d, int orientation, int64_t height, int64_t width)
{
    int64_t whole_height = d->jpeg.image_height, whole_width = d->jpeg.image_width;
    int sideways = is_sideways(orientation);
    return (peek__picture){.channels = d->jpeg.num_components == 1 ? 1 : 3,
                           .height = sideways ? width : height,
                           .width = sideways ? height : width,
                           .whole_height = sideways ? whole_width : whole_height,
                           .whole_width = sideways ? whole_height : whole_width};
}

/* Reads up to the first line; leaves by longjmp(). Returns the orientation. */
static int read_header(decoder *d)
{
    jpeg_save_markers(&d->jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&d->jpeg, TRUE);
    return find_orientation(d);
}

peek_status peek__jpeg_header(peek_context *context, const char *path, peek__picture *out)
{
    decoder d = {0};
    d.file = fopen(path, "rbe");
    if (!d.file) return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(errno));
    begin(&d);
    if (setjmp(d.leave)) {
        end(&d);
        return failed(context, path, &d);
    }
    jpeg_create_decompress(&d.jpeg);
    jpeg_stdio_src(&d.jpeg, d.file);
    int orientation = read_header(&d);
    *out = shape_of(&d, orientation, d.jpeg.image_height, d.jpeg.image_width);
    end(&d);
    return PEEK_OK;
}

/* Eighths of the size to decode at: the fewest of 1, 2, 4 and 8 that leave twice of what covers the wanted. */
static unsigned choose_scale(const peek__picture *whole, int64_t wanted_height, int64_t wanted_width)
{
    int64_t covers[2];
    if (wanted_height < 1 || wanted_width < 1) return 8;
    peek__cover(whole->height, whole->width, wanted_height, wanted_width, covers);
    for (unsigned eighths = 1; eighths < 8; eighths *= 2)
        if (whole->height * (int64_t)eighths / 8 >= 2 * covers[0] &&
            whole->width * (int64_t)eighths / 8 >= 2 * covers[1])
            return eighths;
    return 8;
}

/* CMYK as Adobe writes it, inverted, or as the standard has it, to RGB. */
static void convert_cmyk(unsigned char *line, int64_t width, int inverted)
{
    for (int64_t x = 0; x < width; x++, line += 4) {
        unsigned key = inverted ? line[3] : 255u - line[3];
        for (int c = 0; c < 3; c++)
            line[c] = (unsigned char)((inverted ? line[c] : 255u - line[c]) * key / 255);
    }
}

/* Where pixel (y, x) of a file of height x width lies in the upright picture. */
static int64_t place(int orientation, int64_t y, int64_t x, int64_t height, int64_t width)
{
    int64_t below = height - 1 - y, right = width - 1 - x;
    switch (orientation) {
    case 2:
        return y * width + right;
    case 3:
        return below * width + right;
    case 4:
        return below * width + x;
    case 5:
        return x * height + y;
    case 6:
        return x * height + below;
    case 7:
        return right * height + below;
    case 8:
        return right * height + y;
    default:
        return y * width + x;
    }
}

/* All lines to planes; leaves by longjmp(). */
static void read_lines(decoder *d, int orientation, uint8_t *out)
{
    int64_t height = d->jpeg.output_height, width = d->jpeg.output_width, plane = height * width;
    int values = d->jpeg.output_components, channels = values == 1 ? 1 : 3;
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        int64_t y = d->jpeg.output_scanline;
        JSAMPROW row = d->line;
        jpeg_read_scanlines(&d->jpeg, &row, 1);
        if (values == 4) convert_cmyk(d->line, width, d->jpeg.saw_Adobe_marker);
        for (int64_t x = 0; x < width; x++) {
            int64_t at = place(orientation, y, x, height, width);
            for (int c = 0; c < channels; c++) out[c * plane + at] = d->line[x * values + c];
        }
    }
    jpeg_finish_decompress(&d->jpeg);
}

/* Memory for what a started decompression will give. */
static peek_status make_room(peek_context *context, const char *path, decoder *d, int64_t size, int orientation,
                             peek__picture *out, void **pixels)
{
    int64_t height = d->jpeg.output_height, width = d->jpeg.output_width;
    if ((int64_t)d->jpeg.image_height * d->jpeg.image_width > peek__product(size, most_pixels_a_byte))
        return broken(context, path, "it is too short for its size");
    *out = shape_of(d, orientation, height, width);
    PEEK_TRY(peek__alloc(context, &d->line, width * 4, "the pixels of a picture"));
    return peek__alloc_bytes(context, pixels, out->channels * height * width, 1, "the pixels of a picture");
}

peek_status peek__jpeg_decode(peek_context *context, const char *path, const void *bytes, int64_t size,
                              int64_t wanted_height, int64_t wanted_width, peek__picture *out, void **pixels)
{
    decoder d = {0};
    *pixels = NULL;
    begin(&d);
    if (setjmp(d.leave)) {
        end(&d);
        peek__free(pixels);
        return failed(context, path, &d);
    }
    jpeg_create_decompress(&d.jpeg);
    jpeg_mem_src(&d.jpeg, bytes, (unsigned long)size);
    int orientation = read_header(&d);
    *out = shape_of(&d, orientation, d.jpeg.image_height, d.jpeg.image_width);
    d.jpeg.scale_num = choose_scale(out, wanted_height, wanted_width);
    d.jpeg.scale_denom = 8;
    d.jpeg.out_color_space = d.jpeg.num_components == 1   ? JCS_GRAYSCALE
                             : d.jpeg.num_components == 4 ? JCS_CMYK
                                                          : JCS_RGB;
    jpeg_calc_output_dimensions(&d.jpeg);
    peek_status status = make_room(context, path, &d, size, orientation, out, pixels);
    if (status == PEEK_OK) {
        jpeg_start_decompress(&d.jpeg);
        read_lines(&d, orientation, *pixels);
        if (d.cut) status = broken(context, path, "it ends too early");
    }
    end(&d);
    if (status != PEEK_OK) peek__free(pixels);
    return status;
}
