/* study/study_page.c: a study as one page. */
#include "study/study_page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "study/chart.h"
#include "study/picture_figures.h"
#include "store/file.h"

enum { SPECTRUM = 100 }; /* singular values shown */

/* The page under way. */
typedef struct page {
    peek_context *context;
    const peek__results *results;
    const cJSON *summary;
    peek__file file;
    char **names; /* of networks, escaped */
} page;

#define PUT(...) PEEK_TRY(peek__put(p->context, &p->file, __VA_ARGS__))

static peek_status write_head(page *p)
{
    const peek__recipe *recipe = p->results->recipe;
    PEEK_TRY(peek__page_begin(p->context, &p->file, recipe->title));
    PEEK_TRY(peek__put_text(p->context, &p->file, "<p>%s ", recipe->about));
    PEEK_TRY(peek__put_text(p->context, &p->file, "Data: %s, ", p->results->data));
    PUT("%lld test samples looked at, %lld seeds each; bands and intervals are 95 %% confidence by Student's t "
        "over the "
        "seeds.</p>",
        (long long)recipe->samples, (long long)p->results->seeds);
    int failed = cJSON_GetArraySize(peek__json_member(p->summary, "failed"));
    if (failed) PUT("<p class='fails'>%d runs failed and are missing here; summary.json says why.</p>", failed);
    PUT("<p class='key'>");
    for (int64_t n = 0; n < recipe->networks; n++)
        PUT("<span style='background:%s'></span>%s", peek__chart_colour(n), p->names[n]);
    PUT("</p>\n");
    return PEEK_OK;
}

/* "0 (97 %), 4 (3 %)": the classes that a network takes samples for most. */
static peek_status put_predicts(page *p, const cJSON *network)
{
    const cJSON *shares = peek__json_member(network, "predicts"), *share;
    double last = INFINITY;
    for (int place = 0; place < 3; place++) {
        double best = -1;
        int which = -1, index = 0;
        cJSON_ArrayForEach(share, shares)
        {
            if (share->valuedouble < last && share->valuedouble > best) {
                best = share->valuedouble;
                which = index;
            }
            index++;
        }
        if (which < 0 || best < 0.02) break;
        PUT("%s%d (%.0f %%)", place ? ", " : "", which, 100 * best);
        last = best;
    }
    return PEEK_OK;
}

static peek_status write_accuracies(page *p)
{
    const cJSON *network;
    int64_t n = 0;
    PUT("<h2>Accuracy</h2><p>On all test samples, of all classes.</p><div class='wide'><table><tr><th>trained "
        "on<th>the "
        "paper<th>mean<th>95 %% interval<th>classes it predicts most</tr>\n");
    cJSON_ArrayForEach(network, peek__json_member(p->summary, "networks"))
    {
        const cJSON *found = peek__json_member(network, "accuracy");
        PUT("<tr><td>%s<td>", p->names[n++]);
        if (cJSON_IsNumber(peek__json_member(network, "paper_accuracy")))
            PUT("%.0f %%", 100 * peek__json_value(network, "paper_accuracy"));
        PUT("<td>%.1f %%<td>", 100 * peek__json_value(found, "mean"));
        if (cJSON_IsNumber(peek__json_member(found, "low")))
            PUT("%.1f to %.1f %%", 100 * fmax(0, peek__json_value(found, "low")),
                100 * fmin(1, peek__json_value(found, "high")));
        PUT("<td>");
        PEEK_TRY(put_predicts(p, network));
        PUT("</tr>\n");
    }
    PUT("</table></div>\n");
    return PEEK_OK;
}

/* Memory for the lines of one chart: points a network. */
typedef struct lines {
    double *memory;
    peek__line *line;
} lines;

static peek_status make_lines(page *p, int64_t points, lines *out)
{
    int64_t networks = p->results->recipe->networks;
    PEEK_TRY(peek__alloc(p->context, &out->memory, 4 * networks * points, "a chart"));
    PEEK_TRY(peek__alloc(p->context, &out->line, networks, "a chart"));
    for (int64_t n = 0; n < networks; n++) {
        double *of = out->memory + 4 * n * points;
        out->line[n] =
            (peek__line){p->names[n], points, of, of + points, of + 2 * points, of + 3 * points, NULL};
    }
    return PEEK_OK;
}

