/* network/batch_norm.c: BatchNormalization as at inference.
 *
 *     y = scale (x - mean) / sqrt(variance + epsilon) + bias      a channel each; spatial 0 (before opset 9): a
 *                                                                 place of every channel each
 *
 * In its training mode it normalises by the samples that happen to run together, which is refused. */
#include "network/operators.h"

#include <math.h>

typedef struct settings {
    float epsilon;
    int64_t features, plane; /* numbers with own statistics, each for `plane` neighbours */
} settings;

/* The mode is told by an attribute, before opset 14 by the number of outputs, before opset 7 by is_test. */
static int is_training(const peek__operation *operation)
{
    const peek__node *node = operation->node;
    if (node->opset >= 14) return peek__attribute_integer(node, "training_mode", 0) != 0;
    if (node->opset < 7 && !peek__attribute_integer(node, "is_test", 0)) return 1;
    for (int64_t i = 1; i < node->outputs; i++)
        if (node->output[i] >= 0) return 1;
    return 0;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    if (is_training(operation))
        return peek__refuse(context, operation, "it is in training mode: export the network for inference");
    settings *norm;
    PEEK_TRY(peek__infer_settings(context, operation, &norm));
    int spatial = operation->node->opset >= 9 || peek__attribute_integer(operation->node, "spatial", 1);
    norm->features = x->dimensions > 1 ? x->shape[1] : 1;
    norm->plane = 1;
    for (int d = 2; d < x->dimensions; d++) *(spatial ? &norm->plane : &norm->features) *= x->shape[d];
    norm->epsilon = peek__attribute_number(operation->node, "epsilon", 1e-5f);
    for (int64_t i = 1; i < 5; i++) {
        PEEK_TRY(peek__needs_floats(context, operation, i));
        if (operation->input[i]->size != norm->features)
            return peek__broken(context, operation, "'%s' has %lld values for %lld channels",
                                peek__input_name(operation, i), (long long)operation->input[i]->size,
                                (long long)norm->features);
    }
    return peek__infer_same(context, operation);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    const float *scales = operation->input[1]->floats, *biases = operation->input[2]->floats;
    const float *means = operation->input[3]->floats, *variances = operation->input[4]->floats;
    int64_t lines = norm->features && norm->plane ? operation->output[0]->size / norm->plane : 0;
    for (int64_t i = 0; i < lines; i++) {
        int64_t c = i % norm->features;
        double scale = scales[c] / sqrt((double)variances[c] + norm->epsilon);
        double shift = biases[c] - scale * means[c];
        const float *x = operation->input[0]->floats + i * norm->plane;
        float *y = operation->output[0]->floats + i * norm->plane, a = (float)scale, b = (float)shift;
        for (int64_t p = 0; p < norm->plane; p++) y[p] = a * x[p] + b;
    }
    return PEEK_OK;
}

/* The other outputs are those of the training mode. */
static const peek__operator rows[] = {{.name = "BatchNormalization",
                                       .first = 1,
                                       .least_inputs = 5,
                                       .most_outputs = 5,
                                       .in_place = 1,
                                       .infer = infer,
                                       .forward = forward}};
const peek__family peek__batch_norm_family = PEEK__FAMILY(rows);
