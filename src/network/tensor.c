/* network/tensor.c: shapes and memory of tensors. */
#include "network/tensor.h"

#include <stdio.h>
#include <string.h>

/* No tensor may hold more numbers than this: beyond it sizes in bytes would be at risk. */
static const int64_t most_numbers = INT64_C(1) << 40;

static const char *const names[] = {
    [PEEK__TYPE_NONE] = "nothing",    [PEEK__TYPE_FLOAT] = "float",       [PEEK__TYPE_UINT8] = "uint8",
    [PEEK__TYPE_INT8] = "int8",       [PEEK__TYPE_UINT16] = "uint16",     [PEEK__TYPE_INT16] = "int16",
    [PEEK__TYPE_INT32] = "int32",     [PEEK__TYPE_INT64] = "int64",       [PEEK__TYPE_BOOL] = "bool",
    [PEEK__TYPE_FLOAT16] = "float16", [PEEK__TYPE_DOUBLE] = "double",     [PEEK__TYPE_UINT32] = "uint32",
    [PEEK__TYPE_UINT64] = "uint64",   [PEEK__TYPE_BFLOAT16] = "bfloat16",
};

enum { NAMES = sizeof names / sizeof *names };

int peek__element_known(int type)
{
    return type > 0 && type < NAMES && names[type];
}

const char *peek__element_name(peek__element type)
{
    return (int)type >= 0 && (int)type < NAMES && names[type] ? names[type] : "an unknown type";
}

peek_status peek__tensor_shape(peek_context *context, peek__tensor *tensor, const char *name,
                               int64_t dimensions, const int64_t *shape)
{
    if (dimensions > PEEK_DIMENSIONS)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the tensor '%s' has %lld dimensions, but at most %d can be handled", name,
                          (long long)dimensions, PEEK_DIMENSIONS);
    int64_t size = 1,
            checked = 1; /* checked: products of some of an empty tensor's dimensions are computed, too */
    for (int64_t i = 0; i < dimensions; i++) {
        checked = peek__product(checked, shape[i] ? shape[i] : 1);
        if (checked < 0 || checked > most_numbers)
            return peek__fail(context, PEEK_E_FORMAT,
                              "the tensor '%s' has an impossible shape (dimension %lld is %lld)", name,
                              (long long)i, (long long)shape[i]);
        tensor->shape[i] = shape[i];
        size *= shape[i];
    }
    tensor->dimensions = (int)dimensions;
    tensor->size = size;
    return PEEK_OK;
}

peek_status peek__tensor_allocate(peek_context *context, peek__tensor *tensor, const char *what)
{
    return peek__alloc_bytes(context, &tensor->data, tensor->size, peek__width(tensor->type), what);
}

int peek__same_shape(const peek__tensor *a, const peek__tensor *b)
{
    return a->dimensions == b->dimensions &&
           memcmp(a->shape, b->shape, (size_t)a->dimensions * sizeof *a->shape) == 0;
}

const char *peek__shape_text(char *buffer, int64_t dimensions, const int64_t *shape)
{
    size_t used = 0;
    buffer[0] = 0;
    if (!dimensions) snprintf(buffer, 256, "one number");
    for (int64_t i = 0; i < dimensions && used < 230; i++)
        used += (size_t)snprintf(buffer + used, 256 - used, shape[i] < 0 ? "%s?" : "%s%lld", i ? "x" : "",
                                 (long long)shape[i]);
    return buffer;
}
