/* network/instance.c: inference of shapes, and evaluation of what is constant. */
#include "network/instance.h"

#include <string.h>

void peek__instance_free(peek__instance **pointer)
{
    if (!pointer || !*pointer) return;
    peek__instance *instance = *pointer;
    for (int64_t i = 0; i < instance->steps; i++) {
        if (instance->shared[i]) instance->step[i].operation.type->forget(instance->shared[i]);
        peek__free(&instance->step[i].operation.settings);
    }
    if (instance->lock) omp_destroy_lock(instance->lock);
    peek__free(&instance->lock);
    peek__free(&instance->shared);
    for (int64_t i = 0; instance->owned && i < instance->network->values; i++)
        if (instance->owned[i]) peek__free(&instance->tensor[i].data);
    peek__free(&instance->step);
    peek__free(&instance->tensor);
    peek__free(&instance->owned);
    peek__free(&instance->pointers);
    peek__free(pointer);
}

/* Runs an operation whose inputs are constant; its outputs become constant, too. */
static peek_status fold(peek_context *context, peek__instance *instance, peek__inferred *step)
{
    peek__operation *operation = &step->operation;
    const peek__operator *type = operation->type;
    step->folded = 1;
    for (int64_t i = 0; i < operation->outputs; i++) {
        peek__tensor *output = operation->output[i];
        if (!output) continue;
        output->constant = 1;
        if (type->shares && i == 0) {
            output->data = operation->input[0]->data;
            continue;
        }
        PEEK_TRY(peek__tensor_allocate(context, output, "a constant of the network"));
        instance->owned[operation->node->output[i]] = 1;
    }
    if (type->shares && operation->outputs == 1) return PEEK_OK;
    peek_status status = type->prepare ? type->prepare(context, operation) : PEEK_OK;
    if (status == PEEK_OK)
        status =
            peek__alloc_raw(context, &operation->scratch, operation->scratch_size, "a constant of the network");
    if (status == PEEK_OK) status = type->forward(context, operation);
    if (type->release) type->release(operation);
    operation->state = NULL;
    peek__free(&operation->scratch);
    return status;
}

static int is_constant(const peek__operation *operation)
{
    for (int64_t i = 0; i < operation->inputs && !operation->type->by_shape; i++)
        if (operation->input[i] && !operation->input[i]->data) return 0;
    return 1;
}

/* Says of the If whose branch a node is in that its condition is not known. */
static peek_status refuse_guard(peek_context *context, const peek__instance *instance, int64_t guard)
{
    const peek__node *node = instance->network->node;
    while (strcmp(node->op, "If") != 0 || node->input[0] != guard)
        node++; /* it is there: the reader made both */
    return peek__check_condition(context, instance->network, node, &instance->tensor[guard]);
}

/* Whether a node is in a branch that is not taken. */
static peek_status pass_over(peek_context *context, const peek__instance *instance, const peek__node *node,
                             int *passed)
{
    *passed = 0;
    if (node->guard < 0) return PEEK_OK;
    const peek__tensor *condition = &instance->tensor[node->guard];
    *passed = condition->type == PEEK__TYPE_NONE; /* within a branch that is not taken */
    if (*passed) return PEEK_OK;
    if (condition->type != PEEK__TYPE_BOOL || condition->size != 1 || !condition->data)
        return refuse_guard(context, instance, node->guard);
    *passed = (condition->integers[0] != 0) != node->guard_value;
    return PEEK_OK;
}

static peek_status infer(peek_context *context, peek__instance *instance, peek__inferred *step)
{
    peek__operation *operation = &step->operation;
    const peek__node *node = operation->node;
    PEEK_TRY(pass_over(context, instance, node, &step->folded));
    if (step->folded) return PEEK_OK;
    for (int64_t i = 0; i < operation->inputs; i++) {
        if (node->input[i] < 0) continue;
        peek__tensor *input = &instance->tensor[node->input[i]];
        if (input->type == PEEK__TYPE_NONE) {
            if (i < operation->type->least_inputs)
                return peek__broken(context, operation, "its input '%s' is left out",
                                    instance->network->value[node->input[i]].name);
            continue;
        }
        operation->input[i] = input;
    }
    for (int64_t i = 0; i < operation->outputs; i++)
        if (node->output[i] >= 0) operation->output[i] = &instance->tensor[node->output[i]];
    PEEK_TRY(operation->type->infer(context, operation));
    for (int64_t i = 0; i < operation->outputs; i++)
        if (operation->output[i] && operation->output[i]->type == PEEK__TYPE_NONE) operation->output[i] = NULL;
    return is_constant(operation) ? fold(context, instance, step) : PEEK_OK;
}

static peek_status fill(peek_context *context, peek__instance *instance, const peek__tensor *input)
{
    const peek_network *network = instance->network;
    int64_t lists = 0;
    PEEK_TRY(peek__alloc(context, &instance->tensor, network->values, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &instance->owned, network->values, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &instance->step, network->nodes, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &instance->shared, network->nodes, "the shapes of a network"));
    PEEK_TRY(peek__alloc(context, &instance->lock, 1, "the shapes of a network"));
    omp_init_lock(instance->lock);
    for (int64_t n = 0; n < network->nodes; n++) lists += network->node[n].inputs + network->node[n].outputs;
    PEEK_TRY(peek__alloc(context, &instance->pointers, lists, "the shapes of a network"));
    for (int64_t i = 0; i < network->values; i++)
        if (network->value[i].constant) instance->tensor[i] = network->value[i].tensor;
    for (int64_t i = 0; i < network->inputs; i++) instance->tensor[network->input[i].value] = input[i];
    for (int64_t i = 0; i < network->values; i++)
        instance->tensor[i].constant = instance->tensor[i].data != NULL;
    peek__tensor **pointers = instance->pointers;
    for (; instance->steps < network->nodes; instance->steps++) {
        const peek__node *node = &network->node[instance->steps];
        peek__inferred *step = &instance->step[instance->steps];
        int64_t most = node->type->most_outputs ? node->type->most_outputs : 1;
        step->operation = (peek__operation){.network = network,
                                            .node = node,
                                            .type = node->type,
                                            .inputs = node->inputs,
                                            .outputs = node->outputs < most ? node->outputs : most,
                                            .input = pointers,
                                            .output = pointers + node->inputs};
        pointers += node->inputs + node->outputs;
        peek_status status = infer(context, instance, step);
        if (status != PEEK_OK) {
            instance->steps++; /* its settings are to be freed */
            return status;
        }
    }
    return PEEK_OK;
}

peek_status peek__instance_create(peek_context *context, const peek_network *network, const peek__tensor *input,
                                  peek__instance **out)
{
    *out = NULL;
    peek__instance *instance;
    PEEK_TRY(peek__alloc(context, &instance, 1, "the shapes of a network"));
    instance->network = network;
    peek_status status = fill(context, instance, input);
    if (status == PEEK_OK)
        *out = instance;
    else
        peek__instance_free(&instance);
    return status;
}
