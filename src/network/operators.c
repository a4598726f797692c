/* network/operators.c: the table of operators, and what writing them takes. */
#include "network/operators.h"

#include <string.h>

static const peek__family *const families[] = {
    &peek__attention_family,
    &peek__average_pool_family,
    &peek__axis_norm_family,
    &peek__batch_norm_family,
    &peek__binary_family,
    &peek__bitwise_family,
    &peek__cast_family,
    &peek__choice_family,
    &peek__class_loss_family,
    &peek__clip_family,
    &peek__col2im_family,
    &peek__compare_family,
    &peek__concat_family,
    &peek__conv_transpose_family,
    &peek__convolution_family,
    &peek__cumulate_family,
    &peek__det_family,
    &peek__dropout_family,
    &peek__einsum_family,
    &peek__expand_family,
    &peek__find_family,
    &peek__gather_family,
    &peek__gemm_family,
    &peek__global_pool_family,
    &peek__grid_sample_family,
    &peek__line_norm_family,
    &peek__lrn_family,
    &peek__matmul_family,
    &peek__max_pool_family,
    &peek__max_unpool_family,
    &peek__pad_family,
    &peek__pattern_family,
    &peek__random_draw_family,
    &peek__reduce_family,
    &peek__reshape_family,
    &peek__resize_family,
    &peek__roi_align_family,
    &peek__rotary_family,
    &peek__scatter_family,
    &peek__sequence_family,
    &peek__shape_family,
    &peek__slice_family,
    &peek__softmax_family,
    &peek__space_depth_family,
    &peek__top_family,
    &peek__transpose_family,
    &peek__unary_family,
    &peek__unique_family,
    &peek__variadic_family,
    &peek__where_family,
    &peek__window_function_family,
};

enum { FAMILIES = sizeof families / sizeof *families };

const peek__operator *peek__operator_row(int64_t index)
{
    for (int f = 0; f < FAMILIES; f++) {
        if (index < families[f]->count) return &families[f]->rows[index];
        index -= families[f]->count;
    }
    return NULL;
}

const peek__operator *peek__operator_find(const char *name, int64_t opset, int64_t *first, int64_t *last)
{
    *first = *last = 0;
    const peek__operator *found = NULL;
    for (int f = 0; f < FAMILIES; f++)
        for (int64_t i = 0; i < families[f]->count; i++) {
            const peek__operator *row = &families[f]->rows[i];
            int64_t until = row->last ? row->last : PEEK__NEWEST_OPSET;
            if (strcmp(row->name, name) != 0) continue;
            if (!*first || row->first < *first) *first = row->first;
            if (until > *last) *last = until;
            if (opset >= row->first && opset <= until) found = row;
        }
    return found;
}

peek_status peek__infer_settings_bytes(peek_context *context, peek__operation *operation, void **out,
                                       size_t size)
{
    *out = NULL;
    PEEK_TRY(peek__alloc_bytes(context, &operation->settings, 1, size, "the plan of a network"));
    *out = operation->settings;
    return PEEK_OK;
}

const char *peek__input_name(const peek__operation *operation, int64_t input)
{
    int there = input < operation->inputs && operation->node->input[input] >= 0;
    return there ? operation->network->value[operation->node->input[input]].name : "";
}

peek_status peek__infer_output(peek_context *context, peek__operation *operation, int64_t output,
                               peek__element type, int64_t dimensions, const int64_t *shape)
{
    if (output >= operation->outputs || !operation->output[output]) return PEEK_OK;
    const char *name = operation->network->value[operation->node->output[output]].name;
    operation->output[output]->type = type;
    peek_status status = peek__tensor_shape(context, operation->output[output], name, dimensions, shape);
    return status == PEEK_OK ? status : peek__node_fail_in(context, status, operation->node);
}

