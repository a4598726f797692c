/* network/convolution.c: the operator Conv. */
#include "network/onednn.h"

/* As measured. oneDNN works in blocks of 8 channels and wins where they are full, and wherever there are
 * groups. A 1 x 1 kernel needs no unfolding and is a plain matrix product; over few places oneDNN is faster,
 * since its weights are packed once. */
static void choose_ways(peek__convolution *convolution)
{
    int pointwise = convolution->window.kernel_size == 1, full = convolution->outputs % 8 == 0;
    int many = convolution->groups > 1;
    convolution->training_way = many || (full && !pointwise) ? PEEK__BY_ONEDNN : PEEK__BY_COLUMNS;
    convolution->way = convolution->training_way;
    if (full && convolution->window.out_size < 100) convolution->way = PEEK__BY_ONEDNN;
    if (peek__convolution_is_depthwise(convolution)) convolution->way = PEEK__BY_PLANES;
}

static peek__convolution_way way_of(const peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    return operation->training ? convolution->training_way : convolution->way;
}

static peek_status infer(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    PEEK_TRY(peek__needs_floats(context, operation, 1));
    const peek__tensor *x = operation->input[0], *w = operation->input[1], *b = peek__input(operation, 2);
    const char *name = peek__input_name(operation, 1);
    if (b) PEEK_TRY(peek__needs_floats(context, operation, 2));
    if (w->dimensions < 3 || w->dimensions > 2 + PEEK__SLIDES)
        return peek__refuse(context, operation,
                            "its weight '%s' has %d dimensions, but convolutions have one to %d and two more",
                            name, w->dimensions, PEEK__SLIDES);
    peek__convolution *convolution;
    PEEK_TRY(peek__infer_settings(context, operation, &convolution));
    peek__window *window = &convolution->window;
    PEEK_TRY(peek__window_read(context, operation, w->dimensions - 2, w->shape + 2, window));
    PEEK_TRY(peek__window_fits(context, operation, window));
    PEEK_TRY(peek__window_slide(context, operation, 0, window));
    int64_t groups = convolution->groups = peek__attribute_integer(operation->node, "group", 1);
    convolution->samples = x->shape[0];
    convolution->channels = x->shape[1];
    convolution->outputs = w->shape[0];
    if (groups < 1 || convolution->outputs < 1 || convolution->channels % groups ||
        convolution->outputs % groups || w->shape[1] < 1 ||
        peek__product(w->shape[1], groups) != convolution->channels)
        return peek__broken(
            context, operation,
            "its weight '%s' is for %lld channels in %lld groups, but its input has %lld channels", name,
            (long long)w->shape[1], (long long)groups, (long long)convolution->channels);
    if (b && (b->dimensions != 1 || b->shape[0] != convolution->outputs))
        return peek__broken(context, operation, "its bias '%s' has %lld values for %lld channels",
                            peek__input_name(operation, 2), (long long)b->size,
                            (long long)convolution->outputs);
    choose_ways(convolution);
    int64_t shape[PEEK_DIMENSIONS];
    int dimensions = peek__window_shape(window, x->shape[0], convolution->outputs, window->out, shape);
    return peek__infer_output(context, operation, 0, x->type, dimensions, shape);
}

static peek_status prepare(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    if (!convolution->samples) return PEEK_OK;
    if (way_of(operation) == PEEK__BY_COLUMNS) return peek__convolution_columns_prepare(context, operation);
    if (way_of(operation) == PEEK__BY_PLANES) return peek__convolution_depthwise_prepare(context, operation);
    peek__onednn *made = NULL;
    int training = operation->training && operation->output_gradient[0];
    peek__onednn_wishes wishes = {.bias = peek__input(operation, 2) != NULL,
                                  .training = training,
                                  .data_gradient = training && operation->input_gradient[0],
                                  .weights = (peek__onednn_weights **)operation->shared};
    if (operation->input[1]->constant && !operation->training) wishes.w = operation->input[1]->floats;
    PEEK_TRY(peek__onednn_create(context, convolution, &wishes, &made));
    operation->state = made;
    operation->scratch_size = peek__onednn_scratch(made);
    return PEEK_OK;
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const peek__convolution *convolution = operation->settings;
    const peek__tensor *b = peek__input(operation, 2);
    if (!convolution->samples) return PEEK_OK;
    if (way_of(operation) == PEEK__BY_ONEDNN)
        return peek__onednn_forward(context, operation->state, operation->scratch, operation->input[0]->floats,
                                    operation->input[1]->floats, b ? b->floats : NULL,
                                    operation->output[0]->floats);
    if (way_of(operation) == PEEK__BY_PLANES)
        peek__convolution_depthwise_forward(operation);
    else
        peek__convolution_columns_forward(operation);
    return PEEK_OK;
}

static peek_status backward(peek_context *context, peek__operation *operation)
{
    if (way_of(operation) == PEEK__BY_ONEDNN)
        return peek__onednn_backward(context, operation->state, operation->scratch, operation->input[0]->floats,
                                     operation->input[1]->floats, operation->output_gradient[0],
                                     operation->input_gradient[0], operation->input_gradient[1],
                                     peek__input(operation, 2) ? operation->input_gradient[2] : NULL);
    peek__convolution_columns_backward(operation);
    return PEEK_OK;
}

static void release(peek__operation *operation)
{
    peek__onednn *made = operation->state;
    if (way_of(operation) == PEEK__BY_COLUMNS) {
        peek__convolution_columns_release(operation);
    } else if (way_of(operation) == PEEK__BY_PLANES) {
        peek__convolution_depthwise_release(operation);
    } else {
        peek__onednn_free(&made);
        operation->state = NULL;
    }
}

static void forget(void *shared)
{
    peek__onednn_weights *weights = shared;
    peek__onednn_weights_free(&weights);
}

static const peek__operator rows[] = {{.name = "Conv",
                                       .first = 1,
                                       .least_inputs = 2,
                                       .most_inputs = 3,
                                       .infer = infer,
                                       .prepare = prepare,
                                       .forward = forward,
                                       .backward = backward,
                                       .release = release,
                                       .forget = forget}};
const peek__family peek__convolution_family = PEEK__FAMILY(rows);
