/* network/checkpoint.h: a training that can go on after a stop. */
#ifndef NETWORK_CHECKPOINT_H
#define NETWORK_CHECKPOINT_H

#include "network/graph.h"

/* Where a training is: after so many whole epochs, and so many steps of the next. Order and learning rate of an
 * epoch follow from its number; running statistics are weights. */
typedef struct peek__checkpoint {
    char made_from[17];    /* digest of the network before training, the data and the options that matter */
    int64_t epochs, steps; /* steps: of all epochs */
    double loss, train_accuracy; /* of the last whole epoch */
    int64_t inside;              /* steps of the epoch under way */
    double loss_sum;             /* over the samples of those */
    int64_t right_sum;
    double seconds;
    peek_network *network; /* its weights are written or read */
    float *velocity;       /* parameters */
} peek__checkpoint;

/* Writes a file, whole or not at all. Errors: E_IO, E_MEMORY. */
peek_status peek__checkpoint_write(peek_context *context, const peek__checkpoint *checkpoint, const char *path);

/* Reads it back into the weights, the velocity and the rest. Nothing is changed where it fails. Errors: E_IO,
 * E_FORMAT (no checkpoint, cut short, damaged), E_ARGUMENT (made_from differs), E_MEMORY. */
peek_status peek__checkpoint_read(peek_context *context, peek__checkpoint *checkpoint, const char *path);

#endif
