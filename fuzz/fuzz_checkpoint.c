/* Any bytes as the checkpoint of a training that is then resumed. The first byte says whether the digest at the
 * end is mended, so that what stands before it is used. */
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "run.h"
#include "store/file.h"

enum { MENDED = 1, EPOCHS = 3 };

static void mend(uint8_t *bytes, size_t size)
{
    uint64_t state = 0;
    if (size < sizeof state) return;
    peek__digest(&state, bytes, size - sizeof state);
    memcpy(bytes + size - sizeof state, &state, sizeof state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) return 0;
    uint8_t *copy = malloc(size);
    fuzz_must(copy != NULL, "there is memory for a case");
    memcpy(copy, bytes + 1, size - 1);
    if (bytes[0] & MENDED) mend(copy, size - 1);
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = fuzz_write("checkpoint", copy, size - 1);
    fuzz_check(context, run_train(context, path, EPOCHS));
    peek_context_free(&context);
    free(copy);
    return 0;
}
