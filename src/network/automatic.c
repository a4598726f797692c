/* network/automatic.c: which layers a capture takes when nobody says. */
#include "network/automatic.h"
#include "network/operators.h"

#include <string.h>

/* How far patterns are followed: the longest, GELU with tanh, takes nine nodes; a block of a transformer,
 * written out, has under a hundred. */
enum { STEPS = 12, NEAR = 32, BLOCK = 600 };

typedef struct finder {
    peek_context *context;
    const peek_network *network;
    const peek__survey *survey;
    char *out;           /* peek__automatic, one a value */
    int64_t *uses;       /* one a value: nodes that read it, and 1 for an output of the network */
    int64_t *user;       /* one a value: the last node that reads it, or -1 */
    char *attended;      /* one a value: a residual sum whose branch attends */
    int64_t *mark, turn; /* one a value: visited in this turn */
    int64_t *queue;
} finder;

static int is_op(const peek__node *node, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(node->op, *names) == 0) return 1;
    return 0;
}

static int is_computed(const finder *f, int64_t value)
{
    return value >= 0 && f->survey->layer[value].computed;
}

/* A value that this node computes from the samples, or NULL for inputs and constants. */
static const peek__node *maker(const finder *f, int64_t value)
{
    int64_t node = value < 0 ? -1 : f->network->value[value].node;
    return node < 0 || !is_computed(f, value) ? NULL : &f->network->node[node];
}

static int is_point_wise(const peek__node *node)
{
    static const char *const names[] = {
        "Add",     "Sub",  "Mul",  "Div",  "Pow",      "Neg", "Exp", "Log",  "Abs",         "Softplus", "Erf",
        "Sigmoid", "Tanh", "Sqrt", "Cast", "Identity", "Max", "Min", "Clip", "HardSigmoid", "Sum",      NULL};
    return is_op(node, names);
}

/* Marks what `value` is computed from without leaving point-wise arithmetic, itself included; at most NEAR. */
static void mark_near(finder *f, int64_t value)
{
    int64_t count = 0, at = 0;
    f->turn++;
    f->queue[count++] = value;
    f->mark[value] = f->turn;
    while (at < count) {
        const peek__node *node = maker(f, f->queue[at++]);
        if (!node || !is_point_wise(node)) continue;
        for (int64_t i = 0; i < node->inputs; i++) {
            int64_t from = node->input[i];
            if (!is_computed(f, from) || f->mark[from] == f->turn || count == NEAR) continue;
            f->mark[from] = f->turn;
            f->queue[count++] = from;
        }
    }
}

/* The value behind multiplications with, and additions of, constants. */
static int64_t strip(const finder *f, int64_t value)
{
    static const char *const names[] = {"Mul", "Div", "Add", "Sub", "Cast", "Identity", NULL};
    for (int step = 0; step < STEPS; step++) {
        const peek__node *node = maker(f, value);
        if (!node || !is_op(node, names)) break;
        int64_t first = node->input[0], second = node->inputs > 1 ? node->input[1] : -1;
        if (is_computed(f, first) && is_computed(f, second)) break;
        value = is_computed(f, first) ? first : second;
    }
    return value;
}

/* The other operand of a node with two where it is computed, else -1. */
static int64_t other_operand(const finder *f, const peek__node *node, int64_t value)
{
    int64_t other = node->inputs == 2 ? node->input[node->input[0] == value] : -1;
    return is_computed(f, other) ? other : -1;
}

/* Where an activation function that is written as several nodes ends, from one of its nodes on: behind the
 * product with its own input, and a constant factor. *gate: 1: it ends in a product with something else. Else
 * `value`. */
static int64_t end_of_activation(finder *f, int64_t value, int *gate)
{
    static const char *const carry[] = {"Add", "Sub", "Mul", "Div", "Cast", "Identity", "Tanh", NULL};
    int64_t at = value, end = value;
    *gate = 0;
    const peek__node *node = maker(f, value);
    int64_t source = node->input[0];
    if (!is_computed(f, source)) return value;
    mark_near(f, source);
    for (int step = 0; step < STEPS && f->uses[at] == 1 && f->user[at] >= 0; step++) {
        const peek__node *next = &f->network->node[f->user[at]];
        if (!is_op(next, carry) || next->output[0] < 0) break;
        int64_t other = other_operand(f, next, at);
        if (other >= 0) {
            if (end != value || strcmp(next->op, "Mul") != 0) break;
            if (f->mark[other] != f->turn && f->mark[strip(f, other)] != f->turn) {
                *gate = 1;
                return next->output[0];
            }
            end = next->output[0];
        } else if (end != value && strcmp(next->op, "Mul") == 0) {
            end = next->output[0];
        } else if (end != value) {
            break;
        }
        at = next->output[0];
    }
    return end;
}

