/* study/quality.c: how well a network's accuracy can be told without labels: correlations, targets,
 * calibration. */
#include "study/quality.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "store/file.h"
#include "study/calibrate.h"
#include "study/rank_correlation.h"

static const double asked_overall = 0.95, asked_group = 0.85;
enum { WORST = 3, ALL_GROUPS = -1, JUDGED_LEAST = 12 };

/* The judging under way. Entities are the measures, then the scores. */
typedef struct judging {
    peek_context *context;
    const peek__results *results;
    const peek__quality_table *table;
    const double *scores; /* PEEK__SOURCES x rows */
    const peek__calibration *calibration;
    peek__correlator correlator;
    int64_t *index, *stratum, *cluster; /* rows, by group and network */
} judging;

static const double *values_of(const judging *j, int64_t entity)
{
    return entity < j->table->measures ? j->table->value + entity * j->table->rows
                                       : j->scores + (entity - j->table->measures) * j->table->rows;
}

/* The rows of a group, or of all that are learnt from. */
static peek__sampling sample(const judging *j, int64_t wanted)
{
    const peek__recipe *recipe = j->table->recipe;
    int64_t count = 0;
    for (int64_t g = 0; g < recipe->groups; g++) {
        if (wanted == ALL_GROUPS ? !peek__is_learnt_from(&recipe->group[g]) : g != wanted) continue;
        for (int64_t row = 0; row < j->table->rows; row++)
            if (recipe->network[j->table->network[row]].group == g) {
                j->stratum[count] = g;
                j->cluster[count] = j->table->network[row];
                j->index[count++] = row;
            }
    }
    return (peek__sampling){count, j->index, j->stratum, j->cluster, (uint64_t)j->results->first_seed};
}

static cJSON *correlation_document(const peek__correlation *found)
{
    cJSON *json = cJSON_CreateObject();
    peek__put_number(json, "rho", found->rho);
    peek__put_number(json, "low", found->low);
    peek__put_number(json, "high", found->high);
    cJSON_AddNumberToObject(json, "networks", (double)found->count);
    return json;
}

/* ---- The worst cases */

/* The share of the known rows that lie below this one, half of those that are equal. */
static double rank_among(const peek__sampling *of, const double *known, const double *values, int64_t row)
{
    double below = 0, count = 0;
    for (int64_t i = 0; i < of->count; i++) {
        double other = values[of->index[i]];
        if (isnan(known[of->index[i]])) continue;
        below += other < values[row] ? 1 : other == values[row] ? 0.5 : 0;
        count++;
    }
    return below / count;
}

/* How much better a network looks by a measure than it is, in ranks; NAN where the measure has no value. */
static double rank_off(const judging *j, const peek__sampling *of, const double *values, double sign,
                       int64_t row)
{
    if (isnan(values[row])) return NAN;
    double looks = rank_among(of, values, values, row);
    return (sign > 0 ? looks : 1 - looks) - rank_among(of, values, j->table->accuracy, row);
}

static void put_worst(const judging *j, const double *values, double sign, cJSON *json)
{
    peek__sampling of = sample(j, ALL_GROUPS);
    cJSON *list = cJSON_AddArrayToObject(json, "worst");
    int64_t taken[WORST];
    for (int place = 0; place < WORST; place++) {
        double best = 0;
        int64_t worst = -1;
        for (int64_t i = 0; i < of.count; i++) {
            double off = rank_off(j, &of, values, sign, of.index[i]);
            int again = 0;
            for (int before = 0; before < place; before++) again |= taken[before] == of.index[i];
            if (again || !(fabs(off) > fabs(best))) continue;
            best = off;
            worst = of.index[i];
        }
        if (worst < 0) return;
        taken[place] = worst;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddItemToArray(list, entry);
        cJSON_AddStringToObject(entry, "network", j->table->recipe->network[j->table->network[worst]].name);
        cJSON_AddNumberToObject(entry, "seed", (double)j->table->seed[worst]);
        peek__put_number(entry, "accuracy", j->table->accuracy[worst]);
        peek__put_number(entry, "value", values[worst]);
        peek__put_number(entry, "off", best);
    }
}

