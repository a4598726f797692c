/* network/onnx_write.c: from a graph to an ONNX file.
 *
 * protobuf-c packs a tree of its own structs; they are made in a pool that is freed at once. Texts and weights
 * are borrowed from the network. */
#include "network/number.h"
#include "network/onnx_read.h"
#include "network/preprocess.h"
#include "network/survey.h"
#include "store/file.h"

#include <string.h>

typedef struct chunk {
    struct chunk *next;
    void *memory;
} chunk;

typedef struct pool {
    peek_context *context;
    chunk *first;
} pool;

static peek_status pool_take_bytes(pool *p, void **out, size_t count, size_t size)
{
    chunk *made;
    PEEK_TRY(peek__alloc(p->context, &made, 1, "writing the network"));
    made->next = p->first;
    p->first = made;
    PEEK_TRY(peek__alloc_bytes(p->context, &made->memory, (int64_t)count, size, "writing the network"));
    *out = made->memory;
    return PEEK_OK;
}

#define pool_take(p, out, count) pool_take_bytes((p), (void **)(out), (size_t)(count), sizeof **(out))

static void pool_free(pool *p)
{
    while (p->first) {
        chunk *next = p->first->next;
        peek__release(p->first->memory);
        peek__release(p->first);
        p->first = next;
    }
}

/* An array of `count` new structs and the array of pointers to them that protobuf-c wants. */
#define pool_list(p, list, count, type, initial)                                                               \
    do {                                                                                                       \
        type *pool_items, pool_initial = initial;                                                              \
        PEEK_TRY(pool_take(p, &(list), count));                                                                \
        PEEK_TRY(pool_take(p, &pool_items, count));                                                            \
        for (int64_t pool_i = 0; pool_i < (int64_t)(count); pool_i++) {                                        \
            pool_items[pool_i] = pool_initial;                                                                 \
            (list)[pool_i] = &pool_items[pool_i];                                                              \
        }                                                                                                      \
    } while (0)

static peek_status write_tensor(pool *p, const peek__tensor *from, char *name, Onnx__TensorProto *to)
{
    to->name = name;
    to->n_dims = (size_t)from->dimensions;
    to->dims = (int64_t *)from->shape;
    to->has_data_type = 1;
    to->data_type = (int)from->type;
    if (from->type == PEEK__TYPE_FLOAT || from->type == PEEK__TYPE_INT64 || from->type == PEEK__TYPE_UINT64) {
        to->has_raw_data = 1;
        to->raw_data.len = (size_t)from->size * peek__width(from->type);
        to->raw_data.data = from->data;
        return PEEK_OK;
    }
    if (from->type == PEEK__TYPE_DOUBLE) {
        to->n_double_data = (size_t)from->size;
        PEEK_TRY(pool_take(p, &to->double_data, from->size));
        for (int64_t i = 0; i < from->size; i++) to->double_data[i] = from->floats[i];
        return PEEK_OK;
    }
    if (from->type == PEEK__TYPE_UINT32) {
        to->n_uint64_data = (size_t)from->size;
        PEEK_TRY(pool_take(p, &to->uint64_data, from->size));
        for (int64_t i = 0; i < from->size; i++) to->uint64_data[i] = (uint64_t)from->integers[i];
        return PEEK_OK;
    }
    to->n_int32_data = (size_t)from->size;
    PEEK_TRY(pool_take(p, &to->int32_data, from->size));
    for (int64_t i = 0; i < from->size; i++)
        to->int32_data[i] = from->type == PEEK__TYPE_FLOAT16    ? peek__to_half(from->floats[i])
                            : from->type == PEEK__TYPE_BFLOAT16 ? peek__to_bfloat(from->floats[i])
                                                                : (int32_t)from->integers[i];
    return PEEK_OK;
}

static peek_status write_attribute(pool *p, const peek__attribute *from, Onnx__AttributeProto *to)
{
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    to->name = from->name;
    to->has_type = 1;
    switch (from->kind) {
    case PEEK__ATTRIBUTE_INTEGER:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        to->has_i = 1;
        to->i = from->integer;
        break;
    case PEEK__ATTRIBUTE_NUMBER:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        to->has_f = 1;
        to->f = from->number;
        break;
    case PEEK__ATTRIBUTE_TEXT:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
        to->has_s = 1;
        to->s = (ProtobufCBinaryData){.len = strlen(from->text), .data = (uint8_t *)from->text};
        break;
    case PEEK__ATTRIBUTE_INTEGERS:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        to->n_ints = (size_t)from->count;
        to->ints = from->integers;
        break;
    case PEEK__ATTRIBUTE_NUMBERS:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
        to->n_floats = (size_t)from->count;
        to->floats = from->numbers;
        break;
    case PEEK__ATTRIBUTE_TENSOR:
        to->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
        PEEK_TRY(pool_take(p, &to->t, 1));
        *to->t = tensor;
        return write_tensor(p, &from->tensor, (char *)"", to->t);
    }
    return PEEK_OK;
}

