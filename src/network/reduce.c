/* network/reduce.c: one number from those along some axes:
 *
 *     Sum, Mean, Prod, Max, Min    L1: sum |x|    L2: sqrt(sum x²)    SumSquare: sum x²
 *     LogSum: log(sum x)           LogSumExp: max + log(sum exp(x - max))
 *
 * Sums are taken in double precision, in the order of the numbers. Source: the ONNX operators. */
#include "network/number.h"
#include "network/operators.h"

#include <math.h>
#include <string.h>

typedef enum reduction {
    SUM,
    MEAN,
    PROD,
    MAX,
    MIN,
    L1,
    L2,
    SUM_SQUARE,
    LOG_SUM,
    LOG_SUM_EXP,
    FUNCTIONS
} reduction;

static const char *const names[FUNCTIONS] = {"ReduceSum",    "ReduceMean",     "ReduceProd", "ReduceMax",
                                             "ReduceMin",    "ReduceL1",       "ReduceL2",   "ReduceSumSquare",
                                             "ReduceLogSum", "ReduceLogSumExp"};

typedef struct settings {
    reduction function;
    int none;         /* no axes: y = x, but for the function of one number */
    peek__walk outer; /* over y; offset 0 is into x */
    peek__walk inner; /* over what is reduced, but its last dimension */
    int64_t runs, length, step, count;
} settings;

/* Where opsets take the axes from an input: ReduceSum from 13 on, the others from 18 on. */
static int axes_input(const peek__operation *operation)
{
    return operation->node->opset >= (strcmp(operation->node->op, "ReduceSum") == 0 ? 13 : 18) ? 1 : -1;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t count, axes[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS], kept = 0, from[PEEK_DIMENSIONS];
    int keep = peek__attribute_integer(operation->node, "keepdims", 1) != 0, last = -1;
    char reduced[PEEK_DIMENSIONS] = {0};
    settings *reduce;
    PEEK_TRY(peek__infer_settings(context, operation, &reduce));
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(operation->node->op, names[i]) == 0) reduce->function = (reduction)i;
    if (x->type == PEEK__TYPE_BOOL && reduce->function != MAX && reduce->function != MIN)
        return peek__broken(context, operation, "it does not compute with bools");
    PEEK_TRY(peek__infer_integers(context, operation, axes_input(operation), "axes", &count, axes));
    reduce->none = count <= 0 && peek__attribute_integer(operation->node, "noop_with_empty_axes", 0);
    for (int d = 0; d < x->dimensions; d++) reduced[d] = count <= 0 && !reduce->none;
    for (int64_t i = 0; i < count; i++) {
        PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axes[i]));
        reduced[axes[i]] = 1;
    }
    peek__row_major_steps(x->dimensions, x->shape, from);
    reduce->runs = reduce->length = reduce->count = 1;
    for (int d = 0; d < x->dimensions; d++)
        if (reduced[d] && x->shape[d] != 1) last = d;
    for (int d = 0; d < x->dimensions; d++) {
        if (reduced[d]) reduce->count *= x->shape[d];
        if (!reduced[d] || keep) shape[kept++] = reduced[d] ? 1 : x->shape[d];
        peek__walk *walk = reduced[d] ? &reduce->inner : &reduce->outer;
        if (d == last) {
            reduce->length = x->shape[d];
            reduce->step = from[d];
        } else {
            walk->shape[walk->dimensions] = x->shape[d];
            walk->step[0][walk->dimensions++] = from[d];
            if (reduced[d]) reduce->runs *= x->shape[d];
        }
    }
    if (!reduce->count) reduce->runs = 0;
    return peek__infer_output(context, operation, 0, x->type, kept, shape);
}

static double start_of(reduction function)
{
    return function == PROD ? 1 : function == MAX ? -INFINITY : function == MIN ? INFINITY : 0;
}

/* Takes a run of numbers into a result; most: of LogSumExp, the largest number. */
static double take_run(reduction function, double result, const float *x, int64_t count, int64_t step,
                       double most)
{
    switch (function) {
    case SUM:
    case MEAN:
    case LOG_SUM:
        for (int64_t i = 0; i < count; i++) result += x[i * step];
        break;
    case PROD:
        for (int64_t i = 0; i < count; i++) result *= x[i * step];
        break;
    case MAX:
        for (int64_t i = 0; i < count; i++)
            if (x[i * step] > result || isnan(x[i * step])) result = x[i * step];
        break;
    case MIN:
        for (int64_t i = 0; i < count; i++)
            if (x[i * step] < result || isnan(x[i * step])) result = x[i * step];
        break;
    case L1:
        for (int64_t i = 0; i < count; i++) result += fabs((double)x[i * step]);
        break;
    case L2:
    case SUM_SQUARE:
        for (int64_t i = 0; i < count; i++) result += (double)x[i * step] * x[i * step];
        break;
    case LOG_SUM_EXP:
        for (int64_t i = 0; i < count; i++) result += exp(x[i * step] - most);
        break;
    case FUNCTIONS:
        break;
    }
    return result;
}

