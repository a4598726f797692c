/* The kernel for AArch64, without what else a build for it would need: check/neon.sh runs this under an
 * emulator. */
#include "linalg/kernel_neon.h"

#include "../unit/kernel_check.h"

static int always(void)
{
    return 1;
}

int main(void)
{
    const peek__kernel kernel = {"neon", always, peek__neon_times, peek__neon_transposed};
    int64_t wrong = check_kernel(&kernel);
    printf("neon: %lld values wrong\n", (long long)wrong);
    return wrong != 0;
}
