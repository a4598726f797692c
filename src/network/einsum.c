/* network/einsum.c: Einsum: sums of products by an equation as "bij,bjk->bik": every letter is an index; what
 * does not stand behind the arrow is summed over. Without an arrow, indices that occur once stay, in
 * alphabetical order.
 * "..." stands for any number of leading indices, which are spread as by broadcasting.
 *
 * Tensors are taken in one after another. Of two, indices are of four kinds: batch (in both, stays), row (in
 * the left only), column (in the right only), and depth (in both, summed); what only one of them has and nobody
 * needs is summed first. Both are packed in that order, which makes a batch of matrix products. A repeated
 * index in one tensor is its diagonal: the sum of both steps. */
#include "network/operators.h"

#include <cblas.h>
#include <string.h>

enum { LETTERS = 52, INDICES = LETTERS + PEEK_DIMENSIONS };

/* A tensor as seen by indices: each once, and how far apart its numbers are along it. */
typedef struct view {
    int count;
    int index[PEEK_DIMENSIONS];
    int64_t step[PEEK_DIMENSIONS];
} view;

/* Copies a view to numbers in order of the kept indices, summed over the others. */
typedef struct packing {
    peek__walk kept, summed;
    int64_t count, sums;
} packing;

typedef struct product {
    packing left, right;
    int64_t batches;
    int rows, columns, depth;
} product;

typedef struct settings {
    int64_t most_left, most_right, most_result; /* numbers of the largest of each */
    packing last;                               /* from the last result to y */
    int64_t products;
    product product[];
} settings;

typedef struct state {
    float *left, *right, *result[2];
} state;

/* The equation while it is read. */
typedef struct equation {
    const char *text, *at;
    int64_t length[INDICES]; /* -1: not met yet */
    char often[INDICES];     /* in how many places it stands */
    int ellipsis;            /* the most indices that "..." stands for */
    view *input;
} equation;

static int letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}

static peek_status broken(peek_context *context, const peek__operation *operation, const equation *e,
                          const char *why)
{
    return peek__broken(context, operation, "its equation '%.60s' %s", e->text, why);
}

static void add_index(view *of, int index, int64_t step)
{
    for (int i = 0; i < of->count; i++)
        if (of->index[i] == index) {
            of->step[i] += step;
            return;
        }
    of->index[of->count] = index;
    of->step[of->count++] = step;
}

/* One dimension of an input, under an index. */
static peek_status meet(peek_context *context, const peek__operation *operation, equation *e, int64_t input,
                        int dimension, int index, int64_t step)
{
    int64_t length = operation->input[input]->shape[dimension], *known = &e->length[index];
    int spread = index >= LETTERS;
    if (*known >= 0 && *known != length && !(spread && (length == 1 || *known == 1)))
        return broken(context, operation, e, "gives one index to dimensions of different lengths");
    if (*known < 0 || *known == 1) *known = length;
    if (e->often[index] < 2) e->often[index]++;
    add_index(&e->input[input], index, spread && length == 1 ? 0 : step);
    return PEEK_OK;
}

/* The indices of one input, up to a comma, an arrow or the end. */
static peek_status read_term(peek_context *context, const peek__operation *operation, equation *e,
                             int64_t input)
{
    const peek__tensor *x = operation->input[input];
    int letters = 0, d = 0, dots = 0;
    int64_t step[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_floats(context, operation, input));
    for (const char *c = e->at; *c && *c != ',' && *c != '-'; c++) letters += letter(*c) >= 0;
    peek__row_major_steps(x->dimensions, x->shape, step);
    for (; *e->at && *e->at != ',' && *e->at != '-'; e->at++) {
        int index = letter(*e->at);
        if (*e->at == ' ') continue;
        if (strncmp(e->at, "...", 3) == 0 && !dots++) {
            int spread = x->dimensions - letters;
            for (int i = spread; i > 0; i--, d++)
                PEEK_TRY(meet(context, operation, e, input, d, LETTERS + i - 1, step[d]));
            if (spread > e->ellipsis) e->ellipsis = spread;
            e->at += 2;
            continue;
        }
        if (index < 0) return broken(context, operation, e, "holds what is no index");
        if (d >= x->dimensions) return broken(context, operation, e, "has more indices than an input");
        PEEK_TRY(meet(context, operation, e, input, d, index, step[d]));
        d++;
    }
    return d == x->dimensions ? PEEK_OK : broken(context, operation, e, "has not one index for each dimension");
}

