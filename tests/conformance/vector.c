#include "vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 200 };

uint8_t *vector_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint8_t *bytes = NULL;
    long length = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) bytes = malloc((size_t)length + 1);
    *size = (size_t)length;
    if (bytes && fread(bytes, 1, *size, file) != *size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

static float from_half(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    return (float)(half & 0x8000 ? -magnitude : magnitude);
}

static float from_bfloat16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* Bytes of one number in raw_data. */
static size_t raw_width(peek__element type)
{
    switch (type) {
    case PEEK__TYPE_UINT8:
    case PEEK__TYPE_INT8:
    case PEEK__TYPE_BOOL:
        return 1;
    case PEEK__TYPE_UINT16:
    case PEEK__TYPE_INT16:
    case PEEK__TYPE_FLOAT16:
    case PEEK__TYPE_BFLOAT16:
        return 2;
    case PEEK__TYPE_INT64:
    case PEEK__TYPE_UINT64:
    case PEEK__TYPE_DOUBLE:
        return 8;
    default:
        return 4;
    }
}

/* Number i, from its little-endian bits. */
static void put_bits(peek__tensor *tensor, int64_t i, uint64_t bits)
{
    float single;
    double twice;
    uint32_t low = (uint32_t)bits;
    switch (tensor->type) {
    case PEEK__TYPE_FLOAT:
        memcpy(&single, &low, sizeof single);
        tensor->floats[i] = single;
        break;
    case PEEK__TYPE_DOUBLE:
        memcpy(&twice, &bits, sizeof twice);
        tensor->floats[i] = (float)twice;
        break;
    case PEEK__TYPE_FLOAT16:
        tensor->floats[i] = from_half((uint16_t)bits);
        break;
    case PEEK__TYPE_BFLOAT16:
        tensor->floats[i] = from_bfloat16((uint16_t)bits);
        break;
    case PEEK__TYPE_INT8:
        tensor->integers[i] = (int8_t)bits;
        break;
    case PEEK__TYPE_INT16:
        tensor->integers[i] = (int16_t)bits;
        break;
    case PEEK__TYPE_INT32:
        tensor->integers[i] = (int32_t)bits;
        break;
    default:
        tensor->integers[i] = (int64_t)bits;
        break;
    }
}

/* How many numbers lie in the field of this type where they are not raw. */
static size_t field_count(const Onnx__TensorProto *proto)
{
    switch (proto->data_type) {
    case PEEK__TYPE_FLOAT:
        return proto->n_float_data;
    case PEEK__TYPE_DOUBLE:
        return proto->n_double_data;
    case PEEK__TYPE_INT64:
        return proto->n_int64_data;
    case PEEK__TYPE_UINT32:
    case PEEK__TYPE_UINT64:
        return proto->n_uint64_data;
    default:
        return proto->n_int32_data;
    }
}

static void put_field(const Onnx__TensorProto *proto, peek__tensor *tensor, int64_t i)
{
    switch (tensor->type) {
    case PEEK__TYPE_FLOAT:
        tensor->floats[i] = proto->float_data[i];
        break;
    case PEEK__TYPE_DOUBLE:
        tensor->floats[i] = (float)proto->double_data[i];
        break;
    case PEEK__TYPE_INT64:
        tensor->integers[i] = proto->int64_data[i];
        break;
    case PEEK__TYPE_UINT32:
    case PEEK__TYPE_UINT64:
        tensor->integers[i] = (int64_t)proto->uint64_data[i];
        break;
    default:
        put_bits(tensor, i, (uint32_t)proto->int32_data[i]);
        break;
    }
}

static vector_outcome read_proto(peek_context *context, const Onnx__TensorProto *proto, const char *path,
                                 peek__tensor *out, char *why)
{
    if (!peek__element_known(proto->data_type)) {
        snprintf(why, WHY, "%s is of data type %d", path, (int)proto->data_type);
        return VECTOR_FOREIGN;
    }
    out->type = (peek__element)proto->data_type;
    if (peek__tensor_shape(context, out, path, (int64_t)proto->n_dims, proto->dims) != PEEK_OK ||
        peek__tensor_allocate(context, out, path) != PEEK_OK) {
        snprintf(why, WHY, "%s", peek_error(context));
        return VECTOR_BROKEN;
    }
    size_t width = raw_width(out->type), size = (size_t)out->size;
    if (proto->has_raw_data ? proto->raw_data.len != size * width : field_count(proto) != size) {
        snprintf(why, WHY, "%s does not hold the %zu numbers of its shape", path, size);
        return VECTOR_BROKEN;
    }
    for (size_t i = 0; i < size; i++) {
        uint64_t bits = 0;
        if (proto->has_raw_data) {
            memcpy(&bits, proto->raw_data.data + i * width, width);
            put_bits(out, (int64_t)i, bits);
        } else {
            put_field(proto, out, (int64_t)i);
        }
    }
    return VECTOR_READ;
}

vector_outcome vector_read(peek_context *context, const char *path, int declared, peek__tensor *out, char *why)
{
    *out = (peek__tensor){.type = PEEK__TYPE_NONE};
    size_t size = 0;
    uint8_t *bytes = vector_file(path, &size);
    Onnx__TensorProto *proto = bytes ? onnx__tensor_proto__unpack(NULL, size, bytes) : NULL;
    vector_outcome outcome = VECTOR_BROKEN;
    if (proto && proto->data_type == PEEK__TYPE_UINT16 && declared == PEEK__TYPE_BFLOAT16)
        proto->data_type = PEEK__TYPE_BFLOAT16;
    if (proto)
        outcome = read_proto(context, proto, path, out, why);
    else
        snprintf(why, WHY, "%s cannot be read as a tensor", path);
    if (proto) onnx__tensor_proto__free_unpacked(proto, NULL);
    free(bytes);
    return outcome;
}

static int close(float found, float expected, double rtol, double atol)
{
    if (isnan(expected)) return isnan(found);
    if (isinf(expected) || isinf(found)) return found == expected;
    return fabs((double)found - expected) <= atol + rtol * fabs((double)expected);
}

/* What single precision leaves uncertain of a number that is a difference of larger ones: the stored outputs of
 * deep networks, computed in it, are that far from the exact ones. */
static double rounding(const peek__tensor *expected)
{
    double largest = 0;
    for (int64_t i = 0; peek__is_float(expected->type) && i < expected->size; i++)
        if (isfinite(expected->floats[i]) && fabs((double)expected->floats[i]) > largest)
            largest = fabs((double)expected->floats[i]);
    return 5e-7 * largest;
}

int vector_equal(const peek__tensor *found, const peek__tensor *expected, int numbers, char *why)
{
    char a[256], b[256];
    if (found->type != expected->type) {
        snprintf(why, WHY, "is %s, not %s", peek__element_name(found->type),
                 peek__element_name(expected->type));
        return 0;
    }
    if (!peek__same_shape(found, expected)) {
        snprintf(why, WHY, "is %.60s, not %.60s", peek__shape_text(a, found->dimensions, found->shape),
                 peek__shape_text(b, expected->dimensions, expected->shape));
        return 0;
    }
    if (!numbers) return 1;
    int64_t wrong = 0, first = -1;
    double tolerance = expected->type == PEEK__TYPE_FLOAT16    ? 1e-3
                       : expected->type == PEEK__TYPE_BFLOAT16 ? 1e-2
                                                               : 1e-7 + rounding(expected);
    for (int64_t i = 0; i < expected->size; i++) {
        int same = peek__is_float(expected->type) ? close(found->floats[i], expected->floats[i],
                                                          tolerance > 1e-3 ? tolerance : 1e-3, tolerance)
                                                  : found->integers[i] == expected->integers[i];
        if (!same && first < 0) first = i;
        wrong += !same;
    }
    if (!wrong) return 1;
    if (peek__is_float(expected->type))
        snprintf(why, WHY, "has %" PRId64 " wrong numbers of %" PRId64 ": [%" PRId64 "] is %.8g, not %.8g",
                 wrong, expected->size, first, (double)found->floats[first], (double)expected->floats[first]);
    else
        snprintf(why, WHY,
                 "has %" PRId64 " wrong numbers of %" PRId64 ": [%" PRId64 "] is %" PRId64 ", not %" PRId64,
                 wrong, expected->size, first, found->integers[first], expected->integers[first]);
    return 0;
}
