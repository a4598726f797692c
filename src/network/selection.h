/* network/selection.h: which tensors a capture takes, and how its blocks and files are called. */
#ifndef NETWORK_SELECTION_H
#define NETWORK_SELECTION_H

#include "network/feed.h"
#include "network/reduction.h"
#include "store/storage.h"

typedef struct peek__chosen {
    int64_t value;             /* number of the value; -1: of an input */
    int64_t input;             /* which input */
    int64_t channel;           /* which channel of it; -1: all of it */
    int fit;                   /* takes part in the factorisation */
    int output;                /* the network's output */
    char *name;                /* of the block, unique */
    char *file;                /* safe and unique */
    peek__reduction reduction; /* layout, shape and columns of the block, too */
    peek__storage storage;     /* how its numbers are written */
} peek__chosen;

typedef struct peek__selection {
    int64_t inputs; /* the first entries: blocks of the network's inputs */
    int64_t count;
    peek__chosen *chosen;
    int automatic; /* 1: `auto` was among the patterns */
} peek__selection;

/* Resolves `layers` ("auto", globs over tensor or node names, op:NAME, commas between) in the order of
 * execution. The network's output is always taken, and takes part in the fit only where a pattern asked for it,
 * or there is nothing else. Errors: E_NOT_FOUND (a pattern that matches nothing), E_MEMORY. Free with
 * peek__selection_free(). */
peek_status peek__selection_make(peek_context *context, const peek_network *network, const char *layers,
                                 const peek__feeds *feeds, peek__selection *out);
void peek__selection_free(peek__selection *selection);

/* Decides layout and reduction of every block, once the shapes are known; inputs stay as they are. Errors:
 * E_ARGUMENT (options->reduce), E_MEMORY. */
peek_status peek__selection_reduce(peek_context *context, const peek_network *network,
                                   const peek__survey *survey, const peek__feeds *feeds,
                                   const peek_capture_options *options, peek__selection *selection);

/* The type of layers by options->store. */
peek__type peek__layer_type(int64_t store);

/* Decides how the numbers of every block are written: inputs as bytes where they are pictures of 8 bits, all
 * else by options->store. The network's output, which is small and whose classes lie close together, and inputs
 * of numbers that are names stay floats. Errors: E_MEMORY, those of reading samples. */
peek_status peek__selection_store(peek_context *context, const peek__feeds *feeds,
                                  const peek_capture_options *options, peek__selection *selection);

/* Notes on what was chosen and averaged: for when nothing can be wrong any more. */
void peek__selection_tell(peek_context *context, const peek_network *network, const peek__feeds *feeds,
                          const peek_capture_options *options, const peek__selection *selection);

/* Why a tensor was not taken. */
const char *peek__selection_reason(const peek__selection *selection, const peek_network *network,
                                   int64_t value);

#endif
