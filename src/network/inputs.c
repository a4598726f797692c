/* network/inputs.c: opening the data that a command line gives for a network's inputs. */
#include "base/memory.h"
#include "nnpeek/network.h"

#include <string.h>

void peek_inputs_free(peek_input **inputs, int64_t count)
{
    if (!inputs || !*inputs) return;
    for (int64_t i = 0; i < count; i++) {
        char *name = (char *)(*inputs)[i].name;
        peek_dataset *data = (peek_dataset *)(*inputs)[i].data;
        peek__free(&name);
        peek_dataset_free(&data);
    }
    peek__free(inputs);
}

/* One entry; name NULL: the input that is left. */
static peek_status open_one(peek_context *context, const char *name, size_t length, const char *data,
                            const peek_dataset_options *options, peek_input *out)
{
    if (name) {
        char *copy;
        PEEK_TRY(peek__format(context, &copy, "%.*s", (int)length, name));
        out->name = copy;
    }
    peek_dataset *opened;
    PEEK_TRY(peek_dataset_open(context, data, options, &opened));
    out->data = opened;
    return PEEK_OK;
}

static peek_status open_all(peek_context *context, const char *data, int64_t count, const char *const *named,
                            const peek_dataset_options *options, const char *labels, peek_input *out)
{
    if (data) PEEK_TRY(open_one(context, NULL, 0, data, options, out++));
    for (int64_t i = 0; i < count; i++) {
        const char *is = strchr(named[i], '=');
        if (!is || is == named[i] || !is[1])
            return peek__fail(
                context, PEEK_E_ARGUMENT,
                "--input is '%s', but must name an input and its data, as in --input mask=mask.npy", named[i]);
        PEEK_TRY(open_one(context, named[i], (size_t)(is - named[i]), is + 1, options, out++));
    }
    if (!labels) return PEEK_OK;
    return peek_dataset_read_labels(context, (peek_dataset *)(out - count - (data != NULL))->data, labels);
}

peek_status peek_inputs_open(peek_context *context, const char *data, int64_t count, const char *const *named,
                             const peek_dataset_options *options, const char *labels, peek_input **out,
                             int64_t *inputs)
{
    *out = NULL;
    *inputs = count + (data != NULL);
    if (!*inputs)
        return peek__fail(
            context, PEEK_E_ARGUMENT,
            "there are no data: give a folder, a file or a named data set, or --input NAME=FILE.npy");
    PEEK_TRY(peek__alloc(context, out, *inputs, "the inputs of a network"));
    peek_status status = open_all(context, data, count, named, options, labels, *out);
    if (status != PEEK_OK) peek_inputs_free(out, *inputs);
    return status;
}
