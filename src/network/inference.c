/* network/inference.c: values of one tensor, and accuracy, in slices that any thread may take. */
#include "network/team.h"

#include <string.h>

/* Samples a slice has when a network is only run. */
enum { SLICE = 16 };

typedef struct run {
    peek_context *context;
    peek__team team;
    int64_t value; /* what is wanted */
    int64_t count, done;
    const float *x;
    float *out;
    const peek_dataset *dataset; /* evaluate: samples, labels and votes instead of x and out */
    const int32_t *labels;
    int32_t *predicted;
} run;

static int32_t largest(const float *values, int64_t size)
{
    int64_t best = 0;
    for (int64_t i = 1; i < size; i++)
        if (values[i] > values[best]) best = i;
    return (int32_t)best;
}

static peek_status run_slice(void *argument, int64_t index, int thread)
{
    run *r = argument;
    peek__plan *plan;
    PEEK_TRY(peek__team_plan(r->context, &r->team, thread, &plan));
    const peek_network *network = r->team.network;
    int64_t in = network->value[network->input].size, out = network->value[r->value].size;
    int64_t first = index * r->team.slice, count = r->team.slice;
    if (count > r->count - first) count = r->count - first;
    if (r->dataset)
        PEEK_TRY(peek_dataset_read(r->context, r->dataset, first, count, peek__plan_input(plan)));
    else
        memcpy(peek__plan_input(plan), r->x + first * in, (size_t)(count * in) * sizeof(float));
    PEEK_TRY(peek__plan_forward(r->context, plan, count));
    const float *values = peek__plan_values(plan, r->value);
    if (r->out) memcpy(r->out + first * out, values, (size_t)(count * out) * sizeof(float));
    for (int64_t i = 0; r->predicted && i < count; i++)
        r->predicted[first + i] = largest(values + i * out, out);
    int64_t done = __atomic_add_fetch(&r->done, count, __ATOMIC_RELAXED);
    return peek__step(r->context, done);
}

static peek_status run_slices(run *r, const peek_network *network)
{
    r->team.network = network;
    r->team.preprocess = &network->preprocess;
    r->team.slice = peek__plan_slice(network, SLICE);
    r->team.wanted_count = 1;
    r->team.wanted = &r->value;
    PEEK_TRY(peek__team_begin(r->context, &r->team));
    peek_status status =
        peek__parallel(r->context, (r->count + r->team.slice - 1) / r->team.slice, run_slice, r);
    peek__team_end(&r->team);
    return status;
}

peek_status peek_network_run(peek_context *context, const peek_network *network, const float *x, int64_t count,
                             const char *tensor, float *out)
{
    if (!network || !x || !out || count < 1)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "running a network takes a network, at least one sample and memory for the result");
    int64_t value = tensor ? peek__graph_find(network, tensor) : network->output[0];
    if (value < 0 || network->value[value].constant || network->value[value].node < 0 ||
        !network->value[value].known)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "the network computes no tensor named '%s'; `nnpeek layers` lists them", tensor);
    peek__stage(context, "run", "running the network", count);
    run r = {.context = context, .value = value, .count = count, .x = x, .out = out};
    return run_slices(&r, network);
}

static peek_status check_labels(peek_context *context, const peek_network *network, const peek_dataset *dataset)
{
    peek_dataset_info data = peek_dataset_describe(dataset);
    const int32_t *labels = peek_dataset_labels(dataset);
    int64_t classes = peek__network_output(network)->size;
    if (!labels)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "'%s' has no labels, so there is no accuracy: give labelled data", data.name);
    for (int64_t i = 0; i < data.count; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return peek__fail(context, PEEK_E_SHAPE,
                              "sample %lld of '%s' is of class %d, but the network has %lld outputs",
                              (long long)i, data.name, labels[i], (long long)classes);
    return PEEK_OK;
}

peek_status peek_network_evaluate(peek_context *context, const peek_network *network,
                                  const peek_dataset *dataset, double *accuracy, int64_t *confusion)
{
    if (!network || !dataset)
        return peek__fail(context, PEEK_E_ARGUMENT, "evaluating takes a network and a dataset");
    PEEK_TRY(peek__team_check(context, network, dataset));
    PEEK_TRY(check_labels(context, network, dataset));
    int64_t count = peek_dataset_describe(dataset).count, classes = peek__network_output(network)->size,
            right = 0;
    run r = {.context = context, .value = network->output[0], .count = count, .dataset = dataset};
    r.labels = peek_dataset_labels(dataset);
    PEEK_TRY(peek__alloc(context, &r.predicted, count, "the predictions"));
    peek__stage(context, "test", "testing the network", count);
    peek_status status = run_slices(&r, network);
    if (status == PEEK_OK) {
        if (confusion) memset(confusion, 0, (size_t)(classes * classes) * sizeof *confusion);
        for (int64_t i = 0; i < count; i++) {
            right += r.predicted[i] == r.labels[i];
            if (confusion) confusion[r.labels[i] * classes + r.predicted[i]]++;
        }
        if (accuracy) *accuracy = count ? (double)right / (double)count : 0;
    }
    peek__free(&r.predicted);
    return status;
}
