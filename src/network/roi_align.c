/* network/roi_align.c: RoiAlign: regions of images, brought to one size: every number of y is the average (or
 * largest) of samples, on a regular grid in its part of the region, of x between its four neighbours.
 * Source: the ONNX operator; K. He et al., Mask R-CNN (2017). */
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef struct settings {
    int64_t images, channels, height, width; /* of x */
    int64_t rows, columns;                   /* of y */
    int64_t samples;                         /* along each side of a part; 0: as many as it has pixels */
    int largest, half;                       /* half: places count from the pixels' edges */
    float scale;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *regions = operation->input[1], *image = operation->input[2];
    const peek__node *node = operation->node;
    settings *align;
    PEEK_TRY(peek__infer_settings(context, operation, &align));
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__needs_floats(context, operation, 1));
    PEEK_TRY(peek__needs_integers(context, operation, 2));
    if (x->dimensions != 4 || regions->dimensions != 2 || regions->shape[1] != 4 || image->dimensions != 1 ||
        image->size != regions->shape[0])
        return peek__broken(context, operation, "the shapes of '%s', '%s' and '%s' do not fit together",
                            peek__input_name(operation, 0), peek__input_name(operation, 1),
                            peek__input_name(operation, 2));
    const char *mode = peek__attribute_text(node, "mode", "avg");
    const char *places = peek__attribute_text(node, "coordinate_transformation_mode",
                                              node->opset < 16 ? "output_half_pixel" : "half_pixel");
    align->largest = strcmp(mode, "max") == 0;
    align->half = strcmp(places, "half_pixel") == 0;
    if ((!align->largest && strcmp(mode, "avg") != 0) ||
        (!align->half && strcmp(places, "output_half_pixel") != 0))
        return peek__broken(context, operation, "its mode '%.40s' with '%.40s' is none", mode, places);
    align->images = x->shape[0];
    align->channels = x->shape[1];
    align->height = x->shape[2];
    align->width = x->shape[3];
    align->rows = peek__attribute_integer(node, "output_height", 1);
    align->columns = peek__attribute_integer(node, "output_width", 1);
    align->samples = peek__attribute_integer(node, "sampling_ratio", 0);
    align->scale = peek__attribute_number(node, "spatial_scale", 1);
    if (align->rows < 1 || align->columns < 1 || align->samples < 0 || align->samples > 1 << 15 || !x->size)
        return peek__broken(context, operation, "its sizes are impossible");
    int64_t shape[4] = {image->size, align->channels, align->rows, align->columns};
    return peek__infer_output(context, operation, 0, x->type, 4, shape);
}

/* The two neighbours of a place and the second one's share. 0: it is outside. */
static int neighbours(double place, int64_t length, int64_t *low, int64_t *high, double *share)
{
    if (!(place >= -1 && place <= (double)length)) return 0;
    if (place < 0) place = 0;
    *low = (int64_t)place;
    if (*low >= length - 1) {
        *low = *high = length - 1;
        *share = 0;
        return 1;
    }
    *high = *low + 1;
    *share = place - (double)*low;
    return 1;
}

/* Takes one sample into a result. */
static void take(const settings *align, const float *x, double row, double column, int first, double *result)
{
    int64_t top, bottom, left, right;
    double down, across, corner[4] = {0};
    if (neighbours(row, align->height, &top, &bottom, &down) &&
        neighbours(column, align->width, &left, &right, &across)) {
        corner[0] = (1 - down) * (1 - across) * x[top * align->width + left];
        corner[1] = (1 - down) * across * x[top * align->width + right];
        corner[2] = down * (1 - across) * x[bottom * align->width + left];
        corner[3] = down * across * x[bottom * align->width + right];
    }
    double most = fmax(fmax(corner[0], corner[1]), fmax(corner[2], corner[3]));
    if (!align->largest)
        *result += corner[0] + corner[1] + corner[2] + corner[3];
    else if (first || most > *result)
        *result = most;
}

/* One region in all channels. */
static void run_region(const settings *align, const float *x, const float *region, float *y)
{
    double shift = align->half ? 0.5 : 0, start_row = region[1] * align->scale - shift,
           start_column = region[0] * align->scale - shift;
    double height = region[3] * align->scale - shift - start_row,
           width = region[2] * align->scale - shift - start_column;
    if (!align->half) { /* what is too small is one pixel */
        height = fmax(height, 1);
        width = fmax(width, 1);
    }
    double part_height = height / (double)align->rows, part_width = width / (double)align->columns;
    /* What is no number or absurd has no samples. */
    double wanted_rows = align->samples ? (double)align->samples : ceil(part_height),
           wanted_columns = align->samples ? (double)align->samples : ceil(part_width);
    int64_t rows =
        wanted_rows > 0 && wanted_rows <= (double)align->height * 16 + 32768 ? (int64_t)wanted_rows : 0;
    int64_t columns =
        wanted_columns > 0 && wanted_columns <= (double)align->width * 16 + 32768 ? (int64_t)wanted_columns : 0;
    for (int64_t c = 0; c < align->channels; c++, x += align->height * align->width)
        for (int64_t r = 0; r < align->rows; r++)
            for (int64_t q = 0; q < align->columns; q++) {
                double result = 0;
                for (int64_t i = 0; i < rows; i++)
                    for (int64_t j = 0; j < columns; j++)
                        take(align, x, start_row + ((double)r + ((double)i + 0.5) / (double)rows) * part_height,
                             start_column + ((double)q + ((double)j + 0.5) / (double)columns) * part_width,
                             !i && !j, &result);
                int64_t count = rows * columns;
                *y++ = (float)(align->largest || !count ? result : result / (double)count);
            }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *align = operation->settings;
    const peek__tensor *image = operation->input[2];
    int64_t size = align->channels * align->height * align->width;
    for (int64_t n = 0; n < image->size; n++) {
        int64_t from = image->integers[n];
        if (from < 0 || from >= align->images)
            return peek__broken(context, operation, "its image %lld is outside %lld entries", (long long)from,
                                (long long)align->images);
        run_region(align, operation->input[0]->floats + from * size, operation->input[1]->floats + n * 4,
                   operation->output[0]->floats + n * align->channels * align->rows * align->columns);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "RoiAlign", .first = 10, .least_inputs = 3, .infer = infer, .forward = forward}};
const peek__family peek__roi_align_family = PEEK__FAMILY(rows);
