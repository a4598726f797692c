/* measure/congruence.c: the components of two models, matched one to one. */
#include "measure/congruence.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

typedef struct congruence {
    const peek_model *a, *b;
    int64_t step, k;
    double *samples, *loadings; /* k x k */
    double *of_a, *of_b;        /* ||f_r|| ||w_r||: k */
    double *cosines;            /* k x k */
} congruence;

/* out <- out + scale A^T B.   A, B: rows x k, A with `stride` from row to row. */
static void cross(int64_t rows, int64_t k, double scale, const float *a, int64_t stride, const float *b,
                  double *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t r = 0; r < k; r++) {
            double value = scale * a[i * stride + r];
            if (value == 0) continue;
            for (int64_t s = 0; s < k; s++) out[r * k + s] += value * b[i * k + s];
        }
}

/* The inner products of components of x with those of y: of the sample matrices and of all loadings, with the
 * weights of a. x_step, y_step: from sample to sample. */
static void products(congruence *c, const peek_model *x, int64_t x_step, const peek_model *y)
{
    int64_t k = c->k, square = k * k;
    memset(c->samples, 0, (size_t)square * sizeof *c->samples);
    memset(c->loadings, 0, (size_t)square * sizeof *c->loadings);
    cross((x->rows + x_step - 1) / x_step, k, 1, x->samples, x_step * k, y->samples, c->samples);
    for (int64_t i = 0; i < x->blocks; i++)
        cross(x->block[i].columns, k, c->a->alphas[i], peek_model_loadings(x, i), k, peek_model_loadings(y, i),
              c->loadings);
}

/* norms[r] <- ||f_r|| ||w_r||, of every step-th sample. */
static void component_norms(congruence *c, const peek_model *model, int64_t step, double *norms)
{
    int64_t k = c->k;
    products(c, model, 1, model);
    if (step > 1) {
        memset(c->samples, 0, (size_t)(k * k) * sizeof *c->samples);
        for (int64_t t = 0; t < model->rows; t += step)
            cross(1, k, 1, model->samples + t * k, k, model->samples + t * k, c->samples);
    }
    for (int64_t r = 0; r < k; r++) norms[r] = sqrt(c->samples[r * (k + 1)] * c->loadings[r * (k + 1)]);
}

static peek_status compare(peek_context *context, congruence *c, int64_t *match, double *similarity)
{
    int64_t k = c->k;
    component_norms(c, c->a, c->step, c->of_a);
    component_norms(c, c->b, 1, c->of_b);
    products(c, c->a, c->step, c->b);
    for (int64_t i = 0; i < k * k; i++) {
        double norms = c->of_a[i / k] * c->of_b[i % k];
        c->cosines[i] = norms > 0 ? c->samples[i] * c->loadings[i] / norms : 0;
    }
    PEEK_TRY(peek_match(context, c->cosines, k, match));
    for (int64_t r = 0; r < k; r++) similarity[r] = c->cosines[r * k + match[r]];
    return peek__poll(context);
}

int peek__models_alike(const peek_model *a, const peek_model *b)
{
    if (a->rank != b->rank || a->blocks != b->blocks) return 0;
    for (int64_t i = 0; i < a->blocks; i++)
        if (a->block[i].columns != b->block[i].columns || strcmp(a->block[i].name, b->block[i].name) != 0)
            return 0;
    return 1;
}

peek_status peek__match_models(peek_context *context, const peek_model *a, int64_t a_step, const peek_model *b,
                               int64_t *match, double *similarity)
{
    congruence c = {.a = a, .b = b, .step = a_step, .k = a->rank};
    int64_t square = peek__product(c.k, c.k);
    double *memory = NULL;
    PEEK_TRY(peek__alloc(context, &memory, 3 * square + 2 * c.k, "similarities"));
    c.samples = memory;
    c.loadings = memory + square;
    c.cosines = memory + 2 * square;
    c.of_a = memory + 3 * square;
    c.of_b = c.of_a + c.k;
    peek_status status = compare(context, &c, match, similarity);
    peek__free(&memory);
    return status;
}

peek_status peek_match_models(peek_context *context, const peek_model *a, const peek_model *b, int64_t *match,
                              double *similarity)
{
    if (!a || !b || !match || !similarity)
        return peek__fail(context, PEEK_E_ARGUMENT, "matching needs two models and places for the results");
    if (a->rows != b->rows || !peek__models_alike(a, b))
        return peek__fail(
            context, PEEK_E_SHAPE,
            "only models of the same rank, samples and blocks can be matched: these have %lld and "
            "%lld components of %lld and %lld samples",
            (long long)a->rank, (long long)b->rank, (long long)a->rows, (long long)b->rows);
    return peek__match_models(context, a, 1, b, match, similarity);
}
