/* network/einsum.c: Einsum: products of tensors, summed over all labels that the output does not name.
 *
 *     "bij,bjk->bik":   y[b, i, k] = sum_j x[b, i, j] z[b, j, k]
 *
 * Operands are taken from left to right, two at a time. The labels of two are those of a batch (in both, and
 * needed later), rows (of the left one only), columns (of the right one only) and the inner ones (in both, and
 * not needed): a batch of matrix products. A tensor whose steps are not those of matrices is copied first, and
 * labels that no other names are summed then. Labels of length 1 are left out throughout: they change neither
 * order nor sums, and so spreading needs nothing. Source: the ONNX operator; numpy.einsum. */
#include "network/einsum.h"
#include "network/number.h"

#include <cblas.h>
#include <string.h>

typedef peek__einsum_view view;

/* Rows and columns of matrices that lie in a tensor. */
typedef struct matrix {
    int turned;   /* columns follow each other, not rows */
    int64_t step; /* from row to row (turned: column to column) */
} matrix;

typedef struct side {
    view from;     /* as it is given */
    int64_t place; /* where its copy is in the scratch memory; -1: it is read as it is */
    view read;     /* as it is read */
    matrix matrix;
} side;

typedef struct contraction {
    side left, right;
    int64_t rows, columns, inner;
    peek__walk batch; /* offsets: left, right, result */
    int64_t runs;
    view result;
    int64_t place; /* of the result in the scratch memory; -1: the output */
    int64_t step;  /* from row to row of the result */
    int swapped;   /* the result is computed transposed */
} contraction;

typedef struct settings {
    int64_t scratch; /* numbers */
    view first, output;
    int finish; /* the last result has to be put into the order of the output */
    int empty;  /* nothing to sum: zeros */
    int64_t contractions;
    contraction contraction[];
} settings;

static int where(const view *v, int label)
{
    for (int d = 0; d < v->labels; d++)
        if (v->label[d] == label) return d;
    return -1;
}

/* Labels of `v` that are in `in` and not in `out` (NULL: any). */
static view chosen(const view *v, const view *in, const view *out)
{
    view made = {0};
    for (int d = 0; d < v->labels; d++)
        if ((!in || where(in, v->label[d]) >= 0) && (!out || where(out, v->label[d]) < 0)) {
            made.label[made.labels] = v->label[d];
            made.length[made.labels++] = v->length[d];
        }
    return made;
}

static peek_status append(peek_context *context, const peek__operation *operation, view *to, const view *more)
{
    if (to->labels + more->labels > PEEK_DIMENSIONS)
        return peek__refuse(context, operation, "it makes a product of more than %d dimensions",
                            PEEK_DIMENSIONS);
    for (int d = 0; d < more->labels; d++) {
        to->label[to->labels] = more->label[d];
        to->length[to->labels++] = more->length[d];
    }
    return PEEK_OK;
}

/* Numbers in a view; the steps if they lie without gaps. Errors: E_FORMAT. */
static peek_status lay_out(peek_context *context, const peek__operation *operation, view *v, int64_t *size)
{
    *size = 1;
    for (int d = v->labels - 1; d >= 0; d--) {
        v->step[d] = *size;
        *size = peek__product(*size, v->length[d]);
        if (*size < 0) return peek__broken(context, operation, "its intermediate results are too large");
    }
    return PEEK_OK;
}

/* Takes room for a view in the scratch memory. */
static peek_status take_room(peek_context *context, const peek__operation *operation, settings *einsum, view *v,
                             int64_t *place)
{
    int64_t size;
    PEEK_TRY(lay_out(context, operation, v, &size));
    *place = einsum->scratch;
    if (size > INT64_MAX / 16 - einsum->scratch)
        return peek__broken(context, operation, "its intermediate results are too large");
    einsum->scratch += size;
    return PEEK_OK;
}

/* The steps of `v` along some labels, if they can be gone through as one dimension: its step and length. */
static int collapse(const view *v, const view *labels, int64_t *step, int64_t *length)
{
    *step = 0;
    *length = 1;
    for (int d = labels->labels - 1; d >= 0; d--) {
        int at = where(v, labels->label[d]);
        if (*length > 1 && v->step[at] != *step * *length) return 0;
        if (*length == 1) *step = v->step[at];
        *length *= v->length[at];
    }
    return 1;
}

static int as_matrix(const view *v, const view *rows, const view *columns, matrix *out)
{
    int64_t row_step, column_step, row_count, column_count;
    if (!collapse(v, rows, &row_step, &row_count) || !collapse(v, columns, &column_step, &column_count))
        return 0;
    out->turned = !(column_count == 1 || column_step == 1);
    if (out->turned && row_count > 1 && row_step != 1) return 0;
    int64_t outer = out->turned ? column_count : row_count, within = out->turned ? row_count : column_count;
    out->step = outer == 1 ? within : out->turned ? column_step : row_step;
    return out->step >= within && out->step <= INT32_MAX;
}

