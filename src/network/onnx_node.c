/* network/onnx_node.c: the nodes of a file: constants, calls of functions that the file defines, which are
 * replaced by the functions' nodes, and If.
 *
 * An If gets the nodes of both branches in front of it, each with the condition as its guard, and chooses
 * between their results; which branch that is, an instance finds (network/instance.c), as the condition may
 * depend on shapes. */
#include "network/onnx_read.h"

#include <string.h>

enum {
    MOST_CALLS =
        100000, /* of functions and branches in all: a few that call each other twice would never end */
    MOST_NESTED = 64
};

/* Within a function names are those of the caller for its inputs and outputs, else its own behind a prefix;
 * within a branch its own (which are in the graph before its nodes are read) behind a prefix, else those around
 * it. */
typedef struct scope {
    const struct scope *outer;           /* NULL: the main graph */
    const Onnx__FunctionProto *function; /* NULL: a branch */
    const Onnx__NodeProto *call;
    peek__onnx_defaults defaults;
    const char *prefix;
    int64_t opset, guard;
    int guard_value, depth;
} scope;

static peek_status resolve(peek_context *context, const peek__onnx_reader *reader, const scope *s,
                           const char *name, char **out)
{
    if (!s || !*name) return peek__copy_text(context, out, name);
    if (!s->function) {
        PEEK_TRY(peek__format(context, out, "%s%s", s->prefix, name));
        if (peek__graph_find(reader->network, *out) >= 0) return PEEK_OK;
        peek__free(out);
        return resolve(context, reader, s->outer, name, out);
    }
    for (size_t i = 0; i < s->function->n_input; i++)
        if (strcmp(s->function->input[i], name) == 0)
            return resolve(context, reader, s->outer, i < s->call->n_input ? s->call->input[i] : "", out);
    for (size_t i = 0; i < s->function->n_output; i++)
        if (strcmp(s->function->output[i], name) == 0 && i < s->call->n_output && *s->call->output[i])
            return resolve(context, reader, s->outer, s->call->output[i], out);
    return peek__format(context, out, "%s%s", s->prefix, name);
}

static const Onnx__AttributeProto *find_named(Onnx__AttributeProto *const *attribute, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(peek__text_or(attribute[i]->name, ""), name) == 0) return attribute[i];
    return NULL;
}

/* An attribute as it is given: within a function it may stand for one of the call, which may be missing. */
static const Onnx__AttributeProto *find_given(const scope *s, const Onnx__AttributeProto *from)
{
    while (from && from->ref_attr_name && *from->ref_attr_name) {
        const char *wanted = from->ref_attr_name;
        while (s && !s->function) s = s->outer;
        if (!s) return NULL;
        from = find_named(s->call->attribute, s->call->n_attribute, wanted);
        if (!from) return find_named(s->defaults.attribute, (size_t)s->defaults.count, wanted);
        s = s->outer;
    }
    return from;
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
    peek_status status = peek__onnx_constant(context, reader, &node, given, &tensor);
    if (status == PEEK_OK) status = resolve(context, reader, s, from->output[0], &name);
    if (status == PEEK_OK) status = peek__graph_give(context, reader->network, name, &tensor);
    if (status == PEEK_OK) reader->network->value[peek__graph_find(reader->network, name)].literal = 1;
    peek__free(&tensor.data);
    peek__free(&name);
    return status;
}

/* Adds a node, without its attributes; names: of its inputs, then of its outputs. */
static peek_status make_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                             const Onnx__NodeProto *from, size_t inputs, char *const *names, peek__node **out)
{
    char *own = NULL;
    const char *called = peek__text_or(from->name, "");
    PEEK_TRY(peek__format(context, &own, "%s%s", s && *called ? s->prefix : "", called));
    peek_status status = peek__graph_node(context, reader->network, from->op_type, own, (int64_t)inputs,
                                          (const char *const *)names, (int64_t)from->n_output,
                                          (const char *const *)names + inputs, out);
    peek__free(&own);
    PEEK_TRY(status);
    if (!s) return PEEK_OK;
    if (s->opset) (*out)->opset = s->opset;
    (*out)->guard = s->guard;
    (*out)->guard_value = s->guard_value;
    return PEEK_OK;
}

