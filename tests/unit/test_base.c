/* Random streams, option tables, memory, parallel loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/options.h"
#include "base/random.h"
#include "nnpeek/fit.h"
#include "context.h"

static int set_up(void **state)
{
    return peek_context_create((peek_context **)state, NULL);
}

static int tear_down(void **state)
{
    peek_context_free((peek_context **)state);
    return 0;
}

/* Moments of the uniform and normal streams, each within five standard errors of what they must be. */
static void test_random_moments(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    double sum = 0, square = 0, normal = 0, normal_square = 0;
    peek__stream stream = peek__stream_make(7, PEEK__TEST, 1);
    for (int i = 0; i < COUNT; i++) {
        double u = peek__random_uniform(&stream);
        assert_true(u > 0 && u < 1);
        sum += u;
        square += u * u;
    }
    for (int i = 0; i < COUNT; i++) {
        double z = peek__random_normal(&stream);
        normal += z;
        normal_square += z * z;
    }
    assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
    assert_true(fabs(square / COUNT - 1.0 / 3) < 5 * sqrt(4.0 / 45 / COUNT));
    assert_true(fabs(normal / COUNT) < 5 * sqrt(1.0 / COUNT));
    assert_true(fabs(normal_square / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
}

/* Streams of another seed, purpose or index share no numbers; the same ones repeat. */
static void test_random_streams(void **state)
{
    (void)state;
    peek__stream streams[] = {
        peek__stream_make(1, PEEK__TEST, 0), peek__stream_make(1, PEEK__TEST, 0),
        peek__stream_make(2, PEEK__TEST, 0), peek__stream_make(1, PEEK__STROKES, 0),
        peek__stream_make(1, PEEK__TEST, 1), peek__stream_make(1, PEEK__TEST, (uint64_t)1 << 32)};
    int same[6] = {0};
    for (int i = 0; i < 1000; i++) {
        uint32_t first = peek__random_bits(&streams[0]);
        for (int s = 1; s < 6; s++) same[s] += peek__random_bits(&streams[s]) == first;
    }
    assert_int_equal(same[1], 1000);
    for (int s = 2; s < 6; s++) assert_true(same[s] < 3);
}

static void test_random_below_and_shuffle(void **state)
{
    (void)state;
    int64_t values[50], seen[50] = {0};
    int counts[7] = {0};
    peek__stream stream = peek__stream_make(3, PEEK__TEST, 0);
    for (int i = 0; i < 70000; i++) counts[peek__random_below(&stream, 7)]++;
    for (int i = 0; i < 7; i++) assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 50; i++) values[i] = i;
    peek__random_shuffle(&stream, values, 50);
    int moved = 0;
    for (int i = 0; i < 50; i++) {
        seen[values[i]]++;
        moved += values[i] != i;
    }
    for (int i = 0; i < 50; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 40);
}

static void test_options(void **state)
{
    peek_context *context = *state;
    const peek_option_table *table = peek_fit_option_table();
    peek_fit_options options;
    peek_fit_options_default(&options);
    assert_int_equal(options.iterations, 500);
    assert_true(options.tolerance == 1e-5);
    assert_string_equal(options.init, "uniform");
    assert_int_equal(peek_options_check(context, table, &options), PEEK_OK);
    assert_int_equal(peek_options_set(context, table, &options, "tolerance", "0"), PEEK_OK);
    assert_int_equal(peek_options_set(context, table, &options, "scale", "max"), PEEK_OK);
    assert_int_equal(options.scale, PEEK_SCALE_MAX);

    static const char *const wrong[][2] = {{"iterations", "0"}, {"iterations", "1.5"}, {"iterations", "ten"},
                                           {"iterations", ""},  {"tolerance", "-1"},   {"tolerance", "nan"},
                                           {"scale", "median"}, {"no-such", "1"},      {"iterations", "1e99"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(peek_options_set(context, table, &options, wrong[i][0], wrong[i][1]), PEEK_E_ARGUMENT);
        assert_non_null(strstr(peek_error(context), wrong[i][0]));
    }
    options.iterations = 0;
    assert_int_equal(peek_options_check(context, table, &options), PEEK_E_ARGUMENT);
    options.iterations = 1;
    options.size = 8;
    assert_int_equal(peek_options_check(context, table, &options), PEEK_E_ARGUMENT);

    peek_fit_options_default(&options);
    cJSON *json = peek__options_json(table, &options);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(json), (int)table->count);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "scale")), "none");
    cJSON_Delete(json);
}

