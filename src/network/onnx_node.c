/* network/onnx_node.c: the nodes of a file: attributes, constants, and calls of functions that the file
 * defines, which are replaced by the functions' nodes. */
#include "network/onnx_read.h"

#include <string.h>

enum {
    MOST_CALLS = 100000, /* of functions in all: a few that call each other twice would never end */
    MOST_NESTED = 64
};

/* Within a function: names are those of the caller for its inputs and outputs, else its own behind a prefix. */
typedef struct scope {
    const struct scope *outer; /* the caller's; NULL: the main graph */
    const Onnx__FunctionProto *function;
    const Onnx__NodeProto *call;
    const char *prefix;
    int depth;
} scope;

static peek_status resolve(peek_context *context, const scope *s, const char *name, char **out)
{
    if (!s || !*name) return peek__copy_text(context, out, name);
    for (size_t i = 0; i < s->function->n_input; i++)
        if (strcmp(s->function->input[i], name) == 0)
            return resolve(context, s->outer, i < s->call->n_input ? s->call->input[i] : "", out);
    for (size_t i = 0; i < s->function->n_output; i++)
        if (strcmp(s->function->output[i], name) == 0 && i < s->call->n_output && *s->call->output[i])
            return resolve(context, s->outer, s->call->output[i], out);
    return peek__format(context, out, "%s%s", s->prefix, name);
}

/* An attribute as it is given: within a function it may stand for one of the call, which may be missing. */
static const Onnx__AttributeProto *find_given(const scope *s, const Onnx__AttributeProto *from)
{
    for (; from && from->ref_attr_name && *from->ref_attr_name; s = s->outer) {
        const char *wanted = from->ref_attr_name;
        from = NULL;
        if (!s) return NULL;
        for (size_t i = 0; i < s->call->n_attribute && !from; i++)
            if (strcmp(peek__text_or(s->call->attribute[i]->name, ""), wanted) == 0)
                from = s->call->attribute[i];
    }
    return from;
}

typedef Onnx__AttributeProto__AttributeType attribute_type;

