/* network/onnx_tensor.c: the data of a tensor, in any of the ways ONNX stores it. */
#include "network/onnx_read.h"

#include <string.h>

/* Little-endian values as raw bytes; this machine is little-endian too. */
static peek_status check_raw(peek_context *context, const peek__value *value, size_t bytes, size_t size)
{
    if (bytes == (size_t)value->size * size) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT,
                      "the tensor '%s' should hold %lld values, but its data are %zu bytes of %zu a value",
                      value->name, (long long)value->size, bytes, size);
}

static peek_status check_count(peek_context *context, const peek__value *value, size_t count)
{
    if (count == (size_t)value->size) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT, "the tensor '%s' should hold %lld values, but has %zu",
                      value->name, (long long)value->size, count);
}

static peek_status read_floats(peek_context *context, const Onnx__TensorProto *tensor, peek__value *value)
{
    if (tensor->has_raw_data) {
        PEEK_TRY(check_raw(context, value, tensor->raw_data.len, sizeof(float)));
        if (value->size) memcpy(value->floats, tensor->raw_data.data, tensor->raw_data.len);
        return PEEK_OK;
    }
    PEEK_TRY(check_count(context, value, tensor->n_float_data));
    if (value->size) memcpy(value->floats, tensor->float_data, (size_t)value->size * sizeof(float));
    return PEEK_OK;
}

static peek_status read_long(peek_context *context, const Onnx__TensorProto *tensor, peek__value *value)
{
    if (tensor->has_raw_data) {
        PEEK_TRY(check_raw(context, value, tensor->raw_data.len, sizeof(int64_t)));
        if (value->size) memcpy(value->integers, tensor->raw_data.data, tensor->raw_data.len);
        return PEEK_OK;
    }
    PEEK_TRY(check_count(context, value, tensor->n_int64_data));
    if (value->size) memcpy(value->integers, tensor->int64_data, (size_t)value->size * sizeof(int64_t));
    return PEEK_OK;
}

/* Types of 32 bits or fewer lie in int32_data where they are not raw. width: bytes of one raw value. */
static peek_status read_short(peek_context *context, const Onnx__TensorProto *tensor, peek__value *value,
                              size_t width)
{
    if (!tensor->has_raw_data) {
        PEEK_TRY(check_count(context, value, tensor->n_int32_data));
        for (int64_t i = 0; i < value->size; i++) value->integers[i] = tensor->int32_data[i];
        return PEEK_OK;
    }
    PEEK_TRY(check_raw(context, value, tensor->raw_data.len, width));
    for (int64_t i = 0; i < value->size; i++) {
        int32_t number = 0;
        memcpy(&number, tensor->raw_data.data + (size_t)i * width, width);
        value->integers[i] = number;
    }
    return PEEK_OK;
}

/* What the file really holds, so that a made-up shape cannot ask for memory that no data will fill. */
static peek_status check_data(peek_context *context, const Onnx__TensorProto *tensor, const char *name)
{
    int64_t size = 1;
    for (size_t i = 0; i < tensor->n_dims; i++) size = peek__product(size, tensor->dims[i]);
    if (tensor->n_dims > PEEK_DIMENSIONS)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the tensor '%s' has %zu dimensions, but at most %d can be handled", name,
                          tensor->n_dims, PEEK_DIMENSIONS);
    size_t present = tensor->raw_data.len + tensor->n_float_data + tensor->n_int32_data + tensor->n_int64_data;
    if (size < 0 || (uint64_t)size > present)
        return peek__fail(context, PEEK_E_FORMAT, "the tensor '%s' has less data than its shape says", name);
    return PEEK_OK;
}

peek_status peek__onnx_tensor(peek_context *context, peek_network *network, const Onnx__TensorProto *tensor,
                              const char *name)
{
    if (tensor->n_external_data || tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "the data of the tensor '%s' are in another file: save the network with its data inside", name);
    int type = tensor->data_type;
    peek__element element = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT  ? PEEK__ELEMENT_FLOAT
                            : type == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL ? PEEK__ELEMENT_FLAG
                                                                          : PEEK__ELEMENT_INTEGER;
    if (element == PEEK__ELEMENT_INTEGER && type != ONNX__TENSOR_PROTO__DATA_TYPE__INT64 &&
        type != ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "the tensor '%s' has ONNX data type %d; float (1), int32 (6), int64 (7) and bool (9) are supported",
            name, type);
    PEEK_TRY(check_data(context, tensor, name));
    int64_t number;
    PEEK_TRY(
        peek__graph_constant(context, network, name, element, (int64_t)tensor->n_dims, tensor->dims, &number));
    peek__value *value = &network->value[number];
    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) return read_floats(context, tensor, value);
    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64) return read_long(context, tensor, value);
    return read_short(context, tensor, value, type == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL ? 1 : 4);
}
