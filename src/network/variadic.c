/* network/variadic.c: Max, Min, Sum and Mean of any number of tensors, with broadcasting: taken in one after
 * another. What is not a number stays so. */
#include "network/broadcast.h"

#include <math.h>
#include <string.h>

typedef enum function { COPY, MAX, MIN, SUM, MEAN } function;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *first = operation->input[0];
    const char *op = operation->node->op;
    int dimensions = 0, integers = strcmp(op, "Max") == 0 || strcmp(op, "Min") == 0;
    int64_t shape[PEEK_DIMENSIONS] = {0};
    for (int64_t i = 0; i < operation->inputs; i++) {
        const peek__tensor *x = operation->input[i];
        if (!integers || !x || x->type == PEEK__TYPE_BOOL) PEEK_TRY(peek__needs_floats(context, operation, i));
        if (x->type != first->type)
            return peek__broken(context, operation, "its inputs are of the types %s and %s",
                                peek__element_name(first->type), peek__element_name(x->type));
        PEEK_TRY(peek__infer_broadcast(context, operation, dimensions, shape, x->dimensions, x->shape,
                                       &dimensions, shape));
    }
    return peek__infer_output(context, operation, 0, first->type, dimensions, shape);
}

#define EACH(expression)                                                                                       \
    for (int64_t i = 0; i < count; i++) {                                                                      \
        a = y[i];                                                                                              \
        b = x[i * step];                                                                                       \
        y[i] = (expression);                                                                                   \
    }                                                                                                          \
    break

#define RUN(name, number)                                                                                      \
    static void name(function kind, number *y, const number *x, int64_t step, int64_t count)                   \
    {                                                                                                          \
        number a, b;                                                                                           \
        switch (kind) {                                                                                        \
        case COPY:                                                                                             \
            for (int64_t i = 0; i < count; i++) y[i] = x[i * step];                                            \
            break;                                                                                             \
        case MAX:                                                                                              \
            EACH(b > a || b != b ? b : a);                                                                     \
        case MIN:                                                                                              \
            EACH(b < a || b != b ? b : a);                                                                     \
        default:                                                                                               \
            EACH(a + b);                                                                                       \
        }                                                                                                      \
    }
RUN(run_floats, float)
RUN(run_integers, int64_t)
RUN(run_unsigned, uint64_t)

static void take_in(function kind, const peek__tensor *x, const peek__tensor *y)
{
    peek__broadcast loop;
    const peek__tensor *tensors[2] = {y, x};
    peek__broadcast_make(&loop, y->dimensions, y->shape, 2, tensors);
    for (int64_t r = 0; r < loop.runs; r++, peek__walk_on(&loop.walk)) {
        void *to = peek__at(y, loop.walk.offset[0]);
        const void *from = peek__at(x, loop.walk.offset[1]);
        if (peek__is_float(y->type))
            run_floats(kind, to, from, loop.step[1], loop.run);
        else if (y->type == PEEK__TYPE_UINT64)
            run_unsigned(kind, to, from, loop.step[1], loop.run);
        else
            run_integers(kind, to, from, loop.step[1], loop.run);
    }
}

static peek_status run(peek__operation *operation, function kind)
{
    peek__tensor *y = operation->output[0];
    for (int64_t i = 0; i < operation->inputs; i++) take_in(i ? kind : COPY, operation->input[i], y);
    for (int64_t i = 0; kind == MEAN && i < y->size; i++) y->floats[i] /= (float)operation->inputs;
    return PEEK_OK;
}

static peek_status forward_max(peek_context *context, peek__operation *operation)
{
    (void)context;
    return run(operation, MAX);
}

static peek_status forward_min(peek_context *context, peek__operation *operation)
{
    (void)context;
    return run(operation, MIN);
}

static peek_status forward_sum(peek_context *context, peek__operation *operation)
{
    (void)context;
    return run(operation, SUM);
}

static peek_status forward_mean(peek_context *context, peek__operation *operation)
{
    (void)context;
    return run(operation, MEAN);
}

#define ROW(op, run)                                                                                           \
    {                                                                                                          \
        .name = (op), .first = 1, .least_inputs = 1, .most_inputs = PEEK__ANY_NUMBER, .infer = infer,          \
        .forward = (run)                                                                                       \
    }
static const peek__operator rows[] = {
    ROW("Max", forward_max),
    ROW("Min", forward_min),
    ROW("Sum", forward_sum),
    ROW("Mean", forward_mean),
};
const peek__family peek__variadic_family = PEEK__FAMILY(rows);
