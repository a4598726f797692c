/* The report: written whole from a run folder, refused with a sentence, clean at every failing allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/memory.h"
#include "nnpeek/report.h"
#include "report/packed.h"
#include "report/run_files.h"
#include "store/file.h"
#include "store/npy.h"
#include "context.h"

enum { SAMPLES = 6, SIDE = 4, PIXELS = SIDE * SIDE, NEURONS = 5, RANK = 2 };

/* One token apart, four on a 2 x 2 grid, of two features each. */
enum { TOKENS = 5, FEATURES = 2 };

typedef struct fixture {
    peek_context *context;
    char folder[FOLDER];
} fixture;

static void path_in(const fixture *f, const char *name, char *out, size_t size)
{
    assert_true(snprintf(out, size, "%s/%s", f->folder, name) < (int)size);
}

static void make_subfolder(const fixture *f, const char *name)
{
    char path[256];
    path_in(f, name, path, sizeof path);
    assert_int_equal(peek__folder_make(f->context, path), PEEK_OK);
}

/* What write_shifted puts at a place. */
static float made(int64_t i, float shift)
{
    return (float)((i * 7 + 3) % 11) / 11.0f + shift;
}

static void write_shifted(const fixture *f, const char *name, int64_t rows, int64_t columns, float shift)
{
    char path[256];
    float values[SAMPLES * PIXELS];
    for (int64_t i = 0; i < rows * columns; i++) values[i] = made(i, shift);
    path_in(f, name, path, sizeof path);
    assert_int_equal(peek__npy_write(f->context, path, PEEK__FLOAT32, 2, (int64_t[]){rows, columns}, values),
                     PEEK_OK);
}

static void write_matrix(const fixture *f, const char *name, int64_t rows, int64_t columns)
{
    write_shifted(f, name, rows, columns, 0);
}

