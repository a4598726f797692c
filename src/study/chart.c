/* study/chart.c: line charts as SVG. */
#include "study/chart.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { WIDTH = 460, HEIGHT = 260, LEFT = 54, RIGHT = 12, TOP = 12, BOTTOM = 40 };

/* On an axis; a step that is lost in the rounding of where it starts would never come to the end. */
enum { MOST_MARKS = 1000 };

/* Okabe and Ito's, told apart by most eyes. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#7f7f7f"};

const char *peek__chart_colour(int64_t index)
{
    return colours[index % (int64_t)(sizeof colours / sizeof *colours)];
}

peek_status peek__put(peek_context *context, peek__file *file, const char *format, ...)
{
    char buffer[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof buffer)
        return peek__fail(context, PEEK_E_FORMAT, "a text of the study is longer than a page can show");
    return peek__file_write(context, file, buffer, (size_t)length);
}

peek_status peek__escape(peek_context *context, const char *text, char **out)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    size_t used = 0;
    PEEK_TRY(peek__alloc(context, out, 6 * strlen(text) + 1, "a text"));
    for (; *text; text++) {
        const char *entity = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (*text == entities[i].character) entity = entities[i].entity;
        if (!entity) {
            (*out)[used++] = *text;
            continue;
        }
        memcpy(*out + used, entity, strlen(entity));
        used += strlen(entity);
    }
    (*out)[used] = 0;
    return PEEK_OK;
}

peek_status peek__put_text(peek_context *context, peek__file *file, const char *format, const char *text)
{
    char *safe = NULL;
    PEEK_TRY(peek__escape(context, text ? text : "", &safe));
    peek_status status = peek__put(context, file, format, safe);
    peek__free(&safe);
    return status;
}

/* The axes: what is shown, and where it lies. */
typedef struct frame {
    const peek__chart *chart;
    double left, right, bottom, top;
} frame;

static double to_scale(const frame *f, double y)
{
    return f->chart->logarithmic ? log10(y) : y;
}

static double place_x(const frame *f, double x)
{
    return LEFT + (x - f->left) / (f->right - f->left) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const frame *f, double y)
{
    return HEIGHT - BOTTOM - (to_scale(f, y) - f->bottom) / (f->top - f->bottom) * (HEIGHT - TOP - BOTTOM);
}

static int is_shown(const frame *f, double y)
{
    return isfinite(y) && (!f->chart->logarithmic || y > 0);
}

static void widen(frame *f, double y)
{
    if (!is_shown(f, y)) return;
    f->bottom = fmin(f->bottom, to_scale(f, y));
    f->top = fmax(f->top, to_scale(f, y));
}

