/* network/team.c: one plan a thread, for work cut into slices. */
#include "network/team.h"

peek_status peek__team_begin(peek_context *context, peek__team *team)
{
    team->size = peek_threads(context);
    return peek__alloc(context, &team->plan, team->size, "the plans of a network");
}

void peek__team_end(peek__team *team)
{
    for (int64_t i = 0; team->plan && i < team->size; i++) peek__plan_free(&team->plan[i]);
    peek__free(&team->plan);
}

peek_status peek__team_plan(peek_context *context, peek__team *team, int thread, peek__plan **out)
{
    if (!team->plan[thread])
        PEEK_TRY(peek__plan_create(context, team->network, team->slice, team->training, team->preprocess,
                                   team->wanted_count, team->wanted, &team->plan[thread]));
    *out = team->plan[thread];
    return PEEK_OK;
}

peek_status peek__team_check(peek_context *context, const peek_network *network, const peek_dataset *dataset)
{
    peek_dataset_info data = peek_dataset_describe(dataset);
    const peek__value *input = &network->value[network->input];
    int64_t shape[3] = {data.channels, data.height, data.width};
    int same = input->dimensions == 3;
    for (int d = 0; same && d < 3; d++) same = input->shape[d] == shape[d];
    if (input->dimensions != 3) same = input->size == data.channels * data.height * data.width;
    if (same) return PEEK_OK;
    char takes[256], has[256];
    return peek__fail(
        context, PEEK_E_SHAPE,
        "the network takes samples of %s, but those of '%s' are %s (C x H x W): give data of that shape",
        peek__shape_text(takes, input->dimensions, input->shape), data.name, peek__shape_text(has, 3, shape));
}
