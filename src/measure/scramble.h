/* measure/scramble.h: pictures whose structure is gone, or moved. */
#ifndef MEASURE_SCRAMBLE_H
#define MEASURE_SCRAMBLE_H

#include "measure/run_network.h"

/* Change the pictures in place; every picture has a random stream of its own. `shuffle` puts the pixels of each
 * into a random order, the same for its channels: what is left is how often each colour occurs. `phases` keeps
 * the amplitude spectrum of each channel and takes the phases of white noise, the same for all channels, then
 * clips to [0, 1]: what is left is the mean and how neighbours go together. Errors: E_MEMORY, E_STOPPED. */
peek_status peek__scramble_shuffle(peek_context *context, peek__pictures *pictures, int64_t seed);
peek_status peek__scramble_phases(peek_context *context, peek__pictures *pictures, int64_t seed);

/* out <- picture t moved by (down, right) pixels; what comes in at an edge repeats the edge. */
void peek__shift_picture(const peek__pictures *pictures, int64_t t, int64_t down, int64_t right, float *out);

#endif
