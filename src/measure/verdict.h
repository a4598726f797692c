/* measure/verdict.h: how well a network was trained, told without labels, with its uncertainty or not at all.
 */
#ifndef MEASURE_VERDICT_H
#define MEASURE_VERDICT_H

#include "base/json_made.h"

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
    PEEK__FROM_OUTPUT_ACTIVATIONS,
    PEEK__FROM_OUTPUT_FACTORISATION,
    PEEK__FROM_INPUT,
    PEEK__SOURCES
} peek__verdict_source;

enum { PEEK__VERDICT_RANK = 20 };

extern const char *const peek__verdict_part_names[PEEK__PARTS],
    *const peek__verdict_source_names[PEEK__SOURCES];

/* Whether a source has a part. */
int peek__verdict_uses(peek__verdict_source source, peek__verdict_part part);

/* The parts of what measures.json says, NAN where one is missing. */
void peek__verdict_parts(const cJSON *measures, double parts[PEEK__PARTS]);

/* Adds how many columns each layer has, in order. */
void peek__layer_columns(const cJSON *measures, cJSON *list);

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

/* sin^2 s, 0 .. 1, s = constant + sum weight part, taken to 0 .. pi/2; NAN where a part with a weight is
 * missing. The arc sine of its root gives a share the same uncertainty wherever it lies (M. Bartlett,
 * Biometrics 3, 1947), so that 0.98 and 0.99 are as far apart as 0.5 and 0.57. */
double peek__verdict_score(const peek__calibration *calibration, peek__verdict_source source,
                           const double parts[PEEK__PARTS]);

/* What the output alone says less what layers and components say. */
double peek__verdict_contradiction(const peek__calibration *calibration, const double parts[PEEK__PARTS]);

/* Networks of a family whose accuracy is known. Borrowed. */
typedef struct peek__scored {
    int64_t count;
    const double *score, *accuracy; /* scores as if their way had not been seen */
    const int64_t *way;             /* the way in which each was trained: its group, or its setting */
    double widening; /* of intervals, so that they hold for ways that were not seen either; 1: none */
} peek__scored;

/* out: low, median and high of the accuracy for a score: of the 40 networks with the nearest scores (all where
 * there are fewer) the 2.5 % and 97.5 % points and the median of accuracy - score are added to this score; the
 * two halves of the interval are then widened. skip: a way that is left out, or -1. NAN without networks. A
 * local version of split conformal prediction: V. Vovk et al., Algorithmic Learning in a Random World, 2005; of
 * fewer than 39 networks the extremes are taken, which hold less than 95 %. */
void peek__verdict_interval(const peek__scored *known, int64_t skip, double score, double out[3]);

/* How far an accuracy lies from the median, in halves of the interval on its side: above 1 it is outside. */
double peek__verdict_excess(const double interval[3], double accuracy);

/* Whether two numbers above zero differ by at most this ratio. */
int peek__verdict_within(double a, double b, double ratio);

/* Adds sentences to a list: what the verdict rests on, and what it cannot see. family: NULL where there is
 * none. */
void peek__verdict_reasons(const cJSON *measures, const double parts[PEEK__PARTS], cJSON *reasons);
void peek__verdict_caveats(const cJSON *measures, const cJSON *family, cJSON *caveats);

/* Puts the member `verdict` into measures.json, from what else is there:
 *
 * - score, which orders networks of one kind; accuracy, low, high: what networks of the same family with a
 * similar score had, and the interval that holds 95 % of them. Null where withheld, but for the score where it
 * is only the architecture that is another than the family's;
 *
 * - family: its name, or null; withheld: a sentence, or null; reasons and caveats: sentences;
 *
 * - parts, and by: the score from each source; calibration: what the study says of itself.
 *
 * path: of the calibration, NULL: the built-in one. Errors: those of peek__calibration_read(). */
peek_status peek__verdict_put(peek_context *context, const char *path, cJSON *measures);

#endif
