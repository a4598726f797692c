/* study/quality_page.c: a study of the kind "quality" as a page and as a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/chart.h"
#include "study/quality.h"
#include "store/file.h"

typedef struct page {
    peek_context *context;
    const peek__quality_table *table;
    const double *scores;
    const cJSON *summary;
    peek__file file;
} page;

#define PUT(...) PEEK_TRY(peek__put(p->context, &p->file, __VA_ARGS__))

static const char *text(const cJSON *object, const char *name)
{
    const char *found = cJSON_GetStringValue(peek__json_member(object, name));
    return found ? found : "";
}

/* "<td>0.98", or a dash where there is none; plus: with its sign. */
static peek_status put_number(page *p, double value, int digits, int plus)
{
    if (isnan(value))
        PUT("<td>–");
    else if (plus)
        PUT("<td>%+.*f", digits, value);
    else
        PUT("<td>%.*f", digits, value);
    return PEEK_OK;
}

/* "<td>0.98", with its interval behind it or as a title; a dash where there is none. */
static peek_status put_rho(page *p, const cJSON *found, int interval)
{
    double rho = peek__json_value(found, "rho"), low = peek__json_value(found, "low"),
           high = peek__json_value(found, "high");
    if (isnan(rho))
        PUT("<td>–");
    else if (isnan(low))
        PUT("<td>%.2f", rho);
    else if (interval)
        PUT("<td>%.2f (%.2f to %.2f)", rho, low, high);
    else
        PUT("<td title='%.2f to %.2f, %.0f networks'>%.2f", low, high, peek__json_value(found, "networks"),
            rho);
    return PEEK_OK;
}

static peek_status write_head(page *p)
{
    PEEK_TRY(peek__page_begin(p->context, &p->file, text(p->summary, "title")));
    PEEK_TRY(peek__put_text(p->context, &p->file, "<p>%s ", text(p->summary, "about")));
    PEEK_TRY(peek__put_text(p->context, &p->file, "Data: %s. ", text(p->summary, "data")));
    PUT("%lld networks looked at %.0f test samples each, without their labels; what was seen is set against "
        "their "
        "accuracy on all test samples. Correlations are Spearman's, intervals 95 %% by bootstrap over the "
        "networks "
        "of each group.</p>\n",
        (long long)p->table->rows, peek__json_value(p->summary, "samples"));
    int failed = cJSON_GetArraySize(peek__json_member(p->summary, "failed"));
    if (failed) PUT("<p class='fails'>%d runs failed and are missing here; summary.json says why.</p>", failed);
    return PEEK_OK;
}

/* ---- Scatter plots: one a family, a colour a group */

typedef struct points {
    double *x, *y;
    const char **names;
    char **texts; /* of all rows */
} points;

static peek_status write_scatter(page *p, int64_t family, int judged, points *memory)
{
    const peek__recipe *recipe = p->table->recipe;
    enum { LINES = 32 };
    peek__line line[LINES];
    int64_t lines = 0, used = 0, group[LINES];
    for (int64_t g = 0; g < recipe->groups && lines < LINES; g++) {
        if (recipe->group[g].family != family || recipe->group[g].judged != judged) continue;
        peek__line *l = &line[lines];
        *l = (peek__line){
            .name = "", .x = memory->x + used, .y = memory->y + used, .marks = memory->names + used};
        for (int64_t row = 0; row < p->table->rows; row++) {
            if (recipe->network[p->table->network[row]].group != g) continue;
            memory->x[used] = p->scores[PEEK__FROM_ALL * p->table->rows + row];
            memory->y[used] = p->table->accuracy[row];
            memory->names[used++] = memory->texts[row];
            l->count++;
        }
        if (l->count) group[lines++] = g;
    }
    if (!lines) return PEEK_OK;
    char title[300], *safe = NULL;
    PEEK_TRY(peek__escape(p->context, recipe->family[family].name, &safe));
    snprintf(title, sizeof title, "%s%s: accuracy (upwards) by score", safe, judged ? "" : ", reported apart");
    peek__free(&safe);
    peek__chart chart = {title, "score without labels", 0, lines, line};
    PUT("<div>");
    PEEK_TRY(peek__chart_write(p->context, &p->file, &chart));
    PUT("<p class='key'>");
    for (int64_t l = 0; l < lines; l++) {
        PUT("<span style='background:%s'></span>", peek__chart_colour(l));
        PEEK_TRY(peek__put_text(p->context, &p->file, "%s", recipe->group[group[l]].name));
    }
    PUT("</p></div>\n");
    return PEEK_OK;
}

