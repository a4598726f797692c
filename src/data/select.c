/* data/select.c: cutting and ordering: first the classes, then the fraction, then the samples, then the order,
 * then what is done to labels.
 *
 * The fraction is a prefix of one seeded shuffle of what the classes leave, so that 0.25 is contained in 0.5;
 * `shuffled` is the order of that same shuffle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "base/random.h"
#include "data/class_list.h"
#include "data/relabel.h"

static const peek_option rows[] = {
    PEEK_REAL(peek_dataset_cut, fraction, "fraction", 1, 0, 1, "X",
              "use this part of the samples, a nested prefix of the seeded shuffle"),
    PEEK_TEXT(peek_dataset_cut, classes, "classes", NULL, "SET",
              "keep the samples of these classes: 0-4,7 or names"),
    PEEK_TEXT(peek_dataset_cut, order, "order", "stored", "ORDER",
              "order of the samples: stored, shuffled, by-class or by-class:9,0-8"),
    PEEK_REAL(peek_dataset_cut, mix, "mix", 0, 0, 1, "X",
              "this part of the samples leaves the order and stands at random places of it"),
    PEEK_REAL(peek_dataset_cut, label_noise, "label-noise", 0, 0, 1, "X",
              "this part of the labels is replaced by another class, all alike"),
    PEEK_FLAG(peek_dataset_cut, permute_labels, "permute-labels", 0,
              "every class bears the label of another one, drawn at random"),
    PEEK_INTEGER(peek_dataset_cut, samples, "samples", 0, 0, 1e15, "N",
                 "at most this many samples, a random choice; 0: all"),
    PEEK_INTEGER(peek_dataset_cut, seed, "seed", 0, 0, 0x1p53, "N", "seed of the shuffle and the choice"),
};
PEEK_TABLE(table, "cut", peek_dataset_cut, rows);

const peek_option_table *peek_dataset_cut_table(void)
{
    return &table;
}

void peek_dataset_cut_default(peek_dataset_cut *cut)
{
    peek_options_default(&table, cut);
}

/* A choice in progress: `kept` are places in `from`, `rank` the place of each of from's samples in the shuffle.
 */
typedef struct choice {
    peek_context *context;
    const peek_dataset *from;
    const peek_dataset_cut *cut;
    int64_t *kept, *rank;
    int64_t count;
} choice;

static peek_status need_labels(const choice *c, const char *option)
{
    if (c->from->labels) return PEEK_OK;
    return peek__fail(c->context, PEEK_E_ARGUMENT,
                      "--%s needs labels, but '%s' has none: give labels or leave it out", option,
                      c->from->name);
}

static peek_status keep_classes(choice *c)
{
    int32_t *labels;
    int64_t count, kept = 0;
    unsigned char *wanted;
    if (!c->cut->classes) return PEEK_OK;
    PEEK_TRY(need_labels(c, "classes"));
    PEEK_TRY(peek__class_list_read(c->context, c->cut->classes, &c->from->classes, &labels, &count));
    peek_status status = peek__alloc(c->context, &wanted, c->from->classes.count, "a list of classes");
    for (int64_t i = 0; status == PEEK_OK && i < count; i++) wanted[labels[i]] = 1;
    for (int64_t i = 0; status == PEEK_OK && i < c->count; i++)
        if (wanted[c->from->labels[c->kept[i]]]) c->kept[kept++] = c->kept[i];
    peek__free(&wanted);
    peek__free(&labels);
    if (status == PEEK_OK) c->count = kept;
    return status;
}

static void keep_fraction(choice *c)
{
    peek__stream stream = peek__stream_make((uint64_t)c->cut->seed, PEEK__SHUFFLE_DATA, 0);
    peek__random_shuffle(&stream, c->kept, c->count);
    for (int64_t i = 0; i < c->count; i++) c->rank[c->kept[i]] = i;
    c->count = (int64_t)floor(c->cut->fraction * (double)c->count + 0.5);
}