static peek_status write_node(pool *p, const peek_network *network, const peek__node *from, Onnx__NodeProto *to)
{
    to->name = from->name;
    to->op_type = from->op;
    to->n_input = (size_t)from->inputs;
    to->n_output = (size_t)from->outputs;
    PEEK_TRY(pool_take(p, &to->input, from->inputs));
    PEEK_TRY(pool_take(p, &to->output, from->outputs));
    for (int64_t i = 0; i < from->inputs; i++)
        to->input[i] = from->input[i] < 0 ? (char *)"" : network->value[from->input[i]].name;
    for (int64_t i = 0; i < from->outputs; i++)
        to->output[i] = from->output[i] < 0 ? (char *)"" : network->value[from->output[i]].name;
    to->n_attribute = (size_t)from->attributes;
    Onnx__AttributeProto initial = ONNX__ATTRIBUTE_PROTO__INIT;
    pool_list(p, to->attribute, from->attributes, Onnx__AttributeProto, initial);
    for (int64_t i = 0; i < from->attributes; i++)
        PEEK_TRY(write_attribute(p, &from->attribute[i], to->attribute[i]));
    return PEEK_OK;
}

/* What goes in or out: as declared; an output without a declared shape: as the survey found it, if it did. */
static peek_status write_port(pool *p, const peek_network *network, const peek__port *from,
                              Onnx__ValueInfoProto *to)
{
    Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
    Onnx__TypeProto__Tensor tensor = ONNX__TYPE_PROTO__TENSOR__INIT;
    Onnx__TensorShapeProto shape = ONNX__TENSOR_SHAPE_PROTO__INIT;
    Onnx__TensorShapeProto__Dimension dimension = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT;
    peek__port port = *from;
    const peek__layer *layer = network->survey ? &network->survey->layer[from->value] : NULL;
    if (!port.shaped && layer && layer->outer == 1 && layer->dimensions < PEEK_DIMENSIONS) {
        port.dimensions = layer->dimensions + 1;
        port.shape[0] = network->survey->batch ? network->survey->batch : -1;
        for (int d = 0; d < layer->dimensions; d++) port.shape[d + 1] = layer->shape[d];
    }
    to->name = network->value[from->value].name;
    PEEK_TRY(pool_take(p, &to->type, 1));
    *to->type = type;
    to->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    PEEK_TRY(pool_take(p, &to->type->tensor_type, 1));
    *to->type->tensor_type = tensor;
    to->type->tensor_type->has_elem_type = 1;
    to->type->tensor_type->elem_type = (int)(port.type == PEEK__TYPE_NONE ? PEEK__TYPE_FLOAT : port.type);
    PEEK_TRY(pool_take(p, &to->type->tensor_type->shape, 1));
    Onnx__TensorShapeProto *sizes = to->type->tensor_type->shape;
    *sizes = shape;
    sizes->n_dim = (size_t)port.dimensions;
    pool_list(p, sizes->dim, port.dimensions, Onnx__TensorShapeProto__Dimension, dimension);
    for (int d = 0; d < port.dimensions; d++)
        if (port.shape[d] >= 0) {
            sizes->dim[d]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            sizes->dim[d]->dim_value = port.shape[d];
        } else if (port.label[d] || d == 0) {
            sizes->dim[d]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            sizes->dim[d]->dim_param = port.label[d] ? port.label[d] : (char *)"N";
        }
    return PEEK_OK;
}

static peek_status write_constants(pool *p, const peek_network *network, Onnx__GraphProto *graph)
{
    Onnx__TensorProto initial = ONNX__TENSOR_PROTO__INIT;
    for (int64_t i = 0; i < network->values; i++) graph->n_initializer += network->value[i].constant != 0;
    pool_list(p, graph->initializer, graph->n_initializer, Onnx__TensorProto, initial);
    int64_t written = 0;
    for (int64_t i = 0; i < network->values; i++)
        if (network->value[i].constant)
            PEEK_TRY(write_tensor(p, &network->value[i].tensor, network->value[i].name,
                                  graph->initializer[written++]));
    return PEEK_OK;
}