/* Decides how one side is read: as batch x rows x columns. */
static peek_status plan_side(peek_context *context, const peek__operation *operation, settings *einsum,
                             const view *batch, const view *rows, const view *columns, side *out)
{
    out->read = out->from;
    out->place = -1;
    if (out->from.labels == batch->labels + rows->labels + columns->labels &&
        as_matrix(&out->from, rows, columns, &out->matrix))
        return PEEK_OK;
    out->read = *batch;
    PEEK_TRY(append(context, operation, &out->read, rows));
    PEEK_TRY(append(context, operation, &out->read, columns));
    PEEK_TRY(take_room(context, operation, einsum, &out->read, &out->place));
    if (!as_matrix(&out->read, rows, columns, &out->matrix))
        return peek__refuse(context, operation, "its matrices are too large");
    return PEEK_OK;
}

static int64_t length_of(const view *v)
{
    int64_t length = 1;
    for (int d = 0; d < v->labels; d++) length *= v->length[d];
    return length;
}

/* needed: labels that are used later; last: this is the output. */
static peek_status plan(peek_context *context, const peek__operation *operation, settings *einsum,
                        const view *needed, int last, contraction *c)
{
    const view *left = &c->left.from, *right = &c->right.from;
    view both = chosen(left, right, NULL), batch = chosen(&both, needed, NULL),
         inner = chosen(&both, NULL, needed);
    view rows = chosen(left, needed, right), columns = chosen(right, needed, left);
    PEEK_TRY(plan_side(context, operation, einsum, &batch, &rows, &inner, &c->left));
    PEEK_TRY(plan_side(context, operation, einsum, &batch, &inner, &columns, &c->right));
    c->rows = length_of(&rows);
    c->columns = length_of(&columns);
    c->inner = length_of(&inner);
    if (c->rows > INT32_MAX || c->columns > INT32_MAX || c->inner > INT32_MAX)
        return peek__refuse(context, operation, "its matrices are too large");
    matrix order;
    c->place = -1;
    c->result = einsum->output;
    if (!last || !as_matrix(&c->result, &rows, &columns, &order)) {
        einsum->finish = last;
        c->result = batch;
        PEEK_TRY(append(context, operation, &c->result, &rows));
        PEEK_TRY(append(context, operation, &c->result, &columns));
        PEEK_TRY(take_room(context, operation, einsum, &c->result, &c->place));
        if (!as_matrix(&c->result, &rows, &columns, &order))
            return peek__refuse(context, operation, "its matrices are too large");
    }
    c->swapped = order.turned;
    c->step = order.step;
    c->runs = length_of(&batch);
    c->batch.dimensions = batch.labels;
    const view *walked[3] = {&c->left.read, &c->right.read, &c->result};
    for (int d = 0; d < batch.labels; d++) {
        c->batch.shape[d] = batch.length[d];
        for (int i = 0; i < 3; i++) c->batch.step[i][d] = walked[i]->step[where(walked[i], batch.label[d])];
    }
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    int64_t inputs = operation->inputs, shape[PEEK_DIMENSIONS];
    settings *einsum;
    peek__einsum_equation *equation;
    for (int64_t i = 1; i < inputs; i++)
        if (!operation->input[i] || operation->input[i]->type != operation->input[0]->type)
            return peek__broken(context, operation, "its inputs are not all there, or not of one type");
    size_t size = sizeof *einsum + (size_t)inputs * sizeof *einsum->contraction;
    PEEK_TRY(peek__infer_settings_bytes(context, operation, (void **)&einsum, size));
    PEEK_TRY(peek__alloc_bytes(context, (void **)&equation, 1,
                               sizeof *equation + (size_t)inputs * sizeof *equation->input, "an equation"));
    peek_status status = peek__einsum_read(context, operation, equation, &einsum->output, shape);
    einsum->first = equation->input[0];
    einsum->empty = equation->empty;
    if (inputs == 1) einsum->finish = 1;
    view current = einsum->first;
    for (int64_t i = 1; status == PEEK_OK && !einsum->empty && i < inputs; i++) {
        contraction *c = &einsum->contraction[einsum->contractions++];
        view needed = einsum->output;
        for (int64_t j = i + 1; status == PEEK_OK && j < inputs; j++) {
            view more = chosen(&equation->input[j], NULL, &needed), now = chosen(&current, &more, NULL),
                 with = chosen(&equation->input[i], &more, &now);
            /* Only those of the two at hand matter. */
            status = append(context, operation, &needed, &now);
            if (status == PEEK_OK) status = append(context, operation, &needed, &with);
        }
        c->left.from = current;
        c->right.from = equation->input[i];
        if (status == PEEK_OK) status = plan(context, operation, einsum, &needed, i == inputs - 1, c);
        current = c->result;
    }
    int dimensions = equation->dimensions;
    peek__free(&equation);
    PEEK_TRY(status);
    return peek__infer_output(context, operation, 0, operation->input[0]->type, dimensions, shape);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *einsum = operation->settings;
    return peek__alloc_bytes(context, &operation->state, einsum->scratch,
                             peek__width(operation->input[0]->type), "the products of an Einsum");
}

static void release(peek__operation *operation)
{
    peek__free(&operation->state);
}

static void *at(peek__element type, const void *numbers, int64_t place)
{
    return (char *)numbers + (size_t)place * peek__width(type);
}

