/* network/onnx_read.h: ONNX as protobuf-c unpacks it, checked and moved into a graph. */
#ifndef NETWORK_ONNX_READ_H
#define NETWORK_ONNX_READ_H

#include "network/graph.h"
#include "onnx.pb-c.h"

/* The metadata key under which the normalisation of the input is kept. */
#define PEEK__PREPROCESS_KEY "nnpeek.preprocess"

typedef struct peek__onnx_reader {
    const char *path; /* of the model; its folder may hold the data of tensors */
    Onnx__ModelProto *model;
    peek_network *network;
    int64_t calls; /* of functions and branches that were put in place */
    int inside; /* functions that are being put in place, within each other: their tensors are needed again */
} peek__onnx_reader;

/* A tensor of the file; its numbers are moved, or freed once they are copied, where the tensor is not part of a
 * function. name:
 * for sentences. The caller owns out->data. Errors: E_FORMAT, E_UNSUPPORTED, E_NOT_FOUND, E_IO, E_MEMORY. */
peek_status peek__onnx_tensor(peek_context *context, const peek__onnx_reader *reader, Onnx__TensorProto *tensor,
                              const char *name, peek__tensor *out);

/* The bytes of a tensor that lie in a file of their own in the folder of the model: `count` bytes, checked.
 * Errors: E_FORMAT (a place outside the folder or the file), E_NOT_FOUND, E_IO, E_MEMORY. */
peek_status peek__onnx_external(peek_context *context, const peek__onnx_reader *reader,
                                const Onnx__TensorProto *tensor, const char *name, int64_t count, char **out);

/* Adds an initialiser under a name. */
peek_status peek__onnx_weight(peek_context *context, const peek__onnx_reader *reader, Onnx__TensorProto *tensor,
                              const char *name);

/* Gives a node an attribute. node: for sentences, too. */
peek_status peek__onnx_attribute(peek_context *context, const peek__onnx_reader *reader, peek__node *node,
                                 const char *name, const Onnx__AttributeProto *from);

/* The tensor of a Constant, from any of its attributes. */
peek_status peek__onnx_constant(peek_context *context, const peek__onnx_reader *reader, const peek__node *node,
                                const Onnx__AttributeProto *from, peek__tensor *out);

/* The function that a node calls, or NULL. */
const Onnx__FunctionProto *peek__onnx_function(const Onnx__ModelProto *model, const Onnx__NodeProto *call);

/* Attributes that a call may leave out, with their values; count and list are 0 and NULL where there are none.
 * Freed with peek__onnx_defaults_free(). */
typedef struct peek__onnx_defaults {
    int64_t count;
    Onnx__AttributeProto **attribute;
} peek__onnx_defaults;
peek_status peek__onnx_defaults_read(peek_context *context, const Onnx__FunctionProto *function,
                                     peek__onnx_defaults *out);
void peek__onnx_defaults_free(peek__onnx_defaults *defaults);

/* Adds all nodes of the main graph; calls of the model's functions are replaced by what the functions do, and
 * the branches of an If stand before it. */
peek_status peek__onnx_nodes(peek_context *context, peek__onnx_reader *reader);

/* A file's messages, freed with onnx__model_proto__free_unpacked(). Errors: E_NOT_FOUND, E_IO, E_FORMAT,
 * E_UNSUPPORTED, E_MEMORY, with the path. */
peek_status peek__onnx_unpack(peek_context *context, const char *path, Onnx__ModelProto **out);

/* Says before any is read that the weights in files of their own will not fit into memory. Errors: E_MEMORY. */
peek_status peek__onnx_room(peek_context *context, const Onnx__ModelProto *model);

/* 1 if messages are nested more than `depth` levels deep. */
int peek__onnx_too_deep(const ProtobufCMessageDescriptor *message, const uint8_t *bytes, size_t size,
                        int depth);

static inline const char *peek__text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

#endif
