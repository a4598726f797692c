/* network/finish.c: from nodes in any order to a graph that can be run: order, operators, shapes, numbers to
 * describe. */
#include "network/operators.h"
#include "store/file.h"

#include <string.h>

/* Orders the nodes so that each comes after those that make its inputs (Kahn's algorithm, first come first
 * served, which leaves a sorted graph as it is). order: the nodes' numbers. */
static peek_status sort_nodes(peek_context *context, const peek_network *network, int64_t *order,
                              int64_t *waiting, int64_t *first_use, int64_t *next_use, int64_t *user)
{
    int64_t uses = 0, placed = 0, ready = 0;
    for (int64_t i = 0; i < network->values; i++) first_use[i] = -1;
    for (int64_t n = network->nodes - 1; n >= 0; n--) {
        const peek__node *node = &network->node[n];
        for (int64_t i = 0; i < node->inputs; i++) {
            if (node->input[i] < 0 || network->value[node->input[i]].node < 0) continue;
            user[uses] = n;
            next_use[uses] = first_use[node->input[i]];
            first_use[node->input[i]] = uses++;
            waiting[n]++;
        }
    }
    for (int64_t n = 0; n < network->nodes; n++)
        if (!waiting[n]) order[placed++] = n;
    for (; ready < placed; ready++) {
        const peek__node *node = &network->node[order[ready]];
        for (int64_t i = 0; i < node->outputs; i++)
            for (int64_t use = node->output[i] < 0 ? -1 : first_use[node->output[i]]; use >= 0;
                 use = next_use[use])
                if (--waiting[user[use]] == 0) order[placed++] = user[use];
    }
    if (placed == network->nodes) return PEEK_OK;
    int64_t stuck = 0;
    while (!waiting[stuck]) stuck++;
    return peek__node_broken(context, &network->node[stuck],
                             "it waits for its own output (the graph has a cycle)");
}

/* 1 if every node stands after those it needs. */
static int is_sorted(const peek_network *network)
{
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].inputs; i++) {
            int64_t input = network->node[n].input[i];
            if (input >= 0 && network->value[input].node >= n) return 0;
        }
    return 1;
}

static void number_nodes(peek_network *network)
{
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].outputs; i++)
            if (network->node[n].output[i] >= 0) network->value[network->node[n].output[i]].node = n;
}

static peek_status order_nodes(peek_context *context, peek_network *network)
{
    if (is_sorted(network)) return PEEK_OK;
    int64_t uses = 0, *memory = NULL;
    for (int64_t n = 0; n < network->nodes; n++) uses += network->node[n].inputs;
    peek__node *sorted = NULL;
    int64_t total = 2 * network->nodes + network->values + 2 * uses;
    peek_status status = peek__alloc(context, &memory, total, "the graph of a network");
    if (status == PEEK_OK) status = peek__alloc(context, &sorted, network->nodes, "the graph of a network");
    if (status == PEEK_OK) {
        int64_t *order = memory, *waiting = order + network->nodes, *first_use = waiting + network->nodes;
        int64_t *next_use = first_use + network->values, *user = next_use + uses;
        status = sort_nodes(context, network, order, waiting, first_use, next_use, user);
        for (int64_t n = 0; n < network->nodes && status == PEEK_OK; n++) sorted[n] = network->node[order[n]];
    }
    if (status == PEEK_OK) {
        peek__free(&network->node);
        network->node = sorted;
        network->node_capacity = network->nodes;
        number_nodes(network);
    } else {
        peek__free(&sorted);
    }
    peek__free(&memory);
    return status;
}

static peek_status infer_node(peek_context *context, peek_network *network, peek__node *node)
{
    const peek__operator *type = peek__operator_find(node->op);
    if (!type) return peek__node_refuse(context, network, node, "nnpeek does not know this operator");
    if (network->opset < type->first || network->opset > type->last)
        return peek__node_refuse(context, network, node,
                                 "nnpeek knows this operator in opsets %lld to %lld only",
                                 (long long)type->first, (long long)type->last);
    if (node->inputs < type->least_inputs || node->inputs > type->most_inputs)
        return peek__node_broken(context, node, "it has %lld inputs", (long long)node->inputs);
    if (!node->outputs || node->output[0] < 0) return peek__node_broken(context, node, "it has no output");
    for (int64_t i = 0; i < node->inputs; i++) {
        const peek__value *input = peek__node_input(network, node, i);
        if (input && !input->known)
            return peek__node_broken(context, node, "its input '%s' is made by no node and no initialiser",
                                     input->name);
    }
    if (node->inputs && node->input[0] < 0)
        return peek__node_broken(context, node, "its first input is left out");
    for (int64_t i = 1; i < node->outputs; i++)
        if (node->output[i] >= 0) {
            /* A second output (a dropout's mask, a pool's indices) is refused where something uses it: its
             * shape stays unknown. */
            network->value[node->output[i]].node = -1;
        }
    node->type = type;
    return type->infer(context, network, node);
}

