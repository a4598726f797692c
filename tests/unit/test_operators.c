/* Gradients of every operator that has a backward, and of the losses, against finite differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "network/convolution.h"
#include "network/loss.h"
#include "network/plan.h"
#include "network/survey.h"

static peek_context *context;

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

/* Values far enough from each other and from zero that a small step changes no maximum and no sign. */
static void spread(float *values, int64_t count, uint64_t index)
{
    int64_t order[4096];
    assert_true(count <= 4096);
    peek__stream stream = peek__stream_make(1, PEEK__TEST, index);
    for (int64_t i = 0; i < count; i++) order[i] = i;
    peek__random_shuffle(&stream, order, count);
    for (int64_t i = 0; i < count; i++) values[i] = ((float)(order[i] - count / 2) + 0.5f) * 3 / (float)count;
}

static void add_constant(peek_network *network, const char *name, int64_t dimensions, const int64_t *shape,
                         uint64_t index)
{
    int64_t number;
    OK(peek__graph_constant(context, network, name, PEEK__TYPE_FLOAT, dimensions, shape, &number));
    spread(network->value[number].tensor.floats, network->value[number].tensor.size, index);
}

/* input (dimensions, shape) + shift: the gradient of `shift` is that of what follows, summed over samples. */
static peek_network *begin(int64_t dimensions, const int64_t *shape)
{
    peek_network *network;
    peek__node *node;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    network->ir_version = 7;
    OK(peek__copy_text(context, &network->name, "test"));
    OK(peek__copy_text(context, &network->producer, "test"));
    int64_t whole[PEEK_DIMENSIONS] = {-1};
    for (int64_t d = 0; d < dimensions; d++) whole[d + 1] = shape[d];
    OK(peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, dimensions + 1, whole, NULL));
    add_constant(network, "shift", dimensions, shape, 99);
    for (int64_t i = 0; i < network->value[1].tensor.size; i++) network->value[1].tensor.floats[i] *= 0.01f;
    const char *inputs[2] = {"input", "shift"}, *output = "x";
    OK(peek__graph_node(context, network, "Add", "shifted", 2, inputs, 1, &output, &node));
    return network;
}

static peek__node *add_node(peek_network *network, const char *op, int64_t inputs, const char *const *input)
{
    peek__node *node;
    const char *output = "y";
    OK(peek__graph_node(context, network, op, "tested", inputs, input, 1, &output, &node));
    return node;
}

static double weighted_sum(peek__plan *plan, const float *x, const float *weights)
{
    const peek_network *network = plan->instance->network;
    peek__tensor *input = peek__plan_tensor(plan, network->input[0].value);
    memcpy(input->floats, x, (size_t)input->size * sizeof *x);
    OK(peek__plan_forward(context, plan));
    const peek__tensor *y = peek__plan_tensor(plan, network->output[0].value);
    double sum = 0;
    for (int64_t i = 0; i < y->size; i++) sum += (double)weights[i] * y->floats[i];
    return sum;
}

