/* network/team.c: one plan a thread, for many samples cut into slices. */
#include "network/team.h"
#include "network/trial.h"

#include <stdio.h>
#include <string.h>

/* Floats that the tensors of a slice may have: 256 MB a thread. */
static const int64_t slice_budget = INT64_C(1) << 26;

peek_status peek__team_one_input(peek_context *context, const peek_network *network)
{
    if (network->inputs == 1) return PEEK_OK;
    char names[512] = "";
    size_t used = 0;
    for (int64_t i = 0; i < network->inputs && used + 4 < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s'%s'", i ? ", " : "",
                                 network->value[network->input[i].value].name);
    return peek__fail(context, PEEK_E_UNSUPPORTED,
                      "the network has %lld inputs (%.*s), but samples can be given to one only",
                      (long long)network->inputs, (int)(sizeof names - 1), names);
}

/* How many samples a slice should have: `most`, or fewer where it would take too much memory. */
static int64_t choose_slice(const peek__team *team)
{
    const peek__survey *survey = team->survey;
    if (survey->batch) return survey->batch;
    int64_t total = survey->input[0].size, slice = team->most;
    for (int64_t i = 0; i < survey->tensors && total < slice_budget; i++)
        total += survey->layer[survey->tensor[i]].size;
    while (slice > 1 && total > slice_budget / slice) slice /= 2;
    return slice;
}

static peek_status survey(peek_context *context, peek__team *team, const peek__tensor *sample, int alone)
{
    peek__survey_free(&team->own_survey);
    PEEK_TRY(peek__survey_create(context, team->network, sample, alone, &team->own_survey));
    team->survey = team->own_survey;
    return PEEK_OK;
}

peek_status peek__team_begin(peek_context *context, peek__team *team, const peek__tensor *sample)
{
    const peek_network *network = team->network;
    PEEK_TRY(peek__team_one_input(context, network));
    team->survey = network->survey;
    if (sample && !peek__same_shape(sample, &network->survey->input[0]))
        PEEK_TRY(survey(context, team, sample, 0));
    else if (!sample && network->survey->open)
        return peek__fail(context, PEEK_E_SHAPE,
                          "the network leaves the size of its input '%s' open: give samples that have one",
                          network->value[network->input[0].value].name);
    if (!team->survey->batch && team->most > 1) {
        int same;
        PEEK_TRY(peek__trial(context, network, team->survey, team->wanted_count, team->wanted, &same));
        peek__tensor shape = team->survey->input[0];
        if (!same) PEEK_TRY(survey(context, team, &shape, 1));
    }
    team->slice = choose_slice(team);
    team->size = peek_threads(context);
    omp_init_lock(&team->lock);
    team->begun = 1;
    PEEK_TRY(peek__alloc(context, &team->instance, team->slice, "the plans of a network"));
    team->instances = team->slice;
    PEEK_TRY(peek__alloc(context, &team->member, team->size, "the plans of a network"));
    return peek__alloc(context, &team->staging, team->size, "the plans of a network");
}

void peek__team_end(peek__team *team)
{
    for (int64_t i = 0; i < team->size; i++) {
        if (team->member) {
            peek__plan_free(&team->member[i].whole);
            peek__plan_free(&team->member[i].rest);
        }
        if (team->staging) peek__free(&team->staging[i]);
    }
    for (int64_t i = 0; i < team->instances; i++) peek__instance_free(&team->instance[i]);
    peek__free(&team->member);
    peek__free(&team->staging);
    peek__free(&team->instance);
    peek__survey_free(&team->own_survey);
    if (team->begun) omp_destroy_lock(&team->lock);
    team->begun = 0;
}

static peek_status make_instance(peek_context *context, const peek__team *team, int64_t samples,
                                 peek__instance **out)
{
    peek__tensor input;
    PEEK_TRY(peek__survey_inputs(context, team->network, team->survey, samples, &input));
    return peek__instance_create(context, team->network, &input, out);
}

/* Threads share instances: the first that needs one makes it, and the others wait. */
static peek_status find_instance(peek_context *context, peek__team *team, int64_t samples,
                                 const peek__instance **out)
{
    omp_set_lock(&team->lock);
    peek__instance **made = &team->instance[samples - 1];
    peek_status status = *made ? PEEK_OK : make_instance(context, team, samples, made);
    *out = *made;
    omp_unset_lock(&team->lock);
    return status;
}

/* Samples that a plan for `count` has. */
static int64_t samples_for(const peek__team *team, int64_t count)
{
    return team->survey->batch ? team->survey->batch : count;
}

