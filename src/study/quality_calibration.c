/* study/quality_calibration.c: what a study of quality leaves to judge other networks by. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "measure/document.h"
#include "study/calibrate.h"
#include "study/quality.h"
#include "store/file.h"

static const double slack = 0.05; /* beyond the differences seen between what the output and other parts say */

typedef struct making {
    peek_context *context;
    const peek__results *results;
    const peek__quality_table *table;
    const double *scores; /* PEEK__SOURCES x rows */
    const peek__calibration *calibration;
    double *score, *accuracy, *excess; /* of the networks of a family */
    int64_t *way, *row;
} making;

static int is_judged(const peek__study_group *group, int64_t family)
{
    return group && group->judged && group->family == family;
}

/* The judged networks of a family. The way of each is its group, or its setting where there is one group only.
 */
static int64_t take_family(making *m, int64_t family)
{
    const peek__recipe *recipe = m->table->recipe;
    int64_t count = 0, groups = 0;
    for (int64_t g = 0; g < recipe->groups; g++) groups += is_judged(&recipe->group[g], family);
    for (int64_t row = 0; row < m->table->rows; row++) {
        int64_t network = m->table->network[row];
        double score = m->scores[PEEK__FROM_ALL * m->table->rows + row];
        if (!is_judged(peek__quality_group(m->table, row), family) || isnan(score)) continue;
        m->row[count] = row;
        m->score[count] = score;
        m->accuracy[count] = m->table->accuracy[row];
        m->way[count++] = groups > 1 ? recipe->network[network].group : network;
    }
    return count;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The factor by which intervals must be wider for 95 % of the networks to lie in those made without their way;
 * `skip`: a way whose networks are left out, or -1. */
static double widening_of(making *m, const peek__scored *known, int64_t skip)
{
    int64_t count = 0;
    for (int64_t i = 0; i < known->count; i++) {
        double interval[3];
        if (known->way[i] == skip) continue;
        peek__verdict_interval(known, known->way[i], known->score[i], interval);
        double excess = peek__verdict_excess(interval, known->accuracy[i]);
        if (!isnan(excess)) m->excess[count++] = excess;
    }
    if (!count) return 1;
    qsort(m->excess, (size_t)count, sizeof *m->excess, rising);
    int64_t place = (int64_t)ceil(0.95 * (double)(count + 1)) - 1;
    return fmax(1, m->excess[place < count ? place : count - 1]);
}

/* How many networks lie in intervals made without their way: as they come, and widened by what the other ways
 * ask for, so that neither score nor interval nor widening has seen the way. */
static void put_coverage(making *m, peek__scored *known, const char *family, cJSON *coverage)
{
    double plain = 0, widened = 0, width = 0, all = widening_of(m, known, -1);
    for (int64_t i = 0; i < known->count; i++) {
        double interval[3], excess;
        peek__verdict_interval(known, known->way[i], known->score[i], interval);
        excess = peek__verdict_excess(interval, known->accuracy[i]);
        plain += excess <= 1;
        widened += excess <= widening_of(m, known, known->way[i]);
        width += all * (fmin(1, interval[2]) - fmax(0, interval[0])) / (double)known->count;
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(coverage, entry);
    cJSON_AddStringToObject(entry, "family", family);
    cJSON_AddNumberToObject(entry, "networks", (double)known->count);
    peek__put_number(entry, "inside_unwidened", plain / (double)known->count);
    peek__put_number(entry, "inside", widened / (double)known->count);
    peek__put_number(entry, "widening", all);
    peek__put_number(entry, "width", width);
    known->widening = all;
}

static void put_networks(const peek__scored *known, cJSON *entry)
{
    cJSON *scores = cJSON_AddArrayToObject(entry, "scores"),
          *accuracies = cJSON_AddArrayToObject(entry, "accuracies");
    for (int64_t i = 0; i < known->count; i++) {
        cJSON_AddItemToArray(scores, cJSON_CreateNumber(round(known->score[i] * 1e4) / 1e4));
        cJSON_AddItemToArray(accuracies, cJSON_CreateNumber(known->accuracy[i]));
    }
    peek__put_number(entry, "widening", known->widening);
}

static void put_family(making *m, int64_t family, cJSON *families, cJSON *coverage)
{
    static const char *const copied[] = {"picture", "mean_picture", "classes", "samples"};
    const char *name = m->table->recipe->family[family].name;
    peek__scored known = {take_family(m, family), m->score, m->accuracy, m->way, 1};
    if (!known.count) return;
    const cJSON *result = m->results->run[m->table->network[m->row[0]] * m->results->seeds +
                                          m->table->seed[m->row[0]] - m->results->first_seed];
    const cJSON *predictions = peek__json_member(result, "predictions");
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(families, entry);
    cJSON_AddStringToObject(entry, "name", name);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const cJSON *item = peek__json_member(predictions, copied[i]);
        cJSON_AddItemToObject(entry, copied[i], item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
    }
    peek__layer_columns(result, cJSON_AddArrayToObject(entry, "layer_columns"));
    const char *input = cJSON_GetStringValue(cJSON_GetArrayItem(peek__json_member(predictions, "inputs"), 0));
    const cJSON *block = peek__json_member(peek__json_member(result, "blocks"), input ? input : "");
    cJSON *rich = cJSON_AddObjectToObject(entry, "input");
    peek__put_number(
        rich, "effective_rank",
        cJSON_GetNumberValue(peek__json_member(peek__json_member(block, "centred"), "effective_rank")));
    peek__put_number(rich, "intrinsic_dimension",
                     cJSON_GetNumberValue(peek__json_member(block, "intrinsic_dimension")));
    put_coverage(m, &known, name, coverage);
    put_networks(&known, entry);
}

static void put_models(const making *m, cJSON *json)
{
    cJSON *models = cJSON_AddObjectToObject(json, "models");
    for (int source = 0; source < PEEK__SOURCES; source++) {
        cJSON *model = cJSON_AddObjectToObject(models, peek__verdict_source_names[source]);
        peek__put_number(model, "constant", m->calibration->constant[source]);
        cJSON *weights = cJSON_AddObjectToObject(model, "weights");
        for (int part = 0; part < PEEK__PARTS; part++)
            if (peek__verdict_uses((peek__verdict_source)source, (peek__verdict_part)part))
                peek__put_number(weights, peek__verdict_part_names[part], m->calibration->weight[source][part]);
    }
}

/* How far the output and the structure beneath it were apart in all networks that are judged. */
static void put_contradiction(const making *m, cJSON *json)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t row = 0; row < m->table->rows; row++) {
        const peek__study_group *group = peek__quality_group(m->table, row);
        double apart = peek__verdict_contradiction(m->calibration, m->table->part + row * PEEK__PARTS);
        if (!group || !group->judged || isnan(apart)) continue;
        least = fmin(least, apart);
        most = fmax(most, apart);
    }
    cJSON *limits = cJSON_AddObjectToObject(json, "contradiction");
    peek__put_number(limits, "least", least - slack);
    peek__put_number(limits, "most", most + slack);
}

