/* network/expand.c: Expand and Tile: a tensor spread over a larger shape, or repeated side by side. */
#include "network/operators.h"

#include <string.h>

/* Expand: a walk from run to run of the output; a run is along the last dimension, `step` apart in x. */
typedef struct settings {
    peek__walk walk;
    int64_t runs, run, step;
} settings;

/* From the steps of x along all dimensions of a shape that is not empty. */
static void make_runs(settings *expand, int dimensions, const int64_t *shape, const int64_t *step)
{
    expand->runs = expand->run = 1;
    if (!dimensions) return;
    expand->run = shape[dimensions - 1];
    expand->step = step[dimensions - 1];
    expand->walk.dimensions = dimensions - 1;
    for (int d = 0; d < dimensions - 1; d++) {
        expand->walk.shape[d] = shape[d];
        expand->walk.step[0][d] = step[d];
        expand->runs *= shape[d];
    }
    if (!expand->run) expand->runs = 0;
}

static peek_status infer_expand(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *expand;
    int64_t count, wanted[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS], step[PEEK_DIMENSIONS];
    int dimensions;
    PEEK_TRY(peek__infer_settings(context, operation, &expand));
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &count, wanted));
    PEEK_TRY(peek__infer_broadcast(context, operation, x->dimensions, x->shape, count, wanted, &dimensions,
                                   shape));
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, dimensions, shape));
    peek__broadcast_steps(x, dimensions, step);
    make_runs(expand, dimensions, shape, step);
    return PEEK_OK;
}

static peek_status forward_expand(peek_context *context, peek__operation *operation)
{
    (void)context;
    settings expand = *(const settings *)operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    for (int64_t r = 0; r < expand.runs; r++, peek__walk_on(&expand.walk))
        peek__copy_numbers(y->type, peek__at(y, r * expand.run), peek__at(x, expand.walk.offset[0]), expand.run,
                           expand.step);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Expand", .first = 8, .least_inputs = 2, .infer = infer_expand, .forward = forward_expand},
};
const peek__family peek__expand_family = PEEK__FAMILY(rows);
