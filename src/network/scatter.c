/* network/scatter.c: numbers at places that a tensor of indices names, read or written. An index below 0 counts
 * from the end.
 *
 *     GatherElements    y[.., i_a, ..] = x[.., index[.., i_a, ..], ..]          a: the axis
 *     ScatterElements   y = x, then y[.., index[.., i_a, ..], ..] (op)= u[.., i_a, ..]
 *     GatherND          y[b, j, :] = x[b, index[b, j], :]       index[b, j] names the next dimensions of x
 *     ScatterND         y = x, then y[index[j], :] (op)= u[j, :]
 *
 * (op) is =, +=, *=, or the larger or smaller of both; updates are taken in order. */
#include "network/number.h"
#include "network/operators.h"

#include <string.h>

typedef enum reduction { NONE, ADD, MUL, MAX, MIN, REDUCTIONS } reduction;

static const char *const names[REDUCTIONS] = {"none", "add", "mul", "max", "min"};

typedef struct settings {
    reduction reduction;
    int64_t length;                    /* elements: of the axis */
    int64_t step;                      /* elements: of x along the axis */
    peek__walk walk;                   /* elements: over the indices; offset 0 is into x without the axis */
    int64_t batches, rows, depth, run; /* ND: batches of rows of `depth` indices; each names a run of x */
    int64_t lengths[PEEK_DIMENSIONS], steps[PEEK_DIMENSIONS]; /* ND: of what the indices name */
} settings;

