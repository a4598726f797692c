/* fuzz/run.c: a small run folder and a small training. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "network/graph.h"

enum { SIDE = 4, CLASSES = 3, MAPS = 2 };

static void must(const peek_context *context, peek_status status)
{
    if (status != PEEK_OK) fprintf(stderr, "%s\n", peek_error(context));
    fuzz_must(status == PEEK_OK, "the small run can be made");
}

/* Between 0 and 1, the same every time. */
static float draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (float)(*state >> 16) / 65536;
}

static void draw_all(float *pixels, int32_t *labels)
{
    uint32_t state = 1;
    for (int t = 0; t < RUN_SAMPLES; t++) {
        labels[t] = t % CLASSES;
        for (int i = 0; i < SIDE * SIDE; i++)
            pixels[t * SIDE * SIDE + i] = (draw(&state) + (i % CLASSES == labels[t])) / 2;
    }
}

peek_dataset *run_pictures(peek_context *context)
{
    float pixels[RUN_SAMPLES * SIDE * SIDE];
    int32_t labels[RUN_SAMPLES];
    peek_dataset *dataset = NULL;
    draw_all(pixels, labels);
    must(context, peek_dataset_from_array(context, pixels, labels, RUN_SAMPLES, 1, SIDE, SIDE, &dataset));
    return dataset;
}

static void add_weight(peek_context *context, peek_network *network, const char *name, int dimensions,
                       const int64_t *shape)
{
    int64_t number;
    uint32_t state = (uint32_t)dimensions;
    must(context, peek__graph_constant(context, network, name, PEEK__TYPE_FLOAT, dimensions, shape, &number));
    peek__tensor *weight = &network->value[number].tensor;
    for (int64_t i = 0; i < weight->size; i++) weight->floats[i] = draw(&state) - 0.4f;
}

static peek__node *add_node(peek_context *context, peek_network *network, const char *op, const char *from,
                            const char *weight, const char *bias, const char *to)
{
    const char *inputs[3] = {from, weight, bias};
    peek__node *node;
    must(context, peek__graph_node(context, network, op, to, weight ? 3 : 1, inputs, 1, &to, &node));
    return node;
}

peek_network *run_network(peek_context *context)
{
    static const int64_t input[4] = {-1, 1, SIDE, SIDE}, kernel[4] = {MAPS, 1, 3, 3},
                         dense[2] = {CLASSES, MAPS * 4};
    peek_network *network;
    must(context, peek__graph_create(context, &network));
    network->opset = 13;
    network->ir_version = 7;
    must(context, peek__copy_text(context, &network->name, "small"));
    must(context, peek__copy_text(context, &network->producer, "fuzz"));
    must(context, peek__graph_input(context, network, "input", PEEK__TYPE_FLOAT, 4, input, NULL));
    add_weight(context, network, "kernel", 4, kernel);
    add_weight(context, network, "kernel.bias", 1, kernel);
    add_weight(context, network, "dense", 2, dense);
    add_weight(context, network, "dense.bias", 1, dense);
    add_node(context, network, "Conv", "input", "kernel", "kernel.bias", "conv");
    add_node(context, network, "Relu", "conv", NULL, NULL, "relu");
    add_node(context, network, "Flatten", "relu", NULL, NULL, "flat");
    peek__node *gemm = add_node(context, network, "Gemm", "flat", "dense", "dense.bias", "logits");
    must(context, peek__graph_integer(context, gemm, "transB", 1));
    add_node(context, network, "Softmax", "logits", NULL, NULL, "softmax");
    must(context, peek__graph_output(context, network, "softmax", PEEK__TYPE_FLOAT, -1, NULL, NULL));
    must(context, peek__graph_finish(context, network));
    return network;
}

static void fit(peek_context *context, const char *capture, const char *folder)
{
    peek_problem *problem;
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = RUN_RANK;
    options.iterations = 5;
    must(context, peek_problem_create(context, &problem));
    must(context, peek_problem_add_capture(context, problem, capture, PEEK_SIGNED_REFUSE));
    must(context, peek_fit(context, problem, &options, &model));
    must(context, peek_model_save(context, model, folder));
    peek_model_free(&model);
    peek_problem_free(&problem);
}

void run_make(const char *folder)
{
    peek_context *context = fuzz_begin(0);
    char capture[512], model[512], onnx[512];
    snprintf(capture, sizeof capture, "%s/capture", folder);
    snprintf(model, sizeof model, "%s/fit/rank-%d", folder, RUN_RANK);
    snprintf(onnx, sizeof onnx, "%s/network.onnx", folder);
    peek_measure_options measures;
    peek_measure_options_default(&measures);
    measures.all = 1;
    measures.starts = 2;
    measures.folds = 2;
    peek_dataset *pictures = run_pictures(context);
    peek_network *network = run_network(context);
    must(context, peek_network_save(context, network, onnx));
    must(context, peek_capture(context, network, pictures, NULL, capture));
    fit(context, capture, model);
    must(context, peek_measure(context, folder, &measures));
    peek_network_free(&network);
    peek_dataset_free(&pictures);
    peek_context_free(&context);
}

peek_status run_train(peek_context *context, const char *checkpoint, int64_t epochs)
{
    peek_train_options options;
    peek_train_options_default(&options);
    options.epochs = epochs;
    options.batch = RUN_SAMPLES / 2;
    options.checkpoint = checkpoint;
    options.resume = 1;
    peek_dataset *pictures = run_pictures(context);
    peek_network *network = run_network(context);
    peek_status status = peek_network_train(context, network, pictures, &options, NULL);
    peek_network_free(&network);
    peek_dataset_free(&pictures);
    return status;
}

static peek_status forget(peek_model *model, void *user)
{
    (void)user;
    peek_model_free(&model);
    return PEEK_OK;
}

peek_status run_fit(peek_context *context, const char *checkpoint)
{
    enum { RANKS = 2 };
    static const int64_t ranks[RANKS] = {1, RUN_RANK};
    float pixels[RUN_SAMPLES * SIDE * SIDE];
    int32_t labels[RUN_SAMPLES];
    peek_problem *problem;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.iterations = 6;
    options.tolerance = 0;
    options.restarts = 2;
    options.checkpoint = checkpoint;
    options.checkpoint_every = 0;
    options.resume = 1;
    draw_all(pixels, labels);
    PEEK_TRY(peek_problem_create(context, &problem));
    peek_status status = peek_problem_add_array(context, problem, "pictures", pixels, RUN_SAMPLES, SIDE * SIDE,
                                                SIDE * SIDE, PEEK_SIGNED_REFUSE);
    if (status == PEEK_OK) status = peek_sweep(context, problem, &options, RANKS, ranks, forget, NULL);
    peek_problem_free(&problem);
    return status;
}

const char *run_document(int index, char *letter)
{
    static const struct {
        char letter;
        const char *file;
    } documents[] = {{'m', "capture/manifest.json"}, {'f', "fit/rank-2/fit.json"}, {'s', "measures.json"}};
    if (index < 0 || index >= (int)(sizeof documents / sizeof *documents)) return NULL;
    *letter = documents[index].letter;
    return documents[index].file;
}