/* Its type; old files do not say, but have a value. */
static attribute_type type_of(const Onnx__AttributeProto *from)
{
    if (from->has_type && from->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED) return from->type;
    if (from->n_ints) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    if (from->n_floats) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    if (from->has_i) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (from->has_f) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (from->has_s) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (from->t) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (from->g) return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

static int kind_of(attribute_type type, peek__attribute_kind *out)
{
    switch (type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        *out = PEEK__ATTRIBUTE_INTEGER;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        *out = PEEK__ATTRIBUTE_NUMBER;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        *out = PEEK__ATTRIBUTE_TEXT;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        *out = PEEK__ATTRIBUTE_INTEGERS;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        *out = PEEK__ATTRIBUTE_NUMBERS;
        return 1;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        *out = PEEK__ATTRIBUTE_TENSOR;
        return 1;
    default:
        return 0;
    }
}

static peek_status read_attribute(peek_context *context, const peek__onnx_reader *reader, peek__node *node,
                                  const char *name, const Onnx__AttributeProto *from)
{
    peek__attribute *to;
    peek__attribute_kind kind;
    if (from->g || from->n_graphs)
        return peek__node_refuse(context, reader->network, node,
                                 "nnpeek does not know operators with graphs of their own");
    if (!kind_of(type_of(from), &kind) || (kind == PEEK__ATTRIBUTE_TENSOR && !from->t))
        return peek__node_refuse(context, reader->network, node,
                                 "its attribute '%s' is of a kind that is not supported", name);
    PEEK_TRY(peek__graph_attribute(context, node, name, kind, &to));
    switch (kind) {
    case PEEK__ATTRIBUTE_INTEGER:
        to->integer = from->i;
        break;
    case PEEK__ATTRIBUTE_NUMBER:
        to->number = from->f;
        break;
    case PEEK__ATTRIBUTE_TEXT:
        return peek__format(context, &to->text, "%.*s", (int)(from->s.len < INT32_MAX ? from->s.len : 0),
                            from->s.len ? (const char *)from->s.data : "");
    case PEEK__ATTRIBUTE_INTEGERS:
        PEEK_TRY(peek__alloc(context, &to->integers, from->n_ints, "the graph of a network"));
        if (from->n_ints) memcpy(to->integers, from->ints, from->n_ints * sizeof *from->ints);
        to->count = (int64_t)from->n_ints;
        break;
    case PEEK__ATTRIBUTE_NUMBERS:
        PEEK_TRY(peek__alloc(context, &to->numbers, from->n_floats, "the graph of a network"));
        if (from->n_floats) memcpy(to->numbers, from->floats, from->n_floats * sizeof *from->floats);
        to->count = (int64_t)from->n_floats;
        break;
    case PEEK__ATTRIBUTE_TENSOR:
        return peek__onnx_tensor(context, reader, from->t, name, &to->tensor);
    }
    return PEEK_OK;
}

/* The tensor of a Constant, from any of its attributes. */
static peek_status constant_tensor(peek_context *context, const peek__onnx_reader *reader,
                                   const peek__node *node, const Onnx__AttributeProto *from, peek__tensor *out)
{
    peek__attribute_kind kind;
    if (!kind_of(type_of(from), &kind) || kind == PEEK__ATTRIBUTE_TEXT ||
        (kind == PEEK__ATTRIBUTE_TENSOR && !from->t))
        return peek__node_refuse(context, reader->network, node,
                                 "its value is of a kind that is not supported");
    if (kind == PEEK__ATTRIBUTE_TENSOR) return peek__onnx_tensor(context, reader, from->t, "a constant", out);
    int list = kind == PEEK__ATTRIBUTE_INTEGERS || kind == PEEK__ATTRIBUTE_NUMBERS;
    int floats = kind == PEEK__ATTRIBUTE_NUMBER || kind == PEEK__ATTRIBUTE_NUMBERS;
    int64_t count = (int64_t)(floats ? from->n_floats : from->n_ints);
    *out = (peek__tensor){.type = floats ? PEEK__TYPE_FLOAT : PEEK__TYPE_INT64};
    PEEK_TRY(peek__tensor_shape(context, out, "a constant", list, &count));
    PEEK_TRY(peek__tensor_allocate(context, out, "a constant of the network"));
    if (!out->size) return PEEK_OK;
    if (floats)
        memcpy(out->floats, list ? from->floats : &from->f, (size_t)out->size * sizeof(float));
    else
        memcpy(out->integers, list ? from->ints : &from->i, (size_t)out->size * sizeof(int64_t));
    return PEEK_OK;
}

/* A Constant becomes an initialiser of the same name. */
static peek_status read_constant(peek_context *context, peek__onnx_reader *reader, const scope *s,
                                 const Onnx__NodeProto *from)
{
    peek__node node = {.name = from->name, .op = from->op_type};
    const Onnx__AttributeProto *given = from->n_attribute == 1 ? find_given(s, from->attribute[0]) : NULL;
    char *name = NULL;
    peek__tensor tensor = {.type = PEEK__TYPE_NONE};
    if (from->n_output != 1 || !given || !*from->output[0])
        return peek__node_broken(context, &node, "it needs one attribute and one output");
    peek_status status = constant_tensor(context, reader, &node, given, &tensor);
    if (status == PEEK_OK) status = resolve(context, s, from->output[0], &name);
    if (status == PEEK_OK) status = peek__graph_give(context, reader->network, name, &tensor);
    peek__free(&tensor.data);
    peek__free(&name);
    return status;
}

static peek_status add_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                            const Onnx__NodeProto *from, char **names)
{
    peek__node *node;
    char *own = NULL;
    for (size_t i = 0; i < from->n_input; i++) PEEK_TRY(resolve(context, s, from->input[i], &names[i]));
    for (size_t i = 0; i < from->n_output; i++)
        PEEK_TRY(resolve(context, s, from->output[i], &names[from->n_input + i]));
    const char *called = peek__text_or(from->name, "");
    PEEK_TRY(peek__format(context, &own, "%s%s", s && *called ? s->prefix : "", called));
    peek_status status = peek__graph_node(context, reader->network, from->op_type, own, (int64_t)from->n_input,
                                          (const char *const *)names, (int64_t)from->n_output,
                                          (const char *const *)names + from->n_input, &node);
    peek__free(&own);
    PEEK_TRY(status);
    for (size_t i = 0; i < from->n_attribute; i++) {
        const Onnx__AttributeProto *given = find_given(s, from->attribute[i]);
        if (given)
            PEEK_TRY(read_attribute(context, reader, node, peek__text_or(from->attribute[i]->name, ""), given));
    }
    return PEEK_OK;
}