static peek_status add_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                            const Onnx__NodeProto *from, char **names)
{
    peek__node *node;
    for (size_t i = 0; i < from->n_input; i++) PEEK_TRY(resolve(context, reader, s, from->input[i], &names[i]));
    for (size_t i = 0; i < from->n_output; i++)
        PEEK_TRY(resolve(context, reader, s, from->output[i], &names[from->n_input + i]));
    PEEK_TRY(make_node(context, reader, s, from, from->n_input, names, &node));
    for (size_t i = 0; i < from->n_attribute; i++) {
        const Onnx__AttributeProto *given = find_given(s, from->attribute[i]);
        if (given)
            PEEK_TRY(peek__onnx_attribute(context, reader, node, peek__text_or(from->attribute[i]->name, ""),
                                          given));
    }
    return PEEK_OK;
}

static peek_status read_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                             const Onnx__NodeProto *from);

/* Begins the scope of a function or branch; its prefix, which *prefix owns, is named after the node. */
static peek_status enter(peek_context *context, peek__onnx_reader *reader, const scope *outer,
                         const Onnx__NodeProto *call, const char *part, char **prefix, scope *out)
{
    peek__node node = {.name = call->name, .op = call->op_type, .opset = outer ? outer->opset : 0};
    const char *called = peek__text_or(call->name, "");
    *out = (scope){.guard = -1};
    if (outer) *out = *outer;
    out->outer = outer;
    out->call = call;
    out->function = NULL;
    out->defaults = (peek__onnx_defaults){0};
    if (++out->depth > MOST_NESTED || ++reader->calls > MOST_CALLS)
        return peek__node_refuse(context, reader->network, &node,
                                 "functions and branches of the network stand in each other too often");
    PEEK_TRY(peek__format(context, prefix, "%s%s.%lld/%s", outer ? outer->prefix : "",
                          *called ? called : call->op_type, (long long)reader->calls, part));
    out->prefix = *prefix;
    return PEEK_OK;
}

/* Its operators may be those of another opset than the network's. */
static void import_opset(const Onnx__FunctionProto *function, scope *s)
{
    for (size_t i = 0; i < function->n_opset_import; i++) {
        const char *domain = peek__text_or(function->opset_import[i]->domain, "");
        if (!*domain || strcmp(domain, "ai.onnx") == 0) s->opset = function->opset_import[i]->version;
    }
}

static peek_status read_call(peek_context *context, peek__onnx_reader *reader, const scope *outer,
                             const Onnx__FunctionProto *function, const Onnx__NodeProto *call)
{
    scope s;
    char *prefix = NULL;
    PEEK_TRY(enter(context, reader, outer, call, "", &prefix, &s));
    s.function = function;
    import_opset(function, &s);
    peek_status status = peek__onnx_defaults_read(context, function, &s.defaults);
    reader->inside++;
    for (size_t i = 0; i < function->n_node && status == PEEK_OK; i++)
        status = read_node(context, reader, &s, function->node[i]);
    reader->inside--;
    peek__onnx_defaults_free(&s.defaults);
    peek__free(&prefix);
    return status;
}

/* Makes a branch's own names known, so that they are told from those around it. */
static peek_status register_name(peek_context *context, peek__onnx_reader *reader, const scope *s,
                                 const char *name)
{
    char *own = NULL;
    int64_t number;
    if (!*name) return PEEK_OK;
    PEEK_TRY(peek__format(context, &own, "%s%s", s->prefix, name));
    peek_status status = peek__graph_value(context, reader->network, own, &number);
    peek__free(&own);
    return status;
}

