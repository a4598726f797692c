/* network/top.c: TopK, ArgMax and ArgMin: the largest or smallest numbers along an axis and where they stand.
 * Among equal ones the first; what is not a number is the largest and the smallest. */
#include "network/line.h"

#include <string.h>

typedef struct settings {
    peek__lines lines;
    int64_t k;
    int largest, last; /* last: of equal numbers the last (ArgMax) */
} settings;

static peek_status read_k(peek_context *context, const peek__operation *operation, int64_t *k)
{
    *k = peek__attribute_integer(operation->node, "k", -1);
    if (operation->node->opset < 10) return PEEK_OK;
    int64_t count, given[PEEK_DIMENSIONS];
    PEEK_TRY(peek__infer_integers(context, operation, 1, NULL, &count, given));
    if (count != 1) return peek__broken(context, operation, "its k should be one integer");
    *k = given[0];
    return PEEK_OK;
}

static peek_status infer_top(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", -1), shape[PEEK_DIMENSIONS];
    settings *top;
    PEEK_TRY(peek__infer_settings(context, operation, &top));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    PEEK_TRY(read_k(context, operation, &top->k));
    top->lines = peek__lines_along(x, axis);
    top->largest = peek__attribute_integer(operation->node, "largest", 1) != 0;
    if (top->k < 0 || top->k > top->lines.length)
        return peek__broken(context, operation, "it takes %lld numbers of %lld", (long long)top->k,
                            (long long)top->lines.length);
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = top->k;
    PEEK_TRY(peek__infer_output(context, operation, 0, x->type, x->dimensions, shape));
    return peek__infer_output(context, operation, 1, PEEK__TYPE_INT64, x->dimensions, shape);
}

static peek_status infer_arg(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0];
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0), shape[PEEK_DIMENSIONS], rank = 0;
    int keep = peek__attribute_integer(operation->node, "keepdims", 1) != 0;
    settings *arg;
    PEEK_TRY(peek__infer_settings(context, operation, &arg));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    arg->lines = peek__lines_along(x, axis);
    arg->largest = strcmp(operation->node->op, "ArgMax") == 0;
    arg->last = peek__attribute_integer(operation->node, "select_last_index", 0) != 0;
    for (int d = 0; d < x->dimensions; d++)
        if (d != axis || keep) shape[rank++] = d == axis ? 1 : x->shape[d];
    PEEK_TRY(peek__infer_output(context, operation, 0, PEEK__TYPE_INT64, rank, shape));
    if (arg->lines.length || !peek__line_count(&arg->lines)) return PEEK_OK;
    return peek__broken(context, operation, "it looks for the largest or smallest of no numbers");
}

/* > 0 if number i of x goes before number j, 0 if they are equal. */
static int compare(const peek__tensor *x, int64_t i, int64_t j, int largest)
{
    int more, less;
    if (peek__is_float(x->type)) {
        float a = x->floats[i], b = x->floats[j];
        if (a != a || b != b) return (a != a) - (b != b);
        more = a > b;
        less = a < b;
    } else if (x->type == PEEK__TYPE_UINT64) {
        more = (uint64_t)x->integers[i] > (uint64_t)x->integers[j];
        less = (uint64_t)x->integers[i] < (uint64_t)x->integers[j];
    } else {
        more = x->integers[i] > x->integers[j];
        less = x->integers[i] < x->integers[j];
    }
    return largest ? more - less : less - more;
}

static peek_status forward_arg(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *arg = operation->settings;
    const peek__tensor *x = operation->input[0];
    for (int64_t line = 0; line < peek__line_count(&arg->lines); line++) {
        int64_t start = peek__line_start(&arg->lines, line), step = arg->lines.inner, best = 0;
        for (int64_t i = 1; i < arg->lines.length; i++) {
            int before = compare(x, start + i * step, start + best * step, arg->largest);
            if (before > 0 || (before == 0 && arg->last)) best = i;
        }
        operation->output[0]->integers[line] = best;
    }
    return PEEK_OK;
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const settings *top = operation->settings;
    return peek__alloc_bytes(context, &operation->state, top->k, sizeof(int64_t), "the largest numbers");
}

static void release(peek__operation *operation)
{
    peek__free(&operation->state);
}

/* A line of x, and the heap of the best places in it. */
typedef struct heap {
    const peek__tensor *x;
    int64_t start, step, *place;
    int largest;
} heap;

static int goes_before(const heap *h, int64_t i, int64_t j)
{
    int before = compare(h->x, h->start + i * h->step, h->start + j * h->step, h->largest);
    return before > 0 || (before == 0 && i < j);
}

/* Lets the place at `at` sink until nothing under it is worse. */
static void sink(const heap *h, int64_t at, int64_t count)
{
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && goes_before(h, h->place[child], h->place[child + 1])) child++;
        if (!goes_before(h, h->place[at], h->place[child])) return;
        int64_t moved = h->place[at];
        h->place[at] = h->place[child];
        h->place[child] = moved;
    }
}

static void sort_line(const heap *h, int64_t length, int64_t k)
{
    for (int64_t i = 0; i < k; i++) h->place[i] = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--) sink(h, i, k);
    for (int64_t i = k; k && i < length; i++)
        if (goes_before(h, i, h->place[0])) {
            h->place[0] = i;
            sink(h, 0, k);
        }
    for (int64_t i = k - 1; i > 0; i--) { /* the worst goes to the end */
        int64_t worst = h->place[0];
        h->place[0] = h->place[i];
        h->place[i] = worst;
        sink(h, 0, i);
    }
}

static peek_status forward_top(peek_context *context, peek__operation *operation)
{
    (void)context;
    const settings *top = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    peek__tensor *index = operation->outputs > 1 ? operation->output[1] : NULL;
    peek__lines to = {top->lines.outer, top->k, top->lines.inner};
    heap h = {x, 0, top->lines.inner, operation->state, top->largest};
    for (int64_t line = 0; line < peek__line_count(&to); line++) {
        int64_t at = peek__line_start(&to, line);
        h.start = peek__line_start(&top->lines, line);
        sort_line(&h, top->lines.length, top->k);
        for (int64_t i = 0; i < top->k; i++, at += to.inner) {
            if (y)
                peek__copy_numbers(x->type, peek__at(y, at), peek__at(x, h.start + h.place[i] * h.step), 1, 1);
            if (index) index->integers[at] = h.place[i];
        }
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "TopK",
     .first = 1,
     .least_inputs = 1,
     .most_inputs = 2,
     .most_outputs = 2,
     .infer = infer_top,
     .prepare = prepare,
     .forward = forward_top,
     .release = release},
    {.name = "ArgMax", .first = 1, .least_inputs = 1, .infer = infer_arg, .forward = forward_arg},
    {.name = "ArgMin", .first = 1, .least_inputs = 1, .infer = infer_arg, .forward = forward_arg},
};
const peek__family peek__top_family = PEEK__FAMILY(rows);
