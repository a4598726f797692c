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

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

enum { COUNT = 70, PIXELS = 784 };

static char root[64];

static int stop_capture(const peek_event *event, void *user)
{
    (void)user;
    return strcmp(event->stage, "capture") == 0 && event->done > 0;
}

static peek_context *make_context(int threads, peek_event_fn event)
{
    peek_context *context;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = threads;
    options.event = event;
    assert_int_equal(peek_context_create(&context, &options), PEEK_OK);
    return context;
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
        peek_context *context = make_context(threads, NULL);
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
    peek_context *context = make_context(2, NULL);
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

static void selections(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL);
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
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(peek__selection_make(context, network, cases[i].layers, 1, &selection));
        assert_int_equal(selection.count, cases[i].count);
        assert_string_equal(selection.chosen[0].name, "input");
        assert_string_equal(selection.chosen[1].name, cases[i].first);
        assert_string_equal(selection.chosen[selection.count - 1].name, cases[i].last);
        assert_int_equal(selection.chosen[selection.count - 1].fit, cases[i].last_fits);
        peek__selection_free(&selection);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_not_equal(peek__selection_make(context, network, wrong[i], 1, &selection), PEEK_OK);
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
    OK(peek__selection_make(context, network, "*", 3, &selection));
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
    peek_network_free(&network);
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
    peek_context *context = make_context(2, stop_capture);
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

    context = make_context(1, NULL);
    data = make_data(context, x);
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
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
    strcpy(root, "/tmp/nnpeek-capture-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
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
        cmocka_unit_test(captures),
        cmocka_unit_test(chosen_samples),
        cmocka_unit_test(selections),
        cmocka_unit_test(leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
