/* measure/verdict.c: how well a network was trained, told without labels, or why that cannot be told. */
#include "measure/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/document.h"
#include "store/file.h"

/* By how much an input may differ from the family's: in intrinsic dimension and effective rank, as a ratio, and
 * in its mean picture; how many samples there must be of those of the family; by what ratio the rank may be
 * another; how far a score may lie outside those of the family. */
static const double same_input = 1.25, same_picture = 0.1, enough = 0.9, same_rank = 2, beyond = 0.05;

typedef struct verdict_work {
    const peek__calibration *calibration;
    const cJSON *measures, *predictions, *family;
    int same_layers; /* 1: the network is of the family's architecture */
    int orders;      /* 1: withheld, but the score orders networks of its kind */
    double parts[PEEK__PARTS], score;
    cJSON *out;
    char withheld[512];
} verdict_work;

/* ---- Whether it can be told */

int peek__verdict_within(double a, double b, double ratio)
{
    return a > 0 && b > 0 && a <= b * ratio && b <= a * ratio;
}

/* || mine - theirs || / || theirs || of two lists; infinite where they are not of the same length. */
static double picture_distance(const cJSON *theirs, const cJSON *mine)
{
    double apart = 0, norm = 0;
    const cJSON *a = theirs ? theirs->child : NULL, *b = mine ? mine->child : NULL;
    for (; a && b; a = a->next, b = b->next) {
        apart += (a->valuedouble - b->valuedouble) * (a->valuedouble - b->valuedouble);
        norm += a->valuedouble * a->valuedouble;
    }
    return a || b || !(norm > 0) ? INFINITY : sqrt(apart / norm);
}

static int is_of_shape(const verdict_work *work, const cJSON *family)
{
    return cJSON_Compare(peek__json_member(family, "picture"), peek__json_member(work->predictions, "picture"),
                         1) &&
           peek__json_value(family, "classes") == peek__json_value(work->predictions, "classes");
}

/* Whether there are as many samples as a family of such a shape was looked at with: what tells data apart grows
 * with them. *asked: how many those were; 0: there is no such family. */
static int are_enough(const verdict_work *work, double *asked)
{
    const cJSON *family;
    double samples = peek__json_value(work->predictions, "samples");
    *asked = 0;
    cJSON_ArrayForEach(family, peek__json_member(work->calibration->json, "families"))
    {
        if (is_of_shape(work, family)) *asked = fmax(*asked, peek__json_value(family, "samples"));
    }
    return samples >= enough * *asked;
}

/* Whether the pictures are like those of a family: their shape, how many classes there are, how rich they are,
 * and what they are on average. */
static int is_like(const verdict_work *work, const cJSON *family)
{
    const cJSON *input = peek__json_member(family, "input"),
                *first = cJSON_GetArrayItem(peek__json_member(work->predictions, "inputs"), 0);
    const cJSON *block =
        first ? peek__json_member(peek__json_member(work->measures, "blocks"), first->valuestring) : NULL;
    return is_of_shape(work, family) &&
           peek__verdict_within(peek__json_value(peek__json_member(block, "centred"), "effective_rank"),
                                peek__json_value(input, "effective_rank"), same_input) &&
           peek__verdict_within(peek__json_value(block, "intrinsic_dimension"),
                                peek__json_value(input, "intrinsic_dimension"), same_input) &&
           picture_distance(peek__json_member(family, "mean_picture"),
                            peek__json_member(work->predictions, "mean_picture")) < same_picture;
}

/* Of several, the one of the same architecture, as far as the sizes of layers tell. */
static void find_family(verdict_work *work)
{
    const cJSON *family;
    cJSON *columns = cJSON_CreateArray();
    peek__layer_columns(work->measures, columns);
    cJSON_ArrayForEach(family, peek__json_member(work->calibration->json, "families"))
    {
        int same = cJSON_Compare(columns, peek__json_member(family, "layer_columns"), 1);
        if (!is_like(work, family) || work->same_layers || (work->family && !same)) continue;
        work->family = family;
        work->same_layers = same;
    }
    cJSON_Delete(columns);
}

