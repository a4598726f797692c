/* Measures that take fits or networks, from inside: pictures without structure, untrained weights, what is held
 * out together, faults and stops. What numbers are right is for tests/oracle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "network/graph.h"
#include "nnpeek/measure.h"
#include "store/file.h"
#include "measure/feature_groups.h"
#include "measure/scramble.h"
#include "context.h"

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

enum { HEIGHT = 6, WIDTH = 5, PLANE = HEIGHT * WIDTH, CHANNELS = 2, PICTURES = 3, SAMPLES = 40 };

static int stop_fit(const peek_event *event, void *user)
{
    int *left = user;
    return event->stage && strcmp(event->stage, "fit") == 0 && --*left < 0;
}

static void draw(float *x, int count, double low, double high, uint64_t index)
{
    peek__stream stream = peek__stream_make(1, PEEK__TEST, index);
    for (int i = 0; i < count; i++) x[i] = (float)peek__random_between(&stream, low, high);
}

/* |sum over x of the plane times exp(-2 pi i (u y / H + v x / W))|. */
static double amplitude(const float *plane, int u, int v)
{
    double real = 0, imaginary = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double angle = 2 * M_PI * ((double)u * y / HEIGHT + (double)v * x / WIDTH);
            real += plane[y * WIDTH + x] * cos(angle);
            imaginary -= plane[y * WIDTH + x] * sin(angle);
        }
    return hypot(real, imaginary);
}

static void test_phases_keep_amplitudes(void **state)
{
    (void)state;
    float before[PICTURES * CHANNELS * PLANE], after[PICTURES * CHANNELS * PLANE];
    peek__pictures pictures = {PICTURES, CHANNELS, HEIGHT, WIDTH, PICTURES, 1, after};
    peek_context *context = make_context(2, NULL, NULL);
    draw(before, PICTURES * CHANNELS * PLANE, 0.45, 0.55, 0); /* so that nothing is clipped */
    memcpy(after, before, sizeof before);
    OK(peek__scramble_phases(context, &pictures, 3));
    assert_memory_not_equal(before, after, sizeof before);
    for (int p = 0; p < PICTURES * CHANNELS; p++)
        for (int u = 0; u < HEIGHT; u++)
            for (int v = 0; v < WIDTH; v++)
                assert_true(fabs(amplitude(before + p * PLANE, u, v) - amplitude(after + p * PLANE, u, v)) <
                            1e-5);
    peek_context_free(&context);
}

static void test_shuffled_channels_stay_together(void **state)
{
    (void)state;
    float pixels[PICTURES * CHANNELS * PLANE];
    peek__pictures pictures = {PICTURES, CHANNELS, HEIGHT, WIDTH, PICTURES, 1, pixels};
    peek_context *context = make_context(2, NULL, NULL);
    for (int i = 0; i < PICTURES * CHANNELS * PLANE; i++) pixels[i] = (float)i;
    OK(peek__scramble_shuffle(context, &pictures, 3));
    int moved = 0;
    for (int t = 0; t < PICTURES; t++) {
        int seen[PLANE] = {0};
        for (int i = 0; i < PLANE; i++) {
            int from = (int)pixels[t * CHANNELS * PLANE + i] - t * CHANNELS * PLANE;
            assert_in_range(from, 0, PLANE - 1);
            assert_int_equal(seen[from]++, 0);
            assert_int_equal((int)pixels[(t * CHANNELS + 1) * PLANE + i], (t * CHANNELS + 1) * PLANE + from);
            moved += from != i;
        }
    }
    assert_true(moved > PICTURES * PLANE / 2);
    peek_context_free(&context);
}

