/* How the report lays out blocks: against loops over the shapes as they are written down. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "report/report_maps.h"

static peek__report_maps read_maps(const char *entry, int64_t columns)
{
    cJSON *json = cJSON_Parse(entry);
    assert_non_null(json);
    peek__report_maps maps = peek__report_maps_read(json, columns);
    cJSON_Delete(json);
    return maps;
}

/* The place in the file is its value, so that what comes out says where it was. */
static float *lay_out(const peek__report_maps *maps, int64_t step, int64_t columns)
{
    peek__report_view view = peek__report_maps_view(maps, step);
    int64_t entries = maps->channels * peek__report_view_places(maps, &view);
    float *values = malloc((size_t)columns * sizeof *values), *out = malloc((size_t)entries * sizeof *out);
    assert_true(values && out);
    for (int64_t i = 0; i < columns; i++) values[i] = (float)i;
    peek__report_maps_all(maps, &view, values, 1, out);
    free(values);
    return out;
}

static void test_tokens(void **state)
{
    (void)state;
    enum { D = 3, H = 2, W = 4, N = 1 + H * W };
    peek__report_maps maps = read_maps(
        "{\"layout\": \"tokens\", \"shape\": [9, 3], \"token_grid\": [2, 4], \"token_lead\": 1}", N * D);
    assert_true(!maps.flat && maps.channels == D && maps.lead == 1 && maps.height == H && maps.width == W);
    float *out = lay_out(&maps, 1, N * D);
    for (int d = 0; d < D; d++) {
        assert_true(out[d * N] == (float)d); /* the class token's feature d */
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int token = 1 + y * W + x;
                assert_true(out[d * N + 1 + y * W + x] == (float)(token * D + d));
            }
    }
    free(out);
}

/* Averaged fields, of which the last ones are smaller; tokens apart are never averaged. */
static void test_tokens_made_smaller(void **state)
{
    (void)state;
    enum { D = 2, SIDE = 3, LEAD = 2, N = LEAD + SIDE * SIDE };
    peek__report_maps maps = read_maps(
        "{\"layout\": \"tokens\", \"shape\": [11, 2], \"token_grid\": [3, 3], \"token_lead\": 2}", N * D);
    float *out = lay_out(&maps, 2, N * D);
    for (int d = 0; d < D; d++) {
        const float *own = out + d * (LEAD + 4);
        for (int t = 0; t < LEAD; t++) assert_true(own[t] == (float)(t * D + d));
        const float corner = (float)((LEAD + 8) * D + d);
        assert_true(fabsf(own[LEAD + 3] - corner) < 1e-4f);
        float sum = 0;
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 2; x++) sum += (float)((LEAD + y * SIDE + x) * D + d);
        assert_true(fabsf(own[LEAD] - sum / 4) < 1e-4f);
    }
    free(out);
}

static void test_channels_last(void **state)
{
    (void)state;
    enum { H = 3, W = 2, C = 4 };
    peek__report_maps maps = read_maps("{\"layout\": \"channels-last\", \"shape\": [3, 2, 4]}", H * W * C);
    assert_true(maps.channels == C && maps.height == H && maps.width == W && maps.lead == 0);
    float *out = lay_out(&maps, 1, H * W * C);
    for (int c = 0; c < C; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) assert_true(out[(c * H + y) * W + x] == (float)((y * W + x) * C + c));
    free(out);
}

/* Channels first are as they are: maps, means over a grid, lines and volumes. */
static void test_channels_first(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        int64_t columns, channels, slices, height, width;
    } cases[] = {
        {"{\"layout\": \"channels-first\", \"shape\": [5, 2, 3]}", 30, 5, 1, 2, 3},
        {"{\"layout\": \"channels-first\", \"shape\": [4, 3, 3], \"full_shape\": [4, 9, 9], "
         "\"reduction\": \"grid:3\"}",
         36, 4, 1, 3, 3},
        {"{\"layout\": \"channels-first\", \"shape\": [3, 8]}", 24, 3, 1, 1, 8},
        {"{\"layout\": \"channels-first\", \"shape\": [2, 3, 4, 5]}", 120, 2, 3, 4, 5},
        {"{\"shape\": [5, 2, 3]}", 30, 5, 1, 2, 3}, /* without a layout, by its shape */
        {"{\"shape\": [4, 6]}", 24, 1, 1, 4, 6},
        {"{\"layout\": \"tokens\", \"shape\": [6, 4], \"token_grid\": [2, 2], \"token_lead\": 1}", 24, 4, 1, 1,
         6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        peek__report_maps maps = read_maps(cases[i].entry, cases[i].columns);
        assert_false(maps.flat);
        assert_int_equal(maps.channels, cases[i].channels);
        assert_int_equal(maps.slices, cases[i].slices);
        assert_int_equal(maps.height, cases[i].height);
        assert_int_equal(maps.width, cases[i].width);
        float *out = lay_out(&maps, 1, cases[i].columns);
        for (int64_t k = 0; !maps.last && k < cases[i].columns; k++) assert_true(out[k] == (float)k);
        free(out);
    }
}

static void test_flat(void **state)
{
    (void)state;
    static const char *const entries[] = {"{\"layout\": \"flat\", \"shape\": [2, 3, 4]}",
                                          "{\"layout\": \"channels-first\", \"shape\": [24]}",
                                          "{\"layout\": \"channels-first\", \"shape\": [2, 3, 5]}",
                                          "{\"shape\": [24]}",
                                          "{\"shape\": [1, 24]}",
                                          "{}",
                                          "{\"layout\": \"tokens\", \"shape\": [-2, -12]}"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        peek__report_maps maps = read_maps(entries[i], 24);
        assert_true(maps.flat && maps.channels == 1 && maps.width == 24);
    }
    assert_true(peek__report_maps_read(NULL, 24).flat);
}

/* Sides are bounded, and coarser views end where one value is left. */
static void test_views(void **state)
{
    (void)state;
    peek__report_maps maps = read_maps("{\"layout\": \"channels-first\", \"shape\": [2, 100, 33]}", 6600);
    peek__report_view view = peek__report_maps_fit(&maps, 64, 512);
    assert_true(view.step == 2 && view.height == 50 && view.width == 17);
    int64_t before = peek__report_view_places(&maps, &view);
    while (peek__report_maps_coarsen(&maps, &view)) {
        assert_true(peek__report_view_places(&maps, &view) <= before);
        before = peek__report_view_places(&maps, &view);
    }
    assert_int_equal(before, 1);
    maps = read_maps("{\"layout\": \"channels-first\", \"shape\": [2, 3000]}", 6000);
    view = peek__report_maps_fit(&maps, 64, 512);
    assert_true(view.height == 1 && view.width == 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),        cmocka_unit_test(test_tokens_made_smaller),
        cmocka_unit_test(test_channels_last), cmocka_unit_test(test_channels_first),
        cmocka_unit_test(test_flat),          cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
