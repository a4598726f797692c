/* study/study.c: all runs of a study, one after another; what is done is kept. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "nnpeek/report.h"
#include "study/calibrate.h"
#include "study/quality.h"
#include "study/study_data.h"
#include "store/file.h"
#include "study/study_page.h"
#include "study/study_run.h"
#include "study/summary.h"

static const peek_option rows[] = {
    PEEK_INTEGER(peek_study_options, seeds, "seeds", 0, 0, 1000, "N",
                 "each network is trained from so many seeds; 0: as the recipe says, 5 if it does not"),
    PEEK_INTEGER(peek_study_options, samples, "samples", 0, 0, 1e9, "N",
                 "test samples to look at; 0: as the recipe says"),
    PEEK_TEXT(peek_study_options, ranks, "ranks", NULL, "SPEC",
              "numbers of components, instead of the recipe's"),
    PEEK_TEXT(peek_study_options, data, "data", NULL, "NAME",
              "a named data set instead of the recipe's; where that is not found, strokes"),
    PEEK_TEXT(peek_study_options, data_dir, "data-dir", NULL, "DIR",
              "where named data sets are looked up first"),
    PEEK_FLAG(peek_study_options, resume, "resume", 0, "keep the finished runs of an earlier call"),
    PEEK_INTEGER(peek_study_options, seed, "seed", 0, 0, 0x1p53, "N", "the first seed"),
};
PEEK_TABLE(table, "study", peek_study_options, rows);

const peek_option_table *peek_study_option_table(void)
{
    return &table;
}

void peek_study_options_default(peek_study_options *options)
{
    peek_options_default(&table, options);
}

/* A study under way. */
typedef struct study {
    peek_context *context;
    peek_study_options options;
    const char *folder;
    peek__recipe recipe;
    peek__study_data *data; /* of each family */
    char *data_names;
    peek__results results;
    cJSON *failed;
    peek_status first_failure;
    char first_sentence[1024];
} study;

/* Test samples to look at: no more than there are. */
static void choose_samples(study *s)
{
    if (s->options.samples) s->recipe.samples = s->options.samples;
    for (int64_t i = 0; i < s->recipe.families; i++) {
        int64_t count = peek_dataset_describe(s->data[i].test).count;
        if (s->recipe.samples > count || !s->recipe.samples) s->recipe.samples = count;
    }
}

/* "mnist", or "mnist and cifar10" */
static peek_status name_data(study *s)
{
    for (int64_t i = 0; i < s->recipe.families; i++) {
        char *longer = NULL;
        int64_t first = 0;
        while (strcmp(s->data[first].name, s->data[i].name) != 0) first++;
        if (first < i) continue;
        PEEK_TRY(peek__format(s->context, &longer, "%s%s%s", i ? s->data_names : "", i ? " and " : "",
                              s->data[i].name));
        peek__free(&s->data_names);
        s->data_names = longer;
    }
    s->results.data = s->data_names;
    return PEEK_OK;
}

/* folder/study.json says what the folder is for. Runs of other data are never mixed with those that are there,
 * as would happen where data are not found any more and strokes stand in for them. */
static peek_status mark_folder(study *s)
{
    char *path;
    cJSON *mark = NULL;
    PEEK_TRY(peek__format(s->context, &path, "%s/study.json", s->folder));
    peek_status status = s->options.resume ? peek__json_find(s->context, path, &mark) : PEEK_OK;
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(mark, "data"));
    if (status == PEEK_OK && data && strcmp(data, s->results.data) != 0)
        status =
            peek__fail(s->context, PEEK_E_ARGUMENT,
                       "the study in '%s' was made with %s, but now it would go on with %s: say where %s is "
                       "(--data-dir, NNPEEK_DATA), or give another folder",
                       s->folder, data, s->results.data, data);
    cJSON_Delete(mark);
    mark = cJSON_CreateObject();
    cJSON_AddStringToObject(mark, "study", s->recipe.name);
    cJSON_AddStringToObject(mark, "data", s->results.data);
    if (status == PEEK_OK) status = peek__json_write(s->context, path, mark);
    cJSON_Delete(mark);
    peek__free(&path);
    return status;
}

/* With other data than the recipe's a family is not what its name says. */
static void rename_families(study *s)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(s->recipe.json, "families"), *entry;
    int64_t place = 0;
    cJSON_ArrayForEach(entry, list)
    {
        char name[256];
        peek__study_family *family = &s->recipe.family[place++];
        snprintf(name, sizeof name, "%s on %s", family->zoo, s->options.data);
        if (cJSON_ReplaceItemInObjectCaseSensitive(entry, "name", cJSON_CreateString(name)))
            family->name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
    }
}

