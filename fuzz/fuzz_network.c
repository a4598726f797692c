/* Any bytes as an ONNX file: read, run once with small numbers, loaded as a network of samples and run as one.
 */
#include <stdlib.h>

#include "case.h"
#include "network/run.h"

enum { MOST_PORTS = 16 };

/* Inputs of more numbers are not run: time is better spent on other files. */
static const int64_t most_numbers = 1 << 14;

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

static void run_once(peek_context *context, const char *path)
{
    peek_network *network = NULL;
    peek__tensor input[MOST_PORTS] = {0}, output[MOST_PORTS] = {0};
    if (fuzz_check(context, peek__network_read(context, path, &network)) && network->inputs <= MOST_PORTS &&
        network->outputs <= MOST_PORTS) {
        int filled = 1;
        for (int64_t i = 0; filled && i < network->inputs; i++)
            filled = fill(context, &network->input[i], &input[i]);
        if (filled)
            fuzz_check(context,
                       peek__network_run(context, network, network->inputs, input, network->outputs, output));
    }
    for (int i = 0; i < MOST_PORTS; i++) {
        peek__free(&input[i].data);
        peek__free(&output[i].data);
    }
    peek_network_free(&network);
}

static void run_samples(peek_context *context, const char *path)
{
    peek_network *network = NULL;
    if (!fuzz_check(context, peek_network_load(context, path, &network))) return;
    peek_network_info info = peek_network_describe(network);
    int64_t size = peek__product(peek__product(info.channels, info.height), info.width), largest = 0;
    for (int64_t i = 0; i < info.tensors; i++) {
        peek_tensor_info tensor;
        fuzz_check(context, peek_network_tensor(context, network, i, &tensor));
        if (tensor.size > largest) largest = tensor.size;
    }
    if (size > 0 && 3 * size <= most_numbers && info.outputs >= 0 && largest <= 64 * most_numbers) {
        float *x = calloc((size_t)(3 * size), sizeof *x),
              *y = calloc((size_t)(3 * info.outputs + 1), sizeof *y);
        fuzz_must(x && y, "there is memory for three samples");
        for (int64_t i = 0; i < 3 * size; i++) x[i] = (float)(i % 17) / 16;
        fuzz_check(context, peek_network_run(context, network, x, 3, NULL, y));
        free(x);
        free(y);
    }
    peek_network_free(&network);
}

/* A file of numbers that external data may be read from. */
static void write_weights(void)
{
    static int written;
    uint8_t numbers[256];
    if (written++) return;
    for (size_t i = 0; i < sizeof numbers; i++) numbers[i] = (uint8_t)(i * 37 % 61);
    fuzz_write("weights.bin", numbers, sizeof numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = fuzz_write("m.onnx", bytes, size);
    write_weights();
    run_once(context, path);
    run_samples(context, path);
    peek_context_free(&context);
    return 0;
}
