/* network/onednn.c: convolution by oneDNN's C API, version 2.
 * Source: https://oneapi-src.github.io/oneDNN/v2.6/ */
#include "network/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

/* A tensor at the border: row-major outside, as the primitive likes it inside. */
typedef struct border {
    dnnl_memory_t outside, inside; /* the same where no reorder is needed */
    dnnl_primitive_t reorder;      /* towards where the data go; NULL: none */
    float *buffer;                 /* of inside, where it is kept from call to call */
    int64_t inside_at, sum_at; /* places in the scratch memory of inside, if it is not kept, and of a gradient
                                  before it is added; -1: none */
    int64_t size;              /* floats outside */
} border;

typedef struct pass {
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
} pass;

enum { X, W, B, Y, BORDERS };
enum { FORWARD, BACKWARD_WEIGHTS, BACKWARD_DATA, PASSES };

struct peek__onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    pass pass[PASSES];
    border border[PASSES][BORDERS];
    int64_t used[PASSES], scratch_size; /* bytes of scratch memory */
    char *scratch;                      /* that the borders are connected to */
    int bias, training;
    int steady; /* weights stay as they are: they lie as the primitive likes */
};

struct peek__onednn_weights {
    dnnl_memory_desc_t description;
    float *data;
};

#define TRY_ONEDNN(context, call)                                                                              \
    do {                                                                                                       \
        dnnl_status_t try_status = (call);                                                                     \
        if (try_status != dnnl_success) return failed((context), try_status);                                  \
    } while (0)

static peek_status failed(peek_context *context, dnnl_status_t status)
{
    if (status == dnnl_out_of_memory)
        return peek__fail(context, PEEK_E_MEMORY, "not enough memory for a convolution: use smaller pictures");
    return peek__fail(context, PEEK_E_UNSUPPORTED,
                      "oneDNN cannot compute a convolution of this shape (its status is %d)", (int)status);
}

static void free_border(border *b)
{
    if (b->inside && b->inside != b->outside) dnnl_memory_destroy(b->inside);
    if (b->outside) dnnl_memory_destroy(b->outside);
    if (b->reorder) dnnl_primitive_destroy(b->reorder);
    peek__free(&b->buffer);
}

void peek__onednn_free(peek__onednn **pointer)
{
    if (!pointer || !*pointer) return;
    peek__onednn *made = *pointer;
    for (int p = 0; p < PASSES; p++) {
        for (int i = 0; i < BORDERS; i++) free_border(&made->border[p][i]);
        if (made->pass[p].primitive) dnnl_primitive_destroy(made->pass[p].primitive);
        if (made->pass[p].description) dnnl_primitive_desc_destroy(made->pass[p].description);
    }
    if (made->stream) dnnl_stream_destroy(made->stream);
    if (made->engine) dnnl_engine_destroy(made->engine);
    peek__free(pointer);
}

void peek__onednn_weights_free(peek__onednn_weights **pointer)
{
    if (!pointer || !*pointer) return;
    peek__free(&(*pointer)->data);
    peek__free(pointer);
}

/* The four tensors as they are outside (any = 0), or leaving their layout open. */
typedef struct shapes {
    dnnl_memory_desc_t of[BORDERS];
} shapes;

