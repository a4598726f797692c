/* network/onnx_tensor.c: the numbers of a tensor, in any of the ways ONNX stores them: in a list for their
 * type, as raw bytes (little-endian, as this machine), or as bytes of another file. */
#include "network/number.h"
#include "network/onnx_read.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of one raw number. */
static int64_t raw_width(peek__element type)
{
    switch (type) {
    case PEEK__TYPE_UINT8:
    case PEEK__TYPE_INT8:
    case PEEK__TYPE_BOOL:
        return 1;
    case PEEK__TYPE_UINT16:
    case PEEK__TYPE_INT16:
    case PEEK__TYPE_FLOAT16:
    case PEEK__TYPE_BFLOAT16:
        return 2;
    case PEEK__TYPE_FLOAT:
    case PEEK__TYPE_INT32:
    case PEEK__TYPE_UINT32:
        return 4;
    default:
        return 8;
    }
}

/* From raw bytes to what a tensor holds. */
static void read_raw(const char *bytes, peek__tensor *out)
{
    int64_t width = raw_width(out->type);
    for (int64_t i = 0; i < out->size; i++, bytes += width) {
        uint64_t bits = 0;
        double wide;
        memcpy(&bits, bytes, (size_t)width);
        switch (out->type) {
        case PEEK__TYPE_FLOAT:
            memcpy(&out->floats[i], bytes, sizeof(float));
            break;
        case PEEK__TYPE_DOUBLE:
            memcpy(&wide, bytes, sizeof wide);
            out->floats[i] = (float)wide;
            break;
        case PEEK__TYPE_FLOAT16:
            out->floats[i] = peek__from_half((uint16_t)bits);
            break;
        case PEEK__TYPE_BFLOAT16:
            out->floats[i] = peek__from_bfloat((uint16_t)bits);
            break;
        default:
            out->integers[i] = peek__wrap_to(out->type, (int64_t)bits);
        }
    }
}

/* From the list for the type; types of 32 bits or fewer are in int32_data, halves as their bits. */
static void read_list(const Onnx__TensorProto *tensor, peek__tensor *out)
{
    for (int64_t i = 0; i < out->size; i++) switch (out->type) {
        case PEEK__TYPE_FLOAT:
            out->floats[i] = tensor->float_data[i];
            break;
        case PEEK__TYPE_DOUBLE:
            out->floats[i] = (float)tensor->double_data[i];
            break;
        case PEEK__TYPE_FLOAT16:
            out->floats[i] = peek__from_half((uint16_t)tensor->int32_data[i]);
            break;
        case PEEK__TYPE_BFLOAT16:
            out->floats[i] = peek__from_bfloat((uint16_t)tensor->int32_data[i]);
            break;
        case PEEK__TYPE_INT64:
            out->integers[i] = tensor->int64_data[i];
            break;
        case PEEK__TYPE_UINT32:
        case PEEK__TYPE_UINT64:
            out->integers[i] = peek__wrap_to(out->type, (int64_t)tensor->uint64_data[i]);
            break;
        default:
            out->integers[i] = peek__wrap_to(out->type, tensor->int32_data[i]);
        }
}

/* Numbers in the list for the type. */
static size_t list_count(const Onnx__TensorProto *tensor, peek__element type)
{
    switch (type) {
    case PEEK__TYPE_FLOAT:
        return tensor->n_float_data;
    case PEEK__TYPE_DOUBLE:
        return tensor->n_double_data;
    case PEEK__TYPE_INT64:
        return tensor->n_int64_data;
    case PEEK__TYPE_UINT32:
    case PEEK__TYPE_UINT64:
        return tensor->n_uint64_data;
    default:
        return tensor->n_int32_data;
    }
}

/* 1 if raw numbers of the type are what a tensor holds. */
static int is_plain(peek__element type)
{
    return type == PEEK__TYPE_FLOAT || type == PEEK__TYPE_INT64 || type == PEEK__TYPE_UINT64;
}