static void set_point(lines *l, int64_t network, int64_t point, double x, const peek__interval *interval)
{
    int64_t points = l->line[network].count;
    double *of = l->memory + 4 * network * points;
    int known = interval->count > 1;
    of[point] = x;
    of[points + point] = interval->mean;
    of[2 * points + point] = known ? interval->low : NAN;
    of[3 * points + point] = known ? interval->high : NAN;
}

static peek_status write_lines(page *p, lines *l, const char *title, const char *x_label, int logarithmic)
{
    peek__chart chart = {title, x_label, logarithmic, p->results->recipe->networks, l->line};
    return peek__chart_write(p->context, &p->file, &chart);
}

static void free_lines(lines *l)
{
    peek__free(&l->memory);
    peek__free(&l->line);
}

static peek_status write_errors(page *p, const char *title, peek__metric metric)
{
    const peek__recipe *recipe = p->results->recipe;
    lines l = {0};
    peek_status status = make_lines(p, recipe->rank_count, &l);
    for (int64_t n = 0; status == PEEK_OK && n < recipe->networks; n++)
        for (metric.rank = 0; metric.rank < recipe->rank_count; metric.rank++) {
            peek__results_row(p->results, &metric, n, p->results->values);
            peek__interval interval = peek__interval_of(p->results->values, p->results->seeds);
            set_point(&l, n, metric.rank, (double)recipe->ranks[metric.rank], &interval);
        }
    if (status == PEEK_OK) status = write_lines(p, &l, title, "rank", 0);
    free_lines(&l);
    return status;
}

static peek_status write_spectrum(page *p, const char *title, const char *block)
{
    const peek__recipe *recipe = p->results->recipe;
    lines l = {0};
    peek_status status = make_lines(p, SPECTRUM, &l);
    for (int64_t n = 0; status == PEEK_OK && n < recipe->networks; n++)
        for (int i = 0; i < SPECTRUM; i++) {
            for (int64_t s = 0; s < p->results->seeds; s++) {
                const cJSON *values = peek__json_member(
                    peek__json_member(peek__json_member(p->results->run[n * p->results->seeds + s], "blocks"),
                                      block),
                    "singular_values");
                const cJSON *first = cJSON_GetArrayItem(values, 0), *value = cJSON_GetArrayItem(values, i);
                p->results->values[s] =
                    first && value && first->valuedouble > 0 ? value->valuedouble / first->valuedouble : NAN;
            }
            peek__interval interval = peek__interval_of(p->results->values, p->results->seeds);
            set_point(&l, n, i, i + 1, &interval);
        }
    if (status == PEEK_OK) status = write_lines(p, &l, title, "number of the singular value", 1);
    free_lines(&l);
    return status;
}

static int is_picture(const peek__study_figure *figure)
{
    return strcmp(figure->what, "components") == 0 || strcmp(figure->what, "loadings") == 0;
}

static int is_shown(const peek__study_figure *figure, const char *network)
{
    const cJSON *name;
    if (!figure->networks) return 1;
    cJSON_ArrayForEach(name, figure->networks)
    {
        if (strcmp(name->valuestring, network) == 0) return 1;
    }
    return 0;
}

/* The models of the first seed and the first rank, network by network. */
static peek_status write_pictures(page *p, const peek__study_figure *figure)
{
    const peek__recipe *recipe = p->results->recipe;
    int components = strcmp(figure->what, "components") == 0;
    PEEK_TRY(peek__put_text(p->context, &p->file, "<h2>%s: ", figure->label));
    PUT("%s at rank %lld</h2><p>Of the first seed's networks. %s</p>\n",
        components ? "components and who has them" : "neurons and components", (long long)recipe->ranks[0],
        components
            ? "What each component is in the input, those first that explain most of it; below, the classes "
              "that have most of it."
            : "A row is a component, a column a neuron; the brighter, the more of the component the neuron "
              "carries (square root, the layer's largest is white). Black columns carry nothing.");
    for (int64_t n = 0; n < recipe->networks; n++) {
        const char *run = p->results->kept[n];
        if (!run || !is_shown(figure, recipe->network[n].name)) continue;
        PEEK_TRY((components ? peek__components_write : peek__loadings_write)(p->context, &p->file, run,
                                                                              recipe->ranks[0], p->names[n]));
    }
    return PEEK_OK;
}