static peek_status begin(study *s, const char *recipe)
{
    enum { MOST_NETWORKS = 200 };
    PEEK_TRY(peek__recipe_read(s->context, recipe, &s->recipe));
    if (s->options.ranks)
        PEEK_TRY(peek_parse_ranks(s->context, s->options.ranks, s->recipe.ranks, PEEK__STUDY_RANKS,
                                  &s->recipe.rank_count));
    if (s->recipe.networks > MOST_NETWORKS)
        return peek__fail(s->context, PEEK_E_FORMAT, "the recipe %s has more than %d networks", recipe,
                          MOST_NETWORKS);
    if (!s->options.seeds) s->options.seeds = s->recipe.seeds;
    if (s->options.data) rename_families(s);
    if (s->recipe.quality) PEEK_TRY(peek__calibrate_check(s->context, &s->recipe, s->options.seeds));
    PEEK_TRY(peek__study_data_open(s->context, &s->recipe, &s->options, &s->data));
    choose_samples(s);
    PEEK_TRY(name_data(s));
    s->results.recipe = &s->recipe;
    s->results.seeds = s->options.seeds;
    s->results.first_seed = s->options.seed;
    PEEK_TRY(peek__alloc(s->context, &s->results.run, s->recipe.networks * s->options.seeds,
                         "the results of a study"));
    PEEK_TRY(peek__alloc(s->context, &s->results.kept, s->recipe.networks, "the results of a study"));
    PEEK_TRY(peek__alloc(s->context, &s->results.values, 2 * s->options.seeds, "the results of a study"));
    s->failed = cJSON_CreateArray();
    if (!s->failed) return peek__fail(s->context, PEEK_E_MEMORY, "not enough memory for a study");
    PEEK_TRY(peek__folder_make(s->context, s->folder));
    return mark_folder(s);
}

static void end(study *s)
{
    for (int64_t i = 0; s->results.run && i < s->recipe.networks * s->options.seeds; i++)
        cJSON_Delete(s->results.run[i]);
    for (int64_t n = 0; s->results.kept && n < s->recipe.networks; n++) peek__free(&s->results.kept[n]);
    peek__free(&s->results.kept);
    peek__free(&s->results.run);
    peek__free(&s->results.values);
    cJSON_Delete(s->failed);
    peek__study_data_free(&s->data, s->recipe.families);
    peek__free(&s->data_names);
    peek__recipe_free(&s->recipe);
}

/* folder/runs/NAME-DIGEST-seed-S: by name, so that a recipe may grow; with a digest of it, since different
 * names may become the same safe one. */
static peek_status name_folder(study *s, int64_t network, int64_t seed, char **out)
{
    char *safe, text[17];
    uint64_t digest = 0;
    const char *name = s->recipe.network[network].name;
    PEEK_TRY(peek__safe_name(s->context, &safe, name));
    peek__digest(&digest, name, strlen(name));
    peek__digest_text(digest, text);
    peek_status status = peek__format(s->context, out, "%s/runs/%s-%.6s-seed-%lld", s->folder, safe, text,
                                      (long long)(s->options.seed + seed));
    peek__free(&safe);
    return status;
}

/* The result of a finished run that was made from the same; NULL: there is none. */
static peek_status find_result(study *s, const peek__study_run *run, cJSON **out)
{
    char *path;
    *out = NULL;
    PEEK_TRY(peek__format(s->context, &path, "%s/result.json", run->folder));
    peek_status status = peek__json_find(s->context, path, out);
    peek__free(&path);
    if (status != PEEK_OK || !*out) {
        cJSON_Delete(*out);
        *out = NULL;
        return status == PEEK_E_FORMAT ? PEEK_OK : status; /* a damaged one is made again */
    }
    cJSON *made_from = peek__study_made_from(run);
    if (!made_from || !cJSON_Compare(made_from, cJSON_GetObjectItemCaseSensitive(*out, "made_from"), 1)) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    cJSON_Delete(made_from);
    return PEEK_OK;
}

/* What failed, told and kept; other runs go on. */
static peek_status note_failure(study *s, const peek__study_run *run, peek_status status)
{
    const char *name = s->recipe.network[run->network].name, *why = peek_error(s->context);
    cJSON *entry = cJSON_CreateObject();
    if (s->first_failure == PEEK_OK) {
        s->first_failure = status;
        snprintf(s->first_sentence, sizeof s->first_sentence, "%s", why);
    }
    cJSON_AddStringToObject(entry, "network", name);
    cJSON_AddNumberToObject(entry, "seed", (double)run->seed);
    cJSON_AddStringToObject(entry, "why", why);
    cJSON_AddItemToArray(s->failed, entry);
    peek__note(s->context, "%s, seed %lld failed: %s", name, (long long)run->seed, why);
    return PEEK_OK;
}

static void tell_time(study *s, int64_t done, int64_t made, double start)
{
    int64_t all = s->recipe.networks * s->options.seeds;
    double left = made ? (peek__seconds() - start) / (double)made * (double)(all - done) : 0;
    if (done < all)
        peek__note(s->context, "%s: %lld of %lld runs, about %.0f %s left", s->recipe.name, (long long)done,
                   (long long)all, left < 100 ? left : left / 60, left < 100 ? "seconds" : "minutes");
}

