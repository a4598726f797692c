/* network/loss.c: cross-entropy from logits. */
#include "network/loss.h"
#include "network/survey.h"

#include <math.h>
#include <string.h>

int64_t peek__loss_value(const peek_network *network)
{
    int64_t output = network->output[0].value;
    const peek__node *last = &network->node[network->value[output].node];
    int probabilities = strcmp(last->op, "Softmax") == 0 || strcmp(last->op, "LogSoftmax") == 0;
    int64_t input = last->input[0];
    /* Only a softmax over all outputs of a sample is the one of the loss. */
    return probabilities && network->survey->layer[input].dimensions == 1 ? input : output;
}

/* softmax of z to p; returns log sum exp(z). */
static double softmax(const float *z, int64_t classes, float *p)
{
    float most = z[0];
    for (int64_t i = 1; i < classes; i++)
        if (z[i] > most) most = z[i];
    double sum = 0;
    for (int64_t i = 0; i < classes; i++) {
        p[i] = expf(z[i] - most);
        sum += p[i];
    }
    float inverse = (float)(1 / sum);
    for (int64_t i = 0; i < classes; i++) p[i] *= inverse;
    return most + log(sum);
}

/* d/dz of -log softmax(p)_label with p = softmax(z); gradients holds p before. q_i = softmax(p)_i is computed
 * twice rather than stored. */
static double saturating(float *p, int32_t label, int64_t classes)
{
    float most = p[0];
    double sum = 0, product = 0;
    for (int64_t i = 1; i < classes; i++)
        if (p[i] > most) most = p[i];
    for (int64_t i = 0; i < classes; i++) sum += exp((double)p[i] - most);
    double loss = most + log(sum) - p[label];
    for (int64_t i = 0; i < classes; i++) product += p[i] * (exp((double)p[i] - most) / sum - (i == label));
    for (int64_t i = 0; i < classes; i++)
        p[i] = (float)(p[i] * (exp((double)p[i] - most) / sum - (i == label) - product));
    return loss;
}

void peek__loss(peek_loss kind, const float *logits, const int32_t *labels, int64_t count, int64_t classes,
                float scale, float *gradients, peek__loss_sum *sum)
{
    for (int64_t n = 0; n < count; n++) {
        const float *z = logits + n * classes;
        float *g = gradients + n * classes;
        int64_t best = 0;
        for (int64_t i = 1; i < classes; i++)
            if (z[i] > z[best]) best = i;
        sum->right += best == labels[n];
        double log_sum = softmax(z, classes, g);
        if (kind == PEEK_LOSS_SATURATING) {
            sum->loss += saturating(g, labels[n], classes);
        } else {
            sum->loss += log_sum - z[labels[n]];
            g[labels[n]] -= 1;
        }
        for (int64_t i = 0; i < classes; i++) g[i] *= scale;
    }
}
