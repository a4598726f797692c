/* Every kernel that runs here against plain loops (kernel_check.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_check.h"

static void test_kernels(void **state)
{
    (void)state;
    int used = 0;
    for (int64_t id = 0; peek__kernel_at(id); id++) {
        char message[200];
        if (!peek__kernel_at(id)->usable()) continue;
        used++;
        if (!kernel_check(peek__kernel_at(id), message, sizeof message)) fail_msg("%s", message);
    }
    assert_true(used >= 1);
    assert_true(peek__kernel_best()->usable());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
