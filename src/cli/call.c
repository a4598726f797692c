/* cli/call.c: beginning and ending a verb: errors, exit status, results. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static char own_error[2048];

static int exit_status(peek_status status)
{
    switch (status) {
    case PEEK_OK:
        return CLI_DONE;
    case PEEK_E_STOPPED:
        return CLI_INTERRUPTED;
    case PEEK_E_IO:
    case PEEK_E_MEMORY:
    case PEEK_E_NUMERIC:
        return CLI_FAILED;
    default:
        return CLI_USAGE;
    }
}

int cli_end(cli_call *call, peek_status status)
{
    int written = 1;
    cli_terminal_clear();
    if (status == PEEK_E_STOPPED) {
        /* Behind the first ';' it says what is left and how to go on. */
        const char *left = strchr(peek_error(call->context), ';');
        fprintf(stderr, "nnpeek %s: interrupted%s\n", call->verb,
                left ? left : "; nothing half-written is left");
    } else if (status != PEEK_OK) {
        const char *sentence = own_error[0] ? own_error : peek_error(call->context);
        fprintf(stderr, "nnpeek %s: %s\n", call->verb, sentence[0] ? sentence : peek_status_sentence(status));
    } else if (call->common.json && (call->result || !cli_result_whole())) {
        char *text = cli_result_whole() ? cJSON_Print(call->result) : NULL;
        if (text) written = puts(text) >= 0;
        if (!text) {
            fprintf(stderr, "nnpeek %s: not enough memory for the result; what was made is in its place\n",
                    call->verb);
            status = PEEK_E_MEMORY;
        }
        free(text);
    }
    if (status != PEEK_OK && call->made) cli_unmake_folder(call);
    free(call->made);
    cJSON_Delete(call->result);
    cli_result_end();
    peek_context_free(&call->context);
    if ((fflush(stdout) != 0 || ferror(stdout) || !written) && status == PEEK_OK) {
        fprintf(stderr, "nnpeek %s: standard output cannot be written\n", call->verb);
        return CLI_FAILED;
    }
    return exit_status(status);
}

peek_status cli_wrong(cli_call *call, const char *format, ...)
{
    (void)call;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own_error, sizeof own_error, format, arguments);
    va_end(arguments);
    return PEEK_E_ARGUMENT;
}

void cli_say(const cli_call *call, const char *format, ...)
{
    if (call->common.json || call->common.quiet) return;
    cli_terminal_clear();
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

peek_status cli_open_data(cli_call *call, const char *spec, const char *data_dir, peek_split split,
                          int64_t skip_broken, peek_dataset **out)
{
    peek_dataset_options options;
    peek_dataset_options_default(&options);
    options.data_dir = data_dir;
    options.split = split;
    options.skip_broken = skip_broken;
    return peek_dataset_open(call->context, spec, &options, out);
}

int64_t cli_values(const cli_call *call, const char *flag, const char *out[])
{
    int64_t count = 0;
    for (int i = 0; i < call->value_count; i++)
        if (strcmp(call->values[i].name, flag) == 0) out[count++] = call->values[i].value;
    return count;
}

double cli_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const char *cli_count(int64_t number, char *buffer)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-') buffer[at++] = ',';
        buffer[at++] = digits[i];
    }
    buffer[at] = 0;
    return buffer;
}

int cli_wider(int width, const char *name)
{
    enum { WIDEST = 60 };
    int length = name ? (int)strnlen(name, WIDEST) : 0;
    return length > width ? length : width;
}

peek_status cli_read_json(cli_call *call, const char *folder, const char *name, cJSON **out)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text = length > 0 ? malloc((size_t)length) : NULL;
    if (file) rewind(file);
    if (!text || fread(text, 1, (size_t)length, file) != (size_t)length) length = 0;
    if (file) fclose(file);
    *out = length > 0 ? cJSON_ParseWithLength(text, (size_t)length) : NULL;
    free(text);
    return *out ? PEEK_OK : cli_wrong(call, "%s cannot be read as JSON: make it again with nnpeek", path);
}
