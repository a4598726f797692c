/* network/sequence.c: ReverseSequence and TensorScatter: sequences of several lengths in one tensor.
 *
 *     ReverseSequence    y[b, t] = x[b, length[b] - 1 - t] for t < length[b], else x[b, t]
 *     TensorScatter      y = past, then y[b, .., start[b] + t, ..] = update[b, .., t, ..]; circular: modulo the
 *                        length of past */
#include "network/line.h"

#include <string.h>

typedef struct settings {
    peek__lines lines;         /* along time */
    int64_t batch, batch_step; /* how many, and how far apart in x */
    int64_t update;            /* TensorScatter: the length of what is new */
    int circular;
} settings;

static peek_status infer_reverse(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *length = operation->input[1];
    int64_t time = peek__attribute_integer(operation->node, "time_axis", 0);
    int64_t batch = peek__attribute_integer(operation->node, "batch_axis", 1), step[PEEK_DIMENSIONS];
    settings *reverse;
    PEEK_TRY(peek__infer_settings(context, operation, &reverse));
    PEEK_TRY(peek__needs_integers(context, operation, 1));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &time));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &batch));
    if (time == batch || length->dimensions != 1 || length->size != x->shape[batch])
        return peek__broken(context, operation, "its lengths '%s' are not one for each sequence of '%s'",
                            peek__input_name(operation, 1), peek__input_name(operation, 0));
    peek__row_major_steps(x->dimensions, x->shape, step);
    reverse->lines = peek__lines_along(x, time);
    reverse->batch = x->shape[batch];
    reverse->batch_step = step[batch];
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek_status forward_reverse(peek_context *context, peek__operation *operation)
{
    const settings *reverse = operation->settings;
    const peek__tensor *x = operation->input[0], *y = operation->output[0];
    int64_t step = reverse->lines.inner, count = reverse->lines.length;
    for (int64_t line = 0; line < peek__line_count(&reverse->lines); line++) {
        int64_t start = peek__line_start(&reverse->lines, line);
        int64_t length = operation->input[1]->integers[start / reverse->batch_step % reverse->batch];
        if (length < 0 || length > count)
            return peek__broken(context, operation, "a sequence is to be %lld long, of %lld", (long long)length,
                                (long long)count);
        for (int64_t t = 0; t < count; t++) {
            int64_t from = t < length ? length - 1 - t : t;
            peek__copy_numbers(y->type, peek__at(y, start + t * step), peek__at(x, start + from * step), 1, 1);
        }
    }
    return PEEK_OK;
}

static peek_status infer_scatter(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *u = operation->input[1], *start = peek__input(operation, 2);
    int64_t axis = peek__attribute_integer(operation->node, "axis", -2);
    const char *mode = peek__attribute_text(operation->node, "mode", "linear");
    settings *scatter;
    PEEK_TRY(peek__infer_settings(context, operation, &scatter));
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    scatter->circular = strcmp(mode, "circular") == 0;
    if (!scatter->circular && strcmp(mode, "linear") != 0)
        return peek__broken(context, operation, "its mode '%.40s' is neither linear nor circular", mode);
    int fits = axis > 0 && u->dimensions == x->dimensions && u->type == x->type;
    for (int d = 0; fits && d < x->dimensions; d++)
        fits = d == axis ? u->shape[d] <= x->shape[d] : u->shape[d] == x->shape[d];
    if (!fits)
        return peek__broken(context, operation, "'%s' does not fit into '%s'", peek__input_name(operation, 1),
                            peek__input_name(operation, 0));
    scatter->lines = peek__lines_along(x, axis);
    scatter->batch = x->shape[0];
    scatter->update = u->shape[axis];
    if (start) PEEK_TRY(peek__needs_integers(context, operation, 2));
    if (start && (start->dimensions != 1 || start->size != scatter->batch))
        return peek__broken(context, operation, "its input '%s' is not one number a batch",
                            peek__input_name(operation, 2));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek_status forward_scatter(peek_context *context, peek__operation *operation)
{
    const settings *scatter = operation->settings;
    const peek__tensor *x = operation->input[0], *u = operation->input[1], *start = peek__input(operation, 2),
                       *y = operation->output[0];
    int64_t length = scatter->lines.length, inner = scatter->lines.inner;
    peek__copy_numbers(y->type, y->data, x->data, y->size, 1);
    for (int64_t o = 0; u->size && o < scatter->lines.outer; o++) {
        int64_t at = start ? start->integers[o / (scatter->lines.outer / scatter->batch)] : 0;
        if (at < 0 || at > length || (!scatter->circular && at + scatter->update > length))
            return peek__broken(context, operation, "it writes %lld entries from %lld on, of %lld",
                                (long long)scatter->update, (long long)at, (long long)length);
        for (int64_t t = 0; t < scatter->update; t++)
            peek__copy_numbers(y->type, peek__at(y, (o * length + (at + t) % length) * inner),
                               peek__at(u, (o * scatter->update + t) * inner), inner, 1);
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {
    {.name = "ReverseSequence",
     .first = 10,
     .least_inputs = 2,
     .infer = infer_reverse,
     .forward = forward_reverse},
    {.name = "TensorScatter",
     .first = 24,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_scatter,
     .forward = forward_scatter},
};
const peek__family peek__sequence_family = PEEK__FAMILY(rows);
