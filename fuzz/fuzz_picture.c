/* Any bytes as a PNG or JPEG file in a folder of pictures, alone and beside a good one, decoded whole and at a
 * part of its size. The first byte says whether the checksums of PNG chunks are mended, so that their insides
 * are looked at, and whether a class folder holds it. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "case.h"

enum { MENDED = 1, CLASSES = 2, BESIDE = 4 };

/* One grey pixel. */
static const uint8_t good[] = {
    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,  'I',  'H',  'D',  'R',  0,
    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,    0,    0,   0x3a, 0x7e, 0x9b, 0x55, 0,
    0,    0,    10,   'I',  'D',  'A',  'T',  0x78, 0x9c, 0x63, 0x60, 0,   0,    0,    2,    0,    1,
    0x48, 0xaf, 0xa4, 0x71, 0,    0,    0,    0,    'I',  'E',  'N',  'D', 0xae, 'B',  0x60, 0x82};

static void put_number(uint8_t *to, uint32_t number)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t number_at(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void mend(uint8_t *bytes, size_t size)
{
    enum { SIGNATURE = 8, AROUND = 12 };
    if (size < SIGNATURE || bytes[0] != 0x89) return;
    for (size_t at = SIGNATURE; size - at >= AROUND;) {
        size_t length = number_at(bytes + at);
        if (length > size - at - AROUND) return;
        put_number(bytes + at + 8 + length, (uint32_t)crc32(0, bytes + at + 4, (unsigned)length + 4));
        at += AROUND + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    peek_dataset *dataset = NULL;
    if (size < 1) return 0;
    uint8_t *copy = malloc(size);
    fuzz_must(copy != NULL, "there is memory for a case");
    memcpy(copy, bytes + 1, size - 1);
    if (bytes[0] & MENDED) mend(copy, size - 1);
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *folder = fuzz_folder("pictures");
    int classes = bytes[0] & CLASSES;
    if (classes) fuzz_folder("pictures/a");
    fuzz_write(classes ? "pictures/a/x.png" : "pictures/x.jpg", copy, size - 1);
    if (bytes[0] & BESIDE) fuzz_write(classes ? "pictures/a/good.png" : "pictures/good.png", good, sizeof good);
    if (fuzz_check(context, peek_dataset_open(context, folder, NULL, &dataset)))
        fuzz_read_samples(context, dataset);
    peek_dataset_free(&dataset);
    fuzz_remove("pictures");
    peek_context_free(&context);
    free(copy);
    return 0;
}