/* ---- Correlations of one measure or score */

static void put_entity(judging *j, int64_t entity, cJSON *json)
{
    const peek__recipe *recipe = j->table->recipe;
    const double *x = values_of(j, entity), *given[] = {j->table->first, j->table->last};
    peek__correlation found;
    peek__sampling of = sample(j, ALL_GROUPS);
    peek__spearman(&j->correlator, &of, x, j->table->accuracy, &found);
    cJSON_AddItemToObject(json, "overall", correlation_document(&found));
    double sign = found.rho < 0 ? -1 : 1;
    peek__spearman_given(&j->correlator, &of, x, j->table->accuracy, 2, given, &found);
    cJSON_AddItemToObject(json, "given_norms", correlation_document(&found));
    cJSON *groups = cJSON_AddObjectToObject(json, "groups");
    for (int64_t g = 0; g < recipe->groups; g++) {
        of = sample(j, g);
        peek__spearman(&j->correlator, &of, x, j->table->accuracy, &found);
        cJSON_AddItemToObject(groups, recipe->group[g].name, correlation_document(&found));
    }
    put_worst(j, x, sign, json);
}

static peek_status put_entities(judging *j, cJSON *json)
{
    static const char *const views[] = {"output", "activations", "factorisation", "input"};
    cJSON *measures = cJSON_AddArrayToObject(json, "measures"),
          *scores = cJSON_AddArrayToObject(json, "scores");
    peek__stage(j->context, "study", "judging", j->table->measures + PEEK__SOURCES);
    for (int64_t i = 0; i < j->table->measures + PEEK__SOURCES; i++) {
        const peek__quality_measure *measure = peek__quality_measure_at(i);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddItemToArray(measure ? measures : scores, entry);
        cJSON_AddStringToObject(entry, "name",
                                measure ? measure->name : peek__verdict_source_names[i - j->table->measures]);
        if (measure) {
            cJSON_AddStringToObject(entry, "view", views[measure->view]);
            cJSON_AddItemToObject(entry, "source",
                                  measure->source ? cJSON_CreateString(measure->source) : cJSON_CreateNull());
        }
        put_entity(j, i, entry);
        PEEK_TRY(peek__step(j->context, i + 1));
    }
    return PEEK_OK;
}

/* ---- The score from everything against others */

static double rho_of(const cJSON *entity, const char *group)
{
    const cJSON *found = group ? peek__json_member(peek__json_member(entity, "groups"), group)
                               : peek__json_member(entity, "overall");
    const cJSON *rho = peek__json_member(found, "rho");
    return cJSON_IsNumber(rho) ? rho->valuedouble : NAN;
}

static const char *name_of(const judging *j, int64_t group)
{
    return group < 0 ? NULL : j->table->recipe->group[group].name;
}

/* What the score has more than an entity in one sample; `below`: the whole interval is below 0, null where that
 * cannot be said. */
static void put_difference(judging *j, int64_t group, int64_t entity, double sign, cJSON *entry)
{
    peek__correlation found;
    peek__sampling of = sample(j, group);
    peek__spearman_difference(&j->correlator, &of, values_of(j, j->table->measures + PEEK__FROM_ALL),
                              values_of(j, entity), sign, j->table->accuracy, &found);
    cJSON_AddItemToObject(entry, "difference", correlation_document(&found));
    cJSON_AddItemToObject(entry, "below",
                          isnan(found.high) ? cJSON_CreateNull() : cJSON_CreateBool(found.high < 0));
}

static int is_known_to_all(const judging *j, const peek__sampling *of, int64_t entity)
{
    for (int64_t i = 0; i < of->count; i++)
        if (isnan(values_of(j, entity)[of->index[i]])) return 0;
    return 1;
}

/* The published measure that does best in a sample among those that have a value for all its networks. Its sign
 * comes from all groups, where that is known, as a user would take it. */
