/* factor/rule_mu.c: multiplicative updates, M <- M * R / (M G + eps), element-wise.
 * The objective never rises; zeros stay zeros.
 * Source: D. D. Lee, H. S. Seung, Algorithms for Non-negative Matrix Factorization, NIPS 2001. */
#include "factor/rule.h"
#include "linalg/skinny.h"

/* Of the problem after scaling, where the data's root mean square lies in [0.5, 2). */
static const float epsilon = 1e-9f;

void peek__rule_mu(int64_t rows, int64_t k, const float *gram, const float *numerator, float *m, float *scratch)
{
    peek__skinny_square(rows, k, m, gram, scratch);
    for (int64_t i = 0; i < rows * k; i++) m[i] = m[i] * numerator[i] / (scratch[i] + epsilon);
}