static peek_status write_scatters(page *p, points *memory)
{
    PUT("<h2>Accuracy and score</h2><p>Each point is a network. The score is made of what can be seen without "
        "labels. "
        "For a network of the first family it comes from a formula learnt on the other groups alone; for those "
        "of "
        "other families from the first family alone, so that its level may be off there while its order should "
        "hold.</p><div class='figures'>\n");
    for (int64_t f = 0; f < p->table->recipe->families; f++)
        for (int judged = 1; judged >= 0; judged--) PEEK_TRY(write_scatter(p, f, judged, memory));
    PUT("</div>\n");
    return PEEK_OK;
}

static peek_status write_all_scatters(page *p)
{
    int64_t rows = p->table->rows;
    points memory = {0};
    peek_status status = peek__alloc(p->context, &memory.x, 2 * rows, "a figure");
    memory.y = memory.x + rows;
    if (status == PEEK_OK) status = peek__alloc(p->context, &memory.names, rows, "a figure");
    if (status == PEEK_OK) status = peek__alloc(p->context, &memory.texts, rows, "a figure");
    for (int64_t row = 0; status == PEEK_OK && row < rows; row++)
        status = peek__escape(p->context, p->table->recipe->network[p->table->network[row]].name,
                              &memory.texts[row]);
    if (status == PEEK_OK) status = write_scatters(p, &memory);
    for (int64_t row = 0; memory.texts && row < rows; row++) peek__free(&memory.texts[row]);
    peek__free(&memory.texts);
    peek__free(&memory.names);
    peek__free(&memory.x);
    return status;
}

/* ---- Tables */

/* The entry of a list that is of this group; NULL: all groups. */
static const cJSON *find_group(const cJSON *list, const char *group)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        const char *mine = cJSON_GetStringValue(peek__json_member(entry, "group"));
        if ((!mine && !group) || (mine && group && strcmp(mine, group) == 0)) return entry;
    }
    return NULL;
}

/* What the score has more than another, with its interval. */
static peek_status put_difference(page *p, const cJSON *entry)
{
    const cJSON *difference = peek__json_member(entry, "difference");
    PEEK_TRY(put_number(p, peek__json_value(difference, "rho"), 3, 1));
    if (!isnan(peek__json_value(difference, "low")))
        PUT(" <span class='%s'>(%+.3f to %+.3f)</span>",
            cJSON_IsTrue(peek__json_member(entry, "below")) ? "fails" : "", peek__json_value(difference, "low"),
            peek__json_value(difference, "high"));
    return PEEK_OK;
}

static peek_status write_targets(page *p)
{
    const cJSON *target;
    PUT("<h2>Was the target met?</h2><p>Spearman's correlation of the score with accuracy; beside it the "
        "single "
        "published measure that does best there among those that have a value for every network, its sign "
        "taken from "
        "all groups. Met: as high as asked, and not significantly below that measure; a dash where there are "
        "fewer "
        "than twelve networks.</p><div "
        "class='wide'><table><tr><th>group<th>networks<th>asked<th>found<th>lower "
        "bound<th>met<th>best published<th>its correlation<th>ours less its</tr>\n");
    cJSON_ArrayForEach(target, peek__json_member(p->summary, "targets"))
    {
        const cJSON *met = peek__json_member(target, "met");
        const char *group = cJSON_GetStringValue(peek__json_member(target, "group"));
        const cJSON *against = find_group(peek__json_member(p->summary, "against"), group);
        PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s",
                                group ? group : "all groups of the first family"));
        PEEK_TRY(put_number(p, peek__json_value(target, "networks"), 0, 0));
        PEEK_TRY(put_number(p, peek__json_value(target, "asked"), 2, 0));
        PEEK_TRY(put_number(p, peek__json_value(target, "rho"), 3, 0));
        PEEK_TRY(put_number(p, peek__json_value(target, "low"), 2, 0));
        PUT("<td class='%s'>%s",
            cJSON_IsTrue(met)    ? "holds"
            : cJSON_IsFalse(met) ? "fails"
                                 : "",
            cJSON_IsTrue(met)    ? "yes"
            : cJSON_IsFalse(met) ? "no"
                                 : "–");
        PEEK_TRY(peek__put_text(p->context, &p->file, "<td>%s", text(against, "measure")));
        PEEK_TRY(put_number(p, peek__json_value(against, "rho"), 3, 0));
        PEEK_TRY(put_difference(p, against));
        PUT("</tr>\n");
    }
    PUT("</table></div>\n");
    return PEEK_OK;
}