/* The indices of y. */
static peek_status read_output(peek_context *context, const peek__operation *operation, equation *e, int *count,
                               int *index)
{
    char seen[INDICES] = {0};
    int found[INDICES + 1], explicit = e->at[0] == '-';
    *count = 0;
    if (explicit && e->at[1] != '>') return broken(context, operation, e, "holds a '-' without '>'");
    for (int i = e->ellipsis; !explicit && i > 0; i--) found[(*count)++] = LETTERS + i - 1;
    for (int i = 0; !explicit && i < LETTERS; i++)
        if (e->often[i] == 1) found[(*count)++] = i;
    for (const char *c = explicit ? e->at + 2 : ""; *c; c++) {
        if (*c == ' ') continue;
        int dots = strncmp(c, "...", 3) == 0, first = dots ? LETTERS + e->ellipsis - 1 : letter(*c);
        int last = dots ? LETTERS : first;
        for (int i = first; i >= last; i--) {
            if (i < 0 || e->length[i] < 0 || seen[i]++)
                return broken(context, operation, e, "has an output index that is in no input, or twice");
            found[(*count)++] = i;
        }
        if (dots) c += 2;
    }
    if (*count > PEEK_DIMENSIONS) return broken(context, operation, e, "makes too many dimensions");
    memcpy(index, found, (size_t)*count * sizeof *index);
    return PEEK_OK;
}

static int find(const view *of, int index)
{
    for (int i = 0; i < of->count; i++)
        if (of->index[i] == index) return i;
    return -1;
}

/* kept: indices that stay, in order; those that the view lacks spread it. */
static void make_packing(const equation *e, const view *of, int kept, const int *index, packing *out)
{
    *out = (packing){.count = 1, .sums = 1};
    for (int i = 0; i < kept; i++) {
        int at = find(of, index[i]);
        out->kept.shape[out->kept.dimensions] = e->length[index[i]];
        out->kept.step[0][out->kept.dimensions++] = at < 0 ? 0 : of->step[at];
        out->count = peek__product(out->count, e->length[index[i]]);
    }
    for (int i = 0; i < of->count; i++) {
        int stays = 0;
        for (int j = 0; j < kept; j++) stays |= index[j] == of->index[i];
        if (stays) continue;
        out->summed.shape[out->summed.dimensions] = e->length[of->index[i]];
        out->summed.step[0][out->summed.dimensions++] = of->step[i];
        out->sums = peek__product(out->sums, e->length[of->index[i]]);
    }
}

/* The product of two views; left becomes the view of the result. needed: indices that y or later inputs have.
 */
static peek_status make_product(peek_context *context, const peek__operation *operation, const equation *e,
                                view *left, const view *right, const char *needed, settings *einsum)
{
    enum { BATCH, ROW, COLUMN, DEPTH, KINDS };
    int index[KINDS][2 * PEEK_DIMENSIONS], count[KINDS] = {0};
    int64_t size[KINDS] = {1, 1, 1, 1};
    for (int i = 0; i < left->count + right->count; i++) {
        int from_left = i < left->count;
        int now = from_left ? left->index[i] : right->index[i - left->count];
        int shared = find(from_left ? right : left, now) >= 0;
        int kind = shared ? (needed[now] ? BATCH : DEPTH) : from_left ? ROW : COLUMN;
        if ((shared && !from_left) || (!shared && !needed[now])) continue;
        index[kind][count[kind]++] = now;
        size[kind] = peek__product(size[kind], e->length[now]);
    }
    int sizes[2] = {count[BATCH] + count[ROW] + count[DEPTH], count[BATCH] + count[DEPTH] + count[COLUMN]};
    int made = count[BATCH] + count[ROW] + count[COLUMN];
    if (sizes[0] > PEEK_DIMENSIONS || sizes[1] > PEEK_DIMENSIONS || made > PEEK_DIMENSIONS)
        return peek__refuse(context, operation, "its equation '%.60s' makes more than %d dimensions on the way",
                            e->text, PEEK_DIMENSIONS);
    const int lists[3][3] = {{BATCH, ROW, DEPTH}, {BATCH, DEPTH, COLUMN}, {BATCH, ROW, COLUMN}};
    int order[3][PEEK_DIMENSIONS];
    for (int l = 0; l < 3; l++)
        for (int k = 0, at = 0; k < 3; k++)
            for (int i = 0; i < count[lists[l][k]]; i++) order[l][at++] = index[lists[l][k]][i];
    product *next = &einsum->product[einsum->products++];
    make_packing(e, left, sizes[0], order[0], &next->left);
    make_packing(e, right, sizes[1], order[1], &next->right);
    int64_t result = peek__product(size[BATCH], peek__product(size[ROW], size[COLUMN]));
    const int64_t most = INT64_C(1) << 40;
    if (next->left.count < 0 || next->left.count > most || next->right.count < 0 || next->right.count > most ||
        result < 0 || result > most || size[ROW] > INT32_MAX || size[COLUMN] > INT32_MAX ||
        size[DEPTH] > INT32_MAX)
        return peek__refuse(context, operation, "its matrices are too large");
    next->batches = size[BATCH];
    next->rows = (int)size[ROW];
    next->columns = (int)size[COLUMN];
    next->depth = (int)size[DEPTH];
    if (next->left.count > einsum->most_left) einsum->most_left = next->left.count;
    if (next->right.count > einsum->most_right) einsum->most_right = next->right.count;
    if (result > einsum->most_result) einsum->most_result = result;
    left->count = made;
    int64_t running = 1;
    for (int i = made - 1; i >= 0; i--) {
        left->index[i] = order[2][i];
        left->step[i] = running;
        running *= e->length[order[2][i]];
    }
    return PEEK_OK;
}

