/* data/eight_bits.h: whether samples are pictures of 8 bits a value. */
#ifndef DATA_EIGHT_BITS_H
#define DATA_EIGHT_BITS_H

#include "nnpeek/dataset.h"

/* *out = 1 where every value of every sample is k/255, the float nearest to it, for a k of 0..255. Picture
 * files and arrays of 8-bit pictures are so by what they are, until they are scaled to another size; arrays of
 * other types are looked at. Errors: E_MEMORY, those of reading. */
peek_status peek__dataset_eight_bits(peek_context *context, const peek_dataset *dataset, int *out);

#endif
