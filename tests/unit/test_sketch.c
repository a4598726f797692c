/* The sketch: an orthonormal basis and the data's coefficients in it, the same bits for any threads, and fits
 * that it helps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "factor/rule.h"
#include "factor/sketch.h"
#include "context.h"

enum { ROWS = 1500, WIDE = 500, NARROW = 300, RANK = 6 };

static float *wide, *narrow;

/* Non-negative data of rank RANK with noise. */
static float *make(int columns, uint64_t index)
{
    float *x = malloc(ROWS * (size_t)columns * sizeof *x), w[WIDE][RANK];
    peek__stream noise = peek__stream_make(1, PEEK__TEST, 100 + index);
    assert_non_null(x);
    for (int i = 0; i < columns; i++)
        for (int r = 0; r < RANK; r++)
            w[i][r] = peek__random_uniform(&noise) < 0.4f ? peek__random_uniform(&noise) : 0;
    for (int t = 0; t < ROWS; t++) {
        float f[RANK];
        peek__stream stream = peek__stream_make(2, PEEK__TEST, (uint64_t)t);
        for (int r = 0; r < RANK; r++) f[r] = peek__random_uniform(&stream);
        for (int i = 0; i < columns; i++) {
            x[t * columns + i] = 0.2f * peek__random_uniform(&noise);
            for (int r = 0; r < RANK; r++) x[t * columns + i] += f[r] * w[i][r];
        }
    }
    return x;
}

static peek_status add_both(peek_context *context, peek_problem **problem)
{
    peek_status status = peek_problem_create(context, problem);
    if (status == PEEK_OK)
        status = peek_problem_add_array(context, *problem, "wide", wide, ROWS, WIDE, WIDE, PEEK_SIGNED_REFUSE);
    if (status == PEEK_OK)
        status = peek_problem_add_array(context, *problem, "narrow", narrow, ROWS, NARROW, NARROW,
                                        PEEK_SIGNED_REFUSE);
    return status;
}

static peek_model *fit(peek_context *context, int64_t rule, int64_t accuracy)
{
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = RANK;
    options.rule = rule;
    options.accuracy = accuracy;
    assert_int_equal(add_both(context, &problem), PEEK_OK);
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
    peek_problem_free(&problem);
    return model;
}

static void test_basis_and_coefficients(void **state)
{
    (void)state;
    enum { WIDTH = 20, COLUMNS = WIDE + NARROW };
    static const double multipliers[] = {0.5, 2};
    peek_context *context = make_context(2, NULL, NULL);
    peek_problem *problem;
    peek__sketch sketch;
    assert_int_equal(add_both(context, &problem), PEEK_OK);
    assert_int_equal(peek__sketch_make(context, problem, multipliers, WIDTH, 3, &sketch), PEEK_OK);
    for (int a = 0; a < WIDTH; a++)
        for (int b = 0; b < WIDTH; b++) {
            double sum = 0;
            for (int i = 0; i < COLUMNS; i++)
                sum += (double)sketch.basis[i * WIDTH + a] * sketch.basis[i * WIDTH + b];
            assert_true(fabs(sum - (a == b)) < 1e-5);
        }
    double whole = 0, caught = 0;
    for (int t = 0; t < ROWS; t++)
        for (int a = 0; a < WIDTH; a++) {
            double sum = 0;
            for (int i = 0; i < WIDE; i++) sum += 0.5 * wide[t * WIDE + i] * sketch.basis[i * WIDTH + a];
            for (int i = 0; i < NARROW; i++)
                sum += 2.0 * narrow[t * NARROW + i] * sketch.basis[(WIDE + i) * WIDTH + a];
            assert_true(fabs(sketch.coefficients[t * WIDTH + a] - sum) < 1e-3);
            caught += sum * sum;
        }
    for (int i = 0; i < ROWS * WIDE; i++) whole += 0.25 * wide[i] * wide[i];
    for (int i = 0; i < ROWS * NARROW; i++) whole += 4.0 * narrow[i] * narrow[i];
    assert_true(caught < whole);
    assert_true(caught > 0.99 * whole); /* all of the signal, only noise is left out */
    peek__sketch_clear(&sketch);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    for (int64_t rule = 0; peek__rule_at(rule); rule++)
        for (int accuracy = PEEK_ACCURACY_FAST;
             peek__rule_at(rule)->sketched && accuracy <= PEEK_ACCURACY_BALANCED; accuracy++) {
            peek_model *models[3];
            peek_context *contexts[3];
            for (int i = 0; i < 3; i++) {
                contexts[i] = make_context(i + 1, NULL, NULL);
                models[i] = fit(contexts[i], rule, accuracy);
                assert_true(peek_model_describe(models[i]).sketch_iterations > 0);
            }
            for (int i = 1; i < 3; i++) {
                assert_memory_equal(peek_model_samples(models[0]), peek_model_samples(models[i]),
                                    ROWS * RANK * sizeof(float));
                assert_memory_equal(peek_model_loadings(models[0], 1), peek_model_loadings(models[i], 1),
                                    NARROW * RANK * sizeof(float));
            }
            for (int i = 0; i < 3; i++) {
                peek_model_free(&models[i]);
                peek_context_free(&contexts[i]);
            }
        }
}