static peek_status put_group_heads(page *p)
{
    const cJSON *group;
    cJSON_ArrayForEach(group, peek__json_member(p->summary, "groups"))
        PEEK_TRY(peek__put_text(p->context, &p->file, "<th>%s", text(group, "name")));
    return PEEK_OK;
}

static peek_status put_row(page *p, const cJSON *entity)
{
    const cJSON *group;
    PEEK_TRY(put_rho(p, peek__json_member(entity, "overall"), 1));
    PEEK_TRY(put_rho(p, peek__json_member(entity, "given_norms"), 0));
    cJSON_ArrayForEach(group, peek__json_member(p->summary, "groups"))
        PEEK_TRY(put_rho(p, peek__json_member(peek__json_member(entity, "groups"), text(group, "name")), 0));
    PUT("</tr>\n");
    return PEEK_OK;
}

/* What the score from everything has more, over all groups. */
static peek_status put_added(page *p, const char *than)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, peek__json_member(p->summary, "adds"))
    {
        if (!cJSON_IsNull(peek__json_member(entry, "group")) || strcmp(text(entry, "than"), than) != 0)
            continue;
        return put_difference(p, entry);
    }
    PUT("<td>");
    return PEEK_OK;
}

static peek_status write_scores(page *p)
{
    const cJSON *score;
    PUT("<h2>What each view adds</h2><p>Scores that are made from a part of what can be seen: the output; "
        "neighbours in "
        "the layers; neighbours by the components of the joint factorisation; all three, or without one of "
        "them. Last, "
        "neighbours in the input, which needs nothing but the predictions. Beside each what everything "
        "together has "
        "more.</p><div class='wide'><table><tr><th>made from<th>everything has more<th>all groups<th>given "
        "norms");
    PEEK_TRY(put_group_heads(p));
    PUT("</tr>\n");
    cJSON_ArrayForEach(score, peek__json_member(p->summary, "scores"))
    {
        PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s", text(score, "name")));
        PEEK_TRY(put_added(p, text(score, "name")));
        PEEK_TRY(put_row(p, score));
    }
    PUT("</table></div>\n");
    return PEEK_OK;
}

static int by_strength(const void *a, const void *b)
{
    double x = fabs(peek__json_value(peek__json_member(*(const cJSON *const *)a, "overall"), "rho")),
           y = fabs(peek__json_value(peek__json_member(*(const cJSON *const *)b, "overall"), "rho"));
    return (isnan(x) ? -1 : x) < (isnan(y) ? -1 : y) ? 1 : -1;
}

static peek_status write_measure(page *p, const cJSON *measure)
{
    const cJSON *worst = peek__json_member(measure, "worst")->child;
    PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s", text(measure, "name")));
    PEEK_TRY(
        peek__put_text(p->context, &p->file, "<td>%s",
                       cJSON_IsString(peek__json_member(measure, "source")) ? text(measure, "source") : "–"));
    if (worst) {
        PEEK_TRY(peek__put_text(p->context, &p->file, "<td>%s", text(worst, "network")));
        PUT(", seed %.0f: %.0f %% right, looks %s", peek__json_value(worst, "seed"),
            100 * peek__json_value(worst, "accuracy"), peek__json_value(worst, "off") > 0 ? "better" : "worse");
    } else {
        PUT("<td>");
    }
    return put_row(p, measure);
}

static peek_status write_measures(page *p)
{
    const cJSON *list = peek__json_member(p->summary, "measures"), *measure;
    const cJSON **sorted;
    int64_t count = 0;
    PUT("<h2>Single measures</h2><p>The strongest first. A negative number means that the measure falls where "
        "accuracy "
        "rises. Given norms: what is left when the norms of the first and the last layer are known. The worst "
        "case is "
        "the network whose place by the measure is farthest from its place by accuracy; three for each stand "
        "in "
        "summary.json.</p><div class='wide'><table><tr><th>measure<th>proposed by<th>worst case<th>all "
        "groups<th>given "
        "norms");
    PEEK_TRY(put_group_heads(p));
    PUT("</tr>\n");
    PEEK_TRY(peek__alloc(p->context, &sorted, cJSON_GetArraySize(list), "a table"));
    cJSON_ArrayForEach(measure, list) sorted[count++] = measure;
    qsort(sorted, (size_t)count, sizeof *sorted, by_strength);
    peek_status status = PEEK_OK;
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) status = write_measure(p, sorted[i]);
    peek__free(&sorted);
    PEEK_TRY(status);
    PUT("</table></div>\n");
    return PEEK_OK;
}