static cJSON *make(making *m, cJSON *summary)
{
    cJSON *json = cJSON_CreateObject(), *study = cJSON_AddObjectToObject(json, "study");
    cJSON_AddStringToObject(study, "name", m->table->recipe->name);
    cJSON_AddNumberToObject(study, "networks", (double)m->table->rows);
    cJSON_AddNumberToObject(study, "rank", (double)m->table->recipe->ranks[0]);
    cJSON_AddStringToObject(study, "version", peek_version());
    put_models(m, json);
    put_contradiction(m, json);
    cJSON *families = cJSON_AddArrayToObject(json, "families"),
          *coverage = cJSON_AddArrayToObject(summary, "coverage");
    for (int64_t f = 0; f < m->table->recipe->families; f++) put_family(m, f, families, coverage);
    return json;
}

peek_status peek__quality_calibration(peek_context *context, const peek__results *results,
                                      const peek__quality_table *table, const double *scores,
                                      const peek__calibration *calibration, cJSON *summary, cJSON **out)
{
    making m = {
        .context = context, .results = results, .table = table, .scores = scores, .calibration = calibration};
    PEEK_TRY(peek__alloc(context, &m.score, 3 * table->rows, "a calibration"));
    m.accuracy = m.score + table->rows;
    m.excess = m.accuracy + table->rows;
    peek_status status = peek__alloc(context, &m.way, 2 * table->rows, "a calibration");
    m.row = m.way + table->rows;
    if (status == PEEK_OK) *out = make(&m, summary);
    peek__free(&m.score);
    peek__free(&m.way);
    return status;
}
