/* check/neon.c: the NEON kernel against plain loops, as a program of its own without BLAS and cmocka, so that
 * neon.sh can run it on a machine that is no AArch64. */
#include <stdio.h>

#include "kernel_check.h"
#include "linalg/kernel_neon.h"

int main(void)
{
    const peek__kernel neon = {.name = "neon", .times = peek__neon_times, .transposed = peek__neon_transposed};
    char message[200];
    if (!kernel_check(&neon, message, sizeof message)) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    puts("the NEON kernel agrees with plain loops");
    return 0;
}
