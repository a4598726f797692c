/* factor/rule.h: the table of update rules.
 *
 * A rule improves one non-negative matrix M (rows x k) of a least-squares problem that it knows only by
 *     G  k x k      Gram matrix of the other matrix
 *     R  rows x k   numerator
 * and, where there is an L1 penalty, its weight l1: the objective is <M G, M> - 2 <R - l1, M>, up to a
 * constant. An L2 penalty stands on the diagonal of G. The rule works row by row, never sees blocks or data,
 * and serves the sample matrix and all loadings alike. */
#ifndef FACTOR_RULE_H
#define FACTOR_RULE_H

#include <stddef.h>
#include <stdint.h>

/* One call of a rule: M is updated in place. No aliasing. */
typedef struct peek__update {
    int64_t rows, k;
    const float *gram;      /* G, k x k */
    const float *numerator; /* R, rows x k */
    float l1;               /* not negative */
    float *m;               /* M, rows x k */
    void *scratch;          /* as many bytes as the rule asks for, at a 64-byte boundary */
    int64_t effort; /* how many products M G cost as much as the numerator did: repeating is that cheap */
} peek__update;

typedef struct peek__rule {
    const char *name, *citation;
    void (*update)(const peek__update *update);
    size_t (*scratch)(int64_t rows, int64_t k); /* bytes that a call with at most these rows needs */
    int sketched;     /* 1: bears the negative numerators of a sketch (factor/sketch.h) */
    int extrapolated; /* 1: the driver may extrapolate between its updates (factor/extrapolate.h) */
} peek__rule;

/* The names with '|' between, as an option table wants them, and a rule by its place in them. */
extern const char peek__rule_names[];
enum { PEEK__RULE_MU, PEEK__RULE_HALS, PEEK__RULE_BPP };
const peek__rule *peek__rule_at(int64_t index);

void peek__rule_mu(const peek__update *update);
size_t peek__rule_mu_scratch(int64_t rows, int64_t k);

void peek__rule_hals(const peek__update *update);
size_t peek__rule_hals_scratch(int64_t rows, int64_t k);

void peek__rule_bpp(const peek__update *update);
size_t peek__rule_bpp_scratch(int64_t rows, int64_t k);

#endif
