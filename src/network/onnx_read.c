/* network/onnx_read.c: from an ONNX file to a graph.
 * Source: https://github.com/onnx/onnx/blob/main/docs/IR.md */
#include "network/onnx_read.h"
#include "network/preprocess.h"
#include "store/file.h"

#include <stdio.h>
#include <string.h>

/* Protocol buffers cannot be larger. */
static const int64_t most_bytes = INT32_MAX;

/* Levels of messages; a graph within a node takes three. */
static const int most_nested = 100;

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static peek_status read_opset(peek_context *context, peek_network *network, const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        const char *domain = text_or(set->domain, "");
        if (!*domain || strcmp(domain, "ai.onnx") == 0) network->opset = set->version;
    }
    if (network->opset < 1)
        return peek__fail(context, PEEK_E_FORMAT, "this is not a whole ONNX file (it names no operator set)");
    network->ir_version = model->has_ir_version ? model->ir_version : 3;
    return PEEK_OK;
}

static peek_status read_attribute(peek_context *context, const peek_network *network, peek__node *node,
                                  const Onnx__AttributeProto *from)
{
    peek__attribute_kind kind;
    if (from->n_ints || from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS)
        kind = PEEK__ATTRIBUTE_INTEGERS;
    else if (from->n_floats || from->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS)
        kind = PEEK__ATTRIBUTE_NUMBERS;
    else if (from->has_i)
        kind = PEEK__ATTRIBUTE_INTEGER;
    else if (from->has_f)
        kind = PEEK__ATTRIBUTE_NUMBER;
    else if (from->has_s)
        kind = PEEK__ATTRIBUTE_TEXT;
    else
        return peek__node_refuse(context, network, node,
                                 "its attribute '%s' is of a kind that is not supported",
                                 text_or(from->name, ""));
    peek__attribute *to;
    PEEK_TRY(peek__graph_attribute(context, node, text_or(from->name, ""), kind, &to));
    to->integer = kind == PEEK__ATTRIBUTE_INTEGER ? from->i : 0;
    to->number = kind == PEEK__ATTRIBUTE_NUMBER ? from->f : 0;
    if (kind == PEEK__ATTRIBUTE_TEXT)
        return peek__format(context, &to->text, "%.*s", (int)(from->s.len < INT32_MAX ? from->s.len : 0),
                            from->s.len ? (const char *)from->s.data : "");
    if (kind == PEEK__ATTRIBUTE_INTEGERS) {
        PEEK_TRY(peek__alloc(context, &to->integers, from->n_ints, "the graph of a network"));
        if (from->n_ints) memcpy(to->integers, from->ints, from->n_ints * sizeof *from->ints);
        to->count = (int64_t)from->n_ints;
    }
    if (kind == PEEK__ATTRIBUTE_NUMBERS) {
        PEEK_TRY(peek__alloc(context, &to->numbers, from->n_floats, "the graph of a network"));
        if (from->n_floats) memcpy(to->numbers, from->floats, from->n_floats * sizeof *from->floats);
        to->count = (int64_t)from->n_floats;
    }
    return PEEK_OK;
}

/* A Constant becomes an initialiser of the same name. */
static peek_status read_constant(peek_context *context, peek_network *network, const Onnx__NodeProto *from)
{
    peek__node node = {.name = from->name, .op = from->op_type};
    if (from->n_output != 1 || from->n_attribute != 1 || !*from->output[0])
        return peek__node_broken(context, &node, "it needs one attribute and one output");
    const Onnx__AttributeProto *given = from->attribute[0];
    if (given->t) return peek__onnx_tensor(context, network, given->t, from->output[0]);
    int64_t number, count = (int64_t)(given->n_ints ? given->n_ints : given->n_floats);
    int list = given->n_ints || given->n_floats || given->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS ||
               given->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    int floats = given->n_floats || given->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS ||
                 (!list && given->has_f);
    if (!list && !given->has_i && !given->has_f)
        return peek__node_refuse(context, network, &node, "its value is of a kind that is not supported");
    PEEK_TRY(peek__graph_constant(context, network, from->output[0],
                                  floats ? PEEK__ELEMENT_FLOAT : PEEK__ELEMENT_INTEGER, list, &count, &number));
    peek__value *value = &network->value[number];
    if (!list && floats) value->floats[0] = given->f;
    if (!list && !floats) value->integers[0] = given->i;
    for (int64_t i = 0; list && i < count; i++)
        if (floats)
            value->floats[i] = given->floats[i];
        else
            value->integers[i] = given->ints[i];
    return PEEK_OK;
}

static peek_status read_node(peek_context *context, peek_network *network, const Onnx__NodeProto *from)
{
    peek__node named = {.name = from->name, .op = from->op_type}, *node;
    const char *domain = text_or(from->domain, "");
    if (!from->op_type) return peek__node_broken(context, &named, "it has no operator");
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return peek__node_refuse(context, network, &named, "nnpeek does not know operators of the domain '%s'",
                                 domain);
    if (strcmp(from->op_type, "Constant") == 0) return read_constant(context, network, from);
    PEEK_TRY(peek__graph_node(context, network, from->op_type, text_or(from->name, ""), (int64_t)from->n_input,
                              (const char *const *)from->input, (int64_t)from->n_output,
                              (const char *const *)from->output, &node));
    for (size_t i = 0; i < from->n_attribute; i++)
        PEEK_TRY(read_attribute(context, network, node, from->attribute[i]));
    return PEEK_OK;
}

