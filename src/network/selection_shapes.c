/* network/selection_shapes.c: layout and reduction of every block of a capture, and what there is to tell of
 * them. */
#include "network/automatic.h"
#include "network/selection.h"

#include <stdio.h>
#include <string.h>

/* A block of an input: a channel of pictures, or the sample that the network gets. */
static void describe_input(const peek__feeds *feeds, peek__chosen *chosen)
{
    const peek__feed *feed = &feeds->feed[chosen->input];
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    peek__reduction *block = &chosen->reduction;
    *block = (peek__reduction){.dimensions = feed->sample.dimensions, .columns = feed->sample.size};
    memcpy(block->shape, feed->sample.shape, sizeof block->shape);
    if (chosen->channel >= 0) {
        const int64_t plane[] = {1, data.height, data.width};
        block->dimensions = 3;
        memcpy(block->shape, plane, sizeof plane);
        block->columns = data.height * data.width;
    }
    block->layout = block->dimensions < 2 || feed->names ? PEEK__FLAT : PEEK__CHANNELS_FIRST;
}

/* What peek__reduce_choose() takes and gives, one a layer. */
typedef struct reducing {
    int64_t count, *value;
    peek__layout *layout;
    peek__reduction *reduction;
} reducing;

static peek_status list_layers(peek_context *context, const peek_network *network, const peek__survey *survey,
                               const peek__selection *selection, reducing *r)
{
    int64_t most = selection->count;
    PEEK_TRY(peek__alloc(context, &r->value, most, "the list of layers"));
    PEEK_TRY(peek__alloc(context, &r->layout, most, "the list of layers"));
    PEEK_TRY(peek__alloc(context, &r->reduction, most, "the list of layers"));
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        const peek__chosen *chosen = &selection->chosen[i];
        r->value[r->count] = chosen->value;
        r->layout[r->count++] = peek__layout_find(network, survey, chosen->value);
    }
    return PEEK_OK;
}

peek_status peek__selection_reduce(peek_context *context, const peek_network *network,
                                   const peek__survey *survey, const peek__feeds *feeds,
                                   const peek_capture_options *options, peek__selection *selection)
{
    peek__reduce_wish wish;
    reducing r = {0};
    PEEK_TRY(peek__reduce_parse(context, options->reduce ? options->reduce : "none", &wish));
    for (int64_t i = 0; i < selection->inputs; i++) describe_input(feeds, &selection->chosen[i]);
    peek_status status = list_layers(context, network, survey, selection, &r);
    if (status == PEEK_OK) {
        double bytes = (double)peek__type_size(peek__layer_type(options->store));
        double numbers = options->budget * 1e9 / bytes / (double)feeds->samples;
        peek__reduce_choose(&wish, survey, r.count, r.value, r.layout, numbers, r.reduction);
        for (int64_t i = 0; i < r.count; i++)
            selection->chosen[selection->inputs + i].reduction = r.reduction[i];
    }
    peek__free(&r.value);
    peek__free(&r.layout);
    peek__free(&r.reduction);
    return status;
}

/* The layers with the same reduction as entry `first`, as "grid:14 'relu1' and 3 others"; 0 where an earlier
 * entry is of this kind. */
static int list_alike(const peek__selection *selection, int64_t first, char *out, size_t size)
{
    char mine[32], other[32];
    int64_t alike = 0;
    peek__reduction_text(&selection->chosen[first].reduction, mine);
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        if (strcmp(peek__reduction_text(&selection->chosen[i].reduction, other), mine) != 0) continue;
        if (i < first) return 0;
        alike++;
    }
    snprintf(out, size, alike > 1 ? "%s for '%s' and %lld more" : "%s for '%s'", mine,
             selection->chosen[first].name, (long long)alike - 1);
    return 1;
}

/* What was averaged because of the budget, in one sentence. */
static void tell_reduced(peek_context *context, const peek__selection *selection, double budget)
{
    char kinds[1024] = "", kind[256];
    int64_t reduced = 0;
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        if (selection->chosen[i].reduction.how == PEEK__REDUCE_NONE) continue;
        reduced++;
        if (!list_alike(selection, i, kind, sizeof kind)) continue;
        size_t used = strlen(kinds);
        snprintf(kinds + used, sizeof kinds - used, "%s%s", used ? ", " : "", kind);
    }
    if (reduced)
        peek__note(
            context,
            "%lld of %lld layers are averaged to stay within %g GB (--budget): %s; manifest.json lists them, "
            "--reduce none keeps all",
            (long long)reduced, (long long)(selection->count - selection->inputs), budget, kinds);
}

/* Whether automatic layers are what weights make, for want of activation functions. */
static int is_by_weights(const peek_network *network, const peek__selection *selection)
{
    for (int64_t i = selection->inputs; i < selection->count && selection->automatic; i++)
        if (network->automatic[selection->chosen[i].value] == PEEK__WEIGHTS_ALONE) return 1;
    return 0;
}

/* What --store could not do for an input. */
static void tell_stored(peek_context *context, int64_t store, const peek__selection *selection)
{
    for (int64_t i = 0; store == PEEK_STORE_PIXELS && i < selection->inputs; i++) {
        if (selection->chosen[i].storage.type != PEEK__FLOAT32) continue;
        peek__note(context,
                   "'%s' is stored as float32: its values are not those of 8-bit pictures in their own size",
                   selection->chosen[i].name);
        return;
    }
}

void peek__selection_tell(peek_context *context, const peek_network *network, const peek__feeds *feeds,
                          const peek_capture_options *options, const peek__selection *selection)
{
    tell_stored(context, options->store, selection);
    for (int64_t i = 0; i < feeds->count; i++)
        if (feeds->feed[i].names)
            peek__note(context,
                       "the input '%s' holds whole numbers, which name things rather than measure them: it is "
                       "captured, but takes no part in the factorisation",
                       network->value[network->input[i].value].name);
    if (is_by_weights(network, selection))
        peek__note(context, "the network has no activation functions between input and output: taking what its "
                            "convolutions and matrix products make");
    if (options->reduce && strstr(options->reduce, "auto")) tell_reduced(context, selection, options->budget);
}
