/* network/batch_norm.c: BatchNormalization.
 *
 *     y = scale (x - mean) / sqrt(variance + epsilon) + bias      a channel each; spatial 0 (before opset 9): a
 *                                                                 place of every channel each
 *
 * When the network is trained here, mean and variance (biased) are those of the batch, which runs as one slice,
 * and the running ones follow them as PyTorch's do. Files in training mode, which are normalised by the samples
 * that happen to run together, are refused. Source: S. Ioffe, C. Szegedy, ICML 2015. */
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

/* Mean and variance of a channel over all samples and places; *count: of its numbers. */
static void find_statistics(const settings *norm, const peek__tensor *x, int64_t c, double *mean,
                            double *variance, int64_t *count)
{
    int64_t lines = x->size / norm->plane;
    double sum = 0, squares = 0;
    *count = lines / norm->features * norm->plane;
    for (int64_t i = c; i < lines; i += norm->features)
        for (int64_t p = 0; p < norm->plane; p++) sum += x->floats[i * norm->plane + p];
    *mean = sum / (double)*count;
    for (int64_t i = c; i < lines; i += norm->features)
        for (int64_t p = 0; p < norm->plane; p++) {
            double difference = x->floats[i * norm->plane + p] - *mean;
            squares += difference * difference;
        }
    *variance = squares / (double)*count;
}

/* Those that a channel is normalised by. */
static void statistics_of(const peek__operation *operation, int64_t c, double *mean, double *variance,
                          int64_t *count)
{
    if (operation->training) {
        find_statistics(operation->settings, operation->input[0], c, mean, variance, count);
    } else {
        *mean = operation->input[3]->floats[c];
        *variance = operation->input[4]->floats[c];
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    const peek__tensor *input = operation->input[0];
    int64_t lines = norm->features && norm->plane ? input->size / norm->plane : 0, count;
    for (int64_t c = 0; c < norm->features && lines; c++) {
        double mean, variance;
        statistics_of(operation, c, &mean, &variance, &count);
        double scale = operation->input[1]->floats[c] / sqrt(variance + norm->epsilon);
        float a = (float)scale, b = (float)(operation->input[2]->floats[c] - scale * mean);
        for (int64_t i = c; i < lines; i += norm->features) {
            const float *x = input->floats + i * norm->plane;
            float *y = operation->output[0]->floats + i * norm->plane;
            for (int64_t p = 0; p < norm->plane; p++) y[p] = a * x[p] + b;
        }
    }
    return PEEK_OK;
}

/* With z = (x - mean) / sqrt(variance + epsilon) and sums over the n numbers of a channel:
 *     dbias = sum dy,   dscale = sum dy z,   dx = scale / sqrt(variance + epsilon) (dy - dbias / n - z dscale /
 * n) The gradients of the running mean and variance are not gradients but the batch's own mean and (unbiased)
 * variance, which training averages into them (peek__averaged_inputs). */
static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *norm = operation->settings;
    const peek__tensor *input = operation->input[0];
    float *const *to = operation->input_gradient;
    int64_t lines = norm->features && norm->plane ? input->size / norm->plane : 0, count;
    for (int64_t c = 0; c < norm->features && lines; c++) {
        double mean, variance, sum = 0, product = 0;
        statistics_of(operation, c, &mean, &variance, &count);
        double inverse = 1 / sqrt(variance + norm->epsilon);
        for (int64_t i = c; i < lines; i += norm->features)
            for (int64_t p = 0; p < norm->plane; p++) {
                double dy = operation->output_gradient[0][i * norm->plane + p];
                sum += dy;
                product += dy * (input->floats[i * norm->plane + p] - mean) * inverse;
            }
        if (to[1]) to[1][c] += (float)product;
        if (to[2]) to[2][c] += (float)sum;
        if (to[3]) to[3][c] += (float)mean;
        if (to[4]) to[4][c] += (float)(count > 1 ? variance * (double)count / (double)(count - 1) : variance);
        double scale = operation->input[1]->floats[c] * inverse;
        for (int64_t i = c; to[0] && i < lines; i += norm->features)
            for (int64_t p = 0; p < norm->plane; p++) {
                int64_t at = i * norm->plane + p;
                double z = (input->floats[at] - mean) * inverse;
                to[0][at] += (float)(scale * (operation->output_gradient[0][at] - sum / (double)count -
                                              z * product / (double)count));
            }
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
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__batch_norm_family = PEEK__FAMILY(rows);
