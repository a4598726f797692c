/* network/onnx_function.c: what a file says of its functions beyond their nodes.
 *
 * Default values of attributes, and overloads, are newer than the onnx.proto that nnpeek may have been built
 * with: protobuf-c then keeps them as unknown fields, whose bytes are read here. Source:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
#include "network/onnx_read.h"

#include <string.h>

enum {
    NODE_OVERLOAD = 8,
    FUNCTION_DEFAULT = 11,
    FUNCTION_OVERLOAD = 13,
    MOST_NESTED = 10 /* of a default value */
};

/* The bytes of unknown field number i, where it has the tag and holds bytes; else NULL. */
static const uint8_t *unknown_bytes(const ProtobufCMessage *message, unsigned i, uint32_t tag, size_t *size)
{
    const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
    size_t head = 0;
    if (field->tag != tag || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) return NULL;
    while (head < field->len && field->data[head] & 0x80)
        head++; /* the length, which stands before the bytes */
    if (head >= field->len) return NULL;
    *size = field->len - head - 1;
    return field->data + head + 1;
}

static const uint8_t *overload(const ProtobufCMessage *message, uint32_t tag, size_t *size)
{
    const uint8_t *found = NULL;
    *size = 0;
    for (unsigned i = 0; !found && i < message->n_unknown_fields; i++)
        found = unknown_bytes(message, i, tag, size);
    return found;
}

/* Both names of the standard's domain are one. */
static const char *domain_of(const char *domain)
{
    return !domain || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

const Onnx__FunctionProto *peek__onnx_function(const Onnx__ModelProto *model, const Onnx__NodeProto *call)
{
    size_t wanted_size, size;
    const uint8_t *wanted = overload(&call->base, NODE_OVERLOAD, &wanted_size);
    for (size_t i = 0; i < model->n_functions; i++) {
        const Onnx__FunctionProto *function = model->functions[i];
        if (strcmp(peek__text_or(function->name, ""), call->op_type) != 0 ||
            strcmp(domain_of(function->domain), domain_of(call->domain)) != 0)
            continue;
        const uint8_t *given = overload(&function->base, FUNCTION_OVERLOAD, &size);
        if (size == wanted_size && (!size || memcmp(given, wanted, size) == 0)) return function;
    }
    return NULL;
}

void peek__onnx_defaults_free(peek__onnx_defaults *defaults)
{
    for (int64_t i = 0; i < defaults->count; i++)
        onnx__attribute_proto__free_unpacked(defaults->attribute[i], NULL);
    peek__free(&defaults->attribute);
    defaults->count = 0;
}

peek_status peek__onnx_defaults_read(peek_context *context, const Onnx__FunctionProto *function,
                                     peek__onnx_defaults *out)
{
    const ProtobufCMessage *message = &function->base;
    *out = (peek__onnx_defaults){0};
    PEEK_TRY(peek__alloc(context, &out->attribute, message->n_unknown_fields, "the functions of a network"));
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        size_t size;
        const uint8_t *bytes = unknown_bytes(message, i, FUNCTION_DEFAULT, &size);
        if (!bytes || peek__onnx_too_deep(&onnx__attribute_proto__descriptor, bytes, size, MOST_NESTED))
            continue;
        Onnx__AttributeProto *attribute = onnx__attribute_proto__unpack(NULL, size, bytes);
        if (attribute) out->attribute[out->count++] = attribute;
    }
    return PEEK_OK;
}
