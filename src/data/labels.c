/* data/labels.c: labels from an .npy of integers, or a text file with one name or number a line. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/format.h"

static const int64_t largest_file = (int64_t)1 << 31;

static peek_status wrong_count(peek_context *context, const char *path, int64_t there, int64_t count)
{
    return peek__fail(context, PEEK_E_SHAPE,
                      "'%s' has %lld labels, but there are %lld samples: give one for each", path,
                      (long long)there, (long long)count);
}

static peek_status keep_integer(peek_context *context, const char *path, int64_t place, int64_t value,
                                int32_t *out)
{
    if (value < 0 || value >= PEEK__MOST_CLASSES)
        return peek__fail(context, PEEK_E_VALUE, "'%s' holds the label %lld at place %lld: labels are 0 to %d",
                          path, (long long)value, (long long)place, PEEK__MOST_CLASSES - 1);
    *out = (int32_t)value;
    return PEEK_OK;
}

static peek_status read_array(peek_context *context, const char *path, int64_t count, int32_t *labels,
                              peek__classes *classes)
{
    peek__npy npy;
    int64_t value;
    PEEK_TRY(peek__npy_open(context, path, &npy));
    peek_status status = npy.rows == count && npy.columns == 1
                             ? PEEK_OK
                             : wrong_count(context, path, npy.rows * npy.columns, count);
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) {
        status = peek__npy_integers(context, &npy, path, i, 1, &value);
        if (status == PEEK_OK) status = keep_integer(context, path, i, value, &labels[i]);
    }
    peek__npy_close(&npy);
    if (status == PEEK_OK) status = peek__content_number_labels(context, labels, count, path, classes);
    return status;
}

/* Cuts text into lines in place; fills `count` of them and returns how many there are. */
static int64_t cut_lines(char *text, char **lines, int64_t count)
{
    int64_t found = 0;
    for (char *line = text; *line; found++) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
        while (end > line && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t')) end--;
        *end = 0;
        if (found < count) lines[found] = line;
        line = next;
    }
    return found;
}

static int compare_lines(const void *a, const void *b)
{
    return peek__compare_names(*(char *const *)a, *(char *const *)b);
}

static peek_status name_classes(peek_context *context, char *const *lines, int64_t count, int32_t *labels,
                                peek__classes *classes)
{
    char **sorted;
    int64_t unique = 0;
    PEEK_TRY(peek__alloc(context, &sorted, count, "the names of classes"));
    memcpy(sorted, lines, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_lines);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || strcmp(sorted[unique - 1], sorted[i]) != 0) sorted[unique++] = sorted[i];
    for (int64_t i = 0; i < count; i++) {
        char **place = bsearch(&lines[i], sorted, (size_t)unique, sizeof *sorted, compare_lines);
        labels[i] = (int32_t)(place - sorted);
    }
    peek_status status = peek__classes_copy(context, classes, (const char *const *)sorted, unique);
    peek__free(&sorted);
    return status;
}

static peek_status read_lines(peek_context *context, const char *path, char **lines, int64_t count,
                              int32_t *labels, peek__classes *classes)
{
    int numbers = 1;
    for (int64_t i = 0; i < count; i++) {
        size_t length = strlen(lines[i]);
        if (length == 0)
            return peek__fail(context, PEEK_E_FORMAT, "'%s' has no name in line %lld: give one for each sample",
                              path, (long long)i + 1);
        numbers = numbers && length < 10 && strspn(lines[i], "0123456789") == length;
    }
    if (!numbers) return name_classes(context, lines, count, labels, classes);
    for (int64_t i = 0; i < count; i++)
        PEEK_TRY(keep_integer(context, path, i, strtoll(lines[i], NULL, 10), &labels[i]));
    return peek__content_number_labels(context, labels, count, path, classes);
}

static peek_status read_text(peek_context *context, const char *path, int64_t count, int32_t *labels,
                             peek__classes *classes)
{
    char *text, **lines = NULL;
    int64_t size, found = 0;
    PEEK_TRY(peek__file_read(context, path, largest_file, &text, &size));
    peek_status status = PEEK_OK;
    if ((int64_t)strlen(text) != size)
        status = peek__fail(context, PEEK_E_FORMAT,
                            "'%s' is neither an .npy file nor text: write one name or number a line", path);
    if (status == PEEK_OK) status = peek__alloc(context, &lines, count, "labels");
    if (status == PEEK_OK) {
        found = cut_lines(text, lines, count);
        status = found == count ? read_lines(context, path, lines, count, labels, classes)
                                : wrong_count(context, path, found, count);
    }
    peek__free(&lines);
    peek__free(&text);
    return status;
}

/* An .npy file by its first bytes; a missing file is left to its reader. */
static int is_array(const char *path)
{
    char head[6] = {0};
    FILE *file = fopen(path, "rbe");
    if (!file) return 0;
    size_t count = fread(head, 1, sizeof head, file);
    fclose(file);
    return count == sizeof head && memcmp(head, "\x93NUMPY", 6) == 0;
}

peek_status peek__labels_read(peek_context *context, const char *path, int64_t count, int32_t **labels,
                              peek__classes *classes)
{
    *labels = NULL;
    *classes = (peek__classes){0};
    PEEK_TRY(peek__alloc(context, labels, count, "labels"));
    int array = is_array(path) || peek__ends_with(path, ".npy");
    peek_status status = (array ? read_array : read_text)(context, path, count, *labels, classes);
    if (status != PEEK_OK) {
        peek__free(labels);
        peek__classes_free(classes);
    }
    return status;
}

/* A file of labels has one for each picture of a folder, broken ones too. */
static void drop_labels(const peek__content *content, int64_t left_out, int64_t count, int32_t *labels)
{
    int64_t next = 0, kept = 0;
    for (int64_t t = 0; t < count + left_out; t++) {
        if (next < left_out && content->skipped[next].place == t)
            next++;
        else
            labels[kept++] = labels[t];
    }
}

peek_status peek_dataset_read_labels(peek_context *context, peek_dataset *dataset, const char *path)
{
    int32_t *labels;
    peek__classes classes;
    const peek__content *content = dataset->content;
    int64_t left_out = dataset->count == content->count ? content->skipped_count : 0;
    PEEK_TRY(peek__labels_read(context, path, dataset->count + left_out, &labels, &classes));
    drop_labels(content, left_out, dataset->count, labels);
    peek__free(&dataset->labels);
    peek__classes_free(&dataset->classes);
    dataset->labels = labels;
    dataset->classes = classes;
    return PEEK_OK;
}
