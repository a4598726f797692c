/* network/team.c: one plan a thread, for many samples cut into slices. */
#include "network/feed.h"
#include "network/team.h"
#include "network/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Floats that the tensors of a slice may have. In training 256 MB: the more samples, the fewer gradients are
 * summed. Otherwise 16 MB: what one operation writes is still in cache when the next one reads it. */
static const int64_t training_budget = INT64_C(1) << 26, running_budget = INT64_C(1) << 22;

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
    if (team->whole) return team->most;
    int64_t total = 0, slice = team->most;
    int64_t budget = team->training ? training_budget : running_budget;
    for (int64_t i = 0; i < team->network->inputs; i++) total += survey->input[i].size;
    for (int64_t i = 0; i < survey->tensors && total < budget; i++)
        total += survey->layer[survey->tensor[i]].size;
    while (slice > 1 && total > budget / slice) slice /= 2;
    return slice;
}

static peek_status survey(peek_context *context, peek__team *team, const peek__tensor *sample, int alone)
{
    peek__survey *made;
    PEEK_TRY(peek__survey_create(context, team->network, sample, alone, &made));
    peek__survey_free(&team->own_survey);
    team->survey = team->own_survey = made;
    return PEEK_OK;
}

static peek_status make_instance(peek_context *context, const peek__team *team, int64_t samples,
                                 peek__instance **out)
{
    peek__tensor *input;
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &input, team->network->inputs, "the shapes of a network"));
    peek_status status = peek__survey_inputs(context, team->network, team->survey, samples, input);
    if (status == PEEK_OK) status = peek__instance_create(context, team->network, input, out);
    peek__free(&input);
    return status;
}

/* Whether one sample gives tensors of the sizes that the survey found. */
static peek_status fits_one(peek_context *context, const peek__team *team, int *fits)
{
    peek__instance *instance;
    PEEK_TRY(make_instance(context, team, 1, &instance));
    *fits = 1;
    for (int64_t i = 0; i < team->wanted_count; i++)
        *fits &= instance->tensor[team->wanted[i]].size == team->survey->layer[team->wanted[i]].size;
    peek__instance_free(&instance);
    return PEEK_OK;
}

/* Falls back to one sample at a time where samples cannot be run together. */
static peek_status check_samples(peek_context *context, peek__team *team)
{
    int fine = 1;
    if (team->survey->batch) return PEEK_OK;
    if (choose_slice(team) > 1)
        PEEK_TRY(peek__trial(context, team->network, team->survey, team->wanted_count, team->wanted, &fine));
    else
        PEEK_TRY(fits_one(context, team, &fine));
    return fine ? PEEK_OK : survey(context, team, team->survey->input, 1);
}

/* Whether the file's own shapes, for which the network was surveyed when it was read, are those of the samples.
 */
static int is_as_declared(const peek_network *network, const peek__tensor *sample)
{
    for (int64_t i = 0; i < network->inputs; i++)
        if (!network->survey->leads[i] || !peek__same_shape(&sample[i], &network->survey->input[i])) return 0;
    return 1;
}

peek_status peek__team_begin(peek_context *context, peek__team *team, const peek__tensor *sample)
{
    const peek_network *network = team->network;
    team->survey = network->survey;
    if (sample && !is_as_declared(network, sample))
        PEEK_TRY(survey(context, team, sample, 0));
    else if (!sample && network->survey->open)
        return peek__fail(context, PEEK_E_SHAPE,
                          "the network leaves the size of its input '%s' open: give samples that have one",
                          network->value[network->input[0].value].name);
    PEEK_TRY(check_samples(context, team));
    team->slice = choose_slice(team);
    team->size = peek_threads(context);
    omp_init_lock(&team->lock);
    team->begun = 1;
    PEEK_TRY(peek__alloc(context, &team->instance, team->slice, "the plans of a network"));
    team->instances = team->slice;
    PEEK_TRY(peek__alloc(context, &team->member, team->size, "the plans of a network"));
    return peek__alloc(context, &team->staging, team->size * network->inputs, "the plans of a network");
}

void peek__team_end(peek__team *team)
{
    for (int64_t i = 0; i < team->size; i++) {
        if (team->member) {
            peek__plan_free(&team->member[i].whole);
            peek__plan_free(&team->member[i].rest);
        }
    }
    for (int64_t i = 0; team->staging && i < team->size * team->network->inputs; i++)
        peek__free(&team->staging[i]);
    for (int64_t i = 0; i < team->instances; i++) peek__instance_free(&team->instance[i]);
    peek__free(&team->member);
    peek__free(&team->staging);
    peek__free(&team->instance);
    peek__survey_free(&team->own_survey);
    if (team->begun) omp_destroy_lock(&team->lock);
    team->begun = 0;
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

peek_status peek__team_input(peek_context *context, peek__team *team, int thread, int64_t input, int64_t count,
                             float **out)
{
    PEEK_TRY(find_plan(context, team, thread, count));
    const peek_network *network = team->network;
    const peek__tensor *tensor =
        peek__plan_tensor(peek__team_plan(team, thread, count), network->input[input].value);
    if (peek__is_float(tensor->type)) {
        *out = tensor->floats;
        return PEEK_OK;
    }
    float **staging = &team->staging[thread * network->inputs + input];
    if (!*staging)
        PEEK_TRY(peek__alloc(context, staging, team->slice * team->survey->input[input].size,
                             "the samples of a network"));
    *out = *staging;
    return PEEK_OK;
}

/* Fills up a slice that is not whole with copies of its first sample, and gives inputs of integers theirs. */
static void complete(const peek__team *team, int thread, int64_t count, int64_t input)
{
    peek__tensor *tensor =
        peek__plan_tensor(peek__team_plan(team, thread, count), team->network->input[input].value);
    const float *staging = team->staging[thread * team->network->inputs + input];
    int64_t size = team->survey->input[input].size, samples = samples_for(team, count);
    for (int64_t i = 0; staging && i < count * size; i++) tensor->integers[i] = llrintf(staging[i]);
    size_t bytes = (size_t)size * peek__width(tensor->type);
    for (int64_t i = count; i < samples; i++)
        memcpy((char *)tensor->data + (size_t)i * bytes, tensor->data, bytes);
}

peek_status peek__team_forward(peek_context *context, peek__team *team, int thread, int64_t count)
{
    for (int64_t i = 0; i < team->network->inputs; i++) complete(team, thread, count, i);
    return peek__plan_forward(context, peek__team_plan(team, thread, count));
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
    return team->survey->layer[value].outer == 1 && peek__is_float(tensor->type) ? tensor->floats : NULL;
}

peek_status peek__team_sample(peek_context *context, const peek_network *network, const peek_dataset *dataset,
                              peek__tensor *out)
{
    PEEK_TRY(peek__team_one_input(context, network));
    return peek__feed_shape(context, network, 0, dataset, 0, out);
}
