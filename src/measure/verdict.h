/* measure/verdict.h: how well a network was trained, told without labels, with its uncertainty or not at all.
 */
#ifndef MEASURE_VERDICT_H
#define MEASURE_VERDICT_H

#include <cjson/cJSON.h>

#include "base/context.h"

/* What a score is made of, each about 0 .. 1. K: classes of the output; u = (exp H - 1) / (K - 1), H the
 * entropy of how often each class is predicted: the share of the classes that are in use; agreement and
 * information as in peek_neighbour_agreement(). A network that guesses has u agreement = 1/K, one that is
 * always right about 1; information / log K tells better those apart that have learnt little. */
typedef enum peek__verdict_part {
    PEEK__PART_USE,              /* u */
    PEEK__PART_CONFIDENCE,       /* (K mean_t max_c p_tc - 1) / (K - 1) */
    PEEK__PART_DIRECTIONS,       /* (effective rank of the output - 1) / (K - 1) */
    PEEK__PART_FIRST_LAYER,      /* u agreement of neighbours in the first layer */
    PEEK__PART_LAST_LAYER,       /* in the last */
    PEEK__PART_LAST_INFORMATION, /* information / log K of neighbours in the last layer */
    PEEK__PART_COMPONENTS,       /* u agreement in the sample matrix F of the model whose rank is nearest to
                                    PEEK__VERDICT_RANK */
    PEEK__PART_COMPONENTS_INFORMATION,
    PEEK__PART_INPUT, /* u agreement in the input, mean over its channels: what needs nothing but predictions */
    PEEK__PARTS
} peek__verdict_part;

/* What a score may be made from. */
typedef enum peek__verdict_source {
    PEEK__FROM_OUTPUT,
    PEEK__FROM_ACTIVATIONS,
    PEEK__FROM_FACTORISATION,
    PEEK__FROM_ALL, /* of these three: the score */
    PEEK__FROM_INPUT,
    PEEK__SOURCES
} peek__verdict_source;

enum { PEEK__VERDICT_RANK = 20, PEEK__VERDICT_SAMPLES = 1000 };

extern const char *const peek__verdict_part_names[PEEK__PARTS],
    *const peek__verdict_source_names[PEEK__SOURCES];

/* Whether a source has a part. */
int peek__verdict_uses(peek__verdict_source source, peek__verdict_part part);

/* The parts of what measures.json says, NAN where one is missing. */
void peek__verdict_parts(const cJSON *measures, double parts[PEEK__PARTS]);

/* The model whose components count: the one of the rank nearest to PEEK__VERDICT_RANK by ratio, or NULL. */
const cJSON *peek__verdict_model(const cJSON *measures);

/* What is known of networks whose accuracy is known: made by `nnpeek study quality`, built in, or from a file.
 */
typedef struct peek__calibration {
    cJSON *json;
    double constant[PEEK__SOURCES], weight[PEEK__SOURCES][PEEK__PARTS];
} peek__calibration;

/* path NULL: the built-in one. Free with peek__calibration_free(), also after a failure. Errors: E_NOT_FOUND,
 * E_FORMAT, E_MEMORY. */
peek_status peek__calibration_read(peek_context *context, const char *path, peek__calibration *out);
void peek__calibration_free(peek__calibration *calibration);

/* constant + sum weight part, about 0 .. 1; NAN where a part with a weight is missing. */
double peek__verdict_score(const peek__calibration *calibration, peek__verdict_source source,
                           const double parts[PEEK__PARTS]);

/* What the output alone says less what layers and components say. */
double peek__verdict_contradiction(const peek__calibration *calibration, const double parts[PEEK__PARTS]);

/* out: low, median and high of the accuracy of networks whose scores are near this one: the nearest half of
 * them, 12 to 40, give accuracy - score, of which the 2.5 and 97.5 % points and the median are added to this
 * score. skip: the place of one that is left out, or -1. NAN without networks. A local version of split
 * conformal prediction: V. Vovk et al., Algorithmic Learning in a Random World, 2005. */
void peek__verdict_interval(const double *scores, const double *accuracies, int64_t count, int64_t skip,
                            double score, double out[3]);

/* Whether two numbers above zero differ by at most this ratio. */
int peek__verdict_within(double a, double b, double ratio);

/* Adds sentences to a list: what the verdict rests on, and what it cannot see. family: NULL where there is
 * none. */
void peek__verdict_reasons(const cJSON *measures, const double parts[PEEK__PARTS], cJSON *reasons);
void peek__verdict_caveats(const cJSON *measures, const cJSON *family, cJSON *caveats);

/* Puts the member `verdict` into measures.json, from what else is there:
 *   parts, by (the score from each source)
 *   score about 0..1, accuracy, low, high: what networks of the same family with a similar score had, and the
 * interval that holds 95 % of them; null where withheld family: its name, or null withheld: a sentence, or null
 *   reasons, caveats: sentences
 *   calibration: what the study says of itself
 * path: of the calibration, NULL: the built-in one. Errors: those of peek__calibration_read(). */
peek_status peek__verdict_put(peek_context *context, const char *path, cJSON *measures);

#endif