static void list_families(const verdict_work *work, char *text, size_t size)
{
    const cJSON *family, *list = peek__json_member(work->calibration->json, "families");
    size_t length = 0;
    *text = 0;
    cJSON_ArrayForEach(family, list)
    {
        const cJSON *picture = peek__json_member(family, "picture");
        if (length < size)
            length += (size_t)snprintf(
                text + length, size - length, "%s%s (%d x %d x %d, %.0f classes)",
                family == list->child ? "" : "; ", peek__json_member(family, "name")->valuestring,
                cJSON_GetArrayItem(picture, 0)->valueint, cJSON_GetArrayItem(picture, 1)->valueint,
                cJSON_GetArrayItem(picture, 2)->valueint, peek__json_value(family, "classes"));
    }
}

static void bounds_of(const cJSON *list, double *least, double *most)
{
    const cJSON *item;
    *least = INFINITY;
    *most = -INFINITY;
    cJSON_ArrayForEach(item, list)
    {
        if (item->valuedouble < *least) *least = item->valuedouble;
        if (item->valuedouble > *most) *most = item->valuedouble;
    }
}

static void judge(verdict_work *work)
{
    const cJSON *limits = peek__json_member(work->calibration->json, "contradiction");
    double least, most, apart = peek__verdict_contradiction(work->calibration, work->parts), asked = 0,
                        rank = peek__json_value(peek__verdict_model(work->measures), "rank"),
                        said = peek__verdict_score(work->calibration, PEEK__FROM_OUTPUT, work->parts);
    char families[384];
    size_t size = sizeof work->withheld;
    if (!cJSON_IsObject(work->predictions)) {
        snprintf(work->withheld, size, "the output is not one row of values a class for each sample");
    } else if (!are_enough(work, &asked)) {
        snprintf(
            work->withheld, size,
            "%.0f samples are too few: the networks studied were looked at with %.0f, and among fewer samples "
            "neighbours lie farther away",
            peek__json_value(work->predictions, "samples"), asked);
    } else if (!work->family) {
        list_families(work, families, sizeof families);
        snprintf(work->withheld, size, "no networks of known accuracy on such data were studied; known are %s",
                 families);
    } else if (isnan(work->parts[PEEK__PART_COMPONENTS])) {
        snprintf(work->withheld, size, "there is no joint factorisation of these samples");
    } else if (!peek__verdict_within(rank, PEEK__VERDICT_RANK, same_rank)) {
        snprintf(work->withheld, size,
                 "the networks studied were factorised at rank %d, and the nearest rank here is %.0f",
                 PEEK__VERDICT_RANK, rank);
    } else if (isnan(work->score)) {
        snprintf(work->withheld, size, "no layer was captured, or what was captured is not finite");
    } else if (!work->same_layers) {
        work->orders = 1;
        snprintf(
            work->withheld, size,
            "on such data networks of another architecture were studied (%s): the score orders networks of one "
            "kind, but what accuracy it stands for is not known",
            peek__json_member(work->family, "name")->valuestring);
    } else if (apart < peek__json_value(limits, "least") || apart > peek__json_value(limits, "most")) {
        snprintf(work->withheld, size,
                 "the measures contradict each other as in none of the networks studied: the output alone says "
                 "%.2f, layers and components %.2f",
                 said, said - apart);
    } else {
        bounds_of(peek__json_member(work->family, "scores"), &least, &most);
        if (work->score < least - beyond || work->score > most + beyond)
            snprintf(work->withheld, size,
                     "a score of %.2f lies outside those of the networks studied, %.2f to %.2f", work->score,
                     least, most);
    }
}

static double clip(double x)
{
    return isnan(x) ? x : fmin(1, fmax(0, x));
}

