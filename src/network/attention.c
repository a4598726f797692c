/* network/attention.c: Attention, for every head of every batch:
 *
 *     S = scale Q Kᵀ,   S = c tanh(S / c) if there is a softcap c,   Y = softmax(S + bias) V
 *
 * Q: q x d, K: t x d, V: t x e, Y: q x e. K and V are past rows, then new ones; several heads of Q share one of
 * K and V (grouped queries). bias: a mask, -infinity where it is false; causal: row i sees i + offset and what
 * is before it, where the offset is the number of rows before the first of Q; rows from nonpad on are not seen.
 * A row that sees nothing becomes zero. Source: the ONNX operator; A. Vaswani et al., Attention is all you need
 * (2017). */
#include "network/heads.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { QUERY, KEY, VALUE, MASK, PAST_KEY, PAST_VALUE, NONPAD };
enum { OUTPUT, PRESENT_KEY, PRESENT_VALUE, SCORES };
enum { PRODUCT, CAPPED, BIASED, WEIGHTS }; /* what output SCORES shows */

typedef struct settings {
    peek__heads query, key, value, output;
    peek__heads present_key, present_value; /* where there is a past, or they are wanted */
    int64_t past, total;                    /* rows of K and V */
    int64_t left, right;                    /* how far a row sees; -1: without end */
    int has_past, causal, shown;
    float scale, softcap;
    int64_t mask_step[4], mask_width; /* the mask may be narrower than `total`: beyond it nothing is seen */
} settings;

typedef struct state {
    float *scores, *key, *value; /* NULL where an output holds them */
} state;

peek__heads peek__heads_make(int dimensions, int64_t batch, int64_t heads, int64_t rows, int64_t width)
{
    peek__heads made = {batch, heads, rows, width, heads * rows * width, rows * width, width};
    if (dimensions == 3) {
        made.head_step = width;
        made.row_step = heads * width;
    }
    return made;
}

peek_status peek__heads_of(peek_context *context, const peek__operation *operation, int64_t input,
                           int64_t heads, peek__heads *out)
{
    const peek__tensor *x = operation->input[input];
    PEEK_TRY(peek__needs_floats(context, operation, input));
    if (x->dimensions == 4) {
        *out = peek__heads_make(4, x->shape[0], x->shape[1], x->shape[2], x->shape[3]);
        return PEEK_OK;
    }
    if (x->dimensions != 3)
        return peek__broken(context, operation, "its input '%s' has %d dimensions, not 3 or 4",
                            peek__input_name(operation, input), x->dimensions);
    if (heads < 1 || x->shape[2] % heads)
        return peek__broken(context, operation, "the %lld values of '%s' are not those of %lld heads",
                            (long long)x->shape[2], peek__input_name(operation, input), (long long)heads);
    *out = peek__heads_make(3, x->shape[0], heads, x->shape[1], x->shape[2] / heads);
    return PEEK_OK;
}

static peek_status infer_past(peek_context *context, peek__operation *operation, settings *attention)
{
    const peek__heads *key = &attention->key, *value = &attention->value;
    const peek__tensor *past[2] = {peek__input(operation, PAST_KEY), peek__input(operation, PAST_VALUE)};
    if (!past[0] != !past[1])
        return peek__broken(context, operation, "it has a past of keys or of values only");
    attention->has_past = past[0] != NULL;
    for (int i = 0; i < 2 && past[0]; i++) {
        PEEK_TRY(peek__needs_floats(context, operation, PAST_KEY + i));
        const peek__heads *now = i ? value : key;
        const int64_t *shape = past[i]->shape;
        if (past[i]->dimensions != 4 || shape[0] != key->batch || shape[1] != key->heads ||
            shape[2] != past[0]->shape[2] || shape[3] != now->width)
            return peek__broken(context, operation, "its past '%s' does not fit before what is new",
                                peek__input_name(operation, PAST_KEY + i));
    }
    attention->past = past[0] ? past[0]->shape[2] : 0;
    attention->total = attention->past + key->rows;
    attention->present_key = peek__heads_make(4, key->batch, key->heads, attention->total, key->width);
    attention->present_value = peek__heads_make(4, key->batch, key->heads, attention->total, value->width);
    return PEEK_OK;
}

