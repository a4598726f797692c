/* network/plan.c: preparing and running a plan. */
#include "network/plan.h"
#include "network/placement.h"

#include <stdio.h>
#include <string.h>

void peek__plan_free(peek__plan **pointer)
{
    if (!pointer || !*pointer) return;
    peek__plan *plan = *pointer;
    for (int64_t i = 0; i < plan->operations; i++)
        if (plan->operation[i].type->release) plan->operation[i].type->release(&plan->operation[i]);
    peek__free(&plan->operation);
    peek__free(&plan->lists);
    peek__free(&plan->gradient_lists);
    peek__free(&plan->tensor);
    peek__free(&plan->gradients);
    peek__free(&plan->arena);
    peek__free(&plan->scratch);
    peek__free(&plan->gradient_arena);
    peek__free(&plan->weight_start);
    peek__free(pointer);
}

/* Marks of values and steps while a plan is made. */
typedef struct marks {
    char *wanted;  /* values whose numbers are asked for */
    char *needed;  /* values that they depend on */
    char *flows;   /* values that depend on weights in a way that has a gradient */
    char *reaches; /* values that the first wanted one depends on in such a way */
    char *run;     /* steps */
    char *back;    /* steps through which a gradient goes */
} marks;

static void mark_needed(const peek__instance *instance, int64_t wanted_count, const int64_t *wanted, marks *m)
{
    for (int64_t i = 0; i < wanted_count; i++) m->wanted[wanted[i]] = m->needed[wanted[i]] = 1;
    for (int64_t n = instance->steps - 1; n >= 0; n--) {
        const peek__operation *operation = &instance->step[n].operation;
        int needed = 0;
        for (int64_t o = 0; o < operation->outputs; o++)
            needed |= operation->output[o] && m->needed[operation->node->output[o]];
        if (!needed) continue;
        m->run[n] = !instance->step[n].folded;
        for (int64_t i = 0; i < operation->inputs; i++)
            if (operation->input[i]) m->needed[operation->node->input[i]] = 1;
    }
}

static int has_gradient(const peek__tensor *tensor)
{
    return tensor && peek__is_float(tensor->type);
}

/* Where gradients go: from the weights on and from the first wanted value back. What is constant but depends on
 * weights is run again and again. */
static void mark_gradients(const peek__instance *instance, int64_t wanted, marks *m)
{
    const peek_network *network = instance->network;
    for (int64_t i = 0; i < network->weights; i++) m->flows[network->weight[i]] = 1;
    for (int64_t n = 0; n < instance->steps; n++) {
        const peek__operation *operation = &instance->step[n].operation;
        int flows = 0;
        for (int64_t i = 0; i < operation->inputs && !operation->type->by_shape; i++)
            flows |= has_gradient(operation->input[i]) && m->flows[operation->node->input[i]];
        for (int64_t o = 0; flows && o < operation->outputs; o++)
            if (has_gradient(operation->output[o])) m->flows[operation->node->output[o]] = 1;
    }
    m->reaches[wanted] = 1;
    for (int64_t n = instance->steps - 1; n >= 0; n--) {
        const peek__operation *operation = &instance->step[n].operation;
        for (int64_t o = 0; o < operation->outputs; o++) {
            int64_t value = operation->node->output[o];
            m->back[n] |= operation->output[o] && m->flows[value] && m->reaches[value];
        }
        if (!m->back[n]) continue;
        m->run[n] = 1;
        for (int64_t i = 0; i < operation->inputs; i++)
            if (has_gradient(operation->input[i])) m->reaches[operation->node->input[i]] = 1;
    }
}

/* Gives every value its memory. */
static peek_status place(peek_context *context, peek__plan *plan, const marks *m)
{
    const peek__instance *instance = plan->instance;
    const peek_network *network = instance->network;
    peek__placement placement;
    PEEK_TRY(peek__placement_make(context, instance, m->run, m->wanted, plan->training, &placement));
    plan->arena_size = placement.size;
    peek_status status =
        peek__alloc_raw(context, &plan->arena, placement.size, "the activations of the network");
    for (int64_t i = 0; i < network->values && status == PEEK_OK; i++)
        if (placement.offset[i] >= 0) {
            plan->tensor[i].data = plan->arena + placement.offset[i];
            plan->tensor[i].constant = 0;
        }
    peek__placement_free(&placement);
    return status;
}