static peek_status read_external(peek_context *context, const peek__onnx_reader *reader,
                                 const Onnx__TensorProto *tensor, const char *name, peek__tensor *out)
{
    char *bytes;
    int64_t count = peek__product(out->size, raw_width(out->type));
    PEEK_TRY(peek__onnx_external(context, reader, tensor, name, count, &bytes));
    if (is_plain(out->type)) {
        out->data = bytes;
        return PEEK_OK;
    }
    peek_status status = peek__tensor_allocate(context, out, "the weights");
    if (status == PEEK_OK) read_raw(bytes, out);
    peek__free(&bytes);
    return status;
}

/* Frees the numbers of a tensor that has been read, so that all weights are in memory only once. */
static void drop(Onnx__TensorProto *tensor)
{
    free(tensor->raw_data.data);
    free(tensor->float_data);
    free(tensor->int32_data);
    free(tensor->int64_data);
    free(tensor->double_data);
    free(tensor->uint64_data);
    tensor->raw_data = (ProtobufCBinaryData){0};
    tensor->float_data = NULL;
    tensor->int32_data = NULL;
    tensor->int64_data = NULL;
    tensor->double_data = NULL;
    tensor->uint64_data = NULL;
    tensor->n_float_data = tensor->n_int32_data = tensor->n_int64_data = tensor->n_double_data =
        tensor->n_uint64_data = 0;
}

/* Takes what protobuf-c allocated by malloc(). */
static void move_raw(Onnx__TensorProto *tensor, peek__tensor *out)
{
    out->data = tensor->raw_data.data;
    tensor->raw_data = (ProtobufCBinaryData){0};
}

static peek_status check_size(peek_context *context, const char *name, const peek__tensor *out,
                              uint64_t present, int64_t width)
{
    if (present == (uint64_t)out->size * (uint64_t)width) return PEEK_OK;
    if (width == 1)
        return peek__fail(context, PEEK_E_FORMAT, "the tensor '%s' should hold %lld values, but has %llu", name,
                          (long long)out->size, (unsigned long long)present);
    return peek__fail(context, PEEK_E_FORMAT,
                      "the tensor '%s' should hold %lld values, but its data are %llu bytes of %lld a value",
                      name, (long long)out->size, (unsigned long long)present, (long long)width);
}

peek_status peek__onnx_tensor(peek_context *context, const peek__onnx_reader *reader, Onnx__TensorProto *tensor,
                              const char *name, peek__tensor *out)
{
    *out = (peek__tensor){0};
    if (!peek__element_known(tensor->data_type))
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "the tensor '%s' has ONNX data type %d, but nnpeek knows floating-point types of 16 bits "
            "and more, integers of 8 bits and more, and bool",
            name, tensor->data_type);
    out->type = (peek__element)tensor->data_type;
    PEEK_TRY(peek__tensor_shape(context, out, name, (int64_t)tensor->n_dims, tensor->dims));
    if (tensor->n_external_data || tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return read_external(context, reader, tensor, name, out);
    if (tensor->has_raw_data) {
        PEEK_TRY(check_size(context, name, out, tensor->raw_data.len, raw_width(out->type)));
        if (is_plain(out->type) && out->size && !reader->inside) {
            move_raw(tensor, out);
            return PEEK_OK;
        }
        PEEK_TRY(peek__tensor_allocate(context, out, "the weights"));
        read_raw((const char *)tensor->raw_data.data, out);
        if (!reader->inside) drop(tensor);
        return PEEK_OK;
    }
    PEEK_TRY(check_size(context, name, out, list_count(tensor, out->type), 1));
    PEEK_TRY(peek__tensor_allocate(context, out, "the weights"));
    read_list(tensor, out);
    if (!reader->inside) drop(tensor);
    return PEEK_OK;
}

peek_status peek__onnx_weight(peek_context *context, const peek__onnx_reader *reader, Onnx__TensorProto *tensor,
                              const char *name)
{
    peek__tensor read;
    peek_status status = peek__onnx_tensor(context, reader, tensor, name, &read);
    if (status == PEEK_OK) status = peek__graph_give(context, reader->network, name, &read);
    peek__free(&read.data);
    return status;
}
