/* network/manifest.c: manifest.json of a capture: what was captured from what. */
#include "network/manifest.h"
#include "base/options.h"
#include "network/operators.h"
#include "store/file.h"

#include <string.h>
#include <time.h>

/* A document that remembers whether anything could not be added; it is checked once, at the end. */
typedef struct document {
    int failed;
} document;

static void put_text(document *d, cJSON *object, const char *key, const char *text)
{
    if (!object || !cJSON_AddStringToObject(object, key, text)) d->failed = 1;
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
    if (array && item && cJSON_AddItemToArray(array, item)) return item;
    cJSON_Delete(item);
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

static void put_data(document *d, cJSON *root, const peek__manifest *manifest)
{
    peek_dataset_info info = peek_dataset_describe(manifest->dataset);
    cJSON *object = put_object(d, root, "data");
    put_text(d, object, "name", info.name);
    put_number(d, object, "count", (double)manifest->opened);
    cJSON *names = put_array(d, object, "class_names");
    for (int64_t i = 0; i < info.class_count; i++) {
        const char *name = peek_dataset_class_name(manifest->dataset, i);
        append(d, names, cJSON_CreateString(name ? name : ""));
    }
}

static void put_samples(document *d, cJSON *root, const peek__manifest *manifest)
{
    peek_dataset_info info = peek_dataset_describe(manifest->dataset);
    cJSON *object = put_object(d, root, "samples");
    put_number(d, object, "count", (double)info.count);
    int all = info.count == manifest->opened;
    put_text(d, object, "chosen", all ? "all" : "random");
    put_number(d, object, "seed", (double)manifest->options->seed);
    if (all) return;
    cJSON *indices = put_array(d, object, "indices");
    const int64_t *index = peek_dataset_indices(manifest->dataset);
    for (int64_t i = 0; i < info.count; i++) append(d, indices, cJSON_CreateNumber((double)index[i]));
}

static void put_block(document *d, cJSON *blocks, const peek__manifest *manifest, const peek__chosen *chosen)
{
    peek_dataset_info data = peek_dataset_describe(manifest->dataset);
    const peek_network *network = manifest->network;
    cJSON *block = append(d, blocks, cJSON_CreateObject());
    put_text(d, block, "name", chosen->name);
    put_text(d, block, "file", chosen->file);
    put_text(d, block, "kind", chosen->value < 0 ? "input" : chosen->output ? "output" : "layer");
    cJSON *shape;
    if (chosen->value < 0) {
        const int64_t lengths[3] = {1, data.height, data.width};
        put_text(d, block, "operator", "");
        put_text(d, block, "node", "");
        put_number(d, block, "channel", (double)chosen->channel);
        shape = put_array(d, block, "shape");
        for (int i = 0; i < 3; i++) append(d, shape, cJSON_CreateNumber((double)lengths[i]));
        put_number(d, block, "columns", (double)(data.height * data.width));
    } else {
        const peek__value *value = &network->value[chosen->value];
        const peek__layer *layer = &manifest->survey->layer[chosen->value];
        put_text(d, block, "operator", network->node[value->node].op);
        put_text(d, block, "node", network->node[value->node].name);
        shape = put_array(d, block, "shape");
        for (int i = 0; i < layer->dimensions; i++)
            append(d, shape, cJSON_CreateNumber((double)layer->shape[i]));
        put_number(d, block, "columns", (double)layer->size);
    }
    put_text(d, block, "type", "float32");
    put_text(d, block, "reduction", "none");
    if (!block || !cJSON_AddBoolToObject(block, "fit", chosen->fit)) d->failed = 1;
}

static void put_skipped(document *d, cJSON *root, const peek__manifest *manifest)
{
    const peek_network *network = manifest->network;
    const peek__survey *survey = network->survey;
    cJSON *skipped = put_array(d, root, "skipped");
    for (int64_t i = 0, next = manifest->selection->channels; i < survey->tensors; i++) {
        if (next < manifest->selection->count && manifest->selection->chosen[next].value == survey->tensor[i]) {
            next++;
            continue;
        }
        const peek__value *value = &network->value[survey->tensor[i]];
        cJSON *entry = append(d, skipped, cJSON_CreateObject());
        put_text(d, entry, "name", value->name);
        put_text(d, entry, "operator", network->node[value->node].op);
        put_text(d, entry, "reason", manifest->selection->why_not);
    }
}

static void put_created(document *d, cJSON *root)
{
    char text[32];
    time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        d->failed = 1;
    else
        put_text(d, root, "created", text);
}

peek_status peek__manifest_write(peek_context *context, const peek__manifest *manifest, const char *folder)
{
    document d = {0};
    char *path = NULL;
    PEEK_TRY(peek__format(context, &path, "%s/manifest.json", folder));
    cJSON *root = cJSON_CreateObject();
    put_text(&d, root, "version", peek_version());
    put_created(&d, root);
    put_number(&d, root, "seed", (double)manifest->options->seed);
    put_network(&d, root, manifest->network);
    put_data(&d, root, manifest);
    put_samples(&d, root, manifest);
    put_text(&d, root, "preprocess", manifest->preprocess);
    cJSON *blocks = put_array(&d, root, "blocks");
    for (int64_t i = 0; i < manifest->selection->count; i++)
        put_block(&d, blocks, manifest, &manifest->selection->chosen[i]);
    put_skipped(&d, root, manifest);
    cJSON *options = peek__options_json(peek_capture_option_table(), manifest->options);
    if (!root || !options || !cJSON_AddItemToObject(root, "options", options)) {
        cJSON_Delete(options);
        d.failed = 1;
    }
    peek_status status = peek__json_write(context, path, d.failed ? NULL : root);
    cJSON_Delete(root);
    peek__free(&path);
    return status;
}
