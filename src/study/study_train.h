/* study/study_train.h: the network of a run: trained and tested, or taken from an earlier call. */
#ifndef STUDY_STUDY_TRAIN_H
#define STUDY_STUDY_TRAIN_H

#include "nnpeek/network.h"
#include "study/study_run.h"

/* What a network is made from: equal texts give equal networks. The caller deletes it; NULL: not enough memory.
 */
cJSON *peek__study_trained_from(const peek__study_run *run);

/* Trains and tests the network of a run, writes network.onnx and, as the last, trained.json; where run->resume
 * is set and they are there, made from the same, it is loaded. Adds accuracy (0..1), confusion (true x
 * predicted), train_samples, loss, train_accuracy and train_seconds to the result. The caller frees *network.
 * Errors: those of training, E_IO. */
peek_status peek__study_train(peek_context *context, const peek__study_run *run, peek_network **network,
                              cJSON *result);

#endif
