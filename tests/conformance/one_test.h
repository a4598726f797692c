/* One test of ONNX's kind: a folder with model.onnx and test_data_set_N/{input,output}_N.pb. */
#ifndef CONFORMANCE_ONE_TEST_H
#define CONFORMANCE_ONE_TEST_H

#include <stddef.h>

typedef enum verdict { PASSED, REFUSED, WRONG, BROKEN } verdict;

enum { SENTENCE = 600 };

/* REFUSED: an operator or a type that nnpeek does not have, and says so. WRONG: other outputs than expected.
 * BROKEN: any other error. */
typedef struct answer {
    verdict found;
    char sentence[SENTENCE];
} answer;

/* Runs the tests of `count` folders in other processes, so that a crash, a leak, too much memory or `seconds`
 * of time are one BROKEN test and the rest goes on. Many tests share a process, for to make one is dear under a
 * sanitizer; those of a process that ends with an error after all its tests, as where memory leaked, are run
 * again one by one. */
void run_tests(const char *const *folders, answer *answers, size_t count, int seconds);

#endif
