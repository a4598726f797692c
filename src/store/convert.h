/* store/convert.h: numbers of 8 and 16 bits to floats and back, at the speed of memory.
 *
 * float16 is IEEE 754 binary16, bfloat16 the upper half of a float. To 16 bits is rounded to nearest, ties to
 * even, as NumPy does; what becomes float is exact. NaN stays NaN. The bits do not depend on the processor but
 * for those of a NaN. No aliasing. */
#ifndef STORE_CONVERT_H
#define STORE_CONVERT_H

#include <stdint.h>

/* The largest finite numbers. */
#define PEEK__FLOAT16_MOST  65504.0f
#define PEEK__BFLOAT16_MOST 0x1.fep127f

/* in[i] / scale, correctly rounded. */
void peek__from_bytes(const uint8_t *in, int64_t count, float scale, float *out);
void peek__from_float16(const uint16_t *in, int64_t count, float *out);
void peek__from_bfloat16(const uint16_t *in, int64_t count, float *out);

/* Each returns -1, or the place of the first number that cannot be had: one that is not out[i] / scale for an
 * out[i] of 0..255, or a finite one that would become infinite. `out` is written all the same. */
int64_t peek__to_bytes(const float *in, int64_t count, float scale, uint8_t *out);
int64_t peek__to_float16(const float *in, int64_t count, uint16_t *out);
int64_t peek__to_bfloat16(const float *in, int64_t count, uint16_t *out);

#endif
