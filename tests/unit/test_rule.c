/* Update rules and what they promise: optimality, threads, order, and data at the edge. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "factor/rule.h"
#include "factor/stationarity.h"
#include "nnpeek/fit.h"
#include "context.h"

/* rows x columns of this rank, with uniform noise up to `noise`. */
static float *make(int64_t rows, int64_t columns, int64_t rank, float noise)
{
    float *x = calloc((size_t)(rows * columns), sizeof *x), *f = calloc((size_t)(rows * rank + 1), sizeof *f);
    float *w = calloc((size_t)(columns * rank + 1), sizeof *w);
    peek__stream stream = peek__stream_make(3, PEEK__TEST, (uint64_t)(rows * 1000 + columns));
    assert_true(x && f && w);
    for (int64_t i = 0; i < rows * rank; i++) f[i] = peek__random_uniform(&stream);
    for (int64_t i = 0; i < columns * rank; i++) w[i] = peek__random_uniform(&stream);
    for (int64_t i = 0; i < rows * columns; i++) {
        x[i] = noise * peek__random_uniform(&stream);
        for (int64_t r = 0; r < rank; r++) x[i] += f[i / columns * rank + r] * w[i % columns * rank + r];
    }
    free(f), free(w);
    return x;
}

/* Two blocks, the first `split` columns and the others; swapped: in the other order. */
static peek_model *fit(peek_context *context, const float *x, int64_t rows, int64_t columns, int64_t split,
                       int swapped, const peek_fit_options *options)
{
    peek_problem *problem;
    peek_model *model;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    for (int i = 0; i < 2; i++) {
        int second = i != swapped;
        int64_t width = second ? columns - split : split;
        if (width > 0)
            assert_int_equal(peek_problem_add_array(context, problem, second ? "second" : "first",
                                                    x + (second ? split : 0), rows, width, columns,
                                                    PEEK_SIGNED_REFUSE),
                             PEEK_OK);
    }
    assert_int_equal(peek_fit(context, problem, options, &model), PEEK_OK);
    peek_problem_free(&problem);
    return model;
}

static peek_fit_options options_for(int64_t rule, int64_t rank, int64_t iterations)
{
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rule = rule;
    options.rank = rank;
    options.iterations = iterations;
    options.tolerance = 0;
    return options;
}

/* What every rule is called on: G of random columns, R of random data. */
typedef struct trial {
    int64_t rows, k;
    float *gram, *numerator, *m, l1;
    void *scratch;
} trial;

static trial make_trial(const peek__rule *rule, int64_t rows, int64_t k, int64_t others, float l1)
{
    trial t = {rows,
               k,
               calloc((size_t)(k * k), sizeof(float)),
               calloc((size_t)(rows * k), sizeof(float)),
               calloc((size_t)(rows * k), sizeof(float)),
               l1,
               aligned_alloc(64, (rule->scratch(rows, k) + 127) / 64 * 64)};
    peek__stream stream = peek__stream_make(17, PEEK__TEST, (uint64_t)(rows * 1000 + k));
    float *w = calloc((size_t)(others * k), sizeof *w), *x = calloc((size_t)others, sizeof *x);
    assert_true(t.gram && t.numerator && t.m && t.scratch && w && x);
    for (int64_t i = 0; i < others * k; i++) w[i] = peek__random_uniform(&stream);
    for (int64_t r = 0; r < k * k; r++)
        for (int64_t i = 0; i < others; i++) t.gram[r] += w[i * k + r / k] * w[i * k + r % k];
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < others; i++) x[i] = peek__random_uniform(&stream);
        for (int64_t r = 0; r < k; r++) {
            t.m[row * k + r] = peek__random_uniform(&stream);
            for (int64_t i = 0; i < others; i++) t.numerator[row * k + r] += x[i] * w[i * k + r];
        }
    }
    free(w), free(x);
    return t;
}

static void free_trial(trial *t)
{
    free(t->gram), free(t->numerator), free(t->m), free(t->scratch);
}

