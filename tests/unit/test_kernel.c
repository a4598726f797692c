/* Every kernel that runs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kernel_check.h"

static void test_kernels(void **state)
{
    (void)state;
    int used = 0;
    for (int64_t id = 0; peek__kernel_at(id); id++) {
        const peek__kernel *kernel = peek__kernel_at(id);
        if (!kernel->usable()) continue;
        used++;
        assert_int_equal(check_kernel(kernel), 0);
    }
    assert_true(used >= 1);
    assert_true(peek__kernel_best()->usable());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
