/* network/resize.c: Resize and Upsample: a tensor sampled more or less densely, dimension by dimension. Number
 * j of a dimension of y is a weighted sum of numbers of x around place p(j):
 *
 *     asymmetric     p = j / s                half_pixel   p = (j + 0.5) / s - 0.5
 *     align_corners  p = j (n - 1) / (s n - 1)      s: the scale, n: the length in x; others: place_of()
 *     weights        k(i - p) at integers i: nearest: one of them; linear: k(t) = 1 - |t| for |t| < 1;
 *                    cubic: Keys' kernel with the coefficient a, for |t| < 2
 *     antialias      k(s (i - p)) where s < 1, divided by their sum
 *
 * Beyond its ends x goes on as its last number. Scales are single precision, so that 40 times 0.7 is 27.9999993
 * where the file means 28: lengths are rounded to floats, and places close to a tie are taken as one.
 *
 * Source: the ONNX operators; R. Keys, Cubic convolution interpolation for digital image processing (1981). */
#include "network/line.h"
#include "network/resize.h"

#include <math.h>
#include <string.h>

typedef enum kernel { NEAREST, LINEAR, CUBIC } kernel;

typedef struct settings {
    kernel kernel;
    const char *places, *rounding; /* the node's attributes; rounding NULL: as before opset 11 */
    float cubic, outside;          /* the coefficient a; what is outside the region of interest */
    int antialias, exclude;        /* exclude: numbers beyond the ends do not count */
    int dimensions;
    int64_t length[PEEK_DIMENSIONS], made[PEEK_DIMENSIONS]; /* of x and y */
    double scale[PEEK_DIMENSIONS], from[PEEK_DIMENSIONS],
        to[PEEK_DIMENSIONS]; /* from, to: the region of interest, of 1 */
} settings;

/* One dimension being changed. */
typedef struct change {
    int dimension;
    int64_t taps;
    int64_t *index; /* made x taps; -1 at the first: outside the region of interest */
    float *weight;
    void *result; /* NULL: the output of the operation */
} change;

typedef struct state {
    int passes;
    change pass[PEEK_DIMENSIONS];
} state;

static const char *const places[] = {"half_pixel",        "half_pixel_symmetric", "pytorch_half_pixel",
                                     "align_corners",     "asymmetric",           "tf_half_pixel_for_nn",
                                     "tf_crop_and_resize"};
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};

static peek_status read_choice(peek_context *context, const peek__operation *operation, const char *attribute,
                               const char *const *choices, size_t count, const char **out)
{
    *out = peek__attribute_text(operation->node, attribute, choices[0]);
    for (size_t i = 0; i < count; i++)
        if (strcmp(*out, choices[i]) == 0) return PEEK_OK;
    return peek__broken(context, operation, "its attribute %s is '%.40s', which is none", attribute, *out);
}

static peek_status read_way(peek_context *context, const peek__operation *operation, settings *resize)
{
    const char *mode = peek__attribute_text(operation->node, "mode", "nearest");
    if (strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0)
        resize->kernel = LINEAR;
    else if (strcmp(mode, "cubic") == 0)
        resize->kernel = CUBIC;
    else if (strcmp(mode, "nearest") != 0)
        return peek__broken(context, operation, "its mode '%.40s' is none", mode);
    if (resize->kernel != NEAREST) PEEK_TRY(peek__needs_floats(context, operation, 0));
    resize->places = "asymmetric";
    resize->rounding = NULL;
    if (operation->node->opset < 11) return PEEK_OK;
    PEEK_TRY(read_choice(context, operation, "coordinate_transformation_mode", places,
                         sizeof places / sizeof *places, &resize->places));
    PEEK_TRY(read_choice(context, operation, "nearest_mode", roundings, sizeof roundings / sizeof *roundings,
                         &resize->rounding));
    resize->antialias = peek__attribute_integer(operation->node, "antialias", 0) != 0;
    resize->exclude = peek__attribute_integer(operation->node, "exclude_outside", 0) != 0;
    resize->cubic = peek__attribute_number(operation->node, "cubic_coeff_a", -0.75f);
    resize->outside = peek__attribute_number(operation->node, "extrapolation_value", 0);
    return PEEK_OK;
}

/* The input, if it is there and holds `count` floats; 0 where it is left out or empty. */
static peek_status read_floats(peek_context *context, const peek__operation *operation, int64_t input,
                               int64_t count, const float **out)
{
    const peek__tensor *given = peek__input(operation, input);
    *out = NULL;
    if (!given || !given->size) return PEEK_OK;
    PEEK_TRY(peek__needs_floats(context, operation, input));
    PEEK_TRY(peek__needs_constant(context, operation, input));
    if (given->size != count)
        return peek__broken(context, operation, "its input '%s' has %lld numbers, not %lld",
                            peek__input_name(operation, input), (long long)given->size, (long long)count);
    *out = given->floats;
    return PEEK_OK;
}

