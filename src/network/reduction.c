/* network/reduction.c: fewer numbers a layer: maps and tokens averaged before they are written. */
#include "network/reduction.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static peek_status refuse(peek_context *context, const char *text)
{
    return peek__fail(
        context, PEEK_E_ARGUMENT,
        "the reduction '%.200s' is not understood: give auto, none, mean, max, grid:G (maps become "
        "averages over G x G cells) or first (the first token), or one for maps and one for tokens, as "
        "in grid:7,first",
        text);
}

static int read_word(const char *word, size_t length, peek__reduce_wish *out)
{
    static const struct {
        const char *word;
        peek__reduce_how how;
        int maps, tokens;
    } words[] = {{"auto", PEEK__REDUCE_AUTO, 1, 1},
                 {"none", PEEK__REDUCE_NONE, 1, 1},
                 {"mean", PEEK__REDUCE_MEAN, 1, 1},
                 {"max", PEEK__REDUCE_MAX, 1, 1},
                 {"first", PEEK__REDUCE_FIRST, 0, 1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) != length || strncmp(words[i].word, word, length) != 0) continue;
        if (words[i].maps) out->maps = words[i].how;
        if (words[i].tokens) out->tokens = words[i].how;
        return 1;
    }
    char *end;
    if (strncmp(word, "grid:", 5) != 0 || word[5] < '1' || word[5] > '9') return 0;
    out->maps = PEEK__REDUCE_GRID;
    out->grid = strtoll(word + 5, &end, 10);
    return end == word + length && out->grid <= 1 << 20;
}

peek_status peek__reduce_parse(peek_context *context, const char *text, peek__reduce_wish *out)
{
    *out = (peek__reduce_wish){.maps = PEEK__REDUCE_NONE, .tokens = PEEK__REDUCE_NONE};
    for (const char *word = text;; word++) {
        size_t length = strcspn(word, ",");
        if (!read_word(word, length, out)) return refuse(context, text);
        word += length;
        if (!*word) return PEEK_OK;
    }
}

static int has_places(const peek__reduction *reduction)
{
    return reduction->channels != reduction->columns;
}

/* The layer as it is. */
static void take_whole(const peek__layer *layer, peek__layout layout, peek__reduction *out)
{
    *out = (peek__reduction){.layout = layout,
                             .dimensions = layer->dimensions,
                             .channels = layer->size,
                             .size = {1, 1, 1},
                             .cells = {1, 1, 1},
                             .columns = layer->size};
    memcpy(out->shape, layer->shape, sizeof out->shape);
    if (layout == PEEK__FLAT) return;
    out->features_last = layout != PEEK__CHANNELS_FIRST;
    out->channels = layer->shape[out->features_last ? layer->dimensions - 1 : 0];
    int places = layer->dimensions - 1;
    for (int d = 0; d < places; d++)
        out->size[3 - places + d] = out->cells[3 - places + d] = layer->shape[d + !out->features_last];
}

/* Every channel becomes one number. */
static void take_one(peek__reduction *out, peek__reduce_how how)
{
    if (!has_places(out)) return;
    out->how = how;
    out->layout = PEEK__FLAT;
    out->dimensions = 1;
    out->shape[0] = out->columns = out->channels;
    for (int d = 0; d < 3; d++) out->cells[d] = 1;
}

/* Cells along each side: as many as `grid` along the longest, in proportion along the others. */
static int64_t set_cells(const peek__reduction *of, int64_t grid, int64_t cells[3])
{
    int64_t longest = 1, total = 1;
    for (int d = 0; d < 3; d++)
        if (of->size[d] > longest) longest = of->size[d];
    for (int d = 0; d < 3; d++) {
        cells[d] = (of->size[d] * grid + longest / 2) / longest;
        if (cells[d] < 1) cells[d] = 1;
        if (cells[d] > of->size[d]) cells[d] = of->size[d];
        total *= cells[d];
    }
    return total * of->channels;
}

static void take_grid(peek__reduction *out, int64_t grid)
{
    int64_t cells[3], columns = set_cells(out, grid, cells);
    if (!has_places(out) || columns >= out->columns) return;
    if (columns == out->channels) {
        take_one(out, PEEK__REDUCE_MEAN);
        return;
    }
    int places = out->dimensions - 1;
    out->how = PEEK__REDUCE_GRID;
    out->columns = columns;
    for (int d = 0; d < 3; d++) out->cells[d] = cells[d];
    for (int d = 0; d < places; d++) out->shape[d + !out->features_last] = cells[3 - places + d];
}

/* The finest grid with at most `limit` numbers; where one that divides the maps evenly is nearly as fine, that.
 */
static int64_t finest_grid(const peek__reduction *of, int64_t limit)
{
    int64_t longest = 1, low = 1, cells[3];
    for (int d = 0; d < 3; d++)
        if (of->size[d] > longest) longest = of->size[d];
    int64_t high = longest;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (set_cells(of, middle, cells) <= limit)
            low = middle;
        else
            high = middle - 1;
    }
    for (int64_t grid = low; 4 * grid >= 3 * low && grid > 1; grid--)
        if (longest % grid == 0) return grid;
    return low;
}

