/* At which resolution the page shows each block, so that many and large layers stay small together. */
#include <stdint.h>
#include <string.h>

#include "report/payload.h"

/* What one block's loadings may take in the page, over all ranks, and all together; what the maps may that show
 * a component's strongest channels in detail. The input is what one looks at first: its bytes count a third. */
enum { BLOCK_BYTES = 1000000, LOADING_BYTES = 4000000, DETAIL_BYTES = 3000000, INPUT_SHARE = 3 };

/* The longest side of a map, and the longest line, in the page and in detail; how many maps are in detail. */
enum { LARGEST_SIDE = 64, LONGEST_LINE = 512, DETAIL_SIDE = 14, DETAIL_LINE = 64, DETAILS = 6 };

static double loading_bytes(const peek__report_block *block, int64_t components)
{
    return block->fitted ? (double)peek__report_block_entries(block) * (double)components : 0;
}

/* The block that takes most and can be shown smaller, or NULL. */
static peek__report_block *largest(const peek__report_blocks *blocks, int64_t components)
{
    peek__report_block *found = NULL;
    double most = 0;
    for (int64_t b = 0; b < blocks->count; b++) {
        peek__report_block *block = &blocks->list[b];
        peek__report_view coarser = block->view;
        double bytes = loading_bytes(block, components);
        if (strcmp(block->kind, "input") == 0) bytes /= INPUT_SHARE;
        if (bytes <= most || !peek__report_maps_coarsen(&block->maps, &coarser)) continue;
        found = block;
        most = bytes;
    }
    return found;
}

/* The finest resolution that keeps the loadings of all ranks within their bytes. */
static void bound_loadings(peek__report_blocks *blocks, int64_t components)
{
    double all = 0;
    for (int64_t b = 0; b < blocks->count; b++) {
        peek__report_block *block = &blocks->list[b];
        int64_t line = block->maps.flat ? INT64_MAX : LONGEST_LINE;
        block->view = peek__report_maps_fit(&block->maps, LARGEST_SIDE, line);
        while (loading_bytes(block, components) > BLOCK_BYTES &&
               peek__report_maps_coarsen(&block->maps, &block->view))
            continue;
        all += loading_bytes(block, components);
    }
    while (all > LOADING_BYTES) {
        peek__report_block *block = largest(blocks, components);
        if (!block) return;
        all -= loading_bytes(block, components);
        peek__report_maps_coarsen(&block->maps, &block->view);
        all += loading_bytes(block, components);
    }
}

/* What was split is shown as its parts are. */
static void share_views(peek__report_blocks *blocks)
{
    for (int64_t b = 0; b < blocks->count; b++) {
        const peek__report_block *part = &blocks->list[b];
        for (int64_t w = 0; part->sign && w < blocks->count; w++)
            if (!blocks->list[w].sign && blocks->list[w].entry == part->entry)
                blocks->list[w].view = part->view;
    }
}

/* Where a layer's channels had to become very small, the strongest ones of every component are kept larger. */
static void set_details(peek__report_blocks *blocks, int64_t components)
{
    double bytes = 0;
    for (int64_t b = 0; b < blocks->count; b++) {
        peek__report_block *block = &blocks->list[b];
        if (!block->fitted || block->maps.flat || strcmp(block->kind, "input") == 0) continue;
        peek__report_view detail = peek__report_maps_fit(&block->maps, DETAIL_SIDE, DETAIL_LINE);
        if (detail.step >= block->view.step) continue;
        block->detail = detail;
        bytes += (double)peek__report_view_places(&block->maps, &detail) * (double)components;
    }
    double many = bytes > 0 ? DETAIL_BYTES / bytes : 0;
    blocks->details = many < DETAILS ? (int64_t)many : DETAILS;
}

void peek__report_blocks_set_views(peek__report_blocks *blocks, int64_t components)
{
    bound_loadings(blocks, components);
    share_views(blocks);
    set_details(blocks, components);
}