static peek_status apply_scales(peek_context *context, const peek__operation *operation, settings *resize,
                                int64_t count, const int64_t *axis, const float *scale)
{
    for (int64_t i = 0; i < count; i++) {
        double made = floor((float)((double)resize->length[axis[i]] * scale[i]));
        if (!(scale[i] > 0) || !(made < 0x1p40))
            return peek__broken(context, operation, "its scale %g is impossible", scale[i]);
        resize->scale[axis[i]] = scale[i];
        resize->made[axis[i]] = (int64_t)made;
    }
    return PEEK_OK;
}

/* Sizes are those of y, or (by the policy) of a frame into which y fits or which it covers, with one scale. */
static peek_status apply_sizes(peek_context *context, const peek__operation *operation, settings *resize,
                               int64_t count, const int64_t *axis, const int64_t *size)
{
    const char *policy = peek__attribute_text(operation->node, "keep_aspect_ratio_policy", "stretch");
    int smaller = strcmp(policy, "not_larger") == 0, larger = strcmp(policy, "not_smaller") == 0;
    double common = smaller ? INFINITY : 0;
    if (!smaller && !larger && strcmp(policy, "stretch") != 0)
        return peek__broken(context, operation, "its keep_aspect_ratio_policy '%.40s' is none", policy);
    for (int64_t i = 0; i < count; i++) {
        int64_t length = resize->length[axis[i]];
        if (size[i] < 0 || size[i] > INT64_C(1) << 40 || (!length && size[i]))
            return peek__broken(context, operation, "it makes a dimension of %lld from one of %lld",
                                (long long)size[i], (long long)length);
        double scale = length ? (double)size[i] / (double)length : 1;
        resize->scale[axis[i]] = scale;
        resize->made[axis[i]] = size[i];
        if (smaller ? scale < common : scale > common) common = scale;
    }
    for (int64_t i = 0; (smaller || larger) && i < count; i++) {
        resize->scale[axis[i]] = common;
        resize->made[axis[i]] = (int64_t)fmin((double)resize->length[axis[i]] * common + 0.5, 0x1p41);
    }
    return PEEK_OK;
}

/* Scales as an attribute (Upsample before 9), as input 1 (before 11), as input 2; or sizes. */
static peek_status read_scales(peek_context *context, const peek__operation *operation, settings *resize)
{
    int64_t opset = operation->node->opset, count = -1, sizes = -1, axis[PEEK_DIMENSIONS],
            size[PEEK_DIMENSIONS];
    const int64_t *axes = opset < 18 ? NULL : peek__attribute_integers(operation->node, "axes", &count);
    const float *scale, *region = NULL;
    if (!axes) count = resize->dimensions;
    if (count > PEEK_DIMENSIONS) return peek__broken(context, operation, "it has too many axes");
    for (int64_t i = 0; i < count; i++) {
        axis[i] = axes ? axes[i] : i;
        PEEK_TRY(peek__infer_axis(context, operation, resize->dimensions, &axis[i]));
    }
    if (opset < 9) {
        const peek__attribute *given = peek__attribute_find(operation->node, "scales");
        if (!given || given->kind != PEEK__ATTRIBUTE_NUMBERS || given->count != count)
            return peek__broken(context, operation, "it has not one scale for each dimension");
        return apply_scales(context, operation, resize, count, axis, given->numbers);
    }
    PEEK_TRY(read_floats(context, operation, opset < 11 ? 1 : 2, count, &scale));
    if (opset >= 11) PEEK_TRY(read_floats(context, operation, 1, 2 * count, &region));
    if (opset >= 11) PEEK_TRY(peek__infer_integers(context, operation, 3, NULL, &sizes, size));
    if ((scale != NULL) + (sizes >= 0 && (sizes > 0 || !count)) != 1 || (sizes > 0 && sizes != count))
        return peek__broken(context, operation, "it should have either scales or sizes, one for each axis");
    int crops = strcmp(resize->places, "tf_crop_and_resize") == 0;
    if (crops && !region) return peek__broken(context, operation, "it has no region of interest");
    for (int64_t i = 0; crops && i < count; i++) {
        resize->from[axis[i]] = region[i];
        resize->to[axis[i]] = region[count + i];
    }
    if (scale) return apply_scales(context, operation, resize, count, axis, scale);
    return apply_sizes(context, operation, resize, count, axis, size);
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *resize;
    PEEK_TRY(peek__infer_settings(context, operation, &resize));
    PEEK_TRY(read_way(context, operation, resize));
    resize->dimensions = x->dimensions;
    for (int d = 0; d < x->dimensions; d++) {
        resize->length[d] = resize->made[d] = x->shape[d];
        resize->scale[d] = resize->to[d] = 1;
    }
    PEEK_TRY(read_scales(context, operation, resize));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, resize->made);
}

