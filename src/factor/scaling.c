/* factor/scaling.c: the problem that is iterated on. */
#include "factor/scaling.h"

#include <math.h>

#include "base/memory.h"

/* What a block's weight is multiplied with, so that its norm or its largest value becomes one. */
static double share(const peek__block *block, peek_scale scale)
{
    double unit = scale == PEEK_SCALE_NORM  ? block->square
                  : scale == PEEK_SCALE_MAX ? block->largest * block->largest
                                            : 1;
    return 1 / (unit > 0 ? unit : 1);
}

peek_status peek__scaling_prepare(peek_context *context, const peek_problem *problem, peek_scale scale,
                                  const double *alphas, peek__scaling *out)
{
    PEEK_TRY(peek__alloc(context, &out->weights, problem->count, "a fit"));
    PEEK_TRY(peek__alloc(context, &out->multipliers, problem->count, "a fit"));
    PEEK_TRY(peek__alloc(context, &out->loading_scales, problem->count, "a fit"));
    double square = 0;
    for (int64_t b = 0; b < problem->count; b++) {
        out->weights[b] = alphas ? alphas[b] : problem->weights[b] * share(&problem->blocks[b], scale);
        square += out->weights[b] * problem->blocks[b].square;
    }
    double mean = sqrt(square / ((double)problem->rows * (double)problem->columns));
    int exponent = mean > 0 ? -(int)lround(log2(mean) / 2) : 0;
    out->sample_scale = ldexp(1, exponent);
    out->data_scale = ldexp(1, 2 * exponent);
    out->square = square * out->data_scale * out->data_scale;
    for (int64_t b = 0; b < problem->count; b++) {
        double root = sqrt(out->weights[b]), multiplier = out->data_scale * root;
        if (!(multiplier > 1e-35 && multiplier < 1e35) || problem->blocks[b].largest > 1e35)
            return peek__fail(context, PEEK_E_VALUE,
                              "the values of block '%s' (largest: %g) are too large, too small or too unequal "
                              "for single precision: multiply the data so that typical values are near 1",
                              problem->blocks[b].name, problem->blocks[b].largest);
        out->multipliers[b] = multiplier;
        out->loading_scales[b] = out->sample_scale * root;
    }
    return PEEK_OK;
}

void peek__scaling_clear(peek__scaling *scaling)
{
    peek__free(&scaling->weights);
    peek__free(&scaling->multipliers);
    peek__free(&scaling->loading_scales);
}