static double take_all(const settings *reduce, reduction function, const float *x, double most)
{
    double result = start_of(function);
    peek__walk inner = reduce->inner;
    for (int64_t r = 0; r < reduce->runs; r++, peek__walk_on(&inner))
        result = take_run(function, result, x + inner.offset[0], reduce->length, reduce->step, most);
    return result;
}

static float reduce_floats(const settings *reduce, const float *x)
{
    double most = 0, result;
    if (reduce->function == LOG_SUM_EXP) {
        most = take_all(reduce, MAX, x, 0);
        if (!isfinite(most)) return (float)most; /* none, an infinity, or not a number */
    }
    result = take_all(reduce, reduce->function, x, most);
    if (reduce->function == MEAN) result /= (double)reduce->count;
    if (reduce->function == L2) result = sqrt(result);
    if (reduce->function == LOG_SUM) result = log(result);
    if (reduce->function == LOG_SUM_EXP) result = most + log(result);
    return (float)result;
}

/* What integers of a type begin a maximum (or a minimum) with. */
static int64_t extreme(peek__element type, int maximum)
{
    switch (type) {
    case PEEK__TYPE_INT8:
        return maximum ? INT8_MIN : INT8_MAX;
    case PEEK__TYPE_INT16:
        return maximum ? INT16_MIN : INT16_MAX;
    case PEEK__TYPE_INT32:
        return maximum ? INT32_MIN : INT32_MAX;
    case PEEK__TYPE_INT64:
        return maximum ? INT64_MIN : INT64_MAX;
    default:
        return maximum ? 0 : type == PEEK__TYPE_BOOL ? 1 : peek__wrap_to(type, -1);
    }
}

static int64_t reduce_integers(const settings *reduce, peek__element type, const int64_t *x)
{
    reduction function = reduce->function;
    int64_t result = function == PROD                     ? 1
                     : function == MAX || function == MIN ? extreme(type, function == MAX)
                                                          : 0;
    double sum = 0;
    peek__walk inner = reduce->inner;
    for (int64_t r = 0; r < reduce->runs; r++, peek__walk_on(&inner))
        for (int64_t i = 0; i < reduce->length; i++) {
            int64_t a = x[inner.offset[0] + i * reduce->step];
            uint64_t u = (uint64_t)a;
            if (function == SUM || function == MEAN || function == LOG_SUM)
                result = (int64_t)((uint64_t)result + u);
            if (function == PROD) result = (int64_t)((uint64_t)result * u);
            if (function == MAX && a > result) result = a;
            if (function == MIN && a < result) result = a;
            if (function == L1) result = (int64_t)((uint64_t)result + (a < 0 ? -u : u));
            if (function == SUM_SQUARE) result = (int64_t)((uint64_t)result + u * u);
            if (function == L2) sum += (double)a * (double)a;
            if (function == LOG_SUM_EXP) sum += exp((double)a);
        }
    if (function == MEAN) result = reduce->count ? result / reduce->count : 0;
    if (function == LOG_SUM) sum = log((double)result);
    if (function == L2) sum = sqrt(sum);
    if (function == LOG_SUM_EXP) sum = log(sum);
    if (function == L2 || function == LOG_SUM || function == LOG_SUM_EXP)
        result = isfinite(sum) ? (int64_t)sum : 0;
    return peek__wrap_to(type, result);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *reduce = operation->settings;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    peek__walk outer = reduce->outer;
    for (int64_t i = 0; i < y->size; i++, peek__walk_on(&outer))
        if (peek__is_float(x->type))
            y->floats[i] = reduce_floats(reduce, x->floats + outer.offset[0]);
        else
            y->integers[i] = reduce_integers(reduce, x->type, x->integers + outer.offset[0]);
    return PEEK_OK;
}

/* Of sums and means. */
static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *reduce = operation->settings;
    float *dx = operation->input_gradient[0];
    const float *dy = operation->output_gradient[0];
    peek__walk outer = reduce->outer;
    for (int64_t i = 0; dx && i < operation->output[0]->size; i++, peek__walk_on(&outer)) {
        float share = reduce->function == MEAN ? dy[i] / (float)reduce->count : dy[i];
        peek__walk inner = reduce->inner;
        for (int64_t r = 0; r < reduce->runs; r++, peek__walk_on(&inner))
            for (int64_t j = 0; j < reduce->length; j++)
                dx[outer.offset[0] + inner.offset[0] + j * reduce->step] += share;
    }
    return PEEK_OK;
}

#define ROW(op, ...)                                                                                           \
    {                                                                                                          \
        .name = (op), .first = 1, .least_inputs = 1, .most_inputs = 2, .infer = infer, .forward = forward,     \
        __VA_ARGS__                                                                                            \
    }
static const peek__operator rows[] = {
    ROW("ReduceSum", .backward = backward), ROW("ReduceMean", .backward = backward),
    ROW("ReduceProd", .backward = NULL),    ROW("ReduceMax", .backward = NULL),
    ROW("ReduceMin", .backward = NULL),     ROW("ReduceL1", .backward = NULL),
    ROW("ReduceL2", .backward = NULL),      ROW("ReduceSumSquare", .backward = NULL),
    ROW("ReduceLogSum", .backward = NULL),  ROW("ReduceLogSumExp", .backward = NULL),
};
const peek__family peek__reduce_family = PEEK__FAMILY(rows);