static peek_status infer_mask(peek_context *context, const peek__operation *operation, settings *attention)
{
    const peek__tensor *mask = peek__input(operation, MASK), *nonpad = peek__input(operation, NONPAD);
    int64_t full[4] = {attention->query.batch, attention->query.heads, attention->query.rows, attention->total};
    if (nonpad && (nonpad->dimensions != 1 || nonpad->size != attention->query.batch))
        return peek__broken(context, operation, "its input '%s' has not one number a batch",
                            peek__input_name(operation, NONPAD));
    if (nonpad) PEEK_TRY(peek__needs_integers(context, operation, NONPAD));
    if (!mask) return PEEK_OK;
    if (mask->type != PEEK__TYPE_BOOL) PEEK_TRY(peek__needs_floats(context, operation, MASK));
    int fits = mask->dimensions >= 1 && mask->dimensions <= 4;
    for (int d = 0; fits && d < mask->dimensions; d++) {
        int64_t length = mask->shape[d], to = full[4 - mask->dimensions + d];
        fits = length == to || length == 1 || (d == mask->dimensions - 1 && length < to);
    }
    if (!fits) {
        char left[256], right[256];
        return peek__broken(context, operation, "its mask of shape %s cannot be spread over %s",
                            peek__shape_text(left, mask->dimensions, mask->shape),
                            peek__shape_text(right, 4, full));
    }
    peek__broadcast_steps(mask, 4, attention->mask_step);
    attention->mask_width = mask->shape[mask->dimensions - 1];
    /* Opset 23 spreads a mask of width 1; from 24 on it is a narrow one. */
    if (attention->mask_width == 1 && operation->node->opset < 24) attention->mask_width = attention->total;
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    settings *attention;
    const peek__node *node = operation->node;
    PEEK_TRY(peek__infer_settings(context, operation, &attention));
    peek__heads *q = &attention->query, *k = &attention->key, *v = &attention->value;
    int64_t query_heads = peek__attribute_integer(node, "q_num_heads", 0);
    int64_t key_heads = peek__attribute_integer(node, "kv_num_heads", 0);
    PEEK_TRY(peek__heads_of(context, operation, QUERY, query_heads, q));
    PEEK_TRY(peek__heads_of(context, operation, KEY, key_heads, k));
    PEEK_TRY(peek__heads_of(context, operation, VALUE, key_heads, v));
    if (k->batch != q->batch || v->batch != q->batch || k->width != q->width || v->rows != k->rows ||
        v->heads != k->heads || (k->heads ? q->heads % k->heads : q->heads))
        return peek__broken(context, operation, "the shapes of '%s', '%s' and '%s' do not fit together",
                            peek__input_name(operation, QUERY), peek__input_name(operation, KEY),
                            peek__input_name(operation, VALUE));
    PEEK_TRY(infer_past(context, operation, attention));
    PEEK_TRY(infer_mask(context, operation, attention));
    attention->scale = peek__attribute_number(node, "scale", 1 / sqrtf((float)q->width));
    attention->softcap = peek__attribute_number(node, "softcap", 0);
    attention->causal = peek__attribute_integer(node, "is_causal", 0) != 0;
    const int64_t most = INT64_C(1) << 40; /* no tensor is larger */
    attention->left = peek__attribute_integer(node, "left_window_size", -1);
    attention->right = peek__attribute_integer(node, "right_window_size", -1);
    if (attention->left < -1 || attention->right < -1)
        return peek__broken(context, operation, "its window of %lld and %lld is impossible",
                            (long long)attention->left, (long long)attention->right);
    if (attention->left > most) attention->left = most;
    if (attention->right > most) attention->right = most;
    int64_t shown = peek__attribute_integer(node, "qk_matmul_output_mode", PRODUCT);
    if (shown < PRODUCT || shown > WEIGHTS)
        return peek__broken(context, operation, "its qk_matmul_output_mode %lld is none", (long long)shown);
    attention->shown = (int)shown;
    if (q->rows > INT32_MAX || attention->total > INT32_MAX || q->row_step > INT32_MAX ||
        k->row_step > INT32_MAX || v->row_step > INT32_MAX)
        return peek__refuse(context, operation, "its matrices are too large");
    int dimensions = operation->input[QUERY]->dimensions;
    attention->output = peek__heads_make(dimensions, q->batch, q->heads, q->rows, v->width);
    peek__element type = operation->input[QUERY]->type;
    int64_t flat[3] = {q->batch, q->rows, q->heads * v->width};
    int64_t deep[4] = {q->batch, q->heads, q->rows, v->width};
    PEEK_TRY(peek__infer_output(context, operation, OUTPUT, type, dimensions, dimensions == 3 ? flat : deep));
    int64_t present[4] = {q->batch, k->heads, attention->total, k->width};
    PEEK_TRY(peek__infer_output(context, operation, PRESENT_KEY, type, 4, present));
    present[3] = v->width;
    PEEK_TRY(peek__infer_output(context, operation, PRESENT_VALUE, type, 4, present));
    deep[3] = attention->total;
    return peek__infer_output(context, operation, SCORES, type, 4, deep);
}