static void write_text(const fixture *f, const char *name, const char *text)
{
    char path[256];
    path_in(f, name, path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const int64_t labels[SAMPLES] = {4, 2, -1, 4, 2, 4};

static void write_labels(const fixture *f)
{
    char path[256];
    path_in(f, "capture/labels.npy", path, sizeof path);
    assert_int_equal(peek__npy_write(f->context, path, PEEK__INT64, 1, (int64_t[]){SAMPLES}, labels), PEEK_OK);
}

static void make_run(const fixture *f)
{
    make_subfolder(f, "capture");
    make_subfolder(f, "fit/rank-2");
    write_matrix(f, "capture/input.npy", SAMPLES, PIXELS);
    write_matrix(f, "capture/relu.npy", SAMPLES, NEURONS);
    write_labels(f);
    write_matrix(f, "fit/rank-2/samples.npy", SAMPLES, RANK);
    write_matrix(f, "fit/rank-2/input.npy", PIXELS, RANK);
    write_matrix(f, "fit/rank-2/relu.npy", NEURONS, RANK);
    write_matrix(f, "fit/rank-2/errors.npy", SAMPLES, 5);
    write_matrix(f, "capture/numbers.npy", SAMPLES, 3);
    write_shifted(f, "capture/tokens.npy", SAMPLES, TOKENS * FEATURES, -0.5f);
    write_matrix(f, "fit/rank-2/numbers.npy", 3, RANK);
    write_matrix(f, "fit/rank-2/tokens+.npy", TOKENS * FEATURES, RANK);
    write_matrix(f, "fit/rank-2/tokens-.npy", TOKENS * FEATURES, RANK);
    write_text(
        f, "capture/manifest.json",
        "{\"network\": {\"name\": \"</script><b>\", \"digest\": \"00\"}, \"data\": {\"name\": \"d\", "
        "\"class_names\": [\"a\", \"b\"]}, \"samples\": {\"count\": 6, \"chosen\": \"all\"}, \"blocks\": ["
        "{\"name\": \"input\", \"file\": \"input.npy\", \"kind\": \"input\", \"shape\": [1, 4, 4], "
        "\"columns\": 16, \"channel\": 0, \"fit\": true},"
        "{\"name\": \"relu\", \"file\": \"relu.npy\", \"kind\": \"layer\", \"shape\": [5], \"columns\": 5, "
        "\"fit\": true},"
        "{\"name\": \"numbers\", \"file\": \"numbers.npy\", \"kind\": \"input\", \"input\": \"second\", "
        "\"layout\": \"flat\", \"shape\": [3], \"columns\": 3},"
        "{\"name\": \"tokens\", \"file\": \"tokens.npy\", \"kind\": \"layer\", \"layout\": \"tokens\", "
        "\"shape\": [5, 2], "
        "\"columns\": 10, \"token_grid\": [2, 2], \"token_lead\": 1}], \"skipped\": [{\"name\": \"Conv_0\", "
        "\"operator\": "
        "\"Conv\", \"reason\": \"not asked for\"}], \"options\": {\"a\": 1, \"b\": {\"c\": \"x\"}}, \"seed\": "
        "1}");
    write_text(f, "fit/rank-2/fit.json",
               "{\"rank\": 2, \"rule\": \"mu\", \"seed\": 0, \"iterations\": 9, \"stop\": \"tolerance\", "
               "\"rmse\": 0.1, "
               "\"relative_error\": 0.5, \"blocks\": ["
               "{\"name\": \"input\", \"file\": \"input.npy\", \"norm\": 2, \"weight\": 1, \"rmse\": 0.1, "
               "\"relative_error\": 0.5},"
               "{\"name\": \"relu\", \"file\": \"relu.npy\", \"norm\": 3, \"weight\": 1, \"rmse\": 0.1, "
               "\"relative_error\": 0.25}, {\"name\": \"numbers\", \"file\": \"numbers.npy\"},"
               "{\"name\": \"tokens+\", \"file\": \"tokens+.npy\"}, {\"name\": \"tokens-\", \"file\": "
               "\"tokens-.npy\"}]}");
    write_text(
        f, "measures.json",
        "{\"blocks\": {\"relu\": {\"norm\": 3, \"unused\": 1, \"singular_values\": [3, 2, 1e-9]}}, "
        "\"output\": {\"effective_rank\": 1.5}, \"fit\": {\"ranks\": [{\"rank\": 2, \"stability\": 0.75, "
        "\"shares\": {\"relu\": [0.6, 0.2]}}]}, \"nulls\": {\"untrained\": {\"blocks\": {\"relu\": "
        "{\"effective_rank\": 3.5, \"singular_values\": [5, 4]}}}}, \"rank\": {\"recommended\": 2, "
        "\"reason\": \"it is the only one\"}}");
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    make_folder(f->folder);
    if (peek_context_create(&f->context, NULL) != PEEK_OK) return -1;
    make_run(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"capture/input.npy",
                                        "capture/relu.npy",
                                        "capture/labels.npy",
                                        "capture/manifest.json",
                                        "capture/numbers.npy",
                                        "capture/tokens.npy",
                                        "fit/rank-2/numbers.npy",
                                        "fit/rank-2/tokens+.npy",
                                        "fit/rank-2/tokens-.npy",
                                        "fit/rank-2/samples.npy",
                                        "fit/rank-2/input.npy",
                                        "fit/rank-2/relu.npy",
                                        "fit/rank-2/errors.npy",
                                        "fit/rank-2/fit.json",
                                        "measures.json",
                                        "report.html",
                                        "capture",
                                        "fit/rank-2",
                                        "fit",
                                        "."};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_in(f, names[i], path, sizeof path);
        if (i + 1 == sizeof names / sizeof *names) path[strlen(path) - 2] = 0;
        remove(path);
    }
    int left = peek__is_folder(f->folder); /* a temporary file that was left keeps the folder */
    peek_context_free(&f->context);
    free(f);
    return left;
}

static char *read_report(const fixture *f)
{
    char path[256], *text = NULL;
    int64_t size = 0;
    path_in(f, "report.html", path, sizeof path);
    assert_int_equal(peek__file_read(f->context, path, 10000000, &text, &size), PEEK_OK);
    return text;
}

static cJSON *payload_of(const char *html)
{
    const char *start = strstr(html, "id=\"payload\">");
    assert_non_null(start);
    start = strchr(start, '>') + 1;
    const char *end = strstr(start, "</script>");
    assert_non_null(end);
    cJSON *payload = cJSON_ParseWithLength(start, (size_t)(end - start));
    assert_non_null(payload);
    return payload;
}

/* A NULL path means report.html in the first run; texts arrive as they are, and end no element. */
static void test_writes_the_page(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    assert_memory_equal(html, "<!doctype html>", 15);
    assert_non_null(strstr(html, "</html>"));
    assert_null(strstr(html, "</script><b>"));
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    const cJSON *network = cJSON_GetObjectItem(run, "network");
    assert_string_equal(peek__json_text(network, "name", ""), "</script><b>");
    assert_int_equal((int)peek__json_number(run, "sample_count", 0), SAMPLES);
    const cJSON *options = cJSON_GetObjectItem(run, "options");
    assert_string_equal(peek__json_text(cJSON_GetArrayItem(options, 1), "name", ""), "b.c");
    cJSON_Delete(payload);
    peek__free(&html);
}

/* Shares of measures.json are scaled to what the block's error leaves explained. */
static void test_shares_add_up(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    const cJSON *rank = cJSON_GetArrayItem(cJSON_GetObjectItem(run, "ranks"), 0);
    const double explained[] = {1 - 0.25, 1 - 0.0625};
    for (int b = 0; b < 2; b++) {
        const cJSON *block = cJSON_GetArrayItem(cJSON_GetObjectItem(rank, "blocks"), b);
        const cJSON *shares = cJSON_GetObjectItem(block, "shares");
        double first = cJSON_GetArrayItem(shares, 0)->valuedouble;
        double sum = first + cJSON_GetArrayItem(shares, 1)->valuedouble;
        assert_true(sum > explained[b] - 1e-5 && sum < explained[b] + 1e-5);
        if (b == 1) assert_true(first > 0.7499 * sum && first < 0.7501 * sum); /* 0.6 of 0.6 + 0.2 */
    }
    cJSON_Delete(payload);
    peek__free(&html);
}

/* Values of relu.npy as write_matrix makes them. */
static float activation(int sample, int neuron)
{
    return (float)(((sample * NEURONS + neuron) * 7 + 3) % 11) / 11.0f;
}

static double mean_over(int neuron, int64_t label)
{
    double sum = 0;
    int members = 0;
    for (int t = 0; t < SAMPLES; t++) {
        if (labels[t] < 0 || (label >= 0 && labels[t] != label)) continue;
        sum += (double)activation(t, neuron);
        members++;
    }
    return sum / members;
}

/* The neurons that classes share, and what the measures say beyond errors, reach the page. */
static void test_neurons_and_measures(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    const cJSON *relu = cJSON_GetArrayItem(cJSON_GetObjectItem(run, "blocks"), 1);
    const cJSON *active = cJSON_GetObjectItem(relu, "active");
    const cJSON *overlap = cJSON_GetObjectItem(active, "overlap");
    int counts[2] = {0, 0}, both = 0, either = 0;
    for (int n = 0; n < NEURONS; n++) {
        int first = mean_over(n, 2) > mean_over(n, -1), second = mean_over(n, 4) > mean_over(n, -1);
        counts[0] += first;
        counts[1] += second;
        both += first && second;
        either += first || second;
    }
    for (int c = 0; c < 2; c++) {
        assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(active, "classes"), c)->valueint, 2 + 2 * c);
        assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(active, "neurons"), c)->valueint, counts[c]);
        double own = cJSON_GetArrayItem(overlap, 3 * c)->valuedouble;
        assert_true(own == (counts[c] > 0 ? 1 : 0));
    }
    double shared = cJSON_GetArrayItem(overlap, 1)->valuedouble - (double)both / either;
    assert_true(shared > -1e-6 && shared < 1e-6);
    assert_non_null(cJSON_GetObjectItem(relu, "drivers"));

    const cJSON *null = cJSON_GetArrayItem(cJSON_GetObjectItem(relu, "nulls"), 0);
    assert_string_equal(peek__json_text(null, "name", ""), "untrained");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(null, "singular_values"), 1)->valueint, 4);
    const cJSON *recommended = cJSON_GetObjectItem(run, "recommended");
    assert_int_equal((int)peek__json_number(recommended, "rank", 0), 2);
    assert_string_equal(peek__json_text(recommended, "reason", ""), "it is the only one");
    const cJSON *rank = cJSON_GetArrayItem(cJSON_GetObjectItem(run, "ranks"), 0);
    assert_true(peek__json_number(rank, "stability", 0) == 0.75);
    cJSON_Delete(payload);
    peek__free(&html);
}

