/* Fits that go on from a checkpoint: wherever they were interrupted, to the same bits; nothing but the same fit
 * goes on from it. */
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
#include "factor/model.h"
#include "factor/rule.h"
#include "store/record.h"
#include "context.h"

/* Enough samples for a sketch and for a part of it. */
enum { ROWS = 4100, COLUMNS = 250, RANKS = 2 };

static float *data;
static const int64_t ranks[RANKS] = {2, 4};
static char folder[FOLDER], path[64], sketch[80];

static int begin(void **state)
{
    (void)state;
    data = malloc(sizeof *data * ROWS * COLUMNS);
    if (!data) return 1;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/fit.checkpoint", folder);
    snprintf(sketch, sizeof sketch, "%s.sketch", path);
    peek__stream stream = peek__stream_make(5, PEEK__TEST, 0);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        float x = peek__random_uniform(&stream);
        data[i] = i % 7 == i / COLUMNS % 7 ? 2 * x : x * x;
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(data);
    return rmdir(folder); /* nothing was left in it */
}

static peek_problem *problem_of(peek_context *context)
{
    peek_problem *problem;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(
        peek_problem_add_array(context, problem, "x", data, ROWS, COLUMNS, COLUMNS, PEEK_SIGNED_REFUSE),
        PEEK_OK);
    return problem;
}

static peek_fit_options options_of(int64_t rule, int64_t accuracy)
{
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.iterations = 6;
    options.restarts = 2;
    options.rule = rule;
    options.accuracy = accuracy;
    options.checkpoint = path;
    options.checkpoint_every = 0;
    return options;
}

/* The models of a sweep, by rank; a later one takes the place of an earlier one. */
typedef struct taken {
    peek_model *of[RANKS];
    int count;
} taken;

static peek_status take(peek_model *model, void *user)
{
    taken *t = user;
    int64_t index = peek_model_describe(model).rank == ranks[1];
    peek_model_free(&t->of[index]);
    t->of[index] = model;
    t->count++;
    return PEEK_OK;
}

static void drop(taken *t)
{
    for (int i = 0; i < RANKS; i++) peek_model_free(&t->of[i]);
    t->count = 0;
}

static void assert_same(const taken *a, const taken *b)
{
    for (int i = 0; i < RANKS; i++) {
        const peek_model *x = a->of[i], *y = b->of[i];
        assert_true(x && y);
        assert_int_equal(x->iterations, y->iterations);
        assert_int_equal(x->sketch_iterations, y->sketch_iterations);
        assert_int_equal(x->seed, y->seed);
        assert_string_equal(x->stop, y->stop);
        assert_string_equal(x->made_from, y->made_from);
        assert_memory_equal(x->objective, y->objective, (size_t)x->iterations * sizeof(double));
        assert_memory_equal(x->samples, y->samples, (size_t)(ROWS * x->rank) * sizeof(float));
        assert_memory_equal(x->loadings, y->loadings, (size_t)(COLUMNS * x->rank) * sizeof(float));
        assert_memory_equal(x->errors, y->errors, ROWS * sizeof(float));
        for (int64_t s = 0; s < x->start_count; s++) {
            assert_true(x->starts[s].objective == y->starts[s].objective);
            assert_int_equal(x->starts[s].iterations, y->starts[s].iterations);
        }
    }
}

/* Interrupts by failures of memory or of a file all along the way; checkpoints of every iteration are what most
 * of them hit. Other threads, and going on with other threads, make no difference. */
static void interrupt(int64_t rule, int64_t accuracy, int64_t step)
{
    peek_context *context = make_context(1, NULL, NULL), *other = make_context(2, NULL, NULL);
    peek_problem *problem = problem_of(context);
    peek_fit_options options = options_of(rule, accuracy);
    taken whole = {0}, parts = {0};
    options.checkpoint = NULL;
    assert_int_equal(peek_sweep(context, problem, &options, RANKS, ranks, take, &whole), PEEK_OK);
    options.checkpoint = path;
    peek_status status;
    int interrupted = 0, went_on = 0;
    int64_t nth = 1;
    do {
        options.resume = 0;
        peek__fail_nth(context, nth);
        status = peek_sweep(context, problem, &options, RANKS, ranks, take, &parts);
        peek__fail_nth(context, 0);
        if (status != PEEK_OK) {
            assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
            went_on += access(path, F_OK) == 0;
            options.resume = 1;
            assert_int_equal(peek_sweep(other, problem, &options, RANKS, ranks, take, &parts), PEEK_OK);
            interrupted++;
        }
        assert_same(&whole, &parts);
        assert_true(access(path, F_OK) != 0 && access(sketch, F_OK) != 0);
        drop(&parts);
        nth += step;
    } while (status != PEEK_OK);
    assert_true(interrupted >= 4 && went_on > interrupted / 2);
    drop(&whole);
    peek_problem_free(&problem);
    peek_context_free(&context);
    peek_context_free(&other);
}