static peek_status infer_reduction(peek_context *context, peek__operation *operation, settings *scatter)
{
    const peek__tensor *x = operation->input[0], *u = operation->input[2];
    const char *name = peek__attribute_text(operation->node, "reduction", "none");
    while (scatter->reduction < REDUCTIONS && strcmp(name, names[scatter->reduction]) != 0)
        scatter->reduction++;
    if (scatter->reduction == REDUCTIONS)
        return peek__broken(context, operation, "its reduction '%.40s' is none", name);
    if (x->type != u->type)
        return peek__broken(context, operation, "its inputs are of the types %s and %s",
                            peek__element_name(x->type), peek__element_name(u->type));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek_status infer_elements(peek_context *context, peek__operation *operation, settings *elements)
{
    const peek__tensor *x = operation->input[0], *index = operation->input[1];
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0), from[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    int fits = index->dimensions == x->dimensions;
    for (int d = 0; fits && d < x->dimensions; d++) fits = d == axis || index->shape[d] <= x->shape[d];
    if (!fits) {
        char left[256], right[256];
        return peek__broken(context, operation, "its indices of shape %s name places outside %s",
                            peek__shape_text(left, index->dimensions, index->shape),
                            peek__shape_text(right, x->dimensions, x->shape));
    }
    peek__row_major_steps(x->dimensions, x->shape, from);
    elements->length = x->shape[axis];
    elements->step = from[axis];
    elements->walk.dimensions = x->dimensions;
    for (int d = 0; d < x->dimensions; d++) {
        elements->walk.shape[d] = index->shape[d];
        elements->walk.step[0][d] = d == axis ? 0 : from[d];
    }
    return PEEK_OK;
}

static peek_status infer_gather(peek_context *context, peek__operation *operation)
{
    const peek__tensor *index = operation->input[1];
    settings *gather;
    PEEK_TRY(peek__infer_settings(context, operation, &gather));
    PEEK_TRY(infer_elements(context, operation, gather));
    return peek__infer_output(context, operation, 0, operation->input[0]->type, index->dimensions,
                              index->shape);
}

static peek_status infer_scatter(peek_context *context, peek__operation *operation)
{
    settings *scatter;
    PEEK_TRY(peek__infer_settings(context, operation, &scatter));
    PEEK_TRY(infer_elements(context, operation, scatter));
    if (!peek__same_shape(operation->input[1], operation->input[2]))
        return peek__broken(context, operation, "it has not one index for each of its updates");
    return infer_reduction(context, operation, scatter);
}

/* What rows of indices name: x's dimensions after `batch` common ones. */
static peek_status infer_rows(peek_context *context, peek__operation *operation, int64_t batch, settings *nd)
{
    const peek__tensor *x = operation->input[0], *index = operation->input[1];
    int64_t from[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    if (!index->dimensions || batch < 0 || batch >= index->dimensions || batch > x->dimensions)
        return peek__broken(context, operation, "its indices have %d dimensions", index->dimensions);
    nd->depth = index->shape[index->dimensions - 1];
    if (batch + nd->depth > x->dimensions)
        return peek__broken(context, operation, "its indices name %lld dimensions of %d",
                            (long long)(batch + nd->depth), x->dimensions);
    nd->batches = nd->rows = nd->run = 1;
    for (int64_t d = 0; d < batch; d++) {
        if (x->shape[d] != index->shape[d])
            return peek__broken(context, operation, "its batches are of %lld and %lld", (long long)x->shape[d],
                                (long long)index->shape[d]);
        nd->batches *= x->shape[d];
    }
    peek__row_major_steps(x->dimensions, x->shape, from);
    for (int64_t d = batch; d < index->dimensions - 1; d++) nd->rows *= index->shape[d];
    for (int64_t d = 0; d < nd->depth; d++) {
        nd->lengths[d] = x->shape[batch + d];
        nd->steps[d] = from[batch + d];
    }
    for (int64_t d = batch + nd->depth; d < x->dimensions; d++) nd->run *= x->shape[d];
    return PEEK_OK;
}

static peek_status infer_gather_nd(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *index = operation->input[1];
    int64_t batch = peek__attribute_integer(operation->node, "batch_dims", 0), shape[2 * PEEK_DIMENSIONS];
    int64_t rank = 0;
    settings *gather;
    PEEK_TRY(peek__infer_settings(context, operation, &gather));
    PEEK_TRY(infer_rows(context, operation, batch, gather));
    for (int d = 0; d < index->dimensions - 1; d++) shape[rank++] = index->shape[d];
    for (int64_t d = batch + gather->depth; d < x->dimensions; d++) shape[rank++] = x->shape[d];
    return peek__infer_output(context, operation, 0, x->type, rank, shape);
}

static peek_status infer_scatter_nd(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *index = operation->input[1], *u = operation->input[2];
    settings *scatter;
    PEEK_TRY(peek__infer_settings(context, operation, &scatter));
    PEEK_TRY(infer_rows(context, operation, 0, scatter));
    int rows = index->dimensions - 1;
    int fits = u->dimensions == rows + x->dimensions - scatter->depth;
    for (int d = 0; fits && d < u->dimensions; d++)
        fits = u->shape[d] == (d < rows ? index->shape[d] : x->shape[scatter->depth + d - rows]);
    if (!fits)
        return peek__broken(context, operation, "its updates are not of the shape that its indices name");
    return infer_reduction(context, operation, scatter);
}

static peek_status resolve(peek_context *context, const peek__operation *operation, int64_t index,
                           int64_t length, int64_t *out)
{
    *out = index < 0 ? index + length : index;
    if (*out >= 0 && *out < length) return PEEK_OK;
    return peek__broken(context, operation, "its index %lld is outside %lld entries", (long long)index,
                        (long long)length);
}

/* Takes updates into numbers of y that follow each other. */
static void update(reduction how, const peek__tensor *y, int64_t at, const peek__tensor *u, int64_t from,
                   int64_t count)
{
    if (how == NONE) {
        peek__copy_numbers(y->type, peek__at(y, at), peek__at(u, from), count, 1);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (peek__is_float(y->type)) {
            float *a = y->floats + at + i, b = u->floats[from + i];
            *a = how == ADD   ? *a + b
                 : how == MUL ? *a * b
                 : how == MAX ? (b > *a || b != b ? b : *a)
                              : (b < *a || b != b ? b : *a);
            continue;
        }
        int64_t *a = y->integers + at + i, b = u->integers[from + i];
        int larger = y->type == PEEK__TYPE_UINT64 ? (uint64_t)b > (uint64_t)*a : b > *a;
        *a = how == ADD   ? peek__wrap_to(y->type, (int64_t)((uint64_t)*a + (uint64_t)b))
             : how == MUL ? peek__wrap_to(y->type, (int64_t)((uint64_t)*a * (uint64_t)b))
                          : (larger == (how == MAX) ? b : *a);
    }
}

static void copy_input(const peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    peek__copy_numbers(y->type, y->data, x->data, y->size, 1);
}

static peek_status forward_elements(peek_context *context, peek__operation *operation)
{
    const settings *elements = operation->settings;
    const peek__tensor *x = operation->input[0], *index = operation->input[1], *y = operation->output[0];
    int gathers = operation->inputs == 2;
    peek__walk walk = elements->walk;
    if (!gathers) copy_input(operation);
    for (int64_t i = 0; i < index->size; i++, peek__walk_on(&walk)) {
        int64_t place;
        PEEK_TRY(resolve(context, operation, index->integers[i], elements->length, &place));
        place = walk.offset[0] + place * elements->step;
        if (gathers)
            peek__copy_numbers(y->type, peek__at(y, i), peek__at(x, place), 1, 1);
        else
            update(elements->reduction, y, place, operation->input[2], i, 1);
    }
    return PEEK_OK;
}

static peek_status forward_rows(peek_context *context, peek__operation *operation)
{
    const settings *nd = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    const int64_t *index = operation->input[1]->integers;
    int gathers = operation->inputs == 2;
    int64_t batch = nd->batches ? x->size / nd->batches : 0;
    if (!gathers) copy_input(operation);
    for (int64_t r = 0; r < nd->batches * nd->rows; r++, index += nd->depth) {
        int64_t at = r / nd->rows * batch, place;
        for (int64_t d = 0; d < nd->depth; d++) {
            PEEK_TRY(resolve(context, operation, index[d], nd->lengths[d], &place));
            at += place * nd->steps[d];
        }
        if (gathers)
            peek__copy_numbers(y->type, peek__at(y, r * nd->run), peek__at(x, at), nd->run, 1);
        else
            update(nd->reduction, y, at, operation->input[2], r * nd->run, nd->run);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "GatherElements",
     .first = 11,
     .least_inputs = 2,
     .infer = infer_gather,
     .forward = forward_elements},
    {.name = "Scatter",
     .first = 9,
     .last = 10,
     .least_inputs = 3,
     .infer = infer_scatter,
     .forward = forward_elements},
    {.name = "ScatterElements",
     .first = 11,
     .least_inputs = 3,
     .infer = infer_scatter,
     .forward = forward_elements},
    {.name = "GatherND", .first = 11, .least_inputs = 2, .infer = infer_gather_nd, .forward = forward_rows},
    {.name = "ScatterND", .first = 11, .least_inputs = 3, .infer = infer_scatter_nd, .forward = forward_rows},
};
const peek__family peek__scatter_family = PEEK__FAMILY(rows);