static peek_status fill_branch(peek_context *context, peek__onnx_reader *reader, const scope *s,
                               const Onnx__GraphProto *graph, size_t outputs, char **names)
{
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t o = 0; o < graph->node[i]->n_output; o++)
            PEEK_TRY(register_name(context, reader, s, graph->node[i]->output[o]));
    for (size_t i = 0; i < graph->n_initializer; i++) {
        char *own = NULL;
        PEEK_TRY(
            peek__format(context, &own, "%s%s", s->prefix, peek__text_or(graph->initializer[i]->name, "")));
        peek_status status = peek__onnx_weight(context, reader, graph->initializer[i], own);
        peek__free(&own);
        PEEK_TRY(status);
    }
    for (size_t i = 0; i < graph->n_node; i++) PEEK_TRY(read_node(context, reader, s, graph->node[i]));
    for (size_t i = 0; i < outputs; i++)
        PEEK_TRY(resolve(context, reader, s, peek__text_or(graph->output[i]->name, ""), &names[i]));
    return PEEK_OK;
}

/* names: of the branch's outputs, as many as the If has. */
static peek_status read_branch(peek_context *context, peek__onnx_reader *reader, const scope *outer,
                               const Onnx__NodeProto *from, int value, int64_t guard, char **names)
{
    peek__node node = {.name = from->name, .op = from->op_type, .opset = outer ? outer->opset : 0};
    const Onnx__AttributeProto *branch =
        find_named(from->attribute, from->n_attribute, value ? "then_branch" : "else_branch");
    if (!branch || !branch->g || branch->g->n_input || branch->g->n_output < from->n_output)
        return peek__node_broken(context, &node, "its %s is not a graph of its outputs",
                                 value ? "then_branch" : "else_branch");
    if (branch->g->n_sparse_initializer)
        return peek__node_refuse(context, reader->network, &node,
                                 "its branches have sparse weights: save them as dense ones");
    scope s;
    char *prefix = NULL;
    PEEK_TRY(enter(context, reader, outer, from, value ? "then/" : "else/", &prefix, &s));
    s.guard = guard;
    s.guard_value = value;
    peek_status status = fill_branch(context, reader, &s, branch->g, from->n_output, names);
    peek__free(&prefix);
    return status;
}

/* The node has the condition, the results of then_branch and those of else_branch as inputs. names: room for
 * them and its outputs. */
static peek_status read_if(peek_context *context, peek__onnx_reader *reader, const scope *s,
                           const Onnx__NodeProto *from, char **names)
{
    peek__node named = {.name = from->name, .op = from->op_type, .opset = s ? s->opset : 0}, *node;
    int64_t guard;
    size_t inputs = 1 + 2 * from->n_output;
    if (from->n_input != 1 || !*from->input[0])
        return peek__node_broken(context, &named, "it has %lld inputs", (long long)from->n_input);
    PEEK_TRY(resolve(context, reader, s, from->input[0], &names[0]));
    PEEK_TRY(peek__graph_value(context, reader->network, names[0], &guard));
    for (size_t i = 0; i < from->n_output; i++)
        PEEK_TRY(resolve(context, reader, s, from->output[i], &names[inputs + i]));
    PEEK_TRY(read_branch(context, reader, s, from, 1, guard, names + 1));
    PEEK_TRY(read_branch(context, reader, s, from, 0, guard, names + 1 + from->n_output));
    return make_node(context, reader, s, from, inputs, names, &node);
}

static peek_status read_node(peek_context *context, peek__onnx_reader *reader, const scope *s,
                             const Onnx__NodeProto *from)
{
    peek__node named = {.name = from->name, .op = from->op_type, .opset = s ? s->opset : 0};
    const char *domain = peek__text_or(from->domain, "");
    if (!from->op_type) return peek__node_broken(context, &named, "it has no operator");
    const Onnx__FunctionProto *function = peek__onnx_function(reader->model, from);
    if (function) return read_call(context, reader, s, function, from);
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return peek__node_refuse(context, reader->network, &named,
                                 "nnpeek does not know operators of the domain '%s'", domain);
    if (strcmp(from->op_type, "Constant") == 0) return read_constant(context, reader, s, from);
    int branches = strcmp(from->op_type, "If") == 0;
    char **names;
    size_t count = branches ? 1 + 3 * from->n_output : from->n_input + from->n_output;
    PEEK_TRY(peek__alloc(context, &names, count, "the graph of a network"));
    peek_status status = (branches ? read_if : add_node)(context, reader, s, from, names);
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