static peek_status describe(peek_context *context, const peek__convolution *c, int any, shapes *out)
{
    const peek__window *window = &c->window;
    int n = window->dimensions, grouped = c->groups > 1;
    dnnl_dims_t x = {c->samples, c->channels}, y = {c->samples, c->outputs}, b = {c->outputs};
    dnnl_dims_t w = {c->outputs, c->channels};
    dnnl_dims_t grouped_w = {c->groups, c->outputs / c->groups, c->channels / c->groups};
    for (int d = 0; d < n; d++) {
        x[d + 2] = window->in[PEEK__SLIDES - n + d];
        y[d + 2] = window->out[PEEK__SLIDES - n + d];
        w[d + 2] = grouped_w[d + 3] = window->kernel[PEEK__SLIDES - n + d];
    }
    static const dnnl_format_tag_t row_major[] = {dnnl_a,    dnnl_ab,    dnnl_abc,
                                                  dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    dnnl_format_tag_t picture = any ? dnnl_format_tag_any : row_major[n + 1];
    dnnl_format_tag_t weights = any ? dnnl_format_tag_any : row_major[n + 1 + grouped];
    TRY_ONEDNN(context, dnnl_memory_desc_init_by_tag(&out->of[X], n + 2, x, dnnl_f32, picture));
    TRY_ONEDNN(context, dnnl_memory_desc_init_by_tag(&out->of[Y], n + 2, y, dnnl_f32, picture));
    TRY_ONEDNN(context, dnnl_memory_desc_init_by_tag(&out->of[B], 1, b, dnnl_f32, dnnl_a));
    TRY_ONEDNN(context, dnnl_memory_desc_init_by_tag(&out->of[W], n + 2 + grouped, grouped ? grouped_w : w,
                                                     dnnl_f32, weights));
    return PEEK_OK;
}

/* As measured with 3 x 3 kernels that move by one: Winograd's way takes a third to a half of the time of a
 * direct convolution, and differs from it by 2e-6 of the largest value. But its weights take long to be brought
 * into their layout: at 14 x 14 places that pays after some fifteen samples, for fewer places much later.
 * Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016. */
static int is_for_winograd(const peek__onednn *made, const peek__convolution *c)
{
    int fits = c->window.dimensions == 2 && !made->training && c->groups == 1 && c->channels >= 32 &&
               c->outputs >= 32 && c->window.out_size >= 14 * 14;
    for (int d = 1; d < PEEK__SLIDES; d++)
        fits &= c->window.kernel[d] == 3 && c->window.stride[d] == 1 && c->window.dilation[d] == 1;
    return fits;
}

static peek_status create_pass(peek_context *context, peek__onednn *made, const peek__convolution *c,
                               const shapes *open, int which)
{
    const peek__window *window = &c->window;
    dnnl_convolution_desc_t description;
    dnnl_dims_t stride = {0}, dilation = {0}, before = {0}, after = {0}; /* oneDNN's type is longer than ours */
    for (int d = 0; d < window->dimensions; d++) {
        int from = PEEK__SLIDES - window->dimensions + d;
        stride[d] = window->stride[from];
        dilation[d] = window->dilation[from] - 1;
        before[d] = window->before[from];
        after[d] = window->after[from];
    }
    const dnnl_memory_desc_t *x = &open->of[X], *w = &open->of[W], *y = &open->of[Y];
    const dnnl_memory_desc_t *b = made->bias ? &open->of[B] : NULL;
    pass *p = &made->pass[which];
    if (which == FORWARD && is_for_winograd(made, c)) {
        TRY_ONEDNN(context, dnnl_convolution_forward_desc_init(&description, dnnl_forward_inference,
                                                               dnnl_convolution_winograd, x, w, b, y, stride,
                                                               before, after));
        dnnl_status_t status =
            dnnl_primitive_desc_create(&p->description, &description, NULL, made->engine, NULL);
        if (status == dnnl_success) status = dnnl_primitive_create(&p->primitive, p->description);
        if (status != dnnl_unimplemented) return status == dnnl_success ? PEEK_OK : failed(context, status);
        if (p->description) dnnl_primitive_desc_destroy(p->description);
        p->description = NULL;
    }
    if (which == FORWARD)
        TRY_ONEDNN(context, dnnl_dilated_convolution_forward_desc_init(
                                &description, made->training ? dnnl_forward_training : dnnl_forward_inference,
                                dnnl_convolution_direct, x, w, b, y, stride, dilation, before, after));
    else if (which == BACKWARD_WEIGHTS)
        TRY_ONEDNN(context,
                   dnnl_dilated_convolution_backward_weights_desc_init(
                       &description, dnnl_convolution_direct, x, w, b, y, stride, dilation, before, after));
    else
        TRY_ONEDNN(context,
                   dnnl_dilated_convolution_backward_data_desc_init(&description, dnnl_convolution_direct, x, w,
                                                                    y, stride, dilation, before, after));
    TRY_ONEDNN(context, dnnl_primitive_desc_create(&p->description, &description, NULL, made->engine,
                                                   which == FORWARD ? NULL : made->pass[FORWARD].description));
    TRY_ONEDNN(context, dnnl_primitive_create(&p->primitive, p->description));
    return PEEK_OK;
}

static peek_status reorder(peek_context *context, peek__onednn *made, const border *b, int result)
{
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, result ? b->inside : b->outside},
                                    {DNNL_ARG_TO, result ? b->outside : b->inside}};
    TRY_ONEDNN(context, dnnl_primitive_execute(b->reorder, made->stream, 2, arguments));
    return PEEK_OK;
}

