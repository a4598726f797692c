/* study/study_train.c: the network of a run: trained and tested, or taken from an earlier call. */
#include "study/study_train.h"

#include <string.h>

#include "base/memory.h"
#include "store/file.h"

static const char *zoo_of(const peek__study_run *run)
{
    return run->recipe->family[run->recipe->network[run->network].family].zoo;
}

cJSON *peek__study_trained_from(const peek__study_run *run)
{
    const cJSON *networks = cJSON_GetObjectItemCaseSensitive(run->recipe->json, "networks");
    cJSON *object = cJSON_CreateObject();
    cJSON *network = cJSON_Duplicate(cJSON_GetArrayItem(networks, (int)run->network), 1);
    cJSON_DeleteItemFromObject(network, "paper_accuracy");
    if (cJSON_AddItemToObject(object, "network", network) &&
        cJSON_AddStringToObject(object, "zoo", zoo_of(run)) &&
        cJSON_AddStringToObject(object, "train", peek_dataset_describe(run->train).name) &&
        cJSON_AddStringToObject(object, "test", peek_dataset_describe(run->test).name) &&
        cJSON_AddNumberToObject(object, "seed", (double)run->seed) &&
        cJSON_AddStringToObject(object, "version", peek_version()))
        return object;
    cJSON_Delete(object);
    return NULL;
}

static peek_status build_and_train(peek_context *context, const peek__study_run *run, const peek_dataset *part,
                                   const peek_train_options *options, peek_network **network,
                                   peek_train_result *result)
{
    peek_dataset_info info = peek_dataset_describe(run->train);
    PEEK_TRY(peek_network_build(context, zoo_of(run), info.channels, info.height, info.width, info.class_count,
                                (uint64_t)options->seed, network));
    return peek_network_train(context, *network, part, options, result);
}

/* checkpoint: a file that goes when the network is saved. */
static peek_status train(peek_context *context, const peek__study_run *run, const char *checkpoint,
                         peek_network **network, cJSON *found)
{
    const peek__study_network *how = &run->recipe->network[run->network];
    int64_t seed = run->seed + how->seed;
    peek_dataset *part = NULL;
    peek_dataset_cut cut;
    peek_dataset_cut_default(&cut);
    cut.fraction = how->fraction;
    cut.classes = how->classes;
    cut.order = how->order ? how->order : "stored";
    cut.mix = how->mix;
    cut.label_noise = how->label_noise;
    cut.permute_labels = how->permute_labels;
    cut.seed = seed;
    peek_train_options options;
    peek_train_options_default(&options);
    options.epochs = how->epochs;
    options.batch = how->batch;
    options.learning_rate = how->learning_rate;
    options.momentum = how->momentum;
    options.loss = strcmp(how->loss, "saturating") == 0 ? PEEK_LOSS_SATURATING : PEEK_LOSS_CROSS_ENTROPY;
    options.shuffle = how->order == NULL;
    options.normalise = how->normalise;
    options.seed = seed;
    options.checkpoint = checkpoint;
    options.resume = run->resume;
    peek_train_result result = {0};
    peek_status status = peek_dataset_select(context, run->train, &cut, &part);
    if (status == PEEK_OK) status = build_and_train(context, run, part, &options, network, &result);
    /* A recipe may have changed since the checkpoint was written. */
    if (options.resume && (status == PEEK_E_ARGUMENT || status == PEEK_E_FORMAT)) {
        options.resume = 0;
        peek_network_free(network);
        status = build_and_train(context, run, part, &options, network, &result);
    }
    peek_dataset_free(&part);
    cJSON_AddNumberToObject(found, "train_samples", (double)result.samples);
    cJSON_AddNumberToObject(found, "loss", result.loss);
    cJSON_AddNumberToObject(found, "train_accuracy", result.train_accuracy);
    cJSON_AddNumberToObject(found, "train_seconds", result.seconds);
    return status;
}

static peek_status test(peek_context *context, const peek__study_run *run, const peek_network *network,
                        cJSON *found)
{
    int64_t classes = peek_network_describe(network).outputs, *confusion = NULL;
    double accuracy = 0;
    PEEK_TRY(peek__alloc(context, &confusion, classes * classes, "a confusion matrix"));
    peek_status status = peek_network_evaluate(context, network, run->test, &accuracy, confusion);
    cJSON_AddNumberToObject(found, "accuracy", accuracy);
    cJSON *rows = cJSON_AddArrayToObject(found, "confusion");
    for (int64_t i = 0; i < classes; i++) {
        cJSON *row = cJSON_CreateArray();
        for (int64_t j = 0; j < classes; j++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)confusion[i * classes + j]));
        cJSON_AddItemToArray(rows, row);
    }
    peek__free(&confusion);
    return status;
}

/* The network and what is known of it from an earlier call; *found NULL: it is not there, or was made from
 * something else, or is damaged. */
static peek_status load(peek_context *context, const peek__study_run *run, const char *path, const char *onnx,
                        peek_network **network, cJSON **found)
{
    *found = NULL;
    int known = 0, made = 0;
    if (run->resume) PEEK_TRY(peek__find_file(context, path, &known));
    if (known) PEEK_TRY(peek__find_file(context, onnx, &made));
    if (!known || !made) return PEEK_OK;
    cJSON *made_from = peek__study_trained_from(run);
    peek_status status = peek__json_read(context, path, found);
    if (status == PEEK_OK && cJSON_Compare(made_from, cJSON_GetObjectItemCaseSensitive(*found, "made_from"), 1))
        status = peek_network_load(context, onnx, network);
    cJSON_Delete(made_from);
    if (status == PEEK_E_IO || status == PEEK_E_MEMORY || *network) return status;
    cJSON_Delete(*found);
    *found = NULL;
    return PEEK_OK;
}

static peek_status make(peek_context *context, const peek__study_run *run, const char *path, const char *onnx,
                        const char *checkpoint, peek_network **network, cJSON **found)
{
    *found = cJSON_CreateObject();
    cJSON_AddItemToObject(*found, "made_from", peek__study_trained_from(run));
    PEEK_TRY(train(context, run, checkpoint, network, *found));
    PEEK_TRY(test(context, run, *network, *found));
    PEEK_TRY(peek_network_save(context, *network, onnx));
    return peek__json_write(context, path, *found);
}

peek_status peek__study_train(peek_context *context, const peek__study_run *run, peek_network **network,
                              cJSON *result)
{
    char *path = NULL, *onnx = NULL, *checkpoint = NULL;
    cJSON *found = NULL, *item;
    peek_status status = peek__format(context, &path, "%s/trained.json", run->folder);
    if (status == PEEK_OK) status = peek__format(context, &onnx, "%s/network.onnx", run->folder);
    if (status == PEEK_OK) status = load(context, run, path, onnx, network, &found);
    if (status == PEEK_OK) status = peek__format(context, &checkpoint, "%s.checkpoint", onnx);
    if (status == PEEK_OK && !found) status = make(context, run, path, onnx, checkpoint, network, &found);
    if (status == PEEK_OK) peek__folder_remove(checkpoint); /* an earlier call may have ended before it could */
    cJSON_DeleteItemFromObjectCaseSensitive(found, "made_from");
    while (status == PEEK_OK && found && (item = cJSON_DetachItemFromArray(found, 0)))
        cJSON_AddItemToObject(result, item->string, item);
    cJSON_Delete(found);
    peek__free(&checkpoint);
    peek__free(&onnx);
    peek__free(&path);
    return status;
}