static void keep_samples(choice *c)
{
    if (c->cut->samples == 0 || c->cut->samples >= c->count) return;
    peek__stream stream = peek__stream_make((uint64_t)c->cut->seed, PEEK__CHOOSE_SAMPLES, 0);
    peek__random_shuffle(&stream, c->kept, c->count);
    c->count = c->cut->samples;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts kept by key[place], a number that is different for each place. */
static peek_status sort_by(choice *c, const int64_t *key)
{
    int64_t *place_of, count = c->from->count;
    PEEK_TRY(peek__alloc(c->context, &place_of, count, "the order of samples"));
    for (int64_t i = 0; i < count; i++) place_of[i] = -1;
    for (int64_t i = 0; i < c->count; i++) place_of[key[c->kept[i]]] = c->kept[i];
    for (int64_t i = 0, at = 0; i < count; i++)
        if (place_of[i] >= 0) c->kept[at++] = place_of[i];
    peek__free(&place_of);
    return PEEK_OK;
}

/* The turn of every class: those of the list first and the others after, ascending. */
static peek_status take_turns(choice *c, const char *list, int64_t *turn)
{
    int32_t *labels = NULL;
    int64_t listed = 0, classes = c->from->classes.count;
    if (list) PEEK_TRY(peek__class_list_read(c->context, list, &c->from->classes, &labels, &listed));
    for (int64_t k = 0; k < classes; k++) turn[k] = -1;
    for (int64_t i = 0; i < listed; i++) turn[labels[i]] = i;
    for (int64_t k = 0; k < classes; k++)
        if (turn[k] < 0) turn[k] = listed++;
    peek__free(&labels);
    return PEEK_OK;
}

/* Class by class; within a class the order stays. */
static peek_status sort_by_class(choice *c, const char *list)
{
    int64_t *key, *next, *turn, classes = c->from->labels ? c->from->classes.count : 0;
    PEEK_TRY(need_labels(c, "order by-class"));
    PEEK_TRY(peek__alloc(c->context, &key, c->from->count + 2 * classes + 1, "the order of samples"));
    next = key + c->from->count; /* the place of the next sample of a turn */
    turn = next + classes + 1;
    peek_status status = take_turns(c, list, turn);
    if (status == PEEK_OK) {
        for (int64_t i = 0; i < c->count; i++) next[turn[c->from->labels[c->kept[i]]] + 1]++;
        for (int64_t k = 1; k <= classes; k++) next[k] += next[k - 1];
        for (int64_t i = 0; i < c->count; i++) key[c->kept[i]] = next[turn[c->from->labels[c->kept[i]]]]++;
        status = sort_by(c, key);
    }
    peek__free(&key);
    return status;
}

static peek_status order(choice *c)
{
    const char *word = c->cut->order ? c->cut->order : "stored";
    qsort(c->kept, (size_t)c->count, sizeof *c->kept, compare_numbers);
    if (strcmp(word, "stored") == 0) return PEEK_OK;
    if (strcmp(word, "shuffled") == 0) return sort_by(c, c->rank);
    if (strcmp(word, "by-class") == 0) return sort_by_class(c, NULL);
    if (strncmp(word, "by-class:", 9) == 0) return sort_by_class(c, word + 9);
    return peek__fail(
        c->context, PEEK_E_ARGUMENT,
        "--order is '%s', but must be stored, shuffled, by-class or by-class:LIST (by-class:9,0-8)", word);
}

/* Those that leave their places share these places anew. */
static peek_status mix(choice *c)
{
    int64_t *place, *sample, count = 0;
    if (c->cut->mix <= 0) return PEEK_OK;
    PEEK_TRY(peek__alloc(c->context, &place, 2 * c->count, "the order of samples"));
    sample = place + c->count;
    peek__stream stream = peek__stream_make((uint64_t)c->cut->seed, PEEK__MIX_ORDER, 0);
    for (int64_t i = 0; i < c->count; i++)
        if (peek__random_uniform(&stream) < c->cut->mix) {
            place[count] = i;
            sample[count++] = c->kept[i];
        }
    peek__random_shuffle(&stream, sample, count);
    for (int64_t i = 0; i < count; i++) c->kept[place[i]] = sample[i];
    peek__free(&place);
    return PEEK_OK;
}

static peek_status choose(choice *c)
{
    for (int64_t i = 0; i < c->count; i++) {
        c->kept[i] = i;
        c->rank[i] = i;
    }
    PEEK_TRY(keep_classes(c));
    keep_fraction(c);
    keep_samples(c);
    if (c->count == 0)
        return peek__fail(c->context, PEEK_E_SHAPE,
                          "no samples of '%s' are left: take a larger fraction or other classes",
                          c->from->name);
    PEEK_TRY(order(c));
    return mix(c);
}

static peek_status build(choice *c, peek_dataset *out)
{
    const peek_dataset *from = c->from;
    out->content = from->content;
    out->fitted = from->fitted;
    out->channels = from->channels;
    out->height = from->height;
    out->width = from->width;
    atomic_fetch_add(&out->content->users, 1);
    out->count = c->count;
    PEEK_TRY(peek__copy_text(c->context, &out->name, from->name));
    PEEK_TRY(peek__alloc(c->context, &out->indices, c->count, "the order of samples"));
    for (int64_t t = 0; t < c->count; t++) out->indices[t] = from->indices[c->kept[t]];
    if (!from->labels && c->cut->label_noise > 0) PEEK_TRY(need_labels(c, "label-noise"));
    if (!from->labels && c->cut->permute_labels) PEEK_TRY(need_labels(c, "permute-labels"));
    if (!from->labels) return PEEK_OK;
    PEEK_TRY(peek__alloc(c->context, &out->labels, c->count, "labels"));
    for (int64_t t = 0; t < c->count; t++) out->labels[t] = from->labels[c->kept[t]];
    PEEK_TRY(peek__relabel(c->context, out, from->classes.count, c->cut));
    return peek__classes_copy(c->context, &out->classes, (const char *const *)from->classes.names,
                              from->classes.count);
}

peek_status peek_dataset_select(peek_context *context, const peek_dataset *from, const peek_dataset_cut *cut,
                                peek_dataset **out)
{
    peek_dataset_cut standard;
    peek_dataset_cut_default(&standard);
    if (!cut) cut = &standard;
    if (!from || !out)
        return peek__fail(context, PEEK_E_ARGUMENT, "there is no dataset to cut, or no place for the result");
    *out = NULL;
    PEEK_TRY(peek_options_check(context, &table, cut));
    choice c = {.context = context, .from = from, .cut = cut, .count = from->count};
    peek_status status = peek__alloc(context, &c.kept, from->count, "the order of samples");
    if (status == PEEK_OK) status = peek__alloc(context, &c.rank, from->count, "the order of samples");
    if (status == PEEK_OK) status = choose(&c);
    if (status == PEEK_OK) status = peek__alloc(context, out, 1, "a dataset");
    if (status == PEEK_OK) status = build(&c, *out);
    if (status != PEEK_OK) peek_dataset_free(out);
    peek__free(&c.kept);
    peek__free(&c.rank);
    return status;
}
