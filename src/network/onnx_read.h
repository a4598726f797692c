/* network/onnx_read.h: ONNX as protobuf-c unpacks it, checked and copied into a graph. */
#ifndef NETWORK_ONNX_READ_H
#define NETWORK_ONNX_READ_H

#include "network/graph.h"
#include "onnx.pb-c.h"

/* The metadata key under which the normalisation of the input is kept. */
#define PEEK__PREPROCESS_KEY "nnpeek.preprocess"

/* A constant of the graph from a tensor of the file, under this name. Errors: E_FORMAT, E_UNSUPPORTED,
 * E_MEMORY. */
peek_status peek__onnx_tensor(peek_context *context, peek_network *network, const Onnx__TensorProto *tensor,
                              const char *name);

/* 1 if messages are nested more than `depth` levels deep. */
int peek__onnx_too_deep(const ProtobufCMessageDescriptor *message, const uint8_t *bytes, size_t size,
                        int depth);

#endif