/* Points a tensor that is read at its data. */
static peek_status give(peek_context *context, peek__onednn *made, border *b, const float *data)
{
    TRY_ONEDNN(context, dnnl_memory_set_data_handle(b->outside, (void *)(uintptr_t)data));
    return b->reorder ? reorder(context, made, b, 0) : PEEK_OK;
}

/* Points a tensor that is written at its memory. */
static peek_status take(peek_context *context, border *b, float *data)
{
    TRY_ONEDNN(context, dnnl_memory_set_data_handle(b->outside, data));
    return PEEK_OK;
}

static int64_t floats_of(const dnnl_memory_desc_t *description)
{
    return (int64_t)(dnnl_memory_desc_get_size(description) / sizeof(float));
}

/* A place in the scratch memory of a pass. */
static int64_t reserve(peek__onednn *made, int which, int64_t floats)
{
    int64_t at = made->used[which];
    made->used[which] += (floats * (int64_t)sizeof(float) + 63) & ~INT64_C(63);
    if (made->used[which] > made->scratch_size) made->scratch_size = made->used[which];
    return at;
}

/* Connects tensor i of a pass; result: data go from inside to outside. */
static peek_status create_border(peek_context *context, peek__onednn *made, int which, int i,
                                 const shapes *plain, dnnl_query_t query, int index, int result)
{
    border *b = &made->border[which][i];
    const dnnl_memory_desc_t *outside = &plain->of[i],
                             *inside =
                                 dnnl_primitive_desc_query_md(made->pass[which].description, query, index);
    b->size = floats_of(outside);
    b->inside_at = -1;
    b->sum_at = result && which != FORWARD ? reserve(made, which, b->size) : -1;
    TRY_ONEDNN(context, dnnl_memory_create(&b->outside, outside, made->engine, DNNL_MEMORY_NONE));
    if (dnnl_memory_desc_equal(outside, inside)) {
        b->inside = b->outside;
        return PEEK_OK;
    }
    if (i == W && made->steady)
        PEEK_TRY(peek__alloc_raw(context, &b->buffer, floats_of(inside), "the weights of a convolution"));
    else
        b->inside_at = reserve(made, which, floats_of(inside));
    TRY_ONEDNN(context, dnnl_memory_create(&b->inside, inside, made->engine, b->buffer));
    dnnl_primitive_desc_t reorder;
    TRY_ONEDNN(context, dnnl_reorder_primitive_desc_create(&reorder, result ? inside : outside, made->engine,
                                                           result ? outside : inside, made->engine, NULL));
    dnnl_status_t status = dnnl_primitive_create(&b->reorder, reorder);
    dnnl_primitive_desc_destroy(reorder);
    TRY_ONEDNN(context, status);
    return PEEK_OK;
}

/* Weights that stay as they are, are brought into their layout now, or were so by another. */
static peek_status create_weights(peek_context *context, peek__onednn *made, const shapes *plain,
                                  const peek__onednn_wishes *wishes)
{
    border *b = &made->border[FORWARD][W];
    peek__onednn_weights **shared = wishes->weights;
    const dnnl_memory_desc_t *inside =
        dnnl_primitive_desc_query_md(made->pass[FORWARD].description, dnnl_query_weights_md, 0);
    if (made->steady && shared && *shared && dnnl_memory_desc_equal(&(*shared)->description, inside)) {
        TRY_ONEDNN(context, dnnl_memory_create(&b->inside, inside, made->engine, (*shared)->data));
        return PEEK_OK;
    }
    PEEK_TRY(create_border(context, made, FORWARD, W, plain, dnnl_query_weights_md, 0, 0));
    if (!made->steady) return PEEK_OK;
    PEEK_TRY(give(context, made, b, wishes->w));
    if (!b->reorder || !shared || *shared) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, shared, 1, "a convolution"));
    (*shared)->description = *inside;
    (*shared)->data = b->buffer;
    b->buffer = NULL;
    return PEEK_OK;
}

