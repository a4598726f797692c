/* Datasets: cutting, ordering, labels, moments, saving; and that every failure on the way is clean. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "data/content.h"
#include "data/format.h"
#include "nnpeek/dataset.h"
#include "context.h"

enum { COUNT = 200, SIZE = 2 * 3 * 2 };

typedef struct place {
    peek_context *context;
    char folder[FOLDER];
    peek_dataset *dataset;
} place;

/* Sample t holds t at its first place; its label is t * 7 % 5. */
static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    float values[COUNT * SIZE];
    int32_t labels[COUNT];
    for (int i = 0; i < COUNT * SIZE; i++) values[i] = (float)(i % SIZE ? i % 13 : i / SIZE);
    for (int t = 0; t < COUNT; t++) labels[t] = t * 7 % 5;
    make_folder(p->folder);
    if (peek_context_create(&p->context, NULL) != PEEK_OK) return -1;
    if (peek_dataset_from_array(p->context, values, labels, COUNT, 2, 3, 2, &p->dataset) != PEEK_OK) return -1;
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", p->folder);
    int failed = system(command);
    peek_dataset_free(&p->dataset);
    peek_context_free(&p->context);
    free(p);
    return failed;
}

static peek_dataset *cut(place *p, double fraction, const char *classes, const char *order, int64_t samples,
                         int64_t seed)
{
    peek_dataset_cut c;
    peek_dataset_cut_default(&c);
    c.fraction = fraction;
    c.classes = classes;
    c.order = order;
    c.samples = samples;
    c.seed = seed;
    peek_dataset *out = NULL;
    if (peek_dataset_select(p->context, p->dataset, &c, &out) != PEEK_OK)
        fail_msg("%s", peek_error(p->context));
    /* Whatever was chosen, values, labels and places belong together. */
    float sample[SIZE];
    for (int64_t t = 0; t < peek_dataset_describe(out).count; t++) {
        int64_t index = peek_dataset_indices(out)[t];
        assert_int_equal(peek_dataset_read(p->context, out, t, 1, sample), PEEK_OK);
        assert_int_equal((int64_t)sample[0], index);
        assert_int_equal(peek_dataset_labels(out)[t], index * 7 % 5);
    }
    return out;
}

static void refuse_cut(place *p, double fraction, const char *classes, const char *order, peek_status wanted,
                       const char *word)
{
    peek_dataset_cut c;
    peek_dataset_cut_default(&c);
    c.fraction = fraction;
    c.classes = classes;
    c.order = order;
    peek_dataset *out = NULL;
    peek_status status = peek_dataset_select(p->context, p->dataset, &c, &out);
    if (status != wanted || !strstr(peek_error(p->context), word) || out)
        fail_msg("wanted %d with '%s', got %d: %s", wanted, word, status, peek_error(p->context));
}

static int64_t count_of(const peek_dataset *dataset)
{
    return peek_dataset_describe(dataset).count;
}

static int ascending(const peek_dataset *dataset)
{
    const int64_t *places = peek_dataset_indices(dataset);
    for (int64_t t = 1; t < count_of(dataset); t++)
        if (places[t] <= places[t - 1]) return 0;
    return 1;
}

static void test_fractions_are_nested(void **state)
{
    place *p = *state;
    static const double fractions[] = {0.1, 0.25, 0.29, 0.5, 0.75, 1};
    static const int64_t counts[] = {20, 50, 58, 100, 150, 200};
    char before[COUNT] = {0};
    for (int i = 0; i < 6; i++) {
        char now[COUNT] = {0};
        peek_dataset *part = cut(p, fractions[i], NULL, "stored", 0, 4);
        assert_int_equal(count_of(part), counts[i]);
        assert_true(ascending(part));
        for (int64_t t = 0; t < count_of(part); t++) now[peek_dataset_indices(part)[t]] = 1;
        for (int t = 0; t < COUNT; t++) assert_true(now[t] >= before[t]);
        memcpy(before, now, COUNT);
        peek_dataset_free(&part);
    }
    /* `shuffled` is that same shuffle: a part is the beginning of the whole. */
    peek_dataset *whole = cut(p, 1, NULL, "shuffled", 0, 4), *part = cut(p, 0.25, NULL, "shuffled", 0, 4);
    assert_memory_equal(peek_dataset_indices(whole), peek_dataset_indices(part), 50 * sizeof(int64_t));
    assert_false(ascending(whole));
    peek_dataset *other = cut(p, 1, NULL, "shuffled", 0, 5);
    assert_memory_not_equal(peek_dataset_indices(whole), peek_dataset_indices(other), COUNT * sizeof(int64_t));
    peek_dataset_free(&whole);
    peek_dataset_free(&part);
    peek_dataset_free(&other);
}

