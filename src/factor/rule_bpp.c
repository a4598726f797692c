/* factor/rule_bpp.c: exact non-negative least squares for every row by block principal pivoting.
 *
 * A row m >= 0 minimises m G m^T - 2 r m^T, r the row of R - l1, where y = m G - r >= 0 and m y = 0. The
 * indices are split into a passive set P (m free, y = 0) and the others (m = 0); wherever m or y is negative,
 * indices change sides, all at once while their number falls, else only the last one, which ends for certain.
 * Rows with equal passive sets share one Cholesky factor. A row starts from the set of its positive entries.
 *
 * Where G is singular or nearly so, the row is found that minimises this plus ridge ||m - m before||^2: that
 * has one answer, never raises the objective, and adds nothing once the iteration stands still. A row that does
 * not end or cannot be solved (rounding) stays as it was.
 *
 * Source: J. Kim, H. Park, SIAM Journal on Scientific Computing 33(6), 2011. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "factor/rule.h"

enum { FULL_EXCHANGES = 3, ROUNDS_LEAST = 60 };

static const double near_singular = 1e-7; /* pivots and ridge, relative to the largest diagonal entry of G */
static const double feasible = 1e-10;     /* negative values down to this share of the largest count as zero */

typedef struct row_state {
    uint8_t *passive; /* k flags */
    int64_t row;
    int64_t fewest; /* infeasible indices seen so far */
    int exchanges;  /* full exchanges left */
} row_state;

/* Views into the scratch of one call. */
typedef struct tools {
    int64_t k;
    double *gram, *factor; /* k x k */
    double *x, *y;         /* k */
    double ridge;
    int64_t *members;             /* k: the passive set as a list */
    uint8_t *wrong;               /* k: indices on the wrong side */
    row_state *states, **pending; /* rows */
    uint8_t *flags, *sets;        /* rows x k: the rows' passive sets, and these as a round began */
} tools;

static size_t padded(int64_t count, size_t size)
{
    return ((size_t)count * size + 63) / 64 * 64;
}

size_t peek__rule_bpp_scratch(int64_t rows, int64_t k)
{
    return 2 * padded(k * k, sizeof(double)) + 2 * padded(k, sizeof(double)) + padded(k, sizeof(int64_t)) +
           padded(k, 1) + padded(rows, sizeof(row_state)) + padded(rows, sizeof(row_state *)) +
           2 * padded(rows * k, 1);
}

static void *take(char **at, int64_t count, size_t size)
{
    void *here = *at;
    *at += padded(count, size);
    return here;
}

static tools lay_out(const peek__update *update)
{
    int64_t k = update->k, rows = update->rows;
    char *at = update->scratch;
    tools t = {.k = k};
    t.gram = take(&at, k * k, sizeof(double));
    t.factor = take(&at, k * k, sizeof(double));
    t.x = take(&at, k, sizeof(double));
    t.y = take(&at, k, sizeof(double));
    t.members = take(&at, k, sizeof(int64_t));
    t.wrong = take(&at, k, 1);
    t.states = take(&at, rows, sizeof(row_state));
    t.pending = take(&at, rows, sizeof(row_state *));
    t.flags = take(&at, rows * k, 1);
    t.sets = take(&at, rows * k, 1);
    return t;
}

/* Lower Cholesky factor of the rows and columns `members` of G. 0 where a pivot is not above `least`. G in
 * float is the Gram matrix only to rounding: no pivot smaller than that can be trusted. */
static int factorise(const tools *t, int64_t count, double least)
{
    double *l = t->factor;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = t->gram[t->members[i] * t->k + t->members[j]];
            for (int64_t s = 0; s < j; s++) sum -= l[i * count + s] * l[j * count + s];
            if (i == j) {
                if (!(sum > least)) return 0;
                l[i * count + i] = sqrt(sum);
            } else {
                l[i * count + j] = sum / l[j * count + j];
            }
        }
    return 1;
}

static void substitute(const tools *t, int64_t count, double *x)
{
    const double *l = t->factor;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < i; j++) x[i] -= l[i * count + j] * x[j];
        x[i] /= l[i * count + i];
    }
    for (int64_t i = count; i-- > 0;) {
        for (int64_t j = i + 1; j < count; j++) x[i] -= l[j * count + i] * x[j];
        x[i] /= l[i * count + i];
    }
}

static double right_side(const tools *t, const peek__update *update, int64_t row, int64_t r)
{
    int64_t at = row * update->k + r;
    return update->numerator[at] - update->l1 + t->ridge * update->m[at];
}

/* Solves one row for its passive set, whose factor is ready, into x; marks the indices that are on the wrong
 * side and returns their number. */