static void test_untrained_weights(void **state)
{
    (void)state;
    peek_context *context = make_context(1, NULL, NULL);
    peek_network *network, *again;
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 7, &network));
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 8, &again));
    OK(peek__untrain(context, network, 4));
    OK(peek__untrain(context, again, 4));
    assert_string_equal(network->digest, again->digest);
    static const double fan_in[] = {25, 25, 250, 250, 320, 320}; /* of each weight and its bias */
    assert_int_equal(network->weights, 6);
    for (int64_t w = 0; w < network->weights; w++) {
        const peek__tensor *tensor = &network->value[network->weight[w]].tensor;
        float largest = 0;
        for (int64_t i = 0; i < tensor->size; i++) largest = fmaxf(largest, fabsf(tensor->floats[i]));
        assert_true(largest <= 1 / sqrt(fan_in[w]));
        assert_true(largest > 0.5 / sqrt(fan_in[w]));
    }
    peek_network_free(&network);
    peek_network_free(&again);
    peek_context_free(&context);
}

/* A colour input of three blocks, a layer of ten channels split by sign, a flat one, in three groups. */
static void test_what_is_held_out_together(void **state)
{
    (void)state;
    static const char manifest_text[] =
        "{\"blocks\": [{\"name\": \"in.0\", \"kind\": \"input\", \"shape\": [1, 14, 14], \"layout\": "
        "\"channels-first\"}, {\"name\": \"in.1\", \"kind\": \"input\", \"shape\": [1, 14, 14], \"layout\": "
        "\"channels-first\"}, {\"name\": \"maps\", \"kind\": \"layer\", \"shape\": [3, 2, 10], \"layout\": "
        "\"channels-last\"}, {\"name\": \"flat\", \"kind\": \"layer\", \"shape\": [12], \"layout\": "
        "\"flat\"}]}";
    static const char *const names[] = {"in.0", "in.1", "maps+", "maps-", "flat"};
    static const int columns[] = {196, 196, 60, 60, 12};
    float values[2 * 196] = {1};
    int64_t groups[5][196], *group[5];
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem;
    cJSON *manifest = cJSON_Parse(manifest_text);
    assert_non_null(manifest);
    OK(peek_problem_create(context, &problem));
    for (int b = 0; b < 5; b++) {
        group[b] = groups[b];
        OK(peek_problem_add_array(context, problem, names[b], values, 2, columns[b], columns[b],
                                  PEEK_SIGNED_REFUSE));
    }
    OK(peek__feature_groups(context, problem, manifest, 5, 3, group));
    assert_memory_equal(groups[0], groups[1], sizeof groups[0]);
    assert_memory_equal(groups[2], groups[3], 60 * sizeof **groups);
    for (int i = 0; i < 196; i++)
        assert_int_equal(groups[0][i], groups[0][i / 28 * 28 + i % 14 / 2 * 2]);    /* 2 x 2 */
    for (int i = 0; i < 60; i++) assert_int_equal(groups[2][i], groups[2][i % 10]); /* whole channels */
    for (int b = 0; b < 5; b++) {
        int counts[3] = {0};
        for (int i = 0; i < columns[b]; i++) counts[groups[b][i]]++;
        for (int g = 0; g < 3; g++) assert_true(counts[g] > columns[b] / 6);
    }
    cJSON_Delete(manifest);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* Two blocks of noise. */
static peek_problem *make_problem(peek_context *context, const float *x, const float *y, int samples)
{
    peek_problem *problem;
    OK(peek_problem_create(context, &problem));
    OK(peek_problem_add_array(context, problem, "x", x, samples, 7, 7, PEEK_SIGNED_REFUSE));
    OK(peek_problem_add_array(context, problem, "y", y, samples, 5, 5, PEEK_SIGNED_REFUSE));
    return problem;
}

static peek_model *fit(peek_context *context, const peek_problem *problem, int rank, int seed)
{
    peek_model *model;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = rank;
    options.seed = seed;
    OK(peek_fit(context, problem, &options, &model));
    return model;
}

static void test_a_model_matches_itself(void **state)
{
    (void)state;
    float x[SAMPLES * 7], y[SAMPLES * 5];
    double similarity[3];
    int64_t match[3];
    draw(x, SAMPLES * 7, 0, 1, 1);
    draw(y, SAMPLES * 5, 0, 1, 2);
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = make_problem(context, x, y, SAMPLES),
                 *half = make_problem(context, x, y, SAMPLES / 2);
    peek_model *a = fit(context, problem, 3, 0), *b = fit(context, problem, 3, 1),
               *other = fit(context, problem, 2, 0), *shorter = fit(context, half, 3, 0);
    OK(peek_match_models(context, a, a, match, similarity));
    for (int r = 0; r < 3; r++) {
        assert_int_equal(match[r], r);
        assert_true(fabs(similarity[r] - 1) < 1e-12);
    }
    OK(peek_match_models(context, a, b, match, similarity));
    assert_int_equal(match[0] + match[1] + match[2], 3);
    for (int r = 0; r < 3; r++) assert_true(similarity[r] > 0 && similarity[r] < 1);
    assert_int_equal(peek_match_models(context, a, other, match, similarity), PEEK_E_SHAPE);
    assert_int_equal(peek_match_models(context, a, shorter, match, similarity), PEEK_E_SHAPE);
    assert_int_equal(peek_match_models(context, a, NULL, match, similarity), PEEK_E_ARGUMENT);
    peek_model_free(&a);
    peek_model_free(&b);
    peek_model_free(&other);
    peek_model_free(&shorter);
    peek_problem_free(&half);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* On the samples of the fit itself nothing is held out: what all blocks transmit is at least as good as the
 * fit, and what one block tells of itself better still. */
static void test_transmission_of_what_was_seen(void **state)
{
    (void)state;
    float x[SAMPLES * 7], y[SAMPLES * 5];
    double errors[3][2];
    draw(x, SAMPLES * 7, 0, 1, 1);
    draw(y, SAMPLES * 5, 0, 1, 2);
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = make_problem(context, x, y, SAMPLES), *swapped;
    peek_model *model = fit(context, problem, 4, 0);
    OK(peek_transmission(context, problem, model, &errors[0][0]));
    for (int b = 0; b < 2; b++) {
        peek_model_block block;
        OK(peek_model_block_info(context, model, b, &block));
        assert_true(errors[b][b] < errors[2][b]);
        assert_true(errors[1 - b][b] > errors[2][b]);
        assert_true(fabs(errors[2][b] - block.relative_error) < 0.02);
    }
    double again[3][2]; /* blocks are found by their names */
    OK(peek_problem_create(context, &swapped));
    OK(peek_problem_add_array(context, swapped, "y", y, SAMPLES, 5, 5, PEEK_SIGNED_REFUSE));
    OK(peek_problem_add_array(context, swapped, "x", x, SAMPLES, 7, 7, PEEK_SIGNED_REFUSE));
    OK(peek_transmission(context, swapped, model, &again[0][0]));
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) assert_true(fabs(errors[a][b] - again[1 - a][1 - b]) < 1e-6);
    OK(peek_problem_add_array(context, swapped, "z", x, SAMPLES, 7, 7, PEEK_SIGNED_REFUSE));
    double more[4][3];
    assert_int_equal(peek_transmission(context, swapped, model, &more[0][0]), PEEK_E_NOT_FOUND);
    peek_model_free(&model);
    peek_problem_free(&swapped);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

static void test_cross_validation_refuses(void **state)
{
    (void)state;
    float x[SAMPLES * 7], y[SAMPLES * 5];
    double errors[4];
    int64_t of_x[7] = {0, 1, 0, 1, 0, 1, 0}, of_y[5] = {0, 1, 0, 1, 0}, none[7] = {0}, one = 1, seven = 7;
    const int64_t *groups[2] = {of_x, of_y}, *alone[2] = {none, none};
    draw(x, SAMPLES * 7, 0, 1, 1);
    draw(y, SAMPLES * 5, 0, 1, 2);
    peek_context *context = make_context(1, NULL, NULL);
    peek_problem *problem = make_problem(context, x, y, SAMPLES);
    peek_fit_options options;
    peek_fit_options_default(&options);
    OK(peek_cross_validate(context, problem, &options, 2, groups, 1, &one, errors, NULL));
    for (int g = 0; g < 2; g++) assert_true(errors[g] > 0.2 && errors[g] < 1);
    assert_int_equal(peek_cross_validate(context, problem, &options, 2, groups, 1, &seven, errors, NULL),
                     PEEK_E_SHAPE);
    assert_int_equal(peek_cross_validate(context, problem, &options, 2, alone, 1, &one, errors, NULL),
                     PEEK_E_SHAPE);
    assert_int_equal(peek_cross_validate(context, problem, &options, 1, groups, 1, &one, errors, NULL),
                     PEEK_E_ARGUMENT);
    peek_problem_free(&problem);
    peek_context_free(&context);
}

/* A run of the paper's network on noise. */
static void make_run(peek_context *context, char *root)
{
    static float x[SAMPLES * 784];
    char path[96];
    peek_network *network;
    peek_dataset *data;
    peek_capture_options options;
    peek_capture_options_default(&options);
    make_folder(root);
    draw(x, SAMPLES * 784, 0, 1, 1);
    OK(peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network));
    OK(peek_dataset_from_array(context, x, NULL, SAMPLES, 1, 28, 28, &data));
    snprintf(path, sizeof path, "%s/network.onnx", root);
    OK(peek_network_save(context, network, path));
    snprintf(path, sizeof path, "%s/capture", root);
    OK(peek_capture(context, network, data, &options, path));
    peek_dataset_free(&data);
    peek_network_free(&network);
}

static void expect_files(const char *root, int measured)
{
    char command[160];
    snprintf(command, sizeof command, "test \"$(ls -A %s | tr '\\n' ' ')\" = \"capture %snetwork.onnx \"", root,
             measured ? "measures.json " : "");
    assert_int_equal(system(command), 0);
}

static void remove_run(const char *root)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static peek_measure_options everything(void)
{
    peek_measure_options options;
    peek_measure_options_default(&options);
    options.all = 1;
    options.ranks = "1,2,3";
    options.starts = options.folds = 2;
    return options;
}

static void test_faults(void **state)
{
    (void)state;
    char root[FOLDER];
    peek_context *context = make_context(2, NULL, NULL);
    make_run(context, root);
    peek_measure_options options = everything();
    peek_status status;
    int64_t nth = 0;
    do {
        nth += 1 + nth / 25; /* there are thousands */
        peek__fail_nth(context, nth);
        status = peek_measure(context, root, &options);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY || status == PEEK_E_IO);
        if (status != PEEK_OK) assert_true(peek_error(context)[0]);
    } while (status != PEEK_OK);
    assert_true(nth > 1000);
    peek__fail_nth(context, 0);
    expect_files(root, 1);
    remove_run(root);
    peek_context_free(&context);
}

