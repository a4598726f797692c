/* network/where.c: Where: y = condition ? x : z, with broadcasting of all three. */
#include "network/broadcast.h"

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *condition = operation->input[0], *x = operation->input[1], *z = operation->input[2];
    peek__broadcast *loop;
    PEEK_TRY(peek__infer_settings(context, operation, &loop));
    if (condition->type != PEEK__TYPE_BOOL || x->type != z->type)
        return peek__broken(context, operation, "its inputs are of the types %s, %s and %s",
                            peek__element_name(condition->type), peek__element_name(x->type),
                            peek__element_name(z->type));
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS], chosen[PEEK_DIMENSIONS];
    PEEK_TRY(peek__infer_broadcast(context, operation, x->dimensions, x->shape, z->dimensions, z->shape,
                                   &dimensions, chosen));
    PEEK_TRY(peek__infer_broadcast(context, operation, condition->dimensions, condition->shape, dimensions,
                                   chosen, &dimensions, shape));
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, dimensions, shape));
    const peek__tensor *tensors[3] = {condition, x, z};
    peek__broadcast_make(loop, dimensions, shape, 3, tensors);
    return PEEK_OK;
}

#define RUN(number)                                                                                            \
    do {                                                                                                       \
        number *to = peek__at(y, at);                                                                          \
        const number *a = peek__at(x, loop.walk.offset[1]), *b = peek__at(z, loop.walk.offset[2]);             \
        for (int64_t i = 0; i < loop.run; i++)                                                                 \
            to[i] = chosen[i * loop.step[0]] ? a[i * loop.step[1]] : b[i * loop.step[2]];                      \
    } while (0)

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[1], *z = operation->input[2], *y = operation->output[0];
    peek__broadcast loop = *(const peek__broadcast *)operation->settings;
    for (int64_t r = 0, at = 0; r < loop.runs; r++, at += loop.run, peek__walk_on(&loop.walk)) {
        const int64_t *chosen = operation->input[0]->integers + loop.walk.offset[0];
        if (peek__is_float(y->type))
            RUN(float);
        else
            RUN(int64_t);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Where", .first = 9, .least_inputs = 3, .in_place = 1, .infer = infer, .forward = forward}};
const peek__family peek__where_family = PEEK__FAMILY(rows);
