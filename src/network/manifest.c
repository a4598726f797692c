/* network/manifest.c: manifest.json of a capture: what was captured from what. */
#include "network/manifest.h"
#include "base/options.h"
#include "data/content.h"
#include "network/operators.h"
#include "store/file.h"

#include <string.h>

/* Of the arrays in a capture: raised when the same options mean other bytes. */
enum { FORMAT = 1 };

/* A document that remembers whether anything could not be added; it is checked once, at the end. */
typedef struct document {
    int failed;
} document;

static void put_text(document *d, cJSON *object, const char *key, const char *text)
{
    if (!object || !cJSON_AddStringToObject(object, key, text ? text : "")) d->failed = 1;
}

static void put_number(document *d, cJSON *object, const char *key, double number)
{
    if (!object || !cJSON_AddNumberToObject(object, key, number)) d->failed = 1;
}

static cJSON *put_object(document *d, cJSON *object, const char *key)
{
    cJSON *made = object ? cJSON_AddObjectToObject(object, key) : NULL;
    if (!made) d->failed = 1;
    return made;
}

static cJSON *put_array(document *d, cJSON *object, const char *key)
{
    cJSON *made = object ? cJSON_AddArrayToObject(object, key) : NULL;
    if (!made) d->failed = 1;
    return made;
}

/* Takes the item. */
static cJSON *append(document *d, cJSON *array, cJSON *item)
{
    if (cJSON_AddItemToArray(array, item)) return item;
    d->failed = 1;
    return NULL;
}

static void put_network(document *d, cJSON *root, const peek_network *network)
{
    peek_network_info info = peek_network_describe(network);
    cJSON *object = put_object(d, root, "network");
    put_text(d, object, "name", info.name);
    put_text(d, object, "digest", info.digest);
    put_text(d, object, "producer", info.producer);
    put_number(d, object, "opset", (double)info.opset);
    put_number(d, object, "parameters", (double)info.parameters);
}

/* The data of the first input, whose labels a capture has. */
static const peek_dataset *first_data(const peek__manifest *manifest)
{
    return manifest->feeds->feed[0].dataset;
}

/* Files of all inputs that were left out since they are broken; only where that was allowed. */
static void put_skipped_files(document *d, cJSON *data, const peek__feeds *feeds)
{
    cJSON *array = NULL;
    for (int64_t i = 0; i < feeds->count; i++) {
        const peek__content *content = feeds->feed[i].dataset->content;
        if (content->skip_broken && !array) array = put_array(d, data, "skipped_files");
        for (int64_t j = 0; j < content->skipped_count; j++) {
            cJSON *entry = append(d, array, cJSON_CreateObject());
            put_text(d, entry, "name", content->skipped[j].name);
            put_text(d, entry, "reason", content->skipped[j].reason);
        }
    }
}

static void put_data(document *d, cJSON *root, const peek__manifest *manifest)
{
    const peek_dataset *labelled = peek__feeds_labelled(manifest->feeds);
    if (!labelled) labelled = first_data(manifest);
    peek_dataset_info info = peek_dataset_describe(labelled);
    cJSON *object = put_object(d, root, "data");
    put_text(d, object, "name", peek_dataset_describe(first_data(manifest)).name);
    put_number(d, object, "count", (double)manifest->feeds->opened);
    cJSON *names = put_array(d, object, "class_names");
    for (int64_t i = 0; i < info.class_count; i++) {
        const char *name = peek_dataset_class_name(labelled, i);
        append(d, names, cJSON_CreateString(name ? name : ""));
    }
    put_skipped_files(d, object, manifest->feeds);
}

static void put_samples(document *d, cJSON *root, const peek__manifest *manifest)
{
    int64_t count = manifest->feeds->samples;
    cJSON *object = put_object(d, root, "samples");
    put_number(d, object, "count", (double)count);
    int all = count == manifest->feeds->opened;
    put_text(d, object, "chosen", all ? "all" : "random");
    put_number(d, object, "seed", (double)manifest->options->seed);
    if (all) return;
    cJSON *indices = put_array(d, object, "indices");
    const int64_t *index = peek_dataset_indices(first_data(manifest));
    for (int64_t i = 0; i < count; i++) append(d, indices, cJSON_CreateNumber((double)index[i]));
}

static void put_sizes(document *d, cJSON *block, const char *key, int64_t count, const int64_t *sizes)
{
    cJSON *array = put_array(d, block, key);
    for (int64_t i = 0; i < count; i++) append(d, array, cJSON_CreateNumber((double)sizes[i]));
}

/* Tokens that are patches of the network's pictures: where each lies. */
static void put_grid(document *d, cJSON *block, const peek__manifest *manifest, int64_t tokens)
{
    int64_t grid[2], lead;
    for (int64_t i = 0; i < manifest->feeds->count; i++) {
        const peek__feed *feed = &manifest->feeds->feed[i];
        peek_dataset_info data = peek_dataset_describe(feed->dataset);
        if (!feed->planes || !peek__layout_grid(tokens, data.height, data.width, grid, &lead)) continue;
        put_sizes(d, block, "token_grid", 2, grid);
        put_number(d, block, "token_lead", (double)lead);
        return;
    }
}

