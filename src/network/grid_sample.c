/* network/grid_sample.c: GridSample and AffineGrid.
 *
 *     y[n, c, j] = the value of x[n, c] at place grid[n, j], a number in [-1, 1] for every dimension of space
 *     grid[n, j] = theta[n] (p_j, 1), p_j the place of point j of a regular grid
 *
 * In the grid the dimensions of space are named backwards: x, y (, z). With align_corners -1 and 1 are the
 * centres of the first and last numbers, else their outer edges. The value is that of the nearest number, or a
 * weighted sum of 2 or 4 neighbours in each dimension. Beyond its ends x is 0, goes on as its last number, or
 * is reflected. A regular grid of one point has it in the middle. What ONNX leaves open is as in PyTorch's
 * grid_sample and affine_grid. Source: the ONNX operators. */
#include "network/operators.h"
#include "network/resize.h"

#include <math.h>
#include <string.h>

enum { MOST_SPACE = PEEK_DIMENSIONS - 2, MOST_TAPS = 4 };

typedef enum padding { ZEROS, BORDER, REFLECTION, PADDINGS } padding;

static const char *const paddings[PADDINGS] = {"zeros", "border", "reflection"};

typedef struct settings {
    int taps; /* neighbours in each dimension */
    padding padding;
    int corners, space;                                 /* space: how many dimensions */
    int64_t length[MOST_SPACE], step[MOST_SPACE];       /* of x */
    int64_t batch, channels, area, points, point_place; /* area: numbers of a channel of x */
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *grid = operation->input[1];
    int64_t shape[PEEK_DIMENSIONS], step[PEEK_DIMENSIONS];
    settings *sample;
    PEEK_TRY(peek__infer_settings(context, operation, &sample));
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__needs_floats(context, operation, 1));
    const char *mode = peek__attribute_text(operation->node, "mode", "linear");
    const char *beyond = peek__attribute_text(operation->node, "padding_mode", "zeros");
    sample->taps = strcmp(mode, "nearest") == 0                                   ? 1
                   : strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0 ? 2
                   : strcmp(mode, "cubic") == 0 || strcmp(mode, "bicubic") == 0   ? 4
                                                                                  : 0;
    while (sample->padding < PADDINGS && strcmp(beyond, paddings[sample->padding]) != 0) sample->padding++;
    if (!sample->taps || sample->padding == PADDINGS)
        return peek__broken(context, operation, "its mode '%.40s' with padding_mode '%.40s' is none", mode,
                            beyond);
    sample->corners = peek__attribute_integer(operation->node, "align_corners", 0) != 0;
    sample->space = x->dimensions - 2;
    int fits = sample->space > 0 && grid->dimensions == x->dimensions && grid->shape[0] == x->shape[0] &&
               grid->shape[grid->dimensions - 1] == sample->space;
    if (!fits)
        return peek__broken(context, operation, "the grid '%s' does not name places in '%s'",
                            peek__input_name(operation, 1), peek__input_name(operation, 0));
    peek__row_major_steps(x->dimensions, x->shape, step);
    shape[0] = sample->batch = x->shape[0];
    shape[1] = sample->channels = x->shape[1];
    sample->area = sample->points = 1;
    for (int d = 0; d < sample->space; d++) {
        sample->length[d] = x->shape[d + 2];
        sample->step[d] = step[d + 2];
        sample->area *= x->shape[d + 2];
        sample->points *= shape[d + 2] = grid->shape[d + 1];
    }
    if (!sample->area && sample->points)
        return peek__broken(context, operation, "its input '%s' is empty", peek__input_name(operation, 0));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, shape);
}

/* Folds a place back between two mirrors. */
static double reflect(double place, double low, double high)
{
    double range = high - low, beyond = place < low ? low - place : place - high;
    if (beyond <= 0) return place;
    if (range <= 0) return low;
    double turns = floor(beyond / range), rest = beyond - turns * range;
    int at_low = (place < low) == (fmod(turns, 2) == 0);
    return at_low ? low + rest : high - rest;
}

