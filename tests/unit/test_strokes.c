/* strokes: bit-identical for a seed, one sample independent of the others, and made of digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "data/format.h"
#include "context.h"

enum { PIXELS = 28 * 28 };

static peek__content draw(int threads, int64_t count, int train, uint64_t seed)
{
    peek_context *context = make_context(threads, NULL, NULL);
    peek__content content = {0};
    assert_int_equal(peek__strokes_draw(context, count, train, seed, &content), PEEK_OK);
    peek_context_free(&context);
    return content;
}

/* The digests were computed on x86-64; every other machine has to give the same. A change of the drawing
 * changes what a seed means: it belongs in the change log. */
static void test_digest(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        int train;
        const char *digest;
    } cases[] = {{0, 0, "d1b40941d134b8c1"}, {0, 1, "888b24562f00e0f2"}, {7, 0, "2f0826814c0abd2a"}};
    for (size_t i = 0; i < 3; i++) {
        peek__content content = draw(1, 100, cases[i].train, cases[i].seed);
        uint64_t digest = 0;
        char text[17];
        peek__digest(&digest, content.owned, 100 * PIXELS);
        peek__digest(&digest, content.labels, 100 * sizeof *content.labels);
        peek__digest_text(digest, text);
        assert_string_equal(text, cases[i].digest);
        peek__content_clear(&content);
    }
}

static void test_threads_and_counts(void **state)
{
    (void)state;
    peek__content whole = draw(1, 300, 1, 3), part = draw(3, 150, 1, 3), other = draw(2, 150, 0, 3);
    assert_memory_equal(whole.owned, part.owned, 150 * PIXELS);
    assert_memory_equal(whole.labels, part.labels, 150 * sizeof *whole.labels);
    assert_memory_not_equal(whole.owned, other.owned, 150 * PIXELS);
    peek__content_clear(&whole);
    peek__content_clear(&part);
    peek__content_clear(&other);
}

/* Every picture is dark at its rim and bright in it, every digit occurs, and no two pictures are equal. */
static void test_pictures(void **state)
{
    (void)state;
    peek__content content = draw(2, 1000, 1, 11);
    int64_t counts[10] = {0};
    const uint8_t *pixels = content.owned;
    for (int64_t t = 0; t < 1000; t++, pixels += PIXELS) {
        int brightest = 0, rim = 0;
        int64_t sum = 0;
        for (int i = 0; i < PIXELS; i++) {
            int row = i / 28, column = i % 28;
            if (pixels[i] > brightest) brightest = pixels[i];
            if ((row == 0 || row == 27 || column == 0 || column == 27) && pixels[i] > rim) rim = pixels[i];
            sum += pixels[i];
        }
        assert_in_range(brightest, 120, 255);
        assert_int_equal(rim, 0);
        assert_in_range(sum, 4 * 1000, 255 * PIXELS / 2);
        assert_in_range(content.labels[t], 0, 9);
        counts[content.labels[t]]++;
        if (t > 0) assert_memory_not_equal(pixels, pixels - PIXELS, PIXELS);
    }
    for (int k = 0; k < 10; k++) assert_in_range(counts[k], 60, 140);
    assert_int_equal(content.classes.count, 10);
    peek__content_clear(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_threads_and_counts),
        cmocka_unit_test(test_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
