/* network/untie.c: weights of their own, before training. */
#include "network/untie.h"
#include "network/survey.h"

#include <string.h>

static int is_weight(const peek_network *network, int64_t value)
{
    const peek__value *v = value < 0 ? NULL : &network->value[value];
    return v && v->constant && !v->literal && peek__is_float(v->tensor.type);
}

static peek_status copy_weight(peek_context *context, peek_network *network, int64_t from, int64_t to)
{
    const peek__tensor *tensor = &network->value[from].tensor;
    peek__value *value = &network->value[to];
    value->tensor = *tensor;
    value->tensor.data = NULL;
    PEEK_TRY(peek__tensor_allocate(context, &value->tensor, "the weights of the network"));
    memcpy(value->tensor.data, tensor->data, (size_t)tensor->size * sizeof(float));
    value->constant = 1;
    value->node = -1;
    return PEEK_OK;
}

static int is_output(const peek_network *network, int64_t value)
{
    for (int64_t i = 0; i < network->outputs; i++)
        if (network->output[i].value == value) return 1;
    return 0;
}

static int is_copy(const peek_network *network, const peek__node *node)
{
    return strcmp(node->op, "Identity") == 0 && node->guard < 0 && is_weight(network, node->input[0]) &&
           !is_output(network, node->output[0]);
}

/* Turns what Identity nodes hand on into weights, and takes the nodes out. */
static peek_status untie_copies(peek_context *context, peek_network *network, int *changed)
{
    int64_t kept = 0;
    peek_status status = PEEK_OK;
    for (int64_t n = 0; n < network->nodes; n++) {
        peek__node *node = &network->node[n];
        int copy = status == PEEK_OK && is_copy(network, node);
        if (copy) status = copy_weight(context, network, node->input[0], node->output[0]);
        if (copy && status == PEEK_OK) {
            peek__graph_free_node(node);
            *changed = 1;
            continue;
        }
        network->node[kept] = *node;
        for (int64_t i = 0; i < node->outputs; i++)
            if (node->output[i] >= 0 && network->value[node->output[i]].node >= 0)
                network->value[node->output[i]].node = kept;
        kept++;
    }
    network->nodes = kept;
    return status;
}

static int64_t count_uses(const peek_network *network, int64_t value)
{
    int64_t uses = 0;
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].inputs; i++) uses += network->node[n].input[i] == value;
    return uses;
}

static peek_status untie_statistics(peek_context *context, peek_network *network, int *changed)
{
    for (int64_t n = 0; n < network->nodes; n++) {
        peek__node *node = &network->node[n];
        if (strcmp(node->op, "BatchNormalization") != 0) continue;
        for (int64_t i = 3; i < node->inputs; i++) {
            if (!is_weight(network, node->input[i]) || count_uses(network, node->input[i]) < 2) continue;
            char *name;
            int64_t own;
            PEEK_TRY(peek__format(context, &name, "%s.of.%s", network->value[node->input[i]].name,
                                  network->value[node->output[0]].name));
            peek_status status = peek__graph_value(context, network, name, &own);
            peek__free(&name);
            if (status == PEEK_OK) status = copy_weight(context, network, node->input[i], own);
            if (status != PEEK_OK) return status;
            node->input[i] = own;
            *changed = 1;
        }
    }
    return PEEK_OK;
}

/* Lists weights and surveys anew; where that fails, what was known before still holds. */
static peek_status finish_again(peek_context *context, peek_network *network)
{
    peek_network before = *network;
    network->weight = NULL;
    network->automatic = NULL;
    network->survey = NULL;
    network->weights = network->parameters = 0;
    peek_status status = peek__graph_finish(context, network);
    peek_network *useless = status == PEEK_OK ? &before : network;
    peek__free(&useless->weight);
    peek__free(&useless->automatic);
    peek__survey_free(&useless->survey);
    if (status == PEEK_OK) return PEEK_OK;
    network->weight = before.weight;
    network->automatic = before.automatic;
    network->survey = before.survey;
    network->weights = before.weights;
    network->parameters = before.parameters;
    return status;
}

peek_status peek__untie(peek_context *context, peek_network *network)
{
    int changed = 0;
    PEEK_TRY(untie_copies(context, network, &changed));
    PEEK_TRY(untie_statistics(context, network, &changed));
    return changed ? finish_again(context, network) : PEEK_OK;
}
