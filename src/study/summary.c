/* study/summary.c: what a study found. */
#include "study/summary.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/file.h"
#include "study/statement.h"

static void put_interval(cJSON *object, const peek__interval *interval)
{
    cJSON_AddNumberToObject(object, "mean", interval->mean);
    if (interval->count < 2) {
        cJSON_AddNullToObject(object, "low");
        cJSON_AddNullToObject(object, "high");
        return;
    }
    cJSON_AddNumberToObject(object, "low", interval->low);
    cJSON_AddNumberToObject(object, "high", interval->high);
}

/* How often each class is predicted, on average over the seeds. */
static cJSON *make_predicts(const peek__results *results, int64_t network)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *first = NULL;
    for (int64_t s = 0; s < results->seeds && !first; s++)
        first = cJSON_GetObjectItemCaseSensitive(results->run[network * results->seeds + s], "confusion");
    int classes = cJSON_GetArraySize(first);
    for (int c = 0; c < classes; c++) {
        double predicted = 0, all = 0;
        for (int64_t s = 0; s < results->seeds; s++) {
            const cJSON *row,
                *confusion =
                    cJSON_GetObjectItemCaseSensitive(results->run[network * results->seeds + s], "confusion");
            cJSON_ArrayForEach(row, confusion)
            {
                const cJSON *item;
                cJSON_ArrayForEach(item, row) all += item->valuedouble;
                item = cJSON_GetArrayItem(row, c);
                predicted += item ? item->valuedouble : 0;
            }
        }
        cJSON_AddItemToArray(list, cJSON_CreateNumber(all > 0 ? predicted / all : 0));
    }
    return list;
}

