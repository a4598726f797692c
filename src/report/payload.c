#include "report/payload.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "report/packed.h"
#include "store/file.h"

/* Copies a text or a number from one object to another where it is there. */
static peek_status copy_text(peek_context *context, const cJSON *from, const char *name, cJSON *to)
{
    const char *text = peek__json_text(from, name, NULL);
    return text ? peek__json_add_text(context, to, name, text) : PEEK_OK;
}

static peek_status copy_number(peek_context *context, const cJSON *from, const char *name, cJSON *to)
{
    return peek__json_add_number(context, to, name, peek__json_number(from, name, INFINITY));
}

static peek_status add_setting(peek_context *context, cJSON *array, const char *name, const cJSON *value)
{
    if (cJSON_IsObject(value)) {
        const cJSON *member;
        cJSON_ArrayForEach(member, value)
        {
            char *path = NULL;
            PEEK_TRY(peek__format(context, &path, "%s.%s", name, member->string));
            peek_status status = add_setting(context, array, path, member);
            peek__free(&path);
            PEEK_TRY(status);
        }
        return PEEK_OK;
    }
    if (cJSON_IsNull(value)) return PEEK_OK;
    cJSON *item = NULL;
    PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
    PEEK_TRY(peek__json_add_text(context, item, "name", name));
    if (cJSON_IsString(value)) return peek__json_add_text(context, item, "value", value->valuestring);
    char *text = cJSON_PrintUnformatted(value);
    peek_status status = peek__json_add(context, item, "value", text ? cJSON_CreateString(text) : NULL, NULL);
    cJSON_free(text);
    return status;
}

peek_status peek__report_add_settings(peek_context *context, cJSON *object, const char *name,
                                      const cJSON *settings)
{
    if (!settings || cJSON_IsNull(settings)) return PEEK_OK;
    cJSON *array = NULL;
    PEEK_TRY(peek__json_add(context, object, name, cJSON_CreateArray(), &array));
    if (!cJSON_IsObject(settings)) return add_setting(context, array, name, settings);
    const cJSON *member;
    cJSON_ArrayForEach(member, settings) PEEK_TRY(add_setting(context, array, member->string, member));
    return PEEK_OK;
}

peek_status peek__report_add_digest(peek_context *context, cJSON *object, const char *folder, const char *file)
{
    char *path = NULL, text[17] = "";
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, file));
    peek_status status = peek__file_digest(context, path, text);
    if (status == PEEK_OK) status = peek__json_add_text(context, object, "digest", text);
    peek__free(&path);
    return status;
}

static peek_status add_data(peek_context *context, const cJSON *data, cJSON *object)
{
    cJSON *names = NULL, *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "class_names", cJSON_CreateArray(), &names));
    const cJSON *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(data, "class_names"))
    {
        const char *text = cJSON_IsString(name) ? name->valuestring : "";
        PEEK_TRY(peek__json_add(context, names, NULL, cJSON_CreateString(text), NULL));
    }
    if (!peek__json_text(data, "name", NULL)) return PEEK_OK;
    PEEK_TRY(peek__json_add(context, object, "data", cJSON_CreateObject(), &item));
    PEEK_TRY(copy_text(context, data, "name", item));
    return copy_number(context, data, "count", item);
}

static peek_status add_network(peek_context *context, const cJSON *network, cJSON *object)
{
    if (!peek__json_text(network, "name", NULL)) return PEEK_OK;
    cJSON *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "network", cJSON_CreateObject(), &item));
    PEEK_TRY(copy_text(context, network, "name", item));
    return copy_text(context, network, "digest", item);
}

/* How the samples were chosen, and the place of each in the data. */
static peek_status add_choice(peek_context *context, const cJSON *choice, int64_t samples, cJSON *object)
{
    PEEK_TRY(copy_text(context, choice, "chosen", object));
    const cJSON *places = cJSON_GetObjectItemCaseSensitive(choice, "indices"), *place;
    if (!cJSON_IsArray(places) || cJSON_GetArraySize(places) != samples) return PEEK_OK;
    int32_t *indices = NULL;
    PEEK_TRY(peek__alloc(context, &indices, samples, "the places of the samples"));
    int64_t t = 0;
    cJSON_ArrayForEach(place, places) indices[t++] = place->valueint;
    peek_status status = peek__pack_int32(context, object, "sample_indices", indices, samples);
    peek__free(&indices);
    return status;
}

