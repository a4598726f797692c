/* factor/rule.h: the table of update rules.
 *
 * A rule improves one non-negative matrix M (rows x k) of a least-squares problem that it knows only by
 *     G  k x k      Gram matrix of the other matrix
 *     R  rows x k   numerator
 * (objective <M G, M> - 2 <R, M>, up to a constant). It works row by row, never sees blocks or data, and serves
 * the sample matrix and all loadings alike. */
#ifndef FACTOR_RULE_H
#define FACTOR_RULE_H

#include <stdint.h>

/* Updates M in place. scratch: rows x k. No aliasing. */
typedef void (*peek__rule_update)(int64_t rows, int64_t k, const float *gram, const float *numerator, float *m,
                                  float *scratch);

typedef struct peek__rule {
    const char *name, *citation;
    peek__rule_update update;
} peek__rule;

/* The names with '|' between, as an option table wants them, and a rule by its place in them. */
extern const char peek__rule_names[];
const peek__rule *peek__rule_at(int64_t index);

void peek__rule_mu(int64_t rows, int64_t k, const float *gram, const float *numerator, float *m,
                   float *scratch);

#endif
