/* factor/extrapolate.c: extrapolation between a rule's updates, with restarts. */
#include "factor/extrapolate.h"

#include <math.h>
#include <stdlib.h>

static double env(const char *n, double d)
{
    const char *t = getenv(n);
    return t ? atof(t) : d;
}

peek__extrapolation peek__extrapolation_start(void)
{
    return (peek__extrapolation){.beta = 0, .resumed = env("B0", 0.5), .most = 1};
}

void peek__extrapolation_accept(peek__extrapolation *state)
{
    if (state->beta == 0) {
        state->beta = state->resumed;
        return;
    }
    state->beta = fmin(state->most, state->beta * env("GROW", 1.05));
    state->resumed = state->beta;
    state->most = fmin(env("MOST", 1), state->most * env("MGROW", 1.01));
}

void peek__extrapolation_refuse(peek__extrapolation *state)
{
    state->most = fmin(state->most, state->beta);
    state->resumed = state->beta / env("SHRINK", 1.5);
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
