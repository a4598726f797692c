/* One test of ONNX's kind: a folder with model.onnx and test_data_set_N/{input,output}_N.pb. */
#ifndef CONFORMANCE_ONE_TEST_H
#define CONFORMANCE_ONE_TEST_H

typedef enum verdict { PASSED, REFUSED, WRONG, BROKEN } verdict;

enum { SENTENCE = 600 };

/* REFUSED: an operator or a type that nnpeek does not have, and says so. WRONG: other outputs than expected.
 * BROKEN: any other error. sentence: of SENTENCE characters. */
verdict one_test(const char *folder, char *sentence);

/* The same in a process of its own, so that a crash, too much memory or `seconds` of time are BROKEN and the
 * rest goes on. */
verdict one_test_apart(const char *folder, int seconds, char *sentence);

#endif