peek__plan *peek__team_plan(const peek__team *team, int thread, int64_t count)
{
    const peek__member *member = &team->member[thread];
    return samples_for(team, count) == team->slice ? member->whole : member->rest;
}

static peek_status find_plan(peek_context *context, peek__team *team, int thread, int64_t count)
{
    peek__member *member = &team->member[thread];
    int64_t samples = samples_for(team, count);
    int whole = samples == team->slice;
    if (!whole && member->rest_count != samples) peek__plan_free(&member->rest);
    if (whole ? member->whole : member->rest) return PEEK_OK;
    const peek__instance *instance;
    PEEK_TRY(find_instance(context, team, samples, &instance));
    if (!whole) member->rest_count = samples;
    return peek__plan_create(context, instance, team->training, team->wanted_count, team->wanted,
                             whole ? &member->whole : &member->rest);
}

peek_status peek__team_input(peek_context *context, peek__team *team, int thread, int64_t count, float **out)
{
    PEEK_TRY(find_plan(context, team, thread, count));
    peek__tensor *input =
        peek__plan_tensor(peek__team_plan(team, thread, count), team->network->input[0].value);
    if (peek__is_float(input->type)) {
        *out = input->floats;
        return PEEK_OK;
    }
    int64_t most = team->slice * team->survey->input[0].size;
    if (!team->staging[thread])
        PEEK_TRY(peek__alloc(context, &team->staging[thread], most, "the samples of a network"));
    *out = team->staging[thread];
    return PEEK_OK;
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

peek_status peek__team_forward(peek_context *context, peek__team *team, int thread, int64_t count)
{
    peek__plan *plan = peek__team_plan(team, thread, count);
    peek__tensor *input = peek__plan_tensor(plan, team->network->input[0].value);
    int64_t size = team->survey->input[0].size, samples = samples_for(team, count);
    float *x = team->staging[thread] ? team->staging[thread] : input->floats;
    preprocess(team->preprocess, x, count, size);
    for (int64_t i = count; i < samples; i++) memcpy(x + i * size, x, (size_t)size * sizeof *x);
    if (team->staging[thread])
        for (int64_t i = 0; i < input->size; i++) input->integers[i] = (int64_t)x[i];
    return peek__plan_forward(context, plan);
}

void peek__team_values(const peek__team *team, int thread, int64_t count, int64_t value, float *out)
{
    peek__plan *plan = peek__team_plan(team, thread, count);
    peek__layer_gather(&team->survey->layer[value], peek__plan_tensor(plan, value), samples_for(team, count),
                       count, out);
}

const float *peek__team_rows(const peek__team *team, int thread, int64_t count, int64_t value)
{
    const peek__tensor *tensor = peek__plan_tensor(peek__team_plan(team, thread, count), value);
    return peek__is_float(tensor->type) && team->survey->layer[value].outer == 1 ? tensor->floats : NULL;
}

peek_status peek__team_sample(peek_context *context, const peek_network *network, const peek_dataset *dataset,
                              peek__tensor *out)
{
    peek_dataset_info data = peek_dataset_describe(dataset);
    PEEK_TRY(peek__team_one_input(context, network));
    const peek__port *port = &network->input[0];
    int64_t picture[3] = {data.channels, data.height, data.width},
            size = data.channels * data.height * data.width;
    int64_t shape[PEEK_DIMENSIONS], known = 1, open = -1, fits = 1;
    int dimensions = port->shaped ? port->dimensions - 1 : 3;
    for (int d = 0; d < dimensions; d++) {
        int64_t declared = port->shaped ? port->shape[d + 1] : -1;
        shape[d] = dimensions == 3 && declared < 0 ? picture[d] : declared;
        if (dimensions == 3) fits &= shape[d] == picture[d];
        if (shape[d] >= 0)
            known = peek__product(known, shape[d]);
        else {
            fits &= open < 0; /* one open size follows from the others */
            open = d;
        }
    }
    if (fits && open >= 0) {
        fits = known > 0 && size % known == 0;
        if (fits) shape[open] = size / known;
        known = size;
    }
    if (fits && known == size) {
        *out = (peek__tensor){.type = port->type};
        return peek__tensor_shape(context, out, network->value[port->value].name, dimensions, shape);
    }
    char takes[256], has[256];
    return peek__fail(
        context, PEEK_E_SHAPE,
        "the network takes samples of %s, but those of '%s' are %s (C x H x W): give data of that shape",
        peek__shape_text(takes, dimensions, port->shape + 1), data.name, peek__shape_text(has, 3, picture));
}