static peek_status read_equation(peek_context *context, peek__operation *operation, equation *e)
{
    int count, output[PEEK_DIMENSIONS] = {0};
    int64_t shape[PEEK_DIMENSIONS];
    settings *einsum;
    for (int i = 0; i < INDICES; i++) e->length[i] = -1;
    for (int64_t i = 0; i < operation->inputs; i++) {
        PEEK_TRY(read_term(context, operation, e, i));
        int more = i + 1 < operation->inputs;
        if (more != (*e->at == ',')) return broken(context, operation, e, "is not for all its inputs");
        e->at += more;
    }
    PEEK_TRY(read_output(context, operation, e, &count, output));
    for (int i = 0; i < count; i++) shape[i] = e->length[output[i]];
    PEEK_TRY(peek__infer_output(context, operation, 0, operation->input[0]->type, count, shape));
    PEEK_TRY(peek__infer_settings_bytes(context, operation, (void **)&einsum,
                                        sizeof *einsum + (size_t)operation->inputs * sizeof(product)));
    view left = e->input[0];
    for (int64_t i = 1; i < operation->inputs; i++) {
        char needed[INDICES] = {0};
        for (int j = 0; j < count; j++) needed[output[j]] = 1;
        for (int64_t later = i + 1; later < operation->inputs; later++)
            for (int j = 0; j < e->input[later].count; j++) needed[e->input[later].index[j]] = 1;
        PEEK_TRY(make_product(context, operation, e, &left, &e->input[i], needed, einsum));
    }
    make_packing(e, &left, count, output, &einsum->last);
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    equation e = {.text = peek__attribute_text(operation->node, "equation", "")};
    e.at = e.text;
    PEEK_TRY(peek__alloc(context, &e.input, operation->inputs, "an equation"));
    peek_status status = read_equation(context, operation, &e);
    peek__free(&e.input);
    return status;
}

static void release(peek__operation *operation)
{
    state *made = operation->state;
    if (!made) return;
    peek__free(&made->left);
    peek__free(&made->right);
    peek__free(&made->result[0]);
    peek__free(&made->result[1]);
    peek__free(&operation->state);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *einsum = operation->settings;
    state *made;
    const char *what = "a sum of products";
    PEEK_TRY(peek__alloc(context, &made, 1, what));
    operation->state = made;
    if (!einsum->products) return PEEK_OK;
    peek_status status = peek__alloc(context, &made->left, einsum->most_left, what);
    if (status == PEEK_OK) status = peek__alloc(context, &made->right, einsum->most_right, what);
    for (int i = 0; i < 2 && status == PEEK_OK; i++)
        status = peek__alloc(context, &made->result[i], einsum->most_result, what);
    if (status != PEEK_OK) release(operation);
    return status;
}

static void pack(const packing *how, const float *x, float *to)
{
    peek__walk kept = how->kept;
    if (!how->summed.dimensions && kept.dimensions) { /* runs along the last index */
        int64_t run = kept.shape[--kept.dimensions], step = kept.step[0][kept.dimensions];
        for (int64_t i = 0; i < how->count; i += run, peek__walk_on(&kept))
            peek__copy_numbers(PEEK__TYPE_FLOAT, to + i, x + kept.offset[0], run, step);
        return;
    }
    for (int64_t i = 0; i < how->count; i++, peek__walk_on(&kept)) {
        double sum = 0;
        peek__walk summed = how->summed;
        for (int64_t j = 0; j < how->sums; j++, peek__walk_on(&summed))
            sum += x[kept.offset[0] + summed.offset[0]];
        to[i] = (float)sum;
    }
}

static void multiply(const product *of, const float *left, const float *right, float *to)
{
    int64_t m = of->rows, n = of->columns, k = of->depth;
    if (!k && m > 0 && n > 0) memset(to, 0, (size_t)(of->batches * m * n) * sizeof *to);
    for (int64_t b = 0; m && n && k && b < of->batches; b++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, of->rows, of->columns, of->depth, 1,
                    left + b * m * k, of->depth, right + b * k * n, of->columns, 0, to + b * m * n,
                    of->columns);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *einsum = operation->settings;
    const state *made = operation->state;
    const float *left = operation->input[0]->floats;
    for (int64_t p = 0; p < einsum->products; p++) {
        const product *now = &einsum->product[p];
        pack(&now->left, left, made->left);
        pack(&now->right, operation->input[p + 1]->floats, made->right);
        multiply(now, made->left, made->right, made->result[p % 2]);
        left = made->result[p % 2];
    }
    pack(&einsum->last, left, operation->output[0]->floats);
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Einsum",
                                       .first = 12,
                                       .least_inputs = 1,
                                       .most_inputs = PEEK__ANY_NUMBER,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward,
                                       .release = release}};
const peek__family peek__einsum_family = PEEK__FAMILY(rows);
