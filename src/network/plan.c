/* network/plan.c: preparing and running a plan. */
#include "network/plan.h"

#include <stdio.h>
#include <string.h>

static void free_operation(peek__operation *operation)
{
    if (operation->node && operation->node->type->release) operation->node->type->release(operation);
    peek__free(&operation->input);
}

void peek__plan_free(peek__plan **pointer)
{
    if (!pointer || !*pointer) return;
    peek__plan *plan = *pointer;
    for (int64_t i = 0; i < plan->operations; i++) free_operation(&plan->operation[i]);
    for (int64_t i = 0; plan->slot && i < plan->network->values; i++) {
        peek__free(&plan->slot[i].owned_values);
        peek__free(&plan->slot[i].owned_gradients);
    }
    peek__free(&plan->operation);
    peek__free(&plan->slot);
    peek__free(&plan->weight_start);
    peek__free(pointer);
}

/* Marks the values that have to be computed for the wanted ones. */
static void mark_needed(const peek_network *network, int64_t wanted_count, const int64_t *wanted, char *needed)
{
    for (int64_t i = 0; i < wanted_count; i++) needed[wanted[i]] = 1;
    for (int64_t n = network->nodes - 1; n >= 0; n--) {
        const peek__node *node = &network->node[n];
        if (!needed[node->output[0]]) continue;
        for (int64_t i = 0; i < node->inputs; i++)
            if (node->input[i] >= 0) needed[node->input[i]] = 1;
    }
}

static peek_status slot_memory(peek_context *context, const peek__plan *plan, float **out, int64_t size)
{
    return peek__alloc(context, out, peek__product(plan->slice, size), "the activations of the network");
}

static peek_status add_operation(peek_context *context, peek__plan *plan, const peek__node *node)
{
    peek__operation *operation = &plan->operation[plan->operations];
    *operation = (peek__operation){.network = plan->network,
                                   .node = node,
                                   .type = node->type,
                                   .inputs = node->inputs,
                                   .slice = plan->slice,
                                   .training = plan->training};
    plan->operations++;
    PEEK_TRY(peek__alloc(context, &operation->input, node->inputs, "the plan of a network"));
    int flows = 0; /* a gradient flows through this node */
    for (int64_t i = 0; i < node->inputs; i++) {
        if (node->input[i] < 0) continue;
        operation->input[i] = &plan->slot[node->input[i]];
        flows |=
            plan->training && (plan->weight_start[node->input[i]] >= 0 || operation->input[i]->owned_gradients);
    }
    peek__slot *output = operation->output = &plan->slot[node->output[0]];
    output->size = output->value->size;
    if (flows && !node->type->backward)
        return peek__node_refuse(context, plan->network, node,
                                 "nnpeek can run this operator, but not train through it");
    if (node->type->prepare) PEEK_TRY(node->type->prepare(context, operation));
    PEEK_TRY(slot_memory(context, plan, &output->owned_values, output->size));
    output->values = output->owned_values;
    if (flows) PEEK_TRY(slot_memory(context, plan, &output->owned_gradients, output->size));
    output->gradients = output->owned_gradients;
    return PEEK_OK;
}

static peek_status fill_plan(peek_context *context, peek__plan *plan, int64_t wanted_count,
                             const int64_t *wanted, char *needed)
{
    const peek_network *network = plan->network;
    PEEK_TRY(peek__alloc(context, &plan->slot, network->values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->operation, network->nodes, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->weight_start, network->values, "the plan of a network"));
    mark_needed(network, wanted_count, wanted, needed);
    for (int64_t i = 0; i < network->values; i++) {
        peek__slot *slot = &plan->slot[i];
        slot->value = &network->value[i];
        slot->size = slot->value->size;
        slot->values = slot->value->floats;
        plan->weight_start[i] = -1;
    }
    int64_t start = 0;
    for (int64_t i = 0; plan->training && i < network->weights; i++) {
        plan->weight_start[network->weight[i]] = start;
        start += network->value[network->weight[i]].size;
    }
    peek__slot *input = &plan->slot[network->input];
    PEEK_TRY(slot_memory(context, plan, &input->owned_values, input->size));
    input->values = input->owned_values;
    for (int64_t n = 0; n < network->nodes; n++)
        if (needed[network->node[n].output[0]]) PEEK_TRY(add_operation(context, plan, &network->node[n]));
    return PEEK_OK;
}

