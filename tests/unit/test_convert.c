/* Numbers of 8 and 16 bits: every implementation against arithmetic in double, for all there are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "store/convert.h"

enum { ALL = 65536, ODD = 13 }; /* ODD: so that vectors begin and end anywhere */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int same(float a, double b)
{
    return isnan(a) ? isnan(b) : (double)a == b && !signbit(a) == !signbit(b);
}

/* What 16 bits mean, with so many bits of exponent and of fraction. */
static double meaning(uint16_t bits, int exponents, int fractions)
{
    int exponent = bits >> fractions & ((1 << exponents) - 1), bias = (1 << (exponents - 1)) - 1;
    double fraction = bits & ((1 << fractions) - 1), sign = bits & 0x8000 ? -1 : 1;
    if (exponent == (1 << exponents) - 1) return fraction > 0 ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fractions);
    return sign * ldexp(ldexp(1, fractions) + fraction, exponent - bias - fractions);
}

/* The nearest number of that form, ties to even; infinite beyond the last. */
static double nearest(float value, int exponents, int fractions)
{
    int bias = (1 << (exponents - 1)) - 1, exponent;
    double most = ldexp(2 - ldexp(1, -fractions), bias);
    if (isnan(value) || isinf(value) || value == 0) return value;
    exponent = ilogb((double)value);
    if (exponent < 1 - bias) exponent = 1 - bias;
    double rounded = ldexp(rint(ldexp(value, fractions - exponent)), exponent - fractions);
    rounded = copysign(rounded, value);
    return fabs(rounded) > most ? copysign(INFINITY, value) : rounded;
}

