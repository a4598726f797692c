/* study/recipe.c: reading what a study does. */
#include "study/recipe.h"

#include <string.h>

#include "base/memory.h"
#include "nnpeek/fit.h"
#include "nnpeek/study.h"
#include "store/file.h"
#include "study/recipe_groups.h"

int peek_study_list(int64_t index, const char **name, const char **title)
{
    return peek__recipe_builtin(index, name, title) != NULL;
}

void peek__recipe_free(peek__recipe *recipe)
{
    cJSON_Delete(recipe->json);
    peek__free(&recipe->family);
    peek__free(&recipe->group);
    peek__free(&recipe->network);
    peek__free(&recipe->fit);
    peek__free(&recipe->figure);
    peek__free(&recipe->statement);
    *recipe = (peek__recipe){0};
}

/* What is being read, for sentences. */
typedef struct reader {
    peek_context *context;
    const char *source, *place; /* "networks" */
    int64_t index;              /* of the entry */
} reader;

static peek_status wrong(const reader *r, const char *member, const char *must)
{
    if (!r->place)
        return peek__fail(r->context, PEEK_E_FORMAT, "the recipe %s: '%s' must be %s", r->source, member, must);
    return peek__fail(r->context, PEEK_E_FORMAT, "the recipe %s: '%s' of entry %lld of '%s' must be %s",
                      r->source, member, (long long)r->index, r->place, must);
}

/* Members, with a standard where they are missing. */
static peek_status text(const reader *r, const cJSON *object, const char *member, const char *standard,
                        const char **out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    *out = standard;
    if (!item) return PEEK_OK;
    if (!cJSON_IsString(item) || !*item->valuestring) return wrong(r, member, "a text");
    *out = item->valuestring;
    return PEEK_OK;
}

static peek_status number(const reader *r, const cJSON *object, const char *member, double standard,
                          double least, double most, double *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    *out = standard;
    if (!item) return PEEK_OK;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least && item->valuedouble <= most))
        return wrong(r, member, "a number in its range");
    *out = item->valuedouble;
    return PEEK_OK;
}

static peek_status whole(const reader *r, const cJSON *object, const char *member, int64_t standard,
                         double most, int64_t *out)
{
    double value;
    PEEK_TRY(number(r, object, member, (double)standard, 0, most, &value));
    if (cJSON_GetObjectItemCaseSensitive(object, member) && value != (double)(int64_t)value)
        return wrong(r, member, "a whole number");
    *out = (int64_t)value;
    return PEEK_OK;
}

static peek_status flag(const reader *r, const cJSON *object, const char *member, int standard, int *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    if (item && !cJSON_IsBool(item)) return wrong(r, member, "true or false");
    *out = item ? cJSON_IsTrue(item) : standard;
    return PEEK_OK;
}

/* The place of the family that an entry names; the first where it names none. */
static peek_status read_family_name(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                                    int64_t *out)
{
    const char *name;
    *out = 0;
    PEEK_TRY(text(r, entry, "family", NULL, &name));
    while (name && *out < recipe->families && strcmp(recipe->family[*out].name, name) != 0) ++*out;
    return *out < recipe->families ? PEEK_OK : wrong(r, "family", "the name of a family of the recipe");
}

static peek_status read_group_name(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                                   int64_t *out)
{
    const char *name;
    PEEK_TRY(text(r, entry, "group", NULL, &name));
    *out = name ? 0 : -1;
    while (name && *out < recipe->groups && strcmp(recipe->group[*out].name, name) != 0) ++*out;
    return *out < recipe->groups ? PEEK_OK : wrong(r, "group", "the name of a group of the recipe");
}

static peek_status read_family(const reader *r, const cJSON *entry, peek__study_family *out)
{
    PEEK_TRY(text(r, entry, "network", "paper", &out->zoo));
    PEEK_TRY(text(r, entry, "data", "mnist", &out->data));
    PEEK_TRY(text(r, entry, "name", NULL, &out->name));
    return out->name ? PEEK_OK : wrong(r, "name", "a text");
}

static peek_status read_group(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                              peek__study_group *out)
{
    PEEK_TRY(text(r, entry, "name", NULL, &out->name));
    PEEK_TRY(flag(r, entry, "judged", 1, &out->judged));
    return read_family_name(r, recipe, entry, &out->family);
}