static void take_limited(peek__reduction *out, int64_t limit)
{
    if (out->columns <= limit) return;
    if (out->layout == PEEK__TOKENS)
        take_one(out, PEEK__REDUCE_MEAN);
    else
        take_grid(out, finest_grid(out, limit));
}

static void take_wish(const peek__reduce_wish *wish, int64_t limit, peek__reduction *out)
{
    peek__reduce_how how = out->layout == PEEK__TOKENS ? wish->tokens : wish->maps;
    if (how == PEEK__REDUCE_AUTO)
        take_limited(out, limit);
    else if (how == PEEK__REDUCE_GRID)
        take_grid(out, wish->grid);
    else if (how != PEEK__REDUCE_NONE)
        take_one(out, how);
}

/* All layers with a limit for each; returns how many numbers that makes. */
static double take_all(const peek__reduce_wish *wish, const peek__survey *survey, int64_t count,
                       const int64_t *value, const peek__layout *layout, int64_t limit, peek__reduction *out)
{
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
        take_whole(&survey->layer[value[i]], layout[i], &out[i]);
        take_wish(wish, limit, &out[i]);
        total += (double)out[i].columns;
    }
    return total;
}

void peek__reduce_choose(const peek__reduce_wish *wish, const peek__survey *survey, int64_t count,
                         const int64_t *value, const peek__layout *layout, double budget, peek__reduction *out)
{
    int64_t low = 1, high = 1;
    for (int64_t i = 0; i < count; i++)
        if (survey->layer[value[i]].size > high) high = survey->layer[value[i]].size;
    if (take_all(wish, survey, count, value, layout, high, out) <= budget) return;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (take_all(wish, survey, count, value, layout, middle, out) <= budget)
            low = middle;
        else
            high = middle - 1;
    }
    take_all(wish, survey, count, value, layout, low, out);
}

const char *peek__reduction_text(const peek__reduction *reduction, char *buffer)
{
    static const char *const words[] = {"none", "mean", "max", "grid", "first", "auto"};
    int64_t longest = 1;
    for (int d = 0; d < 3; d++)
        if (reduction->cells[d] > longest) longest = reduction->cells[d];
    if (reduction->how == PEEK__REDUCE_GRID)
        snprintf(buffer, 32, "grid:%lld", (long long)longest);
    else
        snprintf(buffer, 32, "%s", words[reduction->how]);
    return buffer;
}

/* Sum or maximum of a channel over places from .. to-1 along each side. */
static float gather(const peek__reduction *r, const float *channel, const int64_t from[3], const int64_t to[3])
{
    int64_t step = r->features_last ? r->channels : 1;
    int maximum = r->how == PEEK__REDUCE_MAX;
    double sum = 0;
    float most = -INFINITY;
    for (int64_t z = from[0]; z < to[0]; z++)
        for (int64_t y = from[1]; y < to[1]; y++) {
            const float *line = channel + (z * r->size[1] + y) * r->size[2] * step;
            for (int64_t x = from[2]; x < to[2]; x++) {
                float number = line[x * step];
                if (maximum)
                    most = number > most || isnan(number) ? number : most;
                else
                    sum += number;
            }
        }
    int64_t places = (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    return maximum ? most : (float)(sum / (double)places);
}

/* All cells of one channel. */
static void reduce_channel(const peek__reduction *r, const float *channel, float *out, int64_t out_step)
{
    int64_t cell[3], from[3], to[3];
    for (cell[0] = 0; cell[0] < r->cells[0]; cell[0]++)
        for (cell[1] = 0; cell[1] < r->cells[1]; cell[1]++)
            for (cell[2] = 0; cell[2] < r->cells[2]; cell[2]++, out += out_step) {
                for (int d = 0; d < 3; d++) {
                    from[d] = cell[d] * r->size[d] / r->cells[d];
                    to[d] = ((cell[d] + 1) * r->size[d] + r->cells[d] - 1) / r->cells[d];
                }
                *out = gather(r, channel, from, to);
            }
}

void peek__reduce(const peek__reduction *reduction, const float *in, float *out)
{
    int64_t places = reduction->size[0] * reduction->size[1] * reduction->size[2];
    int64_t cells = reduction->cells[0] * reduction->cells[1] * reduction->cells[2];
    if (reduction->how == PEEK__REDUCE_NONE || reduction->how == PEEK__REDUCE_FIRST) {
        memcpy(out, in, (size_t)reduction->columns * sizeof *out);
        return;
    }
    for (int64_t c = 0; c < reduction->channels; c++)
        reduce_channel(reduction, in + (reduction->features_last ? c : c * places),
                       out + (reduction->features_last ? c : c * cells),
                       reduction->features_last ? reduction->channels : 1);
}