/* A walk over labels; offset 0 is into a view. */
static peek__walk walk_over(const view *labels, const view *v)
{
    peek__walk walk = {.dimensions = labels->labels};
    for (int d = 0; d < labels->labels; d++) {
        walk.shape[d] = labels->length[d];
        walk.step[0][d] = v->step[where(v, labels->label[d])];
    }
    return walk;
}

static void sum(peek__element type, const void *numbers, peek__walk walk, int64_t count, void *out)
{
    double total = 0;
    uint64_t whole = 0;
    for (int64_t i = 0; i < count; i++, peek__walk_on(&walk))
        if (peek__is_float(type))
            total += ((const float *)numbers)[walk.offset[0]];
        else
            whole += (uint64_t)((const int64_t *)numbers)[walk.offset[0]];
    if (peek__is_float(type))
        *(float *)out = (float)total;
    else
        *(int64_t *)out = peek__wrap_to(type, (int64_t)whole);
}

/* The numbers of `from` in the order of `to`, which has no gaps; labels that it does not name are summed. */
static void arrange(peek__element type, const view *from, const void *numbers, const view *to, void *out)
{
    view summed = chosen(from, NULL, to), lines = *to;
    int64_t terms = length_of(&summed), length = 1, step = 1;
    if (terms == 1 && lines.labels) {
        lines.labels--;
        length = to->length[lines.labels];
        step = from->step[where(from, to->label[lines.labels])];
    }
    peek__walk walk = walk_over(&lines, from), within = walk_over(&summed, from);
    int64_t runs = length_of(&lines);
    for (int64_t r = 0; r < runs; r++, peek__walk_on(&walk)) {
        const void *first = at(type, numbers, walk.offset[0]);
        if (terms == 1)
            peek__copy_numbers(type, at(type, out, r * length), first, length, step);
        else
            sum(type, first, within, terms, at(type, out, r));
    }
}

static const void *read_side(const peek__operation *operation, const side *from, const void *numbers)
{
    peek__element type = operation->input[0]->type;
    if (from->place < 0) return numbers;
    void *copy = at(type, operation->state, from->place);
    arrange(type, &from->from, numbers, &from->read, copy);
    return copy;
}

static void multiply_floats(const contraction *c, const float *a, const float *b, float *y)
{
    const matrix *left = &c->left.matrix, *right = &c->right.matrix;
    CBLAS_TRANSPOSE turn_a = left->turned != c->swapped ? CblasTrans : CblasNoTrans,
                    turn_b = right->turned != c->swapped ? CblasTrans : CblasNoTrans;
    int m = (int)c->rows, n = (int)c->columns, k = (int)c->inner, step = (int)c->step;
    if (m == 1 && n == 1 && k == 1)
        y[0] = a[0] * b[0];
    else if (c->swapped)
        cblas_sgemm(CblasRowMajor, turn_b, turn_a, n, m, k, 1, b, (int)right->step, a, (int)left->step, 0, y,
                    step);
    else
        cblas_sgemm(CblasRowMajor, turn_a, turn_b, m, n, k, 1, a, (int)left->step, b, (int)right->step, 0, y,
                    step);
}

static void multiply_integers(const contraction *c, peek__element type, const int64_t *a, const int64_t *b,
                              int64_t *y)
{
    const matrix *left = &c->left.matrix, *right = &c->right.matrix;
    for (int64_t i = 0; i < c->rows; i++)
        for (int64_t j = 0; j < c->columns; j++) {
            uint64_t total = 0;
            for (int64_t k = 0; k < c->inner; k++)
                total += (uint64_t)a[left->turned ? k * left->step + i : i * left->step + k] *
                         (uint64_t)b[right->turned ? j * right->step + k : k * right->step + j];
            y[c->swapped ? j * c->step + i : i * c->step + j] = peek__wrap_to(type, (int64_t)total);
        }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *einsum = operation->settings;
    const peek__tensor *y = operation->output[0];
    const void *current = operation->input[0]->data;
    const view *order = &einsum->first;
    if (einsum->empty) {
        memset(y->data, 0, (size_t)y->size * peek__width(y->type));
        return PEEK_OK;
    }
    for (int64_t i = 0; i < einsum->contractions; i++) {
        const contraction *c = &einsum->contraction[i];
        const void *a = read_side(operation, &c->left, current);
        const void *b = read_side(operation, &c->right, operation->input[i + 1]->data);
        void *result = c->place < 0 ? y->data : at(y->type, operation->state, c->place);
        peek__walk walk = c->batch;
        for (int64_t r = 0; r < c->runs; r++, peek__walk_on(&walk)) {
            const void *from_a = at(y->type, a, walk.offset[0]), *from_b = at(y->type, b, walk.offset[1]);
            void *to = at(y->type, result, walk.offset[2]);
            if (peek__is_float(y->type))
                multiply_floats(c, from_a, from_b, to);
            else
                multiply_integers(c, y->type, from_a, from_b, to);
        }
        current = result;
        order = &c->result;
    }
    if (einsum->finish) arrange(y->type, order, current, &einsum->output, y->data);
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