/* The input: its first dimension are the samples, open or fixed; the others have to be given. */
static peek_status read_input(peek_context *context, peek_network *network, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *type =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? info->type->tensor_type
                                                                                    : NULL;
    if (!type || !type->shape)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network's input '%s' has no shape: export it with one", info->name);
    if (type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network's input '%s' has ONNX data type %d; only float (1) is supported",
                          info->name, type->elem_type);
    int64_t dimensions = (int64_t)type->shape->n_dim, shape[PEEK_DIMENSIONS];
    if (dimensions < 1 || dimensions > PEEK_DIMENSIONS + 1)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network's input '%s' has %lld dimensions; the first must be that of the samples",
                          info->name, (long long)dimensions);
    for (int64_t d = 0; d < dimensions; d++) {
        const Onnx__TensorShapeProto__Dimension *given = type->shape->dim[d];
        int64_t length =
            given->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? given->dim_value : 0;
        if (d == 0)
            network->file_batch = length > 0 ? length : 0;
        else if (length < 1)
            return peek__fail(context, PEEK_E_UNSUPPORTED,
                              "the network's input '%s' leaves its dimension %lld open: export it with fixed "
                              "channels, height and width",
                              info->name, (long long)d);
        else
            shape[d - 1] = length;
    }
    PEEK_TRY(peek__graph_value(context, network, info->name, &network->input));
    return peek__value_shape(context, &network->value[network->input], dimensions - 1, shape);
}

static peek_status read_metadata(peek_context *context, peek_network *network, const Onnx__ModelProto *model)
{
    PEEK_TRY(peek__alloc(context, &network->metadata, model->n_metadata_props, "the metadata of a network"));
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = text_or(model->metadata_props[i]->key, ""),
                   *text = text_or(model->metadata_props[i]->value, "");
        if (strcmp(key, PEEK__PREPROCESS_KEY) == 0) {
            const peek__value *input = &network->value[network->input];
            int64_t channels = input->dimensions == 3 ? input->shape[0] : 1;
            if (peek__preprocess_parse(context, text, channels, &network->preprocess) != PEEK_OK)
                return peek__fail_in(context, PEEK_E_FORMAT, "metadata " PEEK__PREPROCESS_KEY);
            continue;
        }
        peek__metadata *entry = &network->metadata[network->metadata_count++];
        PEEK_TRY(peek__copy_text(context, &entry->key, key));
        PEEK_TRY(peek__copy_text(context, &entry->text, text));
    }
    return PEEK_OK;
}

static peek_status read_graph(peek_context *context, peek_network *network, const Onnx__GraphProto *graph)
{
    if (graph->n_sparse_initializer)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network has sparse weights: save it with dense ones");
    for (size_t i = 0; i < graph->n_initializer; i++)
        PEEK_TRY(peek__onnx_tensor(context, network, graph->initializer[i],
                                   text_or(graph->initializer[i]->name, "")));
    for (size_t i = 0; i < graph->n_input; i++) {
        if (!graph->input[i]->name)
            return peek__fail(context, PEEK_E_FORMAT, "an input of the network has no name");
        int64_t number = peek__graph_find(network, graph->input[i]->name);
        if (number >= 0 && network->value[number].constant)
            continue; /* old files list their weights as inputs */
        if (network->input >= 0)
            return peek__fail(context, PEEK_E_UNSUPPORTED,
                              "the network has several inputs ('%s', '%s'), but one is supported",
                              network->value[network->input].name, graph->input[i]->name);
        PEEK_TRY(read_input(context, network, graph->input[i]));
    }
    for (size_t i = 0; i < graph->n_node; i++) PEEK_TRY(read_node(context, network, graph->node[i]));
    for (size_t i = 0; i < graph->n_output; i++)
        PEEK_TRY(peek__graph_output(context, network, text_or(graph->output[i]->name, "")));
    return PEEK_OK;
}

static peek_status read_model(peek_context *context, const Onnx__ModelProto *model, peek_network *network)
{
    if (!model->graph)
        return peek__fail(context, PEEK_E_FORMAT, "this is not an ONNX file (it holds no graph)");
    PEEK_TRY(read_opset(context, network, model));
    PEEK_TRY(peek__copy_text(context, &network->name, text_or(model->graph->name, "")));
    PEEK_TRY(peek__format(context, &network->producer, "%s%s%s", text_or(model->producer_name, ""),
                          model->producer_version && *model->producer_version ? " " : "",
                          text_or(model->producer_version, "")));
    if (model->n_functions)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network defines functions of its own: export it without them");
    PEEK_TRY(read_graph(context, network, model->graph));
    PEEK_TRY(peek__graph_finish(context, network));
    PEEK_TRY(read_metadata(context, network, model));
    peek__graph_digest(network);
    return PEEK_OK;
}

peek_status peek_network_load(peek_context *context, const char *path, peek_network **out)
{
    if (!path || !out)
        return peek__fail(context, PEEK_E_ARGUMENT, "reading a network takes the path of its file");
    *out = NULL;
    char *bytes = NULL;
    int64_t size = 0;
    PEEK_TRY(peek__file_read(context, path, most_bytes, &bytes, &size));
    if (peek__onnx_too_deep(&onnx__model_proto__descriptor, (const uint8_t *)bytes, (size_t)size,
                            most_nested)) {
        peek__free(&bytes);
        return peek__fail(context, PEEK_E_UNSUPPORTED, "%s: graphs are nested more than %d levels deep", path,
                          most_nested);
    }
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, (size_t)size, (const uint8_t *)bytes);
    peek__free(&bytes);
    if (!model)
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s: this is not an ONNX file, or it is cut short: export the network again", path);
    peek_network *network = NULL;
    peek_status status = peek__graph_create(context, &network);
    if (status == PEEK_OK) status = read_model(context, model, network);
    onnx__model_proto__free_unpacked(model, NULL);
    if (status == PEEK_OK)
        *out = network;
    else
        peek_network_free(&network);
    return status == PEEK_OK ? status : peek__fail_in(context, status, "%s", path);
}
