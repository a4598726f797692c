/* network/slide.h: the largest value, or the sum, under windows that slide over one plane. */
#ifndef NETWORK_SLIDE_H
#define NETWORK_SLIDE_H

#include "network/window.h"

/* x: a plane of window->in, y: one of window->out, line: memory for window->in[2] numbers. The padding counts
 * for nothing; a window that meets nothing has the smallest number, or zero. */
void peek__slide_largest(const peek__window *window, const float *x, float *line, float *y);
void peek__slide_largest_integer(const peek__window *window, int64_t smallest, const int64_t *x, int64_t *line,
                                 int64_t *y);
void peek__slide_sum(const peek__window *window, const float *x, float *line, float *y);

/* The exponent p of an Lp pool: an integer, in opset 1 a floating-point number, by default 2. */
peek_status peek__pool_power(peek_context *context, const peek__operation *operation, float *out);

#endif