static cJSON *make_networks(const peek__results *results)
{
    const peek__metric accuracy = {"accuracy", -1, -1, NULL};
    cJSON *list = cJSON_CreateArray();
    for (int64_t n = 0; n < results->recipe->networks; n++) {
        const peek__study_network *network = &results->recipe->network[n];
        cJSON *entry = cJSON_CreateObject(), *found = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", network->name);
        if (network->paper_accuracy > 0)
            cJSON_AddNumberToObject(entry, "paper_accuracy", network->paper_accuracy / 100);
        else
            cJSON_AddNullToObject(entry, "paper_accuracy");
        peek__results_row(results, &accuracy, n, results->values);
        peek__interval interval = peek__interval_of(results->values, results->seeds);
        put_interval(found, &interval);
        cJSON_AddItemToObject(found, "values", cJSON_CreateDoubleArray(results->values, (int)results->seeds));
        cJSON_AddItemToObject(entry, "accuracy", found);
        cJSON_AddItemToObject(entry, "predicts", make_predicts(results, n));
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static void name_metric(cJSON *entry, const peek__recipe *recipe, const peek__metric *metric)
{
    cJSON_AddStringToObject(entry, "name", metric->name);
    if (metric->fit >= 0) cJSON_AddStringToObject(entry, "fit", recipe->fit[metric->fit].name);
    if (metric->rank >= 0) cJSON_AddNumberToObject(entry, "rank", (double)recipe->ranks[metric->rank]);
    if (metric->block) cJSON_AddStringToObject(entry, "block", metric->block);
}

static void put_metric(cJSON *list, const peek__results *results, peek__metric metric)
{
    cJSON *entry = cJSON_CreateObject(), *networks;
    name_metric(entry, results->recipe, &metric);
    networks = cJSON_AddArrayToObject(entry, "networks");
    for (int64_t n = 0; n < results->recipe->networks; n++) {
        cJSON *found = cJSON_CreateObject();
        peek__results_row(results, &metric, n, results->values);
        peek__interval interval = peek__interval_of(results->values, results->seeds);
        put_interval(found, &interval);
        cJSON_AddItemToArray(networks, found);
    }
    cJSON_AddItemToArray(list, entry);
}

static cJSON *make_metrics(const peek__results *results)
{
    static const char *const of_blocks[] = {"norm", "effective_rank", "unused"};
    const char *block;
    cJSON *list = cJSON_CreateArray();
    for (int64_t f = 0; f < results->recipe->fits; f++)
        for (int64_t r = 0; r < results->recipe->rank_count; r++) {
            put_metric(list, results, (peek__metric){"rmse", f, r, NULL});
            put_metric(list, results, (peek__metric){"relative_error", f, r, NULL});
            for (int64_t b = 0; (block = peek__results_block(results, b)); b++)
                put_metric(list, results, (peek__metric){"relative_error", f, r, block});
        }
    for (int64_t b = 0; (block = peek__results_block(results, b)); b++)
        for (size_t m = 0; m < sizeof of_blocks / sizeof *of_blocks; m++)
            put_metric(list, results, (peek__metric){of_blocks[m], -1, -1, block});
    return list;
}

/* "at ranks 10, 20" of those with this outcome; empty where there are none. */
static void list_ranks(const peek__recipe *recipe, const int *outcomes, int outcome, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int64_t r = 0; r < recipe->rank_count && used < size; r++)
        if (outcomes[r] == outcome)
            used += (size_t)snprintf(out + used, size - used, "%s%lld", used ? ", " : "",
                                     (long long)recipe->ranks[r]);
}

static void put_verdict(cJSON *claim, const peek__recipe *recipe, const int *outcomes, int64_t count)
{
    char holds[256], against[256], open[256], verdict[1024] = "";
    int64_t good = 0, bad = 0;
    for (int64_t i = 0; i < count; i++) {
        good += outcomes[i] > 0;
        bad += outcomes[i] < 0;
    }
    if (recipe->networks < 2)
        snprintf(verdict, sizeof verdict, "nothing to compare");
    else if (good == count)
        snprintf(verdict, sizeof verdict, count > 1 ? "holds at every rank" : "holds");
    else if (bad == count)
        snprintf(verdict, sizeof verdict, count > 1 ? "does not hold at any rank" : "does not hold");
    else if (!good && !bad)
        snprintf(verdict, sizeof verdict, "not decided by these runs");
    else {
        list_ranks(recipe, outcomes, 1, holds, sizeof holds);
        list_ranks(recipe, outcomes, -1, against, sizeof against);
        list_ranks(recipe, outcomes, 0, open, sizeof open);
        snprintf(verdict, sizeof verdict, "%s%s%s%s%s%s%s%s", *holds ? "holds at rank " : "", holds,
                 *holds && (*against || *open) ? "; " : "", *against ? "does not hold at rank " : "", against,
                 *against && *open ? "; " : "", *open ? "not decided at rank " : "", open);
    }
    cJSON_AddStringToObject(claim, "verdict", verdict);
}

/* That a number is lower the poorer the training. */
static void put_claim(cJSON *list, const peek__results *results, const char *about, peek__metric metric)
{
    const peek__recipe *recipe = results->recipe;
    int outcomes[PEEK__STUDY_RANKS], pairs[256];
    int64_t count = metric.fit >= 0 ? recipe->rank_count : 1;
    cJSON *claim = cJSON_CreateObject(), *ranks;
    cJSON_AddStringToObject(claim, "about", about);
    metric.rank = -1;
    name_metric(claim, recipe, &metric);
    ranks = cJSON_AddArrayToObject(claim, "ranks");
    for (int64_t r = 0; r < count; r++) {
        cJSON *entry = cJSON_CreateObject();
        metric.rank = metric.fit >= 0 ? r : -1;
        outcomes[r] = peek__results_rises(results, &metric, pairs);
        if (metric.fit >= 0) cJSON_AddNumberToObject(entry, "rank", (double)recipe->ranks[r]);
        cJSON_AddItemToObject(entry, "pairs", cJSON_CreateIntArray(pairs, (int)recipe->networks - 1));
        cJSON_AddNumberToObject(entry, "holds", outcomes[r]);
        cJSON_AddItemToArray(ranks, entry);
    }
    put_verdict(claim, recipe, outcomes, count);
    cJSON_AddItemToArray(list, claim);
}

static cJSON *make_claims(const peek__results *results)
{
    cJSON *list = cJSON_CreateArray();
    const char *block;
    char about[512];
    for (int64_t f = 0; f < results->recipe->fits; f++) {
        snprintf(about, sizeof about, "the poorer the training, the lower the RMSE (%s)",
                 results->recipe->fit[f].name);
        put_claim(list, results, about, (peek__metric){"rmse", f, -1, NULL});
    }
    for (int64_t f = 0; f < results->recipe->fits; f++) {
        snprintf(about, sizeof about, "the same without scale: the lower the relative error (%s)",
                 results->recipe->fit[f].name);
        put_claim(list, results, about, (peek__metric){"relative_error", f, -1, NULL});
    }
    for (int64_t b = 0; (block = peek__results_block(results, b)); b++) {
        snprintf(about, sizeof about, "the lower the relative error of %s (%s)", block,
                 results->recipe->fit[0].name);
        put_claim(list, results, about, (peek__metric){"relative_error", 0, -1, block});
    }
    for (int64_t b = 0; (block = peek__results_block(results, b)); b++) {
        if (strncmp(block, "input", 5) == 0) continue; /* the same for all */
        snprintf(about, sizeof about,
                 "the faster the singular values of %s decay: the lower their effective rank", block);
        put_claim(list, results, about, (peek__metric){"effective_rank", -1, -1, block});
    }
    for (int64_t b = 0; (block = peek__results_block(results, b)); b++) {
        if (strncmp(block, "input", 5) == 0) continue;
        snprintf(about, sizeof about, "beside it: the smaller the norm of %s, which raw errors follow", block);
        put_claim(list, results, about, (peek__metric){"norm", -1, -1, block});
    }
    return list;
}

cJSON *peek__summary_make(const peek__results *results, cJSON *failed)
{
    const peek__recipe *recipe = results->recipe;
    cJSON *json = cJSON_CreateObject(), *ranks;
    cJSON_AddStringToObject(json, "name", recipe->name);
    cJSON_AddStringToObject(json, "title", recipe->title);
    cJSON_AddStringToObject(json, "about", recipe->about);
    cJSON_AddStringToObject(json, "data", results->data);
    cJSON_AddNumberToObject(json, "samples", (double)recipe->samples);
    ranks = cJSON_AddArrayToObject(json, "ranks");
    for (int64_t r = 0; r < recipe->rank_count; r++)
        cJSON_AddItemToArray(ranks, cJSON_CreateNumber((double)recipe->ranks[r]));
    cJSON_AddNumberToObject(json, "seeds", (double)results->seeds);
    cJSON_AddItemToObject(json, "networks", make_networks(results));
    cJSON_AddItemToObject(json, "claims", make_claims(results));
    peek__statements_judge(results, json);
    cJSON_AddItemToObject(json, "metrics", make_metrics(results));
    cJSON_AddItemToObject(json, "failed", failed);
    cJSON_AddStringToObject(json, "version", peek_version());
    return json;
}

/* A CSV under way. */
typedef struct table {
    peek_context *context;
    const peek__results *results;
    peek__file file;
} table;

static peek_status put_line(table *t, const char *format, ...) PEEK_PRINTF(2, 3);
static peek_status put_line(table *t, const char *format, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return peek__file_write(t->context, &t->file, line,
                            (size_t)(length < (int)sizeof line ? length : (int)sizeof line - 1));
}

static peek_status put_errors(table *t, int64_t n, int64_t s)
{
    const peek__recipe *recipe = t->results->recipe;
    for (int64_t f = 0; f < recipe->fits; f++)
        for (int64_t r = 0; r < recipe->rank_count; r++) {
            const char *block = NULL;
            for (int64_t b = -1; b < 0 || (block = peek__results_block(t->results, b)); b++) {
                peek__metric rmse = {"rmse", f, r, block}, relative = {"relative_error", f, r, block};
                double *values = t->results->values;
                peek__results_row(t->results, &rmse, n, values);
                peek__results_row(t->results, &relative, n, values + t->results->seeds);
                PEEK_TRY(put_line(t, "\"%s\",%lld,\"%s\",%lld,\"%s\",%.9g,%.9g\n", recipe->network[n].name,
                                  (long long)(t->results->first_seed + s), recipe->fit[f].name,
                                  (long long)recipe->ranks[r], block ? block : "all", values[s],
                                  values[t->results->seeds + s]));
            }
        }
    return PEEK_OK;
}

static peek_status put_spectra(table *t, int64_t n, int64_t s)
{
    const cJSON *block, *item;
    cJSON_ArrayForEach(block,
                       cJSON_GetObjectItemCaseSensitive(t->results->run[n * t->results->seeds + s], "blocks"))
    {
        int64_t number = 0;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(block, "singular_values")) PEEK_TRY(put_line(
            t, "\"%s\",%lld,\"%s\",%lld,%.9g\n", t->results->recipe->network[n].name,
            (long long)(t->results->first_seed + s), block->string, (long long)++number, item->valuedouble));
    }
    return PEEK_OK;
}

