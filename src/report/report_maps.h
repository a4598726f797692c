/* report/report_maps.h: how one sample's values of a block lie: channels, each a map of rows x columns, a line,
 * a volume's slices, or tokens on a grid; and the resolution at which the page shows them.
 *
 * Whatever the order in the files, the page gets channel by channel, and in each first the values that are kept
 * apart, then the map. */
#ifndef REPORT_REPORT_MAPS_H
#define REPORT_REPORT_MAPS_H

#include "base/json_made.h"

#include "base/context.h"

typedef struct peek__report_maps {
    int flat;                      /* neurons without a place: one channel, a line of them */
    int last;                      /* the channel is the last dimension in the files, not the first */
    int64_t channels, lead;        /* lead: places before the map, kept apart (class token, registers) */
    int64_t slices, height, width; /* of the map */
} peek__report_maps;

/* The size of a map when step x step entries (of volumes step x step x step) are averaged. */
typedef struct peek__report_view {
    int64_t step, slices, height, width;
} peek__report_view;

/* Reads "layout", "shape", "token_grid" and "token_lead" of a manifest's entry (NULL: nothing is known). A
 * shape without a layout is taken for [C, H, W] or [H, W]; one that does not have `columns` entries is flat. */
peek__report_maps peek__report_maps_read(const cJSON *entry, int64_t columns);

peek__report_view peek__report_maps_view(const peek__report_maps *maps, int64_t step);

/* The finest view whose maps have sides up to `side`, and whose lines are up to `line` long. */
peek__report_view peek__report_maps_fit(const peek__report_maps *maps, int64_t side, int64_t line);

/* The next coarser view into *view, or 0 where there is none. */
int peek__report_maps_coarsen(const peek__report_maps *maps, peek__report_view *view);

/* The values of one channel in a view. */
int64_t peek__report_view_places(const peek__report_maps *maps, const peek__report_view *view);

/* Averages one channel of values (rows x columns, a row an entry as the files order them) into out (places x
 * columns). */
void peek__report_maps_channel(const peek__report_maps *maps, const peek__report_view *view, int64_t channel,
                               const float *values, int64_t columns, float *out);

/* All channels, one behind the other. */
void peek__report_maps_all(const peek__report_maps *maps, const peek__report_view *view, const float *values,
                           int64_t columns, float *out);

#endif
