/* network/finish.c: from nodes in any order to a graph that can be run: order, operators, weights, digest. */
#include "network/automatic.h"
#include "network/operators.h"
#include "network/survey.h"
#include "store/file.h"

#include <string.h>

/* The number of values that a node waits for, and each of them (-1: none). */
static int64_t need_count(const peek__node *node)
{
    return node->inputs + 1;
}

static int64_t need(const peek__node *node, int64_t index)
{
    return index < node->inputs ? node->input[index] : node->guard;
}

/* Orders the nodes so that each comes after those that make its inputs (Kahn's algorithm, first come first
 * served, which leaves a sorted graph as it is). order: the nodes' numbers. */
static peek_status sort_nodes(peek_context *context, const peek_network *network, int64_t *order,
                              int64_t *waiting, int64_t *first_use, int64_t *next_use, int64_t *user)
{
    int64_t uses = 0, placed = 0, ready = 0;
    for (int64_t i = 0; i < network->values; i++) first_use[i] = -1;
    for (int64_t n = network->nodes - 1; n >= 0; n--) {
        const peek__node *node = &network->node[n];
        for (int64_t i = 0; i < need_count(node); i++) {
            int64_t value = need(node, i);
            if (value < 0 || network->value[value].node < 0) continue;
            user[uses] = n;
            next_use[uses] = first_use[value];
            first_use[value] = uses++;
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
        for (int64_t i = 0; i < need_count(&network->node[n]); i++) {
            int64_t value = need(&network->node[n], i);
            if (value >= 0 && network->value[value].node >= n) return 0;
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
    for (int64_t n = 0; n < network->nodes; n++) uses += need_count(&network->node[n]);
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

/* A value that `user`, or the graph's outputs (NULL), wants and nothing makes: an output that its operator does
 * not compute here, or none at all. */
static peek_status refuse_unmade(peek_context *context, const peek_network *network, int64_t value,
                                 const peek__node *user)
{
    const char *name = network->value[value].name;
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].outputs; i++)
            if (network->node[n].output[i] == value)
                return peek__node_refuse(context, network, &network->node[n],
                                         "its output '%s' is wanted, which nnpeek does not compute", name);
    if (user)
        return peek__node_broken(context, user, "its input '%s' is made by no node and no initialiser", name);
    return peek__fail(context, PEEK_E_FORMAT, "the network's output '%s' is made by no node", name);
}

/* Finds the row of a node and checks how many inputs it has, and that something makes each of them. */
static peek_status connect_node(peek_context *context, peek_network *network, peek__node *node)
{
    int64_t first, last;
    node->type = peek__operator_find(node->op, node->opset, &first, &last);
    if (!node->type && !first)
        return peek__node_refuse(context, network, node, "nnpeek does not know this operator");
    if (!node->type)
        return peek__node_refuse(context, network, node,
                                 "nnpeek knows this operator in opsets %lld to %lld only", (long long)first,
                                 (long long)last);
    int64_t most = node->type->most_inputs ? node->type->most_inputs : node->type->least_inputs;
    if (node->inputs < node->type->least_inputs || node->inputs > most)
        return peek__node_broken(context, node, "it has %lld inputs", (long long)node->inputs);
    if (!node->outputs || node->output[0] < 0) return peek__node_broken(context, node, "it has no output");
    for (int64_t i = 0; i < node->inputs; i++) {
        const peek__value *input = node->input[i] < 0 ? NULL : &network->value[node->input[i]];
        if (input && input->node < 0 && !input->constant && !input->input)
            return refuse_unmade(context, network, node->input[i], node);
        if (!input && i < node->type->least_inputs)
            return peek__node_broken(context, node, "its input %lld is left out", (long long)i);
    }
    /* An output that is not computed (a dropout's mask) is refused where something uses it. */
    for (int64_t i = node->type->most_outputs ? node->type->most_outputs : 1; i < node->outputs; i++)
        if (node->output[i] >= 0) network->value[node->output[i]].node = -1;
    return PEEK_OK;
}

static peek_status list_weights(peek_context *context, peek_network *network)
{
    char *seen = NULL;
    PEEK_TRY(peek__alloc(context, &network->weight, network->values, "the graph of a network"));
    PEEK_TRY(peek__alloc(context, &seen, network->values, "the graph of a network"));
    for (int64_t n = 0; n < network->nodes; n++) {
        const peek__node *node = &network->node[n];
        for (int64_t i = 0; i < node->inputs; i++) {
            int64_t input = node->input[i];
            if (input < 0 || seen[input]) continue;
            seen[input] = 1;
            const peek__value *value = &network->value[input];
            if (!value->constant || !peek__is_float(value->tensor.type)) continue;
            network->weight[network->weights++] = input;
            network->parameters += value->tensor.size;
        }
    }
    peek__free(&seen);
    return PEEK_OK;
}

peek_status peek__graph_connect(peek_context *context, peek_network *network)
{
    if (!network->outputs) return peek__fail(context, PEEK_E_FORMAT, "the network has no output");
    if (network->opset > PEEK__NEWEST_OPSET)
        return peek__fail(
            context, PEEK_E_UNSUPPORTED,
            "the network uses opset %lld, but nnpeek knows opsets up to %d: export it with an older one",
            (long long)network->opset, PEEK__NEWEST_OPSET);
    PEEK_TRY(order_nodes(context, network));
    for (int64_t n = 0; n < network->nodes; n++) PEEK_TRY(connect_node(context, network, &network->node[n]));
    for (int64_t i = 0; i < network->outputs; i++) {
        const peek__value *output = &network->value[network->output[i].value];
        if (output->node < 0 && !output->constant && !output->input)
            return refuse_unmade(context, network, network->output[i].value, NULL);
    }
    PEEK_TRY(list_weights(context, network));
    peek__graph_digest(network);
    return PEEK_OK;
}

peek_status peek__graph_finish(peek_context *context, peek_network *network)
{
    PEEK_TRY(peek__graph_connect(context, network));
    if (!network->inputs) return peek__fail(context, PEEK_E_FORMAT, "the network has no input");
    const peek__value *output = &network->value[network->output[0].value];
    if (output->node < 0)
        return peek__fail(context, PEEK_E_FORMAT, "the network's output '%s' is made by no node", output->name);
    PEEK_TRY(peek__survey_create(context, network, NULL, 0, &network->survey));
    return peek__automatic_find(context, network, network->survey, &network->automatic);
}

static void digest_text(uint64_t *state, const char *text)
{
    peek__digest(state, text, strlen(text) + 1);
}

static void digest_tensor(uint64_t *state, const peek__tensor *tensor)
{
    peek__digest(state, &tensor->type, sizeof tensor->type);
    peek__digest(state, tensor->shape, (size_t)tensor->dimensions * sizeof *tensor->shape);
    peek__digest(state, tensor->data, (size_t)tensor->size * peek__width(tensor->type));
}

static void digest_value(uint64_t *state, const peek__value *value)
{
    digest_text(state, value->name);
    if (value->constant) digest_tensor(state, &value->tensor);
}

static void digest_port(uint64_t *state, const peek_network *network, const peek__port *port)
{
    digest_text(state, network->value[port->value].name);
    peek__digest(state, port->shape, (size_t)port->dimensions * sizeof *port->shape);
}

static void digest_attribute(uint64_t *state, const peek__attribute *attribute)
{
    digest_text(state, attribute->name);
    peek__digest(state, &attribute->integer, sizeof attribute->integer);
    peek__digest(state, &attribute->number, sizeof attribute->number);
    if (attribute->text) digest_text(state, attribute->text);
    if (attribute->kind == PEEK__ATTRIBUTE_TENSOR) digest_tensor(state, &attribute->tensor);
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
    for (int64_t i = 0; i < network->inputs; i++) digest_port(&state, network, &network->input[i]);
    for (int64_t n = 0; n < network->nodes; n++) {
        const peek__node *node = &network->node[n];
        digest_text(&state, node->op);
        digest_text(&state, node->name);
        if (node->opset != network->opset) peek__digest(&state, &node->opset, sizeof node->opset);
        if (node->guard >= 0) peek__digest(&state, &node->guard_value, sizeof node->guard_value);
        for (int64_t i = 0; i < node->inputs; i++)
            if (node->input[i] >= 0) digest_value(&state, &network->value[node->input[i]]);
        for (int64_t i = 0; i < node->outputs; i++)
            if (node->output[i] >= 0) digest_text(&state, network->value[node->output[i]].name);
        for (int64_t i = 0; i < node->attributes; i++) digest_attribute(&state, &node->attribute[i]);
    }
    for (int64_t i = 0; i < network->outputs; i++)
        digest_text(&state, network->value[network->output[i].value].name);
    for (int64_t i = 0; i < network->preprocess.channels; i++) {
        peek__digest(&state, &network->preprocess.mean[i], sizeof(double));
        peek__digest(&state, &network->preprocess.deviation[i], sizeof(double));
    }
    peek__digest_text(state, network->digest);
}
