/* Capture: what is in the folder is what the network computes; nothing is left behind where it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "network/selection.h"
#include "store/npy.h"
#include "context.h"

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

enum { COUNT = 70, PIXELS = 784 };

static char root[FOLDER];

static int stop_capture(const peek_event *event, void *user)
{
    (void)user;
    return strcmp(event->stage, "capture") == 0 && event->done > 0;
}

static peek_dataset *make_data(peek_context *context, float *x)
{
    int32_t labels[COUNT];
    peek__stream stream = peek__stream_make(0, PEEK__TEST, 0);
    for (int i = 0; i < COUNT * PIXELS; i++) x[i] = peek__random_uniform(&stream);
    for (int i = 0; i < COUNT; i++) labels[i] = i % 10;
    peek_dataset *data;
    OK(peek_dataset_from_array(context, x, labels, COUNT, 1, 28, 28, &data));
    return data;
}

static int entries(const char *folder)
{
    DIR *opened = opendir(folder);
    int count = 0;
    assert_non_null(opened);
    for (struct dirent *entry = readdir(opened); entry; entry = readdir(opened))
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(opened);
    return count;
}

static void holds(peek_context *context, const char *folder, const char *file, const float *expected,
                  int64_t rows, int64_t columns)
{
    char path[256];
    peek__npy npy;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    OK(peek__npy_open(context, path, &npy));
    assert_int_equal(npy.type, PEEK__FLOAT32);
    assert_int_equal(npy.rows, rows);
    assert_int_equal(npy.columns, columns);
    assert_memory_equal(npy.data, expected, (size_t)(rows * columns) * sizeof *expected);
    peek__npy_close(&npy);
}

static void captures(void **state)
{
    (void)state;
    static float x[COUNT * PIXELS], expected[COUNT * 1440], softmax[COUNT * 10];
    for (int threads = 1; threads <= 3; threads++) {
        char folder[128], path[256];
        snprintf(folder, sizeof folder, "%s/run/capture", root);
        peek_context *context = make_context(threads, NULL, NULL);
        peek_dataset *data = make_data(context, x);
        peek_network *network;
        peek_capture_options options;
        OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
        peek_capture_options_default(&options);
        options.batch = 13;
        OK(peek_capture(context, network, data, &options, folder));
        assert_int_equal(entries(folder), 6);
        holds(context, folder, "input.npy", x, COUNT, PIXELS);
        if (threads == 1) { /* in the same slices, so that the bits are equal */
            for (int i = 0; i < COUNT; i += 13) {
                int count = COUNT - i < 13 ? COUNT - i : 13;
                OK(peek_network_run(context, network, x + i * PIXELS, count, "relu1", expected + i * 1440));
                OK(peek_network_run(context, network, x + i * PIXELS, count, NULL, softmax + i * 10));
            }
        }
        holds(context, folder, "relu1.npy", expected, COUNT, 1440);
        holds(context, folder, "softmax.npy", softmax, COUNT, 10);
        cJSON *manifest;
        snprintf(path, sizeof path, "%s/manifest.json", folder);
        OK(peek__json_read(context, path, &manifest));
        const cJSON *blocks = cJSON_GetObjectItem(manifest, "blocks");
        assert_int_equal(cJSON_GetArraySize(blocks), 4);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(manifest, "skipped")), 6);
        static const char *const kinds[] = {"input", "layer", "layer", "output"};
        for (int i = 0; i < 4; i++) {
            const cJSON *block = cJSON_GetArrayItem(blocks, i);
            assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(block, "kind")), kinds[i]);
            assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(block, "fit")), i < 3);
        }
        const cJSON *shape = cJSON_GetObjectItem(cJSON_GetArrayItem(blocks, 1), "shape");
        assert_int_equal(cJSON_GetArraySize(shape), 3);
        assert_true(cJSON_GetArrayItem(shape, 0)->valuedouble == 10 &&
                    cJSON_GetArrayItem(shape, 2)->valuedouble == 12);
        cJSON_Delete(manifest);
        peek_network_free(&network);
        peek_dataset_free(&data);
        peek_context_free(&context);
    }
}

