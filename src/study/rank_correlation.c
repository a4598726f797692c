/* study/rank_correlation.c: Spearman's rank correlation with its uncertainty. */
#include "study/rank_correlation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

peek_status peek__correlator_begin(peek_context *context, int64_t most, int64_t controls, peek__correlator *out)
{
    *out = (peek__correlator){.most = most, .controls = controls};
    PEEK_TRY(peek__alloc(context, &out->x, (4 + controls) * most, "correlations"));
    PEEK_TRY(peek__alloc(context, &out->resampled, PEEK__RESAMPLES, "correlations"));
    PEEK_TRY(peek__alloc(context, &out->order, 4 * most, "correlations"));
    out->y = out->x + most;
    out->ranks = out->y + most; /* two: sorting needs values beside ranks */
    out->z = out->ranks + 2 * most;
    out->place = out->order + most;
    out->stratum = out->place + most;
    out->cluster = out->stratum + most;
    return PEEK_OK;
}

void peek__correlator_clear(peek__correlator *correlator)
{
    peek__free(&correlator->x);
    peek__free(&correlator->resampled);
    peek__free(&correlator->order);
}

typedef struct ranked {
    double value;
    int64_t place;
} ranked;

static int by_value(const void *a, const void *b)
{
    double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Values become their ranks, 1 .. count, averaged over ties, less the mean rank. */
static void rank(peek__correlator *c, double *values, int64_t count)
{
    ranked *sorted = (ranked *)c->ranks;
    for (int64_t i = 0; i < count; i++) sorted[i] = (ranked){values[i], i};
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    for (int64_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && sorted[next].value == sorted[i].value;) next++;
        for (int64_t j = i; j < next; j++)
            values[sorted[j].place] = 0.5 * (double)(i + next - 1) - 0.5 * (double)(count - 1);
    }
}

static double dot(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* Takes the direction of z out of x. */
static void take_out(const double *z, double *x, int64_t count)
{
    double norm = dot(z, z, count), share = norm > 1e-9 ? dot(z, x, count) / norm : 0;
    for (int64_t i = 0; i < count; i++) x[i] -= share * z[i];
}

/* rho of the entries at the `count` places, with what is given taken out. */
static double rho_at(peek__correlator *c, int64_t count, const int64_t *place, const double *x, const double *y,
                     int64_t controls, const double *const *z)
{
    for (int64_t i = 0; i < count; i++) {
        c->x[i] = x[place[i]];
        c->y[i] = y[place[i]];
    }
    rank(c, c->x, count);
    rank(c, c->y, count);
    double xx = dot(c->x, c->x, count), yy = dot(c->y, c->y, count);
    for (int64_t g = 0; g < controls; g++) {
        double *mine = c->z + g * c->most;
        for (int64_t i = 0; i < count; i++) mine[i] = z[g][place[i]];
        rank(c, mine, count);
        for (int64_t h = 0; h < g; h++) take_out(c->z + h * c->most, mine, count);
        take_out(mine, c->x, count);
        take_out(mine, c->y, count);
    }
    double norms = dot(c->x, c->x, count), other = dot(c->y, c->y, count);
    /* What is left may be rounding alone. */
    if (!(norms > 1e-9 * xx) || !(other > 1e-9 * yy)) return NAN;
    return dot(c->x, c->y, count) / sqrt(norms * other);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What is correlated; other: NULL, or another measure whose rho is subtracted. */
typedef struct question {
    const double *x, *y, *other;
    double sign;
    int64_t controls;
    const double *const *z;
} question;

static double answer(peek__correlator *c, const question *q, int64_t count, const int64_t *place)
{
    double rho = rho_at(c, count, place, q->x, q->y, q->controls, q->z);
    return q->other ? rho - q->sign * rho_at(c, count, place, q->other, q->y, 0, NULL) : rho;
}

static int is_known(const question *q, int64_t i)
{
    for (int64_t g = 0; g < q->controls; g++)
        if (isnan(q->z[g][i])) return 0;
    return !isnan(q->x[i]) && !isnan(q->y[i]) && !(q->other && isnan(q->other[i]));
}

/* Where a run of equal numbers that begins at i ends. */
static int64_t end_of(const int64_t *values, int64_t i, int64_t end)
{
    int64_t next = i + 1;
    while (next < end && values[next] == values[i]) next++;
    return next;
}

/* Draws as many clusters of each stratum as there are; returns how many entries that makes. */
static int64_t draw(const peek__correlator *c, const peek__sampling *of, int64_t count, uint64_t number,
                    int64_t *out)
{
    peek__stream stream = peek__stream_make(of->seed, PEEK__RESAMPLE, number);
    int64_t drawn = 0;
    for (int64_t first = 0, end; first < count; first = end) {
        int64_t clusters = 0;
        end = end_of(c->stratum, first, count);
        for (int64_t i = first; i < end; i = end_of(c->cluster, i, end)) clusters++;
        for (int64_t n = 0; n < clusters; n++) {
            uint64_t wanted = peek__random_below(&stream, (uint64_t)clusters);
            int64_t i = first;
            while (wanted--) i = end_of(c->cluster, i, end);
            for (int64_t last = end_of(c->cluster, i, end); i < last && drawn < c->most; i++)
                out[drawn++] = c->order[i];
        }
    }
    return drawn;
}

static void ask(peek__correlator *c, const peek__sampling *of, const question *q, peek__correlation *out)
{
    int64_t count = 0, good = 0;
    *out = (peek__correlation){.rho = NAN, .low = NAN, .high = NAN};
    for (int64_t i = 0; i < of->count; i++)
        if (is_known(q, of->index[i])) {
            c->stratum[count] = of->stratum[i];
            c->cluster[count] = of->cluster[i];
            c->order[count++] = of->index[i];
        }
    out->count = count;
    if (count < 3) return;
    out->rho = answer(c, q, count, c->order);
    if (isnan(out->rho)) return;
    for (int64_t n = 0; n < PEEK__RESAMPLES; n++) {
        int64_t drawn = draw(c, of, count, (uint64_t)n, c->place);
        double rho = answer(c, q, drawn, c->place);
        if (!isnan(rho)) c->resampled[good++] = rho;
    }
    if (good < PEEK__RESAMPLES / 2) return;
    qsort(c->resampled, (size_t)good, sizeof *c->resampled, rising);
    out->low = c->resampled[(int64_t)(0.025 * (double)(good - 1))];
    out->high = c->resampled[(int64_t)ceil(0.975 * (double)(good - 1))];
}

void peek__spearman(peek__correlator *correlator, const peek__sampling *of, const double *x, const double *y,
                    peek__correlation *out)
{
    ask(correlator, of, &(question){.x = x, .y = y}, out);
}

void peek__spearman_given(peek__correlator *correlator, const peek__sampling *of, const double *x,
                          const double *y, int64_t controls, const double *const *z, peek__correlation *out)
{
    ask(correlator, of, &(question){.x = x, .y = y, .controls = controls, .z = z}, out);
}

void peek__spearman_difference(peek__correlator *correlator, const peek__sampling *of, const double *x,
                               const double *other, double sign, const double *y, peek__correlation *out)
{
    ask(correlator, of, &(question){.x = x, .y = y, .other = other, .sign = sign}, out);
}
