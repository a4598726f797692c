/* measure/run_network.h: the network of a run, and the pictures it was given. */
#ifndef MEASURE_RUN_NETWORK_H
#define MEASURE_RUN_NETWORK_H

#include "measure/examine.h"

/* Loads the network that the run's capture was made from; the caller frees *out. Errors: E_NOT_FOUND,
 * E_ARGUMENT (another network), those of peek_network_load(). */
peek_status peek__run_network(const peek__examination *of, peek_network **out);

typedef struct peek__pictures {
    int64_t count, channels, height, width;
    int64_t total, step; /* pictures of the capture, and that every step-th is taken */
    float *pixels;       /* count x channels x height x width, as the capture's input blocks have them */
} peek__pictures;

/* The pictures of the capture, or as many of them as the options ask for, evenly spaced; the caller frees
 * out->pixels, also after a failure. Errors: E_UNSUPPORTED (its inputs are no planes of one picture), E_FORMAT,
 * E_IO, E_MEMORY. */
peek_status peek__run_pictures(const peek__examination *of, peek__pictures *out);

/* Runs pictures through a network as the run's capture was made, into FOLDER/capture. layers NULL: the same
 * layers. */
peek_status peek__run_capture(const peek__examination *of, const peek_network *network,
                              const peek__pictures *pictures, const char *layers, const char *folder);

/* Weights as before training, drawn as PyTorch draws them: of Conv, ConvTranspose, Gemm and MatMul, with their
 * biases, from U(-1/sqrt(fan_in), 1/sqrt(fan_in)); normalisations scale by 1, shift by 0, and have seen mean 0
 * and variance 1; vectors that are added are 0. Other constants stay. */
peek_status peek__untrain(peek_context *context, peek_network *network, int64_t seed);

#endif
