/* network/class_loss.c: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, as files for training have them.
 *
 *     l[n, d] = -weight[c] y[n, c, d]   for c = target[n, d];   0 where c is ignore_index
 *     y: the input (log-probabilities), or (cross-entropy) the logarithm of its softmax over the classes
 *     loss: l,  or its sum,  or (mean) its sum over that of the weights that went into it
 *
 * Source: the ONNX operators. */
#include "network/line.h"

#include <math.h>
#include <string.h>

enum { SCORES, TARGET, WEIGHT };

typedef struct settings {
    peek__lines lines;
    int softmax, mean, none; /* neither mean nor none: the sum */
    int ignores;
    int64_t ignored;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[SCORES], *target = operation->input[TARGET],
                       *weight = peek__input(operation, WEIGHT);
    const peek__attribute *ignored = peek__attribute_find(operation->node, "ignore_index");
    const char *reduction = peek__attribute_text(operation->node, "reduction", "mean");
    settings *loss;
    PEEK_TRY(peek__infer_settings(context, operation, &loss));
    PEEK_TRY(peek__needs_floats(context, operation, SCORES));
    PEEK_TRY(peek__needs_integers(context, operation, TARGET));
    if (weight) PEEK_TRY(peek__needs_floats(context, operation, WEIGHT));
    int fits = x->dimensions >= 2 && target->dimensions == x->dimensions - 1 && target->shape[0] == x->shape[0];
    for (int d = 2; fits && d < x->dimensions; d++) fits = target->shape[d - 1] == x->shape[d];
    if (!fits || (weight && weight->size != x->shape[1]))
        return peek__broken(context, operation, "its classes or weights are not those of '%s'",
                            peek__input_name(operation, SCORES));
    loss->lines = peek__lines_along(x, 1);
    loss->softmax = strcmp(operation->node->op, "SoftmaxCrossEntropyLoss") == 0;
    loss->mean = strcmp(reduction, "mean") == 0;
    loss->none = strcmp(reduction, "none") == 0;
    if (!loss->mean && !loss->none && strcmp(reduction, "sum") != 0)
        return peek__broken(context, operation, "its reduction '%.40s' is not known", reduction);
    loss->ignores = ignored != NULL;
    loss->ignored = ignored ? ignored->integer : 0;
    PEEK_TRY(
        peek__infer_output(context, operation, 0, x->type, loss->none ? target->dimensions : 0, target->shape));
    return peek__infer_output(context, operation, 1, x->type, x->dimensions, x->shape);
}

/* log sum exp of a line; 0 where the numbers are logarithms already. */
static double normaliser(const settings *loss, const float *x)
{
    double sum = 0;
    float most = -INFINITY;
    if (!loss->softmax) return 0;
    for (int64_t c = 0; c < loss->lines.length; c++)
        if (x[c * loss->lines.inner] > most) most = x[c * loss->lines.inner];
    for (int64_t c = 0; c < loss->lines.length; c++) sum += exp((double)x[c * loss->lines.inner] - most);
    return most + log(sum);
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *loss = operation->settings;
    const peek__tensor *x = operation->input[SCORES], *weight = peek__input(operation, WEIGHT);
    const int64_t *target = operation->input[TARGET]->integers;
    peek__tensor *y = operation->output[0], *log_prob = operation->outputs > 1 ? operation->output[1] : NULL;
    double sum = 0, weights = 0;
    for (int64_t line = 0; line < peek__line_count(&loss->lines); line++) {
        int64_t start = peek__line_start(&loss->lines, line), class = target[line], step = loss->lines.inner;
        double shift = normaliser(loss, x->floats + start), one = 0;
        for (int64_t c = 0; log_prob && c < loss->lines.length; c++)
            log_prob->floats[start + c * step] = (float)(x->floats[start + c * step] - shift);
        if (!loss->ignores || class != loss->ignored) {
            if (class < 0 || class >= loss->lines.length)
                return peek__broken(context, operation, "its class %lld is outside %lld classes",
                                    (long long)class, (long long)loss->lines.length);
            double w = weight ? weight->floats[class] : 1;
            one = -w * (x->floats[start + class * step] - shift);
            weights += w;
        }
        sum += one;
        if (y && loss->none) y->floats[line] = (float)one;
    }
    if (y && !loss->none) y->floats[0] = (float)(loss->mean ? sum / weights : sum);
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "NegativeLogLikelihoodLoss",
     .first = 12,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer,
     .forward = forward},
    {.name = "SoftmaxCrossEntropyLoss",
     .first = 12,
     .least_inputs = 2,
     .most_inputs = 3,
     .most_outputs = 2,
     .infer = infer,
     .forward = forward},
};
const peek__family peek__class_loss_family = PEEK__FAMILY(rows);
