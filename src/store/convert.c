/* store/convert.c: numbers of 8 and 16 bits to floats and back.
 *
 * The loops are plain C without branches, which compilers turn into vectors of the machine they compile for
 * (SSE2, NEON). On x86-64 they are compiled a second time for AVX2, where F16C reads float16.
 * Source of the bit patterns: F. Giesen, "Float->half variants", https://gist.github.com/rygorous/2156668. */
#include "store/convert.h"

#include <stddef.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,f16c")))
#endif

static const uint32_t sign_bit = 0x80000000, infinite = 0x7f800000;

INLINE float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* a where the condition holds, else b; never a branch. */
INLINE uint32_t choose(int condition, uint32_t a, uint32_t b)
{
    uint32_t mask = -(uint32_t)(condition != 0);
    return (a & mask) | (b & ~mask);
}

INLINE uint32_t from_half(uint32_t half)
{
    uint32_t magnitude = (half & 0x7fff) << 13, smallest = UINT32_C(113) << 23; /* 2^-14 */
    /* Exponents are biased by 15 and by 127; that of infinity and NaN, 31, is to become 255. */
    uint32_t normal =
        magnitude + (UINT32_C(112) << 23) + choose(magnitude >= UINT32_C(31) << 23, UINT32_C(112) << 23, 0);
    uint32_t subnormal = bits_of(float_of(magnitude + smallest) - float_of(smallest));
    return choose(magnitude < UINT32_C(1) << 23, subnormal, normal) | (half & 0x8000) << 16;
}

INLINE uint32_t to_half(uint32_t bits)
{
    uint32_t magnitude = bits & ~sign_bit;
    uint32_t even = magnitude >> 13 & 1, normal = (magnitude - (UINT32_C(112) << 23) + 0xfff + even) >> 13;
    /* Adding 1/2 rounds to multiples of 2^-24, the unit of subnormal numbers, in the last bits. */
    uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    uint32_t special = choose(magnitude > infinite, 0x7e00, 0x7c00);
    uint32_t finite = choose(magnitude < UINT32_C(113) << 23, subnormal, normal);
    return choose(magnitude >= UINT32_C(143) << 23, special, finite) | (bits & sign_bit) >> 16;
}

INLINE uint32_t to_brief(uint32_t bits)
{
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, nan = bits >> 16 | 0x40;
    return choose((bits & ~sign_bit) > infinite, nan, rounded);
}

/* Whether it is finite and rounds to infinity. `limit`: the bits of the least magnitude that does. */
INLINE uint32_t overflows(uint32_t bits, uint32_t limit)
{
    uint32_t magnitude = bits & ~sign_bit;
    return (uint32_t)(magnitude >= limit) & (uint32_t)(magnitude < infinite);
}

static const uint32_t half_limit = 0x477ff000 /* 65520 */, brief_limit = 0x7f7f8000;

INLINE void from_bytes(const uint8_t *restrict in, int64_t count, float scale, float *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)in[i] / scale;
}

INLINE void from_float16(const uint16_t *restrict in, int64_t count, float *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = float_of(from_half(in[i]));
}

INLINE void from_bfloat16(const uint16_t *restrict in, int64_t count, float *restrict out)
{
    for (int64_t i = 0; i < count; i++) out[i] = float_of((uint32_t)in[i] << 16);
}

INLINE uint32_t to_bytes(const float *restrict in, int64_t count, float scale, uint8_t *restrict out)
{
    const int32_t most = (int32_t)bits_of(255);
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t near = (int32_t)bits_of(in[i] * scale + 0.5f); /* floats above 0 are ordered as their bits */
        near = near > 0 ? near : 0;
        near = near < most ? near : most;
        int32_t whole = (int32_t)float_of((uint32_t)near);
        bad |= bits_of((float)whole / scale) ^ bits_of(in[i]);
        out[i] = (uint8_t)whole;
    }
    return bad;
}

INLINE uint32_t to_float16(const float *restrict in, int64_t count, uint16_t *restrict out)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        bad |= overflows(bits_of(in[i]), half_limit);
        out[i] = (uint16_t)to_half(bits_of(in[i]));
    }
    return bad;
}

INLINE uint32_t to_bfloat16(const float *restrict in, int64_t count, uint16_t *restrict out)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        bad |= overflows(bits_of(in[i]), brief_limit);
        out[i] = (uint16_t)to_brief(bits_of(in[i]));
    }
    return bad;
}

#ifdef AVX2
static int has_avx2(void)
{
    unsigned a, b, c = 0, d;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}

AVX2 static void avx2_from_bytes(const uint8_t *in, int64_t count, float scale, float *out)
{
    from_bytes(in, count, scale, out);
}

AVX2 static void avx2_from_float16(const uint16_t *in, int64_t count, float *out)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    from_float16(in + i, count - i, out + i);
}

AVX2 static void avx2_from_bfloat16(const uint16_t *in, int64_t count, float *out)
{
    from_bfloat16(in, count, out);
}

AVX2 static uint32_t avx2_to_bytes(const float *in, int64_t count, float scale, uint8_t *out)
{
    return to_bytes(in, count, scale, out);
}

AVX2 static uint32_t avx2_to_float16(const float *in, int64_t count, uint16_t *out)
{
    return to_float16(in, count, out);
}

AVX2 static uint32_t avx2_to_bfloat16(const float *in, int64_t count, uint16_t *out)
{
    return to_bfloat16(in, count, out);
}
#endif

static int always(void)
{
    return 1;
}

static void plain_from_bytes(const uint8_t *in, int64_t count, float scale, float *out)
{
    from_bytes(in, count, scale, out);
}

static void plain_from_float16(const uint16_t *in, int64_t count, float *out)
{
    from_float16(in, count, out);
}

static void plain_from_bfloat16(const uint16_t *in, int64_t count, float *out)
{
    from_bfloat16(in, count, out);
}

static uint32_t plain_to_bytes(const float *in, int64_t count, float scale, uint8_t *out)
{
    return to_bytes(in, count, scale, out);
}

static uint32_t plain_to_float16(const float *in, int64_t count, uint16_t *out)
{
    return to_float16(in, count, out);
}

static uint32_t plain_to_bfloat16(const float *in, int64_t count, uint16_t *out)
{
    return to_bfloat16(in, count, out);
}

static const peek__converter converters[] = {
#ifdef AVX2
    {"avx2", has_avx2, avx2_from_bytes, avx2_from_float16, avx2_from_bfloat16, avx2_to_bytes, avx2_to_float16,
     avx2_to_bfloat16},
#endif
    {"plain", always, plain_from_bytes, plain_from_float16, plain_from_bfloat16, plain_to_bytes,
     plain_to_float16, plain_to_bfloat16},
};

const peek__converter *peek__converter_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof converters / sizeof *converters) ? &converters[index] : NULL;
}

/* Asked once, since cpuid takes microseconds in a virtual machine. It is a fact of the machine, so that threads
 * may find it at the same time. */
const peek__converter *peek__converter_best(void)
{
    static const peek__converter *found = NULL;
    const peek__converter *best = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (best) return best;
    for (best = converters; !best->usable();) best++;
    __atomic_store_n(&found, best, __ATOMIC_RELAXED);
    return best;
}