static peek_status create_backward(peek_context *context, peek__onednn *made, const peek__convolution *c,
                                   const shapes *open, const shapes *plain, int data_gradient)
{
    PEEK_TRY(create_pass(context, made, c, open, BACKWARD_WEIGHTS));
    PEEK_TRY(create_border(context, made, BACKWARD_WEIGHTS, X, plain, dnnl_query_src_md, 0, 0));
    PEEK_TRY(create_border(context, made, BACKWARD_WEIGHTS, Y, plain, dnnl_query_diff_dst_md, 0, 0));
    PEEK_TRY(create_border(context, made, BACKWARD_WEIGHTS, W, plain, dnnl_query_diff_weights_md, 0, 1));
    if (made->bias)
        PEEK_TRY(create_border(context, made, BACKWARD_WEIGHTS, B, plain, dnnl_query_diff_weights_md, 1, 1));
    if (!data_gradient) return PEEK_OK;
    PEEK_TRY(create_pass(context, made, c, open, BACKWARD_DATA));
    PEEK_TRY(create_border(context, made, BACKWARD_DATA, Y, plain, dnnl_query_diff_dst_md, 0, 0));
    PEEK_TRY(create_border(context, made, BACKWARD_DATA, W, plain, dnnl_query_weights_md, 0, 0));
    return create_border(context, made, BACKWARD_DATA, X, plain, dnnl_query_diff_src_md, 0, 1);
}

static peek_status create(peek_context *context, const peek__convolution *c, const peek__onednn_wishes *wishes,
                          peek__onednn *made)
{
    shapes open, plain;
    PEEK_TRY(describe(context, c, 1, &open));
    PEEK_TRY(describe(context, c, 0, &plain));
    TRY_ONEDNN(context, dnnl_engine_create(&made->engine, dnnl_cpu, 0));
    TRY_ONEDNN(context, dnnl_stream_create(&made->stream, made->engine, dnnl_stream_default_flags));
    PEEK_TRY(create_pass(context, made, c, &open, FORWARD));
    PEEK_TRY(create_border(context, made, FORWARD, X, &plain, dnnl_query_src_md, 0, 0));
    PEEK_TRY(create_weights(context, made, &plain, wishes));
    PEEK_TRY(create_border(context, made, FORWARD, Y, &plain, dnnl_query_dst_md, 0, 1));
    if (made->bias) PEEK_TRY(create_border(context, made, FORWARD, B, &plain, dnnl_query_weights_md, 1, 0));
    return made->training ? create_backward(context, made, c, &open, &plain, wishes->data_gradient) : PEEK_OK;
}

peek_status peek__onednn_create(peek_context *context, const peek__convolution *convolution,
                                const peek__onednn_wishes *wishes, peek__onednn **out)
{
    *out = NULL;
    peek__onednn *made;
    PEEK_TRY(peek__alloc(context, &made, 1, "a convolution"));
    made->bias = wishes->bias;
    made->training = wishes->training;
    made->steady = wishes->w && !wishes->training;
    peek_status status = create(context, convolution, wishes, made);
    if (status == PEEK_OK)
        *out = made;
    else
        peek__onednn_free(&made);
    return status;
}

int64_t peek__onednn_scratch(const peek__onednn *made)
{
    return made->scratch_size;
}

/* Puts what is inside into the scratch memory, which stays the same for a plan. */
static peek_status connect(peek_context *context, peek__onednn *made, char *scratch)
{
    if (made->scratch == scratch) return PEEK_OK;
    for (int p = 0; p < PASSES; p++)
        for (int i = 0; i < BORDERS; i++) {
            border *b = &made->border[p][i];
            if (b->reorder && b->inside_at >= 0)
                TRY_ONEDNN(context, dnnl_memory_set_data_handle(b->inside, scratch + b->inside_at));
        }
    made->scratch = scratch;
    return PEEK_OK;
}

