/* network/unique.c: Unique: the different numbers of a tensor (or its different slices along an axis), where
 * each first stands, which of them each number is, and how often each is there. How many there are is the
 * outputs' shape: the input must be known before the samples. */
#include "network/line.h"

#include <string.h>

typedef struct settings {
    peek__lines lines; /* slices are entries of `length` */
    int64_t unique;
    int64_t order[]; /* slices, sorted, equal ones in order of place; then the group of each place in that
                        order; then room to sort */
} settings;

/* Slices in the order of their numbers, from the first on. */
static int compare(const peek__tensor *x, const peek__lines *lines, int64_t i, int64_t j)
{
    for (int64_t o = 0; o < lines->outer; o++)
        for (int64_t n = 0; n < lines->inner; n++) {
            int64_t a = (o * lines->length + i) * lines->inner + n, b = a + (j - i) * lines->inner;
            int more, less;
            if (peek__is_float(x->type)) { /* what is not a number is the largest */
                float f = x->floats[a], g = x->floats[b];
                more = f > g || (f != f && g == g);
                less = f < g || (f == f && g != g);
            } else if (x->type == PEEK__TYPE_UINT64) {
                more = (uint64_t)x->integers[a] > (uint64_t)x->integers[b];
                less = (uint64_t)x->integers[a] < (uint64_t)x->integers[b];
            } else {
                more = x->integers[a] > x->integers[b];
                less = x->integers[a] < x->integers[b];
            }
            if (more != less) return more - less;
        }
    return 0;
}

/* Merges sorted runs of growing length; equal slices keep their order. */
static void sort(const peek__tensor *x, const peek__lines *lines, int64_t *order, int64_t *room)
{
    int64_t count = lines->length;
    for (int64_t run = 1; run < count; run *= 2) {
        for (int64_t start = 0; start < count; start += 2 * run) {
            int64_t middle = start + run < count ? start + run : count;
            int64_t end = start + 2 * run < count ? start + 2 * run : count;
            for (int64_t i = start, j = middle, to = start; to < end; to++) {
                int second = i == middle || (j < end && compare(x, lines, order[i], order[j]) > 0);
                room[to] = second ? order[j++] : order[i++];
            }
        }
        memcpy(order, room, (size_t)count * sizeof *order);
    }
}

/* Groups of equal slices, numbered in sorted order or in the order in which they first stand. */
static void number_groups(const peek__tensor *x, settings *unique, int sorted)
{
    int64_t count = unique->lines.length, *order = unique->order, *group = order + count, *room = group + count;
    for (int64_t i = 0; i < count; i++) {
        if (!i || compare(x, &unique->lines, order[i - 1], order[i]) != 0) unique->unique++;
        group[order[i]] = unique->unique - 1;
    }
    if (sorted) return;
    for (int64_t i = 0; i < count; i++) room[i] = -1;
    for (int64_t i = 0, next = 0; i < count; i++) {
        if (room[group[i]] < 0) room[group[i]] = next++;
        group[i] = room[group[i]];
    }
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int whole = !peek__attribute_find(operation->node, "axis");
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0), shape[PEEK_DIMENSIONS];
    PEEK_TRY(peek__needs_constant(context, operation, 0));
    if (!whole) PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    peek__lines lines = whole ? (peek__lines){1, x->size, 1} : peek__lines_along(x, axis);
    settings *unique;
    PEEK_TRY(peek__infer_settings_bytes(context, operation, (void **)&unique,
                                        sizeof *unique + 3 * (size_t)lines.length * sizeof(int64_t)));
    unique->lines = lines;
    for (int64_t i = 0; i < lines.length; i++) unique->order[i] = i;
    sort(x, &lines, unique->order, unique->order + 2 * lines.length);
    number_groups(x, unique, peek__attribute_integer(operation->node, "sorted", 1) != 0);
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = unique->unique;
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, whole ? 1 : x->dimensions, shape));
    PEEK_TRY(peek__infer_output(context, operation, 1, PEEK__TYPE_INT64, 1, &unique->unique));
    PEEK_TRY(peek__infer_output(context, operation, 2, PEEK__TYPE_INT64, 1, &lines.length));
    return peek__infer_output(context, operation, 3, PEEK__TYPE_INT64, 1, &unique->unique);
}

static int64_t *wanted(const peek__operation *operation, int64_t output)
{
    int there = output < operation->outputs && operation->output[output];
    return there ? operation->output[output]->integers : NULL;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *unique = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    const peek__lines *lines = &unique->lines;
    const int64_t *group = unique->order + lines->length;
    int64_t *first = wanted(operation, 1), *inverse = wanted(operation, 2), *often = wanted(operation, 3);
    for (int64_t g = 0; often && g < unique->unique; g++) often[g] = 0;
    for (int64_t i = lines->length - 1; i >= 0; i--) { /* backwards: the first of a group is the last written */
        if (first) first[group[i]] = i;
        if (inverse) inverse[i] = group[i];
        if (often) often[group[i]]++;
        for (int64_t o = 0; y && o < lines->outer; o++)
            peek__copy_numbers(y->type, peek__at(y, (o * unique->unique + group[i]) * lines->inner),
                               peek__at(x, (o * lines->length + i) * lines->inner), lines->inner, 1);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "Unique", .first = 11, .least_inputs = 1, .most_outputs = 4, .infer = infer, .forward = forward}};
const peek__family peek__unique_family = PEEK__FAMILY(rows);