static void test_stop_leaves_what_was_done(void **state)
{
    (void)state;
    char root[FOLDER], path[96];
    int left = 1000000;
    peek_context *context = make_context(2, stop_fit, &left);
    make_run(context, root);
    peek_measure_options options = everything();
    snprintf(path, sizeof path, "%s/measures.json", root);
    for (int after = 0; after < 40; after += 13) {
        cJSON *json = NULL;
        left = after;
        assert_int_equal(peek_measure(context, root, &options), PEEK_E_STOPPED);
        expect_files(root, 1);
        OK(peek__json_read(context, path, &json));
        assert_non_null(cJSON_GetObjectItem(json, "weights"));
        assert_null(cJSON_GetObjectItem(json, "rank"));
        cJSON_Delete(json);
        peek_context_free(&context);
        context = make_context(2, stop_fit, &left);
    }
    remove_run(root);
    peek_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases_keep_amplitudes),
        cmocka_unit_test(test_shuffled_channels_stay_together),
        cmocka_unit_test(test_untrained_weights),
        cmocka_unit_test(test_what_is_held_out_together),
        cmocka_unit_test(test_a_model_matches_itself),
        cmocka_unit_test(test_transmission_of_what_was_seen),
        cmocka_unit_test(test_cross_validation_refuses),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_stop_leaves_what_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
