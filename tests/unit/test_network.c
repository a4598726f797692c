/* Reading, writing and running networks: round trips, broken graphs, files cut short and damaged at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/random.h"
#include "network/preprocess.h"
#include "store/file.h"
#include "context.h"

static peek_context *context;
static char folder[FOLDER], path[128];

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

static void draw(float *x, int64_t count)
{
    peek__stream stream = peek__stream_make(0, PEEK__TEST, 1);
    for (int64_t i = 0; i < count; i++) x[i] = peek__random_uniform(&stream);
}

static void round_trip(void **state)
{
    (void)state;
    static float x[20 * 784], before[20 * 10], after[20 * 10];
    const double mean = 0.1306604762738429, deviation = 0.30810780717887876;
    peek_network *made, *read;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 3, &made));
    OK(peek__preprocess_set(context, &made->preprocess, 1, &mean, &deviation));
    peek__graph_digest(made);
    OK(peek_network_save(context, made, path));
    OK(peek_network_load(context, path, &read));
    assert_string_equal(peek_network_describe(made).digest, peek_network_describe(read).digest);
    assert_true(read->preprocess.mean[0] == mean && read->preprocess.deviation[0] == deviation);
    peek_network_info info = peek_network_describe(read);
    assert_int_equal(info.parameters, 260 + 5020 + 3210);
    assert_int_equal(info.tensors, 9);
    assert_int_equal(info.channels * info.height * info.width, 784);
    assert_int_equal(info.outputs, 10);
    draw(x, 20 * 784);
    OK(peek_network_run(context, made, x, 20, NULL, before));
    OK(peek_network_run(context, read, x, 20, NULL, after));
    assert_memory_equal(before, after, sizeof before);
    double sum = 0;
    for (int i = 0; i < 10; i++) sum += after[190 + i];
    assert_true(fabs(sum - 1) < 1e-5);
    peek_network_free(&made);
    peek_network_free(&read);
}

static void tensors(void **state)
{
    (void)state;
    static const struct {
        const char *name, *op;
        int64_t size;
        int activation, output;
    } expected[] = {
        {"conv1", "Conv", 5760, 0, 0},     {"pool1", "MaxPool", 1440, 0, 0}, {"relu1", "Relu", 1440, 1, 0},
        {"conv2", "Conv", 1280, 0, 0},     {"pool2", "MaxPool", 320, 0, 0},  {"relu2", "Relu", 320, 1, 0},
        {"flatten", "Flatten", 320, 0, 0}, {"dense", "Gemm", 10, 0, 0},      {"softmax", "Softmax", 10, 0, 1}};
    peek_network *network;
    peek_tensor_info tensor;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    for (int i = 0; i < 9; i++) {
        OK(peek_network_tensor(context, network, i, &tensor));
        assert_string_equal(tensor.name, expected[i].name);
        assert_string_equal(tensor.node, expected[i].name);
        assert_string_equal(tensor.op, expected[i].op);
        assert_int_equal(tensor.size, expected[i].size);
        assert_int_equal(tensor.activation, expected[i].activation);
        assert_int_equal(tensor.output, expected[i].output);
    }
    assert_int_equal(peek_network_tensor(context, network, 9, &tensor), PEEK_E_ARGUMENT);
    float x[784] = {0}, out[320];
    assert_int_equal(peek_network_run(context, network, x, 1, "relu3", out), PEEK_E_NOT_FOUND);
    assert_non_null(strstr(peek_error(context), "relu3"));
    peek_network_free(&network);
    assert_int_equal(peek_network_build(context, "papers", 1, 28, 28, 10, 0, &network), PEEK_E_NOT_FOUND);
    assert_int_equal(peek_network_build(context, "paper", 3, 28, 28, 10, 0, &network), PEEK_E_SHAPE);
    assert_int_equal(peek_network_build(context, "paper", 1, 28, 28, 1, 0, &network), PEEK_E_SHAPE);
}

/* The values do not depend on the number of threads, and those of a sample not on its neighbours' slices. */
static void threads(void **state)
{
    (void)state;
    static float x[50 * 784], first[50 * 1440], other[50 * 1440];
    draw(x, 50 * 784);
    for (int count = 1; count <= 3; count++) {
        peek_context *many = make_context(count, NULL, NULL);
        peek_network *network;
        OK(peek_network_build(many, "paper", 1, 28, 28, 10, 0, &network));
        OK(peek_network_run(many, network, x, 50, "relu1", count == 1 ? first : other));
        if (count > 1) assert_memory_equal(first, other, sizeof first);
        peek_network_free(&network);
        peek_context_free(&many);
    }
}

