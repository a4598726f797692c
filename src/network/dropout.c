/* network/dropout.c: Dropout.
 *
 *     y = x                            when the network is run
 *     y = x mask / (1 - ratio)         in training; mask is 0 with probability ratio, else 1
 *
 * The mask comes from a random stream of the training step, the node and the slice of samples, so it is the
 * same for any number of threads, and is drawn again rather than kept for the way back. Source: N. Srivastava
 * et al., JMLR 15, 2014. */
#include "base/random.h"
#include "network/operators.h"

#include <string.h>

typedef struct settings {
    float ratio;
} settings;

/* Files that were exported in training mode are refused: how they would behave when run is a matter of chance.
 */
static int is_training(const peek__operation *operation)
{
    const peek__tensor *training = peek__input(operation, 2);
    if (training) return training->size > 0 && training->integers[0];
    return operation->node->opset < 7 && !peek__attribute_integer(operation->node, "is_test", 0);
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[0], *ratio = peek__input(operation, 1);
    settings *dropout;
    if (peek__input(operation, 2)) {
        PEEK_TRY(peek__needs_integers(context, operation, 2));
        PEEK_TRY(peek__needs_constant(context, operation, 2));
    }
    if (is_training(operation))
        return peek__refuse(context, operation, "it is in training mode; export the network for inference");
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__infer_settings(context, operation, &dropout));
    dropout->ratio = peek__attribute_number(operation->node, "ratio", 0.5f);
    if (ratio && ratio->data && peek__is_float(ratio->type) && ratio->size == 1)
        dropout->ratio = ratio->floats[0];
    if (!(dropout->ratio >= 0 && dropout->ratio < 1))
        return peek__broken(context, operation, "its ratio %g is not in 0 .. 1", (double)dropout->ratio);
    peek__element mask = operation->node->opset < 10 ? x->type : PEEK__TYPE_BOOL;
    PEEK_TRY(peek__infer_output(context, operation, 1, mask, x->dimensions, x->shape));
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek__stream stream_of(const peek__operation *operation)
{
    const peek__draw *draw = operation->draw;
    uint64_t node = (uint64_t)(operation->node - operation->network->node);
    uint64_t index = (((draw->step << 20) + node) << 20) + draw->slice;
    return peek__stream_make(draw->seed, PEEK__DROPOUT, index);
}

static int drops(const peek__operation *operation)
{
    return operation->training && ((const settings *)operation->settings)->ratio > 0;
}

/* out (+)= in mask / (1 - ratio) */
static void mask(const peek__operation *operation, const float *in, float *out, int64_t size, int add)
{
    float ratio = ((const settings *)operation->settings)->ratio, scale = 1 / (1 - ratio);
    peek__stream stream = stream_of(operation);
    for (int64_t i = 0; i < size; i++) {
        float value = peek__random_uniform(&stream) < ratio ? 0 : scale * in[i];
        out[i] = add ? out[i] + value : value;
    }
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const peek__tensor *x = operation->input[0];
    peek__tensor *y = operation->output[0], *kept = operation->outputs > 1 ? operation->output[1] : NULL;
    if (y && drops(operation))
        mask(operation, x->floats, y->floats, x->size, 0);
    else if (y && y->data != x->data)
        memcpy(y->data, x->data, (size_t)x->size * peek__width(x->type));
    for (int64_t i = 0; kept && i < kept->size; i++)
        if (peek__is_float(kept->type))
            kept->floats[i] = 1;
        else
            kept->integers[i] = 1;
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    (void)context;
    const float *back = operation->output_gradient[0];
    float *out = operation->input_gradient[0];
    int64_t size = operation->input[0]->size;
    if (out && drops(operation))
        mask(operation, back, out, size, 1);
    else
        for (int64_t i = 0; out && i < size; i++) out[i] += back[i];
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "Dropout",
                                       .first = 1,
                                       .least_inputs = 1,
                                       .most_inputs = 3,
                                       .most_outputs = 2,
                                       .in_place = 1,
                                       .infer = infer,
                                       .forward = forward,
                                       .backward = backward}};
const peek__family peek__dropout_family = PEEK__FAMILY(rows);