/* <M G, M> - 2 <R - l1, M> of one row, in double. */
static double value(const trial *t, int64_t row)
{
    const float *m = t->m + row * t->k;
    double sum = 0;
    for (int64_t r = 0; r < t->k; r++) {
        double product = 0;
        for (int64_t s = 0; s < t->k; s++) product += (double)t->gram[r * t->k + s] * m[s];
        sum += m[r] * (product - 2.0 * (t->numerator[row * t->k + r] - t->l1));
    }
    return sum;
}

static peek__update update_of(const trial *t)
{
    return (peek__update){.rows = t->rows,
                          .k = t->k,
                          .gram = t->gram,
                          .numerator = t->numerator,
                          .l1 = t->l1,
                          .m = t->m,
                          .scratch = t->scratch};
}

static void apply(const peek__rule *rule, const trial *t)
{
    peek__update update = update_of(t);
    rule->update(&update);
}

/* No row gets worse in any call, and calls lead to the optimum: bpp in one, the others in many. */
static void test_rules_descend_to_the_optimum(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{1, 1}, {7, 3}, {64, 10}, {65, 9}, {130, 17}, {51, 50}};
    for (int64_t id = 0; peek__rule_at(id); id++) {
        const peek__rule *rule = peek__rule_at(id);
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            trial t = make_trial(rule, shapes[s][0], shapes[s][1], 4 * shapes[s][1] + 2, s % 2 ? 0.5f : 0);
            peek__update update = update_of(&t);
            float *scratch = calloc((size_t)(t.rows * t.k), sizeof *scratch);
            double first = peek__projected_gradient(&update, scratch);
            int calls = id == PEEK__RULE_BPP ? 1 : id == PEEK__RULE_HALS ? 200 : 3000;
            for (int i = 0; i < calls; i++) {
                double before[130];
                for (int64_t row = 0; row < t.rows; row++) before[row] = value(&t, row);
                apply(rule, &t);
                for (int64_t row = 0; row < t.rows; row++) {
                    double after = value(&t, row);
                    assert_true(after <= before[row] + 1e-6 * fabs(before[row]));
                }
            }
            double last = peek__projected_gradient(&update, scratch);
            if (sqrt(last / first) > (id == PEEK__RULE_MU ? 3e-2 : 1e-5))
                fail_msg("%s, %lld x %lld: projected gradient %g of the first", rule->name, (long long)t.rows,
                         (long long)t.k, sqrt(last / first));
            for (int64_t i = 0; i < t.rows * t.k; i++) assert_true(t.m[i] >= 0);
            free(scratch);
            free_trial(&t);
        }
    }
}

/* A singular Gram matrix (fewer columns than components, a zero column, all zero) is no trouble, nor one that
 * is indefinite by rounding. */
static void check_singular(float shrink)
{
    for (int64_t id = 0; peek__rule_at(id); id++) {
        const peek__rule *rule = peek__rule_at(id);
        trial t = make_trial(rule, 40, 12, 5, 0);
        for (int64_t r = 0; r < t.k; r++) t.gram[r * t.k + r] *= shrink;
        for (int64_t r = 0; r < t.k; r++) t.gram[3 * t.k + r] = t.gram[r * t.k + 3] = 0;
        for (int64_t row = 0; row < t.rows; row++) t.numerator[row * t.k + 3] = 0;
        for (int i = 0; i < 20; i++) {
            double before[40];
            for (int64_t row = 0; row < t.rows; row++) before[row] = value(&t, row);
            apply(rule, &t);
            for (int64_t row = 0; row < t.rows; row++)
                assert_true(value(&t, row) <= before[row] + 1e-6 * fabs(before[row]));
        }
        memset(t.gram, 0, (size_t)(t.k * t.k) * sizeof(float));
        memset(t.numerator, 0, (size_t)(t.rows * t.k) * sizeof(float));
        apply(rule, &t);
        for (int64_t i = 0; i < t.rows * t.k; i++) assert_true(t.m[i] >= 0 && isfinite(t.m[i]));
        free_trial(&t);
    }
}

static void test_singular_gram(void **state)
{
    (void)state;
    check_singular(1);
    check_singular(1 - 2e-6f);
}

