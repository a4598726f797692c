/* Training: the same bits for any number of threads, the formula of a step, stopping, failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/random.h"
#include "network/graph.h"
#include "context.h"

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

enum { COUNT = 203, PIXELS = 784 }; /* not a multiple of the batch or the slice */

typedef struct stopper {
    int64_t calls, stop_at;
} stopper;

static int stop_later(const peek_event *event, void *user)
{
    stopper *s = user;
    return event->kind == PEEK_EVENT_PROGRESS && strcmp(event->stage, "train") == 0 && ++s->calls >= s->stop_at;
}

/* Two kinds of pictures: bright at the left or at the right, with noise. */
static peek_dataset *make_data(peek_context *context, int64_t count, int labelled)
{
    float *x = malloc((size_t)(count * PIXELS) * sizeof *x);
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    peek__stream stream = peek__stream_make(0, PEEK__TEST, 0);
    for (int64_t n = 0; n < count; n++) {
        labels[n] = (int32_t)peek__random_below(&stream, 2);
        for (int i = 0; i < PIXELS; i++)
            x[n * PIXELS + i] =
                0.5f * peek__random_uniform(&stream) + 0.5f * (float)((i % 28 < 14) == labels[n]);
    }
    peek_dataset *data;
    OK(peek_dataset_from_array(context, x, labelled ? labels : NULL, count, 1, 28, 28, &data));
    free(x);
    free(labels);
    return data;
}

static void learns_with_any_threads(void **state)
{
    (void)state;
    char first[17];
    for (int threads = 1; threads <= 3; threads++) {
        peek_context *context = make_context(threads, NULL, NULL);
        peek_dataset *data = make_data(context, COUNT, 1);
        peek_network *network;
        peek_train_options options;
        peek_train_result result;
        double accuracy;
        int64_t confusion[4];
        OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &network));
        peek_train_options_default(&options);
        options.epochs = 3;
        options.batch = 20;
        options.normalise = 1;
        OK(peek_network_train(context, network, data, &options, &result));
        assert_int_equal(result.samples, COUNT);
        assert_int_equal(result.steps, 33);
        assert_true(result.loss < 0.3 && result.train_accuracy > 0.9);
        OK(peek_network_evaluate(context, network, data, &accuracy, confusion));
        assert_true(accuracy > 0.97);
        assert_int_equal(confusion[0] + confusion[1] + confusion[2] + confusion[3], COUNT);
        assert_true((double)(confusion[0] + confusion[3]) == round(accuracy * COUNT));
        if (threads == 1) strcpy(first, peek_network_describe(network).digest);
        assert_string_equal(peek_network_describe(network).digest, first);
        peek_network_free(&network);
        peek_dataset_free(&data);
        peek_context_free(&context);
    }
}

/* conv 1>16, conv 16>16 (both by oneDNN), depthwise, pool, dense: the bits do not depend on the threads here
 * either. */
static peek_network *make_wide(peek_context *context)
{
    static const struct {
        const char *op, *name, *input;
        int64_t group, dimensions, weight[4];
    } layers[] = {{"Conv", "a", "input", 1, 4, {16, 1, 3, 3}},
                  {"Relu", "b", "a", 0, 0, {0}},
                  {"Conv", "c", "b", 1, 4, {16, 16, 3, 3}},
                  {"MaxPool", "d", "c", 0, 0, {0}},
                  {"Conv", "e", "d", 16, 4, {16, 1, 3, 3}},
                  {"Relu", "f", "e", 0, 0, {0}},
                  {"Flatten", "g", "f", 0, 0, {0}},
                  {"Gemm", "h", "g", 0, 2, {1600, 2}}};
    int64_t shape[4] = {-1, 1, 28, 28}, square[2] = {2, 2}, number;
    peek_network *network;
    peek__node *node;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    OK(peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, 4, shape, NULL));
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        char weight[8] = "w";
        const char *inputs[2] = {layers[i].input, weight};
        strcat(weight, layers[i].name);
        if (layers[i].dimensions) {
            OK(peek__graph_constant(context, network, weight, PEEK__TYPE_FLOAT, layers[i].dimensions,
                                    layers[i].weight, &number));
            peek__stream stream = peek__stream_make(4, PEEK__TEST, i);
            float bound =
                1.7f /
                sqrtf((float)(network->value[number].tensor.size / (layers[i].dimensions == 4 ? 16 : 2)));
            for (int64_t j = 0; j < network->value[number].tensor.size; j++)
                network->value[number].tensor.floats[j] = bound * (2 * peek__random_uniform(&stream) - 1);
        }
        OK(peek__graph_node(context, network, layers[i].op, layers[i].name, layers[i].dimensions ? 2 : 1,
                            inputs, 1, &layers[i].name, &node));
        if (layers[i].group) OK(peek__graph_integer(context, node, "group", layers[i].group));
        if (strcmp(layers[i].op, "MaxPool") == 0) {
            OK(peek__graph_integers(context, node, "kernel_shape", 2, square));
            OK(peek__graph_integers(context, node, "strides", 2, square));
        }
    }
    OK(peek__graph_output(context, network, "h", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
    return network;
}

static void wide_with_any_threads(void **state)
{
    (void)state;
    char first[17];
    for (int threads = 1; threads <= 3; threads++) {
        peek_context *context = make_context(threads, NULL, NULL);
        peek_dataset *data = make_data(context, 50, 1);
        peek_network *network = make_wide(context);
        peek_train_options options;
        peek_train_result result;
        peek_train_options_default(&options);
        options.epochs = 4;
        options.batch = 21;
        options.learning_rate = 0.05;
        OK(peek_network_train(context, network, data, &options, &result));
        assert_true(result.loss < 0.4);
        if (threads == 1) strcpy(first, peek_network_describe(network).digest);
        assert_string_equal(peek_network_describe(network).digest, first);
        peek_network_free(&network);
        peek_dataset_free(&data);
        peek_context_free(&context);
    }
}

/* Weights after two steps from the gradients that single steps show: v2 = m g1 + g2. */
static void momentum(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_dataset *data = make_data(context, 16, 1);
    peek_network *both, *one;
    peek_train_options options;
    peek_train_options_default(&options);
    options.batch = 16;
    options.shuffle = 0;
    options.learning_rate = 0.1;
    options.momentum = 0.5;
    OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &both));
    OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &one));
    int64_t bias = peek__graph_find(both, "dense.bias");
    float start = both->value[bias].tensor.floats[0];
    options.epochs = 2;
    OK(peek_network_train(context, both, data, &options, NULL));
    options.epochs = 1;
    OK(peek_network_train(context, one, data, &options, NULL));
    float after_one = one->value[bias].tensor.floats[0], g1 = (start - after_one) / 0.1f;
    OK(peek_network_train(context, one, data, &options, NULL)); /* momentum starts anew */
    float g2 = (after_one - one->value[bias].tensor.floats[0]) / 0.1f;
    assert_true(fabs(g1) > 1e-4);
    assert_true(fabs(both->value[bias].tensor.floats[0] - (after_one - 0.1f * (0.5f * g1 + g2))) <
                2e-5 * fabs(g1) + 1e-6);
    peek_network_free(&both);
    peek_network_free(&one);
    peek_dataset_free(&data);
    peek_context_free(&context);
}