static peek_status write_all_pictures(page *p)
{
    for (int64_t i = 0; i < p->results->recipe->figures; i++)
        if (is_picture(&p->results->recipe->figure[i]))
            PEEK_TRY(write_pictures(p, &p->results->recipe->figure[i]));
    return PEEK_OK;
}

static peek_status write_statements(page *p)
{
    const cJSON *list = peek__json_member(p->summary, "statements"), *statement;
    if (!cJSON_GetArraySize(list)) return PEEK_OK;
    PUT("<h2>What the paper says of single networks</h2><p>Overlap: of the neurons of the last layer that are "
        "active "
        "for either class the share active for both, less that of the average pair of classes; active by mean "
        "activations, or by the components the class has. Unused: the share of neurons that carry a component, "
        "less "
        "that in the well-trained network. Recognised: the share of a class taken for it, less a half. Seen: "
        "the whole "
        "95 %% interval over the seeds is on the paper's side of zero.</p><div class='wide'><table><tr><th>the "
        "paper "
        "says<th>network<th>by<th>difference<th>we find</tr>\n");
    cJSON_ArrayForEach(statement, list)
    {
        const char *verdict = cJSON_GetStringValue(peek__json_member(statement, "verdict"));
        PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s",
                                cJSON_GetStringValue(peek__json_member(statement, "about"))));
        PEEK_TRY(peek__put_text(p->context, &p->file, "<td>%s",
                                cJSON_GetStringValue(peek__json_member(statement, "network"))));
        PEEK_TRY(peek__put_text(p->context, &p->file, "<td>%s",
                                cJSON_GetStringValue(peek__json_member(statement, "by"))));
        PUT("<td>%+.2f", peek__json_value(statement, "mean"));
        if (cJSON_IsNumber(peek__json_member(statement, "low")))
            PUT(" (%+.2f to %+.2f)", peek__json_value(statement, "low"), peek__json_value(statement, "high"));
        PUT("<td class='%s'>%s</tr>\n",
            strcmp(verdict, "seen") == 0           ? "holds"
            : strncmp(verdict, "not seen", 8) == 0 ? "fails"
                                                   : "",
            verdict);
    }
    PUT("</table></div>\n");
    return PEEK_OK;
}

static peek_status write_figures(page *p)
{
    const peek__recipe *recipe = p->results->recipe;
    char title[512];
    PUT("<h2>Figures</h2><p>Beside the paper's raw RMSE, which follows the scale of the activations, stands "
        "the relative "
        "error, from which scale is taken out. Singular values are divided by the largest; steeper means that "
        "fewer "
        "directions carry the layer.</p><div class='figures'>\n");
    for (int64_t i = 0; i < recipe->figures; i++) {
        char *label = NULL, *block = NULL;
        const peek__study_figure *figure = &recipe->figure[i];
        if (is_picture(figure)) continue;
        PEEK_TRY(peek__escape(p->context, figure->label, &label));
        peek_status status = peek__escape(p->context, figure->block ? figure->block : "", &block);
        if (status == PEEK_OK && strcmp(figure->what, "rmse") == 0) {
            snprintf(title, sizeof title, "%s: RMSE of all blocks together, %s", label, recipe->fit[0].name);
            status = write_errors(p, title, (peek__metric){"rmse", 0, 0, NULL});
            if (status == PEEK_OK)
                status = write_errors(p, "The same without scale: relative error of all blocks together",
                                      (peek__metric){"relative_error", 0, 0, NULL});
        } else if (status == PEEK_OK) {
            snprintf(title, sizeof title, "%s: singular values of %s", label, block);
            status = write_spectrum(p, title, figure->block);
        }
        peek__free(&label);
        peek__free(&block);
        PEEK_TRY(status);
    }
    PUT("</div>\n");
    return PEEK_OK;
}