static void test_objective_never_rises(void **state)
{
    (void)state;
    enum { ROWS = 500, COLUMNS = 120 };
    peek_context *context = make_context(2, NULL, NULL);
    for (int64_t id = 0; peek__rule_at(id); id++)
        for (int noisy = 0; noisy < 2; noisy++) {
            float *x = make(ROWS, COLUMNS, 4, noisy ? 1 : 0.05f);
            peek_fit_options options = options_for(id, 7, 120);
            peek_model *model = fit(context, x, ROWS, COLUMNS, 50, 0, &options);
            peek_model_info info = peek_model_describe(model);
            double square = 0;
            for (int64_t i = 0; i < ROWS * COLUMNS; i++) square += (double)x[i] * x[i];
            assert_string_equal(info.rule, peek__rule_at(id)->name);
            assert_int_equal(info.iterations, 120);
            for (int64_t i = 1; i < info.iterations; i++)
                if (!(info.objective[i] <= info.objective[i - 1] * (1 + 1e-6) + 1e-7 * square))
                    fail_msg("%s, iteration %lld: %.9g after %.9g of %.9g", info.rule, (long long)i,
                             info.objective[i], info.objective[i - 1], square);
            assert_true(info.objective[119] < 0.98 * info.objective[0]);
            peek_model_free(&model);
            free(x);
        }
    peek_context_free(&context);
}

/* The projected gradient of the returned matrices themselves, in double. */
static double gradient_of(const float *x, int64_t rows, int64_t columns, int64_t k, const float *f,
                          const float *w)
{
    double sum = 0, *residual = calloc((size_t)(rows * columns), sizeof *residual);
    assert_non_null(residual);
    for (int64_t i = 0; i < rows * columns; i++) {
        residual[i] = -x[i];
        for (int64_t r = 0; r < k; r++) residual[i] += (double)f[i / columns * k + r] * w[i % columns * k + r];
    }
    for (int64_t r = 0; r < k; r++) {
        for (int64_t t = 0; t < rows; t++) {
            double slope = 0;
            for (int64_t i = 0; i < columns; i++) slope += residual[t * columns + i] * w[i * k + r];
            if (f[t * k + r] > 0 || slope < 0) sum += slope * slope;
        }
        for (int64_t i = 0; i < columns; i++) {
            double slope = 0;
            for (int64_t t = 0; t < rows; t++) slope += residual[t * columns + i] * f[t * k + r];
            if (w[i * k + r] > 0 || slope < 0) sum += slope * slope;
        }
    }
    free(residual);
    return sqrt(sum);
}

