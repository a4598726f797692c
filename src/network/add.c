/* network/add.c: Add: two tensors of one shape, or a tensor and a constant that is broadcast over it (a bias).
 */
#include "network/operators.h"

/* For a constant: the value that place i of a sample meets. */
typedef struct settings {
    int constant;                  /* which input is one, or -1 */
    int64_t step[PEEK_DIMENSIONS]; /* of the constant, along each dimension of a sample */
} settings;

/* Steps through a constant broadcast to the shape of a sample, aligned at the last dimension. */
static peek_status broadcast(peek_context *context, const peek_network *network, const peek__node *node,
                             const peek__value *tensor, const peek__value *constant, int64_t *step)
{
    int64_t running = 1;
    for (int64_t d = constant->dimensions - 1; d >= 0; d--) {
        int64_t place = d + tensor->dimensions - constant->dimensions, length = constant->shape[d];
        int fits = place >= 0 ? length == 1 || length == tensor->shape[place] : length == 1;
        if (!fits)
            return peek__node_refuse(context, network, node, "the constant '%s' cannot be spread over '%s'",
                                     constant->name, tensor->name);
        if (place >= 0 && length != 1) step[place] = running;
        running *= length;
    }
    return PEEK_OK;
}

peek_status peek__add_infer(peek_context *context, peek_network *network, peek__node *node)
{
    const peek__value *left = peek__node_input(network, node, 0), *right = peek__node_input(network, node, 1);
    if (!left || !right) return peek__node_broken(context, node, "an input is missing");
    settings *add;
    PEEK_TRY(peek__node_settings(context, node, &add));
    node->settings = add;
    add->constant = left->constant ? 0 : right->constant ? 1 : -1;
    if (left->constant && right->constant)
        return peek__node_refuse(context, network, node, "both its inputs are constants");
    if (add->constant >= 0) {
        PEEK_TRY(peek__node_needs_weight(context, network, node, add->constant));
        const peek__value *tensor = add->constant ? left : right, *constant = add->constant ? right : left;
        PEEK_TRY(broadcast(context, network, node, tensor, constant, add->step));
        return peek__node_same_shape(context, network, node, !add->constant);
    }
    int same = left->dimensions == right->dimensions;
    for (int d = 0; same && d < left->dimensions; d++) same = left->shape[d] == right->shape[d];
    if (!same)
        return peek__node_refuse(context, network, node, "'%s' and '%s' have different shapes", left->name,
                                 right->name);
    return peek__node_same_shape(context, network, node, 0);
}

/* A run is one line along the last dimension of a sample; this is where the constant starts for run number
 * `run`. */
static int64_t run_start(const settings *add, const peek__value *value, int64_t run)
{
    int64_t start = 0;
    for (int d = value->dimensions - 2; d >= 0; d--) {
        start += run % value->shape[d] * add->step[d];
        run /= value->shape[d];
    }
    return start;
}

peek_status peek__add_forward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *add = operation->node->settings;
    const peek__value *value = operation->output->value;
    float *y = operation->output->values;
    int64_t size = count * value->size;
    if (add->constant < 0) {
        const float *left = operation->input[0]->values, *right = operation->input[1]->values;
        for (int64_t i = 0; i < size; i++) y[i] = left[i] + right[i];
        return PEEK_OK;
    }
    const float *x = operation->input[!add->constant]->values,
                *constant = operation->input[add->constant]->values;
    int64_t length = value->dimensions ? value->shape[value->dimensions - 1] : 1;
    int64_t step = value->dimensions ? add->step[value->dimensions - 1] : 0,
            runs = length ? value->size / length : 0;
    for (int64_t r = 0; r < count * runs; r++) {
        const float *from = constant + run_start(add, value, r % runs);
        for (int64_t i = 0; i < length; i++) y[r * length + i] = x[r * length + i] + from[i * step];
    }
    return PEEK_OK;
}

peek_status peek__add_backward(peek_context *context, peek__operation *operation, int64_t count)
{
    (void)context;
    const settings *add = operation->node->settings;
    const peek__value *value = operation->output->value;
    const float *back = operation->output->gradients;
    for (int i = 0; i < 2; i++) {
        float *out = operation->input[i]->gradients;
        if (!out || i == add->constant) continue;
        for (int64_t j = 0; j < count * value->size; j++) out[j] += back[j];
    }
    if (add->constant < 0) return PEEK_OK;
    int64_t length = value->dimensions ? value->shape[value->dimensions - 1] : 1;
    int64_t step = value->dimensions ? add->step[value->dimensions - 1] : 0,
            runs = length ? value->size / length : 0;
    for (int64_t r = 0; r < count * runs; r++) {
        float *to = operation->input[add->constant]->gradients + run_start(add, value, r % runs);
        for (int64_t i = 0; i < length; i++) to[i * step] += back[r * length + i];
    }
    return PEEK_OK;
}