static peek_status write_claims(page *p)
{
    const cJSON *claim, *rank, *pair;
    PUT("<h2>The paper says, we find</h2><p>The claim: each network has the lower number than the next better "
        "trained one. "
        "It holds where the whole 95 %% interval of the difference, paired by seed, is above zero for all "
        "neighbours, and "
        "does not where one lies below.</p><div class='wide'><table><tr><th>claim<th>verdict<th>neighbours for "
        "which it "
        "holds : is reversed : is open</tr>\n");
    cJSON_ArrayForEach(claim, peek__json_member(p->summary, "claims"))
    {
        int counts[3] = {0, 0, 0};
        cJSON_ArrayForEach(rank, peek__json_member(claim, "ranks"))
            cJSON_ArrayForEach(pair, peek__json_member(rank, "pairs")) counts[pair->valueint > 0   ? 0
                                                                              : pair->valueint < 0 ? 1
                                                                                                   : 2]++;
        const char *verdict = cJSON_GetStringValue(peek__json_member(claim, "verdict"));
        PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s",
                                cJSON_GetStringValue(peek__json_member(claim, "about"))));
        PUT("<td class='%s'>", strncmp(verdict, "holds", 5) == 0      ? "holds"
                               : strncmp(verdict, "does not", 8) == 0 ? "fails"
                                                                      : "");
        PEEK_TRY(peek__put_text(p->context, &p->file, "%s", verdict));
        PUT("<td>%d : %d : %d</tr>\n", counts[0], counts[1], counts[2]);
    }
    PUT("</table></div>\n");
    return PEEK_OK;
}

/* Means over the seeds of a layer's overlap matrix; returns the number of classes, 0 where there is none. */
static int64_t mean_overlap(const page *p, int64_t network, const char *layer, double *out, int64_t most)
{
    int64_t classes = 0, runs = 0;
    memset(out, 0, (size_t)(most * most) * sizeof *out);
    for (int64_t s = 0; s < p->results->seeds; s++) {
        const cJSON *rows = peek__json_member(
                        peek__json_member(p->results->run[network * p->results->seeds + s], "overlap"), layer),
                    *row, *item;
        int64_t side = cJSON_GetArraySize(rows), place = 0;
        if (!side || side > most || (classes && side != classes)) continue;
        classes = side;
        runs++;
        cJSON_ArrayForEach(row, rows) cJSON_ArrayForEach(item, row) out[place++] += item->valuedouble;
    }
    for (int64_t i = 0; i < classes * classes; i++) out[i] /= (double)runs;
    return classes;
}

static peek_status write_layer_neurons(page *p, const char *layer)
{
    enum { MOST = 20 };
    double matrix[MOST * MOST];
    char title[512];
    PEEK_TRY(peek__put_text(p->context, &p->file, "<p><b>%s</b></p><div class='rasters'>", layer));
    for (int64_t n = 0; n < p->results->recipe->networks; n++) {
        double carrying = 0;
        int64_t runs = 0, classes = mean_overlap(p, n, layer, matrix, MOST);
        for (int64_t s = 0; s < p->results->seeds; s++) {
            double share = peek__json_value(
                peek__json_member(p->results->run[n * p->results->seeds + s], "carrying"), layer);
            if (isnan(share)) continue;
            carrying += share;
            runs++;
        }
        if (!classes) continue;
        snprintf(title, sizeof title, "%s: %.0f %% of the neurons carry a component at rank %lld", p->names[n],
                 runs ? 100 * carrying / (double)runs : NAN, (long long)p->results->recipe->ranks[0]);
        PEEK_TRY(peek__raster_write(p->context, &p->file, title, classes, matrix));
    }
    PUT("</div>\n");
    return PEEK_OK;
}

static peek_status write_neurons(page *p)
{
    const char *layer;
    PUT("<h2>Neurons that classes share</h2><p>A neuron is active for a class when its mean over the class "
        "exceeds its mean "
        "over all samples. The darker, the more of the neurons active for either class are active for both "
        "(Jaccard index, "
        "mean over the seeds). A neuron carries a component where its largest loading is at least 1 %% of the "
        "layer's "
        "largest.</p>\n");
    for (int64_t b = 0; (layer = peek__results_block(p->results, b)); b++)
        if (strncmp(layer, "input", 5) != 0) PEEK_TRY(write_layer_neurons(p, layer));
    return PEEK_OK;
}

