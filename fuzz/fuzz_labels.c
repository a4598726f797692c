/* Any bytes as a text file of labels, for as many samples as it has lines; the classes it names are then chosen
 * and put in order. */
#include <stdlib.h>
#include <string.h>

#include "case.h"

enum { MOST_LINES = 64 };

static int64_t count_lines(const uint8_t *bytes, size_t size)
{
    int64_t lines = size && bytes[size - 1] != '\n';
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n';
    return lines;
}

/* A label of 10000 or more asks for as many names of classes, which is right and takes long. */
static int asks_for_many(const uint8_t *bytes, size_t size)
{
    int digits = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && bytes[i] >= '0' && bytes[i] <= '9') {
            digits++;
            continue;
        }
        if (digits > 4 && digits < 10) return 1;
        digits = 0;
    }
    return 0;
}

static void choose(peek_context *context, const peek_dataset *dataset, const char *classes, const char *order)
{
    peek_dataset *chosen = NULL;
    peek_dataset_cut cut;
    peek_dataset_cut_default(&cut);
    cut.classes = classes;
    cut.order = order;
    if (fuzz_check(context, peek_dataset_select(context, dataset, &cut, &chosen)))
        fuzz_read_samples(context, chosen);
    peek_dataset_free(&chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const float values[MOST_LINES];
    peek_dataset *dataset = NULL;
    int64_t lines = count_lines(bytes, size);
    if (lines < 1 || lines > MOST_LINES || asks_for_many(bytes, size)) return 0;
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = fuzz_write("labels.txt", bytes, size);
    if (fuzz_check(context, peek_dataset_from_array(context, values, NULL, lines, 1, 1, 1, &dataset)) &&
        fuzz_check(context, peek_dataset_read_labels(context, dataset, path))) {
        fuzz_read_samples(context, dataset);
        choose(context, dataset, NULL, "by-class");
        choose(context, dataset, peek_dataset_class_name(dataset, 0), "stored");
        char *line = strndup((const char *)bytes, size); /* texts that a user gives to a flag, too */
        fuzz_must(line != NULL, "there is memory for a text");
        line[strcspn(line, "\n")] = 0;
        choose(context, dataset, line, "stored");
        choose(context, dataset, NULL, line);
        free(line);
    }
    peek_dataset_free(&dataset);
    peek_context_free(&context);
    return 0;
}