static void stops(void **state)
{
    (void)state;
    for (int64_t at = 2; at <= 5; at++) {
        stopper s = {.stop_at = at};
        peek_context *context = make_context(2, stop_later, &s);
        peek_dataset *data = make_data(context, COUNT, 1);
        peek_network *network;
        peek_train_options options;
        OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &network));
        peek_train_options_default(&options);
        options.epochs = 1000000;
        double start = peek__seconds();
        peek_train_result result;
        assert_int_equal(peek_network_train(context, network, data, &options, &result), PEEK_E_STOPPED);
        assert_true(peek__seconds() - start < 5);
        assert_true(s.calls <= at + 1); /* asked no more than once after the answer */
        /* The context works on. */
        double accuracy;
        OK(peek_network_evaluate(context, network, data, &accuracy, NULL));
        peek_network_free(&network);
        peek_dataset_free(&data);
        peek_context_free(&context);
    }
}

static void refuses(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_dataset *data = make_data(context, 20, 1), *bare = make_data(context, 20, 0), *other;
    peek_network *network;
    peek_train_options options;
    float x[2 * 16] = {0};
    int32_t labels[2] = {0, 1};
    OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &network));
    peek_train_options_default(&options);
    assert_int_equal(peek_network_train(context, network, bare, &options, NULL), PEEK_E_ARGUMENT);
    assert_int_equal(peek_network_evaluate(context, network, bare, NULL, NULL), PEEK_E_ARGUMENT);
    OK(peek_dataset_from_array(context, x, labels, 2, 1, 4, 4, &other));
    assert_int_equal(peek_network_train(context, network, other, &options, NULL), PEEK_E_SHAPE);
    assert_non_null(strstr(peek_error(context), "1x28x28"));
    peek_dataset_free(&other);
    options.batch = 0;
    assert_int_equal(peek_network_train(context, network, data, &options, NULL), PEEK_E_ARGUMENT);
    options.batch = 20;
    options.learning_rate = 1e6;
    options.epochs = 50;
    assert_int_equal(peek_network_train(context, network, data, &options, NULL), PEEK_E_NUMERIC);
    assert_non_null(strstr(peek_error(context), "learning rate"));
    peek_network_free(&network);
    int32_t far[2] = {0, 7};
    float grey[2 * PIXELS] = {0};
    OK(peek_dataset_from_array(context, grey, far, 2, 1, 28, 28, &other));
    OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &network));
    options.learning_rate = 0.01;
    assert_int_equal(peek_network_train(context, network, other, &options, NULL), PEEK_E_SHAPE);
    assert_int_equal(peek_network_evaluate(context, network, other, NULL, NULL), PEEK_E_SHAPE);
    peek_network_free(&network);
    peek_dataset_free(&other);
    peek_dataset_free(&data);
    peek_dataset_free(&bare);
    peek_context_free(&context);
}

static void faults(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_dataset *data = make_data(context, 40, 1);
    peek_network *network;
    peek_train_options options;
    peek_train_options_default(&options);
    options.normalise = 1;
    OK(peek_network_build(context, "paper", 1, 28, 28, 2, 0, &network));
    for (int64_t nth = 1;; nth++) {
        peek__fail_nth(context, nth);
        peek_status status = peek_network_train(context, network, data, &options, NULL);
        peek__fail_nth(context, 0);
        if (status == PEEK_OK) break;
        assert_int_equal(status, PEEK_E_MEMORY);
    }
    peek_network_free(&network);
    peek_dataset_free(&data);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_with_any_threads),
        cmocka_unit_test(wide_with_any_threads),
        cmocka_unit_test(momentum),
        cmocka_unit_test(stops),
        cmocka_unit_test(refuses),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
