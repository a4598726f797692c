/* network/run_once.c: a graph run once on given tensors (network/run.h). */
#include "network/run.h"
#include "network/plan.h"

#include <string.h>

typedef struct run {
    peek_context *context;
    const peek_network *network;
    const peek__tensor *input;
    peek__tensor *output;
    int all_constant; /* inputs of floats are taken as constants, too */
} run;

static peek_status check_inputs(peek_context *context, const peek_network *network, int64_t inputs,
                                const peek__tensor *input, int64_t outputs)
{
    if (inputs != network->inputs || outputs != network->outputs)
        return peek__fail(
            context, PEEK_E_ARGUMENT,
            "the network has %lld inputs and %lld outputs, but tensors for %lld and %lld are given",
            (long long)network->inputs, (long long)network->outputs, (long long)inputs, (long long)outputs);
    for (int64_t i = 0; i < inputs; i++) {
        const peek__port *port = &network->input[i];
        int given = input[i].type != PEEK__TYPE_NONE;
        if (given && port->type != PEEK__TYPE_NONE && input[i].type != port->type)
            return peek__fail(context, PEEK_E_SHAPE, "the network's input '%s' takes %s, not %s",
                              network->value[port->value].name, peek__element_name(port->type),
                              peek__element_name(input[i].type));
        if (given && !input[i].data)
            return peek__fail(context, PEEK_E_ARGUMENT, "the network's input '%s' is given without numbers",
                              network->value[port->value].name);
    }
    return PEEK_OK;
}

/* Integers are constants, so that shapes may follow from them; floats flow. */
static peek_status make_instance(const run *r, peek__instance **out)
{
    peek__tensor *shapes;
    PEEK_TRY(peek__alloc(r->context, &shapes, r->network->inputs, "the inputs of a network"));
    for (int64_t i = 0; i < r->network->inputs; i++) {
        shapes[i] = r->input[i];
        if (peek__is_float(shapes[i].type) && !r->all_constant) shapes[i].data = NULL;
    }
    peek_status status = peek__instance_create(r->context, r->network, shapes, out);
    peek__free(&shapes);
    return status;
}

static peek_status copy_outputs(const run *r, peek__plan *plan)
{
    for (int64_t i = 0; i < r->network->outputs; i++) {
        peek__tensor *from = peek__plan_tensor(plan, r->network->output[i].value), to = *from;
        if (from->type == PEEK__TYPE_NONE)
            return peek__fail(r->context, PEEK_E_UNSUPPORTED, "the network's output '%s' is not computed",
                              r->network->value[r->network->output[i].value].name);
        to.constant = 0;
        PEEK_TRY(peek__tensor_allocate(r->context, &to, "the outputs of a network"));
        memcpy(to.data, from->data, (size_t)to.size * peek__width(to.type));
        r->output[i] = to;
    }
    return PEEK_OK;
}

static peek_status run_instance(const run *r, const peek__instance *instance)
{
    peek__plan *plan = NULL;
    int64_t *wanted;
    PEEK_TRY(peek__alloc(r->context, &wanted, r->network->outputs, "the outputs of a network"));
    for (int64_t i = 0; i < r->network->outputs; i++) wanted[i] = r->network->output[i].value;
    peek_status status = peek__plan_create(r->context, instance, 0, r->network->outputs, wanted, &plan);
    for (int64_t i = 0; status == PEEK_OK && i < r->network->inputs; i++) {
        peek__tensor *to = peek__plan_tensor(plan, r->network->input[i].value);
        if (to->type != PEEK__TYPE_NONE && to->data != r->input[i].data)
            memcpy(to->data, r->input[i].data, (size_t)to->size * peek__width(to->type));
    }
    if (status == PEEK_OK) status = peek__plan_forward(r->context, plan);
    if (status == PEEK_OK) status = copy_outputs(r, plan);
    peek__plan_free(&plan);
    peek__free(&wanted);
    return status;
}

static peek_status run_once(void *argument, int64_t index, int thread)
{
    (void)index;
    (void)thread;
    run *r = argument;
    peek__instance *instance;
    peek_status status = make_instance(r, &instance);
    if (status == PEEK_E_UNSUPPORTED && !r->all_constant) { /* a shape may follow from floats (scales) */
        r->all_constant = 1;
        status = make_instance(r, &instance);
    }
    if (status == PEEK_OK) status = run_instance(r, instance);
    peek__instance_free(&instance);
    return status;
}

peek_status peek__network_run(peek_context *context, const peek_network *network, int64_t inputs,
                              const peek__tensor *input, int64_t outputs, peek__tensor *output)
{
    for (int64_t i = 0; i < outputs; i++) output[i] = (peek__tensor){0};
    PEEK_TRY(check_inputs(context, network, inputs, input, outputs));
    run r = {.context = context, .network = network, .input = input, .output = output};
    return peek__parallel(context, 1, run_once, &r);
}