static void test_classes(void **state)
{
    place *p = *state;
    peek_dataset *part = cut(p, 1, "0-1, 4", "stored", 0, 0);
    assert_int_equal(count_of(part), 120);
    assert_int_equal(peek_dataset_describe(part).class_count, 5); /* label numbers stay */
    for (int64_t t = 0; t < 120; t++) assert_true(peek_dataset_labels(part)[t] % 4 <= 1);
    peek_dataset_free(&part);
    part = cut(p, 0.5, "3", "stored", 0, 0);
    assert_int_equal(count_of(part), 20);
    peek_dataset_free(&part);
    refuse_cut(p, 1, "5", NULL, PEEK_E_ARGUMENT, "no class '5'");
    refuse_cut(p, 1, "cat", NULL, PEEK_E_ARGUMENT, "no class 'cat'");
    refuse_cut(p, 1, "0,,1", NULL, PEEK_E_ARGUMENT, "no class ''");
    refuse_cut(p, 1, "", NULL, PEEK_E_ARGUMENT, "no class ''");
    refuse_cut(p, 1, "0-9", NULL, PEEK_E_ARGUMENT, "no class '0-9'");
    refuse_cut(p, 1, "0-3,2", NULL, PEEK_E_ARGUMENT, "twice");
    refuse_cut(p, 1, "99999999999999999999", NULL, PEEK_E_ARGUMENT, "no class");
    refuse_cut(p, 0.001, NULL, NULL, PEEK_E_SHAPE, "no samples");
    refuse_cut(p, 0, NULL, NULL, PEEK_E_SHAPE, "no samples");
    refuse_cut(p, 1.5, NULL, NULL, PEEK_E_ARGUMENT, "fraction");
    refuse_cut(p, NAN, NULL, NULL, PEEK_E_ARGUMENT, "fraction");
}

static void test_orders(void **state)
{
    place *p = *state;
    static const struct {
        const char *order;
        int32_t classes[5];
    } cases[] = {{"by-class", {0, 1, 2, 3, 4}},
                 {"by-class:4,0-3", {4, 0, 1, 2, 3}},
                 {"by-class:4-0", {4, 3, 2, 1, 0}},
                 {"by-class:3", {3, 0, 1, 2, 4}}};
    for (int i = 0; i < 4; i++) {
        peek_dataset *ordered = cut(p, 1, NULL, cases[i].order, 0, 0);
        for (int t = 0; t < COUNT; t++) {
            assert_int_equal(peek_dataset_labels(ordered)[t], cases[i].classes[t / 40]);
            if (t % 40) assert_true(peek_dataset_indices(ordered)[t] > peek_dataset_indices(ordered)[t - 1]);
        }
        peek_dataset_free(&ordered);
    }
    refuse_cut(p, 1, NULL, "by-class:7", PEEK_E_ARGUMENT, "no class '7'");
    refuse_cut(p, 1, NULL, "backwards", PEEK_E_ARGUMENT, "--order");
}

static peek_dataset *spoil(place *p, double noise, int permute, double mix, double fraction, int64_t seed)
{
    peek_dataset_cut c;
    peek_dataset_cut_default(&c);
    c.label_noise = noise;
    c.permute_labels = permute;
    c.mix = mix;
    c.order = mix > 0 ? "by-class" : "stored";
    c.fraction = fraction;
    c.seed = seed;
    peek_dataset *out = NULL;
    if (peek_dataset_select(p->context, p->dataset, &c, &out) != PEEK_OK)
        fail_msg("%s", peek_error(p->context));
    return out;
}

