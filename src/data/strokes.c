/* data/strokes.c: the embedded data set: digits drawn from stroke templates, 28 x 28, white on black.
 *
 * A sample is a function of (seed, split, number) alone, and the same bits on every machine: all geometry is in
 * whole numbers with 16 binary places. The way of a sample: choose a digit and a way of writing it; move every
 * point of the template a little; lay smooth curves through them (Catmull-Rom splines); slant, stretch and
 * turn; bend the plane by a smooth random field; fit the digit into its box; draw it with a pen of varying
 * width, soft edge and darkness. Source of the splines: E. Catmull, R. Rom, A Class of Local Interpolating
 * Splines, 1974; of the bending: P. Simard, D. Steinkraus, J. Platt, Best Practices for Convolutional Neural
 * Networks, ICDAR 2003 (there with Gaussian fields). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/format.h"
#include "data/stroke_templates.h"

/* Whole numbers with 16 binary places. */
typedef int64_t fixed;

#define FIXED(x) ((fixed)((x)*65536.0))

enum {
    ONE = 1 << 16,
    SIDE = 28,
    PIXELS = SIDE * SIDE,
    DIGITS = 10,
    STEPS = 8,         /* straight pieces of one curve between two points of a template */
    MOST_POINTS = 256, /* of all curves of a digit */
    GRID = 4,          /* the bending field is given at GRID x GRID places */
    TILE = 64          /* samples a task draws */
};

/* The widest soft edge of the pen, in pixels. */
static const fixed soft_most = FIXED(1.6);

static const uint64_t test_split = UINT64_C(1) << 40;

static fixed times(fixed a, fixed b)
{
    return a * b / ONE;
}

/* The whole part of a square root, exact. */
static int64_t square_root(int64_t square)
{
    int64_t root = (int64_t)sqrt((double)square);
    while (root * root > square) root--;
    while ((root + 1) * (root + 1) <= square) root++;
    return root;
}

static fixed between(peek__stream *stream, fixed low, fixed high)
{
    return low + (fixed)((uint64_t)peek__random_bits(stream) * (uint64_t)(high - low) >> 32);
}

/* Within [-spread, spread), mostly near 0: the mean of three uniform numbers. */
static fixed around_zero(peek__stream *stream, fixed spread)
{
    fixed sum = 0;
    for (int i = 0; i < 3; i++) sum += between(stream, -spread, spread);
    return sum / 3;
}

typedef struct point {
    fixed x, y, radius;
    int first; /* a stroke begins here */
} point;

typedef struct curve {
    int count;
    point points[MOST_POINTS];
} curve;

/* One coordinate of the spline from b to c at step i of STEPS; a and d are the neighbours. */
static fixed spline(fixed a, fixed b, fixed c, fixed d, int64_t i)
{
    int64_t n = STEPS;
    return (2 * b * n * n * n + (c - a) * i * n * n + (2 * a - 5 * b + 4 * c - d) * i * i * n +
            (3 * b - a - 3 * c + d) * i * i * i) /
           (2 * n * n * n);
}

/* Adds the smooth curve through `count` points. */
static void add_stroke(curve *c, const point *p, int count)
{
    for (int i = 0; i + 1 < count; i++) {
        const point *a = &p[i > 0 ? i - 1 : 0], *b = &p[i], *e = &p[i + 1],
                    *f = &p[i + 2 < count ? i + 2 : count - 1];
        for (int step = i > 0; step <= STEPS && c->count < MOST_POINTS; step++)
            c->points[c->count++] = (point){.x = spline(a->x, b->x, e->x, f->x, step),
                                            .y = spline(a->y, b->y, e->y, f->y, step),
                                            .radius = b->radius + (e->radius - b->radius) * step / STEPS,
                                            .first = i == 0 && step == 0};
    }
}

/* The template's points, each moved a little (corners together), and the curves through them. Centred at 0, 100
 * high. */
static void trace(peek__stream *stream, const peek__stroke_template *template, curve *c)
{
    point stroke[32];
    int count = 0;
    fixed jitter = between(stream, FIXED(3), FIXED(8)), radius = between(stream, FIXED(1.0), FIXED(2.1));
    c->count = 0;
    for (int i = 0; i < template->count; i++) {
        const peek__stroke_point *t = &template->points[i];
        if (t->x < 0) {
            add_stroke(c, stroke, count);
            int corner = i + 1 < template->count && t[-1].x == t[1].x && t[-1].y == t[1].y;
            if (corner) stroke[0] = stroke[count - 1];
            count = corner;
            i += corner; /* the pen stays down: the next stroke begins where this one ended */
            continue;
        }
        stroke[count++] = (point){.x = FIXED(t->x - 50) + around_zero(stream, jitter),
                                  .y = FIXED(t->y - 50) + around_zero(stream, jitter),
                                  .radius = times(radius, between(stream, FIXED(0.8), FIXED(1.2)))};
    }
}