static peek__tensor *wanted(const peek__operation *operation, int64_t output)
{
    return output < operation->outputs ? operation->output[output] : NULL;
}

static void release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->scores);
    peek__free(&made->key);
    peek__free(&made->value);
    peek__free(&operation->state);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *attention = operation->settings;
    const char *what = "attention";
    state *made;
    PEEK_TRY(peek__alloc(context, &made, 1, what));
    operation->state = made;
    const peek__heads *k = &attention->present_key, *v = &attention->present_value;
    peek_status status =
        peek__alloc(context, &made->scores, peek__product(attention->query.rows, attention->total), what);
    if (attention->has_past && status == PEEK_OK && !wanted(operation, PRESENT_KEY))
        status = peek__alloc(context, &made->key, peek__product(k->batch, k->batch_step), what);
    if (attention->has_past && status == PEEK_OK && !wanted(operation, PRESENT_VALUE))
        status = peek__alloc(context, &made->value, peek__product(v->batch, v->batch_step), what);
    if (status != PEEK_OK) release(operation);
    return status;
}

/* Past rows, then new ones, for every head. */
static void join(const settings *attention, const peek__tensor *past, const float *now, const peek__heads *from,
                 float *to, const peek__heads *joined)
{
    int64_t before = attention->past * from->width;
    for (int64_t b = 0; b < joined->batch; b++)
        for (int64_t h = 0; h < joined->heads; h++) {
            float *rows = to + peek__head_at(joined, b, h);
            if (before)
                memcpy(rows, past->floats + (b * joined->heads + h) * before, (size_t)before * sizeof *rows);
            for (int64_t r = 0; r < from->rows; r++)
                memcpy(rows + before + r * from->width, now + peek__head_at(from, b, h) + r * from->row_step,
                       (size_t)from->width * sizeof *rows);
        }
}

/* The keys or values of all rows: where they are, and how they lie there. */
static const float *rows_of(const peek__operation *operation, int present, const peek__heads **lie)
{
    const settings *attention = operation->settings;
    const state *made = operation->state;
    int key = present == PRESENT_KEY, input = key ? KEY : VALUE;
    const peek__heads *now = key ? &attention->key : &attention->value;
    const peek__heads *joined = key ? &attention->present_key : &attention->present_value;
    peek__tensor *output = wanted(operation, present);
    float *to = output ? output->floats : key ? made->key : made->value;
    const float *from = operation->input[input]->floats;
    if (to) join(attention, peek__input(operation, key ? PAST_KEY : PAST_VALUE), from, now, to, joined);
    *lie = attention->has_past ? joined : now;
    return attention->has_past ? to : from;
}

/* Which keys a row sees: from *first to before *end. */
static void visible(const peek__operation *operation, int64_t b, int64_t row, int64_t *first, int64_t *end)
{
    const settings *attention = operation->settings;
    const peek__tensor *mask = peek__input(operation, MASK), *nonpad = peek__input(operation, NONPAD);
    int64_t total = attention->total, place = row + attention->past, seen = total;
    if (nonpad) {
        seen = nonpad->integers[b] < 0 ? 0 : nonpad->integers[b] < seen ? nonpad->integers[b] : seen;
        if (!attention->has_past) place = row + seen - attention->query.rows;
    }
    if (attention->causal && place + 1 < seen) seen = place + 1;
    if (attention->right >= 0 && place + attention->right + 1 < seen) seen = place + attention->right + 1;
    if (mask && attention->mask_width < seen) seen = attention->mask_width;
    *first = attention->left >= 0 && place > attention->left ? place - attention->left : 0;
    if (*first > total) *first = total;
    *end = seen < *first ? *first : seen;
}