/* What only leads to a gate, from the pooled values on, is no part of the main path either. */
static void leave_gate(finder *f, int64_t gate)
{
    static const char *const pools[] = {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean",
                                        "ReduceMax",         "AveragePool",   NULL};
    int64_t count = 0;
    f->turn++;
    f->queue[count++] = gate;
    f->mark[gate] = f->turn;
    for (int64_t at = 0; at < count; at++) {
        const peek__node *node = maker(f, f->queue[at]);
        if (!node || is_op(node, pools)) continue;
        for (int64_t i = 0; i < node->inputs; i++) {
            int64_t from = node->input[i];
            if (!is_computed(f, from) || f->mark[from] == f->turn) continue;
            if (count == NEAR) return;
            f->mark[from] = f->turn;
            f->queue[count++] = from;
        }
    }
    for (int64_t i = 0; i < count; i++)
        if (peek__automatic_takes((peek__automatic)f->out[f->queue[i]])) f->out[f->queue[i]] = PEEK__GATE;
}

static void take(finder *f, int64_t value, peek__automatic why)
{
    if (value != f->network->output[0].value) f->out[value] = (char)why;
}

/* One activation function's node. */
static void take_activation(finder *f, int64_t value, const peek__node *node)
{
    static const char *const gates[] = {"Sigmoid", "HardSigmoid", "Clip", NULL};
    int gate, part = strcmp(node->op, "Erf") == 0;
    int64_t end = end_of_activation(f, value, &gate);
    if (gate && is_op(node, gates)) {
        f->out[value] = PEEK__GATE;
        /* As large as what it scales it is half of a gated linear unit, whose result counts. */
        if (f->survey->layer[end].size == f->survey->layer[value].size)
            take(f, end, PEEK__AFTER_ACTIVATION);
        else
            leave_gate(f, value);
    } else if (!gate && end != value) {
        f->out[value] = PEEK__WITHIN_ACTIVATION;
        take(f, end, PEEK__AFTER_ACTIVATION);
    } else if (!part) {
        take(f, value, PEEK__AFTER_ACTIVATION);
    }
}

static int is_activation(const peek__node *node)
{
    return node->type->activation || strcmp(node->op, "Erf") == 0;
}

static void take_activations(finder *f)
{
    for (int64_t i = 0; i < f->survey->tensors; i++) {
        int64_t value = f->survey->tensor[i];
        const peek__node *node = maker(f, value);
        if (node && is_activation(node) && f->out[value] == PEEK__NO_ACTIVATION)
            take_activation(f, value, node);
    }
}

/* Attention: an operator of that name, or a softmax whose result is multiplied with something computed. */
static int attends(const finder *f, const peek__node *node)
{
    static const char *const names[] = {"Attention", "MultiHeadAttention", NULL};
    static const char *const products[] = {"MatMul", "Einsum", NULL};
    static const char *const carry[] = {"Cast", "Identity", "Dropout", "Reshape", "Where", "Transpose", NULL};
    if (is_op(node, names)) return 1;
    if (strcmp(node->op, "Softmax") != 0) return 0;
    int64_t at = node->output[0];
    for (int step = 0; step < STEPS && at >= 0 && f->user[at] >= 0; step++) {
        const peek__node *next = &f->network->node[f->user[at]];
        if (is_op(next, products)) return other_operand(f, next, at) >= 0;
        if (!is_op(next, carry)) return 0;
        at = next->output[0];
    }
    return 0;
}

/* What lies between a sum's operand and the other one, which is carried past it. */
typedef struct branch {
    int64_t count; /* values, in the queue */
    int residual;  /* 1: it begins at the other operand */
    int attends, acts;
} branch;

static branch follow_branch(finder *f, int64_t from, int64_t carried)
{
    branch b = {0};
    f->turn++;
    f->mark[from] = f->turn;
    f->queue[b.count++] = from;
    for (int64_t at = 0; at < b.count; at++) {
        const peek__node *node = maker(f, f->queue[at]);
        if (!node) continue;
        b.attends |= attends(f, node);
        b.acts |= is_activation(node);
        for (int64_t i = 0; i < node->inputs; i++) {
            int64_t value = node->input[i];
            b.residual |= value == carried;
            if (value == carried || !is_computed(f, value) || f->mark[value] == f->turn) continue;
            if (b.count == BLOCK) return (branch){0};
            f->mark[value] = f->turn;
            f->queue[b.count++] = value;
        }
    }
    return b;
}

