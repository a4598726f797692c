/* network/global_pool.c: GlobalAveragePool, GlobalMaxPool and GlobalLpPool: one number a plane of N x C x ...
 */
#include "network/slide.h"

#include <math.h>

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    const peek__tensor *x = operation->input[0];
    int64_t shape[PEEK_DIMENSIONS], plane = 1;
    for (int d = 0; d < x->dimensions; d++) {
        shape[d] = d > 1 ? 1 : x->shape[d];
        if (d > 1) plane *= x->shape[d];
    }
    if (x->dimensions < 2 || !plane)
        return peek__broken(context, operation, "its input '%s' has nothing to pool",
                            peek__input_name(operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, shape);
}

static peek_status infer_lp(peek_context *context, peek__operation *operation)
{
    float *power;
    PEEK_TRY(peek__infer_settings(context, operation, &power));
    PEEK_TRY(peek__pool_power(context, operation, power));
    return infer(context, operation);
}

static int64_t plane_of(const peek__operation *operation)
{
    int64_t planes = operation->output[0]->size;
    return planes ? operation->input[0]->size / planes : 0;
}

static peek_status forward_average(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t plane = plane_of(operation);
    for (int64_t i = 0; i < operation->output[0]->size; i++) {
        const float *x = operation->input[0]->floats + i * plane;
        double sum = 0;
        for (int64_t p = 0; p < plane; p++) sum += x[p];
        operation->output[0]->floats[i] = (float)(sum / (double)plane);
    }
    return PEEK_OK;
}

static peek_status backward_average(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t plane = plane_of(operation);
    for (int64_t i = 0; i < operation->output[0]->size && operation->input_gradient[0]; i++) {
        float share = operation->output_gradient[0][i] / (float)plane,
              *x = operation->input_gradient[0] + i * plane;
        for (int64_t p = 0; p < plane; p++) x[p] += share;
    }
    return PEEK_OK;
}

static peek_status forward_largest(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t plane = plane_of(operation);
    for (int64_t i = 0; i < operation->output[0]->size; i++) {
        const float *x = operation->input[0]->floats + i * plane;
        float largest = x[0];
        for (int64_t p = 1; p < plane; p++)
            if (x[p] > largest || isnan(x[p])) largest = x[p];
        operation->output[0]->floats[i] = largest;
    }
    return PEEK_OK;
}

/* To the first of equals. */
static peek_status backward_largest(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t plane = plane_of(operation);
    for (int64_t i = 0; i < operation->output[0]->size && operation->input_gradient[0]; i++) {
        const float *x = operation->input[0]->floats + i * plane;
        int64_t p = 0;
        while (p < plane - 1 && x[p] != operation->output[0]->floats[i]) p++;
        operation->input_gradient[0][i * plane + p] += operation->output_gradient[0][i];
    }
    return PEEK_OK;
}

static peek_status forward_lp(peek_context *context, peek__operation *operation)
{
    (void)context;
    int64_t plane = plane_of(operation);
    double power = *(const float *)operation->settings;
    for (int64_t i = 0; i < operation->output[0]->size; i++) {
        const float *x = operation->input[0]->floats + i * plane;
        double sum = 0;
        for (int64_t p = 0; p < plane; p++) sum += power == 2 ? (double)x[p] * x[p] : pow(fabs(x[p]), power);
        operation->output[0]->floats[i] = (float)pow(sum, 1 / power);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "GlobalAveragePool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer,
     .forward = forward_average,
     .backward = backward_average},
    {.name = "GlobalMaxPool",
     .first = 1,
     .least_inputs = 1,
     .infer = infer,
     .forward = forward_largest,
     .backward = backward_largest},
    {.name = "GlobalLpPool", .first = 1, .least_inputs = 1, .infer = infer_lp, .forward = forward_lp},
};
const peek__family peek__global_pool_family = PEEK__FAMILY(rows);
