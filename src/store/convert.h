/* store/convert.h: numbers of 8 and 16 bits to floats and back, in several implementations of which the
 * machine's best is taken.
 *
 * float16 is IEEE 754 binary16, bfloat16 the upper half of a float. To 16 bits is rounded to nearest, ties to
 * even, as NumPy does; what becomes float is exact. NaN stays NaN. The bits do not depend on the implementation
 * but for those of a NaN. No aliasing. */
#ifndef STORE_CONVERT_H
#define STORE_CONVERT_H

#include <stdint.h>

/* The largest finite numbers. */
#define PEEK__FLOAT16_MOST  65504.0f
#define PEEK__BFLOAT16_MOST 0x1.fep127f

typedef struct peek__converter {
    const char *name;
    int (*usable)(void); /* on this machine */
    /* Floats of count numbers; of bytes in[i] / scale, correctly rounded. */
    void (*from_bytes)(const uint8_t *in, int64_t count, float scale, float *out);
    void (*from_float16)(const uint16_t *in, int64_t count, float *out);
    void (*from_bfloat16)(const uint16_t *in, int64_t count, float *out);
    /* Back. Each returns 0, or another number where one cannot be had: one that is not out[i] / scale for an
     * out[i] of 0..255, or a finite one that becomes infinite. `out` is written all the same. */
    uint32_t (*to_bytes)(const float *in, int64_t count, float scale, uint8_t *out);
    uint32_t (*to_float16)(const float *in, int64_t count, uint16_t *out);
    uint32_t (*to_bfloat16)(const float *in, int64_t count, uint16_t *out);
} peek__converter;

/* The index-th, best first, or NULL past the last: for tests and benchmarks. */
const peek__converter *peek__converter_at(int64_t index);

/* The best that is usable here. */
const peek__converter *peek__converter_best(void);

#endif