static peek_status add_skipped(peek_context *context, const cJSON *skipped, cJSON *object)
{
    cJSON *array = NULL, *item = NULL;
    PEEK_TRY(peek__json_add(context, object, "skipped", cJSON_CreateArray(), &array));
    const cJSON *entry;
    cJSON_ArrayForEach(entry, skipped)
    {
        PEEK_TRY(peek__json_add(context, array, NULL, cJSON_CreateObject(), &item));
        PEEK_TRY(peek__json_add_text(context, item, "name", peek__json_text(entry, "name", "")));
        PEEK_TRY(peek__json_add_text(context, item, "operator", peek__json_text(entry, "operator", "")));
        PEEK_TRY(peek__json_add_text(context, item, "reason", peek__json_text(entry, "reason", "")));
    }
    return PEEK_OK;
}

static peek_status add_blocks(peek_context *context, const peek__run_files *run,
                              const peek__report_blocks *blocks, cJSON *object)
{
    int32_t *labels = NULL;
    peek_status status = peek__report_labels_load(context, run, blocks->samples, &labels);
    if (status == PEEK_OK && labels)
        status = peek__pack_int32(context, object, "labels", labels, blocks->samples);
    if (status == PEEK_OK) status = peek__report_add_blocks(context, run, blocks, labels, object);
    peek__free(&labels);
    return status;
}

/* When the run was captured: what the file system says of its manifest, which itself has no times, so that
 * equal captures are equal to the byte. */
static peek_status add_created(peek_context *context, const peek__run_files *run, cJSON *object)
{
    char *path, text[32];
    struct stat about;
    struct tm parts;
    if (!run->capture) return PEEK_OK;
    PEEK_TRY(peek__format(context, &path, "%s/manifest.json", run->capture));
    peek_status status = peek__file_look(context, path, &about);
    peek__free(&path);
    PEEK_TRY(status);
    int known = about.st_mode && gmtime_r(&about.st_mtime, &parts) &&
                strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return known ? peek__json_add_text(context, object, "created", text) : PEEK_OK;
}

static peek_status add_parts(peek_context *context, const peek__run_files *run,
                             const peek__report_blocks *blocks, cJSON *object)
{
    const cJSON *manifest = run->manifest;
    const cJSON *samples = cJSON_GetObjectItemCaseSensitive(manifest, "samples");
    PEEK_TRY(peek__json_add_text(context, object, "name", run->name));
    PEEK_TRY(add_network(context, cJSON_GetObjectItemCaseSensitive(manifest, "network"), object));
    PEEK_TRY(add_data(context, cJSON_GetObjectItemCaseSensitive(manifest, "data"), object));
    PEEK_TRY(add_created(context, run, object));
    PEEK_TRY(copy_text(context, manifest, "version", object));
    PEEK_TRY(copy_number(context, manifest, "seed", object));
    if (run->capture) PEEK_TRY(peek__report_add_digest(context, object, run->capture, "manifest.json"));
    PEEK_TRY(add_choice(context, samples, blocks->samples, object));
    PEEK_TRY(peek__json_add_number(context, object, "sample_count", (double)blocks->samples));
    PEEK_TRY(add_skipped(context, cJSON_GetObjectItemCaseSensitive(manifest, "skipped"), object));
    PEEK_TRY(peek__report_add_settings(context, object, "options",
                                       cJSON_GetObjectItemCaseSensitive(manifest, "options")));
    PEEK_TRY(peek__report_add_settings(context, object, "preprocess",
                                       cJSON_GetObjectItemCaseSensitive(manifest, "preprocess")));
    PEEK_TRY(peek__report_add_measures(context, run, blocks, object));
    PEEK_TRY(add_blocks(context, run, blocks, object));
    PEEK_TRY(peek__report_add_ranks(context, run, blocks, object));
    return peek__report_add_pictures(context, run, blocks, object);
}

peek_status peek__report_add_run(peek_context *context, const peek__run_files *run, cJSON *runs)
{
    cJSON *object = NULL;
    peek__report_blocks blocks;
    PEEK_TRY(peek__json_add(context, runs, NULL, cJSON_CreateObject(), &object));
    peek_status status = peek__report_blocks_find(context, run, &blocks);
    if (status == PEEK_OK) status = add_parts(context, run, &blocks, object);
    peek__report_blocks_free(&blocks);
    return status;
}
