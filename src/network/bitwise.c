/* network/bitwise.c: BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot and BitShift of integers. */
#include "network/broadcast.h"
#include "network/number.h"

#include <string.h>

typedef enum function { AND, OR, XOR, LEFT, RIGHT } function;

typedef struct settings {
    function function;
    peek__broadcast loop;
} settings;

static peek_status needs_bits(peek_context *context, const peek__operation *operation)
{
    for (int64_t i = 0; i < operation->inputs; i++) {
        PEEK_TRY(peek__needs_integers(context, operation, i));
        if (operation->input[i]->type == PEEK__TYPE_BOOL ||
            operation->input[i]->type != operation->input[0]->type)
            return peek__broken(context, operation, "its input '%s' is of the type %s",
                                peek__input_name(operation, i), peek__element_name(operation->input[i]->type));
    }
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    settings *bits;
    const char *op = operation->node->op, *direction = peek__attribute_text(operation->node, "direction", "");
    PEEK_TRY(peek__infer_settings(context, operation, &bits));
    PEEK_TRY(needs_bits(context, operation));
    bits->function = strcmp(op, "BitwiseAnd") == 0    ? AND
                     : strcmp(op, "BitwiseOr") == 0   ? OR
                     : strcmp(op, "BitwiseXor") == 0  ? XOR
                     : strcmp(direction, "LEFT") == 0 ? LEFT
                                                      : RIGHT;
    if (bits->function == RIGHT && strcmp(direction, "RIGHT") != 0)
        return peek__broken(context, operation, "its direction '%.40s' is neither LEFT nor RIGHT", direction);
    return peek__infer_pair(context, operation, operation->input[0]->type, &bits->loop);
}

/* Shifts are of unsigned integers; beyond the width nothing is left. */
static int64_t combine(function kind, int64_t a, int64_t b)
{
    switch (kind) {
    case AND:
        return a & b;
    case OR:
        return a | b;
    case XOR:
        return a ^ b;
    case LEFT:
        return (uint64_t)b > 63 ? 0 : (int64_t)((uint64_t)a << b);
    default:
        return (uint64_t)b > 63 ? 0 : (int64_t)((uint64_t)a >> b);
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *bits = operation->settings;
    const int64_t *x = operation->input[0]->integers, *z = operation->input[1]->integers;
    peek__tensor *y = operation->output[0];
    peek__broadcast loop = bits->loop;
    for (int64_t r = 0, at = 0; r < loop.runs; r++, at += loop.run, peek__walk_on(&loop.walk))
        for (int64_t i = 0; i < loop.run; i++)
            y->integers[at + i] =
                peek__wrap_to(y->type, combine(bits->function, x[loop.walk.offset[0] + i * loop.step[0]],
                                               z[loop.walk.offset[1] + i * loop.step[1]]));
    return PEEK_OK;
}

static peek_status infer_not(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    PEEK_TRY(needs_bits(context, operation));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek_status forward_not(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    for (int64_t i = 0; i < y->size; i++) y->integers[i] = peek__wrap_to(y->type, ~x->integers[i]);
    return PEEK_OK;
}

#define ROW(op, opset)                                                                                         \
    {                                                                                                          \
        .name = (op), .first = (opset), .least_inputs = 2, .in_place = 1, .infer = infer, .forward = forward   \
    }
static const peek__operator rows[] = {
    ROW("BitwiseAnd", 18),
    ROW("BitwiseOr", 18),
    ROW("BitwiseXor", 18),
    ROW("BitShift", 11),
    {.name = "BitwiseNot",
     .first = 18,
     .least_inputs = 1,
     .in_place = 1,
     .infer = infer_not,
     .forward = forward_not},
};
const peek__family peek__bitwise_family = PEEK__FAMILY(rows);