static peek_status place_gradients(peek_context *context, peek__plan *plan, const marks *m)
{
    const peek__instance *instance = plan->instance;
    const peek_network *network = instance->network;
    int64_t start = 0, floats = 0;
    for (int64_t i = 0; i < network->values; i++) plan->weight_start[i] = -1;
    if (!plan->training) return PEEK_OK;
    for (int64_t i = 0; i < network->weights; i++) {
        plan->weight_start[network->weight[i]] = start;
        start += network->value[network->weight[i]].tensor.size;
    }
    for (int pass = 0; pass < 2; pass++) {
        floats = 0;
        for (int64_t n = 0; n < instance->steps; n++)
            for (int64_t o = 0; m->back[n] && o < instance->step[n].operation.outputs; o++) {
                int64_t value = instance->step[n].operation.node->output[o];
                if (value < 0 || !m->flows[value] || !m->reaches[value]) continue;
                if (pass) plan->gradients[value] = (float *)(void *)plan->gradient_arena + floats;
                floats += (instance->tensor[value].size + 15) & ~INT64_C(15);
            }
        plan->gradient_size = floats * (int64_t)sizeof(float);
        if (!pass) PEEK_TRY(peek__alloc(context, &plan->gradient_arena, plan->gradient_size, "the gradients"));
    }
    return PEEK_OK;
}

/* Points an operation's gradients at the values' as they are now. */
static void connect_gradients(const peek__plan *plan, peek__operation *operation)
{
    const peek__node *node = operation->node;
    for (int64_t i = 0; i < operation->inputs; i++)
        operation->input_gradient[i] = operation->input[i] ? plan->gradients[node->input[i]] : NULL;
    for (int64_t o = 0; o < operation->outputs; o++)
        operation->output_gradient[o] = operation->output[o] ? plan->gradients[node->output[o]] : NULL;
}

/* What several plans share is made by one thread at a time. */
static peek_status prepare(peek_context *context, const peek__plan *plan, int64_t step,
                           peek__operation *operation)
{
    const peek__instance *instance = plan->instance;
    if (!operation->type->prepare) return PEEK_OK;
    if (!operation->type->forget || plan->training) return operation->type->prepare(context, operation);
    operation->shared = &instance->shared[step];
    omp_set_lock(instance->lock);
    peek_status status = operation->type->prepare(context, operation);
    omp_unset_lock(instance->lock);
    return status;
}

/* Refuses operators without a backward through which a gradient has to go: all of them in one sentence. */
static peek_status check_backward(peek_context *context, const peek__instance *instance, const marks *m)
{
    char list[512] = "";
    size_t used = 0;
    int64_t kinds = 0;
    for (int64_t n = 0; n < instance->steps; n++) {
        const peek__operation *operation = &instance->step[n].operation;
        int64_t same = 0, before = 0;
        if (!m->back[n] || operation->type->backward) continue;
        for (int64_t other = 0; other < instance->steps; other++) {
            int alike = m->back[other] && instance->step[other].operation.type == operation->type;
            same += alike;
            before += alike && other < n;
        }
        if (before) continue;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s (%lld node%s, the first '%s')",
                                     kinds ? ", " : "", operation->node->op, (long long)same,
                                     same > 1 ? "s" : "", operation->node->name);
        kinds++;
    }
    if (!kinds) return PEEK_OK;
    return peek__fail(context, PEEK_E_UNSUPPORTED,
                      "nnpeek can run this network, but not train it: there is no way back through %s", list);
}

static peek_status add_operations(peek_context *context, peek__plan *plan, const marks *m)
{
    const peek__instance *instance = plan->instance;
    int64_t lists = 0;
    for (int64_t n = 0; n < instance->steps; n++)
        lists += instance->step[n].operation.inputs + instance->step[n].operation.outputs;
    PEEK_TRY(peek__alloc(context, &plan->lists, lists, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->gradient_lists, lists, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->operation, instance->steps, "the plan of a network"));
    lists = 0;
    for (int64_t n = 0; n < instance->steps; n++) {
        if (!m->run[n]) continue;
        const peek__operation *from = &instance->step[n].operation;
        const peek__node *node = from->node;
        peek__operation *to = &plan->operation[plan->operations];
        *to = *from;
        to->training = plan->training;
        to->draw = &plan->draw;
        to->input = plan->lists + lists;
        to->input_gradient = plan->gradient_lists + lists;
        lists += from->inputs;
        to->output = plan->lists + lists;
        to->output_gradient = plan->gradient_lists + lists;
        lists += from->outputs;
        for (int64_t i = 0; i < from->inputs; i++)
            to->input[i] = from->input[i] ? &plan->tensor[node->input[i]] : NULL;
        for (int64_t o = 0; o < from->outputs; o++)
            to->output[o] = from->output[o] ? &plan->tensor[node->output[o]] : NULL;
        connect_gradients(plan, to);
        plan->operations++;
        PEEK_TRY(prepare(context, plan, n, to));
    }
    return PEEK_OK;
}

