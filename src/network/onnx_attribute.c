/* network/onnx_attribute.c: attributes of a file's nodes, and the tensor of a Constant, which is one. */
#include "network/onnx_read.h"

#include <string.h>

typedef Onnx__AttributeProto__AttributeType attribute_type;

/* Its type; old files do not say, but have a value. */
static attribute_type type_of(const Onnx__AttributeProto *from)
{
    if (from->has_type && from->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED) return from->type;
    if (from->n_ints) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    if (from->n_floats) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    if (from->has_i) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (from->has_f) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (from->has_s) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (from->t) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (from->g) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

static int kind_of(attribute_type type, peek__attribute_kind *out)
{
    switch (type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        *out = PEEK__ATTRIBUTE_INTEGER;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        *out = PEEK__ATTRIBUTE_NUMBER;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        *out = PEEK__ATTRIBUTE_TEXT;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        *out = PEEK__ATTRIBUTE_INTEGERS;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        *out = PEEK__ATTRIBUTE_NUMBERS;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        *out = PEEK__ATTRIBUTE_TENSOR;
        return 1;
    default:
        return 0;
    }
}

peek_status peek__onnx_attribute(peek_context *context, const peek__onnx_reader *reader, peek__node *node,
                                 const char *name, const Onnx__AttributeProto *from)
{
    peek__attribute *to;
    peek__attribute_kind kind;
    if (from->g || from->n_graphs)
        return peek__node_refuse(context, reader->network, node,
                                 "nnpeek does not know operators with graphs of their own");
    if (!kind_of(type_of(from), &kind) || (kind == PEEK__ATTRIBUTE_TENSOR && !from->t))
        return peek__node_refuse(context, reader->network, node,
                                 "its attribute '%s' is of a kind that is not supported", name);
    PEEK_TRY(peek__graph_attribute(context, node, name, kind, &to));
    switch (kind) {
    case PEEK__ATTRIBUTE_INTEGER:
        to->integer = from->i;
        break;
    case PEEK__ATTRIBUTE_NUMBER:
        to->number = from->f;
        break;
    case PEEK__ATTRIBUTE_TEXT:
        return peek__format(context, &to->text, "%.*s", (int)(from->s.len < INT32_MAX ? from->s.len : 0),
                            from->s.len ? (const char *)from->s.data : "");
    case PEEK__ATTRIBUTE_INTEGERS:
        PEEK_TRY(peek__alloc(context, &to->integers, from->n_ints, "the graph of a network"));
        if (from->n_ints) memcpy(to->integers, from->ints, from->n_ints * sizeof *from->ints);
        to->count = (int64_t)from->n_ints;
        break;
    case PEEK__ATTRIBUTE_NUMBERS:
        PEEK_TRY(peek__alloc(context, &to->numbers, from->n_floats, "the graph of a network"));
        if (from->n_floats) memcpy(to->numbers, from->floats, from->n_floats * sizeof *from->floats);
        to->count = (int64_t)from->n_floats;
        break;
    case PEEK__ATTRIBUTE_TENSOR:
        return peek__onnx_tensor(context, reader, from->t, name, &to->tensor);
    }
    return PEEK_OK;
}

peek_status peek__onnx_constant(peek_context *context, const peek__onnx_reader *reader, const peek__node *node,
                                const Onnx__AttributeProto *from, peek__tensor *out)
{
    peek__attribute_kind kind;
    if (!kind_of(type_of(from), &kind) || kind == PEEK__ATTRIBUTE_TEXT ||
        (kind == PEEK__ATTRIBUTE_TENSOR && !from->t))
        return peek__node_refuse(context, reader->network, node,
                                 "its value is of a kind that is not supported");
    if (kind == PEEK__ATTRIBUTE_TENSOR) return peek__onnx_tensor(context, reader, from->t, "a constant", out);
    int list = kind == PEEK__ATTRIBUTE_INTEGERS || kind == PEEK__ATTRIBUTE_NUMBERS;
    int floats = kind == PEEK__ATTRIBUTE_NUMBER || kind == PEEK__ATTRIBUTE_NUMBERS;
    int64_t count = (int64_t)(floats ? from->n_floats : from->n_ints);
    *out = (peek__tensor){.type = floats ? PEEK__TYPE_FLOAT : PEEK__TYPE_INT64};
    PEEK_TRY(peek__tensor_shape(context, out, "a constant", list, &count));
    PEEK_TRY(peek__tensor_allocate(context, out, "a constant of the network"));
    if (!out->size) return PEEK_OK;
    if (floats)
        memcpy(out->floats, list ? from->floats : &from->f, (size_t)out->size * sizeof(float));
    else
        memcpy(out->integers, list ? from->ints : &from->i, (size_t)out->size * sizeof(int64_t));
    return PEEK_OK;
}