/* Takes out nodes whose output became constant. */
static void drop_folded(peek_network *network)
{
    int64_t kept = 0;
    for (int64_t n = 0; n < network->nodes; n++) {
        peek__node *node = &network->node[n];
        if (!node->folded) {
            network->node[kept++] = *node;
            continue;
        }
        network->value[node->output[0]].node = -1;
        peek__graph_free_node(node);
    }
    for (int64_t n = kept; n < network->nodes; n++) network->node[n] = (peek__node){0};
    network->nodes = kept;
    number_nodes(network);
}

static peek_status list_weights(peek_context *context, peek_network *network)
{
    char *seen = NULL;
    PEEK_TRY(peek__alloc(context, &network->weight, network->values, "the graph of a network"));
    PEEK_TRY(peek__alloc(context, &network->tensor, network->nodes, "the graph of a network"));
    PEEK_TRY(peek__alloc(context, &seen, network->values, "the graph of a network"));
    for (int64_t n = 0; n < network->nodes; n++) {
        const peek__node *node = &network->node[n];
        network->tensor[network->tensors++] = node->output[0];
        for (int64_t i = 0; i < node->inputs; i++) {
            int64_t input = node->input[i];
            if (input < 0 || seen[input]) continue;
            seen[input] = 1;
            const peek__value *value = &network->value[input];
            if (!value->constant || value->element != PEEK__ELEMENT_FLOAT) continue;
            network->weight[network->weights++] = input;
            network->parameters += value->size;
        }
    }
    peek__free(&seen);
    return PEEK_OK;
}

peek_status peek__graph_finish(peek_context *context, peek_network *network)
{
    if (network->input < 0) return peek__fail(context, PEEK_E_FORMAT, "the network has no input");
    if (!network->outputs) return peek__fail(context, PEEK_E_FORMAT, "the network has no output");
    PEEK_TRY(order_nodes(context, network));
    for (int64_t n = 0; n < network->nodes; n++) PEEK_TRY(infer_node(context, network, &network->node[n]));
    drop_folded(network);
    for (int64_t i = 0; i < network->outputs; i++) {
        const peek__value *output = &network->value[network->output[i]];
        if (!output->known || output->constant || output->node < 0)
            return peek__fail(context, PEEK_E_FORMAT, "the network's output '%s' is made by no node",
                              output->name);
    }
    PEEK_TRY(list_weights(context, network));
    peek__graph_digest(network);
    return PEEK_OK;
}

static void digest_text(uint64_t *state, const char *text)
{
    peek__digest(state, text, strlen(text) + 1);
}

static void digest_value(uint64_t *state, const peek__value *value)
{
    digest_text(state, value->name);
    peek__digest(state, value->shape, (size_t)value->dimensions * sizeof *value->shape);
    if (!value->constant) return;
    if (value->element == PEEK__ELEMENT_FLOAT)
        peek__digest(state, value->floats, (size_t)value->size * sizeof *value->floats);
    else
        peek__digest(state, value->integers, (size_t)value->size * sizeof *value->integers);
}

static void digest_attribute(uint64_t *state, const peek__attribute *attribute)
{
    digest_text(state, attribute->name);
    peek__digest(state, &attribute->integer, sizeof attribute->integer);
    peek__digest(state, &attribute->number, sizeof attribute->number);
    if (attribute->text) digest_text(state, attribute->text);
    for (int64_t i = 0; i < attribute->count; i++)
        if (attribute->kind == PEEK__ATTRIBUTE_INTEGERS)
            peek__digest(state, &attribute->integers[i], sizeof *attribute->integers);
        else
            peek__digest(state, &attribute->numbers[i], sizeof *attribute->numbers);
}

void peek__graph_digest(peek_network *network)
{
    uint64_t state = 0;
    peek__digest(&state, &network->opset, sizeof network->opset);
    digest_value(&state, &network->value[network->input]);
    for (int64_t n = 0; n < network->nodes; n++) {
        const peek__node *node = &network->node[n];
        digest_text(&state, node->op);
        digest_text(&state, node->name);
        for (int64_t i = 0; i < node->inputs; i++)
            if (node->input[i] >= 0) digest_value(&state, &network->value[node->input[i]]);
        for (int64_t i = 0; i < node->outputs; i++)
            if (node->output[i] >= 0) digest_text(&state, network->value[node->output[i]].name);
        for (int64_t i = 0; i < node->attributes; i++) digest_attribute(&state, &node->attribute[i]);
    }
    for (int64_t i = 0; i < network->outputs; i++) digest_text(&state, network->value[network->output[i]].name);
    for (int64_t i = 0; i < network->preprocess.channels; i++) {
        peek__digest(&state, &network->preprocess.mean[i], sizeof(double));
        peek__digest(&state, &network->preprocess.deviation[i], sizeof(double));
    }
    peek__digest_text(state, network->digest);
}
