/* measure/sampled.c: evenly spaced samples of a block on disk. */
#include "measure/sampled.h"

#include "base/memory.h"

peek_status peek__sample(peek_context *context, const peek__npy *x, int64_t most, peek__sampled *out)
{
    int64_t n = x->columns, step = (x->rows + most - 1) / most, rows = (x->rows + step - 1) / step;
    *out = (peek__sampled){.rows = {.x = x->data, .rows = rows, .columns = n, .stride = step * n}};
    if (x->type == PEEK__FLOAT32) return PEEK_OK;
    PEEK_TRY(peek__alloc_raw(context, &out->buffer, peek__product(rows, n), "samples of a block"));
    for (int64_t t = 0; t < rows; t++) peek__npy_floats(x, t * step * n, n, out->buffer + t * n);
    out->rows.x = out->buffer;
    out->rows.stride = n;
    return PEEK_OK;
}

void peek__sampled_clear(peek__sampled *sampled)
{
    peek__free(&sampled->buffer);
}
