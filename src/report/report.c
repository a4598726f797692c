#include "nnpeek/report.h"

#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "report/template.h"

static peek_status add_runs(peek_context *context, const char *const *runs, int64_t count, cJSON *array)
{
    for (int64_t i = 0; i < count; i++) {
        peek__run_files run;
        peek_status status = peek__run_open(context, runs[i], &run);
        if (status == PEEK_OK) status = peek__report_add_run(context, &run, array);
        peek__run_close(&run);
        PEEK_TRY(status);
        PEEK_TRY(peek__step(context, i + 1));
    }
    return PEEK_OK;
}

static peek_status fill(peek_context *context, const char *const *runs, int64_t count, cJSON *payload)
{
    cJSON *array = NULL;
    PEEK_TRY(peek__json_add_text(context, payload, "format", "nnpeek-report"));
    PEEK_TRY(peek__json_add_number(context, payload, "schema", 1));
    PEEK_TRY(peek__json_add_text(context, payload, "version", peek_version()));
    PEEK_TRY(peek__json_add(context, payload, "runs", cJSON_CreateArray(), &array));
    return add_runs(context, runs, count, array);
}

/* The payload of all runs as JSON text; free it with cJSON_free(). */
static peek_status make_payload(peek_context *context, const char *const *runs, int64_t count, char **out)
{
    cJSON *payload = cJSON_CreateObject();
    if (!payload) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for the report's data");
    peek_status status = fill(context, runs, count, payload);
    if (status == PEEK_OK) {
        *out = peek__json_printed(payload);
        if (!*out) status = peek__fail(context, PEEK_E_MEMORY, "not enough memory for the report's data");
    }
    cJSON_Delete(payload);
    return status;
}

peek_status peek_report(peek_context *context, const char *const *runs, int64_t count, const char *path)
{
    if (!context) return PEEK_E_ARGUMENT;
    if (!runs || count < 1)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "a report needs at least one run folder: give one that nnpeek wrote");
    for (int64_t i = 0; i < count; i++)
        if (!runs[i]) return peek__fail(context, PEEK_E_ARGUMENT, "run folder %lld is missing", (long long)i);
    peek__stage(context, "report", "writing the report", count);
    char *standard = NULL, *payload = NULL;
    if (!path) PEEK_TRY(peek__format(context, &standard, "%s/report.html", runs[0]));
    peek_status status = make_payload(context, runs, count, &payload);
    if (status == PEEK_OK) status = peek__page_write(context, path ? path : standard, payload);
    cJSON_free(payload);
    peek__free(&standard);
    return status;
}
