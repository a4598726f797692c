/* network/survey.c: how the samples lie in every value of a network. */
#include "network/survey.h"
#include "network/instance.h"

#include <string.h>

void peek__survey_free(peek__survey **pointer)
{
    if (!pointer || !*pointer) return;
    peek__free(&(*pointer)->input);
    peek__free(&(*pointer)->leads);
    peek__free(&(*pointer)->layer);
    peek__free(&(*pointer)->tensor);
    peek__free(pointer);
}

peek_status peek__survey_inputs(peek_context *context, const peek_network *network, const peek__survey *survey,
                                int64_t samples, peek__tensor *input)
{
    for (int64_t i = 0; i < network->inputs; i++) {
        const peek__tensor *sample = &survey->input[i];
        int64_t shape[PEEK_DIMENSIONS + 1] = {samples};
        for (int d = 0; d < sample->dimensions; d++) shape[d + survey->leads[i]] = sample->shape[d];
        input[i] = (peek__tensor){.type = sample->type};
        PEEK_TRY(peek__tensor_shape(context, &input[i], network->value[network->input[i].value].name,
                                    sample->dimensions + survey->leads[i], shape));
    }
    return PEEK_OK;
}

static peek_status infer(peek_context *context, const peek_network *network, const peek__survey *survey,
                         int64_t samples, peek__instance **out)
{
    peek__tensor *input;
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &input, network->inputs, "the shapes of a network"));
    peek_status status = peek__survey_inputs(context, network, survey, samples, input);
    if (status == PEEK_OK) status = peek__instance_create(context, network, input, out);
    peek__free(&input);
    return status;
}

/* A layer whose dimension `axis` holds `samples` samples. */
static void cut(peek__layer *layer, const peek__tensor *tensor, int axis, int64_t samples)
{
    layer->factor = tensor->shape[axis] / samples;
    layer->outer = layer->inner = 1;
    for (int d = 0; d < tensor->dimensions; d++) {
        if (d < axis) layer->outer *= tensor->shape[d];
        if (d > axis) layer->inner *= tensor->shape[d];
        if (d != axis || layer->factor != 1)
            layer->shape[layer->dimensions++] = d == axis ? layer->factor : tensor->shape[d];
    }
    layer->size = layer->outer * layer->factor * layer->inner;
}

/* From the shapes for two and three samples. 0: it has no dimension of the samples. */
static int measure_pair(peek__layer *layer, const peek__tensor *two, const peek__tensor *three)
{
    int axis = -1;
    if (two->dimensions != three->dimensions) return 0;
    for (int d = 0; d < two->dimensions; d++) {
        if (two->shape[d] == three->shape[d]) continue;
        if (axis >= 0 || two->shape[d] % 2 || two->shape[d] / 2 * 3 != three->shape[d]) return 0;
        axis = d;
    }
    if (axis < 0) return 0;
    cut(layer, two, axis, 2);
    return 1;
}

/* From the shape for the one number of samples that the file is for. */
static int measure_fixed(peek__layer *layer, const peek__tensor *tensor, int64_t samples)
{
    if (tensor->dimensions && tensor->shape[0] == samples) {
        cut(layer, tensor, 0, samples);
        return 1;
    }
    if (samples == 1) { /* all of it is the one sample's */
        layer->dimensions = tensor->dimensions;
        memcpy(layer->shape, tensor->shape, sizeof layer->shape);
        layer->outer = layer->inner = 1;
        layer->size = layer->factor = tensor->size;
        return 1;
    }
    for (int d = 0; d < tensor->dimensions; d++)
        if (tensor->shape[d] == samples) {
            cut(layer, tensor, d, samples);
            return 1;
        }
    if (!tensor->dimensions || tensor->shape[0] % samples) return 0;
    cut(layer, tensor, 0, samples);
    return 1;
}

/* Fills in all layers; more: the instance for three samples, or NULL. *missing: a value without samples, or
 * -1. */
static void measure(const peek_network *network, const peek__instance *instance, const peek__instance *more,
                    peek__survey *survey, int64_t *missing)
{
    *missing = -1;
    survey->tensors = 0;
    memset(survey->layer, 0, (size_t)network->values * sizeof *survey->layer);
    for (int64_t i = 0; i < network->inputs; i++) {
        peek__layer *layer = &survey->layer[network->input[i].value];
        if (survey->leads[i])
            cut(layer, &instance->tensor[network->input[i].value], 0, more ? 2 : survey->batch);
    }
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t o = 0; o < network->node[n].outputs; o++) {
            int64_t value = network->node[n].output[o];
            if (value < 0 || network->value[value].node != n) continue;
            const peek__tensor *tensor = &instance->tensor[value];
            if (tensor->type == PEEK__TYPE_NONE || tensor->data) continue;
            peek__layer *layer = &survey->layer[value];
            *layer = (peek__layer){.computed = 1, .type = tensor->type};
            if (!(more ? measure_pair(layer, tensor, &more->tensor[value])
                       : measure_fixed(layer, tensor, survey->batch)))
                *missing = value;
            survey->tensor[survey->tensors++] = value;
        }
}

/* 1 for failures that another number of samples may not have. */
static int may_pass(peek_status status)
{
    return status == PEEK_E_FORMAT || status == PEEK_E_UNSUPPORTED || status == PEEK_E_SHAPE;
}

