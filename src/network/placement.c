/* network/placement.c: where in one piece of memory the tensors of a plan lie. */
#include "network/placement.h"

#include <string.h>

enum { ALIGNMENT = 64 };

/* A place in memory; several values may have the same. */
typedef struct place {
    int64_t offset, bytes;
    int64_t last; /* the last step that uses one of its values; INT64_MAX: to the end */
} place;

typedef struct placing {
    const peek__instance *instance;
    const char *needed, *kept;
    int all;
    int64_t *last;  /* one a value: the last step that uses it, -1: none */
    int64_t *where; /* one a value: its place, or -1 */
    place *places;
    int64_t count;
    int64_t *alive; /* places, ordered by offset */
    int64_t living;
    int64_t size;
} placing;

static int64_t bytes_of(const peek__tensor *tensor)
{
    int64_t bytes = tensor->size * (int64_t)peek__width(tensor->type);
    return (bytes + ALIGNMENT) & ~(int64_t)(ALIGNMENT - 1); /* never zero: an empty tensor has a place, too */
}

static void find_last_uses(placing *p)
{
    const peek_network *network = p->instance->network;
    for (int64_t i = 0; i < network->values; i++) p->last[i] = p->all || p->kept[i] ? INT64_MAX : -1;
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; p->needed[n] && i < network->node[n].inputs; i++) {
            int64_t input = network->node[n].input[i];
            if (input >= 0 && p->last[input] < n) p->last[input] = n;
        }
}

/* A new place at the lowest offset where there is room among those alive. */
static int64_t take_place(placing *p, int64_t bytes, int64_t last)
{
    int64_t offset = 0, at = 0;
    for (; at < p->living; at++) {
        const place *next = &p->places[p->alive[at]];
        if (next->offset - offset >= bytes) break;
        offset = next->offset + next->bytes;
    }
    memmove(p->alive + at + 1, p->alive + at, (size_t)(p->living - at) * sizeof *p->alive);
    p->alive[at] = p->count;
    p->living++;
    p->places[p->count] = (place){offset, bytes, last};
    if (offset + bytes > p->size) p->size = offset + bytes;
    return p->count++;
}

static void put(placing *p, int64_t value)
{
    const peek__tensor *tensor = &p->instance->tensor[value];
    if (p->where[value] < 0) p->where[value] = take_place(p, bytes_of(tensor), p->last[value]);
}

static void join(placing *p, int64_t value, int64_t where)
{
    p->where[value] = where;
    if (p->places[where].last < p->last[value]) p->places[where].last = p->last[value];
}

/* The place of an input that output 0 of a step may have as well, or -1. */
static int64_t shared_place(const placing *p, const peek__inferred *step, int64_t number)
{
    const peek__operation *operation = &step->operation;
    const peek__tensor *output = operation->output[0];
    if (!output) return -1;
    if (operation->type->shares) return p->where[operation->node->input[0]];
    if (!operation->type->in_place || p->all) return -1;
    for (int64_t i = 0; i < operation->inputs; i++) {
        const peek__tensor *input = operation->input[i];
        if (!input || input->type != output->type || input->size != output->size) continue;
        int64_t where = p->where[operation->node->input[i]];
        if (where >= 0 && p->places[where].last == number) return where;
    }
    return -1;
}

static void place_outputs(placing *p, const peek__inferred *step, int64_t number)
{
    const peek__node *node = step->operation.node;
    for (int64_t o = 0; o < step->operation.outputs; o++) {
        if (!step->operation.output[o] || p->where[node->output[o]] >= 0) continue;
        /* An output that nobody uses lives as long as its operation. */
        if (p->last[node->output[o]] < number) p->last[node->output[o]] = number;
        int64_t shared = o ? -1 : shared_place(p, step, number);
        if (shared >= 0)
            join(p, node->output[o], shared);
        else
            put(p, node->output[o]);
    }
}

static void end_lives(placing *p, int64_t number)
{
    int64_t left = 0;
    for (int64_t i = 0; i < p->living; i++)
        if (p->places[p->alive[i]].last > number) p->alive[left++] = p->alive[i];
    p->living = left;
}

static peek_status make(peek_context *context, placing *p, peek__placement *out)
{
    const peek__instance *instance = p->instance;
    const peek_network *network = instance->network;
    int64_t values = network->values;
    PEEK_TRY(peek__alloc(context, &p->last, values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &p->where, values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &p->places, values, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &p->alive, values + 1, "the plan of a network"));
    PEEK_TRY(peek__alloc(context, &out->offset, values, "the plan of a network"));
    for (int64_t i = 0; i < values; i++) p->where[i] = -1;
    find_last_uses(p);
    /* Inputs are there before the first step. */
    for (int64_t i = 0; i < network->inputs; i++) {
        int64_t value = network->input[i].value;
        if (instance->tensor[value].type != PEEK__TYPE_NONE && !instance->tensor[value].data) put(p, value);
    }
    for (int64_t n = 0; n < instance->steps; n++)
        if (p->needed[n]) {
            place_outputs(p, &instance->step[n], n);
            end_lives(p, n);
        }
    for (int64_t i = 0; i < values; i++) out->offset[i] = p->where[i] < 0 ? -1 : p->places[p->where[i]].offset;
    out->size = p->size;
    return PEEK_OK;
}

peek_status peek__placement_make(peek_context *context, const peek__instance *instance, const char *needed,
                                 const char *kept, int all, peek__placement *out)
{
    placing p = {.instance = instance, .needed = needed, .kept = kept, .all = all};
    *out = (peek__placement){0};
    peek_status status = make(context, &p, out);
    peek__free(&p.last);
    peek__free(&p.where);
    peek__free(&p.places);
    peek__free(&p.alive);
    if (status != PEEK_OK) peek__placement_free(out);
    return status;
}

void peek__placement_free(peek__placement *placement)
{
    peek__free(&placement->offset);
}
