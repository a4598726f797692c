/* network/det.c: Det: the determinant of every matrix in the last two dimensions, by elimination with the
 * largest pivot of a column, in double precision. */
#include "network/operators.h"

#include <math.h>

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    if (x->dimensions < 2 || x->shape[x->dimensions - 1] != x->shape[x->dimensions - 2])
        return peek__broken(context, operation, "its input '%s' has no square matrices",
                            peek__input_name(operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions - 2, x->shape);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t n = x->shape[x->dimensions - 1];
    return peek__alloc_bytes(context, &operation->state, peek__product(n, n), sizeof(double), "a matrix");
}

static void release(peek__operation *operation)
{
    peek__free(&operation->state);
}

static double determinant(double *a, int64_t n)
{
    double result = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k])) pivot = i;
        if (pivot != k) result = -result;
        for (int64_t j = k; j < n; j++) {
            double moved = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = moved;
        }
        result *= a[k * n + k];
        if (result == 0) return 0;
        for (int64_t i = k + 1; i < n; i++) {
            double share = a[i * n + k] / a[k * n + k];
            for (int64_t j = k; j < n; j++) a[i * n + j] -= share * a[k * n + j];
        }
    }
    return result;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0];
    int64_t n = x->shape[x->dimensions - 1];
    double *a = operation->state;
    for (int64_t m = 0; m < y->size; m++) {
        for (int64_t i = 0; i < n * n; i++) a[i] = x->floats[m * n * n + i];
        y->floats[m] = (float)determinant(a, n);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Det",
                                       .first = 11,
                                       .least_inputs = 1,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward,
                                       .release = release}};
const peek__family peek__det_family = PEEK__FAMILY(rows);
