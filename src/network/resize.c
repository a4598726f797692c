/* network/resize.c: Resize and Upsample: every number of y is a weighted sum of the neighbours, in x, of the
 * place that its own place comes from; axis by axis, since the weights are products of those of the axes.
 *
 * Places, neighbours and weights are those of the standard (onnx.ai, Resize), which its reference
 * implementation spells out: a place exactly on a number counts as the right end of the interval to its left.
 */
#include "network/operators.h"

#include <math.h>
#include <string.h>

enum { NEAREST, LINEAR, CUBIC };

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
enum { HALF_PIXEL, SYMMETRIC, PYTORCH, ALIGN_CORNERS, ASYMMETRIC, CROP, HALF_NEAREST };
static const char *const places[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",   "align_corners",
    "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn", NULL};
enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL };
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};

/* An axis that changes: `taps` neighbours for each place of y, from `first` on. */
typedef struct axis {
    int64_t taps, first; /* first: of this axis' numbers in the two arrays */
} axis;

typedef struct settings {
    float outside; /* value where the place lies outside of x (tf_crop_and_resize) */
    int crops;
    axis axis[PEEK_DIMENSIONS];
    int64_t *neighbour; /* within x, -1: outside of it all */
    float *weight;
} settings;

/* What the attributes say. */
typedef struct manner {
    int mode, place, rounding, antialias, exclude;
    float cubic;
    double scale[PEEK_DIMENSIONS], start[PEEK_DIMENSIONS], end[PEEK_DIMENSIONS];
} manner;

static peek_status read_name(peek_context *context, const peek__operation *operation, const char *attribute,
                             const char *const *names, const char *standard, int *out)
{
    const char *name = peek__attribute_text(operation->node, attribute, standard);
    for (*out = 0; names[*out]; (*out)++)
        if (strcmp(name, names[*out]) == 0) return PEEK_OK;
    return peek__refuse(context, operation, "its %s '%.40s' is not known", attribute, name);
}

static peek_status read_manner(peek_context *context, const peek__operation *operation, manner *out)
{
    int64_t opset = operation->node->opset;
    const char *mode = peek__attribute_text(operation->node, "mode", "nearest");
    out->mode = LINEAR;
    if (strcmp(mode, "bilinear") != 0 && strcmp(mode, "trilinear") != 0)
        PEEK_TRY(read_name(context, operation, "mode", modes, "nearest", &out->mode));
    int old = opset < 11;
    PEEK_TRY(read_name(context, operation, "coordinate_transformation_mode", places,
                       old ? "asymmetric" : "half_pixel", &out->place));
    PEEK_TRY(read_name(context, operation, "nearest_mode", roundings, old ? "floor" : "round_prefer_floor",
                       &out->rounding));
    out->cubic = peek__attribute_number(operation->node, "cubic_coeff_a", -0.75f);
    out->exclude = peek__attribute_integer(operation->node, "exclude_outside", 0) != 0;
    out->antialias = peek__attribute_integer(operation->node, "antialias", 0) != 0;
    return PEEK_OK;
}

/* Floats of a constant input, or an attribute; *count 0 where neither is there. */
static peek_status read_floats(peek_context *context, const peek__operation *operation, int64_t input,
                               const char *attribute, int64_t *count, const float **out)
{
    const peek__tensor *tensor = input < 0 ? NULL : peek__input(operation, input);
    const peek__attribute *found = attribute ? peek__attribute_find(operation->node, attribute) : NULL;
    *count = 0;
    if (tensor && tensor->size) {
        PEEK_TRY(peek__needs_floats(context, operation, input));
        PEEK_TRY(peek__needs_constant(context, operation, input));
        *count = tensor->size;
        *out = tensor->floats;
    } else if (found && found->kind == PEEK__ATTRIBUTE_NUMBERS) {
        *count = found->count;
        *out = found->numbers;
    }
    return PEEK_OK;
}

