/* factor/rule_mu.c: multiplicative updates, M <- M * R / (M G + l1 + eps), element-wise.
 * The objective never rises; zeros stay zeros.
 * Source: D. D. Lee, H. S. Seung, Algorithms for Non-negative Matrix Factorization, NIPS 2001. */
#include "factor/rule.h"
#include "linalg/skinny.h"

/* Of the problem after scaling, where the data's root mean square lies in [0.5, 2). */
static const float epsilon = 1e-9f;

size_t peek__rule_mu_scratch(int64_t rows, int64_t k)
{
    return (size_t)(rows * k) * sizeof(float);
}

void peek__rule_mu(const peek__update *update)
{
    const float *numerator = update->numerator;
    float *m = update->m, *product = update->scratch, rest = update->l1 + epsilon;
    peek__skinny_square(update->rows, update->k, m, update->gram, product);
    for (int64_t i = 0; i < update->rows * update->k; i++) m[i] = m[i] * numerator[i] / (product[i] + rest);
}