/* Which of the words a member is; -1: none. */
static int64_t one_of(const char *text, const char *const *words)
{
    for (int64_t i = 0; text && words[i]; i++)
        if (strcmp(text, words[i]) == 0) return i;
    return -1;
}

/* A member that is misspelt would be left out silently, and equal networks be trained. */
static peek_status check_members(const reader *r, const cJSON *entry)
{
    static const char *const known[] = {
        "name",          "family",      "group",          "fraction", "classes",        "order",
        "mix",           "label_noise", "permute_labels", "loss",     "epochs",         "batch",
        "learning_rate", "momentum",    "normalise",      "seed",     "paper_accuracy", NULL};
    const cJSON *item;
    cJSON_ArrayForEach(item, entry)
    {
        if (one_of(item->string, known) < 0)
            return wrong(r, item->string,
                         "left out: networks have no such member (docs/studies.md lists them)");
    }
    return PEEK_OK;
}

static peek_status read_network(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                                peek__study_network *out)
{
    PEEK_TRY(check_members(r, entry));
    PEEK_TRY(whole(r, entry, "seed", 0, 1e9, &out->seed));
    PEEK_TRY(read_family_name(r, recipe, entry, &out->family));
    PEEK_TRY(read_group_name(r, recipe, entry, &out->group));
    PEEK_TRY(text(r, entry, "name", NULL, &out->name));
    if (!out->name) return wrong(r, "name", "a text");
    PEEK_TRY(number(r, entry, "fraction", 1, 1e-6, 1, &out->fraction));
    PEEK_TRY(text(r, entry, "classes", NULL, &out->classes));
    PEEK_TRY(text(r, entry, "order", NULL, &out->order));
    PEEK_TRY(text(r, entry, "loss", "cross-entropy", &out->loss));
    if (strcmp(out->loss, "cross-entropy") != 0 && strcmp(out->loss, "saturating") != 0)
        return wrong(r, "loss", "cross-entropy or saturating");
    PEEK_TRY(whole(r, entry, "epochs", 1, 1e6, &out->epochs));
    PEEK_TRY(whole(r, entry, "batch", 64, 1e6, &out->batch));
    PEEK_TRY(number(r, entry, "learning_rate", 0.01, 1e-9, 1e3, &out->learning_rate));
    PEEK_TRY(number(r, entry, "momentum", 0.5, 0, 0.9999, &out->momentum));
    PEEK_TRY(number(r, entry, "mix", 0, 0, 1, &out->mix));
    PEEK_TRY(number(r, entry, "label_noise", 0, 0, 1, &out->label_noise));
    PEEK_TRY(flag(r, entry, "permute_labels", 0, &out->permute_labels));
    PEEK_TRY(flag(r, entry, "normalise", 0, &out->normalise));
    return number(r, entry, "paper_accuracy", 0, 0, 100, &out->paper_accuracy);
}

static peek_status read_fit(const reader *r, const cJSON *entry, peek__study_fit *out)
{
    double iterations;
    PEEK_TRY(text(r, entry, "name", NULL, &out->name));
    if (!out->name) return wrong(r, "name", "a text");
    PEEK_TRY(text(r, entry, "rule", NULL, &out->rule));
    PEEK_TRY(text(r, entry, "scale", "none", &out->scale));
    PEEK_TRY(number(r, entry, "iterations", -1, 1, 1e9, &iterations));
    out->iterations = (int64_t)iterations;
    return number(r, entry, "tolerance", -1, 0, 1, &out->tolerance);
}

int64_t peek__recipe_network(const peek__recipe *recipe, const char *name)
{
    for (int64_t n = 0; name && n < recipe->networks; n++)
        if (strcmp(recipe->network[n].name, name) == 0) return n;
    return -1;
}

