/* nnpeek/study.h: experiments of many runs: train, capture, factorise, measure, compare. */
#ifndef NNPEEK_STUDY_H
#define NNPEEK_STUDY_H

#include "nnpeek/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peek_study_options {
    size_t size;
    int64_t seeds;        /* default 0, as the recipe says: seeds of each network, from `seed` on */
    int64_t samples;      /* default 0: as the recipe says: test samples to look at */
    const char *ranks;    /* default NULL: as the recipe says */
    const char *data;     /* default NULL: as the recipe says; where that is not found, strokes */
    const char *data_dir; /* default NULL: where named data sets are looked up first */
    int64_t resume;       /* flag; default 0: keep finished runs of the same options, of an earlier call */
    int64_t seed;         /* default 0: the first */
} peek_study_options;

PEEK_API const peek_option_table *peek_study_option_table(void);
PEEK_API void peek_study_options_default(peek_study_options *options);

/* Runs a study into a folder: folder/runs/NAME-DIGEST-seed-S/ (network.onnx, trained.json, measures.json,
 * result.json; the first seed's also capture and fits, to look at), summary.json, one CSV a figure, study.html,
 * and compare.html, the report of the first seed's runs side by side; of the kind "quality" quality.csv and
 * calibration.json in the place of the latter two (docs/quality.md). recipe: a built-in one (peek_study_list())
 * or a JSON file like those in docs/studies.md. A run that fails is told and left out, and the others go on;
 * E_STOPPED ends the study with all finished runs kept. The same bits for any number of threads, and whether
 * resumed or not. *failed: how many runs failed; may be NULL. Errors: E_NOT_FOUND and E_FORMAT (the recipe),
 * E_SHAPE (too few networks to learn from), E_IO, E_MEMORY, E_STOPPED; the first run's, where all fail. */
PEEK_API peek_status peek_study(peek_context *context, const char *recipe, const char *folder,
                                const peek_study_options *options, int64_t *failed);

/* folder/index.html: what the built-in studies found that lie in folder/NAME. Errors: E_IO, E_MEMORY. */
PEEK_API peek_status peek_study_index_write(peek_context *context, const char *folder);

/* The built-in recipes, for listings: name and title. Returns 0 past the end. */
PEEK_API int peek_study_list(int64_t index, const char **name, const char **title);

#ifdef __cplusplus
}
#endif
#endif