/* A seeded choice: rows of the input are the samples that the manifest names. */
static void chosen_samples(void **state)
{
    (void)state;
    static float x[COUNT * PIXELS], rows[9 * PIXELS];
    char folder[128], path[256];
    snprintf(folder, sizeof folder, "%s/chosen", root);
    peek_context *context = make_context(2, NULL, NULL);
    peek_dataset *data = make_data(context, x);
    peek_network *network;
    peek_capture_options options;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    peek_capture_options_default(&options);
    options.samples = 9;
    options.preprocess = "mean=0.5,std=0.5";
    options.layers = "conv1";
    OK(peek_capture(context, network, data, &options, folder));
    cJSON *manifest;
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    OK(peek__json_read(context, path, &manifest));
    const cJSON *indices = cJSON_GetObjectItem(cJSON_GetObjectItem(manifest, "samples"), "indices");
    assert_int_equal(cJSON_GetArraySize(indices), 9);
    for (int i = 0; i < 9; i++)
        memcpy(rows + i * PIXELS, x + cJSON_GetArrayItem(indices, i)->valueint * PIXELS, PIXELS * sizeof *x);
    holds(context, folder, "input.npy", rows, 9, PIXELS); /* before any normalisation */
    for (int i = 0; i < 9 * PIXELS; i++) rows[i] = (rows[i] - 0.5f) * 2;
    static float conv[9 * 5760];
    OK(peek_network_run(context, network, rows, 9, "conv1", conv));
    holds(context, folder, "conv1.npy", conv, 9, 5760); /* after it, and signed */
    cJSON_Delete(manifest);
    peek_network_free(&network);
    peek_dataset_free(&data);
    peek_context_free(&context);
}

/* One sample of zeros for the network's only input. */
static void feed(peek_context *context, const peek_network *network, int channels, int height, int width,
                 peek__feeds *feeds)
{
    static const float x[PIXELS] = {0};
    peek_dataset *data;
    peek_capture_options options;
    peek_capture_options_default(&options);
    OK(peek_dataset_from_array(context, x, NULL, 1, channels, height, width, &data));
    peek_input input = {NULL, data};
    OK(peek__feeds_make(context, network, 1, &input, &options, feeds));
    peek_dataset_free(&data);
}

