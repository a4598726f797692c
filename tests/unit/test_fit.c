/* The factorisation from inside: properties, stops, faults. What numbers are right is for tests/oracle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "factor/problem.h"
#include "nnpeek/fit.h"
#include "context.h"

enum { ROWS = 300, WIDE = 90, NARROW = 40 };

static float wide[ROWS * WIDE], narrow[ROWS * NARROW];

/* Non-negative data of rank 4 with noise. */
static void make(float *x, int columns, uint64_t index)
{
    float f[ROWS][4], w[WIDE][4];
    peek__stream stream = peek__stream_make(11, PEEK__TEST, 0);
    for (int t = 0; t < ROWS; t++)
        for (int r = 0; r < 4; r++) f[t][r] = peek__random_uniform(&stream);
    stream = peek__stream_make(11, PEEK__TEST, index);
    for (int i = 0; i < columns; i++)
        for (int r = 0; r < 4; r++) w[i][r] = peek__random_uniform(&stream);
    for (int t = 0; t < ROWS; t++)
        for (int i = 0; i < columns; i++) {
            x[t * columns + i] = 0.1f * peek__random_uniform(&stream);
            for (int r = 0; r < 4; r++) x[t * columns + i] += f[t][r] * w[i][r];
        }
}

static peek_status add_both(peek_context *context, peek_problem *problem)
{
    peek_status status =
        peek_problem_add_array(context, problem, "wide", wide, ROWS, WIDE, WIDE, PEEK_SIGNED_REFUSE);
    if (status != PEEK_OK) return status;
    return peek_problem_add_array(context, problem, "narrow", narrow, ROWS, NARROW, NARROW, PEEK_SIGNED_REFUSE);
}

static peek_model *fit(peek_context *context, int64_t rank, int64_t iterations)
{
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = rank;
    options.iterations = iterations;
    options.tolerance = 0;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(add_both(context, problem), PEEK_OK);
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
    peek_problem_free(&problem);
    return model;
}

static void test_objective_never_rises(void **state)
{
    (void)state;
    peek_context *context = make_context(2, NULL, NULL);
    peek_model *model = fit(context, 6, 200);
    peek_model_info info = peek_model_describe(model);
    double square = 0;
    for (int i = 0; i < ROWS * WIDE; i++) square += (double)wide[i] * wide[i];
    for (int i = 0; i < ROWS * NARROW; i++) square += (double)narrow[i] * narrow[i];
    assert_int_equal(info.iterations, 200);
    for (int64_t i = 1; i < info.iterations; i++)
        assert_true(info.objective[i] <= info.objective[i - 1] * (1 + 1e-6) + 1e-7 * square);
    assert_true(info.objective[199] < 0.5 * info.objective[0]);
    peek_model_free(&model);
    peek_context_free(&context);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    peek_model *models[3];
    peek_context *contexts[3];
    for (int i = 0; i < 3; i++) {
        contexts[i] = make_context(i + 1, NULL, NULL);
        models[i] = fit(contexts[i], 5, 40);
    }
    for (int i = 1; i < 3; i++) {
        assert_memory_equal(peek_model_samples(models[0]), peek_model_samples(models[i]),
                            ROWS * 5 * sizeof(float));
        assert_memory_equal(peek_model_loadings(models[0], 0), peek_model_loadings(models[i], 0),
                            WIDE * 5 * sizeof(float));
        assert_memory_equal(peek_model_loadings(models[0], 1), peek_model_loadings(models[i], 1),
                            NARROW * 5 * sizeof(float));
        assert_memory_equal(peek_model_errors(models[0]), peek_model_errors(models[i]),
                            ROWS * 2 * sizeof(float));
    }
    for (int i = 0; i < 3; i++) {
        peek_model_free(&models[i]);
        peek_context_free(&contexts[i]);
    }
}

