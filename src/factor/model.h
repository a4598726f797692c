/* factor/model.h: what a fit gives. */
#ifndef FACTOR_MODEL_H
#define FACTOR_MODEL_H

#include "factor/problem.h"
#include "store/record.h"

typedef struct peek__start_record {
    int64_t seed, iterations;
    double objective, relative_error, seconds;
} peek__start_record;

struct peek_model {
    int64_t rows, rank, columns, blocks; /* T, k, columns of all blocks, number of blocks */
    const char *rule, *citation, *stop;
    int64_t seed, iterations;
    int64_t sketch_width, sketch_iterations; /* 0: no sketch */
    int64_t sweep_models;                    /* that shared the call */
    double sketch_seconds;                   /* until iterations on the data began */
    double seconds, rmse, relative_error;
    double *objective;       /* iterations */
    double *times;           /* iterations: seconds at the end of each */
    float *samples;          /* T x k */
    float *loadings;         /* columns x k */
    float *errors;           /* T x blocks */
    double *alphas;          /* alpha_b with the share of --scale in it */
    char capture_digest[17]; /* of the capture that it was fitted to; "": none */
    char made_from[17];      /* digest of data, options and ranks of the call; "": not of a sweep */
    peek_model_block *block; /* with names and files owned by the model */
    cJSON *options;          /* as resolved */
    peek__start_record *starts;
    int64_t start_count;
};

/* An empty model with its matrices, for the problem. The caller frees it with peek_model_free(), also after a
 * failure. */
peek_status peek__model_create(peek_context *context, const peek_problem *problem, const double *alphas,
                               int64_t rank, int64_t iterations, peek_model **out);

/* The stop of this name, as every model has it, or NULL. */
const char *peek__model_stop(const char *name);

/* Writes or reads a model of the same problem, rank and options: its matrices, numbers and the first values of
 * objective and times (`iterations` of them are room); judged: also what peek__model_judge() fills. Errors: as
 * peek__record_move(). */
peek_status peek__model_move(peek_model *model, peek__record *record, int64_t iterations, int judged);

/* Fills errors, rmse and relative_error (of each block and whole) and objective[iterations-1] from the matrices
 * as they are, in double precision:   e_tb = || x_bt - f_t W_b^T ||. */
peek_status peek__model_judge(peek_context *context, peek_model *model, const peek_problem *problem);

#endif
