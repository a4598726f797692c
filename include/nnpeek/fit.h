/* nnpeek/fit.h: the joint factorisation.
 *
 *     minimise  J = sum_b alpha_b || X_b - F W_b^T ||_F^2   over  F >= 0, W_b >= 0
 *
 *     X_b  T x n_b   block b: one sample a row          F    T x k   sample matrix, shared by all blocks
 *     W_b  n_b x k   loadings of block b                k            rank: the number of components
 *
 * Source: U. S. Saini, E. E. Papalexakis, A Peek Into the Hidden Layers of a Convolutional Neural Network
 * Through a Factorization Lens, KDD'18 workshop; updates by D. D. Lee, H. S. Seung, NIPS 2001. */
#ifndef NNPEEK_FIT_H
#define NNPEEK_FIT_H

#include "nnpeek/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The blocks to factorise together. */
typedef struct peek_problem peek_problem;

/* What to do with negative values of a block. */
typedef enum peek_signed {
    PEEK_SIGNED_REFUSE,   /* an error that names the first negative value */
    PEEK_SIGNED_SPLIT,    /* two blocks: NAME+ = max(x, 0) and NAME- = max(-x, 0) */
    PEEK_SIGNED_POSITIVE, /* max(x, 0) */
    PEEK_SIGNED_SHIFT     /* x - min(x) over the block */
} peek_signed;

/* An empty problem; the caller frees *out with peek_problem_free(). */
PEEK_API peek_status peek_problem_create(peek_context *context, peek_problem **out);
PEEK_API void peek_problem_free(peek_problem **problem);

/* Adds a block from memory: rows x columns, row-major, `stride` floats from a row to the next. Borrowed: it
 * must live as long as the problem. name: any text, unique, not "samples", "errors" or "labels"; copied.
 * Errors: E_SHAPE (rows differ from the blocks before), E_VALUE (not finite, or negative with
 * PEEK_SIGNED_REFUSE; names row and column), E_ARGUMENT (name), E_MEMORY. */
PEEK_API peek_status peek_problem_add_array(peek_context *context, peek_problem *problem, const char *name,
                                            const float *values, int64_t rows, int64_t columns, int64_t stride,
                                            peek_signed negatives);

/* Adds an .npy file of one or more dimensions (all but the first are one block's columns); it is mapped, not
 * copied. The name is the file's base name without .npy. Types: float32, float64, float16, uint8 and the
 * integers. Errors: as above, E_NOT_FOUND, E_FORMAT, E_IO. */
PEEK_API peek_status peek_problem_add_file(peek_context *context, peek_problem *problem, const char *path,
                                           peek_signed negatives);

/* Adds every block of a capture folder that takes part in the fit, as its manifest.json says. */
PEEK_API peek_status peek_problem_add_capture(peek_context *context, peek_problem *problem, const char *folder,
                                              peek_signed negatives);

PEEK_API int64_t peek_problem_samples(const peek_problem *problem); /* T */
PEEK_API int64_t peek_problem_blocks(const peek_problem *problem);
PEEK_API int64_t peek_problem_columns(const peek_problem *problem); /* n, of all blocks together */

/* Whether the problem can be factorised with this rank: 1 <= rank <= min(T, n). Errors: E_SHAPE, no blocks or
 * rank too large. */
PEEK_API peek_status peek_problem_check_rank(peek_context *context, const peek_problem *problem, int64_t rank);

typedef struct peek_block_info {
    const char *name; /* lives as long as the problem or model */
    const char *file; /* safe, unique file name: "relu1.npy" */
    int64_t columns;  /* n_b */
    double norm;      /* ||X_b||_F */
    double weight;    /* alpha_b as given; 1 unless set */
} peek_block_info;
PEEK_API peek_status peek_problem_block(peek_context *context, const peek_problem *problem, int64_t block,
                                        peek_block_info *out);

/* Sets alpha_b of the block of this name, > 0. Errors: E_NOT_FOUND, E_ARGUMENT. */
PEEK_API peek_status peek_problem_set_weight(peek_context *context, peek_problem *problem, const char *name,
                                             double weight);

typedef enum peek_scale { PEEK_SCALE_NONE, PEEK_SCALE_NORM, PEEK_SCALE_MAX } peek_scale;

/* How much work is done on a sketch of the data, from which a fit comes close at a fraction of the cost. Rules
 * that need non-negative numerators (mu), small problems and starts from files do without. What is written and
 * reported is judged on the data itself in every case. */
