/* network/gather.c: Gather: y[o, j, i] = x[o, index[j], i] along an axis; an index below 0 counts from the end.
 */
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    int64_t outer, length, inner; /* x is outer x length x inner */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *index = operation->input[1];
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0);
    int64_t shape[2 * PEEK_DIMENSIONS], rank = 0;
    settings *gather;
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    PEEK_TRY(peek__infer_settings(context, operation, &gather));
    gather->outer = gather->inner = 1;
    gather->length = x->shape[axis];
    for (int64_t d = 0; d < axis; d++) gather->outer *= shape[rank++] = x->shape[d];
    for (int64_t d = 0; d < index->dimensions; d++) shape[rank++] = index->shape[d];
    for (int64_t d = axis + 1; d < x->dimensions; d++) gather->inner *= shape[rank++] = x->shape[d];
    return peek__infer_output(context, operation, 0, x->type, rank, shape);
}

static peek_status resolve(peek_context *context, const peek__operation *operation, int64_t *index)
{
    const settings *gather = operation->settings;
    int64_t given = *index;
    if (*index < 0) *index += gather->length;
    if (*index >= 0 && *index < gather->length) return PEEK_OK;
    return peek__broken(context, operation, "its index %lld is outside %lld entries", (long long)given,
                        (long long)gather->length);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *gather = operation->settings;
    const peek__tensor *x = operation->input[0], *index = operation->input[1], *y = operation->output[0];
    size_t bytes = (size_t)gather->inner * peek__width(x->type);
    for (int64_t j = 0; j < index->size; j++) {
        int64_t from = index->integers[j];
        PEEK_TRY(resolve(context, operation, &from));
        for (int64_t o = 0; o < gather->outer; o++)
            memcpy(peek__at(y, (o * index->size + j) * gather->inner),
                   peek__at(x, (o * gather->length + from) * gather->inner), bytes);
    }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    const settings *gather = operation->settings;
    const peek__tensor *index = operation->input[1];
    const float *dy = operation->output_gradient[0];
    float *dx = operation->input_gradient[0];
    for (int64_t j = 0; dx && j < index->size; j++) {
        int64_t from = index->integers[j];
        PEEK_TRY(resolve(context, operation, &from));
        for (int64_t o = 0; o < gather->outer; o++)
            for (int64_t i = 0; i < gather->inner; i++)
                dx[(o * gather->length + from) * gather->inner + i] +=
                    dy[(o * index->size + j) * gather->inner + i];
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Gather",
                                       .first = 1,
                                       .least_inputs = 2,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__gather_family = PEEK__FAMILY(rows);
