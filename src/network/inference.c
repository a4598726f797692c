/* network/inference.c: values of one tensor, and accuracy, in slices that any thread may take. */
#include "network/preprocess.h"
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
    const peek__survey *survey = r->team.survey;
    int64_t in = survey->input[0].size, out = survey->layer[r->value].size;
    int64_t first = index * r->team.slice, count = r->team.slice;
    float *input;
    if (count > r->count - first) count = r->count - first;
    PEEK_TRY(peek__team_input(r->context, &r->team, thread, 0, count, &input));
    if (r->dataset)
        PEEK_TRY(peek_dataset_read(r->context, r->dataset, first, count, input));
    else
        memcpy(input, r->x + first * in, (size_t)(count * in) * sizeof(float));
    peek__preprocess_apply(&r->team.network->preprocess, 0, input, count, in);
    PEEK_TRY(peek__team_forward(r->context, &r->team, thread, count));
    peek__team_values(&r->team, thread, count, r->value, r->out + first * out);
    for (int64_t i = first; r->predicted && i < first + count; i++)
        r->predicted[i] = largest(r->out + i * out, out);
    int64_t done = __atomic_add_fetch(&r->done, count, __ATOMIC_RELAXED);
    return peek__step(r->context, done);
}

/* sample: its shape; NULL: as the file says. */
static peek_status run_slices(run *r, const peek_network *network, const peek__tensor *sample)
{
    r->team.network = network;
    r->team.most = r->count < SLICE ? r->count : SLICE;
    r->team.wanted_count = 1;
    r->team.wanted = &r->value;
    peek_status status = peek__team_begin(r->context, &r->team, sample);
    if (status == PEEK_OK)
        status = peek__parallel(r->context, (r->count + r->team.slice - 1) / r->team.slice, run_slice, r);
    peek__team_end(&r->team);
    return status;
}

peek_status peek_network_run(peek_context *context, const peek_network *network, const float *x, int64_t count,
                             const char *tensor, float *out)
{
    if (!network || !x || !out || count < 1)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "running a network takes a network, at least one sample and memory for the result");
    PEEK_TRY(peek__team_one_input(context, network));
    int64_t value = tensor ? peek__graph_find(network, tensor) : network->output[0].value;
    if (value < 0 || !network->survey->layer[value].computed)
        return peek__fail(context, PEEK_E_NOT_FOUND,
                          "the network computes no tensor named '%s'; `nnpeek layers` lists them", tensor);
    peek__stage(context, "run", "running the network", count);
    run r = {.context = context, .value = value, .count = count, .x = x, .out = out};
    return run_slices(&r, network, NULL);
}

static peek_status check_labels(peek_context *context, const peek_network *network, const peek_dataset *dataset)
{
    peek_dataset_info data = peek_dataset_describe(dataset);
    const int32_t *labels = peek_dataset_labels(dataset);
    int64_t classes = peek_network_describe(network).outputs;
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
    peek__tensor sample;
    PEEK_TRY(peek__team_sample(context, network, dataset, &sample));
    PEEK_TRY(check_labels(context, network, dataset));
    int64_t count = peek_dataset_describe(dataset).count, right = 0;
    int64_t classes = peek_network_describe(network).outputs;
    run r = {.context = context, .value = network->output[0].value, .count = count, .dataset = dataset};
    r.labels = peek_dataset_labels(dataset);
    peek_status status = peek__alloc(context, &r.predicted, count, "the predictions");
    if (status == PEEK_OK)
        status = peek__alloc(context, &r.out, peek__product(count, classes), "the predictions");
    peek__stage(context, "test", "testing the network", count);
    if (status == PEEK_OK) status = run_slices(&r, network, &sample);
    if (status == PEEK_OK) {
        if (confusion) memset(confusion, 0, (size_t)(classes * classes) * sizeof *confusion);
        for (int64_t i = 0; i < count; i++) {
            right += r.predicted[i] == r.labels[i];
            if (confusion) confusion[r.labels[i] * classes + r.predicted[i]]++;
        }
        if (accuracy) *accuracy = count ? (double)right / (double)count : 0;
    }
    peek__free(&r.predicted);
    peek__free(&r.out);
    return status;
}
