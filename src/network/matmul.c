/* network/matmul.c: MatMul as NumPy's: matrices in the last two dimensions, the others broadcast; a list is a
 * row at the left and a column at the right.
 *
 *     Y (M x N) = A (M x K) B (K x N)        dA += dY Bᵀ,  dB += Aᵀ dY */
#include "network/broadcast.h"

#include <cblas.h>

typedef struct settings {
    int m, n, k;
    peek__broadcast batch; /* over matrices; steps count matrices */
} settings;

/* The tensor as matrices, without what makes each of them: its leading dimensions. */
static peek__tensor leading(const peek__tensor *tensor)
{
    peek__tensor lead = *tensor;
    lead.dimensions = tensor->dimensions > 2 ? tensor->dimensions - 2 : 0;
    return lead;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *a = operation->input[0], *b = operation->input[1];
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__needs_floats(context, operation, 1));
    if (!a->dimensions || !b->dimensions)
        return peek__broken(context, operation, "it multiplies no single numbers");
    int64_t m = a->dimensions > 1 ? a->shape[a->dimensions - 2] : 1, k = a->shape[a->dimensions - 1];
    int64_t n = b->dimensions > 1 ? b->shape[b->dimensions - 1] : 1;
    int64_t deep = b->shape[b->dimensions > 1 ? b->dimensions - 2 : 0], shape[PEEK_DIMENSIONS];
    if (deep != k)
        return peek__broken(
            context, operation, "its weight '%s' takes %lld values, but its input '%s' has %lld",
            peek__input_name(operation, 1), (long long)deep, peek__input_name(operation, 0), (long long)k);
    settings *product;
    PEEK_TRY(peek__infer_settings(context, operation, &product));
    peek__tensor lead_a = leading(a), lead_b = leading(b);
    const peek__tensor *leads[2] = {&lead_a, &lead_b};
    int dimensions;
    PEEK_TRY(peek__infer_broadcast(context, operation, lead_a.dimensions, a->shape, lead_b.dimensions, b->shape,
                                   &dimensions, shape));
    int one = b->dimensions <= 2, rank = dimensions; /* one B for all of A: all rows of A are one matrix */
    int64_t rows = m;
    for (int d = 0; one && d < dimensions; d++) rows *= shape[d];
    if (rows > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return peek__refuse(context, operation, "its matrices are too large");
    product->m = (int)rows;
    product->n = (int)n;
    product->k = (int)k;
    if (one) lead_a.dimensions = 0;
    peek__broadcast_make(&product->batch, one ? 0 : dimensions, shape, 2, leads);
    if (a->dimensions > 1) shape[rank++] = m;
    if (b->dimensions > 1) shape[rank++] = n;
    return peek__infer_output(context, operation, 0, a->type, rank, shape);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *product = operation->settings;
    const float *a = operation->input[0]->floats, *b = operation->input[1]->floats;
    float *y = operation->output[0]->floats;
    int m = product->m, n = product->n, k = product->k;
    int64_t size = (int64_t)m * n;
    peek__broadcast batch = product->batch;
    if (!k || !size)
        for (int64_t i = 0; i < operation->output[0]->size; i++) y[i] = 0;
    for (int64_t r = 0; k && size && r < batch.runs; r++, peek__walk_on(&batch.walk))
        for (int64_t i = 0; i < batch.run; i++, y += size)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1,
                        a + (batch.walk.offset[0] + i * batch.step[0]) * m * k, k,
                        b + (batch.walk.offset[1] + i * batch.step[1]) * k * n, n, 0, y, n);
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *product = operation->settings;
    const float *a = operation->input[0]->floats, *b = operation->input[1]->floats;
    const float *dy = operation->output_gradient[0];
    float *da = operation->input_gradient[0], *db = operation->input_gradient[1];
    int m = product->m, n = product->n, k = product->k;
    int64_t size = (int64_t)m * n;
    peek__broadcast batch = product->batch;
    for (int64_t r = 0; k && size && r < batch.runs; r++, peek__walk_on(&batch.walk))
        for (int64_t i = 0; i < batch.run; i++, dy += size) {
            int64_t at_a = (batch.walk.offset[0] + i * batch.step[0]) * m * k;
            int64_t at_b = (batch.walk.offset[1] + i * batch.step[1]) * k * n;
            if (db)
                cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, n, m, 1, a + at_a, k, dy, n, 1,
                            db + at_b, n);
            if (da)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, k, n, 1, dy, n, b + at_b, n, 1,
                            da + at_a, k);
        }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "MatMul",
                                       .first = 1,
                                       .least_inputs = 2,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__matmul_family = PEEK__FAMILY(rows);