static void test_restarts_keep_the_best(void **state)
{
    (void)state;
    peek_context *context = make_context(2, NULL, NULL);
    peek_problem *problem;
    peek_fit_options options;
    double best = INFINITY;
    peek_fit_options_default(&options);
    options.rank = 4;
    options.iterations = 30;
    options.tolerance = 0;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(add_both(context, problem), PEEK_OK);
    for (options.seed = 5; options.seed < 9; options.seed++) {
        peek_model *model;
        assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
        best = fmin(best, peek_model_describe(model).objective[29]);
        peek_model_free(&model);
    }
    options.seed = 5;
    options.restarts = 4;
    peek_model *model;
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
    assert_true(peek_model_describe(model).objective[29] == best);
    peek_model_free(&model);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

static void test_refusals(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    float bad[ROWS * 2];
    peek_fit_options_default(&options);
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_E_SHAPE);
    assert_int_equal(add_both(context, problem), PEEK_OK);
    assert_int_equal(
        peek_problem_add_array(context, problem, "wide", wide, ROWS, WIDE, WIDE, PEEK_SIGNED_REFUSE),
        PEEK_E_ARGUMENT);
    assert_int_equal(
        peek_problem_add_array(context, problem, "errors", wide, ROWS, WIDE, WIDE, PEEK_SIGNED_REFUSE),
        PEEK_E_ARGUMENT);
    assert_int_equal(
        peek_problem_add_array(context, problem, "short", wide, ROWS - 1, WIDE, WIDE, PEEK_SIGNED_REFUSE),
        PEEK_E_SHAPE);
    memcpy(bad, wide, sizeof bad);
    bad[7] = -2;
    assert_int_equal(peek_problem_add_array(context, problem, "bad", bad, ROWS, 2, 2, PEEK_SIGNED_REFUSE),
                     PEEK_E_VALUE);
    assert_non_null(strstr(peek_error(context), "row 3, column 1"));
    assert_non_null(strstr(peek_error(context), "--signed"));
    bad[7] = NAN;
    assert_int_equal(peek_problem_add_array(context, problem, "bad", bad, ROWS, 2, 2, PEEK_SIGNED_SPLIT),
                     PEEK_E_VALUE);
    bad[7] = INFINITY;
    assert_int_equal(peek_problem_add_array(context, problem, "bad", bad, ROWS, 2, 2, PEEK_SIGNED_SHIFT),
                     PEEK_E_VALUE);
    options.rank = WIDE + NARROW + 1;
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_E_SHAPE);
    assert_null(model);
    assert_int_equal(peek_problem_set_weight(context, problem, "none", 1), PEEK_E_NOT_FOUND);
    assert_int_equal(peek_problem_set_weight(context, problem, "wide", 0), PEEK_E_ARGUMENT);
    assert_int_equal(peek_problem_blocks(problem), 2);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* What each way of seeing negative values makes of -3, -1, 0, 2, 4. */
static void test_signed_views(void **state)
{
    (void)state;
    static const float x[] = {-3, -1, 0, 2, 4};
    static const float seen[][5] = {{0, 0, 0, 2, 4}, {3, 1, 0, 0, 0}, {0, 0, 0, 2, 4}, {0, 2, 3, 5, 7}};
    static const peek_signed ways[] = {PEEK_SIGNED_SPLIT, PEEK_SIGNED_SPLIT, PEEK_SIGNED_POSITIVE,
                                       PEEK_SIGNED_SHIFT};
    peek_context *context = make_context(1, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        peek_problem *problem;
        float buffer[5];
        int64_t stride;
        assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
        assert_int_equal(peek_problem_add_array(context, problem, "x", x, 5, 1, 1, ways[i]), PEEK_OK);
        assert_int_equal(peek_problem_blocks(problem), ways[i] == PEEK_SIGNED_SPLIT ? 2 : 1);
        const float *rows = peek__block_rows(&problem->blocks[i == 1], 0, 5, buffer, &stride);
        double square = 0;
        for (int t = 0; t < 5; t++) {
            assert_true(rows[t * stride] == seen[i][t]);
            square += seen[i][t] * seen[i][t];
        }
        assert_true(problem->blocks[i == 1].square == square);
        peek_problem_free(&problem);
    }
    peek_context_free(&context);
}

typedef struct stopper {
    int64_t at;
} stopper;

static int stop_in_fit(const peek_event *event, void *user)
{
    return event->done >= ((stopper *)user)->at;
}

static void test_stop(void **state)
{
    (void)state;
    stopper when = {3};
    peek_context *context = make_context(2, stop_in_fit, &when);
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.iterations = 1000000;
    options.tolerance = 0;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(add_both(context, problem), PEEK_OK);
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_E_STOPPED);
    assert_null(model);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* Every allocation and file operation fails in turn: each time an error, no leak (under the sanitizer), no
 * folder. */
static void test_faults(void **state)
{
    (void)state;
    char folder[FOLDER], place[64];
    make_folder(folder);
    snprintf(place, sizeof place, "%s/rank-3", folder);
    int64_t nth = 0;
    peek_status status;
    do {
        peek_context *context = make_context(1, NULL, NULL);
        peek_problem *problem = NULL;
        peek_model *model = NULL;
        peek_fit_options options;
        peek_fit_options_default(&options);
        options.rank = 3;
        options.iterations = 2;
        peek__fail_nth(context, ++nth);
        status = peek_problem_create(context, &problem);
        if (status == PEEK_OK) status = add_both(context, problem);
        if (status == PEEK_OK) status = peek_fit(context, problem, &options, &model);
        if (status == PEEK_OK) status = peek_model_save(context, model, place);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY || status == PEEK_E_IO);
        if (status != PEEK_OK) {
            assert_true(strlen(peek_error(context)) > 10);
            assert_int_not_equal(access(place, F_OK), 0);
        }
        peek_model_free(&model);
        peek_problem_free(&problem);
        peek_context_free(&context);
    } while (status != PEEK_OK);
    assert_true(nth > 40);
    assert_int_equal(access(place, F_OK), 0);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static int make_data(void **state)
{
    (void)state;
    make(wide, WIDE, 1);
    make(narrow, NARROW, 2);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objective_never_rises),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_restarts_keep_the_best),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_signed_views),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, make_data, NULL);
}