static double *numbers_of(const cJSON *list)
{
    const cJSON *item;
    int64_t count = 0;
    double *out = malloc((size_t)(cJSON_GetArraySize(list) + 1) * sizeof *out);
    cJSON_ArrayForEach(item, list)
    {
        if (out) out[count++] = item->valuedouble;
    }
    return out;
}

static void put_interval(verdict_work *work)
{
    double *scores = numbers_of(peek__json_member(work->family, "scores")),
           *accuracies = numbers_of(peek__json_member(work->family, "accuracies")),
           interval[3] = {NAN, NAN, NAN};
    peek__scored known = {cJSON_GetArraySize(peek__json_member(work->family, "scores")), scores, accuracies,
                          NULL, peek__json_value(work->family, "widening")};
    if (scores && accuracies) peek__verdict_interval(&known, -1, work->score, interval);
    peek__put_number(work->out, "score", work->score);
    peek__put_number(work->out, "accuracy", clip(interval[1]));
    peek__put_number(work->out, "low", clip(interval[0]));
    peek__put_number(work->out, "high", clip(interval[2]));
    free(scores);
    free(accuracies);
}

static void put_numbers(verdict_work *work)
{
    cJSON *parts = cJSON_AddObjectToObject(work->out, "parts"), *by = cJSON_AddObjectToObject(work->out, "by");
    for (int part = 0; part < PEEK__PARTS; part++)
        peek__put_number(parts, peek__verdict_part_names[part], work->parts[part]);
    for (int source = 0; source < PEEK__SOURCES; source++)
        peek__put_number(by, peek__verdict_source_names[source],
                         peek__verdict_score(work->calibration, (peek__verdict_source)source, work->parts));
}

static cJSON *make(const peek__calibration *calibration, const cJSON *measures)
{
    static const char *const numbers[] = {"accuracy", "low", "high"};
    verdict_work work = {.calibration = calibration,
                         .measures = measures,
                         .predictions = peek__json_member(measures, "predictions"),
                         .out = cJSON_CreateObject()};
    if (!work.out) return NULL;
    peek__verdict_parts(measures, work.parts);
    work.score = peek__verdict_score(calibration, PEEK__FROM_ALL, work.parts);
    find_family(&work);
    judge(&work);
    if (!*work.withheld) put_interval(&work);
    if (*work.withheld) peek__put_number(work.out, "score", work.orders ? work.score : NAN);
    for (size_t i = 0; *work.withheld && i < sizeof numbers / sizeof *numbers; i++)
        cJSON_AddNullToObject(work.out, numbers[i]);
    cJSON_AddItemToObject(work.out, "withheld",
                          *work.withheld ? cJSON_CreateString(work.withheld) : cJSON_CreateNull());
    cJSON_AddItemToObject(work.out, "family",
                          work.family ? cJSON_Duplicate(peek__json_member(work.family, "name"), 1)
                                      : cJSON_CreateNull());
    peek__verdict_reasons(measures, work.parts, cJSON_AddArrayToObject(work.out, "reasons"));
    peek__verdict_caveats(measures, work.family, cJSON_AddArrayToObject(work.out, "caveats"));
    put_numbers(&work);
    cJSON_AddItemToObject(work.out, "calibration",
                          cJSON_Duplicate(peek__json_member(calibration->json, "study"), 1));
    return work.out;
}

peek_status peek__verdict_put(peek_context *context, const char *path, cJSON *measures)
{
    peek__calibration calibration;
    peek_status status = peek__calibration_read(context, path, &calibration);
    cJSON *verdict = status == PEEK_OK ? make(&calibration, measures) : NULL;
    peek__calibration_free(&calibration);
    cJSON_DeleteItemFromObjectCaseSensitive(measures, "verdict");
    if (verdict) cJSON_AddItemToObject(measures, "verdict", verdict);
    return status;
}