peek_status peek__plan_create(peek_context *context, const peek_network *network, int64_t slice, int training,
                              const peek__preprocess *preprocess, int64_t wanted_count, const int64_t *wanted,
                              peek__plan **out)
{
    *out = NULL;
    peek__plan *plan;
    char *needed = NULL;
    PEEK_TRY(peek__alloc(context, &plan, 1, "the plan of a network"));
    plan->network = network;
    plan->slice = slice;
    plan->training = training;
    plan->preprocess = preprocess;
    peek_status status = peek__alloc(context, &needed, network->values, "the plan of a network");
    if (status == PEEK_OK) status = fill_plan(context, plan, wanted_count, wanted, needed);
    peek__free(&needed);
    if (status == PEEK_OK)
        *out = plan;
    else
        peek__plan_free(&plan);
    return status;
}

float *peek__plan_input(peek__plan *plan)
{
    return plan->slot[plan->network->input].values;
}

static void preprocess(const peek__preprocess *how, float *x, int64_t count, int64_t size)
{
    if (!how || !how->channels) return;
    int64_t plane = size / how->channels;
    for (int64_t i = 0; i < count * how->channels; i++) {
        float mean = (float)how->mean[i % how->channels],
              scale = (float)(1 / how->deviation[i % how->channels]);
        for (int64_t p = 0; p < plane; p++) x[i * plane + p] = (x[i * plane + p] - mean) * scale;
    }
}

peek_status peek__plan_forward(peek_context *context, peek__plan *plan, int64_t count)
{
    preprocess(plan->preprocess, peek__plan_input(plan), count, plan->slot[plan->network->input].size);
    peek_status status = PEEK_OK;
    for (int64_t i = 0; i < plan->operations && status == PEEK_OK; i++)
        status = plan->operation[i].type->forward(context, &plan->operation[i], count);
    return status;
}

const float *peek__plan_values(const peek__plan *plan, int64_t value)
{
    return plan->slot[value].values;
}

float *peek__plan_gradients(peek__plan *plan, int64_t value)
{
    for (int64_t i = 0; i < plan->network->values; i++) {
        peek__slot *slot = &plan->slot[i];
        if (slot->owned_gradients)
            memset(slot->owned_gradients, 0, (size_t)(plan->slice * slot->size) * sizeof(float));
    }
    return plan->slot[value].gradients;
}

peek_status peek__plan_backward(peek_context *context, peek__plan *plan, int64_t count, float *gradients)
{
    const peek_network *network = plan->network;
    memset(gradients, 0, (size_t)network->parameters * sizeof *gradients);
    for (int64_t i = 0; i < network->weights; i++)
        plan->slot[network->weight[i]].gradients = gradients + plan->weight_start[network->weight[i]];
    peek_status status = PEEK_OK;
    for (int64_t i = plan->operations - 1; i >= 0 && status == PEEK_OK; i--)
        if (plan->operation[i].output->gradients)
            status = plan->operation[i].type->backward(context, &plan->operation[i], count);
    return status;
}

int64_t peek__plan_slice(const peek_network *network, int64_t most)
{
    static const int64_t budget = INT64_C(1) << 26; /* floats: 256 MB a thread */
    int64_t total = network->value[network->input].size, slice = most;
    for (int64_t i = 0; i < network->tensors && total < budget; i++)
        total += network->value[network->tensor[i]].size;
    while (slice > 1 && total > budget / slice) slice /= 2;
    return slice;
}