/* A graph of one-input nodes; nothing is checked before it is written and read. */
static peek_network *sketch(void)
{
    static const int64_t shape[4] = {-1, 1, 4, 4};
    peek_network *network;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    network->ir_version = 7;
    OK(peek__copy_text(context, &network->name, "sketch"));
    OK(peek__copy_text(context, &network->producer, ""));
    OK(peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, 4, shape, NULL));
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

/* Writes the sketch, frees it and reads it again: it must be refused with this status and a sentence with these
 * words. */
static void refused(peek_network *network, const char *output, peek_status status, const char *words)
{
    peek_network *read = NULL;
    OK(peek__graph_output(context, network, output, PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek_network_save(context, network, path));
    peek_network_free(&network);
    peek_status got = peek_network_load(context, path, &read);
    if (got != status || !strstr(peek_error(context), words))
        fail_msg("expected %s with '%s', got %s: %s", peek_status_name(status), words, peek_status_name(got),
                 peek_error(context));
    assert_null(read);
}

static void broken_graphs(void **state)
{
    (void)state;
    peek_network *network = sketch();
    add(network, "Relu", "b", NULL, "a");
    add(network, "Relu", "a", NULL, "b");
    refused(network, "b", PEEK_E_FORMAT, "cycle");

    network = sketch();
    add(network, "Relu", "nowhere", NULL, "a");
    refused(network, "a", PEEK_E_FORMAT, "'nowhere'");

    network = sketch();
    add(network, "Relu", "input", NULL, "a");
    refused(network, "b", PEEK_E_FORMAT, "'b'");

    network = sketch();
    add(network, "Fourier", "input", NULL, "wave");
    refused(network, "wave", PEEK_E_UNSUPPORTED, "node 'wave' (Fourier, opset 13)");

    network = sketch();
    network->opset = 99;
    add(network, "Relu", "input", NULL, "a");
    refused(network, "a", PEEK_E_UNSUPPORTED, "opset 99");

    network = sketch();
    add(network, "Conv", "input", "missing", "a");
    refused(network, "a", PEEK_E_FORMAT, "'missing'");

    network = sketch();
    add(network, "MaxPool", "input", NULL, "a");
    refused(network, "a", PEEK_E_FORMAT, "kernel_shape");

    network = sketch();
    int64_t huge[2] = {9, 9}, pads[4] = {0, 0, 0, 0}, number;
    peek__node *node = add(network, "MaxPool", "input", NULL, "a");
    OK(peek__graph_integers(context, node, "kernel_shape", 2, huge));
    OK(peek__graph_integers(context, node, "pads", 4, pads));
    refused(network, "a", PEEK_E_FORMAT, "larger than its padded input");

    network = sketch();
    int64_t weight[4] = {2, 3, 1, 1};
    OK(peek__graph_constant(context, network, "w", PEEK__TYPE_FLOAT, 4, weight, &number));
    add(network, "Conv", "input", "w", "a");
    refused(network, "a", PEEK_E_FORMAT, "channels");

    network = sketch();
    int64_t three = 3;
    OK(peek__graph_constant(context, network, "target", PEEK__TYPE_INT64, 1, &three, &number));
    network->value[number].tensor.integers[0] = -1;
    network->value[number].tensor.integers[1] = 5;
    network->value[number].tensor.integers[2] = 1;
    add(network, "Reshape", "input", "target", "a");
    refused(network, "a", PEEK_E_FORMAT, "do not fit");
}

/* Windows that cannot be: an operator, an attribute, and what the sentence says. The input is 1 x 4 x 4. */
static void broken_windows(void **state)
{
    (void)state;
    static const struct {
        const char *op, *attribute;
        int64_t count, integers[6];
        peek_status status;
        const char *words;
    } cases[] = {
        {"MaxPool", "kernel_shape", 4, {1, 1, 1, 1}, PEEK_E_UNSUPPORTED, "at most 3"},
        {"MaxPool", "kernel_shape", 3, {1, 1, 1}, PEEK_E_FORMAT, "slide over 3 dimensions"},
        {"MaxPool", "strides", 2, {0, 1}, PEEK_E_FORMAT, "impossible value 0"},
        {"MaxPool", "strides", 1, {1}, PEEK_E_FORMAT, "should be 2 integers"},
        {"MaxPool", "dilations", 2, {1, INT64_MAX}, PEEK_E_FORMAT, "impossible value"},
        {"MaxPool", "dilations", 2, {1, 4}, PEEK_E_FORMAT, "larger than its padded input"},
        {"AveragePool", "pads", 4, {0, 0, 0, -1}, PEEK_E_FORMAT, "impossible value -1"},
        {"AveragePool", "pads", 4, {2, 0, 0, 0}, PEEK_E_UNSUPPORTED, "as large as its window"},
        {"LpPool", "p", 0, {0}, PEEK_E_FORMAT, "exponent"},
        {"Conv", "kernel_shape", 2, {2, 1}, PEEK_E_FORMAT, "differs from the shape of its weight"},
        {"Conv", "group", 0, {2}, PEEK_E_FORMAT, "in 2 groups"},
        {"ConvTranspose", "group", 0, {0}, PEEK_E_FORMAT, "in 0 groups"},
        {"ConvTranspose", "pads", 4, {9, 9, 9, 9}, PEEK_E_FORMAT, "length of -13"},
        {"ConvTranspose", "output_padding", 2, {0, -1}, PEEK_E_FORMAT, "output_padding is -1"},
        {"ConvTranspose", "output_shape", 3, {1, 1, 1}, PEEK_E_FORMAT, "should be 2 integers"},
        {"ConvTranspose", "output_shape", 2, {INT64_MAX / 2, 9}, PEEK_E_UNSUPPORTED, "too large"},
        {"LRN", "size", 0, {0}, PEEK_E_FORMAT, "size is 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t number, weight[4] = {1, 1, 2, 2}, square[2] = {2, 2};
        int convolution = strncmp(cases[i].op, "Conv", 4) == 0;
        peek_network *network = sketch();
        OK(peek__graph_constant(context, network, "w", PEEK__TYPE_FLOAT, 4, weight, &number));
        peek__node *node = add(network, cases[i].op, "input", convolution ? "w" : NULL, "a");
        if (!convolution && strcmp(cases[i].attribute, "kernel_shape") != 0)
            OK(peek__graph_integers(context, node, "kernel_shape", 2, square));
        if (cases[i].count)
            OK(peek__graph_integers(context, node, cases[i].attribute, cases[i].count, cases[i].integers));
        else
            OK(peek__graph_integer(context, node, cases[i].attribute, cases[i].integers[0]));
        refused(network, "a", cases[i].status, cases[i].words);
    }
}

/* Nodes in any order are sorted, and a reshape of a constant is worked out when the file is read. */
static void order_and_folding(void **state)
{
    (void)state;
    peek_network *network = sketch(), *read;
    int64_t number, two = 2, shape[3] = {2, 2, 4};
    OK(peek__graph_constant(context, network, "w", PEEK__TYPE_FLOAT, 3, shape, &number));
    for (int i = 0; i < 16; i++) network->value[number].tensor.floats[i] = (float)i;
    OK(peek__graph_constant(context, network, "to", PEEK__TYPE_INT64, 1, &two, &number));
    network->value[number].tensor.integers[0] = 16;
    network->value[number].tensor.integers[1] = 1;
    add(network, "Relu", "product", NULL, "last");
    add(network, "MatMul", "flat", "matrix", "product");
    add(network, "Reshape", "w", "to", "matrix");
    add(network, "Flatten", "input", NULL, "flat");
    OK(peek__graph_output(context, network, "last", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek_network_save(context, network, path));
    peek_network_free(&network);
    OK(peek_network_load(context, path, &read));
    assert_int_equal(peek_network_describe(read).tensors, 3);
    float x[16], y;
    for (int i = 0; i < 16; i++) x[i] = 1;
    OK(peek_network_run(context, read, x, 1, NULL, &y));
    assert_true(y == 120);
    char digest[17];
    strcpy(digest, read->digest);
    OK(peek_network_save(context, read, path));
    peek_network_free(&read);
    OK(peek_network_load(context, path, &read));
    assert_string_equal(read->digest, digest);
    peek_network_free(&read);
}

static void write_bytes(const char *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* A small network with every kind of field, as bytes. */
static char *small_file(int64_t *size)
{
    peek_network *network = sketch();
    int64_t number, weight[4] = {2, 1, 3, 3}, square[2] = {3, 3}, two = 2, flat[2] = {8, 3};
    char *bytes;
    OK(peek__graph_constant(context, network, "w", PEEK__TYPE_FLOAT, 4, weight, &number));
    OK(peek__graph_constant(context, network, "to", PEEK__TYPE_INT64, 1, &two, &number));
    network->value[number].tensor.integers[0] = 0;
    network->value[number].tensor.integers[1] = -1;
    OK(peek__graph_constant(context, network, "m", PEEK__TYPE_FLOAT, 2, flat, &number));
    peek__node *node = add(network, "Conv", "input", "w", "c");
    OK(peek__graph_integers(context, node, "kernel_shape", 2, square));
    add(network, "Relu", "c", NULL, "r");
    add(network, "Reshape", "r", "to", "f");
    add(network, "Gemm", "f", "m", "d");
    add(network, "Softmax", "d", NULL, "s");
    OK(peek__graph_output(context, network, "s", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek_network_save(context, network, path));
    peek_network_free(&network);
    OK(peek__file_read(context, path, 1 << 20, &bytes, size));
    return bytes;
}

/* Whatever was read from a damaged file either fails with a sentence or runs. */
static void survive(void)
{
    peek_network *network = NULL;
    peek_status status = peek_network_load(context, path, &network);
    if (status != PEEK_OK) {
        assert_null(network);
        assert_true(status == PEEK_E_FORMAT || status == PEEK_E_UNSUPPORTED);
        assert_true(strlen(peek_error(context)) > 20);
        return;
    }
    peek_network_info info = peek_network_describe(network);
    int64_t in = info.channels * info.height * info.width, total = in;
    for (int64_t i = 0; i < info.tensors; i++) {
        peek_tensor_info tensor;
        OK(peek_network_tensor(context, network, i, &tensor));
        total += tensor.size;
    }
    if (total < 1 << 20) {
        float *x = calloc((size_t)in + 1, sizeof *x), *y = calloc((size_t)info.outputs + 1, sizeof *y);
        OK(peek_network_run(context, network, x, 1, NULL, y));
        free(x);
        free(y);
    }
    peek_network_free(&network);
}

static void damaged_files(void **state)
{
    (void)state;
    int64_t size;
    char *bytes = small_file(&size);
    peek_network *network = NULL;
    for (int64_t cut = 0; cut < size; cut++) {
        write_bytes(bytes, (size_t)cut);
        survive();
    }
    static const unsigned char flips[] = {0x01, 0x02, 0x08, 0x10, 0x80, 0xff};
    for (int64_t i = 0; i < size; i++)
        for (size_t f = 0; f < sizeof flips; f++) {
            bytes[i] = (char)(bytes[i] ^ flips[f]);
            write_bytes(bytes, (size_t)size);
            survive();
            bytes[i] = (char)(bytes[i] ^ flips[f]);
        }
    peek__free(&bytes);
    static const char picture[] = "\x89PNG\r\n\x1a\n and so on";
    write_bytes(picture, sizeof picture);
    assert_int_equal(peek_network_load(context, path, &network), PEEK_E_FORMAT);
    assert_non_null(strstr(peek_error(context), path));
    unlink(path);
    assert_int_equal(peek_network_load(context, path, &network), PEEK_E_NOT_FOUND);
}

/* Graphs within attributes within nodes, 60,000 messages deep: refused, not a stack overflow. */
static void nested_file(void **state)
{
    (void)state;
    enum { LEVELS = 60000, ROOM = 8 * LEVELS };
    static const unsigned char keys[] = {5 << 3 | 2, 6 << 3 | 2, 1 << 3 | 2}; /* attribute, graph, node */
    char *bytes = malloc(ROOM), *start = bytes + ROOM;
    for (int level = 0; level < LEVELS; level++) {
        unsigned char number[10];
        size_t length = (size_t)(bytes + ROOM - start);
        int digits = 0;
        for (; digits == 0 || length; length >>= 7) number[digits++] = (unsigned char)((length & 0x7f) | 0x80);
        number[digits - 1] &= 0x7f;
        start -= digits + 1;
        *start = (char)(level == LEVELS - 1 ? 7 << 3 | 2
                                            : keys[(LEVELS - level) % 3]); /* last: graph of the model */
        memcpy(start + 1, number, (size_t)digits);
    }
    write_bytes(start, (size_t)(bytes + ROOM - start));
    peek_network *network = NULL;
    assert_int_equal(peek_network_load(context, path, &network), PEEK_E_UNSUPPORTED);
    assert_non_null(strstr(peek_error(context), "nested"));
    free(bytes);
}

static void preprocessing(void **state)
{
    (void)state;
    peek__preprocess p = {0};
    char *text;
    OK(peek__preprocess_parse(context, "mean=0.1,0.2,0.3,std=0.5", 3, &p));
    assert_true(p.channels == 3 && p.mean[2] == 0.3 && p.deviation[2] == 0.5);
    OK(peek__preprocess_text(context, &p, &text));
    OK(peek__preprocess_parse(context, text, 3, &p));
    assert_true(p.mean[0] == 0.1);
    peek__free(&text);
    OK(peek__preprocess_parse(context, "imagenet", 3, &p));
    assert_true(p.mean[0] == 0.485);
    static const char *const wrong[] = {"",           "mean=1",          "mean=1,std=0",      "mean=1,2,std=1",
                                        "mean=,std=", "mean=1,std=1,2,", "mean=nan,std=1",    "std=1,mean=1",
                                        "imagenets",  "mean=1,std=1 ",   "mean=1,2,3,4,std=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(peek__preprocess_parse(context, wrong[i], 3, &p), PEEK_E_ARGUMENT);
    assert_int_equal(peek__preprocess_parse(context, "imagenet", 1, &p), PEEK_E_ARGUMENT);
    assert_int_equal(p.channels, 3);
    OK(peek__preprocess_parse(context, "none", 3, &p));
    assert_int_equal(p.channels, 0);
}

/* Every allocation and file operation fails once; nothing may leak, and the status is the failure's. */
static peek_status build_save_load(void)
{
    static float x[784], y[10];
    peek_network *network = NULL, *read = NULL;
    peek_status status = peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network);
    if (status == PEEK_OK) status = peek_network_save(context, network, path);
    if (status == PEEK_OK) status = peek_network_load(context, path, &read);
    if (status == PEEK_OK) status = peek_network_run(context, read, x, 1, NULL, y);
    peek_network_free(&network);
    peek_network_free(&read);
    return status;
}

static void faults(void **state)
{
    (void)state;
    int64_t nth = 1;
    for (;; nth++) {
        peek__fail_nth(context, nth);
        peek_status status = build_save_load();
        peek__fail_nth(context, 0);
        if (status == PEEK_OK) break;
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
    }
    assert_true(nth > 50);
}

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    if (peek_context_create(&context, NULL) != PEEK_OK) return -1;
    snprintf(path, sizeof path, "%s/network.onnx", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peek_context_free(&context);
    unlink(path);
    return rmdir(folder);
}

/* Sanitizers take memory of their own. */
#ifdef __has_feature
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if !SANITIZED
/* Bytes of private memory this process has. */
static int64_t data_size(void)
{
    char line[256];
    long long kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (kilobytes < 0 && fgets(line, sizeof line, file)) sscanf(line, "VmData: %lld", &kilobytes);
    fclose(file);
    return kilobytes * 1024;
}

/* Reads the file with so much more memory than now. */
static peek_status read_within(int64_t more, peek_network **out)
{
    struct rlimit before, within;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    within = (struct rlimit){(rlim_t)(data_size() + more), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &within), 0);
    peek_status status = peek_network_load(context, path, out);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    return status;
}

/* While a network is read, its weights are in memory once, and too little memory is said to be so. */
static void weights_once(void **state)
{
    (void)state;
    const int64_t size = 16 << 20, bytes = 4 * size;
    const int64_t shape[2] = {-1, size};
    const char *inputs[2] = {"x", "w"}, *output = "y";
    peek_network *network;
    peek__node *node;
    int64_t number;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    OK(peek__copy_text(context, &network->name, "large"));
    OK(peek__copy_text(context, &network->producer, "test"));
    OK(peek__graph_input(context, network, "x", PEEK__TYPE_FLOAT, 2, shape, NULL));
    OK(peek__graph_constant(context, network, "w", PEEK__TYPE_FLOAT, 1, &size, &number));
    OK(peek__graph_node(context, network, "Add", "sum", 2, inputs, 1, &output, &node));
    OK(peek__graph_output(context, network, "y", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
    OK(peek_network_save(context, network, path));
    peek_network_free(&network);
    if (read_within(bytes + bytes / 2, &network) != PEEK_OK) fail_msg("%s", peek_error(context));
    peek_network_free(&network);
    assert_int_equal(read_within(bytes / 2, &network), PEEK_E_MEMORY);
    assert_non_null(strstr(peek_error(context), "not enough memory"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(tensors),
        cmocka_unit_test(threads),
        cmocka_unit_test(broken_graphs),
        cmocka_unit_test(broken_windows),
        cmocka_unit_test(order_and_folding),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(preprocessing),
        cmocka_unit_test(nested_file),
        cmocka_unit_test(faults),
#if !SANITIZED
        cmocka_unit_test(weights_once),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
