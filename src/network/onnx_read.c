/* network/onnx_read.c: from an ONNX file to a graph.
 * Source: https://github.com/onnx/onnx/blob/main/docs/IR.md */
#include "network/onnx_read.h"
#include "network/preprocess.h"
#include "network/run.h"
#include "network/survey.h"
#include "store/file.h"

#include <stdio.h>
#include <string.h>

static peek_status read_opset(peek_context *context, peek_network *network, const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        const char *domain = peek__text_or(set->domain, "");
        if (!*domain || strcmp(domain, "ai.onnx") == 0) network->opset = set->version;
    }
    if (network->opset < 1 && model->n_opset_import && *peek__text_or(model->opset_import[0]->domain, ""))
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network has only operators of the domain '%s', which nnpeek does not know",
                          model->opset_import[0]->domain);
    if (network->opset < 1)
        return peek__fail(context, PEEK_E_FORMAT, "this is not a whole ONNX file (it names no operator set)");
    network->ir_version = model->has_ir_version ? model->ir_version : 3;
    return PEEK_OK;
}

/* A tensor that goes in or out, with all the dimensions the file gives it. */
static peek_status read_port(peek_context *context, peek_network *network, const Onnx__ValueInfoProto *info,
                             int output)
{
    const Onnx__TypeProto__Tensor *type =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? info->type->tensor_type
                                                                                    : NULL;
    if (!info->name) return peek__fail(context, PEEK_E_FORMAT, "an input or output of the network has no name");
    if (info->type && info->type->value_case != ONNX__TYPE_PROTO__VALUE__NOT_SET && !type)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "'%s' is a sequence, a map or an optional; nnpeek knows tensors only", info->name);
    peek__element known = PEEK__TYPE_NONE;
    if (type && type->has_elem_type && type->elem_type) {
        if (!peek__element_known(type->elem_type))
            return peek__fail(
                context, PEEK_E_UNSUPPORTED,
                "'%s' has ONNX data type %d, but nnpeek knows floating-point types of 16 bits and "
                "more, integers of 8 bits and more, and bool",
                info->name, type->elem_type);
        known = (peek__element)type->elem_type;
    }
    int64_t dimensions = type && type->shape ? (int64_t)type->shape->n_dim : -1, shape[PEEK_DIMENSIONS];
    for (int64_t d = 0; d < dimensions && d < PEEK_DIMENSIONS; d++) {
        const Onnx__TensorShapeProto__Dimension *given = type->shape->dim[d];
        int fixed = given->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        /* Some exporters write 0 or -1 for what is open. */
        shape[d] = fixed && given->dim_value > 0 ? given->dim_value : -1;
        if (fixed && given->dim_value == 0 && d > 0) shape[d] = 0;
    }
    peek__port *port;
    PEEK_TRY((output ? peek__graph_output : peek__graph_input)(context, network, info->name, known, dimensions,
                                                               shape, &port));
    for (int64_t d = 0; d < dimensions; d++) {
        const Onnx__TensorShapeProto__Dimension *given = type->shape->dim[d];
        if (given->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
            PEEK_TRY(peek__copy_text(context, &port->label[d], peek__text_or(given->dim_param, "")));
    }
    return PEEK_OK;
}

static peek_status read_metadata(peek_context *context, peek_network *network, const Onnx__ModelProto *model)
{
    PEEK_TRY(peek__alloc(context, &network->metadata, model->n_metadata_props, "the metadata of a network"));
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = peek__text_or(model->metadata_props[i]->key, ""),
                   *text = peek__text_or(model->metadata_props[i]->value, "");
        if (strcmp(key, PEEK__PREPROCESS_KEY) == 0) {
            const peek__tensor *input = &network->survey->input[0];
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

static peek_status read_graph(peek_context *context, peek__onnx_reader *reader)
{
    peek_network *network = reader->network;
    const Onnx__GraphProto *graph = reader->model->graph;
    if (graph->n_sparse_initializer)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "the network has sparse weights: save it with dense ones");
    for (size_t i = 0; i < graph->n_initializer; i++)
        PEEK_TRY(peek__onnx_weight(context, reader, graph->initializer[i],
                                   peek__text_or(graph->initializer[i]->name, "")));
    for (size_t i = 0; i < graph->n_input; i++) {
        int64_t number = graph->input[i]->name ? peek__graph_find(network, graph->input[i]->name) : -1;
        /* Old files list their weights as inputs. */
        if (number < 0 || !network->value[number].constant)
            PEEK_TRY(read_port(context, network, graph->input[i], 0));
    }
    PEEK_TRY(peek__onnx_nodes(context, reader));
    for (size_t i = 0; i < graph->n_output; i++) PEEK_TRY(read_port(context, network, graph->output[i], 1));
    return PEEK_OK;
}

/* survey: whether it should be known how samples run through it. */
static peek_status read_model(peek_context *context, peek__onnx_reader *reader, int survey)
{
    const Onnx__ModelProto *model = reader->model;
    peek_network *network = reader->network;
    if (!model->graph)
        return peek__fail(context, PEEK_E_FORMAT, "this is not an ONNX file (it holds no graph)");
    PEEK_TRY(read_opset(context, network, model));
    PEEK_TRY(peek__copy_text(context, &network->name, peek__text_or(model->graph->name, "")));
    PEEK_TRY(peek__format(context, &network->producer, "%s%s%s", peek__text_or(model->producer_name, ""),
                          model->producer_version && *model->producer_version ? " " : "",
                          peek__text_or(model->producer_version, "")));
    PEEK_TRY(peek__onnx_room(context, model));
    PEEK_TRY(read_graph(context, reader));
    if (!survey) return peek__graph_connect(context, network);
    PEEK_TRY(peek__graph_finish(context, network));
    PEEK_TRY(read_metadata(context, network, model));
    if (network->preprocess.channels) peek__graph_digest(network); /* what was read since is part of it */
    return PEEK_OK;
}

static peek_status load(peek_context *context, const char *path, int survey, peek_network **out)
{
    if (!path || !out)
        return peek__fail(context, PEEK_E_ARGUMENT, "reading a network takes the path of its file");
    *out = NULL;
    peek__onnx_reader reader = {.path = path};
    PEEK_TRY(peek__onnx_unpack(context, path, &reader.model));
    peek_status status = peek__graph_create(context, &reader.network);
    if (status == PEEK_OK) status = read_model(context, &reader, survey);
    onnx__model_proto__free_unpacked(reader.model, NULL);
    if (status == PEEK_OK)
        *out = reader.network;
    else
        peek_network_free(&reader.network);
    return status == PEEK_OK ? status : peek__fail_in(context, status, "%s", path);
}

peek_status peek_network_load(peek_context *context, const char *path, peek_network **out)
{
    peek__stage(context, "network", "reading the network", 0);
    return load(context, path, 1, out);
}

peek_status peek__network_read(peek_context *context, const char *path, peek_network **out)
{
    return load(context, path, 0, out);
}
