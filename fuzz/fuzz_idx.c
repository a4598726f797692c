/* Any bytes as an IDX file of pictures, as the labels beside one, and as a CIFAR-10 batch: plain, as they are,
 * or packed with gzip here. The first byte says which; of the rest, what begins as gzip is unpacked by the
 * reader. */
#include "case.h"

enum { PICTURES, LABELS, BATCH, KINDS, PACKED = 4 };

/* Three pictures of two by two pixels. */
static const uint8_t pictures[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0,
                                   0, 2, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[KINDS] = {"x-images-idx3-ubyte", "x-labels-idx1-ubyte", "x.bin"};
    peek_dataset *dataset = NULL;
    if (size < 1) return 0;
    int kind = bytes[0] % 4 % KINDS, packed = bytes[0] & PACKED;
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = (packed ? fuzz_write_packed : fuzz_write)(names[kind], bytes + 1, size - 1);
    if (kind == LABELS) path = fuzz_write(names[PICTURES], pictures, sizeof pictures);
    if (fuzz_check(context, peek_dataset_open(context, path, NULL, &dataset)))
        fuzz_read_samples(context, dataset);
    peek_dataset_free(&dataset);
    fuzz_remove(names[LABELS]);
    peek_context_free(&context);
    return 0;
}