static peek_status run_one(study *s, int64_t network, int64_t seed, int *made)
{
    char *folder = NULL;
    cJSON **result = &s->results.run[network * s->options.seeds + seed];
    PEEK_TRY(name_folder(s, network, seed, &folder));
    const peek__study_data *data = &s->data[s->recipe.network[network].family];
    peek__study_run run = {.recipe = &s->recipe,
                           .network = network,
                           .seed = s->options.seed + seed,
                           .look_seed = s->options.seed,
                           .train = data->train,
                           .test = data->test,
                           .folder = folder,
                           .resume = (int)s->options.resume,
                           .keep = seed == 0 && !s->recipe.quality};
    peek_status status = s->options.resume ? find_result(s, &run, result) : PEEK_OK;
    *made = status == PEEK_OK && !*result;
    if (*made) status = peek__study_run_all(s->context, &run);
    if (status == PEEK_OK && !*made) status = peek__study_run_tidy(s->context, &run);
    if (status == PEEK_OK && *made) {
        status = find_result(s, &run, result);
        if (status == PEEK_OK && !*result)
            status =
                peek__fail(s->context, PEEK_E_IO, "the result of the run in '%s' cannot be read again", folder);
    }
    if (status != PEEK_OK && status != PEEK_E_STOPPED) status = note_failure(s, &run, status);
    peek__free(&folder);
    return status;
}

/* Seed by seed, so that what is there early has all networks. */
static peek_status run_all(study *s)
{
    double start = peek__seconds();
    int64_t done = 0, made = 0;
    for (int64_t seed = 0; seed < s->options.seeds; seed++)
        for (int64_t network = 0; network < s->recipe.networks; network++) {
            int now;
            PEEK_TRY(run_one(s, network, seed, &now));
            done++;
            made += now;
            if (now) tell_time(s, done, made, start);
        }
    if (cJSON_GetArraySize(s->failed) < done) return PEEK_OK;
    return peek__fail(s->context, s->first_failure, "all runs of the study failed, the first: %s",
                      s->first_sentence);
}

/* The first seed's runs side by side. */
static peek_status compare(study *s)
{
    int64_t count = 0, networks = s->recipe.networks;
    const char **folders;
    char *path = NULL;
    PEEK_TRY(peek__alloc(s->context, &folders, networks, "the results of a study"));
    for (int64_t n = 0; n < networks; n++)
        if (s->results.kept[n]) folders[count++] = s->results.kept[n];
    peek_status status = peek__format(s->context, &path, "%s/compare.html", s->folder);
    if (status == PEEK_OK && count) status = peek_report(s->context, folders, count, path);
    peek__free(&folders);
    peek__free(&path);
    return status;
}

static peek_status write_all(study *s)
{
    char *path = NULL;
    if (s->recipe.quality) {
        cJSON *list = s->failed;
        s->failed = NULL;
        return peek__quality_write(s->context, &s->results, list, s->folder);
    }
    for (int64_t n = 0; n < s->recipe.networks; n++)
        if (s->results.run[n * s->options.seeds]) PEEK_TRY(name_folder(s, n, 0, &s->results.kept[n]));
    cJSON *failed = s->failed;
    s->failed = NULL;
    cJSON *summary = peek__summary_make(&s->results, failed);
    peek_status status = peek__format(s->context, &path, "%s/summary.json", s->folder);
    if (status == PEEK_OK) status = peek__json_write(s->context, path, summary);
    if (status == PEEK_OK) status = peek__summary_tables(s->context, &s->results, s->folder);
    if (status == PEEK_OK) status = peek__study_page(s->context, &s->results, summary, s->folder);
    if (status == PEEK_OK) status = compare(s);
    cJSON_Delete(summary);
    peek__free(&path);
    return status;
}

peek_status peek_study(peek_context *context, const char *recipe, const char *folder,
                       const peek_study_options *options, int64_t *failed)
{
    peek_study_options standard;
    peek_study_options_default(&standard);
    if (!options) options = &standard;
    if (!recipe || !folder) return peek__fail(context, PEEK_E_ARGUMENT, "a study takes a recipe and a folder");
    PEEK_TRY(peek_options_check(context, &table, options));
    study s = {.context = context, .options = *options, .folder = folder};
    peek_status status = begin(&s, recipe);
    if (status == PEEK_OK) status = run_all(&s);
    if (failed) *failed = cJSON_GetArraySize(s.failed);
    if (status == PEEK_OK) status = write_all(&s);
    end(&s);
    return status;
}

peek_status peek_study_index_write(peek_context *context, const char *folder)
{
    enum { MOST = 16 };
    const char *names[MOST], *title;
    cJSON *summaries[MOST] = {NULL};
    int64_t count = 0;
    peek_status status = PEEK_OK;
    for (; count < MOST && peek_study_list(count, &names[count], &title); count++) {
        char *path = NULL;
        if (status == PEEK_OK)
            status = peek__format(context, &path, "%s/%s/summary.json", folder, names[count]);
        if (status == PEEK_OK) status = peek__json_find(context, path, &summaries[count]);
        peek__free(&path);
    }
    if (status == PEEK_OK) status = peek__study_index(context, folder, count, names, summaries);
    for (int64_t i = 0; i < count; i++) cJSON_Delete(summaries[i]);
    return status;
}
