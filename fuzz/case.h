/* fuzz/case.h: what the fuzz targets share: a folder for the files of a case, a context with a deadline, and
 * what must hold of every call.
 *
 * A target is LLVMFuzzerTestOneInput(): it writes the bytes where a user's file would lie and calls what a user
 * would. What must hold: no crash, no error of the sanitizers, one sentence for every refusal, an end within
 * the deadline. libFuzzer calls it; fuzz/replay.c does so without clang. */
#ifndef FUZZ_CASE_H
#define FUZZ_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "nnpeek/nnpeek.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A file or folder below the folder of the cases, which is made by the first call, in $TMPDIR or on the RAM
 * disk, and removed at the end. The text is overwritten by the sixteenth call after this one. */
const char *fuzz_path(const char *name);

/* Makes a folder there, with its parents; writes a file; removes a file, or a folder with all in it. Each gives
 * the path. */
const char *fuzz_folder(const char *name);
const char *fuzz_write(const char *name, const uint8_t *bytes, size_t size);
const char *fuzz_remove(const char *name);

/* The same as fuzz_write(), packed with gzip, so that a damaged inside has a sound outside. */
const char *fuzz_write_packed(const char *name, const uint8_t *bytes, size_t size);

/* A context with one thread and a listener that asks to stop so many seconds from now; 0: none. */
peek_context *fuzz_begin(double seconds);
enum { FUZZ_SECONDS = 2 };

/* Ends the program where a refusal is not one sentence. Gives whether the call succeeded. */
int fuzz_check(const peek_context *context, peek_status status);

/* Ends the program, which the fuzzer counts as a crash, where something that must hold does not. */
void fuzz_must(int holds, const char *what);

/* Reads some samples of a dataset as it is and in another size, where they are small; the values must be
 * finite. */
void fuzz_read_samples(peek_context *context, const peek_dataset *dataset);

#endif