/* Whether a value is, or is normalised from, the sum behind an attention. */
static int follows_attention(const finder *f, int64_t value)
{
    static const char *const norms[] = {
        "LayerNormalization", "RMSNormalization", "Add", "Mul", "Div", "Sub", "Cast", "Identity", NULL};
    for (int step = 0; step < STEPS && value >= 0; step++) {
        if (f->attended[value]) return 1;
        const peek__node *node = maker(f, value);
        if (!node || !is_op(node, norms)) return 0;
        value = is_computed(f, node->input[0]) ? node->input[0] : node->inputs > 1 ? node->input[1] : -1;
    }
    return 0;
}

/* A sum of something with what was made of it: by attention, or behind one, which ends a block. */
static void look_at_sum(finder *f, int64_t value, const peek__node *node)
{
    if (strcmp(node->op, "Add") != 0 || !is_computed(f, node->input[0]) || !is_computed(f, node->input[1]))
        return;
    for (int way = 0; way < 2; way++) {
        int64_t from = node->input[way], carried = node->input[!way];
        if (f->survey->layer[from].size != f->survey->layer[carried].size) continue;
        branch b = follow_branch(f, from, carried);
        if (!b.residual) continue;
        f->attended[value] = (char)b.attends;
        if (!b.acts || !(b.attends || follows_attention(f, carried))) return;
        for (int64_t i = 0; i < b.count; i++)
            if (f->out[f->queue[i]] == PEEK__AFTER_ACTIVATION) f->out[f->queue[i]] = PEEK__WITHIN_BLOCK;
        take(f, value, PEEK__AFTER_BLOCK);
        return;
    }
}

static void take_blocks(finder *f)
{
    int any = 0;
    for (int64_t n = 0; n < f->network->nodes && !any; n++) any = attends(f, &f->network->node[n]);
    for (int64_t i = 0; any && i < f->survey->tensors; i++) {
        const peek__node *node = maker(f, f->survey->tensor[i]);
        if (node) look_at_sum(f, f->survey->tensor[i], node);
    }
}

/* Where nothing else was found. */
static void take_weights(finder *f)
{
    static const char *const names[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", NULL};
    for (int64_t i = 0; i < f->survey->tensors; i++)
        if (peek__automatic_takes((peek__automatic)f->out[f->survey->tensor[i]])) return;
    for (int64_t i = 0; i < f->survey->tensors; i++) {
        int64_t value = f->survey->tensor[i];
        const peek__node *node = maker(f, value);
        if (node && is_op(node, names)) take(f, value, PEEK__WEIGHTS_ALONE);
    }
}

static void count_uses(finder *f)
{
    const peek_network *network = f->network;
    for (int64_t v = 0; v < network->values; v++) f->user[v] = -1;
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].inputs; i++) {
            int64_t value = network->node[n].input[i];
            if (value < 0 || (f->user[value] == n)) continue;
            f->uses[value]++;
            f->user[value] = n;
        }
    for (int64_t i = 0; i < network->outputs; i++) f->uses[network->output[i].value]++;
}

peek_status peek__automatic_find(peek_context *context, const peek_network *network, const peek__survey *survey,
                                 char **out)
{
    finder f = {.context = context, .network = network, .survey = survey};
    int64_t values = network->values, *memory = NULL;
    *out = NULL;
    PEEK_TRY(peek__alloc(context, &memory, 3 * values + BLOCK, "the choice of layers"));
    peek_status status = peek__alloc(context, &f.out, values, "the choice of layers");
    if (status == PEEK_OK) status = peek__alloc(context, &f.attended, values, "the choice of layers");
    if (status == PEEK_OK) {
        f.uses = memory;
        f.user = memory + values;
        f.mark = memory + 2 * values;
        f.queue = memory + 3 * values;
        count_uses(&f);
        take_activations(&f);
        take_blocks(&f);
        take_weights(&f);
    }
    peek__free(&memory);
    peek__free(&f.attended);
    if (status == PEEK_OK)
        *out = f.out;
    else
        peek__free(&f.out);
    return status;
}

const char *peek__automatic_reason(peek__automatic which)
{
    static const char *const reasons[] = {"not the output of an activation function",
                                          "after an activation function",
                                          "after a block",
                                          "made by weights, in a network without activation functions",
                                          "part of an activation function whose result is captured",
                                          "within a block whose result is captured",
                                          "a gate, which only scales another tensor, or a step to one"};
    return reasons[which];
}
