/* nnpeek/report.h: from a run folder to one self-contained page, and the whole way in one call. */
#ifndef NNPEEK_REPORT_H
#define NNPEEK_REPORT_H

#include "nnpeek/fit.h"
#include "nnpeek/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the report of one or more run folders as one HTML file that loads nothing from the network.
 * path NULL: report.html in the first run. Errors: E_NOT_FOUND, E_FORMAT, E_IO, E_MEMORY. */
PEEK_API peek_status peek_report(peek_context *context, const char *const *runs, int64_t count,
                                 const char *path);

/* What is measured: also what takes fits or the network (peek_measure()) or not; auto: where it takes some ten
 * seconds with as many samples as that allows, PEEK_INSPECT_SAMPLES or more. */
typedef enum peek_inspect_measures {
    PEEK_MEASURES_AUTO,
    PEEK_MEASURES_BASIC,
    PEEK_MEASURES_ALL
} peek_inspect_measures;
enum { PEEK_INSPECT_SAMPLES = 300 };

typedef struct peek_inspect_options {
    size_t size;
    const char *ranks;      /* default "10:50:10" */
    const char *layers;     /* default "auto" */
    int64_t samples;        /* default 2000: at most this many, a seeded random choice */
    const char *labels;     /* default NULL: a file of labels, for captions */
    const char *preprocess; /* default "auto"; this and the next three as in peek_capture_options */
    const char *reduce;     /* default "auto" */
    double budget;          /* default 0.5 */
    int64_t store;          /* default float32 */
    int64_t measures;       /* peek_inspect_measures; default auto */
    const char *data_dir;   /* default NULL */
    int64_t seed;           /* default 0 */
    int64_t skip_broken;    /* flag; default 0: broken pictures are left out */
    int64_t resume; /* flag; default 0: go on with a run that was stopped; what is finished and made from the
                       same is kept */
    double checkpoint_every;  /* default 20: seconds after which what is done is made safe */
    int64_t inputs;           /* no flag; default 0: entries of `input` */
    const char *const *input; /* "NAME=DATA" for inputs of the network that `data` is not for */
} peek_inspect_options;

PEEK_API const peek_option_table *peek_inspect_option_table(void);
PEEK_API void peek_inspect_options_default(peek_inspect_options *options);

/* The whole way: reads the network, captures the data's way through it, factorises input and layers jointly,
 * measures, and writes the run folder and the report. data: for the network's only input, or the one that
 * options->input does not name; else NULL. Errors: those of every step. */
PEEK_API peek_status peek_inspect(peek_context *context, const char *network, const char *data, const char *run,
                                  const char *report, const peek_inspect_options *options);

#ifdef __cplusplus
}
#endif
#endif