static void selections(void **state)
{
    (void)state;
    peek__feeds feeds;
    peek_context *context = make_context(1, NULL, NULL);
    static const struct {
        const char *layers;
        int64_t count;
        const char *first, *last;
        int last_fits;
    } cases[] = {{"auto", 4, "relu1", "softmax", 0},    {NULL, 4, "relu1", "softmax", 0},
                 {"relu*", 4, "relu1", "softmax", 0},   {"op:Conv, relu2", 5, "conv1", "softmax", 0},
                 {"*", 10, "conv1", "softmax", 1},      {"auto,op:Softmax", 4, "relu1", "softmax", 1},
                 {"pool[12]", 4, "pool1", "softmax", 0}};
    static const char *const wrong[] = {"relu3", "auto,rel", "op:Gelu", "", " , "};
    peek_network *network;
    peek__selection selection;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    feed(context, network, 1, 28, 28, &feeds);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(peek__selection_make(context, network, cases[i].layers, &feeds, &selection));
        assert_int_equal(selection.count, cases[i].count);
        assert_string_equal(selection.chosen[0].name, "input");
        assert_string_equal(selection.chosen[1].name, cases[i].first);
        assert_string_equal(selection.chosen[selection.count - 1].name, cases[i].last);
        assert_int_equal(selection.chosen[selection.count - 1].fit, cases[i].last_fits);
        peek__selection_free(&selection);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_not_equal(peek__selection_make(context, network, wrong[i], &feeds, &selection), PEEK_OK);
    peek__feeds_free(&feeds);
    peek_network_free(&network);

    /* Names that are taken, reserved, or not fit for files. */
    static const char *const names[] = {"/a/b", "_a_b", "labels", "input.1", "A?", "a_", "Errors"};
    const int64_t shape[4] = {-1, 3, 2, 2};
    const char *before = "data";
    peek__node *node;
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    OK(peek__graph_input(context, network, "data", PEEK__TYPE_FLOAT, 4, shape, NULL));
    for (size_t i = 0; i < 7; before = names[i++])
        OK(peek__graph_node(context, network, "Relu", "", 1, &before, 1, &names[i], &node));
    OK(peek__graph_output(context, network, before, PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
    feed(context, network, 3, 2, 2, &feeds);
    OK(peek__selection_make(context, network, "*", &feeds, &selection));
    assert_int_equal(selection.count, 10);
    for (int64_t i = 0; i < 10; i++) {
        assert_null(strchr(selection.chosen[i].file, '/'));
        assert_int_not_equal(strcasecmp(selection.chosen[i].file, "labels.npy"), 0);
        assert_int_not_equal(strcasecmp(selection.chosen[i].file, "errors.npy"), 0);
        for (int64_t j = 0; j < i; j++) {
            assert_int_not_equal(strcasecmp(selection.chosen[i].file, selection.chosen[j].file), 0);
            assert_string_not_equal(selection.chosen[i].name, selection.chosen[j].name);
        }
    }
    assert_string_equal(selection.chosen[3].name, "/a/b");
    peek__selection_free(&selection);
    peek__feeds_free(&feeds);
    peek_network_free(&network);
    peek_context_free(&context);
}

/* The mean of one cell of a channel's map, or its largest number. */
static float cell(const float *map, int side, int cells, int y, int x, int largest)
{
    int top = y * side / cells, bottom = ((y + 1) * side + cells - 1) / cells;
    int left = x * side / cells, right = ((x + 1) * side + cells - 1) / cells;
    double sum = 0;
    float most = map[top * side + left];
    for (int i = top; i < bottom; i++)
        for (int j = left; j < right; j++) {
            sum += map[i * side + j];
            if (map[i * side + j] > most) most = map[i * side + j];
        }
    return largest ? most : (float)(sum / ((bottom - top) * (right - left)));
}

/* Maps averaged over grids, to one number, or by the budget: against plain loops. */
static void reduces(void **state)
{
    (void)state;
    static float x[COUNT * PIXELS], whole[COUNT * 1440], small[COUNT * 1440];
    static const struct {
        const char *reduce;
        double budget;
        int cells, largest;
    } cases[] = {{"grid:5", 1, 5, 0},
                 {"grid:1", 1, 1, 0},
                 {"mean", 1, 1, 0},
                 {"max", 1, 1, 1},
                 {"grid:12", 1, 12, 0},
                 {"grid:99", 1, 12, 0},
                 {"auto", 4 * COUNT * 500 / 1e9, 4, 0}};
    char folder[128];
    snprintf(folder, sizeof folder, "%s/reduced", root);
    peek_context *context = make_context(2, NULL, NULL);
    peek_dataset *data = make_data(context, x);
    peek_network *network;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    OK(peek_network_run(context, network, x, COUNT, "relu1", whole));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int cells = cases[i].cells;
        peek_capture_options options;
        peek_capture_options_default(&options);
        options.reduce = cases[i].reduce;
        options.budget = cases[i].budget;
        OK(peek_capture(context, network, data, &options, folder));
        for (int m = 0; m < COUNT * 10; m++)
            for (int c = 0; c < cells * cells; c++)
                small[m * cells * cells + c] =
                    cell(whole + m * 144, 12, cells, c / cells, c % cells, cases[i].largest);
        holds(context, folder, "relu1.npy", small, COUNT, 10 * cells * cells);
    }
    peek_network_free(&network);
    peek_dataset_free(&data);
    peek_context_free(&context);
}

/* Two inputs, one of them no picture: each gets its samples. */
static void several_inputs(void **state)
{
    (void)state;
    static float x[COUNT * PIXELS];
    float table[COUNT * 4], sums[COUNT * 4];
    const int64_t shape[2] = {-1, 4};
    const char *const names[] = {"a", "b"};
    const char *sum = "sum", *out = "out";
    char folder[128];
    snprintf(folder, sizeof folder, "%s/two", root);
    peek_context *context = make_context(2, NULL, NULL);
    peek_dataset *first, *second, *unlike = make_data(context, x);
    peek_network *network;
    peek__node *node;
    for (int i = 0; i < COUNT * 4; i++) {
        table[i] = x[i] - 0.5f;
        sums[i] = table[i] + x[i];
    }
    OK(peek_dataset_from_array(context, x, NULL, COUNT, 1, 1, 4, &first));
    OK(peek_dataset_from_array(context, table, NULL, COUNT, 1, 1, 4, &second));
    OK(peek__graph_create(context, &network));
    network->opset = 13;
    for (int i = 0; i < 2; i++)
        OK(peek__graph_input(context, network, names[i], PEEK__TYPE_FLOAT, 2, shape, NULL));
    OK(peek__graph_node(context, network, "Add", "", 2, names, 1, &sum, &node));
    OK(peek__graph_node(context, network, "Relu", "", 1, &sum, 1, &out, &node));
    OK(peek__graph_output(context, network, out, PEEK__TYPE_FLOAT, -1, NULL, NULL));
    OK(peek__graph_finish(context, network));
    peek_input inputs[] = {{"b", second}, {NULL, first}};
    peek_capture_options options;
    peek_capture_options_default(&options);
    options.layers = "*";
    OK(peek_capture_inputs(context, network, 2, inputs, &options, folder));
    holds(context, folder, "a.npy", x, COUNT, 4);
    holds(context, folder, "b.npy", table, COUNT, 4);
    holds(context, folder, "sum.npy", sums, COUNT, 4);
    assert_int_equal(peek_capture(context, network, first, &options, folder), PEEK_E_ARGUMENT);
    inputs[1].data = unlike;
    assert_int_equal(peek_capture_inputs(context, network, 2, inputs, &options, folder), PEEK_E_SHAPE);
    inputs[1].name = "c";
    assert_int_equal(peek_capture_inputs(context, network, 2, inputs, &options, folder), PEEK_E_ARGUMENT);
    peek_network_free(&network);
    peek_dataset_free(&first);
    peek_dataset_free(&second);
    peek_dataset_free(&unlike);
    peek_context_free(&context);
}

/* Stopped or failing anywhere, a capture leaves its place as it was. */
static void leaves_nothing(void **state)
{
    (void)state;
    static float x[COUNT * PIXELS];
    char parent[128], folder[160];
    snprintf(parent, sizeof parent, "%s/nothing", root);
    snprintf(folder, sizeof folder, "%s/capture", parent);
    peek_context *context = make_context(2, stop_capture, NULL);
    peek_dataset *data = make_data(context, x);
    peek_network *network;
    peek_capture_options options;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    OK(peek__folder_make(context, parent));
    peek_capture_options_default(&options);
    options.batch = 10;
    assert_int_equal(peek_capture(context, network, data, &options, folder), PEEK_E_STOPPED);
    assert_int_equal(entries(parent), 0);
    peek_network_free(&network);
    peek_dataset_free(&data);
    peek_context_free(&context);

    context = make_context(1, NULL, NULL);
    data = make_data(context, x);
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    options.store = PEEK_STORE_FLOAT16; /* which needs more memory than floats */
    for (int64_t nth = 1;; nth++) {
        peek__fail_nth(context, nth);
        peek_status status = peek_capture(context, network, data, &options, folder);
        peek__fail_nth(context, 0);
        if (status == PEEK_OK) break;
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_int_equal(entries(parent), 0);
    }
    assert_int_equal(entries(parent), 1);
    peek_network_free(&network);
    peek_dataset_free(&data);
    peek_context_free(&context);
}

static int set_up(void **state)
{
    (void)state;
    make_folder(root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures), cmocka_unit_test(chosen_samples), cmocka_unit_test(selections),
        cmocka_unit_test(reduces),  cmocka_unit_test(several_inputs), cmocka_unit_test(leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
