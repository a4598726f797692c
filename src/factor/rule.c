/* factor/rule.c: the table of update rules. */
#include "factor/rule.h"

#include <stddef.h>

const char peek__rule_names[] = "mu";

static const peek__rule rules[] = {
    {"mu", "D. D. Lee, H. S. Seung, Algorithms for Non-negative Matrix Factorization, NIPS 2001",
     peek__rule_mu},
};

const peek__rule *peek__rule_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof rules / sizeof *rules) ? &rules[index] : NULL;
}
