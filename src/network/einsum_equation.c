/* network/einsum_equation.c: the equation of an Einsum, read for given shapes (network/einsum.h). */
#include "network/einsum.h"

#include <string.h>

/* Labels are the codes of letters, and those behind them for the dimensions of "...", the last of which is
 * LABELS - 1. */
enum { LETTERS = 128, LABELS = LETTERS + PEEK_DIMENSIONS };

typedef struct term {
    int labels;
    int label[PEEK_DIMENSIONS];
} term;

typedef struct reader {
    peek_context *context;
    const peek__operation *operation;
    const char *text;       /* what is left of the equation */
    int64_t length[LABELS]; /* -1: not named */
    int count[LABELS];      /* how often it is named by inputs */
    int spread;             /* the most dimensions that a "..." stands for */
} reader;

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static peek_status broken(const reader *r)
{
    return peek__broken(r->context, r->operation, "its equation '%.200s' does not fit its inputs",
                        peek__attribute_text(r->operation->node, "equation", ""));
}

/* One more label; an output may name more than can be handled, an input only more than it has. */
static peek_status name(const reader *r, int output, term *to, int label)
{
    if (to->labels == PEEK_DIMENSIONS && output)
        return peek__refuse(r->context, r->operation, "it makes a product of more than %d dimensions",
                            PEEK_DIMENSIONS);
    if (to->labels == PEEK_DIMENSIONS) return broken(r);
    to->label[to->labels++] = label;
    return PEEK_OK;
}

/* Letters up to the end of a term: one of an input of this many dimensions, or (-1) the output. */
static peek_status read_term(reader *r, int dimensions, term *out)
{
    int letters = 0, dots = 0;
    *out = (term){0};
    for (const char *c = r->text; is_letter(*c) || *c == '.' || *c == ' '; c++) letters += is_letter(*c);
    int spread = dimensions < 0 ? r->spread : dimensions - letters;
    for (;; r->text++) {
        if (*r->text == ' ') continue;
        if (strncmp(r->text, "...", 3) == 0 && !dots++) {
            if (spread < 0) return broken(r);
            for (int label = LABELS - spread; label < LABELS; label++)
                PEEK_TRY(name(r, dimensions < 0, out, label));
            r->text += 2;
            continue;
        }
        if (!is_letter(*r->text)) break;
        PEEK_TRY(name(r, dimensions < 0, out, (unsigned char)*r->text));
    }
    if (dimensions >= 0 && out->labels != dimensions) return broken(r);
    if (dimensions >= 0 && dots && spread > r->spread) r->spread = spread;
    return PEEK_OK;
}

static peek_status read_input(reader *r, const peek__tensor *x, peek__einsum_view *out)
{
    int64_t step[PEEK_DIMENSIONS];
    term named;
    PEEK_TRY(read_term(r, x->dimensions, &named));
    peek__row_major_steps(x->dimensions, x->shape, step);
    for (int d = 0; d < named.labels; d++) {
        int label = named.label[d], at = 0;
        int64_t *length = &r->length[label];
        if (*length > 1 && x->shape[d] != 1 && x->shape[d] != *length) return broken(r);
        if (*length < 0 || *length == 1) *length = x->shape[d];
        if (*length == 0 && x->shape[d] > 1) return broken(r);
        for (int e = 0; e < d; e++)
            if (named.label[e] == label && x->shape[e] != x->shape[d]) return broken(r);
        r->count[label]++;
        if (x->shape[d] == 1) continue;
        while (at < out->labels && out->label[at] != label) at++;
        if (at == out->labels) {
            out->label[out->labels++] = label;
            out->length[at] = x->shape[d];
            out->step[at] = 0;
        }
        out->step[at] += step[d];
    }
    return PEEK_OK;
}

static peek_status read_output(reader *r, term *out)
{
    if (strncmp(r->text, "->", 2) == 0) {
        r->text += 2;
        PEEK_TRY(read_term(r, -1, out));
    } else {
        *out = (term){0};
        for (int i = 0; i < LABELS; i++) {
            int label = i < PEEK_DIMENSIONS ? LETTERS + i : i - PEEK_DIMENSIONS;
            if (label < LETTERS ? r->count[label] != 1 : label < LABELS - r->spread) continue;
            PEEK_TRY(name(r, 1, out, label));
        }
    }
    return *r->text ? broken(r) : PEEK_OK;
}

peek_status peek__einsum_read(peek_context *context, const peek__operation *operation,
                              peek__einsum_equation *equation, peek__einsum_view *output,
                              int64_t shape[PEEK_DIMENSIONS])
{
    reader r = {.context = context,
                .operation = operation,
                .text = peek__attribute_text(operation->node, "equation", "")};
    term named;
    for (int i = 0; i < LABELS; i++) r.length[i] = -1;
    for (int64_t i = 0; i < operation->inputs; i++) {
        PEEK_TRY(read_input(&r, operation->input[i], &equation->input[i]));
        if (i + 1 < operation->inputs && *r.text++ != ',') return broken(&r);
    }
    PEEK_TRY(read_output(&r, &named));
    equation->dimensions = named.labels;
    *output = (peek__einsum_view){0};
    for (int d = 0; d < named.labels; d++) {
        shape[d] = r.length[named.label[d]];
        if (shape[d] < 0) return broken(&r);
        for (int e = 0; e < d; e++)
            if (named.label[e] == named.label[d]) return broken(&r);
        if (shape[d] == 1) continue;
        output->label[output->labels] = named.label[d];
        output->length[output->labels++] = shape[d];
    }
    int64_t step = 1;
    for (int d = output->labels - 1; d >= 0; d--) {
        output->step[d] = step;
        step = peek__product(step, output->length[d]);
        if (step < 0) return broken(&r);
    }
    for (int i = 0; i < LABELS; i++) equation->empty |= r.length[i] == 0;
    return PEEK_OK;
}
