/* network/survey.h: how the samples lie in every value of a network.
 *
 * The standard says nothing of samples: they are a dimension that nodes may move (Transpose) or merge with
 * others (Reshape to samples * heads). So shapes are inferred for two and for three samples, and the dimension
 * that grows is theirs. Where a network can only be run as its file was written (a Reshape to 1 x 197 x 64),
 * one sample, or the file's fixed number, is run at a time. That samples run together do not disturb each other
 * is tried before it is relied on (network/trial.h). */
#ifndef NETWORK_SURVEY_H
#define NETWORK_SURVEY_H

#include "network/graph.h"

/* A value of n samples is outer x (n * factor) x inner numbers; samples in order within the middle. */
typedef struct peek__layer {
    int computed; /* 1: it is computed from the samples; 0: constant, or never made */
    peek__element type;
    int dimensions; /* of one sample */
    int64_t shape[PEEK_DIMENSIONS];
    int64_t size;
    int64_t outer, factor, inner;
} peek__layer;

struct peek__survey {
    int64_t batch;       /* samples that are run at once: 0: any number; else exactly so many */
    peek__tensor *input; /* one an input of the network: type and shape of one sample */
    char *leads;         /* one an input: 1: its first dimension is that of the samples, not part of input */
    int open;            /* 1: the file leaves sizes open, and these are for stand-ins */
    peek__layer *layer;  /* one a value */
    int64_t tensors;     /* values computed from the samples, in the order of execution */
    int64_t *tensor;
};

/* sample: the shape of one sample of each input; NULL, or of type NONE: as the file declares, with stand-ins
 * for what it leaves open. alone: 1: do not run samples together, unless the file asks for it. Errors: those of
 * inference. */
peek_status peek__survey_create(peek_context *context, const peek_network *network, const peek__tensor *sample,
                                int alone, peek__survey **out);
void peek__survey_free(peek__survey **survey);

/* Type and shape of all inputs for this number of samples, without numbers; `input` has network->inputs. */
peek_status peek__survey_inputs(peek_context *context, const peek_network *network, const peek__survey *survey,
                                int64_t samples, peek__tensor *input);

/* Copies the first `count` of `samples` samples of a value to rows of layer->size floats. */
void peek__layer_gather(const peek__layer *layer, const peek__tensor *tensor, int64_t samples, int64_t count,
                        float *out);

#endif
