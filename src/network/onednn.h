/* network/onednn.h: convolution by oneDNN. The only file that knows oneDNN, and which version of its C API it
 * is, is network/onednn.c.
 *
 * Tensors are row-major outside; inside, a convolution takes the layout it likes best and reorders at its
 * borders. To be called from inside peek__parallel(), so that oneDNN plans and runs for one thread. */
#ifndef NETWORK_ONEDNN_H
#define NETWORK_ONEDNN_H

#include "network/convolution.h"

typedef struct peek__onednn peek__onednn;

/* training: backward will be called; data_gradient: the gradient of the input is wanted, too; steady: w holds
 * the same numbers in every call (but for training). Errors: E_UNSUPPORTED, E_MEMORY. */
peek_status peek__onednn_create(peek_context *context, const peek__convolution *convolution, int bias,
                                int training, int data_gradient, int steady, peek__onednn **out);
/* Bytes of memory that a forward or backward needs for its own time. */
int64_t peek__onednn_scratch(const peek__onednn *made);
void peek__onednn_free(peek__onednn **pointer);

/* b may be NULL as at creation. */
peek_status peek__onednn_forward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                 const float *w, const float *b, float *y);

/* Adds to the gradients dx (NULL: not wanted), dw and db, where they are not NULL. */
peek_status peek__onednn_backward(peek_context *context, peek__onednn *made, char *scratch, const float *x,
                                  const float *w, const float *dy, float *dx, float *dw, float *db);

#endif
