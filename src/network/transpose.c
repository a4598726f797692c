/* network/transpose.c: Transpose: y[i_0, ..] = x[..] with the dimensions in the order `perm`. */
#include "network/operators.h"

typedef struct settings {
    int64_t perm[PEEK_DIMENSIONS];
    peek__walk walk;    /* over y without its last dimension; offset 0 is into x */
    int64_t runs, step; /* step: within x along the last dimension of y */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, shape[PEEK_DIMENSIONS], from[PEEK_DIMENSIONS];
    const int64_t *perm = peek__attribute_integers(operation->node, "perm", &count);
    int seen[PEEK_DIMENSIONS] = {0}, rank = x->dimensions;
    settings *transpose;
    PEEK_TRY(peek__infer_settings(context, operation, &transpose));
    if (perm && count != rank)
        return peek__broken(context, operation, "it orders %lld dimensions of %d", (long long)count, rank);
    peek__row_major_steps(rank, x->shape, from);
    for (int d = 0; d < rank; d++) {
        int64_t p = perm ? perm[d] : rank - 1 - d;
        PEEK_TRY(peek__infer_axis(context, operation, rank, &p));
        if (seen[p]++) return peek__broken(context, operation, "it names a dimension twice");
        transpose->perm[d] = p;
        shape[d] = x->shape[p];
    }
    peek__walk *walk = &transpose->walk;
    walk->dimensions = rank > 0 ? rank - 1 : 0;
    transpose->runs = 1;
    transpose->step = rank ? from[transpose->perm[rank - 1]] : 1;
    for (int d = 0; d < walk->dimensions; d++) {
        walk->shape[d] = shape[d];
        walk->step[0][d] = from[transpose->perm[d]];
        transpose->runs *= shape[d];
    }
    if (!x->size) transpose->runs = 0;
    return peek__infer_output(context, operation, 0, x->type, rank, shape);
}

static int64_t run_length(const peek__tensor *y)
{
    return y->dimensions ? y->shape[y->dimensions - 1] : 1;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *transpose = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t length = run_length(y);
    peek__walk walk = transpose->walk;
    for (int64_t r = 0; r < transpose->runs; r++, peek__walk_on(&walk))
        peek__copy_numbers(x->type, peek__at(y, r * length), peek__at(x, walk.offset[0]), length,
                           transpose->step);
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *transpose = operation->settings;
    int64_t length = run_length(operation->output[0]);
    const float *dy = operation->output_gradient[0];
    float *dx = operation->input_gradient[0];
    peek__walk walk = transpose->walk;
    for (int64_t r = 0; dx && r < transpose->runs; r++, dy += length, peek__walk_on(&walk))
        for (int64_t i = 0; i < length; i++) dx[walk.offset[0] + i * transpose->step] += dy[i];
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Transpose",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__transpose_family = PEEK__FAMILY(rows);