static const Onnx__FunctionProto *find_function(const Onnx__ModelProto *model, const char *domain,
                                                const char *op)
{
    for (size_t i = 0; i < model->n_functions; i++)
        if (strcmp(peek__text_or(model->functions[i]->name, ""), op) == 0 &&
            strcmp(peek__text_or(model->functions[i]->domain, ""), domain) == 0)
            return model->functions[i];
    return NULL;
}

static peek_status read_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                             const Onnx__NodeProto *from);

static peek_status check_function(peek_context *context, const peek__onnx_reader *reader,
                                  const peek__node *node, const Onnx__FunctionProto *function)
{
    for (size_t i = 0; i < function->n_opset_import; i++) {
        const char *domain = peek__text_or(function->opset_import[i]->domain, "");
        if (*domain && strcmp(domain, "ai.onnx") != 0) continue;
        if (function->opset_import[i]->version != reader->network->opset)
            return peek__node_refuse(context, reader->network, node,
                                     "it is a function of another opset (%lld) than the network",
                                     (long long)function->opset_import[i]->version);
    }
    return PEEK_OK;
}

static peek_status read_call(peek_context *context, peek__onnx_reader *reader, const scope *outer,
                             const Onnx__FunctionProto *function, const Onnx__NodeProto *call)
{
    peek__node node = {.name = call->name, .op = call->op_type};
    scope s = {.outer = outer, .function = function, .call = call, .depth = outer ? outer->depth + 1 : 1};
    if (s.depth > MOST_NESTED || ++reader->calls > MOST_CALLS)
        return peek__node_refuse(context, reader->network, &node,
                                 "functions of the network call each other too often");
    PEEK_TRY(check_function(context, reader, &node, function));
    char *prefix = NULL;
    const char *called = peek__text_or(call->name, "");
    PEEK_TRY(peek__format(context, &prefix, "%s%s.%lld/", outer ? outer->prefix : "",
                          *called ? called : call->op_type, (long long)reader->calls));
    s.prefix = prefix;
    reader->inside++;
    peek_status status = PEEK_OK;
    for (size_t i = 0; i < function->n_node && status == PEEK_OK; i++)
        status = read_node(context, reader, &s, function->node[i]);
    reader->inside--;
    peek__free(&prefix);
    return status;
}

static peek_status read_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                             const Onnx__NodeProto *from)
{
    peek__node named = {.name = from->name, .op = from->op_type};
    const char *domain = peek__text_or(from->domain, "");
    if (!from->op_type) return peek__node_broken(context, &named, "it has no operator");
    const Onnx__FunctionProto *function = find_function(reader->model, domain, from->op_type);
    if (function) return read_call(context, reader, s, function, from);
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return peek__node_refuse(context, reader->network, &named,
                                 "nnpeek does not know operators of the domain '%s'", domain);
    if (strcmp(from->op_type, "Constant") == 0) return read_constant(context, reader, s, from);
    char **names;
    size_t count = from->n_input + from->n_output;
    PEEK_TRY(peek__alloc(context, &names, count, "the graph of a network"));
    peek_status status = add_node(context, reader, s, from, names);
    for (size_t i = 0; i < count; i++) peek__free(&names[i]);
    peek__free(&names);
    return status;
}

peek_status peek__onnx_nodes(peek_context *context, peek__onnx_reader *reader)
{
    const Onnx__GraphProto *graph = reader->model->graph;
    for (size_t i = 0; i < graph->n_node; i++) PEEK_TRY(read_node(context, reader, NULL, graph->node[i]));
    return PEEK_OK;
}
