/* How samples are found in a network's tensors, and that running many gives what each gives alone; numbers of
 * types that tensors do not hold; the memory of a plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "network/number.h"
#include "network/plan.h"
#include "network/run.h"
#include "network/survey.h"

static peek_context *context;

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

static peek_network *begin(int64_t dimensions, const int64_t *shape)
{
    peek_network *network;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    network->ir_version = 7;
    OK(peek__copy_text(context, &network->name, "test"));
    OK(peek__copy_text(context, &network->producer, "test"));
    OK(peek__graph_input(context, network, "x", PEEK__TYPE_FLOAT, dimensions, shape, NULL));
    return network;
}

static peek__node *add(peek_network *network, const char *op, const char *input, const char *more,
                       const char *output)
{
    peek__node *node;
    const char *inputs[2] = {input, more};
    OK(peek__graph_node(context, network, op, output, more ? 2 : 1, inputs, 1, &output, &node));
    return node;
}

static void transpose(peek_network *network, const char *input, const char *output, int64_t dimensions,
                      const int64_t *perm)
{
    OK(peek__graph_integers(context, add(network, "Transpose", input, NULL, output), "perm", dimensions, perm));
}

static void reshape(peek_network *network, const char *input, const char *output, int64_t count,
                    const int64_t *shape)
{
    char name[64];
    int64_t number;
    snprintf(name, sizeof name, "%s.shape", output);
    OK(peek__graph_constant(context, network, name, PEEK__TYPE_INT64, 1, &count, &number));
    memcpy(network->value[number].tensor.integers, shape, (size_t)count * sizeof *shape);
    add(network, "Reshape", input, name, output);
}

static void finish(peek_network *network, const char *output)
{
    OK(peek__graph_output(context, network, output, PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
}

/* Runs COUNT samples at once and each alone, through the plain runner; every tensor must be the same. batch:
 * what the survey must say. Frees the network. */
static void check(peek_network *network, int64_t batch)
{
    enum { COUNT = 21 };
    static float x[COUNT * 512], rows[COUNT * 512];
    const peek__survey *survey = network->survey;
    int64_t in = survey->input[0].size;
    assert_int_equal(survey->batch, batch);
    assert_true(in <= 512);
    peek__stream stream = peek__stream_make(0, PEEK__TEST, 0);
    for (int64_t i = 0; i < COUNT * in; i++) x[i] = peek__random_uniform(&stream) - 0.5f;
    for (int64_t t = 0; t < survey->tensors; t++) {
        int64_t value = survey->tensor[t], size = survey->layer[value].size;
        assert_true(size <= 512);
        OK(peek_network_run(context, network, x, COUNT, network->value[value].name, rows));
        int64_t held = network->output[0].value;
        network->output[0].value = value;
        for (int64_t n = 0; n < COUNT; n++) {
            peek__tensor input, output;
            OK(peek__survey_inputs(context, network, survey, batch ? batch : 1, &input));
            float copies[4 * 512];
            for (int64_t i = 0; i < input.size; i++) copies[i] = x[n * in + i % in];
            input.floats = copies;
            OK(peek__network_run(context, network, 1, &input, 1, &output));
            for (int64_t i = 0; i < size; i++)
                if (!(fabsf(output.floats[i] - rows[n * size + i]) <= 1e-5f))
                    fail_msg("'%s', sample %lld, value %lld: %g alone, %g together", network->value[value].name,
                             (long long)n, (long long)i, output.floats[i], rows[n * size + i]);
            peek__free(&output.data);
        }
        network->output[0].value = held;
    }
    peek_network_free(&network);
}

static void layer_is(const peek_network *network, const char *name, int64_t dimensions, const int64_t *shape)
{
    const peek__layer *layer = &network->survey->layer[peek__graph_find(network, name)];
    assert_int_equal(layer->dimensions, dimensions);
    for (int64_t d = 0; d < dimensions; d++) assert_int_equal(layer->shape[d], shape[d]);
}

