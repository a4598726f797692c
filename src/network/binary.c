/* network/binary.c: Add, Sub, Mul, Div, Mod, Pow and PRelu with broadcasting.
 *
 *     dx and dz of  x + z: dy, dy    x - z: dy, -dy    x z: dy z, dy x    x / z: dy / z, -dy x / z²
 *     PRelu, x < 0 ? x z : x: those of x z, or dy, 0
 *
 * summed over what a tensor was spread over. Integers wrap around in their declared type. */
#include "network/broadcast.h"
#include "network/number.h"

#include <math.h>
#include <string.h>

/* MOD has the sign of the divisor, REST that of the dividend. */
typedef enum function { ADD, SUB, MUL, DIV, POW, PRELU, MOD, REST } function;

typedef struct settings {
    function function;
    peek__broadcast loop;
} settings;

static const char *const names[] = {[ADD] = "Add", [SUB] = "Sub",     [MUL] = "Mul", [DIV] = "Div",
                                    [POW] = "Pow", [PRELU] = "PRelu", [MOD] = "Mod"};

/* The slopes are spread over x, never x; before opset 7 a list of them is one a channel. */
static peek_status infer_prelu(peek_context *context, peek__operation *operation, peek__broadcast *loop)
{
    const peek__tensor *x = operation->input[0];
    peek__tensor slopes = *operation->input[1];
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    if (operation->node->opset < 7 && slopes.dimensions == 1)
        while (slopes.dimensions < x->dimensions - 1) slopes.shape[slopes.dimensions++] = 1;
    PEEK_TRY(peek__infer_broadcast(context, operation, x->dimensions, x->shape, slopes.dimensions, slopes.shape,
                                   &dimensions, shape));
    if (dimensions != x->dimensions || memcmp(shape, x->shape, (size_t)dimensions * sizeof *shape) != 0)
        return peek__broken(context, operation, "its slopes do not fit its input");
    const peek__tensor *tensors[2] = {x, &slopes};
    peek__broadcast_make(loop, dimensions, shape, 2, tensors);
    return peek__infer_output(context, operation, 0, x->type, dimensions, shape);
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *z = operation->input[1];
    settings *binary;
    PEEK_TRY(peek__infer_settings(context, operation, &binary));
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (strcmp(operation->node->op, names[i]) == 0) binary->function = (function)i;
    if (x->type != z->type && binary->function != POW)
        return peek__broken(context, operation, "its inputs are of the types %s and %s",
                            peek__element_name(x->type), peek__element_name(z->type));
    if (x->type == PEEK__TYPE_BOOL || z->type == PEEK__TYPE_BOOL)
        return peek__broken(context, operation, "it does not compute with bools");
    if (binary->function == MOD && peek__attribute_integer(operation->node, "fmod", 0)) binary->function = REST;
    if (binary->function == MOD && peek__is_float(x->type))
        return peek__broken(context, operation, "its attribute `fmod` should be 1 for %s",
                            peek__element_name(x->type));
    if (binary->function == PRELU) return infer_prelu(context, operation, &binary->loop);
    return peek__infer_pair(context, operation, x->type, &binary->loop);
}

/* y[i] = expression of a and b, with loops the compiler can vectorise. */
#define LOOPS(expression)                                                                                      \
    do {                                                                                                       \
        if (sx == 1 && sz == 1)                                                                                \
            for (int64_t i = 0; i < count; i++) {                                                              \
                float a = x[i], b = z[i];                                                                      \
                y[i] = (expression);                                                                           \
            }                                                                                                  \
        else if (sx == 1 && sz == 0) {                                                                         \
            float b = z[0];                                                                                    \
            for (int64_t i = 0; i < count; i++) {                                                              \
                float a = x[i];                                                                                \
                y[i] = (expression);                                                                           \
            }                                                                                                  \
        } else                                                                                                 \
            for (int64_t i = 0; i < count; i++) {                                                              \
                float a = x[i * sx], b = z[i * sz];                                                            \
                y[i] = (expression);                                                                           \
            }                                                                                                  \
    } while (0)

static void run_floats(function kind, float *y, const float *x, int64_t sx, const float *z, int64_t sz,
                       int64_t count)
{
    switch (kind) {
    case ADD:
        LOOPS(a + b);
        break;
    case SUB:
        LOOPS(a - b);
        break;
    case MUL:
        LOOPS(a * b);
        break;
    case DIV:
        LOOPS(a / b);
        break;
    case MOD:
    case REST:
        LOOPS(fmodf(a, b));
        break;
    case PRELU:
        LOOPS(a < 0 ? a * b : a);
        break;
    case POW:
        if (sz == 0 && z[0] == 2)
            LOOPS(b == 2 ? a * a : 0);
        else
            LOOPS(powf(a, b));
        break;
    }
}

/* What cannot be divided gives 0, and nothing overflows: these are wrapped, not signed, operations. */
static int64_t divide(peek__element type, int64_t a, int64_t b)
{
    if (b == 0) return 0;
    if (type == PEEK__TYPE_UINT64) return (int64_t)((uint64_t)a / (uint64_t)b);
    return b == -1 ? (int64_t) - (uint64_t)a : a / b;
}