static int64_t solve(const tools *t, const peek__update *update, const row_state *state, int64_t count)
{
    int64_t k = t->k, wrong = 0;
    double x_largest = 0, r_largest = 0;
    for (int64_t i = 0; i < count; i++) t->y[i] = right_side(t, update, state->row, t->members[i]);
    substitute(t, count, t->y);
    memset(t->x, 0, (size_t)k * sizeof *t->x);
    for (int64_t i = 0; i < count; i++) {
        t->x[t->members[i]] = t->y[i];
        x_largest = fmax(x_largest, fabs(t->y[i]));
    }
    for (int64_t r = 0; r < k; r++) {
        double right = right_side(t, update, state->row, r);
        r_largest = fmax(r_largest, fabs(right));
        t->y[r] = -right;
    }
    for (int64_t r = 0; r < k; r++) {
        if (state->passive[r]) {
            t->wrong[r] = t->x[r] < -feasible * x_largest;
        } else {
            for (int64_t i = 0; i < count; i++) t->y[r] += t->gram[r * k + t->members[i]] * t->x[t->members[i]];
            t->wrong[r] = t->y[r] < -feasible * r_largest;
        }
        wrong += t->wrong[r];
    }
    return wrong;
}

/* Moves indices to the other side: all that are wrong, or the last alone. */
static void exchange(const tools *t, row_state *state, int64_t wrong)
{
    int all = 1;
    if (wrong < state->fewest) {
        state->fewest = wrong;
        state->exchanges = FULL_EXCHANGES;
    } else if (state->exchanges > 0) {
        state->exchanges--;
    } else {
        all = 0;
    }
    for (int64_t r = t->k; r-- > 0;) {
        if (!t->wrong[r]) continue;
        state->passive[r] = !state->passive[r];
        if (!all) return;
    }
}

/* Rows with equal passive sets next to each other; the rows' order otherwise. */
static int by_set(const void *a, const void *b, void *k)
{
    const row_state *x = *(row_state *const *)a, *y = *(row_state *const *)b;
    int order = memcmp(x->passive, y->passive, (size_t) * (int64_t *)k);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static void finish(const tools *t, const peek__update *update, int64_t row)
{
    for (int64_t r = 0; r < t->k; r++) update->m[row * t->k + r] = (float)(t->x[r] > 0 ? t->x[r] : 0);
}

/* One round: every pending row is solved for its set, and is done or changes it. Returns how many are left. */
static int64_t work_round(const tools *t, const peek__update *update, int64_t pending)
{
    int64_t k = t->k, left = 0, count = 0;
    int sound = 0;
    const uint8_t *factored = NULL;
    qsort_r(t->pending, (size_t)pending, sizeof *t->pending, by_set, (void *)(uintptr_t)&t->k);
    for (int64_t i = 0; i < pending; i++)
        memcpy(t->sets + i * k, t->pending[i]->passive, (size_t)k); /* kept while rows exchange */
    for (int64_t i = 0; i < pending; i++) {
        row_state *state = t->pending[i];
        if (!factored || memcmp(factored, t->sets + i * k, (size_t)k) != 0) {
            factored = t->sets + i * k;
            count = 0;
            for (int64_t r = 0; r < k; r++)
                if (factored[r]) t->members[count++] = r;
            sound = factorise(t, count, 0);
        }
        if (!sound) continue;
        int64_t wrong = solve(t, update, state, count);
        if (wrong == 0) {
            finish(t, update, state->row);
        } else {
            exchange(t, state, wrong);
            t->pending[left++] = state;
        }
    }
    return left;
}

/* G in double, with the ridge on it where a factor of the whole has too small a pivot; then every part of it
 * can be factorised too. Rounding may have made G indefinite by more than the ridge, which then grows. 0 where
 * G is zero or not finite. */
static int take_gram(tools *t, const float *gram)
{
    int64_t k = t->k;
    double largest = 0;
    for (int64_t i = 0; i < k * k; i++) t->gram[i] = gram[i];
    for (int64_t r = 0; r < k; r++) {
        largest = fmax(largest, t->gram[r * k + r]);
        t->members[r] = r;
    }
    if (!(largest > 0)) return 0;
    if (factorise(t, k, near_singular * largest)) return 1;
    for (t->ridge = near_singular * largest; t->ridge <= largest; t->ridge *= 4) {
        for (int64_t r = 0; r < k; r++) t->gram[r * k + r] = gram[r * k + r] + t->ridge;
        if (factorise(t, k, 0)) return 1;
    }
    return 0;
}

void peek__rule_bpp(const peek__update *update)
{
    tools t = lay_out(update);
    int64_t k = update->k, pending = update->rows;
    if (!take_gram(&t, update->gram)) return;
    for (int64_t i = 0; i < update->rows; i++) {
        t.states[i] = (row_state){t.flags + i * k, i, k + 1, FULL_EXCHANGES};
        t.pending[i] = &t.states[i];
        for (int64_t r = 0; r < k; r++) t.states[i].passive[r] = update->m[i * k + r] > 0;
    }
    for (int64_t round = 0; pending > 0 && round < ROUNDS_LEAST + 5 * k; round++)
        pending = work_round(&t, update, pending);
}