/* The label that sample t has before anything is done to it. */
static int32_t right(const peek_dataset *dataset, int64_t t)
{
    return (int32_t)(peek_dataset_indices(dataset)[t] * 7 % 5);
}

static void test_label_noise(void **state)
{
    place *p = *state;
    static const double noises[] = {0.1, 0.4, 0.8, 1};
    int32_t wrong[COUNT], counts[5] = {0};
    memset(wrong, -1, sizeof wrong);
    for (int i = 0; i < 4; i++) {
        peek_dataset *noisy = spoil(p, noises[i], 0, 0, 1, 3);
        int changed = 0;
        for (int64_t t = 0; t < COUNT; t++) {
            int32_t label = peek_dataset_labels(noisy)[t];
            assert_in_range(label, 0, 4);
            changed += label != right(noisy, t);
            if (wrong[t] >= 0) assert_int_equal(label, wrong[t]); /* nested */
            if (label != right(noisy, t)) wrong[t] = label;
        }
        assert_true(fabs(changed - noises[i] * COUNT) < 4 * sqrt(COUNT * noises[i] * (1 - noises[i])) + 1e-9);
        peek_dataset_free(&noisy);
    }
    for (int t = 0; t < COUNT; t++) counts[(wrong[t] - t * 7 % 5 + 5) % 5]++;
    for (int k = 1; k < 5; k++) assert_in_range(counts[k], 25, 75); /* all others alike: 50 of each */
    /* It belongs to the sample: a part has the same. */
    peek_dataset *part = spoil(p, 0.4, 0, 0, 0.3, 3), *whole = spoil(p, 0.4, 0, 0, 1, 3);
    for (int64_t t = 0; t < count_of(part); t++)
        assert_int_equal(peek_dataset_labels(part)[t],
                         peek_dataset_labels(whole)[peek_dataset_indices(part)[t]]);
    peek_dataset_free(&part);
    peek_dataset_free(&whole);
}

static void test_permuted_labels(void **state)
{
    place *p = *state;
    int moved = 0;
    for (int64_t seed = 0; seed < 10; seed++) {
        peek_dataset *other = spoil(p, 0, 1, 0, 1, seed);
        int32_t name[5], seen = 0;
        for (int64_t t = 0; t < 5; t++) name[right(other, t)] = peek_dataset_labels(other)[t];
        for (int64_t t = 0; t < COUNT; t++)
            assert_int_equal(peek_dataset_labels(other)[t], name[right(other, t)]);
        for (int k = 0; k < 5; k++) {
            seen |= 1 << name[k];
            moved += name[k] != k;
        }
        assert_int_equal(seen, 31);
        peek_dataset_free(&other);
    }
    assert_true(moved > 30); /* a class keeps its name in one of five */
}

static void test_mixed_orders(void **state)
{
    place *p = *state;
    static const double mixes[] = {0.2, 0.5, 1};
    for (int i = 0; i < 3; i++) {
        peek_dataset *mixed = spoil(p, 0, 0, mixes[i], 1, 7);
        char seen[COUNT] = {0};
        int away = 0;
        for (int64_t t = 0; t < COUNT; t++) {
            assert_int_equal(peek_dataset_labels(mixed)[t], right(mixed, t));
            assert_false(seen[peek_dataset_indices(mixed)[t]]++);
            away += right(mixed, t) != t / 40;
        }
        /* Of those that leave, four of five come to the place of another class. */
        assert_true(fabs(away - 0.8 * mixes[i] * COUNT) < 25);
        peek_dataset_free(&mixed);
    }
}

