/* network/space_depth.c: DepthToSpace and SpaceToDepth: squares of b x b pixels become channels, and back. With
 * x as samples x channels x height x width:
 *
 *     DepthToSpace   y[n, c, h b + i, w b + j] = x[n, (i b + j) C + c, h, w]     mode DCR, C channels of y
 *                                              = x[n, (c b + i) b + j, h, w]     mode CRD
 *     SpaceToDepth   y[n, (i b + j) C + c, h, w] = x[n, c, h b + i, w b + j]     C channels of x */
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    peek__walk walk; /* over y without its last dimension, squares apart from pixels; offset 0 is into x */
    int64_t runs, length, step;
} settings;

static peek_status begin(peek_context *context, peek__operation *operation, int64_t *b, settings **out)
{
    *b = peek__attribute_integer(operation->node, "blocksize", 0);
    if (operation->input[0]->dimensions != 4)
        return peek__broken(context, operation, "its input '%s' has %d dimensions, not 4",
                            peek__input_name(operation, 0), operation->input[0]->dimensions);
    if (*b < 1 || *b > 1 << 20)
        return peek__broken(context, operation, "its blocksize %lld is impossible", (long long)*b);
    return peek__infer_settings(context, operation, out);
}

/* shape: y's six dimensions, and the steps in x along them. */
static void make_walk(settings *move, const int64_t *shape, const int64_t *step)
{
    move->walk.dimensions = 5;
    move->runs = 1;
    for (int d = 0; d < 5; d++) {
        move->walk.shape[d] = shape[d];
        move->walk.step[0][d] = step[d];
        move->runs *= shape[d];
    }
    move->length = shape[5];
    move->step = step[5];
}

static peek_status infer_to_space(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t b;
    settings *move;
    PEEK_TRY(begin(context, operation, &b, &move));
    const char *mode = peek__attribute_text(operation->node, "mode", "DCR");
    int columns = strcmp(mode, "CRD") == 0;
    if (!columns && strcmp(mode, "DCR") != 0)
        return peek__broken(context, operation, "its mode '%.40s' is neither DCR nor CRD", mode);
    int64_t channels = x->shape[1] / (b * b), height = x->shape[2], width = x->shape[3], area = height * width;
    if (x->shape[1] % (b * b))
        return peek__broken(context, operation, "%lld channels are no squares of %lldx%lld pixels",
                            (long long)x->shape[1], (long long)b, (long long)b);
    int64_t shape[6] = {x->shape[0], channels, height, b, width, b};
    int64_t along = (columns ? 1 : channels) * area; /* j */
    int64_t step[6] = {x->shape[1] * area, (columns ? b * b : 1) * area, width, b * along, 1, along};
    make_walk(move, shape, step);
    return peek__infer_output(
        context, operation, 0, x->type, 4,
        (int64_t[4]){x->shape[0], channels, peek__product(height, b), peek__product(width, b)});
}

static peek_status infer_to_depth(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t b;
    settings *move;
    PEEK_TRY(begin(context, operation, &b, &move));
    int64_t channels = x->shape[1], height = x->shape[2] / b, width = x->shape[3] / b;
    if (x->shape[2] % b || x->shape[3] % b)
        return peek__broken(context, operation, "%lldx%lld pixels are no squares of %lldx%lld",
                            (long long)x->shape[2], (long long)x->shape[3], (long long)b, (long long)b);
    int64_t area = x->shape[2] * x->shape[3];
    int64_t shape[6] = {x->shape[0], b, b, channels, height, width};
    int64_t step[6] = {channels * area, x->shape[3], 1, area, b * x->shape[3], b};
    make_walk(move, shape, step);
    return peek__infer_output(
        context, operation, 0, x->type, 4,
        (int64_t[4]){x->shape[0], peek__product(channels, peek__product(b, b)), height, width});
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *move = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    peek__walk walk = move->walk;
    for (int64_t r = 0; y->size && r < move->runs; r++, peek__walk_on(&walk))
        peek__copy_numbers(y->type, peek__at(y, r * move->length), peek__at(x, walk.offset[0]), move->length,
                           move->step);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "DepthToSpace", .first = 1, .least_inputs = 1, .infer = infer_to_space, .forward = forward},
    {.name = "SpaceToDepth", .first = 1, .least_inputs = 1, .infer = infer_to_depth, .forward = forward},
};
const peek__family peek__space_depth_family = PEEK__FAMILY(rows);
