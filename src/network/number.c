/* network/number.c: numbers of the types that tensors declare but do not hold. */
#include "network/number.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static float number_of(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

float peek__from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) return number_of(sign | 0x7f800000 | fraction << 13);
    if (exponent) return number_of(sign | (exponent + 112) << 23 | fraction << 13);
    float small = ldexpf((float)fraction, -24);
    return sign ? -small : small;
}

uint16_t peek__to_half(float number)
{
    uint32_t bits = bits_of(number), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (rest >> 13 & 0x1ff));
    if (rest >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and more round to infinity */
    if (rest < 0x38800000) /* below 2^-14: a multiple of 2^-24, rounded by the current mode, to even */
        return (uint16_t)(sign | (uint32_t)lrintf(ldexpf(number_of(rest), 24)));
    rest += 0xfff + (rest >> 13 & 1);
    return (uint16_t)(sign | (rest - 0x38000000) >> 13);
}

float peek__from_bfloat(uint16_t bits)
{
    return number_of((uint32_t)bits << 16);
}

uint16_t peek__to_bfloat(float number)
{
    uint32_t bits = bits_of(number);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float peek__round_to(peek__element type, float number)
{
    if (type == PEEK__TYPE_FLOAT16) return peek__from_half(peek__to_half(number));
    if (type == PEEK__TYPE_BFLOAT16) return peek__from_bfloat(peek__to_bfloat(number));
    return number;
}

int64_t peek__cut_off(double number)
{
    if (isnan(number)) return 0;
    if (number >= 0x1p63) return INT64_MAX;
    if (number <= -0x1p63) return INT64_MIN;
    return (int64_t)number;
}

int64_t peek__wrap_to(peek__element type, int64_t number)
{
    switch (type) {
    case PEEK__TYPE_UINT8:
        return (uint8_t)number;
    case PEEK__TYPE_INT8:
        return (int8_t)number;
    case PEEK__TYPE_UINT16:
        return (uint16_t)number;
    case PEEK__TYPE_INT16:
        return (int16_t)number;
    case PEEK__TYPE_UINT32:
        return (uint32_t)number;
    case PEEK__TYPE_INT32:
        return (int32_t)number;
    case PEEK__TYPE_BOOL:
        return number != 0;
    default:
        return number;
    }
}