static void put_block(document *d, cJSON *blocks, const peek__manifest *manifest, const peek__chosen *chosen)
{
    const peek_network *network = manifest->network;
    const peek__reduction *made = &chosen->reduction;
    int input = chosen->value < 0;
    const peek__node *node = input ? NULL : &network->node[network->value[chosen->value].node];
    char text[32];
    cJSON *block = append(d, blocks, cJSON_CreateObject());
    put_text(d, block, "name", chosen->name);
    put_text(d, block, "file", chosen->file);
    put_text(d, block, "kind", input ? "input" : chosen->output ? "output" : "layer");
    put_text(d, block, "operator", input ? "" : node->op);
    put_text(d, block, "node", input ? "" : node->name);
    if (input) put_text(d, block, "input", network->value[network->input[chosen->input].value].name);
    if (input && chosen->channel >= 0) put_number(d, block, "channel", (double)chosen->channel);
    put_sizes(d, block, "shape", made->dimensions, made->shape);
    put_text(d, block, "layout", peek__layout_name(made->layout));
    put_number(d, block, "columns", (double)made->columns);
    put_text(d, block, "type", peek__type_name(chosen->storage.type));
    if (chosen->storage.scale != 1) put_number(d, block, "scale", (double)chosen->storage.scale);
    put_text(d, block, "reduction", peek__reduction_text(made, text));
    if (made->how != PEEK__REDUCE_NONE) {
        const peek__layer *layer = &manifest->survey->layer[chosen->value];
        put_sizes(d, block, "full_shape", layer->dimensions, layer->shape);
    }
    if (made->layout == PEEK__TOKENS) put_grid(d, block, manifest, made->shape[0]);
    if (!block || !cJSON_AddBoolToObject(block, "fit", chosen->fit)) d->failed = 1;
}

static void put_skipped(document *d, cJSON *root, const peek__manifest *manifest)
{
    const peek_network *network = manifest->network;
    const peek__survey *survey = network->survey;
    cJSON *skipped = put_array(d, root, "skipped");
    for (int64_t i = 0, next = manifest->selection->inputs; i < survey->tensors; i++) {
        if (next < manifest->selection->count && manifest->selection->chosen[next].value == survey->tensor[i]) {
            next++;
            continue;
        }
        const peek__value *value = &network->value[survey->tensor[i]];
        cJSON *entry = append(d, skipped, cJSON_CreateObject());
        put_text(d, entry, "name", value->name);
        put_text(d, entry, "operator", network->node[value->node].op);
        put_text(d, entry, "reason", peek__selection_reason(manifest->selection, network, survey->tensor[i]));
    }
}

/* The options as resolved, without those that change nothing in what comes out. */
static void put_options(document *d, cJSON *root, const peek_capture_options *options)
{
    cJSON *object = peek__options_json(peek_capture_option_table(), options);
    cJSON_DeleteItemFromObjectCaseSensitive(object, "resume");
    cJSON_DeleteItemFromObjectCaseSensitive(object, "checkpoint_every");
    if (!cJSON_AddItemToObject(root, "options", object)) d->failed = 1;
}

/* NULL where the memory does not suffice. */
static cJSON *make_document(const peek__manifest *manifest, const char *preprocess)
{
    document d = {0};
    cJSON *root = cJSON_CreateObject();
    put_text(&d, root, "version", peek_version());
    if (manifest->made_from) put_text(&d, root, "made_from", manifest->made_from);
    put_number(&d, root, "seed", (double)manifest->options->seed);
    put_network(&d, root, manifest->network);
    put_data(&d, root, manifest);
    put_samples(&d, root, manifest);
    put_text(&d, root, "preprocess", preprocess);
    cJSON *blocks = put_array(&d, root, "blocks");
    for (int64_t i = 0; i < manifest->selection->count; i++)
        put_block(&d, blocks, manifest, &manifest->selection->chosen[i]);
    put_skipped(&d, root, manifest);
    put_options(&d, root, manifest->options);
    if (!d.failed) return root;
    cJSON_Delete(root);
    return NULL;
}

peek_status peek__manifest_write(peek_context *context, const peek__manifest *manifest, const char *folder)
{
    char *path = NULL, *preprocess = NULL;
    PEEK_TRY(peek__feeds_preprocess(context, manifest->feeds, &preprocess));
    peek_status status = peek__format(context, &path, "%s/manifest.json", folder);
    cJSON *root = make_document(manifest, preprocess);
    if (status == PEEK_OK) status = peek__json_write(context, path, root);
    cJSON_Delete(root);
    peek__free(&preprocess);
    peek__free(&path);
    return status;
}

/* Why a picture was left out is told with its path, which may be written in other ways another time. */
static void drop_reasons(cJSON *root)
{
    cJSON *entry, *data = cJSON_GetObjectItemCaseSensitive(root, "data");
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(data, "skipped_files"))
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "reason");
}

peek_status peek__manifest_digest(peek_context *context, const peek__manifest *manifest, int64_t slice,
                                  char text[17])
{
    const int64_t numbers[] = {FORMAT, slice};
    uint64_t state = 0;
    char *preprocess = NULL;
    PEEK_TRY(peek__feeds_preprocess(context, manifest->feeds, &preprocess));
    cJSON *root = make_document(manifest, preprocess);
    drop_reasons(root);
    char *printed = peek__json_printed(root);
    peek__free(&preprocess);
    cJSON_Delete(root);
    if (!printed) return peek__fail(context, PEEK_E_MEMORY, "not enough memory to describe the capture");
    peek__digest(&state, numbers, sizeof numbers);
    peek__digest(&state, printed, strlen(printed));
    cJSON_free(printed);
    for (int64_t i = 0; i < manifest->feeds->count; i++)
        PEEK_TRY(peek__dataset_digest(context, manifest->feeds->feed[i].dataset, &state));
    peek__digest_text(state, text);
    return PEEK_OK;
}