/* What the reader put in place cannot be told any more from what it was read from. */
static peek_status check_nodes(pool *p, const peek_network *network)
{
    for (int64_t i = 0; i < network->nodes; i++) {
        const peek__node *node = &network->node[i];
        if (strcmp(node->op, "If") == 0 || node->opset != network->opset)
            return peek__fail(p->context, PEEK_E_UNSUPPORTED,
                              "a network with %s cannot be written: export it without",
                              strcmp(node->op, "If") == 0 ? "an If" : "functions of another opset");
    }
    return PEEK_OK;
}

static peek_status write_graph(pool *p, const peek_network *network, Onnx__GraphProto *graph)
{
    Onnx__NodeProto node = ONNX__NODE_PROTO__INIT;
    Onnx__ValueInfoProto info = ONNX__VALUE_INFO_PROTO__INIT;
    graph->name = *network->name ? network->name : (char *)"network";
    graph->n_node = (size_t)network->nodes;
    pool_list(p, graph->node, network->nodes, Onnx__NodeProto, node);
    for (int64_t i = 0; i < network->nodes; i++)
        PEEK_TRY(write_node(p, network, &network->node[i], graph->node[i]));
    PEEK_TRY(write_constants(p, network, graph));
    graph->n_input = (size_t)network->inputs;
    pool_list(p, graph->input, network->inputs, Onnx__ValueInfoProto, info);
    for (int64_t i = 0; i < network->inputs; i++)
        PEEK_TRY(write_port(p, network, &network->input[i], graph->input[i]));
    graph->n_output = (size_t)network->outputs;
    pool_list(p, graph->output, network->outputs, Onnx__ValueInfoProto, info);
    for (int64_t i = 0; i < network->outputs; i++)
        PEEK_TRY(write_port(p, network, &network->output[i], graph->output[i]));
    return PEEK_OK;
}

static peek_status write_metadata(pool *p, const peek_network *network, char *preprocess,
                                  Onnx__ModelProto *model)
{
    Onnx__StringStringEntryProto initial = ONNX__STRING_STRING_ENTRY_PROTO__INIT;
    model->n_metadata_props = (size_t)network->metadata_count + (network->preprocess.channels != 0);
    pool_list(p, model->metadata_props, model->n_metadata_props, Onnx__StringStringEntryProto, initial);
    for (int64_t i = 0; i < network->metadata_count; i++) {
        model->metadata_props[i]->key = network->metadata[i].key;
        model->metadata_props[i]->value = network->metadata[i].text;
    }
    if (!network->preprocess.channels) return PEEK_OK;
    model->metadata_props[network->metadata_count]->key = (char *)PEEK__PREPROCESS_KEY;
    model->metadata_props[network->metadata_count]->value = preprocess;
    return PEEK_OK;
}

static peek_status write_model(pool *p, const peek_network *network, char *preprocess, const char *path)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets = &set;
    model.has_ir_version = set.has_version = 1;
    /* From version 4 on weights need not be listed among the inputs. */
    model.ir_version = network->ir_version < 4 ? 4 : network->ir_version;
    set.domain = (char *)"";
    set.version = network->opset;
    model.n_opset_import = 1;
    model.opset_import = &sets;
    model.producer_name = (char *)"nnpeek";
    model.producer_version = (char *)peek_version();
    model.graph = &graph;
    PEEK_TRY(check_nodes(p, network));
    PEEK_TRY(write_graph(p, network, &graph));
    PEEK_TRY(write_metadata(p, network, preprocess, &model));
    size_t size = onnx__model_proto__get_packed_size(&model);
    if (size > INT32_MAX)
        return peek__fail(p->context, PEEK_E_UNSUPPORTED,
                          "%s: the network is larger than the 2 GB an ONNX file can hold", path);
    uint8_t *bytes;
    PEEK_TRY(pool_take(p, &bytes, size));
    onnx__model_proto__pack(&model, bytes);
    peek__file file;
    PEEK_TRY(peek__file_begin(p->context, &file, path));
    peek_status status = peek__file_write(p->context, &file, bytes, size);
    if (status != PEEK_OK) {
        peek__file_abort(&file);
        return status;
    }
    return peek__file_commit(p->context, &file);
}

peek_status peek_network_save(peek_context *context, const peek_network *network, const char *path)
{
    if (!network || !path)
        return peek__fail(context, PEEK_E_ARGUMENT, "writing a network takes a network and a path");
    pool p = {.context = context};
    char *preprocess = NULL;
    peek_status status = peek__preprocess_text(context, &network->preprocess, &preprocess);
    if (status == PEEK_OK) status = write_model(&p, network, preprocess, path);
    peek__free(&preprocess);
    pool_free(&p);
    return status;
}
