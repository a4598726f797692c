/* network/onednn.h: convolution by oneDNN. The only file that knows oneDNN, and which version of its C API it
 * is, is network/onednn.c.
 *
 * Tensors are row-major outside; inside, a convolution takes the layout it likes best and reorders at its
 * borders. To be called from inside peek__parallel(), so that oneDNN plans and runs for one thread. */
#ifndef NETWORK_ONEDNN_H
#define NETWORK_ONEDNN_H

#include "network/convolution.h"

typedef struct peek__onednn peek__onednn;

/* Weights as a convolution likes them, made once for many. */
typedef struct peek__onednn_weights peek__onednn_weights;
void peek__onednn_weights_free(peek__onednn_weights **weights);

typedef struct peek__onednn_wishes {
    int bias;
    int training;                   /* backward will be called, and weights change */
    int data_gradient;              /* the gradient of the input is wanted, too */
    const float *w;                 /* weights that stay as they are, or NULL */
    peek__onednn_weights **weights; /* these, shared with others of the same convolution: made here where still
                                       NULL; NULL: not shared */
} peek__onednn_wishes;

/* Errors: E_UNSUPPORTED, E_MEMORY. */
peek_status peek__onednn_create(peek_context *context, const peek__convolution *convolution,
                                const peek__onednn_wishes *wishes, peek__onednn **out);
/* Bytes of memory that a forward or backward needs for its own time. */
int64_t peek__onednn_scratch(const peek__onednn *made);
void peek__onednn_free(peek__onednn **pointer);

/* b may be NULL as at creation; w must be what the wishes said. */
peek_status peek__onednn_forward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                 const float *w, const float *b, float *y);

/* Adds to the gradients dx (NULL: not wanted), dw and db, where they are not NULL. */
peek_status peek__onednn_backward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                  const float *w, const float *dy, float *dx, float *dw, float *db);

#endif