static void all_are_read(void **state)
{
    (void)state;
    static uint16_t in[ALL];
    static float out[ALL];
    uint8_t bytes[256];
    for (int i = 0; i < ALL; i++) in[i] = (uint16_t)i;
    for (int i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
    const peek__converter *c;
    for (int64_t row = 0; (c = peek__converter_at(row)); row++) {
        if (!c->usable()) continue;
        c->from_float16(in, ODD, out);
        c->from_float16(in + ODD, ALL - ODD, out + ODD);
        for (int i = 0; i < ALL; i++)
            if (!same(out[i], meaning(in[i], 5, 10)))
                fail_msg("%s: float16 %04x is %g", c->name, i, (double)out[i]);
        c->from_bfloat16(in, ODD, out);
        c->from_bfloat16(in + ODD, ALL - ODD, out + ODD);
        for (int i = 0; i < ALL; i++)
            if (!same(out[i], meaning(in[i], 8, 7)))
                fail_msg("%s: bfloat16 %04x is %g", c->name, i, (double)out[i]);
        for (int scale = 1; scale <= 255; scale += 254) {
            c->from_bytes(bytes, ODD, (float)scale, out);
            c->from_bytes(bytes + ODD, 256 - ODD, (float)scale, out + ODD);
            for (int i = 0; i < 256; i++) assert_true(out[i] == (float)i / (float)scale);
        }
    }
}

typedef uint32_t (*narrow)(const float *in, int64_t count, uint16_t *out);

/* One run of numbers through one function; whether it told of an overflow must be true. */
static void check_run(const char *name, narrow to, int exponents, int fractions, const float *in, int64_t count)
{
    uint16_t out[1024];
    int told = to(in, count, out) != 0, overflow = 0;
    for (int64_t i = 0; i < count; i++) {
        double wanted = nearest(in[i], exponents, fractions), got = meaning(out[i], exponents, fractions);
        overflow |= isfinite(in[i]) && isinf(wanted);
        if (!same((float)got, wanted) && !(isnan(got) && isnan(wanted)))
            fail_msg("%s: %a became %a, not %a", name, (double)in[i], got, wanted);
    }
    if (told != overflow)
        fail_msg("%s: told %d of an overflow that is %d, near %a", name, told, overflow, (double)*in);
}

/* What there is of that form, what lies halfway between two neighbours, and the floats beside. */
static void check_borders(const char *name, narrow to, int exponents, int fractions)
{
    for (int i = 0; i < ALL; i++) {
        double here = meaning((uint16_t)i, exponents, fractions),
               next = meaning((uint16_t)(i + 1), exponents, fractions);
        float near[8] = {(float)here, -0.0f, INFINITY, NAN};
        int count = 4;
        if (isfinite(here) && !isnan(next)) {
            float half = isinf(next)
                             ? (float)(here + (here - meaning((uint16_t)(i - 1), exponents, fractions)) / 2)
                             : (float)((here + next) / 2);
            near[count++] = half;
            near[count++] = nextafterf(half, INFINITY);
            near[count++] = nextafterf(half, -INFINITY);
        }
        for (int n = 0; n < count; n++) check_run(name, to, exponents, fractions, near + n, 1);
        check_run(name, to, exponents, fractions, near, count);
    }
}

/* Floats of all magnitudes and signs, in runs of any length. */
static void check_all_over(const char *name, narrow to, int exponents, int fractions)
{
    float in[1024];
    uint32_t bits = 12345;
    for (int run = 0; run < 2000; run++) {
        int64_t count = 1 + run % 1024;
        for (int64_t i = 0; i < count; i++) in[i] = float_of(bits += 2654435761u);
        check_run(name, to, exponents, fractions, in, count);
    }
}

static void all_are_written(void **state)
{
    (void)state;
    const peek__converter *c;
    for (int64_t row = 0; (c = peek__converter_at(row)); row++) {
        if (!c->usable()) continue;
        check_borders(c->name, c->to_float16, 5, 10);
        check_borders(c->name, c->to_bfloat16, 8, 7);
        check_all_over(c->name, c->to_float16, 5, 10);
        check_all_over(c->name, c->to_bfloat16, 8, 7);
    }
}

/* Pixels come back as the bytes they were; what is none is told wherever it stands. */
static void pixels(void **state)
{
    (void)state;
    const peek__converter *c;
    float in[256 + ODD];
    uint8_t out[256 + ODD];
    for (int64_t row = 0; (c = peek__converter_at(row)); row++) {
        if (!c->usable()) continue;
        for (int i = 0; i < 256 + ODD; i++) in[i] = (float)(i % 256) / 255.0f;
        assert_int_equal(c->to_bytes(in, 256 + ODD, 255, out), 0);
        for (int i = 0; i < 256 + ODD; i++) assert_int_equal(out[i], i % 256);
        const float others[] = {nextafterf(1, 2),
                                nextafterf(in[77], 0),
                                nextafterf(in[77], 1),
                                -1.0f / 255,
                                -0.0f,
                                256.0f / 255,
                                1e30f,
                                -1e30f,
                                INFINITY,
                                -INFINITY,
                                NAN,
                                1e-40f,
                                0.5f};
        for (size_t n = 0; n < sizeof others / sizeof *others; n++)
            for (int at = 0; at < 256 + ODD; at += 19) {
                float before = in[at];
                in[at] = others[n];
                if (!c->to_bytes(in, 256 + ODD, 255, out))
                    fail_msg("%s: %a at %d passed as a pixel", c->name, (double)others[n], at);
                in[at] = before;
            }
    }
}

static void the_limits_are_true(void **state)
{
    (void)state;
    assert_true((double)PEEK__FLOAT16_MOST == meaning(0x7bff, 5, 10));
    assert_true((double)PEEK__BFLOAT16_MOST == meaning(0x7f7f, 8, 7));
    assert_true(bits_of(PEEK__BFLOAT16_MOST) == 0x7f7f0000);
    assert_non_null(peek__converter_at(0));
    assert_non_null(peek__converter_best());
    assert_null(peek__converter_at(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_read),
        cmocka_unit_test(all_are_written),
        cmocka_unit_test(pixels),
        cmocka_unit_test(the_limits_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