typedef enum peek_accuracy {
    PEEK_ACCURACY_FAST,     /* the sketch, then two iterations on the data */
    PEEK_ACCURACY_BALANCED, /* the sketch, then iterations on the data until the stop rule holds */
    PEEK_ACCURACY_EXACT     /* on the data alone */
} peek_accuracy;

typedef struct peek_fit_options {
    size_t size;
    int64_t rank;       /* k; default 10 */
    int64_t rule;       /* index of mu, hals, bpp; default hals, the best for time to quality as measured
                           (docs/benchmarks.md) */
    int64_t iterations; /* default 500: at most this many */
    double tolerance; /* default 1e-5: stop when (J_before - J) / J_before of an iteration is below (hals, which
                         extrapolates: on average over three iterations without a restart); 0 runs all */
    double kkt; /* default 0, off: stop when the norm of the projected gradient (F and W together) has fallen to
                   this share of its value in the first iteration */
    double time_limit; /* default 0, off: seconds after which no further iteration begins; the result then
                          depends on the machine's speed */
    int64_t restarts;  /* default 1: starts with seeds seed, seed+1, ..; the model of least objective is kept */
    int64_t scale; /* peek_scale; default none; norm or max: each block is divided by its norm or largest value
                      before its weight is applied; the matrices are given in original units */
    int64_t accuracy;                                        /* peek_accuracy; default balanced */
    double l1_samples, l1_loadings, l2_samples, l2_loadings; /* default 0: penalties, see peek_fit() */
    const char *init; /* default "uniform": uniform (0, 1); "nndsvd": from singular vectors; or a rank-K folder
                         to start from */
    int64_t seed;     /* default 0 */
    const char *checkpoint;  /* default NULL: a file that is written every now and then while models are under
                                way  (and FILE.sketch beside it), to resume from; gone when the call succeeds */
    double checkpoint_every; /* default 20: seconds between two of them, or more (up to 45) where writing takes
                                long; 0: after every iteration */
    int64_t resume; /* flag; default 0: go on from the checkpoint, where it is there; to the same bits */
} peek_fit_options;

PEEK_API const peek_option_table *peek_fit_option_table(void);
PEEK_API void peek_fit_options_default(peek_fit_options *options);

typedef struct peek_model peek_model;

/* Factorises. With penalties what is minimised is
 *
 *     J + n (2 l1_samples sum F + l2_samples ||F||^2) + T sum_b (2 l1_loadings sum V_b + l2_loadings ||V_b||^2)
 *
 * with n the columns of all blocks and V_b = sqrt(alpha_b) W_b the loadings of the weighted blocks: twice the
 * objective of scikit-learn's NMF. The same bits for any number of threads. The caller frees *out with
 * peek_model_free(). Errors: E_ARGUMENT (also a penalty on one of F and W alone, which the other can evade),
 * E_SHAPE (no blocks; rank larger than the samples or the columns of all blocks), E_FORMAT and E_SHAPE (init),
 * E_NUMERIC, E_MEMORY, E_STOPPED.
 */
PEEK_API peek_status peek_fit(peek_context *context, const peek_problem *problem,
                              const peek_fit_options *options, peek_model **out);

/* Takes a model, which is its own from then on, to be freed with peek_model_free(). Anything but PEEK_OK ends
 * the call that made the model, with this status. */
typedef peek_status (*peek_model_fn)(peek_model *model, void *user);

/* Factorises at several ranks, each from options->restarts starts (options->rank is not looked at), and hands
 * each rank's best model to `take` as soon as it is known. Models share the reading of the data and one sketch
 * of it, so this takes less time than a call for each. On the data itself a model has the bits that it would
 * have alone; on a sketch, which is that of the largest rank, it has those of this sweep. Errors: as
 * peek_fit().
 *
 * With options->checkpoint what is under way survives a stop at any moment, but for the pass over the data in
 * which it came and what the last checkpoint does not hold. With options->resume models that `take` was given
 * before the last checkpoint are not made again. Errors: as peek_fit(), E_ARGUMENT and E_FORMAT (a checkpoint
 * of other data or options, or damaged). */
PEEK_API peek_status peek_sweep(peek_context *context, const peek_problem *problem,
                                const peek_fit_options *options, int64_t count, const int64_t *ranks,
                                peek_model_fn take, void *user);
PEEK_API void peek_model_free(peek_model **model);

