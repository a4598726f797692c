/* measure/stability.c: whether the same components come back from independent random starts.
 *
 * Models of all pairs of starts are matched (measure/congruence.c). A start that all fits share (singular
 * vectors) would make them alike by itself, so starts are uniform and every seed has a sketch of its own. */
#include "base/memory.h"
#include "measure/congruence.h"
#include "measure/document.h"
#include "measure/examine.h"
#include "measure/sweep_models.h"
#include "store/file.h"

typedef struct stability_work {
    peek__examination *of;
    int64_t starts;
    peek_model **models;       /* starts x ranks */
    double *similarity, *sums; /* k */
    int64_t *match;            /* k */
} stability_work;

static const peek_model *model_at(const stability_work *work, int64_t start, int64_t i)
{
    return work->models[start * work->of->rank_count + i];
}

/* Adds the similarity of each component of a to its match in b to sums[r]. */
static peek_status add_match(stability_work *work, const peek_model *a, int64_t a_step, const peek_model *b)
{
    PEEK_TRY(peek__match_models(work->of->context, a, a_step, b, work->match, work->similarity));
    for (int64_t r = 0; r < a->rank; r++) work->sums[r] += work->similarity[r];
    return PEEK_OK;
}

static void begin_sums(stability_work *work, int64_t k)
{
    for (int64_t r = 0; r < k; r++) work->sums[r] = 0;
}

/* How far the components of the run's own model come back. */
static peek_status compare_own(stability_work *work, int64_t i, const peek_model *own, cJSON *entry)
{
    const peek_model *first = model_at(work, 0, i);
    int64_t step = work->of->step;
    if (!peek__models_alike(own, first) || (own->rows + step - 1) / step != first->rows) return PEEK_OK;
    begin_sums(work, own->rank);
    for (int64_t s = 0; s < work->starts; s++) PEEK_TRY(add_match(work, own, step, model_at(work, s, i)));
    for (int64_t r = 0; r < own->rank; r++) work->sums[r] /= (double)work->starts;
    cJSON_AddItemToObject(entry, "component_stability", peek__number_list(work->sums, own->rank));
    return PEEK_OK;
}

static peek_status judge_own(stability_work *work, int64_t i)
{
    peek__examination *of = work->of;
    cJSON *entry = peek__examined_rank(of, of->ranks[i]);
    char *path = NULL;
    peek_model *own = NULL;
    if (!entry) return PEEK_OK;
    PEEK_TRY(peek__format(of->context, &path, "%s/rank-%lld", of->fit, (long long)of->ranks[i]));
    peek_status status = peek_model_load(of->context, path, &own);
    if (status == PEEK_OK) status = compare_own(work, i, own, entry);
    peek__free(&path);
    peek_model_free(&own);
    return status;
}

static peek_status judge_rank(stability_work *work, int64_t i, cJSON *list)
{
    const peek__examination *of = work->of;
    int64_t k = of->ranks[i], pairs = 0;
    double mean = 0;
    begin_sums(work, k);
    for (int64_t a = 0; a < work->starts; a++)
        for (int64_t b = a + 1; b < work->starts; b++, pairs++)
            PEEK_TRY(add_match(work, model_at(work, a, i), 1, model_at(work, b, i)));
    for (int64_t r = 0; r < k; r++) mean += work->sums[r] / (double)(k * pairs);
    cJSON *entry = cJSON_CreateObject(), *own = peek__examined_rank(of, k);
    cJSON_AddItemToArray(list, entry);
    cJSON_AddNumberToObject(entry, "rank", (double)k);
    peek__put_number(entry, "stability", mean);
    if (own) peek__put_number(own, "stability", mean);
    return judge_own(work, i);
}

static peek_status judge(stability_work *work, cJSON *list)
{
    peek__examination *of = work->of;
    int64_t most = of->ranks[of->rank_count - 1];
    PEEK_TRY(peek__alloc(of->context, &work->similarity, most, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->sums, most, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->match, most, "similarities"));
    for (int64_t i = 0; i < of->rank_count; i++) PEEK_TRY(judge_rank(work, i, list));
    return PEEK_OK;
}

static peek_status fit_starts(stability_work *work)
{
    peek__examination *of = work->of;
    PEEK_TRY(peek__alloc(of->context, &work->models, work->starts * of->rank_count, "models"));
    for (int64_t s = 0; s < work->starts; s++) {
        peek_fit_options options;
        peek__examine_fit_options(of->options->seed + 1 + s, &options);
        PEEK_TRY(peek__sweep_models(of->context, of->problem, &options, of->rank_count, of->ranks,
                                    work->models + s * of->rank_count));
    }
    return PEEK_OK;
}

peek_status peek__examine_stability(peek__examination *of)
{
    stability_work work = {.of = of, .starts = of->options->starts};
    cJSON *out = cJSON_AddObjectToObject(of->measures, "stability");
    cJSON_AddNumberToObject(out, "starts", (double)work.starts);
    cJSON_AddNumberToObject(out, "first_seed", (double)of->options->seed + 1);
    cJSON_AddNumberToObject(out, "samples", (double)of->problem->rows);
    peek_status status = fit_starts(&work);
    if (status == PEEK_OK) status = judge(&work, cJSON_AddArrayToObject(out, "ranks"));
    peek__sweep_free(work.starts * of->rank_count, work.models);
    peek__free(&work.models);
    peek__free(&work.similarity);
    peek__free(&work.sums);
    peek__free(&work.match);
    return status;
}