static void test_ranks(void **state)
{
    peek_context *context = *state;
    int64_t ranks[16], count;
    assert_int_equal(peek_parse_ranks(context, "10:50:10", ranks, 16, &count), PEEK_OK);
    assert_int_equal(count, 5);
    assert_int_equal(ranks[4], 50);
    assert_int_equal(peek_parse_ranks(context, "20,5,20,7:8", ranks, 16, &count), PEEK_OK);
    assert_int_equal(count, 4);
    assert_int_equal(ranks[0], 5);
    assert_int_equal(ranks[3], 20);
    static const char *const wrong[] = {
        "", "0", "-3", "5,", ",5", "5:", "50:10:10", "10:50:0", "5x", "1.5", "99999999999999999999", "1:100"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(peek_parse_ranks(context, wrong[i], ranks, 16, &count), PEEK_E_ARGUMENT);
}

static void test_memory(void **state)
{
    peek_context *context = *state;
    double *values;
    assert_int_equal(peek__product(INT64_MAX, 2), -1);
    assert_int_equal(peek__alloc(context, &values, INT64_MAX / 4, "a test"), PEEK_E_MEMORY);
    assert_null(values);
    assert_non_null(strstr(peek_error(context), "a test"));
    assert_int_equal(peek__alloc(context, &values, 5, "a test"), PEEK_OK);
    assert_int_equal((uintptr_t)values % 64, 0);
    for (int i = 0; i < 5; i++) assert_true(values[i] == 0);
    peek__fail_nth(context, 2);
    double *other;
    peek__free(&values);
    assert_int_equal(peek__alloc(context, &values, 5, "a test"), PEEK_OK);
    assert_int_equal(peek__alloc(context, &other, 5, "a test"), PEEK_E_MEMORY);
    peek__free(&values);
}

typedef struct loop {
    peek_context *context;
    int64_t fails_at;
    int done[1000];
} loop;

static peek_status task(void *argument, int64_t index, int thread)
{
    loop *l = argument;
    if (thread < 0 || thread >= peek_threads(l->context)) return PEEK_E_NUMERIC;
    if (index == l->fails_at) return peek__fail(l->context, PEEK_E_SHAPE, "task %d", (int)index);
    l->done[index]++;
    return PEEK_OK;
}

static int stop_at_once(const peek_event *event, void *user)
{
    (*(int *)user)++;
    return event->kind == PEEK_EVENT_PROGRESS;
}

static void test_parallel(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        peek_context *context = make_context(threads, NULL, NULL);
        loop l = {.context = context, .fails_at = -1};
        assert_int_equal(peek__parallel(context, 1000, task, &l), PEEK_OK);
        for (int i = 0; i < 1000; i++) assert_int_equal(l.done[i], 1);
        l.fails_at = 500;
        assert_int_equal(peek__parallel(context, 1000, task, &l), PEEK_E_SHAPE);
        assert_string_equal(peek_error(context), "task 500");
        assert_int_equal(peek__parallel(context, 0, task, &l), PEEK_OK);
        peek_context_free(&context);
    }
}

static void test_stop(void **state)
{
    (void)state;
    int events = 0;
    peek_context *context = make_context(0, stop_at_once, &events);
    peek__stage(context, "test", "testing", 10);
    assert_int_equal(peek__step(context, 1), PEEK_E_STOPPED);
    assert_true(events >= 1);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_moments),
        cmocka_unit_test(test_random_streams),
        cmocka_unit_test(test_random_below_and_shuffle),
        cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ranks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
