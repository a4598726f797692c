/* study/stability.c: whether the same components come back from independent random starts.
 *
 * The similarity of component r of one model and s of another is cos(f_r, f'_s) cos(w_r, w'_s), w the loadings
 * of all blocks, one below the other: Tucker's congruence, 1 for the same component whatever its scale.
 * Components are matched one to one for the largest sum. A start that all fits share (singular vectors) would
 * make this 1 by itself, so starts are uniform and every seed has a sketch of its own. Source: G. Tomasi, R.
 * Bro, Computational Statistics & Data Analysis 50(7), 2006. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "store/file.h"
#include "study/examine.h"

typedef struct stability_work {
    peek__examination *of;
    int64_t starts;
    peek_model **models;                     /* starts x ranks */
    double *samples, *loadings, *similarity; /* k x k */
    double *norms;                           /* 2 k */
    double *sums;                            /* k */
    int64_t *match;                          /* k */
} stability_work;

/* out <- out + scale A^T B.   A, B: rows x k. */
static void cross(int64_t rows, int64_t k, double scale, const float *a, const float *b, double *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t r = 0; r < k; r++) {
            double value = scale * a[i * k + r];
            if (value == 0) continue;
            for (int64_t s = 0; s < k; s++) out[r * k + s] += value * b[i * k + s];
        }
}

static void cross_samples(const peek_model *a, const peek_model *b, double *out)
{
    peek_model_info info = peek_model_describe(a);
    memset(out, 0, (size_t)(info.rank * info.rank) * sizeof *out);
    cross(info.samples, info.rank, 1, peek_model_samples(a), peek_model_samples(b), out);
}

static peek_status cross_loadings(peek_context *context, const peek_model *a, const peek_model *b, double *out)
{
    peek_model_info info = peek_model_describe(a);
    memset(out, 0, (size_t)(info.rank * info.rank) * sizeof *out);
    for (int64_t i = 0; i < info.blocks; i++) {
        peek_model_block block;
        PEEK_TRY(peek_model_block_info(context, a, i, &block));
        cross(block.columns, info.rank, block.weight, peek_model_loadings(a, i), peek_model_loadings(b, i),
              out);
    }
    return PEEK_OK;
}

/* norms[r] <- ||f_r|| ||w_r||. */
static peek_status component_norms(stability_work *work, const peek_model *model, double *norms)
{
    int64_t k = peek_model_describe(model).rank;
    cross_samples(model, model, work->samples);
    PEEK_TRY(cross_loadings(work->of->context, model, model, work->loadings));
    for (int64_t r = 0; r < k; r++) norms[r] = sqrt(work->samples[r * (k + 1)] * work->loadings[r * (k + 1)]);
    return PEEK_OK;
}

/* Matches the components of a with those of b and adds the similarity of each to sums[r]. */
static peek_status compare(stability_work *work, const peek_model *a, const peek_model *b)
{
    int64_t k = peek_model_describe(a).rank;
    double *of_a = work->norms, *of_b = work->norms + k;
    PEEK_TRY(component_norms(work, a, of_a));
    PEEK_TRY(component_norms(work, b, of_b));
    cross_samples(a, b, work->samples);
    PEEK_TRY(cross_loadings(work->of->context, a, b, work->loadings));
    for (int64_t i = 0; i < k * k; i++) {
        double norms = of_a[i / k] * of_b[i % k];
        work->similarity[i] = norms > 0 ? work->samples[i] * work->loadings[i] / norms : 0;
    }
    PEEK_TRY(peek_match(work->of->context, work->similarity, k, work->match));
    for (int64_t r = 0; r < k; r++) work->sums[r] += work->similarity[r * k + work->match[r]];
    return peek__poll(work->of->context);
}

static void begin_sums(stability_work *work, int64_t k)
{
    memset(work->sums, 0, (size_t)k * sizeof *work->sums);
}

static const peek_model *model_at(const stability_work *work, int64_t start, int64_t i)
{
    return work->models[start * work->of->rank_count + i];
}

/* How far the components of the run's own model come back. */
static peek_status compare_own(stability_work *work, int64_t i, const peek_model *own, cJSON *entry)
{
    peek_model_info a = peek_model_describe(own), b = peek_model_describe(model_at(work, 0, i));
    int64_t k = b.rank;
    if (a.samples != b.samples || a.blocks != b.blocks || a.rank != k) return PEEK_OK;
    for (int64_t n = 0; n < a.blocks; n++) {
        peek_model_block x, y;
        PEEK_TRY(peek_model_block_info(work->of->context, own, n, &x));
        PEEK_TRY(peek_model_block_info(work->of->context, model_at(work, 0, i), n, &y));
        if (x.columns != y.columns || strcmp(x.name, y.name) != 0) return PEEK_OK;
    }
    begin_sums(work, k);
    for (int64_t s = 0; s < work->starts; s++) PEEK_TRY(compare(work, own, model_at(work, s, i)));
    for (int64_t r = 0; r < k; r++) work->sums[r] /= (double)work->starts;
    cJSON_AddItemToObject(entry, "component_stability", peek__number_list(work->sums, k));
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
            PEEK_TRY(compare(work, model_at(work, a, i), model_at(work, b, i)));
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
    int64_t most = of->ranks[of->rank_count - 1], square = peek__product(most, most);
    PEEK_TRY(peek__alloc(of->context, &work->samples, square, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->loadings, square, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->similarity, square, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->norms, 2 * most, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->sums, most, "similarities"));
    PEEK_TRY(peek__alloc(of->context, &work->match, most, "similarities"));
    for (int64_t i = 0; i < of->rank_count; i++) PEEK_TRY(judge_rank(work, i, list));
    return PEEK_OK;
}

static peek_status fit_starts(stability_work *work)
{
    peek__examination *of = work->of;
    PEEK_TRY(peek__alloc(of->context, &work->models, work->starts * of->rank_count, "models"));
    for (int64_t s = 0; s < work->starts; s++)
        PEEK_TRY(
            peek__examine_sweep(of, of->problem, of->options->seed + 1 + s, work->models + s * of->rank_count));
    return PEEK_OK;
}

peek_status peek__examine_stability(peek__examination *of)
{
    stability_work work = {.of = of, .starts = of->options->starts};
    cJSON *out = cJSON_AddObjectToObject(of->measures, "stability");
    cJSON_AddNumberToObject(out, "starts", (double)work.starts);
    cJSON_AddNumberToObject(out, "first_seed", (double)of->options->seed + 1);
    peek_status status = fit_starts(&work);
    if (status == PEEK_OK) status = judge(&work, cJSON_AddArrayToObject(out, "ranks"));
    for (int64_t s = 0; work.models && s < work.starts; s++)
        peek__examine_free(of, work.models + s * of->rank_count);
    peek__free(&work.models);
    peek__free(&work.samples);
    peek__free(&work.loadings);
    peek__free(&work.similarity);
    peek__free(&work.norms);
    peek__free(&work.sums);
    peek__free(&work.match);
    return status;
}
