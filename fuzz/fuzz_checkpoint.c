/* Any bytes as the checkpoint of a training, or of a fit, that is then resumed. The first byte says of which,
 * and whether the digest at the end is mended, so that what stands before it is used. */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "run.h"
#include "store/file.h"

enum { MENDED = 1, FIT = 2, EPOCHS = 3 };

static void mend_training(uint8_t *bytes, size_t size)
{
    uint64_t state = 0;
    if (size < sizeof state) return;
    peek__digest(&state, bytes, size - sizeof state);
    memcpy(bytes + size - sizeof state, &state, sizeof state);
}

/* As store/record.c has it. */
static void mend_record(uint8_t *bytes, size_t size)
{
    enum { WORDS = 4 };
    uint64_t state[WORDS] = {0}, words[WORDS];
    if (size < sizeof state) return;
    for (size_t at = 0; at + sizeof state < size; at += sizeof state) {
        memcpy(words, bytes + at, sizeof words);
        for (int j = 0; j < WORDS; j++) {
            uint64_t mixed = (state[j] ^ words[j]) * UINT64_C(0x9E3779B97F4A7C15);
            state[j] = mixed << 29 | mixed >> 35;
        }
    }
    memcpy(bytes + (size - 1) / sizeof state * sizeof state, state, sizeof state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) return 0;
    int fit = bytes[0] & FIT, mended = bytes[0] & MENDED;
    size_t whole = fit && mended ? (size - 1) / 32 * 32 : size - 1; /* records come in units */
    uint8_t *copy = malloc(size);
    fuzz_must(copy != NULL, "there is memory for a case");
    memcpy(copy, bytes + 1, size - 1);
    if (mended) (fit ? mend_record : mend_training)(copy, whole);
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = fuzz_write("checkpoint", copy, whole);
    fuzz_check(context, fit ? run_fit(context, path) : run_train(context, path, EPOCHS));
    peek_context_free(&context);
    free(copy);
    return 0;
}