/* N x 3 x 4 > 3 x N x 4 > N x 12, and samples * 2 as one dimension, as attention has them. */
static void moved_and_merged(void **state)
{
    (void)state;
    const int64_t shape[3] = {-1, 3, 4}, perm[3] = {1, 0, 2}, heads[4] = {0, 3, 2, 2}, turn[4] = {0, 2, 1, 3};
    const int64_t merged[3] = {-1, 3, 2}, flat[2] = {-1, 12}, whole[2] = {3, 4}, head[3] = {2, 3, 2}, one = 12;
    peek_network *network = begin(3, shape);
    transpose(network, "x", "first", 3, perm);
    add(network, "Tanh", "first", NULL, "t");
    transpose(network, "t", "back", 3, perm);
    reshape(network, "back", "heads", 4, heads);
    transpose(network, "heads", "turned", 4, turn);
    reshape(network, "turned", "merged", 3, merged);
    add(network, "Softmax", "merged", NULL, "soft");
    reshape(network, "soft", "flat", 2, flat);
    finish(network, "flat");
    layer_is(network, "first", 2, whole);
    layer_is(network, "t", 2, whole);
    layer_is(network, "soft", 3, head);
    layer_is(network, "flat", 1, &one);
    check(network, 0);
}

/* Heads before samples in one dimension: the shapes do not tell, the trial does. */
static void merged_the_other_way(void **state)
{
    (void)state;
    const int64_t shape[3] = {-1, 2, 4}, perm[3] = {1, 0, 2}, merged[2] = {-1, 4}, apart[3] = {2, -1, 4};
    peek_network *network = begin(3, shape);
    transpose(network, "x", "first", 3, perm);
    reshape(network, "first", "merged", 2, merged);
    add(network, "Exp", "merged", NULL, "e");
    reshape(network, "e", "apart", 3, apart);
    transpose(network, "apart", "back", 3, perm);
    finish(network, "back");
    check(network, 0);
}

/* A softmax over the samples: each is run alone, where it gives ones. */
static void mixed(void **state)
{
    (void)state;
    const int64_t shape[2] = {-1, 4};
    peek_network *network = begin(2, shape);
    OK(peek__graph_integer(context, add(network, "Softmax", "x", NULL, "s"), "axis", 0));
    finish(network, "s");
    check(network, 0);
}

/* Files for one sample, or for exactly four. */
static void fixed(void **state)
{
    (void)state;
    for (int64_t batch = 1; batch <= 4; batch += 3) {
        const int64_t shape[3] = {batch, 3, 4}, target[3] = {batch, 4, 3}, flat[2] = {batch, 12};
        peek_network *network = begin(3, shape);
        reshape(network, "x", "r", 3, target);
        add(network, "Softmax", "r", NULL, "s");
        reshape(network, "s", "f", 2, flat);
        finish(network, "f");
        check(network, batch);
    }
}

/* A fixed first dimension that nothing depends on is not taken at its word. */
static void fixed_but_free(void **state)
{
    (void)state;
    const int64_t shape[2] = {1, 6};
    peek_network *network = begin(2, shape);
    add(network, "Sigmoid", "x", NULL, "s");
    finish(network, "s");
    check(network, 0);
}

/* Shape > Gather > Concat > Reshape is evaluated; a float constant through it, too. */
static void shape_arithmetic(void **state)
{
    (void)state;
    const int64_t shape[4] = {-1, 2, 3, 4}, one = 1;
    int64_t number;
    peek__node *node;
    peek_network *network = begin(4, shape);
    add(network, "Shape", "x", NULL, "size");
    OK(peek__graph_constant(context, network, "zero", PEEK__TYPE_INT64, 1, &one, &number));
    OK(peek__graph_constant(context, network, "rest", PEEK__TYPE_INT64, 1, &one, &number));
    network->value[number].tensor.integers[0] = -1;
    add(network, "Gather", "size", "zero", "samples");
    const char *parts[2] = {"samples", "rest"}, *target = "target";
    OK(peek__graph_node(context, network, "Concat", "", 2, parts, 1, &target, &node));
    OK(peek__graph_integer(context, node, "axis", 0));
    add(network, "Reshape", "x", "target", "flat");
    add(network, "Relu", "flat", NULL, "y");
    finish(network, "y");
    assert_int_equal(peek_network_describe(network).tensors, 2);
    check(network, 0);
}

