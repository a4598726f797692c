/* network/unary.c: functions of one number: y = f(x), dx = f'(x) dy. */
#include "network/number.h"
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef enum function {
    ABS,
    CEIL,
    ERF,
    EXP,
    FLOOR,
    LEAKY_RELU,
    LOG,
    NEG,
    RECIPROCAL,
    RELU,
    SIGMOID,
    SQRT,
    TANH,
    FUNCTIONS
} function;

static const char *const names[FUNCTIONS] = {
    [ABS] = "Abs",   [CEIL] = "Ceil",       [ERF] = "Erf",
    [EXP] = "Exp",   [FLOOR] = "Floor",     [LEAKY_RELU] = "LeakyRelu",
    [LOG] = "Log",   [NEG] = "Neg",         [RECIPROCAL] = "Reciprocal",
    [RELU] = "Relu", [SIGMOID] = "Sigmoid", [SQRT] = "Sqrt",
    [TANH] = "Tanh"};

typedef struct settings {
    function function;
    float slope; /* of LeakyRelu below zero */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *unary;
    PEEK_TRY(peek__infer_settings(context, operation, &unary));
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(names[i], operation->node->op) == 0) unary->function = (function)i;
    unary->slope = peek__attribute_number(operation->node, "alpha", 0.01f);
    int integers = unary->function == ABS || unary->function == NEG || unary->function == RELU;
    if (!integers || x->type == PEEK__TYPE_BOOL) PEEK_TRY(peek__needs_floats(context, operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static void run_integers(const settings *unary, const peek__tensor *x, peek__tensor *y)
{
    for (int64_t i = 0; i < x->size; i++) {
        int64_t a = x->integers[i], minus = (int64_t) - (uint64_t)a;
        int negative = a < 0 && x->type != PEEK__TYPE_UINT64;
        int64_t b = unary->function == NEG ? minus : !negative ? a : unary->function == ABS ? minus : 0;
        y->integers[i] = peek__wrap_to(y->type, b);
    }
}

#define EACH(expression)                                                                                       \
    for (int64_t i = 0; i < size; i++) y[i] = (expression);                                                    \
    break

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *unary = operation->settings;
    const float *x = operation->input[0]->floats;
    float *y = operation->output[0]->floats, slope = unary->slope;
    int64_t size = operation->output[0]->size;
    if (!peek__is_float(operation->input[0]->type)) {
        run_integers(unary, operation->input[0], operation->output[0]);
        return PEEK_OK;
    }
    switch (unary->function) {
    case ABS:
        EACH(fabsf(x[i]));
    case CEIL:
        EACH(ceilf(x[i]));
    case ERF:
        EACH(erff(x[i]));
    case EXP:
        EACH(expf(x[i]));
    case FLOOR:
        EACH(floorf(x[i]));
    case LEAKY_RELU:
        EACH(x[i] < 0 ? slope * x[i] : x[i]);
    case LOG:
        EACH(logf(x[i]));
    case NEG:
        EACH(-x[i]);
    case RECIPROCAL:
        EACH(1 / x[i]);
    case RELU: /* written so that what is not a number stays so */
        EACH(x[i] < 0 ? 0 : x[i]);
    case SIGMOID: /* exp of a negative number only: it cannot overflow */
        for (int64_t i = 0; i < size; i++) {
            float small = expf(-fabsf(x[i]));
            y[i] = (x[i] < 0 ? small : 1) / (1 + small);
        }
        break;
    case SQRT:
        EACH(sqrtf(x[i]));
    case TANH:
        EACH(tanhf(x[i]));
    case FUNCTIONS:
        break;
    }
    return PEEK_OK;
}

#undef EACH
#define EACH(slope_there)                                                                                      \
    for (int64_t i = 0; i < size; i++) out[i] += back[i] * (slope_there);                                      \
    break

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *unary = operation->settings;
    const float *restrict x = operation->input[0]->floats, *restrict y = operation->output[0]->floats;
    const float *restrict back = operation->output_gradient[0];
    float *restrict out = operation->input_gradient[0], slope = unary->slope;
    int64_t size = operation->output[0]->size;
    if (!out) return PEEK_OK;
    switch (unary->function) {
    case ABS:
        EACH(x[i] > 0 ? 1 : x[i] < 0 ? -1 : 0);
    case ERF:
        EACH((float)M_2_SQRTPI * expf(-x[i] * x[i]));
    case EXP:
        EACH(y[i]);
    case LEAKY_RELU:
        EACH(x[i] < 0 ? slope : 1);
    case LOG:
        EACH(1 / x[i]);
    case NEG:
        EACH(-1);
    case RECIPROCAL:
        EACH(-y[i] * y[i]);
    case RELU:
        for (int64_t i = 0; i < size; i++) out[i] += y[i] > 0 ? back[i] : 0;
        break;
    case SIGMOID:
        EACH(y[i] * (1 - y[i]));
    case SQRT:
        EACH(0.5f / y[i]);
    case TANH:
        EACH(1 - y[i] * y[i]);
    case CEIL: /* flat wherever they have a slope */
    case FLOOR:
    case FUNCTIONS:
        break;
    }
    return PEEK_OK;
}

#define ROW(op, is_activation)                                                                                 \
    {                                                                                                          \
        .name = (op), .first = 1, .least_inputs = 1, .activation = (is_activation), .in_place = 1,             \
        .infer = infer, .forward = forward, .backward = backward                                               \
    }
static const peek__operator rows[] = {
    ROW("Relu", 1), ROW("LeakyRelu", 1),  ROW("Sigmoid", 1), ROW("Tanh", 1),  ROW("Abs", 0),
    ROW("Ceil", 0), ROW("Erf", 0),        ROW("Exp", 0),     ROW("Floor", 0), ROW("Log", 0),
    ROW("Neg", 0),  ROW("Reciprocal", 0), ROW("Sqrt", 0),
};
const peek__family peek__unary_family = PEEK__FAMILY(rows);