/* Sizes from scales or sizes, for the axes that are named. */
static peek_status find_shape(peek_context *context, const peek__operation *operation, manner *how,
                              int64_t *shape)
{
    const peek__tensor *x = operation->input[0];
    int64_t opset = operation->node->opset, axes, named[PEEK_DIMENSIONS], scales, sizes = -1, rois = 0,
            size[PEEK_DIMENSIONS];
    const float *scale = NULL, *roi = NULL;
    int upsample = strcmp(operation->node->op, "Upsample") == 0, old = upsample || opset < 11;
    PEEK_TRY(peek__infer_integers(context, operation, -1, "axes", &axes, named));
    for (int64_t i = 0; i < (axes < 0 ? x->dimensions : axes); i++) {
        if (axes < 0) named[i] = i;
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &named[i]));
    }
    if (axes < 0) axes = x->dimensions;
    int64_t input = upsample && opset < 9 ? -1 : old ? 1 : 2;
    PEEK_TRY(read_floats(context, operation, input, upsample ? "scales" : NULL, &scales, &scale));
    if (!old) {
        const peek__tensor *given = peek__input(operation, 3);
        if (given && given->size) PEEK_TRY(peek__infer_integers(context, operation, 3, NULL, &sizes, size));
        if (how->place == CROP) PEEK_TRY(read_floats(context, operation, 1, NULL, &rois, &roi));
    }
    if ((scales ? scales : sizes) != axes || (how->place == CROP && rois != 2 * axes))
        return peek__broken(context, operation, "its scales, sizes or region do not fit its %lld axes",
                            (long long)axes);
    memcpy(shape, x->shape, sizeof x->shape);
    for (int d = 0; d < x->dimensions; d++) how->scale[d] = how->end[d] = 1, how->start[d] = 0;
    const char *policy = peek__attribute_text(operation->node, "keep_aspect_ratio_policy", "stretch");
    double common = 0;
    for (int64_t i = 0; i < axes; i++) {
        int64_t d = named[i];
        if (rois) how->start[d] = roi[i], how->end[d] = roi[axes + i];
        how->scale[d] = scales ? scale[i] : (double)size[i] / (double)x->shape[d];
        if (!(how->scale[d] > 0) || how->scale[d] > 1e9 || x->shape[d] < 1)
            return peek__broken(context, operation, "it would make an axis of %lld numbers %g times as long",
                                (long long)x->shape[d], how->scale[d]);
        double extent = how->place == CROP ? how->end[d] - how->start[d] : 1;
        shape[d] = scales ? (int64_t)floor((double)x->shape[d] * extent * how->scale[d]) : size[i];
        int smaller = strcmp(policy, "not_larger") == 0;
        if (i == 0 || (smaller ? how->scale[d] < common : how->scale[d] > common)) common = how->scale[d];
    }
    if (!scales && strcmp(policy, "stretch") != 0)
        for (int64_t i = 0; i < axes; i++) {
            how->scale[named[i]] = common;
            shape[named[i]] = (int64_t)floor(common * (double)x->shape[named[i]] + 0.5);
        }
    return PEEK_OK;
}

/* The place in x of place i of y along an axis. */
static double origin(const manner *how, int d, int64_t i, int64_t from, int64_t to)
{
    double scale = how->scale[d], x = (double)i, last = (double)from - 1;
    double length = scale * (double)from; /* as the reference has it: not rounded down */
    switch (how->place) {
    case SYMMETRIC: {
        double adjustment = (double)to / (scale * (double)from), centre = (double)from / 2;
        return centre * (1 - adjustment) + (x + 0.5) / scale - 0.5;
    }
    case PYTORCH:
        return to > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case ALIGN_CORNERS:
        return length != 1 ? x * last / (length - 1) : 0;
    case ASYMMETRIC:
        return x / scale;
    case CROP:
        return to > 1 ? how->start[d] * last + x * (how->end[d] - how->start[d]) * last / (double)(to - 1)
                      : 0.5 * (how->start[d] + how->end[d]) * last;
    case HALF_NEAREST:
        return (x + 0.5) / scale;
    default:
        return (x + 0.5) / scale - 0.5;
    }
}