/* Tries to run any number of samples together; *can: whether the shapes allow it. */
static peek_status survey_together(peek_context *context, const peek_network *network, peek__survey *survey,
                                   int *can)
{
    peek__instance *two = NULL, *three = NULL;
    int64_t missing = 0;
    *can = 0;
    survey->batch = 0;
    peek_status status = infer(context, network, survey, 2, &two);
    if (status == PEEK_OK) status = infer(context, network, survey, 3, &three);
    if (status == PEEK_OK) {
        measure(network, two, three, survey, &missing);
        *can = missing < 0;
    }
    peek__instance_free(&two);
    peek__instance_free(&three);
    return may_pass(status) ? PEEK_OK : status;
}

static peek_status survey_fixed(peek_context *context, const peek_network *network, peek__survey *survey)
{
    const peek__port *first = &network->input[0];
    peek__instance *instance;
    int64_t missing;
    survey->batch = first->dimensions && first->shape[0] > 1 ? first->shape[0] : 1;
    PEEK_TRY(infer(context, network, survey, survey->batch, &instance));
    measure(network, instance, NULL, survey, &missing);
    peek__instance_free(&instance);
    if (missing < 0) return PEEK_OK;
    return peek__fail(context, PEEK_E_UNSUPPORTED,
                      "the network runs %lld samples at once, and '%s' cannot be cut into them: export it for "
                      "one sample, or with an open first dimension",
                      (long long)survey->batch, network->value[missing].name);
}

static peek_status survey_shapes(peek_context *context, const peek_network *network, int alone,
                                 peek__survey *survey)
{
    int can = 0;
    if (!alone) PEEK_TRY(survey_together(context, network, survey, &can));
    return can ? PEEK_OK : survey_fixed(context, network, survey);
}

/* What one sample of each input is: of `sample` where it says so, else of the file. channels, side: for sizes
 * the file leaves open. */
static peek_status shape_inputs(peek_context *context, const peek_network *network, const peek__tensor *sample,
                                int64_t channels, int64_t side, peek__survey *survey)
{
    for (int64_t i = 0; i < network->inputs; i++) {
        const peek__port *port = &network->input[i];
        peek__tensor *input = &survey->input[i];
        const char *name = network->value[port->value].name;
        if (port->type == PEEK__TYPE_NONE)
            return peek__fail(context, PEEK_E_FORMAT, "the network's input '%s' has no type", name);
        if (sample && sample[i].type != PEEK__TYPE_NONE) {
            *input = sample[i];
            survey->leads[i] = 1;
        } else {
            int64_t first = network->input[0].dimensions ? network->input[0].shape[0] : 0,
                    shape[PEEK_DIMENSIONS];
            if (!port->shaped)
                return peek__fail(context, PEEK_E_UNSUPPORTED,
                                  "the network's input '%s' has no shape: export it with one", name);
            if (i == 0 && !port->dimensions)
                return peek__fail(context, PEEK_E_UNSUPPORTED,
                                  "the network's input '%s' is one number, not a list of samples", name);
            survey->leads[i] = port->dimensions && (i == 0 || port->shape[0] < 0 || port->shape[0] == first);
            for (int d = survey->leads[i]; d < port->dimensions; d++) {
                survey->open |= port->shape[d] < 0;
                shape[d - survey->leads[i]] = port->shape[d] >= 0               ? port->shape[d]
                                              : port->dimensions == 4 && d == 1 ? channels
                                                                                : side;
            }
            PEEK_TRY(peek__tensor_shape(context, input, name, port->dimensions - survey->leads[i], shape));
        }
        input->type = port->type;
        input->data = NULL;
    }
    return PEEK_OK;
}

static peek_status fill(peek_context *context, const peek_network *network, const peek__tensor *sample,
                        int alone, peek__survey *survey)
{
    /* Stand-ins, the most usual first. */
    static const int64_t channels[] = {3, 1}, sides[] = {224, 32, 64, 128, 256, 512, 28};
    int64_t outputs = 0;
    for (int64_t n = 0; n < network->nodes; n++) outputs += network->node[n].outputs;
    PEEK_TRY(peek__alloc(context, &survey->input, network->inputs, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &survey->leads, network->inputs, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &survey->layer, network->values, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &survey->tensor, outputs, "the shapes of a network"));
    peek_status status = PEEK_OK;
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
            PEEK_TRY(shape_inputs(context, network, sample, channels[c], sides[s], survey));
            status = survey_shapes(context, network, alone, survey);
            if (!survey->open || !may_pass(status)) return status;
        }
    return status;
}

peek_status peek__survey_create(peek_context *context, const peek_network *network, const peek__tensor *sample,
                                int alone, peek__survey **out)
{
    *out = NULL;
    peek__survey *survey;
    PEEK_TRY(peek__alloc(context, &survey, 1, "the shapes of a network"));
    peek_status status = fill(context, network, sample, alone, survey);
    if (status == PEEK_OK)
        *out = survey;
    else
        peek__survey_free(&survey);
    return status;
}

void peek__layer_gather(const peek__layer *layer, const peek__tensor *tensor, int64_t samples, int64_t count,
                        float *out)
{
    int64_t run = layer->factor * layer->inner;
    for (int64_t s = 0; s < count; s++)
        for (int64_t o = 0; o < layer->outer; o++, out += run) {
            int64_t from = (o * samples + s) * run;
            if (peek__is_float(tensor->type))
                memcpy(out, tensor->floats + from, (size_t)run * sizeof *out);
            else
                for (int64_t i = 0; i < run; i++) out[i] = (float)tensor->integers[from + i];
        }
}
