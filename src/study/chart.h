/* study/chart.h: line charts as SVG, in the colours of the page around them. */
#ifndef STUDY_CHART_H
#define STUDY_CHART_H

#include "store/file.h"

/* One line; low and high: a band around it, or NULL. NaN values are left out. */
typedef struct peek__line {
    const char *name;
    int64_t count;
    const double *x, *y, *low, *high;
    const char *const *marks; /* NULL; or the plain name of each point: points without a line between them */
} peek__line;

typedef struct peek__chart {
    const char *title, *x_label; /* plain texts */
    int logarithmic;             /* y */
    int64_t lines;
    const peek__line *line;
} peek__chart;

/* Writes the chart as an <svg> element; every point has its values as a title. Errors: E_IO, E_MEMORY. */
peek_status peek__chart_write(peek_context *context, peek__file *file, const peek__chart *chart);

/* A square of numbers 0 .. 1, darker the larger; names of rows and columns are 0, 1, .. */
peek_status peek__raster_write(peek_context *context, peek__file *file, const char *title, int64_t side,
                               const double *values);

/* The beginning of a page, up to its heading: title is a plain text. */
peek_status peek__page_begin(peek_context *context, peek__file *file, const char *title);

/* The colour of line i, a CSS value. */
const char *peek__chart_colour(int64_t index);

/* Writes formatted text; `%s` of untrusted text must have passed peek__escape(). */
peek_status peek__put(peek_context *context, peek__file *file, const char *format, ...) PEEK_PRINTF(3, 4);

/* Writes plain text, escaped, in the place of the one %s of the format. */
peek_status peek__put_text(peek_context *context, peek__file *file, const char *format, const char *text);

/* Text for HTML: < > & " ' as entities. The caller frees it. */
peek_status peek__escape(peek_context *context, const char *text, char **out);

#endif