static void test_samples_and_cut_of_cut(void **state)
{
    place *p = *state;
    peek_dataset *part = cut(p, 1, NULL, "stored", 30, 2), *larger = cut(p, 1, NULL, "stored", 1000, 2), *again;
    assert_int_equal(count_of(part), 30);
    assert_int_equal(count_of(larger), COUNT);
    assert_true(ascending(part));
    peek_dataset_free(&larger);
    peek_dataset_free(&p->dataset); /* the part shares the samples and outlives it */
    p->dataset = part;
    again = cut(p, 0.5, NULL, "stored", 0, 0);
    assert_int_equal(count_of(again), 15);
    peek_dataset_free(&again);
}

static void test_no_labels(void **state)
{
    place *p = *state;
    float values[4] = {0, 0.5f, 1, 0.25f};
    peek_dataset_free(&p->dataset);
    assert_int_equal(peek_dataset_from_array(p->context, values, NULL, 1, 1, 2, 2, &p->dataset), PEEK_OK);
    peek_dataset_info info = peek_dataset_describe(p->dataset);
    assert_int_equal(info.class_count, 0);
    assert_int_equal(info.pictures, 1);
    assert_null(peek_dataset_labels(p->dataset));
    assert_null(peek_dataset_class_name(p->dataset, 0));
    refuse_cut(p, 1, "0", NULL, PEEK_E_ARGUMENT, "needs labels");
    refuse_cut(p, 1, NULL, "by-class", PEEK_E_ARGUMENT, "needs labels");
    peek_dataset_cut spoilt;
    peek_dataset *out = NULL;
    peek_dataset_cut_default(&spoilt);
    spoilt.label_noise = 0.5;
    assert_int_equal(peek_dataset_select(p->context, p->dataset, &spoilt, &out), PEEK_E_ARGUMENT);
    assert_non_null(strstr(peek_error(p->context), "--label-noise needs labels"));
    assert_null(out);
}

static void test_bad_arrays(void **state)
{
    place *p = *state;
    float values[2] = {1, INFINITY};
    int32_t labels[2] = {0, -1};
    peek_dataset *out;
    assert_int_equal(peek_dataset_from_array(p->context, values, NULL, 2, 1, 1, 1, &out), PEEK_E_VALUE);
    assert_non_null(strstr(peek_error(p->context), "sample 1"));
    values[1] = 2;
    assert_int_equal(peek_dataset_from_array(p->context, values, labels, 2, 1, 1, 1, &out), PEEK_E_VALUE);
    assert_int_equal(peek_dataset_from_array(p->context, values, NULL, INT64_MAX, 2, 2, 1, &out),
                     PEEK_E_ARGUMENT);
    assert_int_equal(peek_dataset_from_array(p->context, values, NULL, 0, 1, 1, 1, &out), PEEK_E_ARGUMENT);
    assert_null(out);
    float sample[SIZE];
    assert_int_equal(peek_dataset_read(p->context, p->dataset, COUNT, 1, sample), PEEK_E_ARGUMENT);
    assert_int_equal(peek_dataset_read(p->context, p->dataset, INT64_MAX, 1, sample), PEEK_E_ARGUMENT);
    assert_int_equal(peek_dataset_read(p->context, p->dataset, -1, 1, sample), PEEK_E_ARGUMENT);
}

static void test_moments(void **state)
{
    place *p = *state;
    float x[COUNT * SIZE];
    double mean[2], deviation[2], again[4];
    assert_int_equal(peek_dataset_read(p->context, p->dataset, 0, COUNT, x), PEEK_OK);
    assert_int_equal(peek_dataset_moments(p->context, p->dataset, mean, deviation), PEEK_OK);
    for (int c = 0; c < 2; c++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < COUNT * 6; i++) sum += x[i / 6 * SIZE + c * 6 + i % 6];
        for (int i = 0; i < COUNT * 6; i++)
            squares += pow(x[i / 6 * SIZE + c * 6 + i % 6] - sum / (COUNT * 6), 2);
        assert_true(fabs(mean[c] - sum / (COUNT * 6)) < 1e-12 * 100);
        assert_true(fabs(deviation[c] - sqrt(squares / (COUNT * 6))) < 1e-12 * 100);
    }
    for (int threads = 1; threads < 4; threads++) {
        peek_context *other = make_context(threads, NULL, NULL);
        assert_int_equal(peek_dataset_moments(other, p->dataset, again, again + 2), PEEK_OK);
        assert_memory_equal(again, mean, sizeof mean);
        assert_memory_equal(again + 2, deviation, sizeof deviation);
        peek_context_free(&other);
    }
}