/* Compares d(sum of weights * output) / d(every constant) with central differences, then frees the network. */
static void check_by(peek_network *network, int way)
{
    enum { COUNT = 3 };
    static float x[4096], weights[4096], gradients[4096];
    OK(peek__graph_output(context, network, "y", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
    int64_t result = network->output[0].value;
    int64_t in = network->survey->input[0].size, out = network->survey->layer[result].size;
    peek__tensor input;
    peek__instance *instance;
    OK(peek__survey_inputs(context, network, network->survey, COUNT, &input));
    OK(peek__instance_create(context, network, &input, &instance));
    if (way >= 0)
        ((peek__convolution *)instance->step[1].operation.settings)->training_way = (peek__convolution_way)way;
    for (int64_t n = 0; n < COUNT; n++) spread(x + n * in, in, 7 + (uint64_t)n);
    spread(weights, COUNT * out, 5);
    assert_true(network->parameters <= 4096);
    peek__plan *plan;
    OK(peek__plan_create(context, instance, 1, 1, &result, &plan));
    weighted_sum(plan, x, weights);
    memcpy(peek__plan_gradients(plan, result), weights, (size_t)(COUNT * out) * sizeof *weights);
    OK(peek__plan_backward(context, plan, gradients));
    const float step = 2e-3f;
    int64_t place = 0;
    for (int64_t w = 0; w < network->weights; w++) {
        peek__tensor *weight = &network->value[network->weight[w]].tensor;
        double largest = 0;
        for (int64_t i = 0; i < weight->size; i++) largest = fmax(largest, fabs(gradients[place + i]));
        assert_true(largest > 0.01);
        for (int64_t i = 0; i < weight->size; i++, place++) {
            float held = weight->floats[i];
            weight->floats[i] = held + step;
            double above = weighted_sum(plan, x, weights);
            weight->floats[i] = held - step;
            double below = weighted_sum(plan, x, weights), difference = (above - below) / (2 * step);
            weight->floats[i] = held;
            if (fabs(difference - gradients[place]) > 0.01 * largest + 0.003)
                fail_msg("%s: value %lld of '%s': gradient %g, difference %g", network->node[1].op,
                         (long long)i, network->value[network->weight[w]].name, gradients[place], difference);
        }
    }
    peek__plan_free(&plan);
    peek__instance_free(&instance);
    peek_network_free(&network);
}

static void check(peek_network *network)
{
    check_by(network, -1);
}

static void convolution_by(int way)
{
    static const struct {
        int64_t channels, outputs, groups, stride[2], dilation[2], pads[4];
        const char *automatic;
    } cases[] = {
        {2, 3, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}, NULL},
        {2, 4, 2, {2, 1}, {1, 1}, {1, 2, 0, 1}, NULL},
        {1, 2, 1, {1, 2}, {2, 1}, {2, 0, 2, 3}, NULL},
        {3, 3, 3, {1, 1}, {1, 2}, {1, 1, 1, 1}, NULL},
        {2, 2, 1, {2, 2}, {1, 1}, {0, 0, 0, 0}, "SAME_UPPER"},
        {2, 2, 1, {2, 3}, {1, 1}, {0, 0, 0, 0}, "SAME_LOWER"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int64_t kernel = 1; kernel <= 3; kernel += 2) {
            int64_t shape[3] = {cases[i].channels, 7, 6}, square[2] = {kernel, kernel};
            int64_t weight[4] = {cases[i].outputs, cases[i].channels / cases[i].groups, kernel, kernel};
            peek_network *network = begin(3, shape);
            add_constant(network, "w", 4, weight, 1);
            add_constant(network, "b", 1, weight, 2);
            const char *inputs[3] = {"x", "w", "b"};
            peek__node *node = add_node(network, "Conv", i % 2 ? 2 : 3, inputs);
            OK(peek__graph_integers(context, node, "kernel_shape", 2, square));
            OK(peek__graph_integers(context, node, "strides", 2, cases[i].stride));
            OK(peek__graph_integers(context, node, "dilations", 2, cases[i].dilation));
            OK(peek__graph_integer(context, node, "group", cases[i].groups));
            if (cases[i].automatic) {
                peek__attribute *attribute;
                OK(peek__graph_attribute(context, node, "auto_pad", PEEK__ATTRIBUTE_TEXT, &attribute));
                OK(peek__copy_text(context, &attribute->text, cases[i].automatic));
            } else {
                OK(peek__graph_integers(context, node, "pads", 4, cases[i].pads));
            }
            check_by(network, way);
        }
}

static void convolution(void **state)
{
    (void)state;
    convolution_by(PEEK__BY_COLUMNS);
    convolution_by(PEEK__BY_ONEDNN);
}

static void pooling(void **state)
{
    (void)state;
    static const struct {
        int64_t kernel[2], stride[2], pads[4], ceiling, counting;
    } cases[] = {
        {{2, 2}, {2, 2}, {0, 0, 0, 0}, 0, 0}, {{3, 2}, {2, 1}, {1, 0, 1, 1}, 0, 0},
        {{3, 3}, {2, 2}, {1, 1, 1, 1}, 1, 1}, {{2, 2}, {2, 2}, {0, 0, 0, 0}, 1, 1},
        {{1, 3}, {1, 2}, {0, 1, 0, 1}, 0, 1},
    };
    static const char *const ops[] = {"MaxPool", "AveragePool"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int op = 0; op < 2; op++) {
            int64_t shape[3] = {2, 7, 5};
            peek_network *network = begin(3, shape);
            const char *input = "x";
            peek__node *node = add_node(network, ops[op], 1, &input);
            OK(peek__graph_integers(context, node, "kernel_shape", 2, cases[i].kernel));
            OK(peek__graph_integers(context, node, "strides", 2, cases[i].stride));
            OK(peek__graph_integers(context, node, "pads", 4, cases[i].pads));
            OK(peek__graph_integer(context, node, "ceil_mode", cases[i].ceiling));
            if (op) OK(peek__graph_integer(context, node, "count_include_pad", cases[i].counting));
            check(network);
        }
}

static void dense(void **state)
{
    (void)state;
    for (int transposed = 0; transposed < 2; transposed++) {
        int64_t in = 5, out = 4, flat[2] = {transposed ? out : in, transposed ? in : out};
        peek_network *network = begin(1, &in);
        add_constant(network, "w", 2, flat, 1);
        add_constant(network, "b", 1, &out, 2);
        const char *inputs[3] = {"x", "w", "b"};
        peek__node *node = add_node(network, "Gemm", 3, inputs);
        peek__attribute *alpha;
        OK(peek__graph_integer(context, node, "transB", transposed));
        OK(peek__graph_attribute(context, node, "alpha", PEEK__ATTRIBUTE_NUMBER, &alpha));
        alpha->number = 0.7f;
        check(network);
    }
    int64_t shape[2] = {3, 5}, matrix[2] = {5, 4};
    peek_network *network = begin(2, shape);
    add_constant(network, "w", 2, matrix, 1);
    const char *inputs[2] = {"x", "w"};
    add_node(network, "MatMul", 2, inputs);
    check(network);
}

static void one_input(const char *op, int64_t dimensions, const int64_t *shape, int64_t axis)
{
    peek_network *network = begin(dimensions, shape);
    const char *input = "x";
    peek__node *node = add_node(network, op, 1, &input);
    if (axis) OK(peek__graph_integer(context, node, "axis", axis));
    check(network);
}

static void functions(void **state)
{
    (void)state;
    static const char *const ops[] = {"Identity", "GlobalAveragePool", "GlobalMaxPool", "Flatten", "Clip"};
    int64_t shape[3] = {2, 3, 4};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) one_input(ops[i], 3, shape, 0);
    static const char *const over[] = {"Softmax", "LogSoftmax"};
    for (int i = 0; i < 2; i++)
        for (int64_t axis = 1; axis <= 3; axis++) one_input(over[i], 3, shape, axis);
}

/* Every function of one number, where it is defined: of x, of a number between 0 and 1, or of one above 1. */
static void of_one_number(void **state)
{
    (void)state;
    static const struct {
        const char *before[2], *op;
    } cases[] = {
        {.op = "Celu"},
        {.op = "Elu"},
        {.op = "Gelu"},
        {.op = "HardSigmoid"},
        {.op = "HardSwish"},
        {.op = "LeakyRelu"},
        {.op = "Mish"},
        {.op = "Relu"},
        {.op = "Selu"},
        {.op = "Shrink"},
        {.op = "Sigmoid"},
        {.op = "Softplus"},
        {.op = "Softsign"},
        {.op = "Swish"},
        {.op = "Tanh"},
        {.op = "ThresholdedRelu"},
        {.op = "Abs"},
        {.op = "Asinh"},
        {.op = "Atan"},
        {.op = "Cos"},
        {.op = "Cosh"},
        {.op = "Erf"},
        {.op = "Exp"},
        {.op = "Neg"},
        {.op = "Sin"},
        {.op = "Sinh"},
        {{"Sigmoid"}, "Acos"},
        {{"Sigmoid"}, "Asin"},
        {{"Sigmoid"}, "Atanh"},
        {{"Sigmoid"}, "Log"},
        {{"Sigmoid"}, "Reciprocal"},
        {{"Sigmoid"}, "Sqrt"},
        {{"Sigmoid"}, "Tan"},
        {{"Exp", "Exp"}, "Acosh"},
    };
    int64_t shape[3] = {2, 3, 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int tanh = 0; tanh < (strcmp(cases[i].op, "Gelu") == 0 ? 2 : 1); tanh++) {
            static const char *const names[3] = {"x", "u", "v"};
            peek_network *network = begin(3, shape);
            peek__node *node;
            peek__attribute *way;
            int64_t made = 0;
            network->opset = 24;
            for (; made < 2 && cases[i].before[made]; made++)
                OK(peek__graph_node(context, network, cases[i].before[made], "before", 1, names + made, 1,
                                    names + made + 1, &node));
            node = add_node(network, cases[i].op, 1, names + made);
            if (tanh) {
                OK(peek__graph_attribute(context, node, "approximate", PEEK__ATTRIBUTE_TEXT, &way));
                OK(peek__copy_text(context, &way->text, "tanh"));
            }
            check(network);
        }
}

/* One slope a channel, in today's form and in that before opset 7; a bound. */
static void slopes_and_bounds(void **state)
{
    (void)state;
    int64_t shape[3] = {2, 3, 4}, slopes[3] = {2, 1, 1};
    for (int old = 0; old < 2; old++) {
        peek_network *network = begin(3, shape);
        if (old) network->opset = 6;
        if (old) OK(peek__graph_integer(context, &network->node[0], "broadcast", 1));
        add_constant(network, "w", old ? 1 : 3, slopes, 1);
        const char *inputs[2] = {"x", "w"};
        add_node(network, "PRelu", 2, inputs);
        check(network);
    }
    peek_network *network = begin(3, shape);
    network->opset = 7;
    const char *input = "x";
    peek__attribute *low;
    OK(peek__graph_attribute(context, add_node(network, "Clip", 1, &input), "min", PEEK__ATTRIBUTE_NUMBER,
                             &low));
    low->number = -0.3f;
    check(network);
}

/* A tensor used twice gets the gradients of both uses; constants are spread over it. */
static void addition(void **state)
{
    (void)state;
    int64_t shape[3] = {2, 3, 4}, spreads[3][3] = {{2, 1, 1}, {1, 3, 4}, {1, 1, 4}};
    peek_network *network = begin(3, shape);
    const char *twice[2] = {"x", "x"};
    add_node(network, "Add", 2, twice);
    check(network);
    for (int i = 0; i < 3; i++) {
        network = begin(3, shape);
        add_constant(network, "w", 3 - (i == 2), spreads[i] + (i == 2), 1);
        const char *inputs[2] = {i % 2 ? "w" : "x", i % 2 ? "x" : "w"};
        add_node(network, "Add", 2, inputs);
        check(network);
    }
}

static void losses(void **state)
{
    (void)state;
    for (int kind = PEEK_LOSS_CROSS_ENTROPY; kind <= PEEK_LOSS_SATURATING; kind++) {
        float z[10], g[10], ignored[10];
        const int32_t labels[2] = {1, 4};
        spread(z, 10, 3);
        peek__loss_sum sum = {0};
        peek__loss((peek_loss)kind, z, labels, 2, 5, 0.5f, g, &sum);
        for (int i = 0; i < 10; i++) {
            float held = z[i], step = 1e-2f;
            peek__loss_sum above = {0}, below = {0};
            z[i] = held + step;
            peek__loss((peek_loss)kind, z, labels, 2, 5, 0.5f, ignored, &above);
            z[i] = held - step;
            peek__loss((peek_loss)kind, z, labels, 2, 5, 0.5f, ignored, &below);
            z[i] = held;
            assert_true(fabs((above.loss - below.loss) / (4 * step) - g[i]) < 2e-4);
        }
    }
    /* Large logits neither overflow nor lose the loss. */
    float far[3] = {-1000, 1000, 0}, g[3];
    const int32_t label = 0;
    peek__loss_sum sum = {0};
    peek__loss(PEEK_LOSS_CROSS_ENTROPY, far, &label, 1, 3, 1, g, &sum);
    assert_true(fabs(sum.loss - 2000) < 1e-3 && g[0] == -1 && g[1] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution), cmocka_unit_test(pooling),       cmocka_unit_test(dense),
        cmocka_unit_test(functions),   cmocka_unit_test(of_one_number), cmocka_unit_test(slopes_and_bounds),
        cmocka_unit_test(addition),    cmocka_unit_test(losses),
    };
    if (peek_context_create(&context, NULL) != PEEK_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peek_context_free(&context);
    return failed;
}