static peek_status read_figure(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                               peek__study_figure *out)
{
    static const char *const kinds[] = {"rmse", "spectrum", "components", "loadings", NULL};
    const cJSON *name;
    PEEK_TRY(text(r, entry, "label", NULL, &out->label));
    PEEK_TRY(text(r, entry, "what", NULL, &out->what));
    PEEK_TRY(text(r, entry, "block", NULL, &out->block));
    int64_t kind = one_of(out->what, kinds);
    if (!out->label) return wrong(r, "label", "a text");
    if (kind < 0) return wrong(r, "what", "rmse, spectrum, components or loadings");
    out->networks = cJSON_GetObjectItemCaseSensitive(entry, "networks");
    cJSON_ArrayForEach(name, out->networks)
    {
        if (peek__recipe_network(recipe, cJSON_GetStringValue(name)) < 0)
            return wrong(r, "networks", "names of networks of the recipe");
    }
    return kind == 1 && !out->block ? wrong(r, "block", "the name of a block") : PEEK_OK;
}

static int is_class(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1000 &&
           item->valuedouble == item->valueint;
}

static int are_pairs(const cJSON *pairs)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, pairs)
    {
        if (cJSON_GetArraySize(pair) != 2 || !is_class(cJSON_GetArrayItem(pair, 0)) ||
            !is_class(cJSON_GetArrayItem(pair, 1)))
            return 0;
    }
    return cJSON_GetArraySize(pairs) > 0;
}

static peek_status read_network_name(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                                     const char *member, int64_t *out)
{
    const char *name;
    PEEK_TRY(text(r, entry, member, NULL, &name));
    *out = peek__recipe_network(recipe, name);
    return *out < 0 ? wrong(r, member, "the name of a network of the recipe") : PEEK_OK;
}

static peek_status read_statement(const reader *r, const peek__recipe *recipe, const cJSON *entry,
                                  peek__study_statement *out)
{
    static const char *const kinds[] = {"overlap", "carrying", "recognises", NULL}, *const sides[] = {
                                                                                        "less", "more", NULL};
    const char *what, *expects;
    PEEK_TRY(text(r, entry, "about", NULL, &out->about));
    PEEK_TRY(text(r, entry, "what", NULL, &what));
    PEEK_TRY(text(r, entry, "layer", NULL, &out->layer));
    PEEK_TRY(text(r, entry, "expects", "more", &expects));
    if (!out->about) return wrong(r, "about", "a text");
    if (one_of(what, kinds) < 0) return wrong(r, "what", "overlap, carrying or recognises");
    if (one_of(expects, sides) < 0) return wrong(r, "expects", "more or less");
    out->kind = (peek__statement_kind)one_of(what, kinds);
    out->more = one_of(expects, sides) == 1;
    out->pairs = cJSON_GetObjectItemCaseSensitive(entry, "pairs");
    PEEK_TRY(read_network_name(r, recipe, entry, "network", &out->network));
    if (out->kind == PEEK__CARRYING) PEEK_TRY(read_network_name(r, recipe, entry, "against", &out->against));
    if (out->kind != PEEK__RECOGNISES && !out->layer) return wrong(r, "layer", "the name of a layer");
    if (out->kind == PEEK__OVERLAP && !are_pairs(out->pairs)) return wrong(r, "pairs", "pairs of classes");
    return whole(r, entry, "class", 0, 1000, &out->label);
}

/* A list of entries; least: how many there must be. */
static peek_status open_list(reader *r, const peek__recipe *recipe, const char *place, int least,
                             const cJSON **list, int64_t *count)
{
    r->place = NULL;
    *list = cJSON_GetObjectItemCaseSensitive(recipe->json, place);
    *count = cJSON_GetArraySize(*list);
    if ((*list && !cJSON_IsArray(*list)) || *count < least) return wrong(r, place, "a list of entries");
    r->place = place;
    r->index = 0;
    return PEEK_OK;
}