/* The neighbours of a place along dimension d: offsets into x (-1: outside, 0) and weights. */
static void find_taps(const settings *sample, int d, float given, int64_t *offset, double *weight)
{
    double length = (double)sample->length[d];
    double low = sample->corners ? 0 : -0.5, high = sample->corners ? length - 1 : length - 0.5;
    double place =
        sample->corners ? ((double)given + 1) / 2 * (length - 1) : (((double)given + 1) * length - 1) / 2;
    if (!(fabs(place) < 0x1p60)) place = place > 0 ? 0x1p60 : -0x1p60; /* what is no number, too */
    if (sample->taps == 1) place = rint(place);
    /* A cubic kernel reaches into x from outside: a place moves only from where it does not. */
    double margin = sample->taps == 4 ? sample->taps : 0;
    if (sample->padding == BORDER && (place < low - margin || place > high + margin))
        place = fmin(fmax(place, -margin), length - 1 + margin);
    if (sample->padding == REFLECTION) place = reflect(place, low, high);
    double first = sample->taps == 1 ? trunc(place) : floor(place) - (sample->taps == 4);
    for (int t = 0; t < sample->taps; t++) {
        double at = first + t, distance = fabs(place - at);
        weight[t] = sample->taps == 1 ? 1 : sample->taps == 2 ? 1 - distance : peek__cubic(-0.75, distance);
        if (sample->padding == BORDER) at = fmin(fmax(at, 0), length - 1);
        if (sample->padding == REFLECTION) at = trunc(reflect(at, low, high));
        offset[t] = at >= 0 && at < length ? (int64_t)at * sample->step[d] : -1;
    }
}

/* All products of neighbours of one point, into lists. */
static int64_t combine(const settings *sample, const float *place, int64_t *offset, double *weight)
{
    int64_t count = 1, own[MOST_TAPS];
    double share[MOST_TAPS];
    offset[0] = 0;
    weight[0] = 1;
    for (int d = 0; d < sample->space; d++) {
        find_taps(sample, d, place[sample->space - 1 - d], own, share);
        int64_t before = count;
        /* The last neighbour first, so that the first one can overwrite the list it is made from. */
        for (int t = sample->taps - 1; t >= 0; t--)
            for (int64_t i = 0; i < before; i++) {
                int64_t to = t * before + i;
                offset[to] = own[t] < 0 || offset[i] < 0 ? -1 : offset[i] + own[t];
                weight[to] = weight[i] * share[t];
            }
        count = before * sample->taps;
    }
    return count;
}

enum { MOST_COMBINED = 4096 }; /* MOST_TAPS to the power of MOST_SPACE */

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *sample = operation->settings;
    const float *x = operation->input[0]->floats, *place = operation->input[1]->floats;
    float *y = operation->output[0]->floats;
    int64_t offset[MOST_COMBINED];
    double weight[MOST_COMBINED];
    for (int64_t n = 0; n < sample->batch; n++)
        for (int64_t p = 0; p < sample->points; p++, place += sample->space) {
            int64_t count = combine(sample, place, offset, weight);
            for (int64_t c = 0; c < sample->channels; c++) {
                const float *from = x + (n * sample->channels + c) * sample->area;
                double sum = 0;
                for (int64_t i = 0; i < count; i++)
                    if (offset[i] >= 0) sum += weight[i] * from[offset[i]];
                y[(n * sample->channels + c) * sample->points + p] = (float)sum;
            }
        }
    return PEEK_OK;
}

static peek_status infer_affine(peek_context *context, peek__operation *operation)
{
    const peek__tensor *theta = operation->input[0];
    int64_t count, size[PEEK_DIMENSIONS], shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &count, size));
    int64_t space = count - 2;
    if ((space != 2 && space != 3) || theta->dimensions != 3 || theta->shape[0] != size[0] ||
        theta->shape[1] != space || theta->shape[2] != space + 1)
        return peek__broken(context, operation, "its input '%s' and its size do not fit together",
                            peek__input_name(operation, 0));
    shape[0] = size[0];
    for (int64_t d = 0; d < space; d++) shape[d + 1] = size[d + 2];
    shape[space + 1] = space;
    return peek__infer_output(context, operation, 0, theta->type, space + 2, shape);
}

static peek_status forward_affine(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *y = operation->output[0];
    int space = y->dimensions - 2, corners = peek__attribute_integer(operation->node, "align_corners", 0) != 0;
    peek__walk walk = {.dimensions = y->dimensions - 1};
    memcpy(walk.shape, y->shape, sizeof walk.shape);
    for (float *to = y->floats; to < y->floats + y->size; to += space, peek__walk_on(&walk)) {
        double place[3 + 1];
        for (int d = 0; d < space; d++) { /* backwards: x is along the last dimension */
            double i = (double)walk.place[space - d], n = (double)walk.shape[space - d];
            place[d] = !corners ? (2 * i + 1) / n - 1 : n > 1 ? 2 * i / (n - 1) - 1 : 0;
        }
        place[space] = 1;
        const float *theta = operation->input[0]->floats + walk.place[0] * space * (space + 1);
        for (int r = 0; r < space; r++) {
            double sum = 0;
            for (int d = 0; d <= space; d++) sum += theta[r * (space + 1) + d] * place[d];
            to[r] = (float)sum;
        }
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "GridSample", .first = 16, .least_inputs = 2, .infer = infer, .forward = forward},
    {.name = "AffineGrid", .first = 20, .least_inputs = 2, .infer = infer_affine, .forward = forward_affine},
};
const peek__family peek__grid_sample_family = PEEK__FAMILY(rows);
