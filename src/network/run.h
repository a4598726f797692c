/* network/run.h: a graph run once on given tensors, without any meaning of samples: what a runtime of ONNX
 * does.
 *
 * Conformance tests and networks of several inputs use this; running many samples is network/team.h. */
#ifndef NETWORK_RUN_H
#define NETWORK_RUN_H

#include "network/graph.h"

/* Reads an ONNX file as a graph whose operators are all known, without asking for which samples it could be run
 * (peek_network_load() does). Errors: those of peek_network_load(). */
peek_status peek__network_read(peek_context *context, const char *path, peek_network **out);

/* Runs the whole graph on one thread. input: one tensor for each of the graph's inputs that are no
 * initialisers, in their order (network->input[i].value names them); type PEEK__TYPE_NONE: left out. output:
 * one for each of the graph's outputs (network->output[i]), filled in with type, shape and numbers; the caller
 * frees output[i].data with peek__free(), also those made before an error (all are cleared first). Integer
 * inputs are taken as constants, so that shapes may be computed from them. Errors: E_ARGUMENT (numbers of
 * inputs or outputs), E_SHAPE (an input of another type than the file says), E_FORMAT, E_UNSUPPORTED, E_MEMORY.
 */
peek_status peek__network_run(peek_context *context, const peek_network *network, int64_t inputs,
                              const peek__tensor *input, int64_t outputs, peek__tensor *output);

#endif
