/* What activations say of single neurons: one pass over a layer's file gives the samples that drive each unit
 * most (a unit is a channel of maps, else a neuron) and the mean of every neuron over every class. Values stay
 * in the order of the file: a unit's are `unit_stride` apart from the next unit's, `place_stride` from each
 * other. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/packed.h"
#include "report/payload.h"
#include "store/npy.h"

enum {
    UNITS = 96,     /* in the page, of a layer */
    DRIVERS = 8,    /* of a unit */
    CLASSES = 100,  /* above which their overlap is no picture */
    SUMS = 1 << 24, /* neurons x classes that are worth their memory */
};

typedef struct driver {
    float value;
    int32_t sample;
} driver;

typedef struct unit {
    double energy;
    driver drivers[DRIVERS]; /* falling; value 0 where there are fewer */
    int64_t number;
} unit;

typedef struct neuron_reading {
    const peek__report_block *block;
    const int32_t *labels; /* NULL: no classes */
    int32_t classes[CLASSES];
    int64_t class_count;
    int64_t *members; /* of each class */
    double *sums;     /* class_count x columns */
    unit *units;
    int64_t unit_count, unit_stride, places, place_stride;
    float *row;
} neuron_reading;

static int rising(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* The place of a label among the classes found so far, or where it belongs. */
static int64_t class_place(const neuron_reading *reading, int32_t label)
{
    int64_t low = 0, high = reading->class_count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (reading->classes[middle] < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The classes that samples have; none where they are too many to show. */
static void find_classes(neuron_reading *reading, int64_t samples)
{
    for (int64_t t = 0; reading->labels && t < samples; t++) {
        int32_t label = reading->labels[t];
        int64_t place = class_place(reading, label);
        if (label < 0 || (place < reading->class_count && reading->classes[place] == label)) continue;
        if (reading->class_count == CLASSES) {
            reading->labels = NULL;
            break;
        }
        reading->classes[reading->class_count++] = label;
        qsort(reading->classes, (size_t)reading->class_count, sizeof *reading->classes, rising);
    }
    int64_t sums = peek__product(reading->class_count, reading->block->columns);
    if (sums < 0 || sums > SUMS || reading->class_count < 2) reading->labels = NULL;
    if (!reading->labels) reading->class_count = 0;
}

static void remember(unit *driven, float value, int64_t sample)
{
    if (!(value > driven->drivers[DRIVERS - 1].value)) return;
    int place = DRIVERS - 1;
    for (; place > 0 && driven->drivers[place - 1].value < value; place--)
        driven->drivers[place] = driven->drivers[place - 1];
    driven->drivers[place] = (driver){value, (int32_t)sample};
}

static void set_units(neuron_reading *reading)
{
    const peek__report_maps *maps = &reading->block->maps;
    int64_t columns = reading->block->columns;
    reading->unit_count = maps->flat ? columns : maps->channels;
    reading->places = columns / reading->unit_count;
    reading->unit_stride = maps->last ? 1 : reading->places;
    reading->place_stride = maps->last ? reading->unit_count : 1;
}

static void read_unit(neuron_reading *reading, int64_t number, int64_t sample)
{
    const float *values = reading->row + number * reading->unit_stride;
    float largest = 0;
    double energy = 0;
    for (int64_t i = 0; i < reading->places; i++) {
        float value = values[i * reading->place_stride];
        if (value > largest) largest = value;
        energy += (double)value * value;
    }
    reading->units[number].energy += energy;
    remember(&reading->units[number], largest, sample);
}

static void read_row(neuron_reading *reading, int64_t sample)
{
    const peek__report_block *block = reading->block;
    for (int64_t u = 0; u < reading->unit_count; u++) read_unit(reading, u, sample);
    int32_t label = reading->labels ? reading->labels[sample] : -1;
    if (label < 0) return;
    int64_t place = class_place(reading, label);
    double *sums = reading->sums + place * block->columns;
    for (int64_t i = 0; i < block->columns; i++) sums[i] += reading->row[i];
    reading->members[place]++;
}

static int by_energy(const void *a, const void *b)
{
    const unit *left = a, *right = b;
    if (left->energy != right->energy) return left->energy < right->energy ? 1 : -1;
    return (left->number > right->number) - (left->number < right->number);
}

static peek_status add_drivers(peek_context *context, neuron_reading *reading, cJSON *object)
{
    int32_t numbers[UNITS], samples[UNITS * DRIVERS];
    int64_t count = 0;
    cJSON *item = NULL;
    qsort(reading->units, (size_t)reading->unit_count, sizeof *reading->units, by_energy);
    for (; count < reading->unit_count && count < UNITS && reading->units[count].energy > 0; count++) {
        const unit *driven = &reading->units[count];
        numbers[count] = (int32_t)driven->number;
        for (int i = 0; i < DRIVERS; i++)
            samples[count * DRIVERS + i] = driven->drivers[i].value > 0 ? driven->drivers[i].sample : -1;
    }
    PEEK_TRY(peek__json_add(context, object, "drivers", cJSON_CreateObject(), &item));
    PEEK_TRY(peek__pack_int32(context, item, "units", numbers, count));
    return peek__pack_int32(context, item, "samples", samples, count * DRIVERS);
}

/* One byte a neuron and class: whether its mean over the class exceeds its mean over all labelled samples. */
static void mark_active(const neuron_reading *reading, uint8_t *active)
{
    int64_t columns = reading->block->columns, all = 0;
    for (int64_t c = 0; c < reading->class_count; c++) all += reading->members[c];
    for (int64_t i = 0; i < columns; i++) {
        double sum = 0;
        for (int64_t c = 0; c < reading->class_count; c++) sum += reading->sums[c * columns + i];
        for (int64_t c = 0; c < reading->class_count; c++)
            active[c * columns + i] =
                reading->sums[c * columns + i] * (double)all > sum * (double)reading->members[c];
    }
}

static peek_status add_active(peek_context *context, const neuron_reading *reading, const uint8_t *active,
                              double *overlap, cJSON *object)
{
    int64_t classes = reading->class_count, columns = reading->block->columns;
    double numbers[CLASSES], counts[CLASSES];
    cJSON *item = NULL;
    for (int64_t a = 0; a < classes; a++)
        for (int64_t b = 0; b <= a; b++) {
            int64_t both = 0, either = 0;
            for (int64_t i = 0; i < columns; i++) {
                both += active[a * columns + i] & active[b * columns + i];
                either += active[a * columns + i] | active[b * columns + i];
            }
            overlap[a * classes + b] = overlap[b * classes + a] = either ? (double)both / (double)either : 0;
            numbers[a] = reading->classes[a];
            if (a == b) counts[a] = (double)both;
        }
    PEEK_TRY(peek__json_add(context, object, "active", cJSON_CreateObject(), &item));
    PEEK_TRY(peek__json_add_numbers(context, item, "classes", numbers, classes));
    PEEK_TRY(peek__json_add_numbers(context, item, "neurons", counts, classes));
    return peek__json_add_numbers(context, item, "overlap", overlap, classes * classes);
}

static peek_status add_overlap(peek_context *context, const neuron_reading *reading, cJSON *object)
{
    if (!reading->class_count) return PEEK_OK;
    uint8_t *active = NULL;
    double *overlap = NULL;
    int64_t classes = reading->class_count;
    peek_status status =
        peek__alloc(context, &active, peek__product(classes, reading->block->columns), "the active neurons");
    if (status == PEEK_OK) status = peek__alloc(context, &overlap, classes * classes, "the overlap of classes");
    if (status == PEEK_OK) {
        mark_active(reading, active);
        status = add_active(context, reading, active, overlap, object);
    }
    peek__free(&overlap);
    peek__free(&active);
    return status;
}

static peek_status read_all(peek_context *context, neuron_reading *reading, const peek__npy *npy,
                            int64_t samples, cJSON *object)
{
    const peek__report_block *block = reading->block;
    set_units(reading);
    find_classes(reading, samples);
    PEEK_TRY(peek__alloc(context, &reading->row, block->columns, "a row of activations"));
    PEEK_TRY(peek__alloc(context, &reading->units, reading->unit_count, "the neurons of a layer"));
    PEEK_TRY(peek__alloc(context, &reading->members, reading->class_count + 1, "the classes"));
    PEEK_TRY(peek__alloc(context, &reading->sums, peek__product(reading->class_count, block->columns) + 1,
                         "the means of the classes"));
    for (int64_t u = 0; u < reading->unit_count; u++) reading->units[u].number = u;
    for (int64_t t = 0; t < samples; t++) {
        if (t % 64 == 0) PEEK_TRY(peek__poll(context));
        peek__report_block_row(block, npy, t, reading->row);
        read_row(reading, t);
    }
    PEEK_TRY(add_drivers(context, reading, object));
    return add_overlap(context, reading, object);
}

peek_status peek__report_add_neurons(peek_context *context, const peek__run_files *run,
                                     const peek__report_block *block, const int32_t *labels, int64_t samples,
                                     cJSON *object)
{
    neuron_reading reading = {.block = block, .labels = labels};
    peek__npy npy = {0};
    peek_status status = peek__report_block_open(context, run, block, samples, &npy);
    if (status == PEEK_OK) status = read_all(context, &reading, &npy, samples, object);
    peek__free(&reading.sums);
    peek__free(&reading.members);
    peek__free(&reading.units);
    peek__free(&reading.row);
    peek__npy_close(&npy);
    return status;
}