/* Sixteen hexadecimal digits of what the models of such a call are made from: the same data, options and ranks
 * give the same ones. They stand in each model's fit.json as `made_from`. Errors: E_MEMORY; E_IO, a start
 * (options->init) cannot be read. */
PEEK_API peek_status peek_sweep_digest(peek_context *context, const peek_problem *problem,
                                       const peek_fit_options *options, int64_t count, const int64_t *ranks,
                                       char digest[17]);

typedef struct peek_model_info {
    int64_t samples, rank, blocks;
    const char *rule;          /* "mu", "hals", "bpp" */
    const char *stop;          /* "tolerance", "iterations", "kkt", "time"; of a transform "exact" */
    int64_t seed;              /* of the start that was kept */
    int64_t iterations;        /* on the data */
    int64_t sketch_iterations; /* before them, on a sketch of the data; 0: none */
    double seconds;            /* from blocks loaded to final matrices, of all starts of this rank; where models
                                  share a sweep over the data, each has a share of its time by rank */
    const double *objective;   /* J of every iteration, `iterations` values */
    double rmse;           /* sqrt(sum_b ||X_b - F W_b^T||^2 / number of entries of all blocks), unweighted */
    double relative_error; /* sqrt(sum_b ||X_b - F W_b^T||^2) / sqrt(sum_b ||X_b||^2) */
} peek_model_info;
PEEK_API peek_model_info peek_model_describe(const peek_model *model);

typedef struct peek_model_block {
    const char *name, *file;
    int64_t columns;
    double norm, weight, rmse, relative_error;
} peek_model_block;
PEEK_API peek_status peek_model_block_info(peek_context *context, const peek_model *model, int64_t block,
                                           peek_model_block *out);

/* F, T x k, row-major. Borrowed. */
PEEK_API const float *peek_model_samples(const peek_model *model);
/* W_b, n_b x k, row-major. Borrowed; NULL when there is no such block. */
PEEK_API const float *peek_model_loadings(const peek_model *model, int64_t block);
/* Residual norms ||x_t - f_t W_b^T||, T x blocks, row-major. Borrowed. */
PEEK_API const float *peek_model_errors(const peek_model *model);

/* Writes folder/samples.npy, errors.npy, BLOCK.npy and fit.json; the folder appears whole or not at all, and
 * replaces an older model of the same name. Errors: E_IO, E_MEMORY. */
PEEK_API peek_status peek_model_save(peek_context *context, const peek_model *model, const char *folder);

/* Reads a model back from such a folder; the caller frees *out with peek_model_free(). Errors: E_NOT_FOUND,
 * E_FORMAT, E_SHAPE, E_VALUE (negative or not finite), E_MEMORY. */
PEEK_API peek_status peek_model_load(peek_context *context, const char *folder, peek_model **out);

typedef enum peek_fixed {
    PEEK_FIXED_NONE,
    PEEK_FIXED_SAMPLES, /* F stays: the loadings of new blocks for the same samples */
    PEEK_FIXED_LOADINGS /* W stays: the sample matrix of new samples, from some or all of the model's blocks */
} peek_fixed;

/* Finds one matrix while the other stays as the model has it, by exact non-negative least squares:
 *
 *     loadings stay:  min over F >= 0 of sum_b alpha_b || X_b - F W_b^T ||^2    X_b any number of samples; W_b
 * the model's block of the same name, alpha_b its weight there samples stay:   min over W_b >= 0 of || X_b - F
 * W_b^T ||^2                X_b as many samples as the model has
 *
 * *out is a model of these blocks, `rule` "bpp", `stop` "exact"; the caller frees it. The same bits for any
 * number of threads. Errors: E_ARGUMENT, E_NOT_FOUND (a block that the model does not have), E_SHAPE, E_VALUE,
 * E_MEMORY, E_STOPPED. Source: J. Kim, H. Park, SIAM Journal on Scientific Computing 33(6), 2011. */
PEEK_API peek_status peek_transform(peek_context *context, const peek_problem *problem, const peek_model *model,
                                    peek_fixed fixed, peek_model **out);

/* Parses ranks: "20", "10,20,50", "10:50:10" (ends included). ranks is an array of `capacity`; *count of them
 * are set, ascending without repeats. Errors: E_ARGUMENT. */
PEEK_API peek_status peek_parse_ranks(peek_context *context, const char *text, int64_t *ranks, int64_t capacity,
                                      int64_t *count);

#ifdef __cplusplus
}
#endif
#endif