/* R. Keys, Cubic convolution interpolation for digital image processing, 1981. */
static double keys(double a, double x)
{
    x = fabs(x);
    if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

/* Neighbours on either side of a place: the reach of the weights. */
static int64_t reach(const manner *how, int d)
{
    double half = how->mode == CUBIC ? 2 : 1, scale = how->antialias && how->scale[d] < 1 ? how->scale[d] : 1;
    return how->mode == NEAREST ? 1 : -(int64_t)floor(-half / scale);
}

/* The weights of the 2 `half` neighbours around x, the first of which is ceil(x) - half. */
static void weigh(const manner *how, int d, double x, int64_t half, int64_t size, int64_t *neighbour,
                  float *weight)
{
    double right = ceil(x), ratio = x - right + 1,
           scale = how->antialias && how->scale[d] < 1 ? how->scale[d] : 1;
    double sum = 0;
    int to_right = ratio == 1 || how->rounding == CEIL || (how->rounding == PREFER_FLOOR && ratio > 0.5) ||
                   (how->rounding == PREFER_CEIL && ratio >= 0.5);
    for (int64_t j = 0; j < 2 * half; j++) {
        int64_t at = (int64_t)right - half + j;
        double away = scale * ((double)(j + 1 - half) - ratio), w;
        if (how->mode == NEAREST)
            w = j == to_right;
        else if (how->mode == LINEAR)
            w = fabs(away) < 1 ? 1 - fabs(away) : 0;
        else
            w = keys(how->cubic, away);
        if (how->exclude && (at < 0 || at >= size)) w = 0;
        neighbour[j] = at < 0 ? 0 : at >= size ? size - 1 : at;
        weight[j] = (float)w;
        sum += w;
    }
    for (int64_t j = 0; j < 2 * half; j++) weight[j] = sum != 0 ? (float)(weight[j] / sum) : 0;
}

/* Nearest needs one of its two neighbours. */
static void keep_heaviest(int64_t *neighbour, float *weight)
{
    neighbour[0] = weight[1] > weight[0] ? neighbour[1] : neighbour[0];
    weight[0] = 1;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t shape[PEEK_DIMENSIONS], taps[PEEK_DIMENSIONS], total = 0, used = 0;
    manner how;
    settings *resize;
    PEEK_TRY(read_manner(context, operation, &how));
    if (how.mode != NEAREST) PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(find_shape(context, operation, &how, shape));
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, x->dimensions, shape));
    for (int d = 0; d < x->dimensions; d++) {
        int64_t half = reach(&how, d), more = peek__product(2 * half, shape[d]);
        int same = shape[d] == x->shape[d] && how.scale[d] == 1 && how.place != CROP;
        taps[d] = same ? 0 : 2 * half;
        if (same) continue;
        if (half > 1 << 20 || more < 0 || more > INT64_C(1) << 32)
            return peek__broken(context, operation, "it shrinks or stretches an axis absurdly");
        total += more;
    }
    size_t each = sizeof(int64_t) + sizeof(float);
    PEEK_TRY(peek__infer_settings_bytes(context, operation, (void **)&resize,
                                        sizeof *resize + (size_t)total * each));
    resize->neighbour = (int64_t *)(resize + 1);
    resize->weight = (float *)(resize->neighbour + total);
    resize->crops = how.place == CROP;
    resize->outside = peek__attribute_number(operation->node, "extrapolation_value", 0);
    for (int d = 0; d < x->dimensions; d++) {
        axis *one = &resize->axis[d];
        *one = (axis){how.mode == NEAREST && taps[d] ? 1 : taps[d], used};
        for (int64_t i = 0; taps[d] && i < shape[d]; i++) {
            int64_t neighbour[2] = {0}, *to = how.mode == NEAREST ? neighbour : resize->neighbour + used;
            float pair[2] = {0}, *weight = how.mode == NEAREST ? pair : resize->weight + used;
            double place = origin(&how, d, i, x->shape[d], shape[d]);
            weigh(&how, d, place, taps[d] / 2, x->shape[d], to, weight);
            if (how.mode == NEAREST) {
                keep_heaviest(neighbour, pair);
                resize->neighbour[used] = neighbour[0];
                resize->weight[used] = 1;
            }
            if (resize->crops && (place < 0 || place > (double)(x->shape[d] - 1))) resize->neighbour[used] = -1;
            used += one->taps;
        }
    }
    return PEEK_OK;
}

