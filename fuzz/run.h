/* fuzz/run.h: a small run folder and a small training, whose files the targets damage and corpus.py has as
 * seeds. */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

#include "nnpeek/nnpeek.h"

enum { RUN_SAMPLES = 24, RUN_RANK = 2 };

/* Random pictures of one channel, 4 x 4 pixels and three classes. */
peek_dataset *run_pictures(peek_context *context);

/* A convolution, an activation function and a dense layer for them: 47 parameters. */
peek_network *run_network(peek_context *context);

/* Writes network.onnx, capture/, fit/rank-2/ and measures.json into a folder, however long that takes. */
void run_make(const char *folder);

/* Trains up to so many epochs, from a checkpoint where one lies there, and writes it. */
peek_status run_train(peek_context *context, const char *checkpoint, int64_t epochs);

/* Factorises the pictures at two ranks, from a checkpoint where one lies there; it is written at every chance.
 */
peek_status run_fit(peek_context *context, const char *checkpoint);

/* A document of the run: its file, and the first byte of a case of fuzz_json that damages it; NULL past the
 * end. */
const char *run_document(int index, char *letter);

#endif