static frame make_frame(const peek__chart *chart)
{
    frame f = {chart, INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (int64_t l = 0; l < chart->lines; l++)
        for (int64_t i = 0; i < chart->line[l].count; i++) {
            const peek__line *line = &chart->line[l];
            f.left = fmin(f.left, line->x[i]); /* fmin and fmax leave NaN out */
            f.right = fmax(f.right, line->x[i]);
            widen(&f, line->y[i]);
            if (line->low && !chart->logarithmic) widen(&f, line->low[i]);
            if (line->high) widen(&f, line->high[i]);
        }
    if (!isfinite(f.left)) f.left = 0; /* nothing is shown */
    if (!isfinite(f.bottom)) f.bottom = 0;
    if (!chart->logarithmic) f.bottom = fmin(f.bottom, 0);
    if (!(f.right > f.left)) f.right = f.left + 1;
    if (!(f.top > f.bottom)) f.top = f.bottom + 1;
    return f;
}

/* A step of 1, 2 or 5 times a power of ten for about five marks. */
static double nice_step(double range)
{
    double power = pow(10, floor(log10(range / 5))), rest = range / 5 / power;
    return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

static peek_status write_axes(peek_context *context, peek__file *file, const frame *f)
{
    double step = f->chart->logarithmic ? 1 : nice_step(f->top - f->bottom),
           across = nice_step(f->right - f->left), y = ceil(f->bottom / step) * step,
           x = ceil(f->left / across) * across;
    for (int mark = 0; mark < MOST_MARKS && y <= f->top + step * 1e-9; mark++, y += step) {
        double value = f->chart->logarithmic ? pow(10, y) : fabs(y) < step * 1e-9 ? 0 : y;
        double at = HEIGHT - BOTTOM - (y - f->bottom) / (f->top - f->bottom) * (HEIGHT - TOP - BOTTOM);
        PEEK_TRY(peek__put(context, file,
                           "<line class='grid' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/><text x='%d' y='%.1f' "
                           "text-anchor='end'>%.4g</text>",
                           LEFT, WIDTH - RIGHT, at, at, LEFT - 6, at + 4, value));
    }
    for (int mark = 0; mark < MOST_MARKS && x <= f->right + across * 1e-9; mark++, x += across)
        PEEK_TRY(peek__put(context, file, "<text x='%.1f' y='%d' text-anchor='middle'>%.4g</text>",
                           place_x(f, x), HEIGHT - BOTTOM + 18, x));
    return peek__put(context, file, "<text x='%d' y='%d' text-anchor='end'>%s</text>", WIDTH - RIGHT,
                     HEIGHT - 6, f->chart->x_label);
}

static peek_status write_band(peek_context *context, peek__file *file, const frame *f, const peek__line *line,
                              const char *colour)
{
    PEEK_TRY(peek__put(context, file, "<polygon fill='%s' opacity='0.15' points='", colour));
    for (int way = 0; way < 2; way++)
        for (int64_t i = 0; i < line->count; i++) {
            int64_t at = way ? line->count - 1 - i : i;
            double y = way ? line->low[at] : line->high[at];
            if (isnan(y)) continue;
            double down = is_shown(f, y) ? fmin(place_y(f, y), HEIGHT - BOTTOM)
                                         : HEIGHT - BOTTOM; /* a logarithm goes on below the axis */
            PEEK_TRY(peek__put(context, file, "%.1f,%.1f ", place_x(f, line->x[at]), down));
        }
    return peek__put(context, file, "'/>");
}

static peek_status write_marks(peek_context *context, peek__file *file, const frame *f, const peek__line *line,
                               const char *colour)
{
    for (int64_t i = 0; i < line->count; i++)
        if (is_shown(f, line->y[i]) && isfinite(line->x[i]))
            PEEK_TRY(
                peek__put(context, file,
                          "<circle cx='%.1f' cy='%.1f' r='3.5' fill='%s' fill-opacity='0.75'><title>%s: %.3f, "
                          "%.3f</title></circle>",
                          place_x(f, line->x[i]), place_y(f, line->y[i]), colour, line->marks[i], line->x[i],
                          line->y[i]));
    return PEEK_OK;
}

static peek_status write_line(peek_context *context, peek__file *file, const frame *f, const peek__line *line,
                              const char *colour)
{
    if (line->marks) return write_marks(context, file, f, line, colour);
    if (line->low && line->high) PEEK_TRY(write_band(context, file, f, line, colour));
    PEEK_TRY(peek__put(context, file, "<polyline fill='none' stroke='%s' stroke-width='2' points='", colour));
    for (int64_t i = 0; i < line->count; i++)
        if (is_shown(f, line->y[i]))
            PEEK_TRY(peek__put(context, file, "%.1f,%.1f ", place_x(f, line->x[i]), place_y(f, line->y[i])));
    PEEK_TRY(peek__put(context, file, "'/>"));
    for (int64_t i = 0; i < line->count && line->count <= 60; i++)
        if (is_shown(f, line->y[i]))
            PEEK_TRY(peek__put(
                context, file,
                "<circle cx='%.1f' cy='%.1f' r='3' fill='%s'><title>%s, %g: %.5g</title></circle>",
                place_x(f, line->x[i]), place_y(f, line->y[i]), colour, line->name, line->x[i], line->y[i]));
    return PEEK_OK;
}

peek_status peek__chart_write(peek_context *context, peek__file *file, const peek__chart *chart)
{
    frame f = make_frame(chart);
    PEEK_TRY(peek__put(context, file, "<figure><figcaption>%s</figcaption><svg viewBox='0 0 %d %d' role='img'>",
                       chart->title, WIDTH, HEIGHT));
    PEEK_TRY(write_axes(context, file, &f));
    for (int64_t l = 0; l < chart->lines; l++)
        PEEK_TRY(write_line(context, file, &f, &chart->line[l], peek__chart_colour(l)));
    return peek__put(context, file, "</svg></figure>\n");
}

peek_status peek__raster_write(peek_context *context, peek__file *file, const char *title, int64_t side,
                               const double *values)
{
    enum { CELL = 14, MARGIN = 16 };
    PEEK_TRY(peek__put(context, file,
                       "<figure class='raster'><figcaption>%s</figcaption><svg viewBox='0 0 %d %d'>", title,
                       (int)(MARGIN + side * CELL), (int)(MARGIN + side * CELL)));
    for (int64_t a = 0; a < side; a++) {
        PEEK_TRY(peek__put(context, file,
                           "<text x='%d' y='%d' text-anchor='middle'>%lld</text><text x='8' y='%d' "
                           "text-anchor='middle'>%lld</text>",
                           (int)(MARGIN + a * CELL + CELL / 2), 11, (long long)a, (int)(MARGIN + a * CELL + 11),
                           (long long)a));
        for (int64_t b = 0; b < side; b++)
            PEEK_TRY(peek__put(context, file,
                               "<rect x='%d' y='%d' width='%d' height='%d' fill='currentColor' "
                               "opacity='%.3f'><title>%lld and %lld: %.2f</title></rect>",
                               (int)(MARGIN + b * CELL), (int)(MARGIN + a * CELL), CELL - 1, CELL - 1,
                               values[a * side + b], (long long)a, (long long)b, values[a * side + b]));
    }
    return peek__put(context, file, "</svg></figure>\n");
}
