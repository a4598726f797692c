#include "report/packed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

peek_status peek__json_add(peek_context *context, cJSON *parent, const char *name, cJSON *item, cJSON **out)
{
    int added = item && (name ? cJSON_AddItemToObject(parent, name, item) : cJSON_AddItemToArray(parent, item));
    if (!added) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for the report's data");
    if (out) *out = item;
    return PEEK_OK;
}

peek_status peek__json_add_text(peek_context *context, cJSON *object, const char *name, const char *text)
{
    return peek__json_add(context, object, name, cJSON_CreateString(text), NULL);
}

static double six_digits(double value)
{
    if (fabs(value) < 1e15 && value == floor(value)) return value; /* counts stay exact */
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return strtod(text, NULL);
}

peek_status peek__json_add_number(peek_context *context, cJSON *object, const char *name, double value)
{
    if (!isfinite(value)) return PEEK_OK;
    return peek__json_add(context, object, name, cJSON_CreateNumber(six_digits(value)), NULL);
}

peek_status peek__json_add_numbers(peek_context *context, cJSON *object, const char *name, const double *values,
                                   int64_t count)
{
    cJSON *array = NULL;
    PEEK_TRY(peek__json_add(context, object, name, cJSON_CreateArray(), &array));
    for (int64_t i = 0; i < count; i++) {
        double value = isfinite(values[i]) ? six_digits(values[i]) : 0;
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateNumber(value), NULL));
    }
    return PEEK_OK;
}

void peek__encode_base64(const uint8_t *bytes, int64_t count, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int64_t i = 0; i < count; i += 3) {
        int64_t left = count - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        *text++ = digits[three >> 18];
        *text++ = digits[three >> 12 & 63];
        *text++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[three & 63] : '=';
    }
    *text = 0;
}

/* Adds the object of a packed array without its scale, and gives it. */
static peek_status pack(peek_context *context, cJSON *object, const char *name, const char *type,
                        int dimensions, const int64_t *shape, const uint8_t *bytes, int64_t count, cJSON **out)
{
    cJSON *packed = NULL, *sizes = NULL;
    PEEK_TRY(peek__json_add(context, object, name, cJSON_CreateObject(), &packed));
    PEEK_TRY(peek__json_add_text(context, packed, "type", type));
    PEEK_TRY(peek__json_add(context, packed, "shape", cJSON_CreateArray(), &sizes));
    for (int i = 0; i < dimensions; i++)
        PEEK_TRY(peek__json_add(context, sizes, NULL, cJSON_CreateNumber((double)shape[i]), NULL));
    char *text = NULL;
    PEEK_TRY(peek__alloc(context, &text, (count + 2) / 3 * 4 + 1, "the report's data"));
    peek__encode_base64(bytes, count, text);
    peek_status status = peek__json_add_text(context, packed, "data", text);
    peek__free(&text);
    if (out) *out = packed;
    return status;
}

/* The largest value of every column. */
static peek_status column_maxima(peek_context *context, const float *values, int64_t rows, int64_t columns,
                                 double *maxima, const char *what)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t c = 0; c < columns; c++) {
            float value = values[i * columns + c];
            if (!isfinite(value) || value < 0)
                return peek__fail(
                    context, PEEK_E_VALUE,
                    "%s: row %lld, column %lld is %g, but a factor holds no negative and no infinite "
                    "values: fit again",
                    what, (long long)i, (long long)c, (double)value);
            if (value > maxima[c]) maxima[c] = value;
        }
    }
    return PEEK_OK;
}

peek_status peek__pack_root8(peek_context *context, cJSON *object, const char *name, const float *values,
                             int64_t rows, int64_t columns, const char *what)
{
    double *maxima = NULL;
    uint8_t *bytes = NULL;
    cJSON *packed = NULL;
    peek_status status = peek__alloc(context, &maxima, columns, "the report's data");
    if (status == PEEK_OK) status = peek__alloc(context, &bytes, rows * columns, "the report's data");
    if (status == PEEK_OK) status = column_maxima(context, values, rows, columns, maxima, what);
    if (status == PEEK_OK) {
        for (int64_t i = 0; i < rows * columns; i++) {
            double largest = maxima[i % columns];
            bytes[i] = largest > 0 ? (uint8_t)lround(255 * sqrt(values[i] / largest)) : 0;
        }
        status =
            pack(context, object, name, "root8", 2, (int64_t[]){rows, columns}, bytes, rows * columns, &packed);
    }
    if (status == PEEK_OK) status = peek__json_add_numbers(context, packed, "scale", maxima, columns);
    peek__free(&bytes);
    peek__free(&maxima);
    return status;
}

peek_status peek__pack_bytes(peek_context *context, cJSON *object, const char *name, const uint8_t *bytes,
                             int dimensions, const int64_t *shape, double low, double high)
{
    int64_t count = 1;
    for (int i = 0; i < dimensions; i++) count *= shape[i];
    cJSON *packed = NULL;
    PEEK_TRY(pack(context, object, name, "byte", dimensions, shape, bytes, count, &packed));
    PEEK_TRY(peek__json_add_number(context, packed, "low", low));
    return peek__json_add_number(context, packed, "high", high);
}

peek_status peek__pack_int32(peek_context *context, cJSON *object, const char *name, const int32_t *values,
                             int64_t count)
{
    uint8_t *bytes = NULL;
    PEEK_TRY(peek__alloc(context, &bytes, count * 4, "the report's data"));
    for (int64_t i = 0; i < count; i++)
        for (int part = 0; part < 4; part++) bytes[4 * i + part] = (uint8_t)((uint32_t)values[i] >> 8 * part);
    peek_status status = pack(context, object, name, "int32", 1, &count, bytes, count * 4, NULL);
    peek__free(&bytes);
    return status;
}