static void put(place *p, const char *name, const char *text, char path[128])
{
    snprintf(path, 128, "%s/%s", p->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_labels(void **state)
{
    place *p = *state;
    char path[128], lines[COUNT * 8] = "";
    for (int t = 0; t < COUNT; t++) strcat(lines, t % 3 ? "dog 10\r\n" : "cat\n");
    put(p, "names.txt", lines, path);
    assert_int_equal(peek_dataset_read_labels(p->context, p->dataset, path), PEEK_OK);
    assert_int_equal(peek_dataset_describe(p->dataset).class_count, 2);
    assert_string_equal(peek_dataset_class_name(p->dataset, 0), "cat");
    assert_string_equal(peek_dataset_class_name(p->dataset, 1), "dog 10");
    assert_int_equal(peek_dataset_labels(p->dataset)[4], 1);
    lines[0] = 0;
    for (int t = 0; t < COUNT; t++) strcat(lines, t % 2 ? "12\n" : "3\n");
    put(p, "numbers.txt", lines, path);
    assert_int_equal(peek_dataset_read_labels(p->context, p->dataset, path), PEEK_OK);
    assert_int_equal(peek_dataset_labels(p->dataset)[1], 12);
    assert_int_equal(peek_dataset_describe(p->dataset).class_count, 13);
    put(p, "few.txt", "a\nb\n", path);
    assert_int_equal(peek_dataset_read_labels(p->context, p->dataset, path), PEEK_E_SHAPE);
    assert_non_null(strstr(peek_error(p->context), "2 labels"));
    lines[0] = '\n';
    put(p, "hole.txt", lines, path);
    assert_true(peek_dataset_read_labels(p->context, p->dataset, path) != PEEK_OK);
    assert_int_equal(peek_dataset_read_labels(p->context, p->dataset, "/nowhere"), PEEK_E_NOT_FOUND);
    assert_int_equal(peek_dataset_labels(p->dataset)[1], 12); /* as it was */
}

/* Of a large array not every byte is looked at; its time of change speaks for the rest, in a folder too. */
static void test_a_saved_array_that_was_changed(void **state)
{
    enum { MANY = 400, SIDE = 28 };
    place *p = *state;
    char path[128], file[160];
    uint64_t before = 0, after = 0;
    float *values = calloc(MANY * SIDE * SIDE, sizeof *values);
    peek_dataset *made, *back;
    const struct timespec then[2] = {{1, 0}, {1, 0}};
    assert_non_null(values);
    assert_int_equal(peek_dataset_from_array(p->context, values, NULL, MANY, 1, SIDE, SIDE, &made), PEEK_OK);
    free(values);
    snprintf(path, sizeof path, "%s/large", p->folder);
    snprintf(file, sizeof file, "%s/images.npy", path);
    assert_int_equal(peek_dataset_save(p->context, made, path), PEEK_OK);
    assert_int_equal(peek_dataset_open(p->context, path, NULL, &back), PEEK_OK);
    assert_int_equal(peek__dataset_digest(p->context, back, &before), PEEK_OK);
    peek_dataset_free(&back);
    assert_int_equal(utimensat(AT_FDCWD, file, then, 0), 0);
    assert_int_equal(peek_dataset_open(p->context, path, NULL, &back), PEEK_OK);
    assert_int_equal(peek__dataset_digest(p->context, back, &after), PEEK_OK);
    peek_dataset_free(&back);
    assert_true(before != after);
    peek_dataset_free(&made);
}

static void test_save(void **state)
{
    place *p = *state;
    char path[128], file[160];
    float x[SIZE], y[SIZE];
    peek_dataset *back, *part = cut(p, 0.5, NULL, "shuffled", 0, 1);
    snprintf(path, sizeof path, "%s/saved", p->folder);
    assert_int_equal(peek_dataset_save(p->context, part, path), PEEK_OK);
    assert_int_equal(peek_dataset_open(p->context, path, NULL, &back), PEEK_OK);
    peek_dataset_info info = peek_dataset_describe(back);
    assert_int_equal(info.count, 100);
    assert_int_equal(info.channels, 2);
    assert_int_equal(info.class_count, 5);
    assert_string_equal(info.name, "saved/");
    assert_memory_equal(peek_dataset_labels(back), peek_dataset_labels(part), 100 * sizeof(int32_t));
    for (int64_t t = 0; t < 100; t++) {
        assert_int_equal(peek_dataset_read(p->context, part, t, 1, x), PEEK_OK);
        assert_int_equal(peek_dataset_read(p->context, back, t, 1, y), PEEK_OK);
        assert_memory_equal(x, y, sizeof x);
    }
    assert_int_equal(peek_dataset_save(p->context, part, path), PEEK_OK); /* its own folder again */
    snprintf(file, sizeof file, "%s/dataset.json", path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(peek_dataset_save(p->context, part, path), PEEK_E_IO); /* now somebody else's */
    peek_dataset_free(&back);
    peek_dataset_free(&part);
}

static void test_named(void **state)
{
    place *p = *state;
    peek_dataset_options options;
    peek_dataset_options_default(&options);
    options.samples = 12;
    peek_dataset *dataset, *other;
    assert_int_equal(peek_dataset_open(p->context, "strokes", &options, &dataset), PEEK_OK);
    assert_string_equal(peek_dataset_describe(dataset).name, "strokes:test");
    assert_int_equal(peek_dataset_describe(dataset).count, 12);
    assert_string_equal(peek_dataset_class_name(dataset, 7), "7");
    options.split = PEEK_SPLIT_TRAIN;
    assert_int_equal(peek_dataset_open(p->context, "strokes", &options, &other), PEEK_OK);
    assert_string_equal(peek_dataset_describe(other).name, "strokes:train");
    peek_dataset_free(&dataset);
    peek_dataset_free(&other);
    assert_int_equal(peek_dataset_open(p->context, "strokes:dev", &options, &dataset), PEEK_E_NOT_FOUND);
    options.samples = -1;
    assert_int_equal(peek_dataset_open(p->context, "strokes", &options, &dataset), PEEK_E_ARGUMENT);
    peek_dataset_entry entry;
    int64_t count = 0;
    const char *last = NULL;
    for (;; last = entry.name, count++) {
        assert_int_equal(peek_dataset_list(p->context, NULL, count, &entry), PEEK_OK);
        if (!entry.name) break;
    }
    assert_int_equal(count, 3);
    assert_string_equal(last, "strokes");
}

static int stop_at_once(const peek_event *event, void *user)
{
    (void)event;
    (void)user;
    return 1;
}

static void test_stop(void **state)
{
    (void)state;
    peek_context *context = make_context(0, stop_at_once, NULL);
    peek_dataset *dataset;
    assert_int_equal(peek_dataset_open(context, "strokes", NULL, &dataset), PEEK_E_STOPPED);
    assert_null(dataset);
    peek_context_free(&context);
}

/* Draws, cuts and saves, with the n-th allocation or file operation failing, until none does. */
static void test_every_failure(void **state)
{
    place *p = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/saved", p->folder);
    peek_dataset_options options;
    peek_dataset_options_default(&options);
    options.samples = 10;
    peek_dataset_cut c;
    peek_dataset_cut_default(&c);
    c.classes = "0-9";
    c.order = "by-class:9,0-8";
    for (int nth = 1;; nth++) {
        peek_dataset *dataset = NULL, *part = NULL;
        peek__fail_nth(p->context, nth);
        peek_status status = peek_dataset_open(p->context, "strokes", &options, &dataset);
        if (status == PEEK_OK) status = peek_dataset_select(p->context, dataset, &c, &part);
        if (status == PEEK_OK) status = peek_dataset_save(p->context, part, path);
        peek__fail_nth(p->context, 0);
        peek_dataset_free(&part);
        peek_dataset_free(&dataset);
        if (status == PEEK_OK) break;
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_false(peek__is_folder(path));
        assert_true(nth < 500);
    }
    assert_true(peek__is_folder(path));
    for (int nth = 1;; nth++) {
        peek_dataset *dataset = NULL;
        peek__fail_nth(p->context, nth);
        peek_status status = peek_dataset_open(p->context, path, NULL, &dataset);
        peek__fail_nth(p->context, 0);
        peek_dataset_free(&dataset);
        if (status == PEEK_OK) break;
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_true(nth < 500);
    }
}

static void put_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Opens a path with the n-th allocation or file operation failing, until none does: an error each time, and no
 * leak. */
static void open_with_failures(place *p, const char *path)
{
    int failures = 0;
    for (int nth = 1;; nth++) {
        peek_dataset *dataset = NULL;
        peek__fail_nth(p->context, nth);
        peek_status status = peek_dataset_open(p->context, path, NULL, &dataset);
        peek__fail_nth(p->context, 0);
        if (status == PEEK_OK) {
            assert_non_null(peek_dataset_labels(dataset));
            peek_dataset_free(&dataset);
            break;
        }
        failures++;
        assert_null(dataset);
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_true(nth < 500);
    }
    assert_true(failures > 5);
}

static void test_every_failure_of_formats(void **state)
{
    place *p = *state;
    /* 2 x 2 grey pixels: 0, 255, 128, 7. */
    static const unsigned char png[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
                                        0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02,
                                        0x08, 0x00, 0x00, 0x00, 0x00, 0x57, 0xdd, 0x52, 0xf8, 0x00, 0x00, 0x00,
                                        0x0e, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0xf8, 0xcf, 0xd0,
                                        0xc0, 0x0e, 0x00, 0x05, 0x09, 0x01, 0x87, 0x11, 0xf6, 0xd8, 0x28, 0x00,
                                        0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
    static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 6};
    static unsigned char record[3073] = {9};
    char path[192];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/pictures", p->folder);
        assert_int_equal(peek__folder_make(p->context, path), PEEK_OK);
        snprintf(path, sizeof path, "%s/pictures/%d", p->folder, i);
        assert_int_equal(peek__folder_make(p->context, path), PEEK_OK);
        snprintf(path, sizeof path, "%s/pictures/%d/a.png", p->folder, i);
        put_bytes(path, png, sizeof png);
    }
    snprintf(path, sizeof path, "%s/pictures", p->folder);
    open_with_failures(p, path);
    snprintf(path, sizeof path, "%s/x-labels-idx1-ubyte", p->folder);
    put_bytes(path, labels, sizeof labels);
    snprintf(path, sizeof path, "%s/x-images-idx3-ubyte", p->folder);
    put_bytes(path, images, sizeof images);
    open_with_failures(p, path);
    snprintf(path, sizeof path, "%s/batch.bin", p->folder);
    put_bytes(path, record, sizeof record);
    open_with_failures(p, path);
}

static void test_name_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "1", "01", "2", "10", "a", "a2", "a10", "a10b", "b"};
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 10; k++) {
            int order = peek__compare_names(sorted[i], sorted[k]);
            if (i == 1 && k == 2) continue; /* equal as numbers: any order, but the opposite the other way */
            if (i == 2 && k == 1) {
                assert_true((order > 0) == (peek__compare_names("1", "01") < 0));
                continue;
            }
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fractions_are_nested),
        TEST(test_classes),
        TEST(test_orders),
        TEST(test_label_noise),
        TEST(test_permuted_labels),
        TEST(test_mixed_orders),
        TEST(test_samples_and_cut_of_cut),
        TEST(test_no_labels),
        TEST(test_bad_arrays),
        TEST(test_moments),
        TEST(test_labels),
        TEST(test_a_saved_array_that_was_changed),
        TEST(test_save),
        TEST(test_named),
        TEST(test_stop),
        TEST(test_every_failure),
        TEST(test_every_failure_of_formats),
        cmocka_unit_test(test_name_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
