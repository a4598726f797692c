/* network/tensor.h: arrays of numbers as operators see them.
 *
 * A tensor keeps the type its file declares, and holds its numbers in one of two ways: all floating-point types
 * as float (float16, bfloat16 and double are read and computed in single precision), all integers and bools as
 * int64_t (bools 0 or 1; uint64 by its bits). So an operator that moves numbers knows two widths, and one that
 * computes rounds or wraps to the declared type only where the standard asks for it (network/number.h). */
#ifndef NETWORK_TENSOR_H
#define NETWORK_TENSOR_H

#include "base/memory.h"
#include "nnpeek/network.h"

/* The numbers are those of ONNX's TensorProto.DataType. */
typedef enum peek__element {
    PEEK__TYPE_NONE = 0, /* no tensor: an optional input or output left out */
    PEEK__TYPE_FLOAT = 1,
    PEEK__TYPE_UINT8 = 2,
    PEEK__TYPE_INT8 = 3,
    PEEK__TYPE_UINT16 = 4,
    PEEK__TYPE_INT16 = 5,
    PEEK__TYPE_INT32 = 6,
    PEEK__TYPE_INT64 = 7,
    PEEK__TYPE_BOOL = 9,
    PEEK__TYPE_FLOAT16 = 10,
    PEEK__TYPE_DOUBLE = 11,
    PEEK__TYPE_UINT32 = 12,
    PEEK__TYPE_UINT64 = 13,
    PEEK__TYPE_BFLOAT16 = 16
} peek__element;

typedef struct peek__tensor {
    peek__element type; /* as declared */
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS];
    int64_t size; /* the product of shape */
    int constant; /* 1: the numbers are known before any sample, and stay (but for training) */
    union {       /* NULL where the numbers are not known (yet) */
        void *data;
        float *floats;     /* floating-point types */
        int64_t *integers; /* integers and bools */
    };
} peek__tensor;

/* 1 for types held as float. */
static inline int peek__is_float(peek__element type)
{
    return type == PEEK__TYPE_FLOAT || type == PEEK__TYPE_FLOAT16 || type == PEEK__TYPE_DOUBLE ||
           type == PEEK__TYPE_BFLOAT16;
}

/* Bytes of one number as held here. */
static inline size_t peek__width(peek__element type)
{
    return peek__is_float(type) ? sizeof(float) : sizeof(int64_t);
}

/* 1 if a tensor of this ONNX number can be held. */
int peek__element_known(int type);

/* "float16", for sentences. */
const char *peek__element_name(peek__element type);

/* Sets dimensions, shape and size. `name` is for the sentence. Errors: E_UNSUPPORTED (more than PEEK_DIMENSIONS
 * dimensions), E_FORMAT (a negative or absurd size). */
peek_status peek__tensor_shape(peek_context *context, peek__tensor *tensor, const char *name,
                               int64_t dimensions, const int64_t *shape);

/* Memory for the numbers of a tensor with type and shape, zeroed; never NULL on success. Free with
 * peek__free(&tensor->data). */
peek_status peek__tensor_allocate(peek_context *context, peek__tensor *tensor, const char *what);

/* 1 if both have the same dimensions. */
int peek__same_shape(const peek__tensor *a, const peek__tensor *b);

/* "3x28x28" for sentences; buffer of 256. */
const char *peek__shape_text(char *buffer, int64_t dimensions, const int64_t *shape);

#endif
