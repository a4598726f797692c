/* measure/assignment.c: the best one-to-one matching, by shortest augmenting paths in O(k^3).
 *
 * Rows join one by one. For each the cheapest alternating path to a free column is found with the reduced costs
 * -s_rc - u_r
 * - v_c >= 0, as Dijkstra would; then the prices u, v change so that all matched pairs have cost 0 again.
 * Column k stands for "not yet matched". */
#include <math.h>

#include "base/memory.h"
#include "nnpeek/measure.h"

typedef struct matching {
    const double *similarity;
    int64_t k;
    double *row_price, *column_price, *cost; /* k, k + 1, k + 1 */
    int64_t *row_of, *before; /* k + 1: the row matched to a column, or -1; the column before on the path */
    char *done;               /* k + 1 */
} matching;

/* From column `at`, whose row looks for another one: updates the costs of columns and returns the cheapest open
 * one. */
static int64_t advance(matching *m, int64_t at)
{
    int64_t k = m->k, row = m->row_of[at], next = -1;
    double least = INFINITY;
    m->done[at] = 1;
    for (int64_t c = 0; c < k; c++) {
        if (m->done[c]) continue;
        double reduced = -m->similarity[row * k + c] - m->row_price[row] - m->column_price[c];
        if (reduced < m->cost[c]) {
            m->cost[c] = reduced;
            m->before[c] = at;
        }
        if (m->cost[c] < least) {
            least = m->cost[c];
            next = c;
        }
    }
    for (int64_t c = 0; c <= k; c++) {
        if (m->done[c]) {
            m->row_price[m->row_of[c]] += least;
            m->column_price[c] -= least;
        } else {
            m->cost[c] -= least;
        }
    }
    return next;
}

static void add_row(matching *m, int64_t row)
{
    for (int64_t c = 0; c <= m->k; c++) {
        m->cost[c] = INFINITY;
        m->done[c] = 0;
    }
    int64_t at = m->k;
    m->row_of[at] = row;
    while (m->row_of[at] >= 0) at = advance(m, at);
    for (; at != m->k; at = m->before[at]) m->row_of[at] = m->row_of[m->before[at]];
}

static peek_status prepare(peek_context *context, matching *m)
{
    PEEK_TRY(peek__alloc(context, &m->row_price, m->k, "a matching"));
    PEEK_TRY(peek__alloc(context, &m->column_price, m->k + 1, "a matching"));
    PEEK_TRY(peek__alloc(context, &m->cost, m->k + 1, "a matching"));
    PEEK_TRY(peek__alloc(context, &m->row_of, m->k + 1, "a matching"));
    PEEK_TRY(peek__alloc(context, &m->before, m->k + 1, "a matching"));
    return peek__alloc(context, &m->done, m->k + 1, "a matching");
}

peek_status peek_match(peek_context *context, const double *similarity, int64_t k, int64_t *match)
{
    for (int64_t i = 0; i < k * k; i++)
        if (!isfinite(similarity[i]))
            return peek__fail(context, PEEK_E_VALUE, "a matching needs finite similarities");
    matching m = {.similarity = similarity, .k = k};
    peek_status status = prepare(context, &m);
    if (status == PEEK_OK) {
        for (int64_t c = 0; c < k; c++) m.row_of[c] = -1;
        for (int64_t row = 0; row < k; row++) add_row(&m, row);
        for (int64_t c = 0; c < k; c++) match[m.row_of[c]] = c;
    }
    peek__free(&m.row_price);
    peek__free(&m.column_price);
    peek__free(&m.cost);
    peek__free(&m.row_of);
    peek__free(&m.before);
    peek__free(&m.done);
    return status;
}
