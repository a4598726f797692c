/* network/untie.h: weights of their own, before training. */
#ifndef NETWORK_UNTIE_H
#define NETWORK_UNTIE_H

#include "network/graph.h"

/* Gives nodes weights of their own where a file stores equal ones once only because they were equal:
 *
 *   - an Identity over an initialiser, as PyTorch's exporter writes for parameters that were equal when
 * exported (those that are one parameter there are one initialiser here, and stay one);
 *   - running statistics of a BatchNormalization, which are never meant to be another's.
 *
 * Values keep their numbers; copies come behind them. Errors: E_MEMORY, those of peek__graph_finish(). */
peek_status peek__untie(peek_context *context, peek_network *network);

#endif