/* Where in x number j of a dimension lies. */
static double place_of(const settings *resize, int d, int64_t j)
{
    double x = (double)j, length = (double)resize->length[d], scale = resize->scale[d];
    double made = (double)(float)(scale * length), from = resize->from[d], to = resize->to[d];
    const char *way = resize->places;
    if (strcmp(way, "asymmetric") == 0) return x / scale;
    if (strcmp(way, "align_corners") == 0) return made == 1 ? 0 : x * (length - 1) / (made - 1);
    if (strcmp(way, "tf_half_pixel_for_nn") == 0) return (x + 0.5) / scale;
    if (strcmp(way, "pytorch_half_pixel") == 0 && made == 1) return -0.5;
    if (strcmp(way, "half_pixel_symmetric") == 0) /* the centres of both fall together */
        return length / 2 * (1 - (double)resize->made[d] / made) + (x + 0.5) / scale - 0.5;
    if (strcmp(way, "tf_crop_and_resize") == 0) {
        double span = (to - from) * (length - 1);
        return from * (length - 1) + (made == 1 ? span / 2 : x * span / (made - 1));
    }
    return (x + 0.5) / scale - 0.5;
}

/* Before opset 11, ONNX's tests round up where y is shorter than x, and down where it is longer. */
static int64_t nearest(const settings *resize, int d, double place)
{
    double half = round(2 * place) / 2; /* a tie, or a number itself */
    if (fabs(place - half) < 0x1p-22 * (fabs(place) + 1)) place = half;
    const char *rounding = resize->rounding ? resize->rounding : resize->scale[d] < 1 ? "ceil" : "floor";
    double low = floor(place), part = place - low;
    if (strcmp(rounding, "floor") == 0) return (int64_t)low;
    if (strcmp(rounding, "ceil") == 0) return (int64_t)ceil(place);
    return (int64_t)(strcmp(rounding, "round_prefer_ceil") == 0 ? part < 0.5 : part <= 0.5) ? (int64_t)low
                                                                                            : (int64_t)low + 1;
}

double peek__cubic(double a, double t)
{
    t = fabs(t);
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* Numbers at one side of a place that count. */
static int64_t reach_of(const settings *resize, double scale)
{
    int64_t reach = resize->kernel == CUBIC ? 2 : 1;
    return resize->antialias && scale < 1 ? (int64_t)ceil((double)reach / scale) : reach;
}

static void fill_taps(const settings *resize, int d, int64_t reach, int64_t *index, float *weight, int64_t j)
{
    const int64_t most = INT64_C(1) << 41;
    int64_t length = resize->length[d];
    double place = place_of(resize, d, j);
    place = place > (double)most ? (double)most : place > -(double)most ? place : -(double)most;
    if (strcmp(resize->places, "tf_crop_and_resize") == 0 && (place < 0 || place > (double)(length - 1))) {
        index[0] = -1;
        return;
    }
    if (resize->kernel == NEAREST) {
        int64_t at = nearest(resize, d, place);
        index[0] = at < 0 ? 0 : at >= length ? length - 1 : at;
        return;
    }
    double scale = resize->antialias && resize->scale[d] < 1 ? resize->scale[d] : 1, sum = 0;
    int64_t first = (int64_t)ceil(place) - reach;
    for (int round = 0; round < 2; round++) /* the sum, then weights divided by it */
        for (int64_t i = 0; i < 2 * reach; i++) {
            int64_t at = first + i;
            double t = scale * ((double)at - place);
            double k = resize->kernel == CUBIC ? peek__cubic(resize->cubic, t) : fmax(0, 1 - fabs(t));
            if (resize->exclude && (at < 0 || at >= length)) k = 0;
            if (!round) sum += k;
            index[i] = at < 0 ? 0 : at >= length ? length - 1 : at;
            weight[i] = (float)((resize->exclude || resize->antialias) && sum ? k / sum : k);
        }
}

static void release(peek__operation *operation)
{
    state *made = operation->state;
    for (int p = 0; made && p < PEEK_DIMENSIONS; p++) {
        peek__free(&made->pass[p].index);
        peek__free(&made->pass[p].weight);
        peek__free(&made->pass[p].result);
    }
    peek__free(&operation->state);
}

static peek_status prepare_passes(peek_context *context, const peek__operation *operation, state *made)
{
    const settings *resize = operation->settings;
    const char *what = "a resized tensor";
    int64_t size = operation->input[0]->size;
    int crops = strcmp(resize->places, "tf_crop_and_resize") == 0;
    for (int d = 0; d < resize->dimensions; d++) {
        int64_t length = resize->length[d], count = resize->made[d];
        if (length == count && resize->scale[d] == 1 &&
            !(crops && (resize->from[d] != 0 || resize->to[d] != 1)))
            continue;
        if (size) size = size / length * count;
        change *next = &made->pass[made->passes];
        if (made->passes)
            PEEK_TRY(peek__alloc_bytes(context, &next[-1].result, size / count * length,
                                       peek__width(operation->input[0]->type), what));
        int64_t reach = resize->kernel == NEAREST ? 0 : reach_of(resize, resize->scale[d]);
        next->dimension = d;
        next->taps = reach ? 2 * reach : 1;
        PEEK_TRY(peek__alloc(context, &next->index, peek__product(count, next->taps), what));
        PEEK_TRY(peek__alloc(context, &next->weight, peek__product(count, next->taps), what));
        for (int64_t j = 0; j < count; j++)
            fill_taps(resize, d, reach, next->index + j * next->taps, next->weight + j * next->taps, j);
        made->passes++;
    }
    return PEEK_OK;
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, "a resized tensor"));
    operation->state = made;
    if (!operation->output[0]->size) return PEEK_OK;
    peek_status status = prepare_passes(context, operation, made);
    if (status != PEEK_OK) release(operation);
    return status;
}