/* Stretches, slants and turns. The turn by 2 atan(h) is rational: cos = (1 - h^2) / (1 + h^2), sin = 2 h / (1 +
 * h^2). */
static void place(peek__stream *stream, curve *c)
{
    fixed wide = between(stream, FIXED(0.8), FIXED(1.15)), slant = around_zero(stream, FIXED(0.5)) - FIXED(0.1);
    fixed half = around_zero(stream, FIXED(0.12)), square = times(half, half);
    fixed cosine = (ONE - square) * ONE / (ONE + square), sine = 2 * half * ONE / (ONE + square);
    for (int i = 0; i < c->count; i++) {
        point *p = &c->points[i];
        fixed x = times(p->x, wide) + times(p->y, slant), y = p->y;
        p->x = times(x, cosine) - times(y, sine);
        p->y = times(x, sine) + times(y, cosine);
    }
}

static fixed clamp(fixed x, fixed low, fixed high)
{
    return x < low ? low : x > high ? high : x;
}

static fixed smooth(fixed x)
{
    return times(times(x, x), 3 * ONE - 2 * x);
}

/* Bends the plane by a smooth field of random shifts. */
static void bend(peek__stream *stream, curve *c)
{
    fixed shift[2][GRID][GRID], strength = between(stream, FIXED(2), FIXED(11));
    for (int i = 0; i < 2 * GRID * GRID; i++)
        shift[i / (GRID * GRID)][i / GRID % GRID][i % GRID] = around_zero(stream, strength);
    for (int i = 0; i < c->count; i++) {
        fixed at[2] = {c->points[i].x, c->points[i].y}, part[2], moved[2];
        int cell[2];
        for (int k = 0; k < 2; k++) {
            fixed place_in_grid = (at[k] + FIXED(64)) * (GRID - 1) / 128;
            place_in_grid = clamp(place_in_grid, 0, (GRID - 1) * ONE - 1);
            cell[k] = (int)(place_in_grid / ONE);
            part[k] = smooth(place_in_grid % ONE);
        }
        for (int k = 0; k < 2; k++) {
            const fixed *up = &shift[k][cell[1]][cell[0]], *down = &shift[k][cell[1] + 1][cell[0]];
            fixed above = up[0] + times(up[1] - up[0], part[0]),
                  below = down[0] + times(down[1] - down[0], part[0]);
            moved[k] = at[k] + above + times(below - above, part[1]);
        }
        c->points[i].x = moved[0];
        c->points[i].y = moved[1];
    }
}

/* Scales the digit so that its longer side is about 20 pixels, and lays it near the middle, clear of the rim.
 */
static void fit_box(peek__stream *stream, curve *c)
{
    fixed low[2] = {INT64_MAX, INT64_MAX}, high[2] = {INT64_MIN, INT64_MIN}, pen = 0, centre[2], target;
    for (int i = 0; i < c->count; i++) {
        fixed at[2] = {c->points[i].x, c->points[i].y};
        for (int k = 0; k < 2; k++) {
            if (at[k] < low[k]) low[k] = at[k];
            if (at[k] > high[k]) high[k] = at[k];
        }
        if (c->points[i].radius > pen) pen = c->points[i].radius;
    }
    fixed wide = high[0] - low[0], tall = high[1] - low[1], longer = wide > tall ? wide : tall;
    fixed room = FIXED(SIDE / 2.0 - 1) - pen - soft_most / 2;
    target = clamp(between(stream, FIXED(17.5), FIXED(20.5)), ONE, 2 * room);
    for (int k = 0; k < 2; k++) {
        fixed free_room = room - (high[k] - low[k]) * target / longer / 2;
        centre[k] = FIXED(SIDE / 2.0) + clamp(around_zero(stream, FIXED(1.5)), -free_room, free_room);
    }
    for (int i = 0; i < c->count; i++) {
        c->points[i].x = centre[0] + (c->points[i].x - (low[0] + high[0]) / 2) * target / longer;
        c->points[i].y = centre[1] + (c->points[i].y - (low[1] + high[1]) / 2) * target / longer;
    }
}

static int clamp_pixel(fixed at)
{
    return at < 0 ? 0 : at >= SIDE * ONE ? SIDE - 1 : (int)(at / ONE);
}

