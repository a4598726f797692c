/* network/gemm.c: the operator Gemm.
 *
 *     Y (M x N) = alpha op(A) (M x K) op(B) (K x N) + beta C      C: spread to M x N, or none
 *     dA = alpha dY op(B)ᵀ,   dB = alpha op(A)ᵀ dY,   dC = beta dY summed over what it was spread over */
#include "network/operators.h"

#include <cblas.h>

typedef struct settings {
    int m, n, k;
    int turn_a, turn_b; /* the matrix is stored transposed */
    float alpha, beta;
    int64_t step[2]; /* of C along a column and a row of Y */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *a = operation->input[0], *b = operation->input[1], *c = peek__input(operation, 2);
    for (int64_t i = 0; i < 2 + (c != NULL); i++) PEEK_TRY(peek__needs_floats(context, operation, i));
    if (a->dimensions != 2 || b->dimensions != 2)
        return peek__broken(
            context, operation, "it multiplies matrices, but '%s' has %d dimensions and '%s' %d",
            peek__input_name(operation, 0), a->dimensions, peek__input_name(operation, 1), b->dimensions);
    settings *gemm;
    PEEK_TRY(peek__infer_settings(context, operation, &gemm));
    gemm->turn_a = peek__attribute_integer(operation->node, "transA", 0) != 0;
    gemm->turn_b = peek__attribute_integer(operation->node, "transB", 0) != 0;
    gemm->alpha = peek__attribute_number(operation->node, "alpha", 1);
    gemm->beta = peek__attribute_number(operation->node, "beta", 1);
    int64_t m = a->shape[gemm->turn_a], k = a->shape[!gemm->turn_a], n = b->shape[!gemm->turn_b];
    if (b->shape[gemm->turn_b] != k)
        return peek__broken(context, operation,
                            "its weight '%s' takes %lld values, but its input '%s' has %lld",
                            peek__input_name(operation, 1), (long long)b->shape[gemm->turn_b],
                            peek__input_name(operation, 0), (long long)k);
    if (m > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return peek__refuse(context, operation, "its matrices are too large");
    gemm->m = (int)m;
    gemm->n = (int)n;
    gemm->k = (int)k;
    int64_t shape[2] = {m, n}, spread[PEEK_DIMENSIONS];
    if (c) {
        int dimensions;
        PEEK_TRY(
            peek__infer_broadcast(context, operation, c->dimensions, c->shape, 2, shape, &dimensions, spread));
        if (dimensions != 2 || spread[0] != m || spread[1] != n)
            return peek__broken(context, operation, "its input '%s' cannot be spread over %lldx%lld values",
                                peek__input_name(operation, 2), (long long)m, (long long)n);
        peek__broadcast_steps(c, 2, gemm->step);
    }
    return peek__infer_output(context, operation, 0, a->type, 2, shape);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *gemm = operation->settings;
    const peek__tensor *a = operation->input[0], *b = operation->input[1], *c = peek__input(operation, 2);
    float *y = operation->output[0]->floats;
    int m = gemm->m, n = gemm->n, k = gemm->k;
    for (int64_t i = 0; c && i < m; i++)
        for (int64_t j = 0; j < n; j++)
            y[i * n + j] = gemm->beta * c->floats[i * gemm->step[0] + j * gemm->step[1]];
    if (k && m && n)
        cblas_sgemm(CblasRowMajor, gemm->turn_a ? CblasTrans : CblasNoTrans,
                    gemm->turn_b ? CblasTrans : CblasNoTrans, m, n, k, gemm->alpha, a->floats,
                    gemm->turn_a ? m : k, b->floats, gemm->turn_b ? k : n, c ? 1 : 0, y, n);
    else if (!c)
        for (int64_t i = 0; i < operation->output[0]->size; i++) y[i] = 0;
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *gemm = operation->settings;
    const float *a = operation->input[0]->floats, *b = operation->input[1]->floats;
    float *da = operation->input_gradient[0], *db = operation->input_gradient[1];
    float *dc = peek__input(operation, 2) ? operation->input_gradient[2] : NULL;
    const float *dy = operation->output_gradient[0];
    int m = gemm->m, n = gemm->n, k = gemm->k;
    CBLAS_TRANSPOSE turn_a = gemm->turn_a ? CblasTrans : CblasNoTrans,
                    not_a = gemm->turn_a ? CblasNoTrans : CblasTrans;
    CBLAS_TRANSPOSE turn_b = gemm->turn_b ? CblasTrans : CblasNoTrans,
                    not_b = gemm->turn_b ? CblasNoTrans : CblasTrans;
    for (int64_t i = 0; dc && i < m; i++)
        for (int64_t j = 0; j < n; j++) dc[i * gemm->step[0] + j * gemm->step[1]] += gemm->beta * dy[i * n + j];
    if (!m || !n || !k) return PEEK_OK;
    /* The gradient of a matrix that is stored transposed is computed transposed. */
    if (db && gemm->turn_b)
        cblas_sgemm(CblasRowMajor, CblasTrans, turn_a, n, k, m, gemm->alpha, dy, n, a, gemm->turn_a ? m : k, 1,
                    db, k);
    else if (db)
        cblas_sgemm(CblasRowMajor, not_a, CblasNoTrans, k, n, m, gemm->alpha, a, gemm->turn_a ? m : k, dy, n, 1,
                    db, n);
    if (da && gemm->turn_a)
        cblas_sgemm(CblasRowMajor, turn_b, CblasTrans, k, m, n, gemm->alpha, b, gemm->turn_b ? k : n, dy, n, 1,
                    da, m);
    else if (da)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, not_b, m, k, n, gemm->alpha, dy, n, b, gemm->turn_b ? k : n, 1,
                    da, k);
    return PEEK_OK;
}

/* Before opset 7 it spreads C by an attribute; the shapes say the same. */
static const peek__operator rows[] = {{.name = "Gemm",
                                       .first = 1,
                                       .least_inputs = 2,
                                       .most_inputs = 3,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__gemm_family = PEEK__FAMILY(rows);