static int sextet(char letter)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = strchr(digits, letter);
    return letter && found ? (int)(found - digits) : 0;
}

/* Byte i of a packed array. */
static int packed_byte(const cJSON *packed, int64_t i)
{
    const char *text = peek__json_text(packed, "data", "");
    assert_true((i / 3 + 1) * 4 <= (int64_t)strlen(text));
    uint32_t three = 0;
    for (int64_t k = 0; k < 4; k++) three = three << 6 | (uint32_t)sextet(text[i / 3 * 4 + k]);
    return (int)(three >> (16 - 8 * (i % 3)) & 255);
}

static const cJSON *block_named(const cJSON *run, const char *name)
{
    const cJSON *block;
    cJSON_ArrayForEach(block, cJSON_GetObjectItem(run, "blocks"))
    {
        if (strcmp(peek__json_text(block, "name", ""), name) == 0) return block;
    }
    fail_msg("there is no block %s", name);
    return NULL;
}

/* A tensor of tokens that was split at fit time: features come as maps on the grid, the token apart before
 * each. */
static void test_tokens_become_maps(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    const cJSON *part = block_named(run, "tokens+"), *view = cJSON_GetObjectItem(part, "view");
    assert_int_equal(cJSON_GetArraySize(view), 3);
    for (int i = 0; i < 3; i++) assert_int_equal(cJSON_GetArrayItem(view, i)->valueint, 2);
    assert_int_equal((int)peek__json_number(part, "lead", 0), 1);

    const cJSON *rank = cJSON_GetArrayItem(cJSON_GetObjectItem(run, "ranks"), 0);
    const cJSON *shown = cJSON_GetArrayItem(cJSON_GetObjectItem(rank, "blocks"), 3);
    const cJSON *packed = cJSON_GetObjectItem(shown, "loadings");
    for (int i = 0; i < FEATURES * TOKENS * RANK; i++) {
        int feature = i / (TOKENS * RANK), token = i / RANK % TOKENS, r = i % RANK;
        double largest = cJSON_GetArrayItem(cJSON_GetObjectItem(packed, "scale"), r)->valuedouble;
        double root = packed_byte(packed, i) / 255.0;
        double wrong = largest * root * root - (double)made((token * FEATURES + feature) * RANK + r, 0);
        assert_true(wrong > -0.01 && wrong < 0.01);
    }
    cJSON_Delete(payload);
    peek__free(&html);
}