static peek_status share_scratch(peek_context *context, peek__plan *plan)
{
    int64_t most = 0;
    for (int64_t i = 0; i < plan->operations; i++)
        if (plan->operation[i].scratch_size > most) most = plan->operation[i].scratch_size;
    PEEK_TRY(peek__alloc_raw(context, &plan->scratch, most, "the plan of a network"));
    for (int64_t i = 0; i < plan->operations; i++) plan->operation[i].scratch = plan->scratch;
    return PEEK_OK;
}

static peek_status fill_plan(peek_context *context, peek__plan *plan, int64_t wanted_count,
                             const int64_t *wanted, marks *m)
{
    const peek__instance *instance = plan->instance;
    int64_t values = instance->network->values;
    PEEK_TRY(peek__alloc(context, &plan->tensor, values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->gradients, values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &plan->weight_start, values, "the plan of a network"));
    memcpy(plan->tensor, instance->tensor, (size_t)values * sizeof *plan->tensor);
    mark_needed(instance, wanted_count, wanted, m);
    if (plan->training) mark_gradients(instance, wanted[0], m);
    PEEK_TRY(check_backward(context, instance, m));
    PEEK_TRY(place(context, plan, m));
    PEEK_TRY(place_gradients(context, plan, m));
    PEEK_TRY(add_operations(context, plan, m));
    return share_scratch(context, plan);
}

peek_status peek__plan_create(peek_context *context, const peek__instance *instance, int training,
                              int64_t wanted_count, const int64_t *wanted, peek__plan **out)
{
    *out = NULL;
    peek__plan *plan;
    char *memory = NULL;
    int64_t values = instance->network->values, steps = instance->steps;
    PEEK_TRY(peek__alloc(context, &plan, 1, "the plan of a network"));
    plan->instance = instance;
    plan->training = training;
    peek_status status = peek__alloc(context, &memory, 4 * values + 2 * steps, "the plan of a network");
    if (status == PEEK_OK) {
        marks m = {memory,
                   memory + values,
                   memory + 2 * values,
                   memory + 3 * values,
                   memory + 4 * values,
                   memory + 4 * values + steps};
        status = fill_plan(context, plan, wanted_count, wanted, &m);
    }
    peek__free(&memory);
    if (status == PEEK_OK)
        *out = plan;
    else
        peek__plan_free(&plan);
    return status;
}

peek_status peek__plan_forward(peek_context *context, peek__plan *plan)
{
    for (int64_t i = 0; i < plan->operations; i++) {
        peek__operation *operation = &plan->operation[i];
        if (operation->type->shares && operation->outputs == 1 &&
            operation->output[0]->data == operation->input[0]->data)
            continue;
        PEEK_TRY(operation->type->forward(context, operation));
    }
    return PEEK_OK;
}

float *peek__plan_gradients(peek__plan *plan, int64_t value)
{
    memset(plan->gradient_arena, 0, (size_t)plan->gradient_size);
    return plan->gradients[value];
}

peek_status peek__plan_backward(peek_context *context, peek__plan *plan, float *gradients)
{
    const peek_network *network = plan->instance->network;
    memset(gradients, 0, (size_t)network->parameters * sizeof *gradients);
    for (int64_t i = 0; i < network->weights; i++)
        plan->gradients[network->weight[i]] = gradients + plan->weight_start[network->weight[i]];
    for (int64_t i = plan->operations - 1; i >= 0; i--) {
        peek__operation *operation = &plan->operation[i];
        int flows = 0;
        connect_gradients(plan, operation);
        for (int64_t o = 0; o < operation->outputs; o++) flows |= operation->output_gradient[o] != NULL;
        if (flows) PEEK_TRY(operation->type->backward(context, operation));
    }
    return PEEK_OK;
}
