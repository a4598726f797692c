#include "report/report_maps.h"

#include <string.h>

#include "base/memory.h"
#include "report/run_files.h"
#include "store/file.h"

enum { DIMENSIONS = 4 };

/* Takes up to four sizes; gives their number, or 0 where the shape is none or their product is not `columns`.
 */
static int read_shape(const cJSON *shape, int64_t columns, int64_t sizes[DIMENSIONS])
{
    int dimensions = cJSON_GetArraySize(shape);
    int64_t product = 1;
    if (dimensions < 1 || dimensions > DIMENSIONS) return 0;
    for (int i = 0; i < dimensions; i++) {
        sizes[i] = peek__json_count(cJSON_GetArrayItem(shape, i));
        product = peek__product(product, sizes[i]);
    }
    return product == columns ? dimensions : 0;
}

/* The dimensions of a map, of which the leading ones may be missing. */
static void set_map(peek__report_maps *maps, int dimensions, const int64_t *sizes)
{
    int64_t *const of[] = {&maps->slices, &maps->height, &maps->width};
    for (int i = 0; i < dimensions; i++) *of[3 - dimensions + i] = sizes[i];
}

/* Tokens lie on the grid that the manifest gives them where their number agrees. */
static void set_grid(peek__report_maps *maps, const cJSON *entry, int64_t tokens)
{
    const cJSON *grid = cJSON_GetObjectItemCaseSensitive(entry, "token_grid");
    int64_t lead = peek__json_count(cJSON_GetObjectItemCaseSensitive(entry, "token_lead"));
    int64_t sizes[] = {peek__json_count(cJSON_GetArrayItem(grid, 0)),
                       peek__json_count(cJSON_GetArrayItem(grid, 1))};
    int64_t placed = peek__product(sizes[0], sizes[1]);
    if (placed < 1 || lead > tokens || placed != tokens - lead) return;
    maps->lead = lead;
    set_map(maps, 2, sizes);
}

peek__report_maps peek__report_maps_read(const cJSON *entry, int64_t columns)
{
    const peek__report_maps flat = {.flat = 1, .channels = 1, .slices = 1, .height = 1, .width = columns};
    peek__report_maps maps = {.channels = 1, .slices = 1, .height = 1, .width = 1};
    int64_t sizes[DIMENSIONS] = {0};
    int dimensions = read_shape(cJSON_GetObjectItemCaseSensitive(entry, "shape"), columns, sizes);
    const char *layout = peek__json_text(entry, "layout", "");
    int tokens = strcmp(layout, "tokens") == 0 && dimensions == 2;
    maps.last = tokens || strcmp(layout, "channels-last") == 0;
    if (dimensions < 2 || strcmp(layout, "flat") == 0) return flat;
    if (tokens || maps.last || strcmp(layout, "channels-first") == 0 || dimensions == 3) {
        maps.channels = maps.last ? sizes[dimensions - 1] : sizes[0];
        set_map(&maps, dimensions - 1, maps.last ? sizes : sizes + 1);
        if (tokens) set_grid(&maps, entry, sizes[0]);
    } else if (dimensions == 2 && sizes[0] > 1 && sizes[1] > 1) {
        set_map(&maps, 2, sizes);
    } else {
        return flat;
    }
    return maps;
}

/* Of a >= 1; does not overflow. */
static int64_t divide_up(int64_t a, int64_t b)
{
    return (a - 1) / b + 1;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

peek__report_view peek__report_maps_view(const peek__report_maps *maps, int64_t step)
{
    return (peek__report_view){step, divide_up(maps->slices, step), divide_up(maps->height, step),
                               divide_up(maps->width, step)};
}

static int64_t longest(const peek__report_maps *maps)
{
    int64_t side = maps->height > maps->width ? maps->height : maps->width;
    return maps->slices > side ? maps->slices : side;
}

peek__report_view peek__report_maps_fit(const peek__report_maps *maps, int64_t side, int64_t line)
{
    int64_t most = maps->slices == 1 && maps->height == 1 ? line : side;
    return peek__report_maps_view(maps, divide_up(longest(maps), most));
}

int peek__report_maps_coarsen(const peek__report_maps *maps, peek__report_view *view)
{
    if (view->step >= longest(maps)) return 0;
    *view = peek__report_maps_view(maps, view->step + 1);
    return 1;
}

int64_t peek__report_view_places(const peek__report_maps *maps, const peek__report_view *view)
{
    return maps->lead + view->slices * view->height * view->width;
}

/* The row of values in which the files have a channel's place. */
static int64_t row_of(const peek__report_maps *maps, int64_t channel, int64_t place)
{
    int64_t places = maps->lead + maps->slices * maps->height * maps->width;
    return maps->last ? place * maps->channels + channel : channel * places + place;
}

/* Adds one row of values to out. */
static void add_row(const float *values, int64_t row, int64_t columns, float *out)
{
    for (int64_t r = 0; r < columns; r++) out[r] += values[row * columns + r];
}

/* The mean over one field of a view: step entries in every direction, fewer at the borders. */
static void average(const peek__report_maps *maps, int64_t step, int64_t channel, const int64_t field[3],
                    const float *values, int64_t columns, float *out)
{
    int64_t from[3], to[3];
    const int64_t sizes[] = {maps->slices, maps->height, maps->width};
    for (int i = 0; i < 3; i++) {
        from[i] = field[i] * step;
        to[i] = least(from[i] + step, sizes[i]);
    }
    memset(out, 0, (size_t)columns * sizeof *out);
    for (int64_t z = from[0]; z < to[0]; z++)
        for (int64_t y = from[1]; y < to[1]; y++)
            for (int64_t x = from[2]; x < to[2]; x++) {
                int64_t place = maps->lead + (z * maps->height + y) * maps->width + x;
                add_row(values, row_of(maps, channel, place), columns, out);
            }
    int64_t entries = (to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]);
    for (int64_t r = 0; r < columns; r++) out[r] /= (float)entries;
}

void peek__report_maps_channel(const peek__report_maps *maps, const peek__report_view *view, int64_t channel,
                               const float *values, int64_t columns, float *out)
{
    for (int64_t place = 0; place < maps->lead; place++, out += columns)
        memcpy(out, values + row_of(maps, channel, place) * columns, (size_t)columns * sizeof *out);
    for (int64_t z = 0; z < view->slices; z++)
        for (int64_t y = 0; y < view->height; y++)
            for (int64_t x = 0; x < view->width; x++, out += columns)
                average(maps, view->step, channel, (int64_t[]){z, y, x}, values, columns, out);
}

void peek__report_maps_all(const peek__report_maps *maps, const peek__report_view *view, const float *values,
                           int64_t columns, float *out)
{
    int64_t size = peek__report_view_places(maps, view) * columns;
    for (int64_t c = 0; c < maps->channels; c++)
        peek__report_maps_channel(maps, view, c, values, columns, out + c * size);
}
