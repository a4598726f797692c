/* network/slide.c: the largest value, or the sum, under windows that slide over one plane.
 *
 * A window is a box, so lines of the input are first taken together over the kernel's other dimensions, then
 * along the line: kernel places in the outer loop, output places in the inner one, which has no conditions. */
#include "network/slide.h"

#include <math.h>

/* What is not a number stays so. */
#define LARGER(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#define SUM(a, b)    ((a) + (b))

/* y[q] = y[q] with x[q * stride], with loops that the compiler can vectorise. */
#define TAKE_IN(name, number, with)                                                                            \
    static void name(number *restrict y, const number *restrict x, int64_t stride, int64_t count)              \
    {                                                                                                          \
        if (stride == 1)                                                                                       \
            for (int64_t q = 0; q < count; q++) y[q] = with(y[q], x[q]);                                       \
        else if (stride == 2)                                                                                  \
            for (int64_t q = 0; q < count; q++) y[q] = with(y[q], x[2 * q]);                                   \
        else                                                                                                   \
            for (int64_t q = 0; q < count; q++) y[q] = with(y[q], x[q * stride]);                              \
    }

/* line = the input's lines that the windows of output line (p0, p1) meet, taken together. */
#define GATHER(name, number, take_in)                                                                          \
    static void name(const peek__window *window, int64_t p0, int64_t p1, number start, const number *x,        \
                     number *line)                                                                             \
    {                                                                                                          \
        int64_t first0, end0, first1, end1, width = window->in[2];                                             \
        int64_t z0 = peek__window_meets(window, 0, p0, &first0, &end0);                                        \
        int64_t z1 = peek__window_meets(window, 1, p1, &first1, &end1);                                        \
        for (int64_t q = 0; q < width; q++) line[q] = start;                                                   \
        for (int64_t i = first0; i < end0; i++)                                                                \
            for (int64_t j = first1; j < end1; j++) {                                                          \
                int64_t at0 = z0 + i * window->dilation[0], at1 = z1 + j * window->dilation[1];                \
                take_in(line, x + (at0 * window->in[1] + at1) * width, 1, width);                              \
            }                                                                                                  \
    }

#define SLIDE(name, number, gather, take_in)                                                                   \
    static void name(const peek__window *window, number start, const number *x, number *line, number *y)       \
    {                                                                                                          \
        for (int64_t p0 = 0; p0 < window->out[0]; p0++)                                                        \
            for (int64_t p1 = 0; p1 < window->out[1]; p1++, y += window->out[2]) {                             \
                gather(window, p0, p1, start, x, line);                                                        \
                for (int64_t q = 0; q < window->out[2]; q++) y[q] = start;                                     \
                for (int64_t i = 0; i < window->kernel[2]; i++) {                                              \
                    int64_t first, end, z = peek__window_met(window, 2, i, &first, &end);                      \
                    take_in(y + first, line + z + first * window->stride[2], window->stride[2], end - first);  \
                }                                                                                              \
            }                                                                                                  \
    }

TAKE_IN(take_largest, float, LARGER)
TAKE_IN(take_largest_integer, int64_t, LARGER)
TAKE_IN(take_sum, float, SUM)
GATHER(gather_largest, float, take_largest)
GATHER(gather_largest_integer, int64_t, take_largest_integer)
GATHER(gather_sum, float, take_sum)
SLIDE(slide_largest, float, gather_largest, take_largest)
SLIDE(slide_largest_integer, int64_t, gather_largest_integer, take_largest_integer)
SLIDE(slide_sum, float, gather_sum, take_sum)

void peek__slide_largest(const peek__window *window, const float *x, float *line, float *y)
{
    slide_largest(window, -INFINITY, x, line, y);
}

void peek__slide_largest_integer(const peek__window *window, int64_t smallest, const int64_t *x, int64_t *line,
                                 int64_t *y)
{
    slide_largest_integer(window, smallest, x, line, y);
}

void peek__slide_sum(const peek__window *window, const float *x, float *line, float *y)
{
    slide_sum(window, 0, x, line, y);
}

peek_status peek__pool_power(peek_context *context, const peek__operation *operation, float *out)
{
    float number = peek__attribute_number(operation->node, "p", 2);
    *out = (float)peek__attribute_integer(operation->node, "p", 0);
    if (!peek__attribute_find(operation->node, "p") || operation->node->opset < 2) *out = number;
    if (!(*out > 0) || !isfinite(*out))
        return peek__broken(context, operation, "its exponent p is %g, but should be above zero", *out);
    return PEEK_OK;
}