/* Blackens the pixels near the piece from a to b: 1 inside the pen, 0 outside, with a soft edge between. Most
 * pixels are black already, or so deep in the pen that there is nothing to reckon. */
static void draw_piece(const point *a, const point *b, fixed soft, fixed ink[PIXELS])
{
    fixed thin = a->radius < b->radius ? a->radius : b->radius, thick = a->radius + b->radius - thin;
    fixed reach = thick + soft / 2, deep = thin - (soft + 1) / 2;
    fixed outside = reach * reach, black = deep > 0 ? deep * deep : -1;
    fixed dx = b->x - a->x, dy = b->y - a->y, length = dx * dx + dy * dy;
    int left = clamp_pixel((dx < 0 ? b->x : a->x) - reach), right = clamp_pixel((dx < 0 ? a->x : b->x) + reach);
    int top = clamp_pixel((dy < 0 ? b->y : a->y) - reach), bottom = clamp_pixel((dy < 0 ? a->y : b->y) + reach);
    for (int row = top; row <= bottom; row++)
        for (int column = left; column <= right; column++) {
            fixed *there = &ink[row * SIDE + column], level = ONE;
            if (*there == ONE) continue;
            fixed x = column * ONE + ONE / 2 - a->x, y = row * ONE + ONE / 2 - a->y;
            fixed along = x * dx + y * dy;
            fixed part = along <= 0 ? 0 : along >= length ? ONE : along * 1024 / length * 64;
            x -= times(dx, part);
            y -= times(dy, part);
            fixed square = x * x + y * y;
            if (square >= outside) continue;
            if (square > black) {
                fixed inside = a->radius + times(b->radius - a->radius, part) - square_root(square);
                level = clamp(inside * ONE / soft + ONE / 2, 0, ONE);
            }
            if (level > *there) *there = level;
        }
}

static int draw_digit(uint64_t seed, uint64_t number, uint8_t pixels[PIXELS])
{
    peek__stream stream = peek__stream_make(seed, PEEK__STROKES, number);
    int digit = (int)peek__random_below(&stream, DIGITS);
    curve c;
    trace(&stream, peek__stroke_template_pick(digit, peek__random_bits(&stream)), &c);
    place(&stream, &c);
    bend(&stream, &c);
    fit_box(&stream, &c);
    fixed soft = between(&stream, FIXED(0.8), soft_most), ink[PIXELS] = {0};
    int faint = peek__random_below(&stream, 4) == 0;
    fixed darkness = faint ? between(&stream, FIXED(0.7), FIXED(0.95)) : between(&stream, FIXED(0.95), ONE);
    for (int i = 1; i < c.count; i++)
        if (!c.points[i].first) draw_piece(&c.points[i - 1], &c.points[i], soft, ink);
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (uint8_t)((times(smooth(ink[i]), darkness) * 255 + ONE / 2) / ONE);
    return digit;
}

typedef struct drawing {
    uint64_t seed, first;
    int64_t first_tile;
    peek__content *content;
} drawing;

static peek_status draw_tile(void *argument, int64_t index, int thread)
{
    (void)thread;
    const drawing *d = argument;
    int64_t first = (d->first_tile + index) * TILE, end = first + TILE;
    if (end > d->content->count) end = d->content->count;
    for (int64_t t = first; t < end; t++)
        d->content->labels[t] =
            draw_digit(d->seed, d->first + (uint64_t)t, (uint8_t *)d->content->owned + t * PIXELS);
    return PEEK_OK;
}

peek_status peek__strokes_draw(peek_context *context, int64_t count, int train, uint64_t seed,
                               peek__content *content)
{
    enum { ROUND = 32 };
    drawing d = {.seed = seed, .first = train ? 0 : test_split, .content = content};
    int64_t tiles = (count + TILE - 1) / TILE;
    PEEK_TRY(peek__content_hold(context, content, PEEK__UINT8, count, 1, SIDE, SIDE));
    content->pictures = 1;
    PEEK_TRY(peek__alloc(context, &content->labels, count, "labels"));
    PEEK_TRY(peek__classes_number(context, &content->classes, DIGITS));
    peek__stage(context, "data", "drawing strokes", count);
    for (int64_t tile = 0; tile < tiles; tile += ROUND) {
        int64_t round = tiles - tile < ROUND ? tiles - tile : ROUND, done = (tile + round) * TILE;
        d.first_tile = tile;
        PEEK_TRY(peek__parallel(context, round, draw_tile, &d));
        PEEK_TRY(peek__step(context, done < count ? done : count));
    }
    return PEEK_OK;
}
