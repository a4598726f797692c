/* network/compare.c: what gives bools: Equal, Less, LessOrEqual, Greater, GreaterOrEqual, And, Or, Xor, Not,
 * IsNaN, IsInf. As in C, nothing is equal to, less or greater than what is not a number. */
#include "network/broadcast.h"

#include <math.h>
#include <string.h>

typedef enum function {
    AND,
    EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    LESS,
    LESS_OR_EQUAL,
    OR,
    XOR,
    FUNCTIONS
} function;

static const char *const names[FUNCTIONS] = {[AND] = "And",         [EQUAL] = "Equal",
                                             [GREATER] = "Greater", [GREATER_OR_EQUAL] = "GreaterOrEqual",
                                             [LESS] = "Less",       [LESS_OR_EQUAL] = "LessOrEqual",
                                             [OR] = "Or",           [XOR] = "Xor"};

typedef struct settings {
    function function;
    peek__broadcast loop;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *compare;
    PEEK_TRY(peek__infer_settings(context, operation, &compare));
    while (strcmp(operation->node->op, names[compare->function]) != 0) compare->function++;
    int logic = compare->function == AND || compare->function == OR || compare->function == XOR;
    if (x->type != operation->input[1]->type || (logic && x->type != PEEK__TYPE_BOOL))
        return peek__broken(context, operation, "its inputs are of the types %s and %s",
                            peek__element_name(x->type), peek__element_name(operation->input[1]->type));
    return peek__infer_pair(context, operation, PEEK__TYPE_BOOL, &compare->loop);
}

#define EACH(expression)                                                                                       \
    for (int64_t i = 0; i < count; i++, x += sx, z += sz) y[i] = (expression);                                 \
    break

#define RUN(name, number)                                                                                      \
    static void name(function kind, int64_t *y, const number *x, int64_t sx, const number *z, int64_t sz,      \
                     int64_t count)                                                                            \
    {                                                                                                          \
        switch (kind) {                                                                                        \
        case AND:                                                                                              \
            EACH(*x &&*z);                                                                                     \
        case EQUAL:                                                                                            \
            EACH(*x == *z);                                                                                    \
        case GREATER:                                                                                          \
            EACH(*x > *z);                                                                                     \
        case GREATER_OR_EQUAL:                                                                                 \
            EACH(*x >= *z);                                                                                    \
        case LESS:                                                                                             \
            EACH(*x < *z);                                                                                     \
        case LESS_OR_EQUAL:                                                                                    \
            EACH(*x <= *z);                                                                                    \
        case OR:                                                                                               \
            EACH(*x || *z);                                                                                    \
        case XOR:                                                                                              \
            EACH(!*x != !*z);                                                                                  \
        case FUNCTIONS:                                                                                        \
            break;                                                                                             \
        }                                                                                                      \
    }
RUN(run_floats, float)
RUN(run_integers, int64_t)
RUN(run_unsigned, uint64_t)

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *compare = operation->settings;
    const peek__tensor *x = operation->input[0], *z = operation->input[1];
    int64_t *y = operation->output[0]->integers;
    peek__broadcast loop = compare->loop;
    for (int64_t r = 0; r < loop.runs; r++, y += loop.run, peek__walk_on(&loop.walk)) {
        const void *a = peek__at(x, loop.walk.offset[0]), *b = peek__at(z, loop.walk.offset[1]);
        if (peek__is_float(x->type))
            run_floats(compare->function, y, a, loop.step[0], b, loop.step[1], loop.run);
        else if (x->type == PEEK__TYPE_UINT64)
            run_unsigned(compare->function, y, a, loop.step[0], b, loop.step[1], loop.run);
        else
            run_integers(compare->function, y, a, loop.step[0], b, loop.step[1], loop.run);
    }
    return PEEK_OK;
}

static peek_status infer_test(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    if (strcmp(operation->node->op, "Not") != 0)
        PEEK_TRY(peek__needs_floats(context, operation, 0));
    else if (x->type != PEEK__TYPE_BOOL)
        return peek__broken(context, operation, "its input is of the type %s", peek__element_name(x->type));
    return peek__infer_output(context, operation, 0, PEEK__TYPE_BOOL, x->dimensions, x->shape);
}

static peek_status forward_not(peek_context *context, peek__operation *operation)
{
    (void)context;
    const int64_t *x = operation->input[0]->integers;
    int64_t *y = operation->output[0]->integers;
    for (int64_t i = 0; i < operation->output[0]->size; i++) y[i] = !x[i];
    return PEEK_OK;
}

static peek_status forward_nan(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *x = operation->input[0]->floats;
    int64_t *y = operation->output[0]->integers;
    for (int64_t i = 0; i < operation->output[0]->size; i++) y[i] = isnan(x[i]) != 0;
    return PEEK_OK;
}

static peek_status forward_infinite(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *x = operation->input[0]->floats;
    int64_t *y = operation->output[0]->integers;
    int above = peek__attribute_integer(operation->node, "detect_positive", 1) != 0;
    int below = peek__attribute_integer(operation->node, "detect_negative", 1) != 0;
    for (int64_t i = 0; i < operation->output[0]->size; i++) y[i] = isinf(x[i]) && (x[i] > 0 ? above : below);
    return PEEK_OK;
}

#define ROW(op, opset)                                                                                         \
    {                                                                                                          \
        .name = (op), .first = (opset), .least_inputs = 2, .in_place = 1, .infer = infer, .forward = forward   \
    }
#define TEST(op, opset, run)                                                                                   \
    {                                                                                                          \
        .name = (op), .first = (opset), .least_inputs = 1, .in_place = 1, .infer = infer_test,                 \
        .forward = (run)                                                                                       \
    }
static const peek__operator rows[] = {
    ROW("And", 1),
    ROW("Or", 1),
    ROW("Xor", 1),
    ROW("Equal", 1),
    ROW("Less", 1),
    ROW("Greater", 1),
    ROW("LessOrEqual", 12),
    ROW("GreaterOrEqual", 12),
    TEST("Not", 1, forward_not),
    TEST("IsNaN", 9, forward_nan),
    TEST("IsInf", 10, forward_infinite),
};
const peek__family peek__compare_family = PEEK__FAMILY(rows);
