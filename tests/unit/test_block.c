/* Blocks read by tiles: what is found in them does not depend on the number of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/block.h"
#include "context.h"

enum { ROWS = 4000, COLUMNS = 256 };

/* A block of ones over `values`, to be freed by the caller. */
static peek__block make_block(float **values)
{
    *values = malloc(sizeof(float) * ROWS * COLUMNS);
    assert_non_null(*values);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) (*values)[i] = 1;
    return (peek__block){.name = "x", .rows = ROWS, .columns = COLUMNS, .stride = COLUMNS, .values = *values};
}

/* Every tile holds a bad value: the first one where it begins, the others at their ends, so that other threads
 * find theirs later. */
static void test_the_first_bad_value_is_named(void **state)
{
    (void)state;
    float *values;
    peek__block block = make_block(&values);
    peek__block_scan scan;
    for (int64_t row = 255; row < ROWS; row += 256) values[row * COLUMNS] = NAN;
    values[COLUMNS + 7] = -INFINITY;
    for (int64_t threads = 1; threads <= 8; threads++) {
        peek_context *context = make_context(threads, NULL, NULL);
        for (int again = 0; again < 20; again++) {
            assert_int_equal(peek__block_inspect(context, &block, &scan), PEEK_E_VALUE);
            assert_non_null(strstr(peek_error(context), "an infinite value at row 1, column 7"));
        }
        peek_context_free(&context);
    }
    free(values);
}

static void test_extremes_and_the_first_negative_value(void **state)
{
    (void)state;
    float *values;
    peek__block block = make_block(&values);
    values[3999 * COLUMNS] = 9;
    values[300 * COLUMNS + 2] = -2;
    values[3000 * COLUMNS + 1] = -3;
    for (int64_t threads = 1; threads <= 3; threads++) {
        peek_context *context = make_context(threads, NULL, NULL);
        peek__block_scan scan;
        assert_int_equal(peek__block_inspect(context, &block, &scan), PEEK_OK);
        assert_true(scan.smallest == -3 && scan.largest == 9 && scan.negative == -2);
        assert_int_equal(scan.negative_row, 300);
        assert_int_equal(scan.negative_column, 2);
        peek_context_free(&context);
    }
    free(values);
}

/* Scratch memory follows the tasks, not the threads asked for: 1024 times a tile would be 250 MB. */
static void test_workers_are_no_more_than_tasks(void **state)
{
    (void)state;
    peek_context *context = make_context(1024, NULL, NULL);
    assert_int_equal(peek__workers(context, 5), 5);
    assert_int_equal(peek__workers(context, 5000), 1024);
    assert_int_equal(peek__workers(context, 0), 1);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_bad_value_is_named),
        cmocka_unit_test(test_extremes_and_the_first_negative_value),
        cmocka_unit_test(test_workers_are_no_more_than_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