static peek_status write_coverage(page *p)
{
    const cJSON *entry;
    PUT("<h2>How sure it is</h2><p>Of intervals that should hold 95 %% of the networks, how many do, when "
        "nothing of the way "
        "in which a network was trained has been seen: neither by the score, nor by the interval. As they come "
        "they hold "
        "too few, since networks that were trained in one way err in one direction; so they are widened by the "
        "factor "
        "that makes them hold. With it: the factor taken from the other ways alone. In families of one group "
        "the way is "
        "the setting.</p><div class='wide'><table><tr><th>family<th>networks<th>inside as they come<th>inside "
        "when "
        "widened<th>factor<th>mean width</tr>\n");
    cJSON_ArrayForEach(entry, peek__json_member(p->summary, "coverage"))
    {
        PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s", text(entry, "family")));
        PUT("<td>%.0f<td>%.0f %%<td>%.0f %%<td>%.2f<td>%.0f points</tr>\n", peek__json_value(entry, "networks"),
            100 * peek__json_value(entry, "inside_unwidened"), 100 * peek__json_value(entry, "inside"),
            peek__json_value(entry, "widening"), 100 * peek__json_value(entry, "width"));
    }
    PUT("</table></div>\n<h2>Data</h2><p><a href='quality.csv'>quality.csv</a>, <a "
        "href='summary.json'>summary.json</a>, <a href='calibration.json'>calibration.json</a> (for "
        "<code>nnpeek measure --calibration</code>).</p>\n");
    return PEEK_OK;
}

static peek_status write_page(page *p)
{
    PEEK_TRY(write_head(p));
    PEEK_TRY(write_all_scatters(p));
    PEEK_TRY(write_targets(p));
    PEEK_TRY(write_scores(p));
    PEEK_TRY(write_measures(p));
    return write_coverage(p);
}

peek_status peek__quality_page(peek_context *context, const peek__quality_table *table, const double *scores,
                               const cJSON *summary, const char *folder)
{
    page p = {.context = context, .table = table, .scores = scores, .summary = summary};
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/study.html", folder));
    peek_status status = peek__file_begin(context, &p.file, path);
    if (status == PEEK_OK) status = write_page(&p);
    if (status == PEEK_OK) status = peek__file_commit(context, &p.file);
    peek__file_abort(&p.file);
    peek__free(&path);
    return status;
}

/* ---- The table */

static peek_status write_csv_head(page *p)
{
    PUT("family,group,network,seed,accuracy");
    for (int source = 0; source < PEEK__SOURCES; source++)
        PUT(",score from %s", peek__verdict_source_names[source]);
    for (int64_t m = 0; m < p->table->measures; m++) PUT(",\"%s\"", peek__quality_measure_at(m)->name);
    PUT("\n");
    return PEEK_OK;
}

static peek_status put_csv_number(page *p, double value)
{
    if (isnan(value))
        PUT(",");
    else
        PUT(",%.9g", value);
    return PEEK_OK;
}

/* A text in quotes, quotes in it doubled. */
static peek_status put_csv_text(page *p, const char *plain)
{
    PUT("\"");
    for (; *plain; plain++) PUT(*plain == '"' ? "\"\"" : "%c", *plain);
    PUT("\",");
    return PEEK_OK;
}

static peek_status write_csv_row(page *p, int64_t row)
{
    const peek__recipe *recipe = p->table->recipe;
    const peek__study_network *network = &recipe->network[p->table->network[row]];
    const peek__study_group *group = peek__quality_group(p->table, row);
    PEEK_TRY(put_csv_text(p, recipe->family[network->family].name));
    PEEK_TRY(put_csv_text(p, group ? group->name : ""));
    PEEK_TRY(put_csv_text(p, network->name));
    PUT("%lld,%.9g", (long long)p->table->seed[row], p->table->accuracy[row]);
    for (int source = 0; source < PEEK__SOURCES; source++)
        PEEK_TRY(put_csv_number(p, p->scores[source * p->table->rows + row]));
    for (int64_t m = 0; m < p->table->measures; m++)
        PEEK_TRY(put_csv_number(p, p->table->value[m * p->table->rows + row]));
    PUT("\n");
    return PEEK_OK;
}

peek_status peek__quality_csv(peek_context *context, const peek__quality_table *table, const double *scores,
                              const char *folder)
{
    page writing = {.context = context, .table = table, .scores = scores}, *p = &writing;
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/quality.csv", folder));
    peek_status status = peek__file_begin(context, &p->file, path);
    if (status == PEEK_OK) status = write_csv_head(p);
    for (int64_t row = 0; status == PEEK_OK && row < table->rows; row++) status = write_csv_row(p, row);
    if (status == PEEK_OK) status = peek__file_commit(context, &p->file);
    peek__file_abort(&p->file);
    peek__free(&path);
    return status;
}
