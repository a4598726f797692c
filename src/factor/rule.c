/* factor/rule.c: the table of update rules. */
#include "factor/rule.h"

const char peek__rule_names[] = "mu|hals|bpp";

static const peek__rule rules[] = {
    [PEEK__RULE_MU] = {"mu",
                       "D. D. Lee, H. S. Seung, Algorithms for Non-negative Matrix Factorization, NIPS 2001",
                       peek__rule_mu, peek__rule_mu_scratch, 0, 0},
    [PEEK__RULE_HALS] =
        {"hals",
         "A. Cichocki, A.-H. Phan, Fast Local Algorithms for Large Scale Nonnegative Matrix and "
         "Tensor Factorizations, IEICE Transactions 2009; N. Gillis, F. Glineur, Accelerated "
         "Multiplicative Updates and Hierarchical ALS Algorithms for Nonnegative Matrix "
         "Factorization, Neural Computation 2012; extrapolated as in A. M. S. Ang, N. Gillis, "
         "Accelerating Nonnegative Matrix Factorization Algorithms Using Extrapolation, Neural "
         "Computation 2019",
         peek__rule_hals, peek__rule_hals_scratch, 1, 1},
    [PEEK__RULE_BPP] = {"bpp",
                        "J. Kim, H. Park, Fast Nonnegative Matrix Factorization: An Active-Set-Like Method and "
                        "Comparisons, SIAM Journal on Scientific Computing 2011",
                        peek__rule_bpp, peek__rule_bpp_scratch, 1, 0},
};

const peek__rule *peek__rule_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof rules / sizeof *rules) ? &rules[index] : NULL;
}