static peek_status execute(peek_context *context, peek__onednn *made, int which, int count,
                           const dnnl_exec_arg_t *arguments)
{
    TRY_ONEDNN(context, dnnl_primitive_execute(made->pass[which].primitive, made->stream, count, arguments));
    return PEEK_OK;
}

peek_status peek__onednn_forward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                 const float *w, const float *b, float *y)
{
    border *borders = made->border[FORWARD];
    PEEK_TRY(connect(context, made, scratch));
    PEEK_TRY(give(context, made, &borders[X], x));
    if (!made->steady) PEEK_TRY(give(context, made, &borders[W], w));
    PEEK_TRY(take(context, &borders[Y], y));
    if (made->bias) PEEK_TRY(give(context, made, &borders[B], b));
    dnnl_exec_arg_t arguments[4] = {{DNNL_ARG_SRC, borders[X].inside},
                                    {DNNL_ARG_WEIGHTS, borders[W].inside},
                                    {DNNL_ARG_DST, borders[Y].inside},
                                    {DNNL_ARG_BIAS, borders[B].inside}};
    PEEK_TRY(execute(context, made, FORWARD, made->bias ? 4 : 3, arguments));
    return borders[Y].reorder ? reorder(context, made, &borders[Y], 1) : PEEK_OK;
}

/* Where a gradient is written before it is added. */
static float *sum_of(const peek__onednn *made, const border *b)
{
    return (float *)(void *)(made->scratch + b->sum_at);
}

/* Brings a gradient outside and adds it to what is there. */
static peek_status add(peek_context *context, peek__onednn *made, border *b, float *out)
{
    const float *sum = sum_of(made, b);
    if (b->reorder) PEEK_TRY(reorder(context, made, b, 1));
    for (int64_t i = 0; i < b->size; i++) out[i] += sum[i];
    return PEEK_OK;
}

static peek_status backward_data(peek_context *context, peek__onednn *made, const float *w, const float *dy,
                                 float *dx)
{
    border *borders = made->border[BACKWARD_DATA];
    PEEK_TRY(give(context, made, &borders[Y], dy));
    PEEK_TRY(give(context, made, &borders[W], w));
    PEEK_TRY(take(context, &borders[X], sum_of(made, &borders[X])));
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_DIFF_DST, borders[Y].inside},
                                    {DNNL_ARG_WEIGHTS, borders[W].inside},
                                    {DNNL_ARG_DIFF_SRC, borders[X].inside}};
    PEEK_TRY(execute(context, made, BACKWARD_DATA, 3, arguments));
    return add(context, made, &borders[X], dx);
}

peek_status peek__onednn_backward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                  const float *w, const float *dy, float *dx, float *dw, float *db)
{
    border *borders = made->border[BACKWARD_WEIGHTS];
    PEEK_TRY(connect(context, made, scratch));
    PEEK_TRY(give(context, made, &borders[X], x));
    PEEK_TRY(give(context, made, &borders[Y], dy));
    PEEK_TRY(take(context, &borders[W], sum_of(made, &borders[W])));
    if (made->bias) PEEK_TRY(take(context, &borders[B], sum_of(made, &borders[B])));
    dnnl_exec_arg_t arguments[4] = {{DNNL_ARG_SRC, borders[X].inside},
                                    {DNNL_ARG_DIFF_DST, borders[Y].inside},
                                    {DNNL_ARG_DIFF_WEIGHTS, borders[W].inside},
                                    {DNNL_ARG_DIFF_BIAS, borders[B].inside}};
    PEEK_TRY(execute(context, made, BACKWARD_WEIGHTS, made->bias ? 4 : 3, arguments));
    if (dw) PEEK_TRY(add(context, made, &borders[W], dw));
    if (db) PEEK_TRY(add(context, made, &borders[B], db));
    return dx ? backward_data(context, made, w, dy, dx) : PEEK_OK;
}