static peek_status write_page(page *p)
{
    PEEK_TRY(write_head(p));
    PEEK_TRY(write_accuracies(p));
    PEEK_TRY(write_figures(p));
    PEEK_TRY(write_claims(p));
    PEEK_TRY(write_statements(p));
    PEEK_TRY(write_all_pictures(p));
    PEEK_TRY(write_neurons(p));
    PUT("<h2>Data</h2><p><a href='accuracy.csv'>accuracy.csv</a>, <a href='errors.csv'>errors.csv</a>, <a "
        "href='singular-values.csv'>singular-values.csv</a>, <a href='summary.json'>summary.json</a>. The "
        "first seed's "
        "networks side by side, with components, neurons and samples: <a "
        "href='compare.html'>compare.html</a>.</p>\n");
    return PEEK_OK;
}

peek_status peek__study_page(peek_context *context, const peek__results *results, const cJSON *summary,
                             const char *folder)
{
    page p = {.context = context, .results = results, .summary = summary};
    char *path = NULL;
    int64_t networks = results->recipe->networks;
    PEEK_TRY(peek__format(context, &path, "%s/study.html", folder));
    peek_status status = peek__alloc(context, &p.names, networks, "names of networks");
    for (int64_t n = 0; status == PEEK_OK && n < networks; n++)
        status = peek__escape(context, results->recipe->network[n].name, &p.names[n]);
    if (status == PEEK_OK) status = peek__file_begin(context, &p.file, path);
    if (status == PEEK_OK) status = write_page(&p);
    if (status == PEEK_OK) status = peek__file_commit(context, &p.file);
    peek__file_abort(&p.file);
    for (int64_t n = 0; p.names && n < networks; n++) peek__free(&p.names[n]);
    peek__free(&p.names);
    peek__free(&path);
    return status;
}

static peek_status write_index(page *p, int64_t count, const char *const *names, cJSON *const *summaries)
{
    PEEK_TRY(peek__page_begin(p->context, &p->file, "Studies"));
    PUT("<p>What the paper says of badly trained networks, put to the test.</p>\n");
    for (int64_t i = 0; i < count; i++) {
        const cJSON *claim;
        if (!summaries[i]) continue;
        PEEK_TRY(peek__put_text(p->context, &p->file, "<h2><a href='%s/study.html'>", names[i]));
        PEEK_TRY(peek__put_text(p->context, &p->file,
                                "%s</a></h2><div class='wide'><table><tr><th>claim<th>verdict</tr>\n",
                                cJSON_GetStringValue(peek__json_member(summaries[i], "title"))));
        cJSON_ArrayForEach(claim, peek__json_member(summaries[i], "claims"))
        {
            PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>%s",
                                    cJSON_GetStringValue(peek__json_member(claim, "about"))));
            PEEK_TRY(peek__put_text(p->context, &p->file, "<td>%s</tr>\n",
                                    cJSON_GetStringValue(peek__json_member(claim, "verdict"))));
        }
        cJSON_ArrayForEach(claim, peek__json_member(summaries[i], "targets"))
        {
            const char *group = cJSON_GetStringValue(peek__json_member(claim, "group"));
            PEEK_TRY(peek__put_text(p->context, &p->file, "<tr><td>accuracy told without labels: %s",
                                    group ? group : "all groups"));
            if (isnan(peek__json_value(claim, "rho")))
                PUT("<td>cannot be said</tr>\n");
            else
                PUT("<td>Spearman %.2f, lower bound %.2f; asked %.2f</tr>\n", peek__json_value(claim, "rho"),
                    peek__json_value(claim, "low"), peek__json_value(claim, "asked"));
        }
        PUT("</table></div>\n");
    }
    return PEEK_OK;
}

peek_status peek__study_index(peek_context *context, const char *folder, int64_t count,
                              const char *const *names, cJSON *const *summaries)
{
    page p = {.context = context};
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/index.html", folder));
    peek_status status = peek__file_begin(context, &p.file, path);
    if (status == PEEK_OK) status = write_index(&p, count, names, summaries);
    if (status == PEEK_OK) status = peek__file_commit(context, &p.file);
    peek__file_abort(&p.file);
    peek__free(&path);
    return status;
}