/* The sample that drives a feature most where only the values of one sign count. */
static int strongest_sample(int feature, float sign)
{
    int best = -1;
    float most = 0;
    for (int t = 0; t < SAMPLES; t++)
        for (int token = 0; token < TOKENS; token++) {
            float value = sign * made((t * TOKENS + token) * FEATURES + feature, -0.5f);
            if (value <= most) continue;
            most = value;
            best = t;
        }
    return best;
}

/* Both parts of a split tensor are read from the file of the whole, each through its sign. */
static void test_parts_have_drivers(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    for (int p = 0; p < 2; p++) {
        const cJSON *drivers = cJSON_GetObjectItem(block_named(run, p ? "tokens-" : "tokens+"), "drivers");
        for (int u = 0; u < FEATURES; u++) {
            int feature = packed_byte(cJSON_GetObjectItem(drivers, "units"), 4 * u);
            int sample = packed_byte(cJSON_GetObjectItem(drivers, "samples"), 4 * 8 * u);
            assert_int_equal(sample, strongest_sample(feature, p ? -1 : 1));
        }
    }
    cJSON_Delete(payload);
    peek__free(&html);
}

/* Every input has its pictures, and what was left out keeps its reason. */
static void test_inputs_and_left_out(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, runs, 1, NULL), PEEK_OK);
    char *html = read_report(f);
    cJSON *payload = payload_of(html);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(payload, "runs"), 0);
    const cJSON *inputs = cJSON_GetObjectItem(cJSON_GetObjectItem(run, "pictures"), "inputs");
    assert_int_equal(cJSON_GetArraySize(inputs), 2);
    const cJSON *numbers = cJSON_GetArrayItem(inputs, 1), *pixels = cJSON_GetObjectItem(numbers, "pixels");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(numbers, "blocks"), 0)->valueint, 2);
    for (int i = 0; i < SAMPLES * 3; i++) {
        double wrong =
            packed_byte(pixels, i) / 255.0 * peek__json_number(pixels, "high", 0) - (double)made(i, 0);
        assert_true(wrong > -0.01 && wrong < 0.01);
    }
    const cJSON *skipped = cJSON_GetArrayItem(cJSON_GetObjectItem(run, "skipped"), 0);
    assert_string_equal(peek__json_text(skipped, "reason", ""), "not asked for");
    cJSON_Delete(payload);
    peek__free(&html);
}

