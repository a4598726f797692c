/* report/report_measures.c: what measures.json says of the whole run. */
#include <math.h>

#include "report/packed.h"
#include "report/payload.h"
#include "store/file.h"

/* The named numbers of an object, those that are there. */
static peek_status add_numbers(peek_context *context, const cJSON *from, const char *const *names, cJSON *to)
{
    for (; *names; names++)
        PEEK_TRY(peek__json_add_number(context, to, *names, peek__json_number(from, *names, INFINITY)));
    return PEEK_OK;
}

/* The output, and what it is where nothing was learned. */
static peek_status add_output(peek_context *context, const cJSON *measures, cJSON *object)
{
    static const char *const names[] = {"effective_rank", "mutual_information", "mean_confidence", "classes",
                                        NULL};
    const cJSON *output = peek__json_member(measures, "output"), *null;
    cJSON *item = NULL, *array = NULL;
    if (!cJSON_IsObject(output)) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "output", cJSON_CreateObject(), &item));
    PEEK_TRY(add_numbers(context, output, names, item));
    cJSON_ArrayForEach(null, peek__json_member(measures, "nulls"))
    {
        cJSON *entry = NULL;
        if (!cJSON_IsObject(peek__json_member(null, "output")) || !null->string) continue;
        if (!array) PEEK_TRY(peek__json_add(context, item, "nulls", cJSON_CreateArray(), &array));
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &entry));
        PEEK_TRY(peek__json_add_text(context, entry, "name", null->string));
        PEEK_TRY(add_numbers(context, peek__json_member(null, "output"), names, entry));
    }
    return PEEK_OK;
}

/* Which rank is recommended, or why none is. */
static peek_status add_recommendation(peek_context *context, const cJSON *rank, cJSON *object)
{
    int64_t recommended = peek__json_count(peek__json_member(rank, "recommended"));
    const char *reason = peek__json_text(rank, "reason", NULL);
    cJSON *item = NULL;
    if (!reason) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "recommended", cJSON_CreateObject(), &item));
    if (recommended) PEEK_TRY(peek__json_add_number(context, item, "rank", (double)recommended));
    return peek__json_add_text(context, item, "reason", reason);
}

/* Numbers, and null for what is none. */
static peek_status add_list(peek_context *context, cJSON *parent, const char *name, const cJSON *list)
{
    cJSON *array = NULL;
    const cJSON *entry;
    PEEK_TRY(peek__json_add(context, parent, name, cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(entry, list)
    {
        int number = cJSON_IsNumber(entry) && isfinite(entry->valuedouble);
        PEEK_TRY(peek__json_add(context, array, NULL,
                                number ? cJSON_CreateNumber(entry->valuedouble) : cJSON_CreateNull(), NULL));
    }
    return PEEK_OK;
}

static peek_status add_rows(peek_context *context, cJSON *parent, const char *name, const cJSON *rows)
{
    cJSON *array = NULL;
    const cJSON *row;
    PEEK_TRY(peek__json_add(context, parent, name, cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(row, rows) PEEK_TRY(add_list(context, array, NULL, row));
    return PEEK_OK;
}

/* Whether `rows` has a row for each name and each row a value for each. */
static int is_square(const cJSON *names, const cJSON *rows)
{
    const cJSON *row;
    if (!cJSON_GetArraySize(names) || cJSON_GetArraySize(rows) != cJSON_GetArraySize(names)) return 0;
    cJSON_ArrayForEach(row, rows)
    {
        if (cJSON_GetArraySize(row) != cJSON_GetArraySize(names)) return 0;
    }
    return 1;
}

/* The places of blocks by their names. */
static peek_status add_places(peek_context *context, const peek__report_blocks *blocks, const cJSON *names,
                              cJSON *object)
{
    cJSON *array = NULL;
    const cJSON *name;
    PEEK_TRY(peek__json_add(context, object, "blocks", cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(name, names)
    {
        double index = (double)peek__report_block_index(blocks, name->valuestring);
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateNumber(index), NULL));
    }
    return PEEK_OK;
}

static int all_known(const peek__report_blocks *blocks, const cJSON *names)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, names)
    {
        if (!cJSON_IsString(name) || peek__report_block_index(blocks, name->valuestring) < 0) return 0;
    }
    return 1;
}

static peek_status add_pairs(peek_context *context, const peek__report_blocks *blocks, const cJSON *pairs,
                             cJSON *object)
{
    const cJSON *names = peek__json_member(pairs, "blocks"),
                *alignment = peek__json_member(pairs, "linear_cka");
    cJSON *item = NULL;
    if (!all_known(blocks, names) || !is_square(names, alignment)) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "pairs", cJSON_CreateObject(), &item));
    PEEK_TRY(add_places(context, blocks, names, item));
    PEEK_TRY(peek__json_add_number(context, item, "samples", peek__json_number(pairs, "samples", 0)));
    return add_rows(context, item, "linear_cka", alignment);
}