/* Asks now and then whether to stop: what a file makes of a small picture can be very large. */
enum { POLLED = 1 << 12 };

/* lines: of x; those of y are `count` long. */
static peek_status run_sums(peek_context *context, const change *pass, const peek__lines *lines, int64_t count,
                            float outside, const float *x, float *y)
{
    int64_t inner = lines->inner;
    for (int64_t o = 0; o < lines->outer; o++, x += lines->length * inner)
        for (int64_t j = 0; j < count; j++, y += inner) {
            const int64_t *index = pass->index + j * pass->taps;
            const float *weight = pass->weight + j * pass->taps;
            if (j % POLLED == 0) PEEK_TRY(peek__poll(context));
            if (inner == 1 && index[0] >= 0) {
                float sum = 0;
                for (int64_t t = 0; t < pass->taps; t++) sum += weight[t] * x[index[t]];
                *y = sum;
                continue;
            }
            for (int64_t i = 0; i < inner; i++) y[i] = index[0] < 0 ? outside : 0;
            for (int64_t t = 0; index[0] >= 0 && t < pass->taps; t++)
                for (int64_t i = 0; i < inner; i++) y[i] += weight[t] * x[index[t] * inner + i];
        }
    return PEEK_OK;
}

static peek_status run_copies(peek_context *context, const change *pass, const peek__lines *lines,
                              int64_t count, const void *outside, peek__element type, const void *x, void *y)
{
    size_t width = peek__width(type);
    for (int64_t o = 0; o < lines->outer; o++)
        for (int64_t j = 0; j < count; j++) {
            int64_t from = pass->index[j];
            if (j % POLLED == 0) PEEK_TRY(peek__poll(context));
            void *to = (char *)y + (size_t)((o * count + j) * lines->inner) * width;
            const void *at = (const char *)x + (size_t)((o * lines->length + from) * lines->inner) * width;
            peek__copy_numbers(type, to, from < 0 ? outside : at, lines->inner, from >= 0);
        }
    return PEEK_OK;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *resize = operation->settings;
    const state *made = operation->state;
    const peek__tensor *y = operation->output[0];
    peek__tensor x = *operation->input[0];
    int64_t integer = (int64_t)resize->outside;
    const void *outside = peek__is_float(x.type) ? (const void *)&resize->outside : (const void *)&integer;
    if (!made->passes && y->size) peek__copy_numbers(y->type, y->data, x.data, y->size, 1);
    for (int p = 0; p < made->passes; p++) {
        const change *now = &made->pass[p];
        peek__lines lines = peek__lines_along(&x, now->dimension);
        int64_t count = resize->made[now->dimension];
        void *to = now->result ? now->result : y->data;
        if (resize->kernel == NEAREST)
            PEEK_TRY(run_copies(context, now, &lines, count, outside, x.type, x.data, to));
        else
            PEEK_TRY(run_sums(context, now, &lines, count, resize->outside, x.data, to));
        x.shape[now->dimension] = count;
        x.data = to;
    }
    return PEEK_OK;
}

#define ROW(op, opset, until, least, most)                                                                     \
    {                                                                                                          \
        .name = (op), .first = (opset), .last = (until), .least_inputs = (least), .most_inputs = (most),       \
        .infer = infer, .prepare = prepare, .forward = forward, .release = release                             \
    }
static const peek__operator rows[] = {ROW("Upsample", 7, 8, 1, 1), ROW("Upsample", 9, 9, 2, 2),
                                      ROW("Resize", 10, 10, 2, 2), ROW("Resize", 11, 0, 1, 4)};
const peek__family peek__resize_family = PEEK__FAMILY(rows);