/* Stopped by --kkt, what is returned is that close to optimal; and the word says why it stopped. */
static void test_stops(void **state)
{
    (void)state;
    enum { ROWS = 200, COLUMNS = 60, K = 5 };
    peek_context *context = make_context(2, NULL, NULL);
    float *x = make(ROWS, COLUMNS, 4, 0.8f);
    for (int64_t id = 0; peek__rule_at(id); id++) {
        peek_fit_options options = options_for(id, K, 1);
        peek_model *model = fit(context, x, ROWS, COLUMNS, COLUMNS, 0, &options);
        double first =
            gradient_of(x, ROWS, COLUMNS, K, peek_model_samples(model), peek_model_loadings(model, 0));
        assert_string_equal(peek_model_describe(model).stop, "iterations");
        peek_model_free(&model);
        options.iterations = 50000;
        options.kkt = id == PEEK__RULE_MU ? 1e-3 : 1e-5;
        model = fit(context, x, ROWS, COLUMNS, COLUMNS, 0, &options);
        assert_string_equal(peek_model_describe(model).stop, "kkt");
        double last =
            gradient_of(x, ROWS, COLUMNS, K, peek_model_samples(model), peek_model_loadings(model, 0));
        if (last > 0.05 * first) fail_msg("%s: %g of the first", peek__rule_at(id)->name, last / first);
        peek_model_free(&model);
        options.kkt = 0;
        options.time_limit = 1e-6;
        model = fit(context, x, ROWS, COLUMNS, COLUMNS, 0, &options);
        assert_string_equal(peek_model_describe(model).stop, "time");
        assert_int_equal(peek_model_describe(model).iterations, 1);
        peek_model_free(&model);
        options.time_limit = 0;
        options.tolerance = 1e-4;
        model = fit(context, x, ROWS, COLUMNS, COLUMNS, 0, &options);
        assert_string_equal(peek_model_describe(model).stop, "tolerance");
        peek_model_free(&model);
    }
    free(x);
    peek_context_free(&context);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    enum { ROWS = 900, COLUMNS = 400, K = 11 };
    float *x = make(ROWS, COLUMNS, 6, 0.5f);
    for (int64_t id = 0; peek__rule_at(id); id++) {
        peek_fit_options options = options_for(id, K, 40);
        if (id == PEEK__RULE_MU) options.init = "nndsvd";
        peek_model *models[3];
        peek_context *contexts[3];
        for (int i = 0; i < 3; i++) {
            contexts[i] = make_context(i + 1, NULL, NULL);
            models[i] = fit(contexts[i], x, ROWS, COLUMNS, 150, 0, &options);
            assert_memory_equal(peek_model_samples(models[0]), peek_model_samples(models[i]),
                                ROWS * K * sizeof(float));
            assert_memory_equal(peek_model_loadings(models[0], 1), peek_model_loadings(models[i], 1),
                                250 * K * sizeof(float));
        }
        for (int i = 0; i < 3; i++) {
            peek_model_free(&models[i]);
            peek_context_free(&contexts[i]);
        }
    }
    free(x);
}

