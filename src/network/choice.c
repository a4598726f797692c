/* network/choice.c: If, where its condition is known before any sample is: y = condition ? then : else.
 *
 * The reader has put the nodes of both branches before it (network/onnx_node.c); those of the branch that is
 * not taken are passed over, and their results are not there. Inputs are the condition, the results of
 * then_branch and those of else_branch. */
#include "network/operators.h"

peek_status peek__check_condition(peek_context *context, const peek_network *network, const peek__node *node,
                                  const peek__tensor *condition)
{
    const char *name = network->value[node->input[0]].name;
    if (condition->type != PEEK__TYPE_BOOL || condition->size != 1)
        return peek__node_broken(context, node, "its condition '%s' is not one bool", name);
    if (condition->data) return PEEK_OK;
    return peek__node_refuse(context, network, node,
                             "its condition '%s' is computed from the samples, and each may go another way",
                             name);
}

static int64_t chosen(const peek__operation *operation, int64_t output)
{
    return 1 + output + (operation->input[0]->integers[0] ? 0 : operation->node->outputs);
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__check_condition(context, operation->network, operation->node, operation->input[0]));
    for (int64_t i = 0; i < operation->outputs; i++) {
        const peek__tensor *x = peek__input(operation, chosen(operation, i));
        if (!x) return peek__broken(context, operation, "its branch does not make output %lld", (long long)i);
        PEEK_TRY(peek__infer_output(context, operation, i, x->type, x->dimensions, x->shape));
    }
    return PEEK_OK;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    for (int64_t i = 0; i < operation->outputs; i++) {
        const peek__tensor *x = operation->input[chosen(operation, i)], *y = operation->output[i];
        if (y) peek__copy_numbers(y->type, y->data, x->data, y->size, 1);
    }
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    for (int64_t i = 0; i < operation->outputs; i++) {
        float *dx = operation->input_gradient[chosen(operation, i)];
        const float *dy = operation->output_gradient[i];
        for (int64_t j = 0; dx && dy && j < operation->output[i]->size; j++) dx[j] += dy[j];
    }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "If",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .most_inputs = PEEK__ANY_NUMBER,
                                       .most_outputs = PEEK__ANY_NUMBER,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__choice_family = PEEK__FAMILY(rows);