static void put_against(judging *j, int64_t group, const cJSON *measures, cJSON *list)
{
    const char *name = name_of(j, group);
    const cJSON *entity;
    double best = -INFINITY, best_sign = 1;
    int64_t index = -1, which = -1;
    peek__sampling of = sample(j, group);
    cJSON_ArrayForEach(entity, measures)
    {
        double sign = rho_of(entity, NULL) < 0 ? -1 : 1, rho = sign * rho_of(entity, name);
        index++;
        if (!cJSON_IsString(peek__json_member(entity, "source")) || !(rho > best) ||
            !is_known_to_all(j, &of, index))
            continue;
        best = rho;
        best_sign = sign;
        which = index;
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddItemToObject(entry, "group", name ? cJSON_CreateString(name) : cJSON_CreateNull());
    cJSON_AddItemToObject(entry, "measure",
                          which < 0 ? cJSON_CreateNull()
                                    : cJSON_CreateString(peek__quality_measure_at(which)->name));
    peek__put_number(entry, "rho", which < 0 ? NAN : best);
    if (which >= 0) put_difference(j, group, which, best_sign, entry);
}

/* What the score from everything has more than the one from each source. */
static void put_adds(judging *j, int64_t group, cJSON *list)
{
    const char *name = name_of(j, group);
    for (int source = 0; source < PEEK__SOURCES; source++) {
        if (source == PEEK__FROM_ALL) continue;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddItemToArray(list, entry);
        cJSON_AddItemToObject(entry, "group", name ? cJSON_CreateString(name) : cJSON_CreateNull());
        cJSON_AddStringToObject(entry, "than", peek__verdict_source_names[source]);
        put_difference(j, group, j->table->measures + source, 1, entry);
    }
}

/* Met: as high as asked, of enough networks, and nowhere significantly below the best published measure; null
 * where there are too few to say. */
static void put_target(const cJSON *score, const char *group, double asked, const cJSON *against, cJSON *list)
{
    const cJSON *found = group ? peek__json_member(peek__json_member(score, "groups"), group)
                               : peek__json_member(score, "overall");
    double networks = cJSON_GetNumberValue(peek__json_member(found, "networks"));
    int met = rho_of(score, group) >= asked && !cJSON_IsTrue(peek__json_member(against, "below"));
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddItemToObject(entry, "group", group ? cJSON_CreateString(group) : cJSON_CreateNull());
    cJSON_AddNumberToObject(entry, "asked", asked);
    cJSON_AddNumberToObject(entry, "networks", networks);
    cJSON_AddItemToObject(entry, "rho", cJSON_Duplicate(peek__json_member(found, "rho"), 1));
    cJSON_AddItemToObject(entry, "low", cJSON_Duplicate(peek__json_member(found, "low"), 1));
    cJSON_AddItemToObject(entry, "met", networks < JUDGED_LEAST ? cJSON_CreateNull() : cJSON_CreateBool(met));
}

static void put_comparisons(judging *j, cJSON *json)
{
    const peek__recipe *recipe = j->table->recipe;
    const cJSON *measures = peek__json_member(json, "measures"),
                *score = cJSON_GetArrayItem(peek__json_member(json, "scores"), PEEK__FROM_ALL);
    cJSON *against = cJSON_AddArrayToObject(json, "against"), *adds = cJSON_AddArrayToObject(json, "adds"),
          *targets = cJSON_AddArrayToObject(json, "targets");
    for (int64_t g = ALL_GROUPS; g < recipe->groups; g++) {
        if (g >= 0 && !recipe->group[g].judged) continue;
        put_against(j, g, measures, against);
        put_adds(j, g, adds);
        put_target(score, name_of(j, g), g < 0 ? asked_overall : asked_group,
                   cJSON_GetArrayItem(against, cJSON_GetArraySize(against) - 1), targets);
    }
}

/* ---- Groups */

static void put_groups(judging *j, cJSON *json)
{
    const peek__recipe *recipe = j->table->recipe;
    cJSON *list = cJSON_AddArrayToObject(json, "groups");
    for (int64_t g = 0; g < recipe->groups; g++) {
        const peek__study_group *group = &recipe->group[g];
        peek__sampling of = sample(j, g);
        double least = NAN, most = NAN;
        for (int64_t i = 0; i < of.count; i++) {
            least = fmin(least, j->table->accuracy[of.index[i]]);
            most = fmax(most, j->table->accuracy[of.index[i]]);
        }
        cJSON *entry = cJSON_CreateObject(), *accuracy;
        cJSON_AddItemToArray(list, entry);
        cJSON_AddStringToObject(entry, "name", group->name);
        cJSON_AddStringToObject(entry, "family", recipe->family[group->family].name);
        cJSON_AddBoolToObject(entry, "judged", group->judged);
        cJSON_AddBoolToObject(entry, "learnt_from", peek__is_learnt_from(group));
        cJSON_AddNumberToObject(entry, "networks", (double)of.count);
        accuracy = cJSON_AddObjectToObject(entry, "accuracy");
        peek__put_number(accuracy, "least", least);
        peek__put_number(accuracy, "most", most);
    }
}

static void put_head(const judging *j, cJSON *json)
{
    const peek__recipe *recipe = j->table->recipe;
    cJSON_AddStringToObject(json, "name", recipe->name);
    cJSON_AddStringToObject(json, "title", recipe->title);
    cJSON_AddStringToObject(json, "about", recipe->about);
    cJSON_AddStringToObject(json, "kind", "quality");
    cJSON_AddStringToObject(json, "data", j->results->data);
    cJSON_AddNumberToObject(json, "samples", (double)recipe->samples);
    cJSON_AddNumberToObject(json, "rank", (double)recipe->ranks[0]);
    cJSON_AddNumberToObject(json, "seeds", (double)j->results->seeds);
    cJSON_AddStringToObject(json, "version", peek_version());
}

static peek_status judge(judging *j, cJSON *json)
{
    int64_t most = j->table->recipe->networks * j->results->seeds;
    PEEK_TRY(peek__correlator_begin(j->context, most, 2, &j->correlator));
    PEEK_TRY(peek__alloc(j->context, &j->index, 3 * most, "a table of networks"));
    j->stratum = j->index + most;
    j->cluster = j->stratum + most;
    put_head(j, json);
    put_groups(j, json);
    PEEK_TRY(put_entities(j, json));
    put_comparisons(j, json);
    return PEEK_OK;
}

static peek_status write_document(peek_context *context, const char *folder, const char *name,
                                  const cJSON *json)
{
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__json_write(context, path, json);
    peek__free(&path);
    return status;
}

static peek_status write_all(judging *j, const char *folder, cJSON *summary)
{
    PEEK_TRY(judge(j, summary));
    cJSON *calibration = NULL;
    peek_status status = peek__quality_calibration(j->context, j->results, j->table, j->scores, j->calibration,
                                                   summary, &calibration);
    if (status == PEEK_OK) status = write_document(j->context, folder, "calibration.json", calibration);
    cJSON_Delete(calibration);
    if (status == PEEK_OK) status = write_document(j->context, folder, "summary.json", summary);
    if (status == PEEK_OK) status = peek__quality_csv(j->context, j->table, j->scores, folder);
    if (status == PEEK_OK) status = peek__quality_page(j->context, j->table, j->scores, summary, folder);
    return status;
}

peek_status peek__quality_write(peek_context *context, const peek__results *results, cJSON *failed,
                                const char *folder)
{
    peek__quality_table table = {0};
    peek__calibration calibration = {0};
    double *scores = NULL;
    cJSON *summary = cJSON_CreateObject();
    peek_status status = peek__quality_table_make(context, results, &table);
    if (status == PEEK_OK) status = peek__alloc(context, &scores, PEEK__SOURCES * table.rows, "scores");
    if (status == PEEK_OK) status = peek__calibrate_apart(context, &table, scores, &calibration);
    judging j = {
        .context = context, .results = results, .table = &table, .scores = scores, .calibration = &calibration};
    cJSON_AddItemToObject(summary, "failed", failed);
    if (status == PEEK_OK) status = write_all(&j, folder, summary);
    peek__correlator_clear(&j.correlator);
    peek__free(&j.index);
    cJSON_Delete(summary);
    peek__free(&scores);
    peek__quality_table_clear(&table);
    return status;
}