static int64_t rest(peek__element type, function kind, int64_t a, int64_t b)
{
    if (b == 0) return 0;
    if (type == PEEK__TYPE_UINT64) return (int64_t)((uint64_t)a % (uint64_t)b);
    if (b == -1) return 0;
    int64_t left = a % b;
    return kind == MOD && left && (left < 0) != (b < 0) ? left + b : left;
}

static int64_t power(int64_t base, int64_t exponent)
{
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    uint64_t result = 1, square = (uint64_t)base;
    for (; exponent; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return (int64_t)result;
}

static int64_t combine(function kind, peek__element type, int64_t a, int64_t b)
{
    switch (kind) {
    case ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case DIV:
        return divide(type, a, b);
    case MOD:
    case REST:
        return rest(type, kind, a, b);
    default:
        return power(a, b);
    }
}

/* Pow with a base and an exponent of different types. */
static void run_mixed(const peek__tensor *base, int64_t at_base, int64_t step_base,
                      const peek__tensor *exponent, int64_t at_exponent, int64_t step_exponent, peek__tensor *y,
                      int64_t at, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t from = at_base + i * step_base, by = at_exponent + i * step_exponent;
        double b = peek__is_float(exponent->type) ? exponent->floats[by] : (double)exponent->integers[by];
        if (peek__is_float(base->type))
            y->floats[at + i] = (float)pow(base->floats[from], b);
        else
            y->integers[at + i] = peek__wrap_to(y->type, peek__cut_off(pow((double)base->integers[from], b)));
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *binary = operation->settings;
    const peek__tensor *x = operation->input[0], *z = operation->input[1];
    peek__tensor *y = operation->output[0];
    peek__broadcast loop = binary->loop;
    for (int64_t r = 0, at = 0; r < loop.runs; r++, at += loop.run, peek__walk_on(&loop.walk)) {
        int64_t from_x = loop.walk.offset[0], from_z = loop.walk.offset[1];
        if (peek__is_float(x->type) != peek__is_float(z->type))
            run_mixed(x, from_x, loop.step[0], z, from_z, loop.step[1], y, at, loop.run);
        else if (peek__is_float(x->type))
            run_floats(binary->function, y->floats + at, x->floats + from_x, loop.step[0], z->floats + from_z,
                       loop.step[1], loop.run);
        else
            for (int64_t i = 0; i < loop.run; i++)
                y->integers[at + i] = peek__wrap_to(y->type, combine(binary->function, y->type,
                                                                     x->integers[from_x + i * loop.step[0]],
                                                                     z->integers[from_z + i * loop.step[1]]));
    }
    return PEEK_OK;
}

static void run_backward(function kind, const float *dy, const float *x, float *dx, int64_t sx, const float *z,
                         float *dz, int64_t sz, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float a = x[i * sx], b = z[i * sz], ga = dy[i], gb = dy[i];
        if (kind == SUB) gb = -gb;
        if (kind == MUL || (kind == PRELU && a < 0)) {
            ga *= b;
            gb *= a;
        } else if (kind == PRELU) {
            gb = 0;
        }
        if (kind == DIV) {
            ga /= b;
            gb *= -a / (b * b);
        }
        if (kind == POW) {
            ga *= b == 0 ? 0 : b * powf(a, b - 1);
            gb *= a > 0 ? powf(a, b) * logf(a) : 0;
        }
        if (dx) dx[i * sx] += ga;
        if (dz) dz[i * sz] += gb;
    }
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *binary = operation->settings;
    const float *x = operation->input[0]->floats, *z = operation->input[1]->floats;
    float *dx = operation->input_gradient[0], *dz = operation->input_gradient[1];
    const float *dy = operation->output_gradient[0];
    peek__broadcast loop = binary->loop;
    for (int64_t r = 0; r < loop.runs; r++, dy += loop.run, peek__walk_on(&loop.walk)) {
        int64_t from_x = loop.walk.offset[0], from_z = loop.walk.offset[1];
        run_backward(binary->function, dy, x + from_x, dx ? dx + from_x : NULL, loop.step[0], z + from_z,
                     dz ? dz + from_z : NULL, loop.step[1], loop.run);
    }
    return PEEK_OK;
}

#define ROW(op)                                                                                                \
    {                                                                                                          \
        .name = (op), .first = 1, .least_inputs = 2, .in_place = 1, .infer = infer, .forward = forward,        \
        .backward = backward                                                                                   \
    }
static const peek__operator rows[] = {
    ROW("Add"),
    ROW("Sub"),
    ROW("Mul"),
    ROW("Div"),
    {.name = "PRelu",
     .first = 1,
     .least_inputs = 2,
     .activation = 1,
     .in_place = 1,
     .infer = infer,
     .forward = forward,
     .backward = backward},
    {.name = "Mod", .first = 10, .least_inputs = 2, .in_place = 1, .infer = infer, .forward = forward},
    {.name = "Pow",
     .first = 1,
     .least_inputs = 2,
     .in_place = 1,
     .infer = infer,
     .forward = forward,
     .backward = backward},
};
const peek__family peek__binary_family = PEEK__FAMILY(rows);