static void test_hals_on_a_sketch(void **state)
{
    (void)state;
    interrupt(PEEK__RULE_HALS, PEEK_ACCURACY_BALANCED, 331);
}

static void test_bpp_on_a_sketch(void **state)
{
    (void)state;
    interrupt(PEEK__RULE_BPP, PEEK_ACCURACY_FAST, 191);
}

static void test_mu_on_the_data(void **state)
{
    (void)state;
    interrupt(PEEK__RULE_MU, PEEK_ACCURACY_EXACT, 79);
}

/* Leaves a checkpoint in the middle of a sweep. */
static void leave_checkpoint(peek_context *context, const peek_problem *problem, peek_fit_options *options)
{
    taken parts = {0};
    options->resume = 0;
    peek__fail_nth(context, 400);
    assert_int_not_equal(peek_sweep(context, problem, options, RANKS, ranks, take, &parts), PEEK_OK);
    peek__fail_nth(context, 0);
    assert_int_equal(access(path, F_OK), 0);
    drop(&parts);
    options->resume = 1;
}

static void test_only_the_same_fit_goes_on(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = problem_of(context);
    peek_fit_options options = options_of(PEEK__RULE_HALS, PEEK_ACCURACY_BALANCED);
    taken parts = {0};
    leave_checkpoint(context, problem, &options);
    peek_fit_options other = options;
    other.seed = 7;
    assert_int_equal(peek_sweep(context, problem, &other, RANKS, ranks, take, &parts), PEEK_E_ARGUMENT);
    assert_non_null(strstr(peek_error(context), "other work"));
    const int64_t one = 2;
    assert_int_equal(peek_sweep(context, problem, &options, 1, &one, take, &parts), PEEK_E_ARGUMENT);
    data[5] += 1;
    peek_problem *changed = problem_of(context);
    data[5] -= 1;
    assert_int_equal(peek_sweep(context, changed, &options, RANKS, ranks, take, &parts), PEEK_E_ARGUMENT);
    assert_int_equal(access(path, F_OK), 0); /* it is still there for the right one */
    assert_int_equal(peek_sweep(context, problem, &options, RANKS, ranks, take, &parts), PEEK_OK);
    drop(&parts);
    peek_problem_free(&changed);
    leave_checkpoint(context, problem, &options);
    /* The same numbers in other places. */
    for (int64_t i = 0; i < COLUMNS; i++) {
        float first = data[i];
        data[i] = data[COLUMNS + i];
        data[COLUMNS + i] = first;
    }
    changed = problem_of(context);
    assert_int_equal(peek_sweep(context, changed, &options, RANKS, ranks, take, &parts), PEEK_E_ARGUMENT);
    peek_problem_free(&changed);
    unlink(path);
    unlink(sketch);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* A start that is read is part of what models are made from. */
static void test_the_digest_is_of_the_start(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = problem_of(context);
    peek_fit_options options = options_of(PEEK__RULE_HALS, PEEK_ACCURACY_EXACT);
    char first[17], again[17], other[17], start[80];
    peek_model *model;
    snprintf(start, sizeof start, "%s/start", folder);
    options.checkpoint = NULL;
    options.rank = 2;
    assert_int_equal(peek_fit(context, problem, &options, &model), PEEK_OK);
    assert_int_equal(peek_model_save(context, model, start), PEEK_OK);
    peek_fit_options from = options;
    from.init = start;
    assert_int_equal(peek_sweep_digest(context, problem, &from, 1, ranks, first), PEEK_OK);
    assert_int_equal(peek_sweep_digest(context, problem, &from, 1, ranks, again), PEEK_OK);
    assert_string_equal(first, again);
    model->samples[7] += 1;
    assert_int_equal(peek_model_save(context, model, start), PEEK_OK);
    assert_int_equal(peek_sweep_digest(context, problem, &from, 1, ranks, other), PEEK_OK);
    assert_string_not_equal(first, other);
    peek_model_free(&model);
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", start);
    assert_int_equal(system(command), 0);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* One byte changed, or the end cut off. */
static void test_a_damaged_checkpoint_is_refused(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = problem_of(context);
    peek_fit_options options = options_of(PEEK__RULE_HALS, PEEK_ACCURACY_BALANCED);
    taken parts = {0};
    leave_checkpoint(context, problem, &options);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long at = 0; at < size; at += size / 7) {
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 16, file);
        fflush(file);
        peek_status status = peek_sweep(context, problem, &options, RANKS, ranks, take, &parts);
        assert_int_equal(status, PEEK_E_FORMAT);
        fseek(file, at, SEEK_SET);
        fputc(byte, file);
        fflush(file);
    }
    fclose(file);
    for (long at = 0; at < size; at += size / 5) {
        assert_int_equal(truncate(path, at), 0);
        assert_int_equal(peek_sweep(context, problem, &options, RANKS, ranks, take, &parts), PEEK_E_FORMAT);
    }
    assert_int_equal(parts.count, 0);
    unlink(path);
    unlink(sketch);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* Writes the checkpoint anew, with one word changed and a digest that fits. */
static void rewrite(peek_context *context, const char *bytes, size_t size, size_t at, int64_t value)
{
    enum { HEAD = 64, MADE_FROM = 16 };
    static const char kind[8] = "FIT-001";
    char *body = malloc(size - HEAD);
    peek__record record = {0};
    assert_non_null(body);
    memcpy(body, bytes + HEAD, size - HEAD);
    memcpy(body + at - HEAD, &value, sizeof value);
    assert_int_equal(peek__record_begin(context, &record, path, kind, bytes + MADE_FROM), PEEK_OK);
    assert_int_equal(peek__record_array(&record, body, (int64_t)(size - HEAD)), PEEK_OK);
    assert_int_equal(peek__record_commit(&record), PEEK_OK);
    peek__record_close(&record);
    free(body);
}

/* Any one number changed: what cannot be is refused, and nothing is read or written outside of what is there,
 * which the sanitizers see. */
static void test_a_state_that_cannot_be_is_refused(void **state)
{
    (void)state;
    enum { FEW = 9, SMALL = 4, DIGEST = 32, HEAD = 64 };
    static const int64_t values[] = {-1, 0, 1, 2, 3, 5, 6, 7, INT64_MAX, INT64_MIN};
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(
        peek_problem_add_array(context, problem, "x", data, FEW, SMALL, COLUMNS, PEEK_SIGNED_REFUSE), PEEK_OK);
    peek_fit_options options = options_of(PEEK__RULE_HALS, PEEK_ACCURACY_EXACT);
    taken parts = {0};
    int refused = 0, taken_up = 0;
    for (int64_t nth = 294; nth < 600; nth += 97) { /* one model, two models, a rank that has ended */
        options.resume = 0;
        options.checkpoint_every = 0;
        peek__fail_nth(context, nth);
        assert_int_not_equal(peek_sweep(context, problem, &options, RANKS, ranks, take, &parts), PEEK_OK);
        peek__fail_nth(context, 0);
        char *bytes = NULL;
        size_t size = 0;
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        size = (size_t)ftell(file) - DIGEST;
        rewind(file);
        bytes = malloc(size);
        assert_true(bytes && fread(bytes, 1, size, file) == size);
        fclose(file);
        options.resume = 1;
        options.checkpoint_every = 1e9;
        for (size_t at = HEAD; at < size; at += sizeof *values) {
            int64_t old;
            memcpy(&old, bytes + at, sizeof old);
            for (size_t i = 0; old >= -1 && old <= FEW && i < sizeof values / sizeof *values; i++) {
                rewrite(context, bytes, size, at, values[i]);
                peek_status status = peek_sweep(context, problem, &options, RANKS, ranks, take, &parts);
                assert_true(status == PEEK_OK || status == PEEK_E_FORMAT);
                refused += status == PEEK_E_FORMAT;
                taken_up += status == PEEK_OK;
            }
        }
        free(bytes);
    }
    drop(&parts);
    print_message("%d refused, %d taken up\n", refused, taken_up);
    assert_true(refused > 100 && taken_up > 100);
    unlink(path);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hals_on_a_sketch),
        cmocka_unit_test(test_bpp_on_a_sketch),
        cmocka_unit_test(test_mu_on_the_data),
        cmocka_unit_test(test_only_the_same_fit_goes_on),
        cmocka_unit_test(test_the_digest_is_of_the_start),
        cmocka_unit_test(test_a_damaged_checkpoint_is_refused),
        cmocka_unit_test(test_a_state_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
