/* network/line.h: a tensor as lines along one axis: outer x length x inner numbers; those of a line are `inner`
 * apart. */
#ifndef NETWORK_LINE_H
#define NETWORK_LINE_H

#include "network/operators.h"

typedef struct peek__lines {
    int64_t outer, length, inner;
} peek__lines;

static inline peek__lines peek__lines_along(const peek__tensor *tensor, int64_t axis)
{
    peek__lines lines = {1, tensor->shape[axis], 1};
    for (int64_t d = 0; d < axis; d++) lines.outer *= tensor->shape[d];
    for (int64_t d = axis + 1; d < tensor->dimensions; d++) lines.inner *= tensor->shape[d];
    return lines;
}

/* How many lines there are, and where one begins. */
static inline int64_t peek__line_count(const peek__lines *lines)
{
    return lines->outer * lines->inner;
}

static inline int64_t peek__line_start(const peek__lines *lines, int64_t line)
{
    return line / lines->inner * lines->length * lines->inner + line % lines->inner;
}

#endif