/* Every allocation and file operation fails once: a status, a sentence, no page and nothing temporary beside
 * it. */
static void test_fails_cleanly(void **state)
{
    fixture *f = *state;
    const char *runs[] = {f->folder};
    char path[256];
    path_in(f, "report.html", path, sizeof path);
    int64_t nth = 1;
    for (;; nth++) {
        peek__fail_nth(f->context, nth);
        peek_status status = peek_report(f->context, runs, 1, path);
        peek__fail_nth(f->context, 0);
        if (status == PEEK_OK) break;
        assert_true(status == PEEK_E_MEMORY || status == PEEK_E_IO);
        assert_true(strlen(peek_error(f->context)) > 10);
        assert_false(peek__is_file(path));
        assert_true(nth < 2000);
    }
    assert_true(nth > 20);
}

static void test_refuses_bad_arguments(void **state)
{
    fixture *f = *state;
    const char *missing[] = {"/nonexistent-run"}, *none[] = {NULL}, *runs[] = {f->folder};
    assert_int_equal(peek_report(f->context, NULL, 1, NULL), PEEK_E_ARGUMENT);
    assert_int_equal(peek_report(f->context, runs, 0, NULL), PEEK_E_ARGUMENT);
    assert_int_equal(peek_report(f->context, none, 1, NULL), PEEK_E_ARGUMENT);
    assert_int_equal(peek_report(f->context, missing, 1, NULL), PEEK_E_NOT_FOUND);
    assert_non_null(strstr(peek_error(f->context), "/nonexistent-run"));
    assert_int_not_equal(peek_report(f->context, runs, 1, "/nonexistent-folder/report.html"), PEEK_OK);
    assert_non_null(strstr(peek_error(f->context), "/nonexistent-folder"));
}

static int stop_at_once(const peek_event *event, void *user)
{
    (void)event;
    (void)user;
    return 1;
}

static void test_stops_on_request(void **state)
{
    fixture *f = *state;
    peek_context *context = make_context(0, stop_at_once, NULL);
    const char *runs[] = {f->folder};
    assert_int_equal(peek_report(context, runs, 1, NULL), PEEK_E_STOPPED);
    peek_context_free(&context);
    char path[256];
    path_in(f, "report.html", path, sizeof path);
    assert_false(peek__is_file(path));
}

/* RFC 4648's own examples. */
static void test_base64(void **state)
{
    fixture *f = *state;
    static const char *const texts[][2] = {
        {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cJSON *object = cJSON_CreateObject();
        int64_t size = (int64_t)strlen(texts[i][0]);
        assert_int_equal(
            peek__pack_bytes(f->context, object, "a", (const uint8_t *)texts[i][0], 1, &size, 0, 1), PEEK_OK);
        assert_string_equal(peek__json_text(cJSON_GetObjectItem(object, "a"), "data", ""), texts[i][1]);
        cJSON_Delete(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writes_the_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shares_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_neurons_and_measures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tokens_become_maps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_have_drivers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inputs_and_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fails_cleanly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_bad_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_on_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base64, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
