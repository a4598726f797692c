/* Data that are not kept in memory: read run by run, with the bits of results that are. */
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
#include "factor/problem.h"
#include "context.h"

enum { ROWS = 40000, WIDE = 300, NARROW = 100 };

static char folder[FOLDER], wide[64], narrow[64];

static peek_context *context_of(int64_t memory, int64_t threads)
{
    peek_context *context = NULL;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = threads;
    options.memory = memory;
    assert_int_equal(peek_context_create(&context, &options), PEEK_OK);
    return context;
}

static void write_block(peek_context *context, const char *path, int64_t columns)
{
    int64_t shape[2] = {ROWS, columns};
    float *values;
    assert_int_equal(peek__alloc(context, &values, ROWS * columns, "a block"), PEEK_OK);
    peek__stream stream = peek__stream_make(3, PEEK__TEST, (uint64_t)columns);
    for (int64_t i = 0; i < ROWS * columns; i++) values[i] = peek__random_uniform(&stream);
    assert_int_equal(peek__npy_write(context, path, PEEK__FLOAT32, 2, shape, values), PEEK_OK);
    peek__free(&values);
}

static int begin(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(wide, sizeof wide, "%s/wide.npy", folder);
    snprintf(narrow, sizeof narrow, "%s/narrow.npy", folder);
    peek_context *context = context_of(0, 1);
    write_block(context, wide, WIDE);
    write_block(context, narrow, NARROW);
    peek_context_free(&context);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(wide);
    unlink(narrow);
    return rmdir(folder);
}

/* Bytes of files that this process has in memory. */
static int64_t resident(void)
{
    long long all = 0, in_memory = 0, files = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld %lld %lld", &all, &in_memory, &files), 3);
    fclose(file);
    return files * sysconf(_SC_PAGESIZE);
}

/* Memory that grows while a pass goes over a block, in bytes. */
static int64_t growth(const peek__block *block)
{
    int64_t before = resident(), most = 0, stride;
    float sum = 0; /* a use, for which every value is read */
    for (int64_t first = 0; first < block->rows; first += 100) {
        const float *rows = peek__block_next(block, first, 100, NULL, &stride);
        for (int64_t i = 0; i < 100 * block->columns; i++) sum += rows[i];
        int64_t now = resident() - before;
        if (now > most) most = now;
        peek__block_drop(block, first, 100);
    }
    assert_true(isfinite(sum));
    return most;
}

static void test_a_pass_over_a_streamed_block_holds_little_of_it(void **state)
{
    (void)state;
    peek_context *context = context_of(0, 1);
    peek__block block = {.rows = ROWS, .columns = WIDE, .stride = WIDE};
    assert_int_equal(peek__npy_open(context, wide, &block.npy), PEEK_OK);
    int64_t bytes = ROWS * WIDE * (int64_t)sizeof(float);
    block.streamed = 1;
    assert_true(growth(&block) < 12 << 20); /* the system maps up to 2 MB at once */
    block.kept = ROWS / 2;
    assert_in_range(growth(&block), bytes / 2 - (4 << 20), bytes / 2 + (12 << 20));
    block.streamed = 0;
    assert_true(growth(&block) > bytes / 2 - (12 << 20)); /* what was kept is there already */
    peek__block_clear(&block);
    peek_context_free(&context);
}

static peek_problem *problem_of(peek_context *context)
{
    peek_problem *problem;
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(peek_problem_add_file(context, problem, wide, PEEK_SIGNED_REFUSE), PEEK_OK);
    assert_int_equal(peek_problem_add_file(context, problem, narrow, PEEK_SIGNED_REFUSE), PEEK_OK);
    return problem;
}

static peek_status fit(peek_context *context, const peek_problem *problem, const char *init, peek_model **out)
{
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = 3;
    options.iterations = 4;
    options.tolerance = 0;
    options.init = init;
    return peek_fit(context, problem, &options, out);
}

/* Too little memory is refused; the least that is enough makes the data be streamed. */
static void test_the_same_bits_with_little_memory(void **state)
{
    (void)state;
    static const char *const inits[] = {"uniform", "nndsvd"};
    for (int i = 0; i < 2; i++) {
        peek_context *rich = context_of(INT64_MAX / 2, 2);
        peek_problem *kept = problem_of(rich);
        peek_model *model = NULL, *other = NULL;
        assert_int_equal(fit(rich, kept, inits[i], &model), PEEK_OK);
        assert_false(kept->streamed);
        peek_status status = PEEK_E_MEMORY;
        int64_t memory = 40000000;
        for (; status == PEEK_E_MEMORY; memory += 4000000) {
            peek_context *poor = context_of(memory, 1);
            peek_problem *streamed = problem_of(poor);
            status = fit(poor, streamed, inits[i], &other);
            assert_true(status == PEEK_OK || strstr(peek_error(poor), "--memory"));
            if (status == PEEK_OK) assert_true(streamed->streamed);
            peek_problem_free(&streamed);
            peek_context_free(&poor);
        }
        assert_int_equal(status, PEEK_OK);
        assert_in_range(memory, 60000000, 200000000);
        assert_memory_equal(peek_model_samples(model), peek_model_samples(other), ROWS * 3 * sizeof(float));
        assert_memory_equal(peek_model_loadings(model, 0), peek_model_loadings(other, 0),
                            WIDE * 3 * sizeof(float));
        assert_memory_equal(peek_model_errors(model), peek_model_errors(other), ROWS * 2 * sizeof(float));
        peek_model_free(&model);
        peek_model_free(&other);
        peek_problem_free(&kept);
        peek_context_free(&rich);
    }
}

/* A file with negative values is two blocks, but it is there once. */
static void test_a_split_file_counts_once(void **state)
{
    (void)state;
    peek_context *context = context_of(INT64_MAX / 2, 1);
    peek_problem *problem;
    char path[80];
    const int64_t shape[2] = {2, 3};
    const float values[] = {1, -2, 3, -4, 5, 6};
    snprintf(path, sizeof path, "%s/signed.npy", folder);
    assert_int_equal(peek__npy_write(context, path, PEEK__FLOAT32, 2, shape, values), PEEK_OK);
    assert_int_equal(peek_problem_create(context, &problem), PEEK_OK);
    assert_int_equal(peek_problem_add_file(context, problem, path, PEEK_SIGNED_REFUSE), PEEK_E_VALUE);
    assert_int_equal(problem->mapped, 0);
    assert_int_equal(peek_problem_add_file(context, problem, path, PEEK_SIGNED_SPLIT), PEEK_OK);
    assert_int_equal(problem->count, 2);
    assert_int_equal(problem->mapped, peek__block_mapped(&problem->blocks[0]));
    peek_problem_free(&problem);
    unlink(path);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pass_over_a_streamed_block_holds_little_of_it),
        cmocka_unit_test(test_the_same_bits_with_little_memory),
        cmocka_unit_test(test_a_split_file_counts_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