peek_status peek__infer_same(peek_context *context, peek__operation *operation)
{
    PEEK_TRY(peek__needs_floats(context, operation, 0));
    const peek__tensor *x = operation->input[0];
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static peek_status needs(peek_context *context, const peek__operation *operation, int64_t input, int floats)
{
    const peek__tensor *tensor = peek__input(operation, input);
    if (!tensor) return peek__broken(context, operation, "its input %lld is left out", (long long)input);
    if (peek__is_float(tensor->type) == floats) return PEEK_OK;
    return peek__refuse(context, operation, "its input '%s' is of the type %s, for which it is not there",
                        peek__input_name(operation, input), peek__element_name(tensor->type));
}

peek_status peek__needs_floats(peek_context *context, const peek__operation *operation, int64_t input)
{
    return needs(context, operation, input, 1);
}

peek_status peek__needs_integers(peek_context *context, const peek__operation *operation, int64_t input)
{
    return needs(context, operation, input, 0);
}

peek_status peek__needs_constant(peek_context *context, const peek__operation *operation, int64_t input)
{
    const peek__tensor *tensor = peek__input(operation, input);
    if (!tensor) return peek__broken(context, operation, "its input %lld is left out", (long long)input);
    if (tensor->data) return PEEK_OK;
    return peek__refuse(context, operation,
                        "its input '%s' is computed from the samples, but shapes have to be known before",
                        peek__input_name(operation, input));
}

peek_status peek__infer_integers(peek_context *context, const peek__operation *operation, int64_t input,
                                 const char *name, int64_t *count, int64_t out[PEEK_DIMENSIONS])
{
    const peek__tensor *tensor = input < 0 ? NULL : peek__input(operation, input);
    const int64_t *integers = NULL;
    const peek__attribute *attribute = name ? peek__attribute_find(operation->node, name) : NULL;
    *count = -1;
    if (tensor) {
        PEEK_TRY(peek__needs_integers(context, operation, input));
        PEEK_TRY(peek__needs_constant(context, operation, input));
        if (tensor->dimensions > 1)
            return peek__broken(context, operation, "its input '%s' should be a list of integers",
                                peek__input_name(operation, input));
        integers = tensor->integers;
        *count = tensor->size;
    } else if (attribute) {
        if (attribute->kind != PEEK__ATTRIBUTE_INTEGERS)
            return peek__broken(context, operation, "its attribute '%s' should be a list of integers", name);
        integers = attribute->integers;
        *count = attribute->count;
    }
    if (*count > PEEK_DIMENSIONS)
        return peek__refuse(context, operation, "it names %lld dimensions, but at most %d can be handled",
                            (long long)*count, PEEK_DIMENSIONS);
    for (int64_t i = 0; i < *count; i++) out[i] = integers[i];
    return PEEK_OK;
}

peek_status peek__infer_axis(peek_context *context, const peek__operation *operation, int64_t dimensions,
                             int64_t *axis)
{
    if (*axis < -dimensions || *axis >= dimensions)
        return peek__broken(context, operation, "its axis %lld is outside a tensor of %lld dimensions",
                            (long long)*axis, (long long)dimensions);
    if (*axis < 0) *axis += dimensions;
    return PEEK_OK;
}

peek_status peek__infer_broadcast(peek_context *context, const peek__operation *operation, int64_t dimensions_a,
                                  const int64_t *a, int64_t dimensions_b, const int64_t *b, int *dimensions,
                                  int64_t out[PEEK_DIMENSIONS])
{
    *dimensions = (int)(dimensions_a > dimensions_b ? dimensions_a : dimensions_b);
    for (int d = 0; d < *dimensions; d++) {
        int64_t from_a = d - (*dimensions - dimensions_a), from_b = d - (*dimensions - dimensions_b);
        int64_t length_a = from_a < 0 ? 1 : a[from_a], length_b = from_b < 0 ? 1 : b[from_b];
        if (length_a != length_b && length_a != 1 && length_b != 1) {
            char left[256], right[256];
            return peek__broken(context, operation, "shapes %s and %s do not fit together",
                                peek__shape_text(left, dimensions_a, a),
                                peek__shape_text(right, dimensions_b, b));
        }
        out[d] = length_a == 1 ? length_b : length_a;
    }
    return PEEK_OK;
}

void peek__row_major_steps(int dimensions, const int64_t *shape, int64_t *step)
{
    int64_t running = 1;
    for (int d = dimensions - 1; d >= 0; d--) {
        step[d] = running;
        running *= shape[d];
    }
}

void peek__broadcast_steps(const peek__tensor *tensor, int dimensions, int64_t *step)
{
    int64_t own[PEEK_DIMENSIONS];
    peek__row_major_steps(tensor->dimensions, tensor->shape, own);
    for (int d = 0; d < dimensions; d++) {
        int from = d - (dimensions - tensor->dimensions);
        step[d] = from < 0 || tensor->shape[from] == 1 ? 0 : own[from];
    }
}

void peek__copy_numbers(peek__element type, void *to, const void *from, int64_t count, int64_t step)
{
    size_t width = peek__width(type);
    if (step == 1 && count) {
        memcpy(to, from, (size_t)count * width);
    } else if (width == sizeof(float)) {
        float *out = to;
        const float *in = from;
        for (int64_t i = 0; i < count; i++) out[i] = in[i * step];
    } else {
        int64_t *out = to;
        const int64_t *in = from;
        for (int64_t i = 0; i < count; i++) out[i] = in[i * step];
    }
}