/* One axis: in is outer x from x inner, out is outer x to x inner. */
#define ALONG(number)                                                                                          \
    for (int64_t o = 0; o < outer; o++)                                                                        \
        for (int64_t i = 0; i < to; i++) {                                                                     \
            const int64_t *neighbour = resize->neighbour + one->first + i * one->taps;                         \
            const float *weight = resize->weight + one->first + i * one->taps;                                 \
            number *y = (number *)out + (o * to + i) * inner;                                                  \
            const number *x = (const number *)in + o * from * inner;                                           \
            if (neighbour[0] < 0 || one->taps == 1) {                                                          \
                for (int64_t c = 0; c < inner; c++)                                                            \
                    y[c] = neighbour[0] < 0 ? (number)resize->outside : x[neighbour[0] * inner + c];           \
                continue;                                                                                      \
            }                                                                                                  \
            for (int64_t c = 0; c < inner; c++) y[c] = 0;                                                      \
            for (int64_t j = 0; j < one->taps; j++)                                                            \
                for (int64_t c = 0; c < inner; c++) y[c] += (number)(weight[j] * x[neighbour[j] * inner + c]); \
        }

static void along(const settings *resize, const axis *one, int floats, int64_t outer, int64_t from, int64_t to,
                  int64_t inner, const void *in, void *out)
{
    if (floats) {
        ALONG(float);
    } else {
        ALONG(int64_t);
    }
}

/* The axes one after the other, through two buffers; the outermost last, so that a place outside stays so. */
static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *resize = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t shape[PEEK_DIMENSIONS], largest = x->size, size = x->size;
    size_t width = peek__width(x->type);
    char *buffers[2] = {NULL, NULL};
    const void *in = x->data;
    int turn = 0;
    memcpy(shape, x->shape, sizeof shape);
    for (int d = x->dimensions - 1; d >= 0; d--) {
        size = shape[d] ? size / shape[d] * y->shape[d] : 0;
        shape[d] = y->shape[d];
        largest = size > largest ? size : largest;
    }
    memcpy(shape, x->shape, sizeof shape);
    peek_status status = PEEK_OK;
    for (int i = 0; i < 2 && status == PEEK_OK; i++)
        status = peek__alloc_bytes(context, (void **)&buffers[i], largest, width, "resizing");
    for (int d = x->dimensions - 1; d >= 0 && status == PEEK_OK; d--) {
        int64_t outer = 1, inner = 1;
        if (!resize->axis[d].taps) continue;
        for (int e = 0; e < d; e++) outer *= shape[e];
        for (int e = d + 1; e < x->dimensions; e++) inner *= shape[e];
        along(resize, &resize->axis[d], peek__is_float(x->type), outer, x->shape[d], y->shape[d], inner, in,
              buffers[turn]);
        shape[d] = y->shape[d];
        in = buffers[turn];
        turn = !turn;
    }
    if (status == PEEK_OK) memcpy(y->data, in, (size_t)y->size * width);
    peek__free(&buffers[0]);
    peek__free(&buffers[1]);
    return status;
}

static const peek__operator rows[] = {
    {.name = "Resize", .first = 10, .least_inputs = 1, .most_inputs = 4, .infer = infer, .forward = forward},
    {.name = "Upsample",
     .first = 7,
     .last = 9,
     .least_inputs = 1,
     .most_inputs = 2,
     .infer = infer,
     .forward = forward}};
const peek__family peek__resize_family = PEEK__FAMILY(rows);
