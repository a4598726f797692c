/* network/trial.c: whether samples that run together give what each gives alone.
 *
 * A network may mix samples: by a softmax over the wrong axis, a norm over the batch, a dimension that merges
 * samples and heads in the other order. Rather than prove of every operator that it does not, two random
 * samples are run. */
#include "base/random.h"
#include "network/plan.h"
#include "network/trial.h"

#include <math.h>
#include <string.h>

/* Different kernels for one and two samples round differently; mixed samples differ by far more. */
static const float tolerance = 1e-2f;

/* Runs samples first .. first+count-1 and adds the rows of every wanted value behind each other. */
static peek_status run(peek_context *context, const peek_network *network, const peek__survey *survey,
                       int64_t first, int64_t count, int64_t wanted_count, const int64_t *wanted, float *rows)
{
    peek__tensor *input;
    peek__instance *instance = NULL;
    peek__plan *plan = NULL;
    PEEK_TRY(peek__alloc(context, &input, network->inputs, "trying the network"));
    peek_status status = peek__survey_inputs(context, network, survey, count, input);
    if (status == PEEK_OK) status = peek__instance_create(context, network, input, &instance);
    if (status == PEEK_OK) status = peek__plan_create(context, instance, 0, wanted_count, wanted, &plan);
    for (int64_t i = 0; status == PEEK_OK && i < network->inputs; i++) {
        peek__tensor *x = peek__plan_tensor(plan, network->input[i].value);
        for (int64_t s = 0; s < count; s++) {
            peek__stream stream = peek__stream_make(0, PEEK__TRIAL, (uint64_t)(2 * i + first + s));
            int64_t size = x->size / count;
            for (int64_t j = s * size; j < (s + 1) * size; j++) {
                float number = peek__random_uniform(&stream);
                if (peek__is_float(x->type))
                    x->floats[j] = number;
                else
                    x->integers[j] = number < 0.5f;
            }
        }
    }
    if (status == PEEK_OK) status = peek__plan_forward(context, plan);
    for (int64_t i = 0; status == PEEK_OK && i < wanted_count; i++) {
        peek__layer layer = survey->layer[wanted[i]];
        if (count == 1) /* alone, a sample has all numbers, in their order */
            layer = (peek__layer){.outer = 1, .factor = layer.size, .inner = 1};
        if (plan->tensor[wanted[i]].size == survey->layer[wanted[i]].size * count)
            peek__layer_gather(&layer, &plan->tensor[wanted[i]], count, count, rows);
        rows += count * survey->layer[wanted[i]].size;
    }
    peek__plan_free(&plan);
    peek__instance_free(&instance);
    peek__free(&input);
    return status;
}

typedef struct trial {
    peek_context *context;
    const peek_network *network;
    const peek__survey *survey;
    int64_t wanted_count;
    const int64_t *wanted;
    float *rows[3]; /* of the first sample, the second, both */
} trial;

/* As a parallel loop of one task, so that BLAS and oneDNN run on one thread. */
static peek_status run_all(void *argument, int64_t index, int thread)
{
    (void)index;
    (void)thread;
    trial *t = argument;
    for (int64_t i = 0; i < 2; i++)
        PEEK_TRY(run(t->context, t->network, t->survey, i, 1, t->wanted_count, t->wanted, t->rows[i]));
    return run(t->context, t->network, t->survey, 0, 2, t->wanted_count, t->wanted, t->rows[2]);
}

/* Rows of floats; integers (a class) may jump where rounding differs, and are not compared. */
static int rows_agree(const trial *t)
{
    int64_t place = 0;
    for (int64_t i = 0; i < t->wanted_count; i++) {
        const peek__layer *layer = &t->survey->layer[t->wanted[i]];
        for (int64_t s = 0; s < 2; s++) {
            const float *alone = t->rows[s] + place, *together = t->rows[2] + 2 * place + s * layer->size;
            float most = 0;
            for (int64_t j = 0; j < layer->size; j++)
                if (isfinite(alone[j]) && fabsf(alone[j]) > most) most = fabsf(alone[j]);
            for (int64_t j = 0; j < layer->size && peek__is_float(layer->type); j++)
                if (!(fabsf(alone[j] - together[j]) <= tolerance * most) && isfinite(alone[j])) return 0;
        }
        place += layer->size;
    }
    return 1;
}

peek_status peek__trial(peek_context *context, const peek_network *network, const peek__survey *survey,
                        int64_t wanted_count, const int64_t *wanted, int *same)
{
    trial t = {context, network, survey, wanted_count, wanted, {NULL}};
    int64_t total = 0;
    for (int64_t i = 0; i < wanted_count; i++) total += survey->layer[wanted[i]].size;
    peek_status status = PEEK_OK;
    for (int i = 0; i < 3 && status == PEEK_OK; i++)
        status = peek__alloc(context, &t.rows[i], total * (i == 2 ? 2 : 1), "trying the network");
    if (status == PEEK_OK) status = peek__parallel(context, 1, run_all, &t);
    *same = status == PEEK_OK && rows_agree(&t);
    for (int i = 0; i < 3; i++) peek__free(&t.rows[i]);
    return status;
}
