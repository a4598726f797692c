/* network/window.h: windows that slide over the last one to three dimensions, shared by convolution and
 * pooling.
 *
 * All are held as windows over three dimensions: those that a tensor lacks have size one and come first. */
#ifndef NETWORK_WINDOW_H
#define NETWORK_WINDOW_H

#include "network/operators.h"

enum { PEEK__SLIDES = 3 };

typedef enum peek__padding {
    PEEK__PAD_GIVEN,
    PEEK__PAD_NONE,
    PEEK__PAD_SAME_UPPER, /* out = ceil(in / stride); what is odd goes behind */
    PEEK__PAD_SAME_LOWER  /* or before */
} peek__padding;

typedef struct peek__window {
    int dimensions; /* of the tensor that are slid over */
    peek__padding padding;
    int64_t kernel[PEEK__SLIDES], stride[PEEK__SLIDES], dilation[PEEK__SLIDES];
    int64_t before[PEEK__SLIDES], after[PEEK__SLIDES]; /* padding */
    int64_t in[PEEK__SLIDES], out[PEEK__SLIDES];
    int64_t in_size, out_size, kernel_size; /* their products */
} peek__window;

/* The attribute kernel_shape. *count is 0 where it is missing. Errors: E_UNSUPPORTED (more than PEEK__SLIDES
 * numbers), E_FORMAT. */
peek_status peek__window_kernel(peek_context *context, const peek__operation *operation, int *count,
                                int64_t kernel[PEEK__SLIDES]);

/* Reads strides, dilations, pads and auto_pad for a kernel of `dimensions` over input 0, N x C x ... */
peek_status peek__window_read(peek_context *context, const peek__operation *operation, int dimensions,
                              const int64_t *kernel, peek__window *out);

/* Finds the padding that SAME asks for and the output's size. ceiling: the last window may reach behind the
 * padding, if it begins within the input or the padding before it. */
peek_status peek__window_slide(peek_context *context, const peek__operation *operation, int ceiling,
                               peek__window *window);

/* Refuses a kernel_shape that differs from the window's, which a weight has told. */
peek_status peek__window_fits(peek_context *context, const peek__operation *operation,
                              const peek__window *window);

/* Refuses padding in which a whole window has room. */
peek_status peek__window_overlaps(peek_context *context, const peek__operation *operation,
                                  const peek__window *window);

/* The shape of an output with so many channels; returns its dimensions. `places`: window->in or window->out. */
int peek__window_shape(const peek__window *window, int64_t samples, int64_t channels, const int64_t *places,
                       int64_t shape[PEEK_DIMENSIONS]);

/* The kernel's places *first to *end - 1 that meet the input along dimension d from output place p, and the
 * input's place that kernel place 0 stands at. */
static inline int64_t peek__window_meets(const peek__window *window, int d, int64_t p, int64_t *first,
                                         int64_t *end)
{
    int64_t start = p * window->stride[d] - window->before[d], step = window->dilation[d];
    int64_t room = window->in[d] - start;
    *first = start < 0 ? (step - 1 - start) / step : 0;
    *end = room <= 0 ? 0 : (room + step - 1) / step;
    if (*end > window->kernel[d]) *end = window->kernel[d];
    if (*first > *end) *first = *end;
    return start;
}

/* The output places *first to *end - 1 from which kernel place i meets the input along dimension d, and the
 * input's place that it meets from output place 0. */
static inline int64_t peek__window_met(const peek__window *window, int d, int64_t i, int64_t *first,
                                       int64_t *end)
{
    int64_t start = i * window->dilation[d] - window->before[d], step = window->stride[d];
    int64_t room = window->in[d] - start;
    *first = start < 0 ? (step - 1 - start) / step : 0;
    *end = room <= 0 ? 0 : (room + step - 1) / step;
    if (*end > window->out[d]) *end = window->out[d];
    if (*first > *end) *first = *end;
    return start;
}

#endif
