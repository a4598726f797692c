/* network/unary.c: functions of one number, y = f(x), dx = f'(x) dy, from a table: activation functions and
 * others.
 *
 * What is not a number stays so: comparisons are written such that they are false for it. Source of definitions
 * and defaults: https://onnx.ai/onnx/operators/ */
#include "network/number.h"
#include "network/operators.h"

#include <math.h>
#include <string.h>

/* exp of a negative number only: it cannot overflow. */
static inline float sigmoid(float x)
{
    float small = expf(-fabsf(x));
    return (x < 0 ? small : 1) / (1 + small);
}

static inline float softplus(float x)
{
    return log1pf(expf(-fabsf(x))) + (x < 0 ? 0 : x);
}

static inline float cut(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float shrink(float x, float bias, float threshold)
{
    if (x < -threshold) return x + bias;
    if (x > threshold) return x - bias;
    return isnan(x) ? x : 0;
}

static inline float mish_slope(float x)
{
    float t = tanhf(softplus(x));
    return t + x * sigmoid(x) * (1 - t * t);
}

static inline float swish_slope(float x, float a)
{
    float s = sigmoid(a * x);
    return s + a * x * s * (1 - s);
}

/* By erf, or its approximation by tanh. */
static inline float gelu(float x, float approximate)
{
    if (approximate != 0) return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
    return 0.5f * x * (1 + erff((float)M_SQRT1_2 * x));
}

static inline float gelu_slope(float x, float approximate)
{
    if (approximate != 0) {
        float t = tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
        return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.7978845608f * (1 + 0.134145f * x * x);
    }
    return 0.5f * (1 + erff((float)M_SQRT1_2 * x)) + x * 0.3989422804f * expf(-0.5f * x * x);
}

/* Name, first opset, whether it is an activation function, the attributes a and b with their defaults, y, dy/dx
 * (of x and y; 0 for steps, which are flat wherever they have a slope). Unformatted: x * f(x) is no
 * declaration. */
/* clang-format off */
#define FUNCTIONS(F)                                                                                           \
    F(Celu, 12, 1, "alpha", 1, "", 0, x < 0 ? a * expm1f(x / a) : x, x < 0 ? expf(x / a) : 1)                  \
    F(Elu, 1, 1, "alpha", 1, "", 0, x < 0 ? a * expm1f(x) : x, x < 0 ? y + a : 1)                              \
    F(Gelu, 20, 1, "", 0, "", 0, gelu(x, a), gelu_slope(x, a))                                                 \
    F(HardSigmoid, 1, 1, "alpha", 0.2f, "beta", 0.5f, cut(a * x + b, 0, 1), y > 0 && y < 1 ? a : 0)            \
    F(HardSwish, 14, 1, "", 0, "", 0, x * cut(x / 6 + 0.5f, 0, 1), x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5f)      \
    F(LeakyRelu, 1, 1, "alpha", 0.01f, "", 0, x < 0 ? a * x : x, x < 0 ? a : 1)                                \
    F(Mish, 18, 1, "", 0, "", 0, x * tanhf(softplus(x)), mish_slope(x))                                        \
    F(Relu, 1, 1, "", 0, "", 0, x < 0 ? 0 : x, y > 0 ? 1 : 0)                                                  \
    F(Selu, 1, 1, "alpha", 1.67326319f, "gamma", 1.05070102f, b * (x < 0 ? a * expm1f(x) : x),                 \
      x < 0 ? y + a * b : b)                                                                                   \
    F(Shrink, 9, 1, "bias", 0, "lambd", 0.5f, shrink(x, a, b), x < -b || x > b ? 1 : 0)                        \
    F(Sigmoid, 1, 1, "", 0, "", 0, sigmoid(x), y * (1 - y))                                                    \
    F(Softplus, 1, 1, "", 0, "", 0, softplus(x), sigmoid(x))                                                   \
    F(Softsign, 1, 1, "", 0, "", 0, x / (1 + fabsf(x)), (1 - fabsf(y)) * (1 - fabsf(y)))                       \
    F(Swish, 24, 1, "alpha", 1, "", 0, x * sigmoid(a * x), swish_slope(x, a))                                  \
    F(Tanh, 1, 1, "", 0, "", 0, tanhf(x), 1 - y * y)                                                           \
    F(ThresholdedRelu, 10, 1, "alpha", 1, "", 0, x <= a ? 0 : x, x > a ? 1 : 0)                                \
    F(Abs, 1, 0, "", 0, "", 0, fabsf(x), x > 0 ? 1 : x < 0 ? -1 : 0)                                           \
    F(Acos, 7, 0, "", 0, "", 0, acosf(x), -1 / sqrtf(1 - x * x))                                               \
    F(Acosh, 9, 0, "", 0, "", 0, acoshf(x), 1 / sqrtf(x * x - 1))                                              \
    F(Asin, 7, 0, "", 0, "", 0, asinf(x), 1 / sqrtf(1 - x * x))                                                \
    F(Asinh, 9, 0, "", 0, "", 0, asinhf(x), 1 / sqrtf(x * x + 1))                                              \
    F(Atan, 7, 0, "", 0, "", 0, atanf(x), 1 / (1 + x * x))                                                     \
    F(Atanh, 9, 0, "", 0, "", 0, atanhf(x), 1 / (1 - x * x))                                                   \
    F(Ceil, 1, 0, "", 0, "", 0, ceilf(x), 0)                                                                   \
    F(Cos, 7, 0, "", 0, "", 0, cosf(x), -sinf(x))                                                              \
    F(Cosh, 9, 0, "", 0, "", 0, coshf(x), sinhf(x))                                                            \
    F(Erf, 9, 0, "", 0, "", 0, erff(x), (float)M_2_SQRTPI * expf(-x * x))                                      \
    F(Exp, 1, 0, "", 0, "", 0, expf(x), y)                                                                     \
    F(Floor, 1, 0, "", 0, "", 0, floorf(x), 0)                                                                 \
    F(Log, 1, 0, "", 0, "", 0, logf(x), 1 / x)                                                                 \
    F(Neg, 1, 0, "", 0, "", 0, -x, -1)                                                                         \
    F(Reciprocal, 1, 0, "", 0, "", 0, 1 / x, -y * y)                                                           \
    F(Round, 11, 0, "", 0, "", 0, rintf(x), 0)                                                                 \
    F(Sign, 9, 0, "", 0, "", 0, x > 0 ? 1 : x < 0 ? -1 : x, 0)                                                 \
    F(Sin, 7, 0, "", 0, "", 0, sinf(x), cosf(x))                                                               \
    F(Sinh, 9, 0, "", 0, "", 0, sinhf(x), coshf(x))                                                            \
    F(Sqrt, 1, 0, "", 0, "", 0, sqrtf(x), 0.5f / y)                                                            \
    F(Tan, 7, 0, "", 0, "", 0, tanf(x), 1 + y * y)
/* clang-format on */

typedef struct function {
    const char *name, *name_a, *name_b;
    float a, b;
    void (*forward)(const float *x, float *y, int64_t size, float a, float b);
    void (*backward)(const float *x, const float *y, const float *back, float *out, int64_t size, float a,
                     float b);
} function;

/* The same loops for each: forward may write over its input. */
#define LOOPS(op, opset, activation, name_a, standard_a, name_b, standard_b, value, slope)                     \
    static void op##_forward(const float *in, float *out, int64_t size, float a, float b)                      \
    {                                                                                                          \
        (void)a;                                                                                               \
        (void)b;                                                                                               \
        for (int64_t i = 0; i < size; i++) {                                                                   \
            float x = in[i];                                                                                   \
            out[i] = (value);                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    static void op##_backward(const float *restrict in, const float *restrict made,                            \
                              const float *restrict back, float *restrict out, int64_t size, float a, float b) \
    {                                                                                                          \
        (void)a;                                                                                               \
        (void)b;                                                                                               \
        for (int64_t i = 0; i < size; i++) {                                                                   \
            float x = in[i], y = made[i];                                                                      \
            (void)x;                                                                                           \
            (void)y;                                                                                           \
            out[i] += back[i] * (slope);                                                                       \
        }                                                                                                      \
    }
FUNCTIONS(LOOPS)

#define ENTRY(op, opset, activation, name_a, standard_a, name_b, standard_b, value, slope)                     \
    {#op, name_a, name_b, standard_a, standard_b, op##_forward, op##_backward},
static const function functions[] = {FUNCTIONS(ENTRY)};

typedef struct settings {
    const function *function;
    float a, b;
} settings;

static int is(const peek__operation *operation, const char *op)
{
    return strcmp(operation->node->op, op) == 0;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    settings *unary;
    PEEK_TRY(peek__infer_settings(context, operation, &unary));
    const function *found = functions;
    while (!is(operation, found->name)) found++;
    unary->function = found;
    unary->a = peek__attribute_number(operation->node, found->name_a, found->a);
    unary->b = peek__attribute_number(operation->node, found->name_b, found->b);
    if (is(operation, "Selu") && operation->node->opset < 6) {
        unary->a = peek__attribute_number(operation->node, "alpha", 1.6732f);
        unary->b = peek__attribute_number(operation->node, "gamma", 1.0507f);
    }
    if (is(operation, "Gelu")) {
        const char *way = peek__attribute_text(operation->node, "approximate", "none");
        unary->a = strcmp(way, "tanh") == 0;
        if (unary->a == 0 && strcmp(way, "none") != 0)
            return peek__broken(context, operation, "its approximation '%.40s' is neither none nor tanh", way);
    }
    int integers =
        is(operation, "Abs") || is(operation, "Neg") || is(operation, "Relu") || is(operation, "Sign");
    if (!integers || x->type == PEEK__TYPE_BOOL) PEEK_TRY(peek__needs_floats(context, operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static void run_integers(const peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    int is_neg = is(operation, "Neg"), is_abs = is(operation, "Abs"), is_sign = is(operation, "Sign");
    for (int64_t i = 0; i < x->size; i++) {
        int64_t a = x->integers[i], minus = (int64_t) - (uint64_t)a;
        int negative = a < 0 && x->type != PEEK__TYPE_UINT64;
        int64_t b = is_neg ? minus : is_sign ? (negative ? -1 : a != 0) : !negative ? a : is_abs ? minus : 0;
        y->integers[i] = peek__wrap_to(y->type, b);
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *unary = operation->settings;
    peek__tensor *y = operation->output[0];
    if (peek__is_float(y->type))
        unary->function->forward(operation->input[0]->floats, y->floats, y->size, unary->a, unary->b);
    else
        run_integers(operation);
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *unary = operation->settings;
    const peek__tensor *y = operation->output[0];
    if (operation->input_gradient[0])
        unary->function->backward(operation->input[0]->floats, y->floats, operation->output_gradient[0],
                                  operation->input_gradient[0], y->size, unary->a, unary->b);
    return PEEK_OK;
}

#define ROW(op, opset, is_activation, name_a, standard_a, name_b, standard_b, value, slope)                    \
    {.name = #op,                                                                                              \
     .first = (opset),                                                                                         \
     .least_inputs = 1,                                                                                        \
     .activation = (is_activation),                                                                            \
     .in_place = 1,                                                                                            \
     .infer = infer,                                                                                           \
     .forward = forward,                                                                                       \
     .backward = backward},
static const peek__operator rows[] = {FUNCTIONS(ROW)};
const peek__family peek__unary_family = PEEK__FAMILY(rows);