/* A sketch costs no quality; the objective on the data never rises. */
static void test_quality(void **state)
{
    (void)state;
    peek_context *context = make_context(2, NULL, NULL);
    peek_model *exact = fit(context, PEEK__RULE_HALS, PEEK_ACCURACY_EXACT);
    peek_model *balanced = fit(context, PEEK__RULE_HALS, PEEK_ACCURACY_BALANCED);
    peek_model *fast = fit(context, PEEK__RULE_HALS, PEEK_ACCURACY_FAST);
    peek_model_info e = peek_model_describe(exact), b = peek_model_describe(balanced),
                    f = peek_model_describe(fast);
    assert_int_equal(e.sketch_iterations, 0);
    assert_int_equal(f.iterations, 2);
    assert_true(b.relative_error < 1.002 * e.relative_error);
    assert_true(f.relative_error < 1.01 * e.relative_error);
    double square = b.objective[b.iterations - 1] / (b.relative_error * b.relative_error);
    for (int64_t i = 1; i < b.iterations; i++)
        assert_true(b.objective[i] <= b.objective[i - 1] * (1 + 1e-6) + 1e-7 * square);
    peek_model_free(&exact);
    peek_model_free(&balanced);
    peek_model_free(&fast);
    peek_context_free(&context);
}

static void test_refusal_and_faults(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = 2;
    options.iterations = 2;
    options.accuracy = PEEK_ACCURACY_FAST;
    assert_int_equal(peek_options_set(context, peek_fit_option_table(), &options, "rule", "mu"), PEEK_OK);
    assert_int_equal(add_both(context, &problem), PEEK_OK);
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_E_ARGUMENT);
    assert_non_null(strstr(peek_error(context), "--rule"));
    peek_fit_options_default(&options);
    options.rank = 2;
    options.iterations = 2;
    int64_t nth = 0;
    peek_status status;
    do {
        peek__fail_nth(context, ++nth);
        status = peek_fit(context, problem, &options, &model);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY);
        peek_model_free(&model);
    } while (status != PEEK_OK);
    assert_true(nth > 40);
    peek__fail_nth(context, 0);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

static int make_data(void **state)
{
    (void)state;
    wide = make(WIDE, 1);
    narrow = make(NARROW, 2);
    return 0;
}

static int free_data(void **state)
{
    (void)state;
    free(wide);
    free(narrow);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basis_and_coefficients),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_refusal_and_faults),
    };
    return cmocka_run_group_tests(tests, make_data, free_data);
}