/* A chain of a hundred tensors needs the memory of two; of none more where an operator writes in place. */
static void memory(void **state)
{
    (void)state;
    static const char *const ops[] = {"Transpose", "Relu"};
    for (int in_place = 0; in_place < 2; in_place++) {
        const int64_t shape[3] = {-1, 40, 40};
        char before[16] = "x", after[16];
        peek_network *network = begin(3, shape);
        const int64_t perm[3] = {0, 2, 1};
        for (int i = 0; i < 100; i++) {
            snprintf(after, sizeof after, "t%d", i);
            peek__node *node = add(network, ops[in_place], before, NULL, after);
            if (!in_place) OK(peek__graph_integers(context, node, "perm", 3, perm));
            strcpy(before, after);
        }
        finish(network, before);
        peek__tensor input;
        peek__instance *instance;
        peek__plan *plan;
        OK(peek__survey_inputs(context, network, network->survey, 5, &input));
        OK(peek__instance_create(context, network, &input, &instance));
        OK(peek__plan_create(context, instance, 0, 1, &network->output[0].value, &plan));
        assert_true(plan->arena_size < (in_place ? 1.1 : 2.1) * 5 * 1600 * sizeof(float));
        peek__plan_free(&plan);
        peek__instance_free(&instance);
        peek_network_free(&network);
    }
}

/* All halves, and what lies between two of them, go to the nearest; ties to even. */
static void halves(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float number = peek__from_half((uint16_t)bits);
        if (isnan(number)) {
            assert_true(isnan(peek__from_half(peek__to_half(number))));
            continue;
        }
        assert_int_equal(peek__to_half(number), bits);
        if ((bits & 0x7fff) >= 0x7bff) continue;
        float next = peek__from_half((uint16_t)(bits + 1)), middle = 0.5f * (number + next);
        assert_int_equal(peek__to_half(middle), bits + (bits & 1));
        assert_int_equal(peek__to_half(nextafterf(middle, number)), bits);
        assert_int_equal(peek__to_half(nextafterf(middle, next)), bits + 1);
    }
    assert_int_equal(peek__to_half(65519.996f), 0x7bff);
    assert_int_equal(peek__to_half(65520), 0x7c00);
    assert_int_equal(peek__to_bfloat(1.00390625f), 0x3f80); /* 1 + 2^-8: a tie */
    assert_int_equal(peek__to_bfloat(1.01171875f), 0x3f82); /* 1 + 3 2^-8 */
    assert_true(isnan(peek__from_bfloat(peek__to_bfloat(NAN))));
    assert_int_equal(peek__wrap_to(PEEK__TYPE_INT8, 200), -56);
    assert_int_equal(peek__wrap_to(PEEK__TYPE_UINT32, -1), UINT32_MAX);
}

/* A few constants that the trial must not disturb: allocations fail one after another. */
static void faults(void **state)
{
    (void)state;
    const int64_t shape[3] = {-1, 3, 4}, perm[3] = {1, 0, 2};
    static float x[20 * 12], y[20 * 12];
    peek_network *network = begin(3, shape);
    transpose(network, "x", "y", 3, perm);
    finish(network, "y");
    for (int64_t nth = 1;; nth++) {
        peek__fail_nth(context, nth);
        peek_status status = peek_network_run(context, network, x, 20, NULL, y);
        peek__fail_nth(context, 0);
        if (status == PEEK_OK) break;
        assert_int_equal(status, PEEK_E_MEMORY);
    }
    peek_network_free(&network);
}

/* Samples so large that one is run at a time are never tried together: even a network that mixes them is right.
 */
static void large_samples(void **state)
{
    (void)state;
    enum { SIZE = 3 * 450 * 450 };
    static float x[2 * SIZE], rows[2 * SIZE];
    const int64_t shape[4] = {-1, 3, 450, 450}, perm[4] = {1, 0, 2, 3};
    peek_network *network = begin(4, shape);
    transpose(network, "x", "turned", 4, perm);
    OK(peek__graph_integer(context, add(network, "Softmax", "turned", NULL, "mixed"), "axis", 1));
    transpose(network, "mixed", "y", 4, perm);
    finish(network, "y");
    for (int64_t i = 0; i < 2 * SIZE; i++) x[i] = (float)(i % 1013);
    OK(peek_network_run(context, network, x, 2, "turned", rows));
    assert_memory_equal(rows, x, sizeof x);
    OK(peek_network_run(context, network, x, 2, "y", rows));
    for (int64_t i = 0; i < 2 * SIZE; i++) assert_true(rows[i] == 1);
    peek_network_free(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_and_merged),
        cmocka_unit_test(large_samples),
        cmocka_unit_test(merged_the_other_way),
        cmocka_unit_test(mixed),
        cmocka_unit_test(fixed),
        cmocka_unit_test(fixed_but_free),
        cmocka_unit_test(shape_arithmetic),
        cmocka_unit_test(memory),
        cmocka_unit_test(halves),
        cmocka_unit_test(faults),
    };
    if (peek_context_create(&context, NULL) != PEEK_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peek_context_free(&context);
    return failed;
}
