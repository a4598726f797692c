/* The tensors of ONNX's test vectors, read without nnpeek's own reader, and compared as ONNX's own runner does.
 */
#ifndef CONFORMANCE_VECTOR_H
#define CONFORMANCE_VECTOR_H

#include "network/tensor.h"
#include "onnx.pb-c.h"

/* The whole file; NULL where it cannot be read. Free with free(). */
uint8_t *vector_file(const char *path, size_t *size);

typedef enum vector_outcome {
    VECTOR_READ,
    VECTOR_FOREIGN, /* of a type that nnpeek does not have */
    VECTOR_BROKEN   /* no TensorProto, or without all its numbers */
} vector_outcome;

/* A TensorProto as a tensor: doubles rounded to float. declared: the type that the model says; old test data
 * hold bfloat16 as uint16. Free out->data with peek__free(). why: of 200 characters. */
vector_outcome vector_read(peek_context *context, const char *path, int declared, peek__tensor *out, char *why);

/* 1 if type, shape and numbers agree: integers exactly; floats to rtol 1e-3 and atol 1e-7 (float16 1e-3,
 * bfloat16 1e-2 each: a last bit), infinities and NaN alike. numbers 0: type and shape alone. why: of 200
 * characters. */
int vector_equal(const peek__tensor *found, const peek__tensor *expected, int numbers, char *why);

#endif