/* Without a list there is one family, as the recipe's own `network` and `data` say. */
static peek_status read_families(reader *r, peek__recipe *out)
{
    const cJSON *list, *entry;
    PEEK_TRY(open_list(r, out, "families", 0, &list, &out->families));
    if (!out->families) {
        out->families = 1;
        PEEK_TRY(peek__alloc(r->context, &out->family, 1, "a recipe"));
        out->family->name = out->name;
        r->place = NULL;
        PEEK_TRY(text(r, out->json, "network", "paper", &out->family->zoo));
        return text(r, out->json, "data", "mnist", &out->family->data);
    }
    PEEK_TRY(peek__alloc(r->context, &out->family, out->families, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_family(r, entry, &out->family[r->index++]));
    return PEEK_OK;
}

static peek_status read_groups(reader *r, peek__recipe *out)
{
    const cJSON *list, *entry;
    int memory;
    PEEK_TRY(open_list(r, out, "groups", 0, &list, &out->groups));
    const char *member = peek__recipe_expand(out->json, &r->index, &memory);
    if (member) return wrong(r, member, "there, as docs/studies.md says");
    r->index = 0;
    if (!memory) return peek__fail(r->context, PEEK_E_MEMORY, "not enough memory for a recipe");
    PEEK_TRY(peek__alloc(r->context, &out->group, out->groups, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_group(r, out, entry, &out->group[r->index++]));
    return PEEK_OK;
}

static peek_status read_lists(reader *r, peek__recipe *out)
{
    const cJSON *list, *entry;
    PEEK_TRY(read_families(r, out));
    PEEK_TRY(read_groups(r, out));
    PEEK_TRY(open_list(r, out, "networks", 1, &list, &out->networks));
    PEEK_TRY(peek__alloc(r->context, &out->network, out->networks, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_network(r, out, entry, &out->network[r->index++]));
    PEEK_TRY(open_list(r, out, "fits", 1, &list, &out->fits));
    PEEK_TRY(peek__alloc(r->context, &out->fit, out->fits, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_fit(r, entry, &out->fit[r->index++]));
    PEEK_TRY(open_list(r, out, "figures", 0, &list, &out->figures));
    PEEK_TRY(peek__alloc(r->context, &out->figure, out->figures, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_figure(r, out, entry, &out->figure[r->index++]));
    PEEK_TRY(open_list(r, out, "statements", 0, &list, &out->statements));
    PEEK_TRY(peek__alloc(r->context, &out->statement, out->statements, "a recipe"));
    cJSON_ArrayForEach(entry, list) PEEK_TRY(read_statement(r, out, entry, &out->statement[r->index++]));
    return PEEK_OK;
}

static peek_status parse(peek_context *context, const char *source, peek__recipe *out)
{
    reader r = {.context = context, .source = source};
    static const char *const kinds[] = {"claims", "quality", NULL};
    const char *ranks, *kind;
    if (!cJSON_IsObject(out->json))
        return peek__fail(context, PEEK_E_FORMAT, "the recipe %s is no JSON object: see docs/studies.md",
                          source);
    PEEK_TRY(text(&r, out->json, "name", NULL, &out->name));
    if (!out->name) return wrong(&r, "name", "a text");
    PEEK_TRY(text(&r, out->json, "title", out->name, &out->title));
    PEEK_TRY(text(&r, out->json, "about", "", &out->about));
    PEEK_TRY(text(&r, out->json, "kind", kinds[0], &kind));
    if (one_of(kind, kinds) < 0) return wrong(&r, "kind", "claims or quality");
    out->quality = one_of(kind, kinds) == 1;
    PEEK_TRY(whole(&r, out->json, "seeds", 5, 1000, &out->seeds));
    if (out->seeds < 1) return wrong(&r, "seeds", "1 or more");
    PEEK_TRY(whole(&r, out->json, "samples", 2000, 1e9, &out->samples));
    PEEK_TRY(text(&r, out->json, "ranks", "10:50:10", &ranks));
    PEEK_TRY(peek_parse_ranks(context, ranks, out->ranks, PEEK__STUDY_RANKS, &out->rank_count));
    return read_lists(&r, out);
}

static peek_status not_found(peek_context *context, const char *recipe)
{
    char known[256] = "";
    const char *name, *title;
    for (int64_t i = 0; peek__recipe_builtin(i, &name, &title); i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", name);
    return peek__fail(context, PEEK_E_NOT_FOUND,
                      "there is no study '%s' and no such file: give a recipe as JSON, or one of %s", recipe,
                      known);
}

peek_status peek__recipe_read(peek_context *context, const char *recipe, peek__recipe *out)
{
    *out = (peek__recipe){0};
    const char *name, *title, *json;
    for (int64_t i = 0; (json = peek__recipe_builtin(i, &name, &title)); i++)
        if (strcmp(name, recipe) == 0) break;
    if (json) {
        out->json = cJSON_Parse(json);
        if (!out->json) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for a recipe");
    } else {
        PEEK_TRY(peek__json_find(context, recipe, &out->json));
        if (!out->json) return not_found(context, recipe);
    }
    return parse(context, recipe, out);
}
