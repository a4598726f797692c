/* network/expand.c: Expand and Tile: a tensor spread over a larger shape, or repeated side by side. */
#include "network/number.h"
#include "network/operators.h"

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
    PEEK_TRY(
        peek__infer_broadcast(context, operation, x->dimensions, x->shape, count, wanted, &dimensions, shape));
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

/* How often each dimension is repeated; in opset 1 one dimension, `axis`, and its repeats are two numbers of
 * the type of x. */
static peek_status read_repeats(peek_context *context, const peek__operation *operation, int64_t *repeats)
{
    const peek__tensor *x = operation->input[0];
    int64_t count;
    if (operation->node->opset >= 6) {
        PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &count, repeats));
        if (operation->inputs == 2 && count == x->dimensions) return PEEK_OK;
        return peek__broken(context, operation, "it should have one `repeats` for each of %d dimensions",
                            x->dimensions);
    }
    int64_t number[2];
    for (int64_t i = 0; i < 2; i++) {
        const peek__tensor *given = peek__input(operation, i + 1);
        PEEK_TRY(peek__needs_constant(context, operation, i + 1));
        if (given->size != 1)
            return peek__broken(context, operation, "its input '%s' should be one number",
                                peek__input_name(operation, i + 1));
        number[i] = peek__is_float(given->type) ? peek__cut_off(given->floats[0]) : given->integers[0];
    }
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &number[1]));
    for (int d = 0; d < x->dimensions; d++) repeats[d] = d == number[1] ? number[0] : 1;
    return PEEK_OK;
}

static peek_status infer_tile(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t repeats[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS];
    PEEK_TRY(read_repeats(context, operation, repeats));
    for (int d = 0; d < x->dimensions; d++) shape[d] = peek__product(x->shape[d], repeats[d]);
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, shape);
}

/* Along its last dimension a line of the output is a line of x again and again. */
static peek_status forward_tile(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int last = y->dimensions - 1;
    int64_t short_line = last < 0 ? 1 : x->shape[last], line = last < 0 ? 1 : y->shape[last];
    int64_t own[PEEK_DIMENSIONS];
    peek__walk walk = {.dimensions = last < 0 ? 0 : last};
    for (int d = 0; d < last; d++) walk.shape[d] = y->shape[d];
    peek__row_major_steps(x->dimensions, x->shape, own);
    for (int64_t at = 0; at < y->size; at += line, peek__walk_on(&walk)) {
        int64_t from = 0;
        for (int d = 0; d < last; d++) from += walk.place[d] % x->shape[d] * own[d];
        for (int64_t i = 0; i < line; i += short_line)
            peek__copy_numbers(y->type, peek__at(y, at + i), peek__at(x, from), short_line, 1);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Expand", .first = 8, .least_inputs = 2, .infer = infer_expand, .forward = forward_expand},
    {.name = "Tile",
     .first = 1,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_tile,
     .forward = forward_tile},
};
const peek__family peek__expand_family = PEEK__FAMILY(rows);
