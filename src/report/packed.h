/* report/packed.h: JSON for the payload: arrays as base64 of binary, and members that fail with a sentence.
 *
 * The forms are those of "Packed" in web/payload.schema.json. */
#ifndef REPORT_PACKED_H
#define REPORT_PACKED_H

#include "base/json_made.h"

#include "base/context.h"

/* Adds a member to an object (name) or an item to an array (name NULL) and gives it to *out where out is not
 * NULL; item is owned by the call, also where it fails. item NULL means it could not be made: E_MEMORY. */
peek_status peek__json_add(peek_context *context, cJSON *parent, const char *name, cJSON *item, cJSON **out);

peek_status peek__json_add_text(peek_context *context, cJSON *object, const char *name, const char *text);

/* A number with the six digits that a page needs; left out where it is not finite. */
peek_status peek__json_add_number(peek_context *context, cJSON *object, const char *name, double value);

/* An array of `count` such numbers; what is not finite becomes 0. */
peek_status peek__json_add_numbers(peek_context *context, cJSON *object, const char *name, const double *values,
                                   int64_t count);

/* Non-negative rows x columns, row-major, as bytes q that stand for scale[c] (q / 255)^2, scale[c] the column's
 * largest value: the square root keeps small values apart, which a linear byte would not. Errors: E_VALUE
 * (negative or not finite; `what` names the file, the sentence the row and column). */
peek_status peek__pack_root8(peek_context *context, cJSON *object, const char *name, const float *values,
                             int64_t rows, int64_t columns, const char *what);

/* Bytes q that stand for low + q (high - low) / 255. */
peek_status peek__pack_bytes(peek_context *context, cJSON *object, const char *name, const uint8_t *bytes,
                             int dimensions, const int64_t *shape, double low, double high);

peek_status peek__pack_int32(peek_context *context, cJSON *object, const char *name, const int32_t *values,
                             int64_t count);

/* text: room for (count + 2) / 3 * 4 + 1 characters. Source: RFC 4648. */
void peek__encode_base64(const uint8_t *bytes, int64_t count, char *text);

#endif