/* From matrices given in a folder the order of samples and blocks changes nothing but the order. */
static void test_order_does_not_matter(void **state)
{
    (void)state;
    enum { ROWS = 130, COLUMNS = 50, SPLIT = 20, K = 4, ITERATIONS = 15 };
    char folder[FOLDER], place[64], command[128];
    peek_context *context = make_context(2, NULL, NULL);
    float *x = make(ROWS, COLUMNS, 4, 0.5f), *turned = calloc(ROWS * COLUMNS, sizeof *turned);
    make_folder(folder);
    assert_non_null(turned);
    for (int64_t t = 0; t < ROWS; t++)
        memcpy(turned + t * COLUMNS, x + (ROWS - 1 - t) * COLUMNS, COLUMNS * sizeof *x);
    for (int64_t id = 0; peek__rule_at(id); id++) {
        peek_fit_options options = options_for(id, K, 2);
        peek_model *start = fit(context, x, ROWS, COLUMNS, SPLIT, 0, &options), *plain, *other;
        snprintf(place, sizeof place, "%s/start-%d", folder, (int)id);
        assert_int_equal(peek_model_save(context, start, place), PEEK_OK);
        options.init = place;
        options.iterations = ITERATIONS;
        plain = fit(context, x, ROWS, COLUMNS, SPLIT, 0, &options);
        float *f = (float *)(uintptr_t)peek_model_samples(start); /* the start in the samples' other order */
        for (int64_t t = 0; t < ROWS / 2; t++)
            for (int64_t r = 0; r < K; r++) {
                float keep = f[t * K + r];
                f[t * K + r] = f[(ROWS - 1 - t) * K + r];
                f[(ROWS - 1 - t) * K + r] = keep;
            }
        assert_int_equal(peek_model_save(context, start, place), PEEK_OK);
        other = fit(context, turned, ROWS, COLUMNS, SPLIT, 1, &options);
        double difference = 0, norm = 0;
        for (int64_t t = 0; t < ROWS; t++)
            for (int64_t r = 0; r < K; r++) {
                double a = peek_model_samples(plain)[t * K + r];
                double b = peek_model_samples(other)[(ROWS - 1 - t) * K + r];
                difference += (a - b) * (a - b);
                norm += a * a;
            }
        for (int64_t i = 0; i < (COLUMNS - SPLIT) * K; i++) {
            double a = peek_model_loadings(plain, 1)[i], b = peek_model_loadings(other, 0)[i];
            difference += (a - b) * (a - b);
            norm += a * a;
        }
        if (difference > 1e-6 * norm) fail_msg("%s: %g", peek__rule_at(id)->name, sqrt(difference / norm));
        peek_model_free(&start), peek_model_free(&plain), peek_model_free(&other);
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    free(x), free(turned);
    peek_context_free(&context);
}

/* Zero rows and columns, ranks beyond the data's and as large as can be, one sample, one column. */
static void test_edges(void **state)
{
    (void)state;
    static const struct edge {
        int64_t rows, columns, of_rank, rank;
        double most; /* relative error at the end */
    } edges[] = {{60, 30, 3, 9, 5e-3}, {8, 5, 5, 5, 2e-2},  {5, 8, 5, 5, 2e-2},
                 {1, 40, 1, 1, 1e-5},  {40, 1, 1, 1, 1e-5}, {1, 1, 1, 1, 1e-5}};
    peek_context *context = make_context(2, NULL, NULL);
    for (int64_t id = 0; peek__rule_at(id); id++)
        for (size_t e = 0; e < 2 * (sizeof edges / sizeof *edges); e++) {
            const struct edge *edge = &edges[e / 2];
            float *x = make(edge->rows, edge->columns, edge->of_rank, 0);
            if (edge->rows > 20 && edge->columns > 20)
                for (int64_t i = 0; i < edge->rows * edge->columns; i++)
                    if (i / edge->columns == 7 || i % edge->columns == 11) x[i] = 0;
            peek_fit_options options = options_for(id, edge->rank, 1500);
            double most = edge->most;
            if (e % 2) options.init = "nndsvd";
            if (e % 2 && id == PEEK__RULE_MU) most *= 4; /* its small filled entries move slowly */
            peek_model *model = fit(context, x, edge->rows, edge->columns, edge->columns, 0, &options);
            peek_model_info info = peek_model_describe(model);
            if (!(info.relative_error <= most))
                fail_msg("%s, edge %d from %s: relative error %g", info.rule, (int)(e / 2), options.init,
                         info.relative_error);
            for (int64_t i = 0; i < edge->rows * edge->rank; i++)
                assert_true(peek_model_samples(model)[i] >= 0 && isfinite(peek_model_samples(model)[i]));
            for (int64_t i = 0; i < edge->columns * edge->rank; i++)
                assert_true(peek_model_loadings(model, 0)[i] >= 0 &&
                            isfinite(peek_model_loadings(model, 0)[i]));
            peek_model_free(&model);
            free(x);
        }
    peek_context_free(&context);
}

/* Every allocation fails in turn: an error with a sentence, no leak (under the sanitizer). */
static void test_faults(void **state)
{
    (void)state;
    float *x = make(40, 20, 3, 0.5f);
    for (int64_t id = 0; peek__rule_at(id); id++) {
        peek_status status = PEEK_E_MEMORY;
        int64_t nth = 0;
        while (status != PEEK_OK) {
            peek_context *context = make_context(1, NULL, NULL);
            peek_problem *problem;
            peek_model *model = NULL;
            peek_fit_options options = options_for(id, 3, 6);
            options.kkt = 1e-3;
            if (id == PEEK__RULE_HALS) options.init = "nndsvd";
            assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
            assert_int_equal(peek_problem_add_array(context, problem, "x", x, 40, 20, 20, PEEK_SIGNED_REFUSE),
                             PEEK_OK);
            peek__fail_nth(context, ++nth);
            status = peek_fit(context, problem, &options, &model);
            assert_true(status == PEEK_OK || status == PEEK_E_MEMORY);
            if (status != PEEK_OK) assert_true(strlen(peek_error(context)) > 10);
            assert_true((model != NULL) == (status == PEEK_OK));
            peek_model_free(&model);
            peek_problem_free(&problem);
            peek_context_free(&context);
        }
        assert_true(nth > 20);
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_descend_to_the_optimum),
        cmocka_unit_test(test_singular_gram),
        cmocka_unit_test(test_objective_never_rises),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