static peek_status add_transmission(peek_context *context, const peek__report_blocks *blocks,
                                    const cJSON *transmission, cJSON *object)
{
    const cJSON *names = peek__json_member(transmission, "blocks"), *rank;
    cJSON *item = NULL, *ranks = NULL, *entry = NULL;
    if (!cJSON_GetArraySize(names) || !all_known(blocks, names)) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "transmission", cJSON_CreateObject(), &item));
    PEEK_TRY(add_places(context, blocks, names, item));
    PEEK_TRY(peek__json_add_number(context, item, "held_out",
                                   cJSON_GetArraySize(peek__json_member(transmission, "held_out"))));
    PEEK_TRY(add_list(context, item, "mean_error", peek__json_member(transmission, "mean_error")));
    PEEK_TRY(peek__json_add(context, item, "ranks", cJSON_CreateArray(), &ranks));
    cJSON_ArrayForEach(rank, peek__json_member(transmission, "ranks"))
    {
        if (!is_square(names, peek__json_member(rank, "relative_error"))) continue;
        PEEK_TRY(peek__json_add(context, ranks, NULL, cJSON_CreateObject(), &entry));
        PEEK_TRY(peek__json_add_number(context, entry, "rank", peek__json_number(rank, "rank", 0)));
        PEEK_TRY(add_rows(context, entry, "relative_error", peek__json_member(rank, "relative_error")));
        PEEK_TRY(add_list(context, entry, "from_all", peek__json_member(rank, "from_all")));
    }
    return PEEK_OK;
}

static peek_status add_shifts(peek_context *context, const cJSON *shifts, cJSON *object)
{
    static const char *const names[] = {"pixels", "agreement", "effective_invariance", NULL};
    cJSON *array = NULL, *item = NULL;
    const cJSON *shift;
    if (!cJSON_GetArraySize(shifts)) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "shifts", cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(shift, shifts)
    {
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(add_numbers(context, shift, names, item));
    }
    return PEEK_OK;
}

static peek_status add_sentences(peek_context *context, const cJSON *from, const char *name, cJSON *to)
{
    cJSON *array = NULL;
    const cJSON *sentence;
    PEEK_TRY(peek__json_add(context, to, name, cJSON_CreateArray(), &array));
    cJSON_ArrayForEach(sentence, peek__json_member(from, name))
    {
        if (cJSON_IsString(sentence))
            PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateString(sentence->valuestring), NULL));
    }
    return PEEK_OK;
}

/* How well it was trained, told without labels, or why that is withheld. */
static peek_status add_verdict(peek_context *context, const cJSON *measures, cJSON *object)
{
    static const char *const numbers[] = {"score", "accuracy", "low", "high", NULL}, *const sources[] = {
                                                                                         "output",
                                                                                         "activations",
                                                                                         "factorisation", NULL};
    const cJSON *verdict = peek__json_member(measures, "verdict");
    const char *withheld = peek__json_text(verdict, "withheld", NULL),
               *family = peek__json_text(verdict, "family", NULL);
    cJSON *item = NULL, *by = NULL;
    if (!cJSON_IsObject(verdict) || !cJSON_IsObject(peek__json_member(measures, "predictions"))) return PEEK_OK;
    if (!withheld && !cJSON_IsNumber(peek__json_member(verdict, "accuracy"))) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "verdict", cJSON_CreateObject(), &item));
    PEEK_TRY(add_numbers(context, verdict, numbers, item));
    if (withheld) PEEK_TRY(peek__json_add_text(context, item, "withheld", withheld));
    if (family) PEEK_TRY(peek__json_add_text(context, item, "family", family));
    PEEK_TRY(peek__json_add(context, item, "by", cJSON_CreateObject(), &by));
    PEEK_TRY(add_numbers(context, peek__json_member(verdict, "by"), sources, by));
    PEEK_TRY(add_sentences(context, verdict, "reasons", item));
    return add_sentences(context, verdict, "caveats", item);
}

peek_status peek__report_add_measures(peek_context *context, const peek__run_files *run,
                                      const peek__report_blocks *blocks, cJSON *object)
{
    const cJSON *measures = run->measures;
    PEEK_TRY(add_output(context, measures, object));
    PEEK_TRY(add_recommendation(context, peek__json_member(measures, "rank"), object));
    PEEK_TRY(add_pairs(context, blocks, peek__json_member(measures, "pairs"), object));
    PEEK_TRY(add_transmission(context, blocks, peek__json_member(measures, "transmission"), object));
    PEEK_TRY(add_shifts(context, peek__json_member(measures, "shifts"), object));
    return add_verdict(context, measures, object);
}
