/* store/storage.c: numbers into the form in which a block's file has them, and files as manifests describe
 * them. */
#include "store/storage.h"

#include <string.h>

#include "store/convert.h"

static peek_status refuse(peek_context *context, const peek__storage *storage, const char *what,
                          const char *block, float value)
{
    if (storage->type == PEEK__UINT8)
        return peek__fail(context, PEEK_E_VALUE,
                          "%s '%s' holds %.9g, which is no k/%g as in pictures of 8 bits: capture with --store "
                          "float32",
                          what, block, (double)value, (double)storage->scale);
    if (storage->type == PEEK__FLOAT16)
        return peek__fail(context, PEEK_E_VALUE,
                          "%s '%s' holds %g, but float16 ends at %.0f: capture with --store bfloat16", what,
                          block, (double)value, (double)PEEK__FLOAT16_MOST);
    return peek__fail(context, PEEK_E_VALUE,
                      "%s '%s' holds %g, but bfloat16 ends at %g: capture with --store float32", what, block,
                      (double)value, (double)PEEK__BFLOAT16_MOST);
}

/* Not 0: some number cannot be had. */
static uint32_t convert(const peek__storage *storage, const float *values, int64_t count, void *room)
{
    const peek__converter *best = peek__converter_best();
    switch (storage->type) {
    case PEEK__UINT8:
        return best->to_bytes(values, count, storage->scale, room);
    case PEEK__FLOAT16:
        return best->to_float16(values, count, room);
    case PEEK__BFLOAT16:
        return best->to_bfloat16(values, count, room);
    default:
        return 0;
    }
}

peek_status peek__store_values(peek_context *context, const peek__storage *storage, const char *what,
                               const char *block, const float *values, int64_t count, void *room,
                               const void **out)
{
    *out = storage->type == PEEK__FLOAT32 ? (const void *)values : room;
    if (!convert(storage, values, count, room)) return PEEK_OK;
    int64_t bad = 0;
    while (!convert(storage, values + bad, 1, room)) bad++;
    return refuse(context, storage, what, block, values[bad]);
}

/* Takes over what the entry says of the numbers. */
static peek_status describe(peek_context *context, const char *path, const cJSON *entry, peek__npy *npy)
{
    const cJSON *type = peek__json_member(entry, "type"), *scale = peek__json_member(entry, "scale");
    if (cJSON_IsString(type) && strcmp(type->valuestring, peek__type_name(npy->type)) != 0)
        return peek__fail(context, PEEK_E_FORMAT, "'%s' holds %s, but manifest.json says %s: capture again",
                          path, peek__type_name(npy->type), type->valuestring);
    if (!scale) return PEEK_OK;
    double divisor = cJSON_IsNumber(scale) ? scale->valuedouble : 0;
    if (!(divisor >= 1 && divisor <= 65535) || (divisor != 1 && npy->type != PEEK__UINT8))
        return peek__fail(context, PEEK_E_FORMAT,
                          "manifest.json says a scale for '%s' that its type, %s, cannot have: capture again",
                          path, peek__type_name(npy->type));
    npy->scale = (float)divisor;
    return PEEK_OK;
}

peek_status peek__stored_open(peek_context *context, const char *path, const cJSON *entry, peek__npy *out)
{
    PEEK_TRY(peek__npy_open(context, path, out));
    peek_status status = entry ? describe(context, path, entry, out) : PEEK_OK;
    if (status != PEEK_OK) peek__npy_close(out);
    return status;
}
