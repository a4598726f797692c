/* network/col2im.c: Col2Im: images from columns, each holding the numbers under one place of a sliding block:
 * where blocks meet they are added.
 *
 *     x: samples x (channels * block) x places,  y: samples x channels x image
 *     y[n, c, p] = the sum of x[n, (c, b), l] over all b, l with  l stride + b dilation - pad = p */
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    int space; /* how many dimensions */
    int64_t image[PEEK_DIMENSIONS], stride[PEEK_DIMENSIONS], dilation[PEEK_DIMENSIONS], pad[PEEK_DIMENSIONS];
    int64_t step[PEEK_DIMENSIONS];                  /* of the image */
    int64_t channels, area, places;                 /* area: of an image */
    int64_t walked[2 * PEEK_DIMENSIONS], block_all; /* block, then places */
} settings;

/* An attribute with one integer for each dimension (`times` of them). */
static peek_status read_list(peek_context *context, const peek__operation *operation, const char *name,
                             int times, int64_t standard, int64_t least, int space, int64_t *out)
{
    int64_t count;
    const int64_t *given = peek__attribute_integers(operation->node, name, &count);
    if (given && count != (int64_t)times * space)
        return peek__broken(context, operation, "its %s are not for %d dimensions", name, space);
    for (int d = 0; d < times * space; d++) {
        out[d] = given ? given[d] : standard;
        if (out[d] < least || out[d] > INT32_MAX)
            return peek__broken(context, operation, "its %s of %lld are impossible", name, (long long)out[d]);
    }
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t image, blocks, block[PEEK_DIMENSIONS], pads[2 * PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS + 2];
    settings *join;
    PEEK_TRY(peek__infer_settings(context, operation, &join));
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &image, join->image));
    PEEK_TRY(peek__infer_integers(context, operation, 2, NULL, &blocks, block));
    if (image < 1 || blocks != image || x->dimensions != 3)
        return peek__broken(context, operation, "its image, block and input '%s' do not fit together",
                            peek__input_name(operation, 0));
    join->space = (int)image;
    PEEK_TRY(read_list(context, operation, "strides", 1, 1, 1, join->space, join->stride));
    PEEK_TRY(read_list(context, operation, "dilations", 1, 1, 1, join->space, join->dilation));
    PEEK_TRY(read_list(context, operation, "pads", 2, 0, 0, join->space, pads));
    join->places = join->block_all = join->area = 1;
    for (int d = 0; d < join->space; d++) {
        int64_t length = join->image[d];
        if (length < 0 || length > INT32_MAX || block[d] < 1 || block[d] > INT32_MAX)
            return peek__broken(context, operation, "its image or block is impossible");
        int64_t room = length + pads[d] + pads[join->space + d] - join->dilation[d] * (block[d] - 1) - 1;
        join->pad[d] = pads[d];
        join->walked[d] = block[d];
        join->walked[join->space + d] = room < 0 ? 0 : room / join->stride[d] + 1;
        join->block_all = peek__product(join->block_all, block[d]);
        join->places = peek__product(join->places, join->walked[join->space + d]);
        join->area = peek__product(join->area, length);
        shape[d + 2] = length;
    }
    if (join->block_all < 1 || join->places != x->shape[2] || x->shape[1] % join->block_all)
        return peek__broken(context, operation, "its input '%s' has not %lld places of blocks of %lld values",
                            peek__input_name(operation, 0), (long long)join->places,
                            (long long)join->block_all);
    shape[0] = x->shape[0];
    shape[1] = join->channels = x->shape[1] / join->block_all;
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, image + 2, shape));
    peek__row_major_steps(join->space, join->image, join->step);
    return PEEK_OK;
}

/* One on in row-major order. */
static void step_on(int dimensions, const int64_t *shape, int64_t *place)
{
    for (int d = dimensions - 1; d >= 0; d--) {
        if (++place[d] < shape[d]) return;
        place[d] = 0;
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *join = operation->settings;
    const float *x = operation->input[0]->floats;
    peek__tensor *y = operation->output[0];
    if (y->size) memset(y->floats, 0, (size_t)y->size * sizeof *y->floats);
    for (int64_t image = 0; image < y->shape[0] * join->channels; image++) {
        int64_t place[2 * PEEK_DIMENSIONS] = {0};
        for (int64_t i = 0; i < join->block_all * join->places; i++, x++) {
            int64_t at = image * join->area;
            int inside = 1;
            for (int d = 0; d < join->space; d++) {
                int64_t p =
                    place[join->space + d] * join->stride[d] + place[d] * join->dilation[d] - join->pad[d];
                inside &= p >= 0 && p < join->image[d];
                at += p * join->step[d];
            }
            if (inside) y->floats[at] += *x;
            step_on(2 * join->space, join->walked, place);
        }
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Col2Im", .first = 18, .least_inputs = 3, .infer = infer, .forward = forward}};
const peek__family peek__col2im_family = PEEK__FAMILY(rows);
