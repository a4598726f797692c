/* factor/extrapolate.c: extrapolation between a rule's updates, with restarts. */
#include "factor/extrapolate.h"

#include <math.h>

/* Near those of the source; chosen on activations of the paper's network, where others in between do as well.
 */
static const double start_beta = 0.5, growth = 1.02, growth_of_most = 1.005, shrinkage = 1.5;

peek__extrapolation peek__extrapolation_start(void)
{
    return (peek__extrapolation){.beta = 0, .resumed = start_beta, .most = 1};
}

void peek__extrapolation_accept(peek__extrapolation *state)
{
    if (state->beta == 0) {
        state->beta = state->resumed;
        return;
    }
    state->beta = fmin(state->most, state->beta * growth);
    state->resumed = state->beta;
    state->most = fmin(1, state->most * growth_of_most);
}

void peek__extrapolation_refuse(peek__extrapolation *state)
{
    state->most = fmin(state->most, state->beta);
    state->resumed = state->beta / shrinkage;
    state->beta = 0;
}

void peek__extrapolate(int64_t count, float beta, float *m, float *updated)
{
    for (int64_t i = 0; i < count; i++) {
        float now = m[i], next = now + beta * (now - updated[i]);
        updated[i] = now;
        m[i] = next > 0 ? next : 0;
    }
}
