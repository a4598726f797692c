/* store/npy_values.c: the values of a mapped array as float or as integers. */
#include <math.h>
#include <string.h>

#include "store/convert.h"
#include "store/npy.h"

#define CONVERT_TO_FLOAT(type)                                                                                 \
    do {                                                                                                       \
        const type *value = (const type *)npy->data + first;                                                   \
        for (int64_t i = 0; i < count; i++) out[i] = (float)value[i];                                          \
    } while (0)

void peek__npy_floats(const peek__npy *npy, int64_t first, int64_t count, float *out)
{
    if (count <= 0) return;
    switch (npy->type) {
    case PEEK__FLOAT32:
        memcpy(out, (const float *)npy->data + first, (size_t)count * sizeof *out);
        break;
    case PEEK__FLOAT64:
        CONVERT_TO_FLOAT(double);
        break;
    case PEEK__FLOAT16:
        peek__converter_best()->from_float16((const uint16_t *)npy->data + first, count, out);
        break;
    case PEEK__BFLOAT16:
        peek__converter_best()->from_bfloat16((const uint16_t *)npy->data + first, count, out);
        break;
    case PEEK__BOOL: /* any nonzero byte is true, as in NumPy */
    {
        const uint8_t *value = (const uint8_t *)npy->data + first;
        for (int64_t i = 0; i < count; i++) out[i] = value[i] != 0;
        break;
    }
    case PEEK__UINT8:
        peek__converter_best()->from_bytes((const uint8_t *)npy->data + first, count,
                                           npy->scale > 0 ? npy->scale : 1, out);
        break;
    case PEEK__INT8:
        CONVERT_TO_FLOAT(int8_t);
        break;
    case PEEK__UINT16:
        CONVERT_TO_FLOAT(uint16_t);
        break;
    case PEEK__INT16:
        CONVERT_TO_FLOAT(int16_t);
        break;
    case PEEK__UINT32:
        CONVERT_TO_FLOAT(uint32_t);
        break;
    case PEEK__INT32:
        CONVERT_TO_FLOAT(int32_t);
        break;
    case PEEK__UINT64:
        CONVERT_TO_FLOAT(uint64_t);
        break;
    case PEEK__INT64:
        CONVERT_TO_FLOAT(int64_t);
        break;
    }
}

static double real_at(const peek__npy *npy, int64_t i)
{
    float value;
    if (npy->type == PEEK__FLOAT64) return ((const double *)npy->data)[i];
    peek__npy_floats(npy, i, 1, &value);
    return value;
}

/* Value i as an integer; 0 where it is none. */
static int integer_at(const peek__npy *npy, int64_t i, int64_t *out)
{
    switch (npy->type) {
    case PEEK__UINT8:
        *out = ((const uint8_t *)npy->data)[i];
        return 1;
    case PEEK__BOOL:
        *out = ((const uint8_t *)npy->data)[i] != 0;
        return 1;
    case PEEK__INT8:
        *out = ((const int8_t *)npy->data)[i];
        return 1;
    case PEEK__UINT16:
        *out = ((const uint16_t *)npy->data)[i];
        return 1;
    case PEEK__INT16:
        *out = ((const int16_t *)npy->data)[i];
        return 1;
    case PEEK__UINT32:
        *out = ((const uint32_t *)npy->data)[i];
        return 1;
    case PEEK__INT32:
        *out = ((const int32_t *)npy->data)[i];
        return 1;
    case PEEK__INT64:
        *out = ((const int64_t *)npy->data)[i];
        return 1;
    case PEEK__UINT64: {
        uint64_t value = ((const uint64_t *)npy->data)[i];
        *out = (int64_t)(value & INT64_MAX);
        return value <= INT64_MAX;
    }
    default: {
        double value = real_at(npy, i);
        int whole = value >= -0x1p62 && value <= 0x1p62 && value == floor(value);
        *out = whole ? (int64_t)value : 0;
        return whole;
    }
    }
}

peek_status peek__npy_integers(peek_context *context, const peek__npy *npy, const char *path, int64_t first,
                               int64_t count, int64_t *out)
{
    for (int64_t i = 0; i < count; i++)
        if (!integer_at(npy, first + i, &out[i]))
            return peek__fail(context, PEEK_E_VALUE,
                              "'%s' holds a value that is not a whole number at place %lld: round it", path,
                              (long long)(first + i));
    return PEEK_OK;
}
