/* Any bytes as an ONNX file: read, run once with small numbers, loaded as a network of samples and run as one.
 *
 * What must hold: no crash, no error of the sanitizers, a sentence of one line for every refusal, and an end
 * within the deadline. libFuzzer calls LLVMFuzzerTestOneInput(); fuzz/replay.c does so without clang. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "network/run.h"

enum { MOST_PORTS = 16 };

/* Inputs of more numbers are not run: time is better spent on other files. */
static const int64_t most_numbers = 1 << 14;

/* The listener asks to stop after so many seconds. */
static const double patience = 2;

static char folder[64], path[96], weights[96];
static double started;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Sanitizers: memory that cannot be had gives NULL, as it does without them, and so does more than a small
 * machine has. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=512:detect_leaks=1";
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int stop(const peek_event *event, void *user)
{
    (void)event;
    (void)user;
    return now() - started > patience;
}

static void remove_folder(void)
{
    unlink(path);
    unlink(weights);
    rmdir(folder);
}

static void write_file(const char *to, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(to, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) abort();
}

/* A folder for the file, with another one that external data may be read from. */
static void make_folder(void)
{
    uint8_t numbers[256];
    if (folder[0]) return;
    strcpy(folder, "/tmp/nnpeek-fuzz-XXXXXX");
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    snprintf(weights, sizeof weights, "%s/weights.bin", folder);
    for (size_t i = 0; i < sizeof numbers; i++) numbers[i] = (uint8_t)(i * 37 % 61);
    write_file(weights, numbers, sizeof numbers);
    atexit(remove_folder);
}

/* A refusal has one sentence. */
static void check(const peek_context *context, peek_status status)
{
    if (status == PEEK_OK) return;
    const char *sentence = peek_error(context);
    if (!*sentence || strpbrk(sentence, "\n\r")) {
        fprintf(stderr, "not one sentence: '%s'\n", sentence);
        abort();
    }
}

/* Numbers between -1 and 1, or small integers. Gives 0 where the port cannot be filled. */
static int fill(peek_context *context, const peek__port *port, peek__tensor *out)
{
    int64_t shape[PEEK_DIMENSIONS] = {4}, size = 1;
    int dimensions = port->shaped ? port->dimensions : 1;
    for (int d = 0; d < dimensions; d++) {
        if (port->shaped) shape[d] = port->shape[d] < 0 ? 2 : port->shape[d];
        size = peek__product(size, shape[d]);
    }
    if (size < 0 || size > most_numbers) return 0;
    out->type = port->type == PEEK__TYPE_NONE ? PEEK__TYPE_FLOAT : port->type;
    if (peek__tensor_shape(context, out, "an input", dimensions, shape) != PEEK_OK ||
        peek__tensor_allocate(context, out, "an input") != PEEK_OK)
        return 0;
    for (int64_t i = 0; i < size; i++) {
        if (peek__is_float(out->type))
            out->floats[i] = (float)(i * 29 % 64) / 32 - 1;
        else
            out->integers[i] = out->type == PEEK__TYPE_BOOL ? i & 1 : i % 3;
    }
    return 1;
}

static void run_once(peek_context *context)
{
    peek_network *network = NULL;
    peek__tensor input[MOST_PORTS] = {0}, output[MOST_PORTS] = {0};
    peek_status status = peek__network_read(context, path, &network);
    check(context, status);
    if (status == PEEK_OK && network->inputs <= MOST_PORTS && network->outputs <= MOST_PORTS) {
        int filled = 1;
        for (int64_t i = 0; filled && i < network->inputs; i++)
            filled = fill(context, &network->input[i], &input[i]);
        if (filled)
            check(context,
                  peek__network_run(context, network, network->inputs, input, network->outputs, output));
    }
    for (int i = 0; i < MOST_PORTS; i++) {
        peek__free(&input[i].data);
        peek__free(&output[i].data);
    }
    peek_network_free(&network);
}

static void run_samples(peek_context *context)
{
    peek_network *network = NULL;
    peek_status status = peek_network_load(context, path, &network);
    check(context, status);
    if (status != PEEK_OK) return;
    peek_network_info info = peek_network_describe(network);
    int64_t size = peek__product(peek__product(info.channels, info.height), info.width), largest = 0;
    for (int64_t i = 0; i < info.tensors; i++) {
        peek_tensor_info tensor;
        check(context, peek_network_tensor(context, network, i, &tensor));
        if (tensor.size > largest) largest = tensor.size;
    }
    if (size > 0 && 3 * size <= most_numbers && info.outputs >= 0 && largest <= 64 * most_numbers) {
        float *x = calloc((size_t)(3 * size), sizeof *x),
              *y = calloc((size_t)(3 * info.outputs + 1), sizeof *y);
        if (!x || !y) abort();
        for (int64_t i = 0; i < 3 * size; i++) x[i] = (float)(i % 17) / 16;
        check(context, peek_network_run(context, network, x, 3, NULL, y));
        free(x);
        free(y);
    }
    peek_network_free(&network);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    peek_context *context = NULL;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = 1;
    options.event = stop;
    make_folder();
    write_file(path, bytes, size);
    started = now();
    if (peek_context_create(&context, &options) != PEEK_OK) abort();
    run_once(context);
    run_samples(context);
    peek_context_free(&context);
    return 0;
}