static peek_status put_accuracy(table *t, int64_t n, int64_t s)
{
    const cJSON *accuracy =
        cJSON_GetObjectItemCaseSensitive(t->results->run[n * t->results->seeds + s], "accuracy");
    return put_line(t, "\"%s\",%lld,%.9g\n", t->results->recipe->network[n].name,
                    (long long)(t->results->first_seed + s), accuracy ? accuracy->valuedouble : NAN);
}

static peek_status write_table(peek_context *context, const peek__results *results, const char *folder,
                               const char *name, const char *head,
                               peek_status (*put)(table *, int64_t, int64_t))
{
    table t = {.context = context, .results = results};
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__file_begin(context, &t.file, path);
    if (status == PEEK_OK) status = put_line(&t, "%s\n", head);
    for (int64_t n = 0; n < results->recipe->networks; n++)
        for (int64_t s = 0; status == PEEK_OK && s < results->seeds; s++)
            if (results->run[n * results->seeds + s]) status = put(&t, n, s);
    if (status == PEEK_OK) status = peek__file_commit(context, &t.file);
    peek__file_abort(&t.file);
    peek__free(&path);
    return status;
}

peek_status peek__summary_tables(peek_context *context, const peek__results *results, const char *folder)
{
    PEEK_TRY(write_table(context, results, folder, "accuracy.csv", "network,seed,test accuracy", put_accuracy));
    PEEK_TRY(write_table(context, results, folder, "errors.csv",
                         "network,seed,fit,rank,block,RMSE,relative error", put_errors));
    return write_table(context, results, folder, "singular-values.csv",
                       "network,seed,block,number,singular value", put_spectra);
}
