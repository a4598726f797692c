/* Sweeps, transforms and models read back: every failure of memory or a file is a clean error, a stop ends
 * them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "nnpeek/fit.h"
#include "context.h"

enum { ROWS = 1300, COLUMNS = 900, RANKS = 2 };

static float *data;
static const int64_t ranks[RANKS] = {2, 3};

static int make_data(void **state)
{
    (void)state;
    data = malloc(sizeof *data * ROWS * COLUMNS);
    assert_non_null(data);
    peek__stream stream = peek__stream_make(5, PEEK__TEST, 0);
    for (int i = 0; i < ROWS * COLUMNS; i++) data[i] = peek__random_uniform(&stream);
    return 0;
}

static int free_data(void **state)
{
    (void)state;
    free(data);
    return 0;
}

static peek_problem *problem_of(peek_context *context, int64_t rows)
{
    peek_problem *problem;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(
        peek_problem_add_array(context, problem, "x", data, rows, COLUMNS, COLUMNS, PEEK_SIGNED_REFUSE),
        PEEK_OK);
    return problem;
}

static peek_fit_options short_fit(void)
{
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.iterations = 3;
    options.restarts = 2;
    return options;
}

static int64_t taken;

static peek_status count(peek_model *model, void *user)
{
    peek_model **last = user;
    taken++;
    peek_model_free(last);
    *last = model;
    return PEEK_OK;
}

static peek_status refuse(peek_model *model, void *user)
{
    (void)user;
    peek_model_free(&model);
    return PEEK_E_IO;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL); /* many faults: one thread is sooner done on busy cores */
    peek_problem *problem = problem_of(context, ROWS);
    peek_fit_options options = short_fit();
    peek_model *last = NULL;
    int64_t nth = 0;
    peek_status status;
    do {
        taken = 0;
        peek__fail_nth(context, ++nth);
        status = peek_sweep(context, problem, &options, RANKS, ranks, count, &last);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY);
        if (status == PEEK_OK) assert_int_equal(taken, RANKS);
    } while (status != PEEK_OK);
    assert_true(nth > 100);
    assert_true(peek_model_describe(last).sketch_iterations > 0);
    peek_model *found = NULL;
    nth = 0;
    do {
        peek__fail_nth(context, ++nth);
        status = peek_transform(context, problem, last, PEEK_FIXED_LOADINGS, &found);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY);
        assert_true((status == PEEK_OK) == (found != NULL));
    } while (status != PEEK_OK);
    assert_true(nth > 20);
    peek_model_free(&found);
    peek__fail_nth(context, 0);
    assert_int_equal(peek_sweep(context, problem, &options, RANKS, ranks, refuse, NULL), PEEK_E_IO);
    assert_int_equal(peek_sweep(context, problem, &options, 0, ranks, refuse, NULL), PEEK_E_ARGUMENT);
    peek_model_free(&last);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

static void test_models_come_back_from_their_folder(void **state)
{
    (void)state;
    char base[FOLDER], folder[64];
    make_folder(base);
    snprintf(folder, sizeof folder, "%s/rank-3", base);
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = problem_of(context, 40);
    peek_fit_options options = short_fit();
    peek_model *model = NULL, *back = NULL;
    options.rank = 3;
    options.scale = PEEK_SCALE_NORM;
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
    assert_int_equal(peek_model_save(context, model, folder), PEEK_OK);
    peek_status status;
    int64_t nth = 0;
    do {
        peek__fail_nth(context, ++nth);
        status = peek_model_load(context, folder, &back);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_true((status == PEEK_OK) == (back != NULL));
    } while (status != PEEK_OK);
    assert_true(nth > 15);
    peek__fail_nth(context, 0);
    peek_model_info a = peek_model_describe(model), b = peek_model_describe(back);
    assert_memory_equal(peek_model_samples(model), peek_model_samples(back), 40 * 3 * sizeof(float));
    assert_memory_equal(peek_model_loadings(model, 0), peek_model_loadings(back, 0),
                        COLUMNS * 3 * sizeof(float));
    assert_memory_equal(peek_model_errors(model), peek_model_errors(back), 40 * sizeof(float));
    assert_int_equal(a.iterations, b.iterations);
    assert_int_equal(a.seed, b.seed);
    assert_string_equal(a.rule, b.rule);
    assert_string_equal(a.stop, b.stop);
    assert_true(fabs(a.relative_error - b.relative_error) < 1e-14 * a.relative_error);
    assert_true(fabs(a.objective[2] - b.objective[2]) < 1e-14 * a.objective[2]);
    /* The transform of the samples it was fitted on can only be better, under the same weights. */
    peek_model *again = NULL;
    assert_int_equal(peek_transform(context, problem, back, PEEK_FIXED_LOADINGS, &again), PEEK_OK);
    assert_true(peek_model_describe(again).objective[0] <= a.objective[a.iterations - 1] * (1 + 1e-6));
    peek_model_free(&again);
    peek_model_free(&model);
    peek_model_free(&back);
    peek_problem_free(&problem);
    peek_context_free(&context);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", base);
    assert_int_equal(system(command), 0);
}

static int stop_after(const peek_event *event, void *user)
{
    int *left = user;
    return event->kind == PEEK_EVENT_PROGRESS && --*left < 0;
}

static void test_a_stop_keeps_what_was_taken(void **state)
{
    (void)state;
    int left = 1 << 30;
    peek_context *context = make_context(2, stop_after, &left);
    peek_problem *problem = problem_of(context, ROWS);
    peek_fit_options options = short_fit();
    options.iterations = 100000;
    options.tolerance = 0;
    peek_model *last = NULL;
    taken = 0;
    left = 4;
    assert_int_equal(peek_sweep(context, problem, &options, RANKS, ranks, count, &last), PEEK_E_STOPPED);
    assert_true(taken < RANKS);
    peek_model_free(&last);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_models_come_back_from_their_folder),
        cmocka_unit_test(test_a_stop_keeps_what_was_taken),
    };
    return cmocka_run_group_tests(tests, make_data, free_data);
}