/* Adds the bias to one row of scores. */
static void mask_row(const peek__operation *operation, int64_t b, int64_t h, int64_t row, float *scores)
{
    const settings *attention = operation->settings;
    const peek__tensor *mask = peek__input(operation, MASK);
    const int64_t *step = attention->mask_step;
    int64_t first, end;
    visible(operation, b, row, &first, &end);
    for (int64_t i = 0; i < first; i++) scores[i] = -INFINITY;
    for (int64_t i = end; i < attention->total; i++) scores[i] = -INFINITY;
    if (!mask) return;
    int64_t at = b * step[0] + h * step[1] + row * step[2] + first * step[3];
    for (int64_t i = first; i < end; i++, at += step[3])
        if (peek__is_float(mask->type))
            scores[i] += mask->floats[at];
        else if (!mask->integers[at])
            scores[i] = -INFINITY;
}

static void softmax_row(float *scores, int64_t count)
{
    float most = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        if (scores[i] > most) most = scores[i];
    for (int64_t i = 0; i < count; i++) {
        scores[i] = most == -INFINITY ? 0 : expf(scores[i] - most);
        sum += scores[i];
    }
    float scale = sum > 0 ? (float)(1 / sum) : 1;
    for (int64_t i = 0; i < count; i++) scores[i] *= scale;
}

/* From products to weights, row by row; what is to be shown is copied on the way. */
static void weigh(const peek__operation *operation, int64_t b, int64_t h, float *scores, float *shown)
{
    const settings *attention = operation->settings;
    int64_t count = attention->total;
    size_t bytes = (size_t)count * sizeof *scores;
    for (int64_t row = 0; row < attention->query.rows; row++, scores += count) {
        float *to = shown ? shown + row * count : NULL;
        if (to && attention->shown == PRODUCT) memcpy(to, scores, bytes);
        for (int64_t i = 0; attention->softcap > 0 && i < count; i++)
            scores[i] = attention->softcap * tanhf(scores[i] / attention->softcap);
        if (to && attention->shown == CAPPED) memcpy(to, scores, bytes);
        mask_row(operation, b, h, row, scores);
        if (to && attention->shown == BIASED) memcpy(to, scores, bytes);
        softmax_row(scores, count);
        if (to && attention->shown == WEIGHTS) memcpy(to, scores, bytes);
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *attention = operation->settings;
    const state *made = operation->state;
    const peek__heads *q = &attention->query, *y = &attention->output, *k, *v;
    const float *key = rows_of(operation, PRESENT_KEY, &k), *value = rows_of(operation, PRESENT_VALUE, &v);
    const peek__tensor *shown = wanted(operation, SCORES), *output = wanted(operation, OUTPUT);
    int64_t size = q->rows * attention->total, group = k->heads ? q->heads / k->heads : 1;
    int rows = (int)q->rows, total = (int)attention->total;
    for (int64_t b = 0; b < q->batch; b++)
        for (int64_t h = 0; h < q->heads; h++) {
            const float *own_key = key + peek__head_at(k, b, h / group);
            const float *own_value = value + peek__head_at(v, b, h / group);
            const float *query = operation->input[QUERY]->floats + peek__head_at(q, b, h);
            if (size && q->width)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, total, (int)q->width,
                            attention->scale, query, (int)q->row_step, own_key, (int)k->row_step, 0,
                            made->scores, total);
            else
                memset(made->scores, 0, (size_t)size * sizeof *made->scores);
            weigh(operation, b, h, made->scores, shown ? shown->floats + (b * q->heads + h) * size : NULL);
            if (!output || !q->rows || !v->width) continue;
            float *to = output->floats + peek__head_at(y, b, h);
            if (total)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, (int)v->width, total, 1,
                            made->scores, total, own_value, (int)v->row_step, 0, to, (int)y->row_step);
            for (int64_t r = 0; !total && r < q->rows; r++)
                memset(to + r * y->row_step, 0, (size_t)v->width * sizeof *to);
        }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Attention",
                                       .first = 23,
                                       .least_inputs = 3,
                                       .most_inputs = 7,
                                       .most_outputs = 4,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward,
                                       .release = release}};
const peek__family peek__attention_family = PEEK__FAMILY(rows);
