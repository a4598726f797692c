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

static const double asked_overall = 0.95, asked_group = 0.85, slack = 0.05;
enum { WORST = 3, ALL_GROUPS = -1 };

/* The judging under way. Entities are the measures, then the scores. */
typedef struct judging {
    peek_context *context;
    const peek__results *results;
    const peek__quality_table *table;
    const double *scores; /* PEEK__SOURCES x rows */
    const peek__calibration *calibration;
    peek__correlator correlator;
    int64_t *index, *stratum; /* rows, by group */
} judging;

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const double *values_of(const judging *j, int64_t entity)
{
    return entity < j->table->measures ? j->table->value + entity * j->table->rows
                                       : j->scores + (entity - j->table->measures) * j->table->rows;
}

static int is_learnt_from(const peek__study_group *group)
{
    return group->judged && group->family == 0;
}

/* The rows of a group, or of all that are learnt from. */
static peek__sampling sample(const judging *j, int64_t wanted)
{
    const peek__recipe *recipe = j->table->recipe;
    int64_t count = 0;
    for (int64_t g = 0; g < recipe->groups; g++) {
        if (wanted == ALL_GROUPS ? !is_learnt_from(&recipe->group[g]) : g != wanted) continue;
        for (int64_t row = 0; row < j->table->rows; row++)
            if (recipe->network[j->table->network[row]].group == g) {
                j->stratum[count] = g;
                j->index[count++] = row;
            }
    }
    return (peek__sampling){count, j->index, j->stratum, (uint64_t)j->results->first_seed};
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

static double rank_among(const peek__sampling *of, const double *values, int64_t row)
{
    double below = 0;
    for (int64_t i = 0; i < of->count; i++) {
        double other = values[of->index[i]];
        below += other < values[row] ? 1 : other == values[row] ? 0.5 : 0;
    }
    return below / (double)of->count;
}

static void put_worst(const judging *j, const double *values, double sign, cJSON *json)
{
    peek__sampling of = sample(j, ALL_GROUPS);
    cJSON *list = cJSON_AddArrayToObject(json, "worst");
    double last = INFINITY;
    for (int place = 0; place < WORST; place++) {
        double best = 0;
        int64_t worst = -1;
        for (int64_t i = 0; i < of.count; i++) {
            int64_t row = of.index[i];
            double looks = rank_among(&of, values, row),
                   off = (sign > 0 ? looks : 1 - looks) - rank_among(&of, j->table->accuracy, row);
            if (isnan(values[row]) || fabs(off) >= last || fabs(off) <= fabs(best)) continue;
            best = off;
            worst = row;
        }
        if (worst < 0) return;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddItemToArray(list, entry);
        cJSON_AddStringToObject(entry, "network", j->table->recipe->network[j->table->network[worst]].name);
        cJSON_AddNumberToObject(entry, "seed", (double)j->table->seed[worst]);
        peek__put_number(entry, "accuracy", j->table->accuracy[worst]);
        peek__put_number(entry, "value", values[worst]);
        peek__put_number(entry, "off", best);
        last = fabs(best);
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

/* ---- The score from everything against the best published measure */

static double rho_of(const cJSON *entity, const char *group)
{
    const cJSON *found = group ? member(member(entity, "groups"), group) : member(entity, "overall");
    const cJSON *rho = member(found, "rho");
    return cJSON_IsNumber(rho) ? rho->valuedouble : NAN;
}

/* Published measures take their sign from all groups, where that is known, as a user would. */
static void put_against(judging *j, int64_t group, const cJSON *measures, cJSON *list)
{
    const char *name = group < 0 ? NULL : j->table->recipe->group[group].name;
    const cJSON *entity;
    double best = -INFINITY, best_sign = 1;
    int64_t index = 0, which = -1;
    cJSON_ArrayForEach(entity, measures)
    {
        double sign = rho_of(entity, NULL) < 0 ? -1 : 1, rho = sign * rho_of(entity, name);
        if (cJSON_IsString(member(entity, "source")) && rho > best) {
            best = rho;
            best_sign = sign;
            which = index;
        }
        index++;
    }
    if (which < 0) return;
    peek__correlation found;
    peek__sampling of = sample(j, group);
    peek__spearman_difference(&j->correlator, &of, values_of(j, j->table->measures + PEEK__FROM_ALL),
                              values_of(j, which), best_sign, j->table->accuracy, &found);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddItemToObject(entry, "group", name ? cJSON_CreateString(name) : cJSON_CreateNull());
    cJSON_AddStringToObject(entry, "measure", peek__quality_measure_at(which)->name);
    peek__put_number(entry, "rho", best);
    cJSON_AddItemToObject(entry, "difference", correlation_document(&found));
    cJSON_AddBoolToObject(entry, "below", found.high < 0);
}

static void put_target(const cJSON *score, const char *group, double asked, cJSON *list)
{
    const cJSON *found = group ? member(member(score, "groups"), group) : member(score, "overall");
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddItemToObject(entry, "group", group ? cJSON_CreateString(group) : cJSON_CreateNull());
    cJSON_AddNumberToObject(entry, "asked", asked);
    cJSON_AddItemToObject(entry, "rho", cJSON_Duplicate(member(found, "rho"), 1));
    cJSON_AddItemToObject(entry, "low", cJSON_Duplicate(member(found, "low"), 1));
    cJSON_AddBoolToObject(entry, "met", rho_of(score, group) >= asked);
}

static void put_comparisons(judging *j, cJSON *json)
{
    const peek__recipe *recipe = j->table->recipe;
    const cJSON *measures = member(json, "measures"),
                *score = cJSON_GetArrayItem(member(json, "scores"), PEEK__FROM_ALL);
    cJSON *against = cJSON_AddArrayToObject(json, "against"),
          *targets = cJSON_AddArrayToObject(json, "targets");
    put_target(score, NULL, asked_overall, targets);
    put_against(j, ALL_GROUPS, measures, against);
    for (int64_t g = 0; g < recipe->groups; g++) {
        if (!recipe->group[g].judged) continue;
        put_target(score, recipe->group[g].name, asked_group, targets);
        put_against(j, g, measures, against);
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
        cJSON_AddBoolToObject(entry, "learnt_from", is_learnt_from(group));
        cJSON_AddNumberToObject(entry, "networks", (double)of.count);
        accuracy = cJSON_AddObjectToObject(entry, "accuracy");
        peek__put_number(accuracy, "least", least);
        peek__put_number(accuracy, "most", most);
    }
}

/* ---- The calibration */

/* The judged rows of a family. */
static int64_t rows_of_family(const judging *j, int64_t family)
{
    int64_t count = 0;
    for (int64_t row = 0; row < j->table->rows; row++) {
        const peek__study_group *group = peek__quality_group(j->table, row);
        if (group && group->judged && group->family == family) j->index[count++] = row;
    }
    return count;
}

static const cJSON *result_of(const judging *j, int64_t row)
{
    return j->results
        ->run[j->table->network[row] * j->results->seeds + j->table->seed[row] - j->results->first_seed];
}

static void put_family(const judging *j, int64_t family, cJSON *families, cJSON *coverage)
{
    int64_t count = rows_of_family(j, family), inside = 0;
    if (!count) return;
    const cJSON *predictions = member(result_of(j, j->index[0]), "predictions");
    const char *input = cJSON_GetStringValue(cJSON_GetArrayItem(member(predictions, "inputs"), 0));
    const cJSON *block = member(member(result_of(j, j->index[0]), "blocks"), input ? input : "");
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(families, entry);
    cJSON_AddStringToObject(entry, "name", j->table->recipe->family[family].name);
    cJSON_AddItemToObject(entry, "picture", cJSON_Duplicate(member(predictions, "picture"), 1));
    cJSON_AddItemToObject(entry, "classes", cJSON_Duplicate(member(predictions, "classes"), 1));
    cJSON_AddItemToObject(entry, "samples", cJSON_Duplicate(member(predictions, "samples"), 1));
    cJSON_AddNumberToObject(entry, "layers", cJSON_GetArraySize(member(predictions, "layers")));
    cJSON *rich = cJSON_AddObjectToObject(entry, "input");
    cJSON_AddItemToObject(rich, "effective_rank",
                          cJSON_Duplicate(member(member(block, "centred"), "effective_rank"), 1));
    cJSON_AddItemToObject(rich, "intrinsic_dimension",
                          cJSON_Duplicate(member(block, "intrinsic_dimension"), 1));
    cJSON *scores = cJSON_AddArrayToObject(entry, "scores"),
          *accuracies = cJSON_AddArrayToObject(entry, "accuracies");
    double *mine = j->correlator.x, *accuracy = j->correlator.y, width = 0;
    int64_t known = 0;
    for (int64_t i = 0; i < count; i++) {
        double score = j->scores[PEEK__FROM_ALL * j->table->rows + j->index[i]];
        if (isnan(score)) continue;
        mine[known] = score;
        accuracy[known++] = j->table->accuracy[j->index[i]];
        cJSON_AddItemToArray(scores, cJSON_CreateNumber(round(score * 1e4) / 1e4));
        cJSON_AddItemToArray(accuracies, cJSON_CreateNumber(j->table->accuracy[j->index[i]]));
    }
    for (int64_t i = 0; i < known; i++) {
        double interval[3];
        peek__verdict_interval(mine, accuracy, known, i, mine[i], interval);
        inside += accuracy[i] >= interval[0] && accuracy[i] <= interval[2];
        width += (interval[2] - interval[0]) / (double)known;
    }
    cJSON *covered = cJSON_CreateObject();
    cJSON_AddItemToArray(coverage, covered);
    cJSON_AddStringToObject(covered, "family", j->table->recipe->family[family].name);
    cJSON_AddNumberToObject(covered, "networks", (double)known);
    peek__put_number(covered, "inside", known ? (double)inside / (double)known : NAN);
    peek__put_number(covered, "width", width);
}

static void put_models(const judging *j, cJSON *json)
{
    cJSON *models = cJSON_AddObjectToObject(json, "models");
    for (int source = 0; source < PEEK__SOURCES; source++) {
        cJSON *model = cJSON_AddObjectToObject(models, peek__verdict_source_names[source]);
        peek__put_number(model, "constant", j->calibration->constant[source]);
        cJSON *weights = cJSON_AddObjectToObject(model, "weights");
        for (int part = 0; part < PEEK__PARTS; part++)
            if (peek__verdict_uses((peek__verdict_source)source, (peek__verdict_part)part))
                peek__put_number(weights, peek__verdict_part_names[part], j->calibration->weight[source][part]);
    }
}

/* How far the output and the structure beneath it were apart in all networks that are judged. */
static void put_contradiction(const judging *j, cJSON *json)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t row = 0; row < j->table->rows; row++) {
        const peek__study_group *group = peek__quality_group(j->table, row);
        double apart = peek__verdict_contradiction(j->calibration, j->table->part + row * PEEK__PARTS);
        if (!group || !group->judged || isnan(apart)) continue;
        least = fmin(least, apart);
        most = fmax(most, apart);
    }
    cJSON *limits = cJSON_AddObjectToObject(json, "contradiction");
    peek__put_number(limits, "least", least - slack);
    peek__put_number(limits, "most", most + slack);
}

static cJSON *make_calibration(const judging *j, cJSON *summary)
{
    cJSON *json = cJSON_CreateObject(), *study = cJSON_AddObjectToObject(json, "study");
    cJSON_AddStringToObject(study, "name", j->table->recipe->name);
    cJSON_AddNumberToObject(study, "networks", (double)j->table->rows);
    cJSON_AddNumberToObject(study, "rank", (double)j->table->recipe->ranks[0]);
    cJSON_AddStringToObject(study, "version", peek_version());
    put_models(j, json);
    put_contradiction(j, json);
    cJSON *families = cJSON_AddArrayToObject(json, "families"),
          *coverage = cJSON_AddArrayToObject(summary, "coverage");
    for (int64_t f = 0; f < j->table->recipe->families; f++) put_family(j, f, families, coverage);
    return json;
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
    int64_t most = j->table->rows;
    PEEK_TRY(peek__correlator_begin(j->context, most, 2, &j->correlator));
    PEEK_TRY(peek__alloc(j->context, &j->index, 2 * most, "a table of networks"));
    j->stratum = j->index + most;
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
    cJSON *calibration = make_calibration(j, summary);
    peek_status status = write_document(j->context, folder, "calibration.json", calibration);
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
