/* network/loss.h: what training makes small. */
#ifndef NETWORK_LOSS_H
#define NETWORK_LOSS_H

#include "network/graph.h"

/* The value the loss is computed from: the input of the softmax the network ends with, else its output. */
int64_t peek__loss_value(const peek_network *network);

typedef struct peek__loss_sum {
    double loss; /* summed over samples */
    int64_t right;
} peek__loss_sum;

/* Loss of `count` samples and, in gradients (count x classes), its derivative times `scale`.
 *   cross-entropy: -log softmax(z)_label            saturating: -log softmax(softmax(z))_label */
void peek__loss(peek_loss kind, const float *logits, const int32_t *labels, int64_t count, int64_t classes,
                float scale, float *gradients, peek__loss_sum *sum);

#endif
