/* The channels that carry most of a component, larger than the page has room for all channels. */
#include <stdlib.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"

/* Memory of one block's details while they are made. */
typedef struct detail_set {
    const peek__report_block *block;
    int64_t rank, many, places;
    double *energies;  /* channels x rank */
    int32_t *channels; /* rank x many */
    float *channel;    /* one channel in the larger of both views, x rank */
    float *maps;       /* (many x places) x rank */
} detail_set;

/* What every channel carries of every component, as the page sees it, so that both name the same strongest
 * ones. */
static void find_energies(const detail_set *set, const float *loadings)
{
    const peek__report_block *block = set->block;
    int64_t places = peek__report_view_places(&block->maps, &block->view);
    for (int64_t c = 0; c < block->maps.channels; c++) {
        peek__report_maps_channel(&block->maps, &block->view, c, loadings, set->rank, set->channel);
        for (int64_t i = 0; i < places * set->rank; i++)
            set->energies[c * set->rank + i % set->rank] += (double)set->channel[i] * set->channel[i];
    }
}

/* The strongest channel that was not taken yet; taking one marks its energy with -1. */
static int32_t take_strongest(const detail_set *set, int64_t component)
{
    int64_t best = 0;
    for (int64_t c = 1; c < set->block->maps.channels; c++)
        if (set->energies[c * set->rank + component] > set->energies[best * set->rank + component]) best = c;
    set->energies[best * set->rank + component] = -1;
    return (int32_t)best;
}

static void fill(const detail_set *set, const float *loadings)
{
    for (int64_t r = 0; r < set->rank; r++)
        for (int64_t m = 0; m < set->many; m++) {
            int32_t channel = take_strongest(set, r);
            set->channels[r * set->many + m] = channel;
            peek__report_maps_channel(&set->block->maps, &set->block->detail, channel, loadings, set->rank,
                                      set->channel);
            for (int64_t i = 0; i < set->places; i++)
                set->maps[(m * set->places + i) * set->rank + r] = set->channel[i * set->rank + r];
        }
}

static peek_status pack(peek_context *context, const detail_set *set, cJSON *object)
{
    const peek__report_view *view = &set->block->detail;
    const double sizes[] = {(double)(view->slices * view->height), (double)view->width};
    cJSON *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "details", cJSON_CreateObject(), &item));
    PEEK_TRY(peek__json_add_numbers(context, item, "view", sizes, 2));
    if (view->slices > 1) PEEK_TRY(peek__json_add_number(context, item, "slices", (double)view->slices));
    PEEK_TRY(peek__pack_int32(context, item, "channels", set->channels, set->rank * set->many));
    return peek__pack_root8(context, item, "maps", set->maps, set->many * set->places, set->rank,
                            set->block->name);
}

peek_status peek__report_add_details(peek_context *context, const peek__report_block *block, int64_t many,
                                     const float *loadings, int64_t rank, cJSON *object)
{
    detail_set set = {.block = block, .rank = rank, .many = many};
    if (set.many > block->maps.channels) set.many = block->maps.channels;
    if (!block->detail.step || !set.many) return PEEK_OK;
    set.places = peek__report_view_places(&block->maps, &block->detail);
    int64_t values = peek__product(set.places, rank);
    const char *what = "the loadings in the report";
    peek_status status = peek__alloc(context, &set.energies, peek__product(block->maps.channels, rank), what);
    if (status == PEEK_OK) status = peek__alloc(context, &set.channels, rank * set.many, what);
    if (status == PEEK_OK) status = peek__alloc(context, &set.channel, values, what);
    if (status == PEEK_OK) status = peek__alloc(context, &set.maps, peek__product(values, set.many), what);
    if (status == PEEK_OK) {
        find_energies(&set, loadings);
        fill(&set, loadings);
        status = pack(context, &set, object);
    }
    peek__free(&set.maps);
    peek__free(&set.channel);
    peek__free(&set.channels);
    peek__free(&set.energies);
    return status;
}
