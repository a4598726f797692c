/* base/random.c: Philox4x32-10. */
#include "base/random.h"

#include <math.h>

static void philox(const uint32_t key_in[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t key[2] = {key_in[0], key_in[1]};
    uint32_t x[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x[0], b = (uint64_t)0xCD9E8D57u * x[2];
        uint32_t y[4] = {(uint32_t)(b >> 32) ^ x[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ x[3] ^ key[1],
                         (uint32_t)a};
        for (int i = 0; i < 4; i++) x[i] = y[i];
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) out[i] = x[i];
}

peek__stream peek__stream_make(uint64_t seed, peek__purpose purpose, uint64_t index)
{
    /* The purpose is mixed into the key by one block of the cipher, so that the whole counter is free for index
     * and draw. */
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)},
             counter[4] = {(uint32_t)purpose, 0, 0, 0x6e6e7065u}, mixed[4];
    philox(key, counter, mixed);
    peek__stream stream = {.key = {mixed[0], mixed[1]},
                           .counter = {0, mixed[2] ^ mixed[3], (uint32_t)index, (uint32_t)(index >> 32)},
                           .used = 4};
    return stream;
}

uint32_t peek__random_bits(peek__stream *stream)
{
    if (stream->used == 4) {
        philox(stream->key, stream->counter, stream->output);
        if (++stream->counter[0] == 0) stream->counter[1]++;
        stream->used = 0;
    }
    return stream->output[stream->used++];
}

float peek__random_uniform(peek__stream *stream)
{
    return ((float)(peek__random_bits(stream) >> 9) + 0.5f) * 0x1p-23f;
}

double peek__random_between(peek__stream *stream, double low, double high)
{
    return low + (high - low) * (peek__random_bits(stream) * 0x1p-32);
}

double peek__random_normal(peek__stream *stream)
{
    for (;;) {
        double a = peek__random_between(stream, -1, 1), b = peek__random_between(stream, -1, 1);
        double square = a * a + b * b;
        if (square > 0 && square < 1) return a * sqrt(-2 * log(square) / square);
    }
}

uint64_t peek__random_below(peek__stream *stream, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        uint64_t high = peek__random_bits(stream), value = high << 32 | peek__random_bits(stream);
        if (value < limit) return value % bound;
    }
}

void peek__random_shuffle(peek__stream *stream, int64_t *values, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)peek__random_below(stream, (uint64_t)i + 1), held = values[i];
        values[i] = values[j];
        values[j] = held;
    }
}
