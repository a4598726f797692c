/* Studies of quality from inside: groups written out, correlations at their edges, intervals, and every failure
 * while the results are written. What numbers are right is for tests/oracle. */
#include <math.h>
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
#include "base/random.h"
#include "study/calibrate.h"
#include "study/quality.h"
#include "study/rank_correlation.h"
#include "context.h"

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

static const char recipe_text[] =
    "{\"name\": \"q\", \"kind\": \"quality\", \"seeds\": 2, \"samples\": 50, \"ranks\": \"4\","
    "\"families\": [{\"name\": \"one\", \"data\": \"strokes\"}, {\"name\": \"two\", \"data\": \"strokes\"}],"
    "\"fits\": [{\"name\": \"default\"}], \"networks\": [{\"name\": \"of no group\"}],"
    "\"groups\": [{\"name\": \"a\", \"vary\": \"fraction\", \"of\": {\"epochs\": 3}, \"values\": [0.1, 0.2, "
    "0.3, 0.4, 0.5, 1]},"
    "{\"name\": \"b\", \"vary\": \"classes\", \"values\": [\"0-4\", {\"classes\": \"5\", \"label_noise\": "
    "0.25}, \"7\", \"8\", \"9\"]},"
    "{\"name\": \"c\", \"judged\": false, \"vary\": \"mix\", \"values\": [0.5]},"
    "{\"name\": \"d\", \"family\": \"two\", \"vary\": \"epochs\", \"values\": [1, 2]}]}";

typedef struct place {
    peek_context *context;
    char folder[FOLDER];
    peek__recipe recipe;
    peek__results results;
} place;

static double draw(peek__stream *stream)
{
    return peek__random_between(stream, 0.05, 1);
}

/* What a run of this network found: numbers at random that rise with its accuracy. */
static cJSON *make_result(peek__stream *stream)
{
    char text[2048];
    double a = draw(stream);
    snprintf(
        text, sizeof text,
        "{\"accuracy\": %g, \"output\": {\"mutual_information\": %g, \"mano\": null}, \"shifts\": [],"
        "\"predictions\": {\"classes\": 10, \"samples\": 50, \"effective_classes\": %g, \"confidence\": %g, "
        "\"effective_rank\": %g, \"taken_as\": \"logits\", \"inputs\": [\"i\"], \"layers\": [\"x\", \"y\"], "
        "\"picture\": null},"
        "\"blocks\": {\"i\": {\"neighbours\": {\"agreement\": %g, \"information\": 1}, "
        "\"intrinsic_dimension\": 3, "
        "\"centred\": {\"effective_rank\": 9}},"
        "\"x\": {\"norm\": %g, \"neighbours\": {\"agreement\": %g, \"information\": 1.5}},"
        "\"y\": {\"norm\": %g, \"neighbours\": {\"agreement\": %g, \"information\": %g}}},"
        "\"fit\": {\"ranks\": [{\"rank\": 4, \"rmse\": %g, \"neighbours\": {\"agreement\": %g, "
        "\"information\": %g}}]}}",
        a, a * draw(stream), 1 + 9 * a, a, 1 + 8 * a * draw(stream), draw(stream), draw(stream), draw(stream),
        draw(stream), a * draw(stream), a, draw(stream), a * draw(stream), a * draw(stream));
    return cJSON_Parse(text);
}

static int set_up(void **state)
{
    place *p = test_calloc(1, sizeof *p);
    char path[96];
    *state = p;
    p->context = make_context(2, NULL, NULL);
    make_folder(p->folder);
    snprintf(path, sizeof path, "%s/recipe.json", p->folder);
    FILE *file = fopen(path, "w");
    if (!file || fputs(recipe_text, file) < 0 || fclose(file) != 0) return -1;
    if (peek__recipe_read(p->context, path, &p->recipe) != PEEK_OK) return -1;
    unlink(path);
    int64_t runs = 2 * p->recipe.networks;
    p->results = (peek__results){.recipe = &p->recipe, .seeds = 2, .first_seed = 5, .data = "strokes"};
    p->results.run = calloc((size_t)runs, sizeof *p->results.run);
    peek__stream stream = peek__stream_make(1, PEEK__TEST, 0);
    for (int64_t i = 0; p->results.run && i < runs; i++) p->results.run[i] = make_result(&stream);
    return p->results.run ? 0 : -1;
}

static int tear_down(void **state)
{
    place *p = *state;
    char command[96];
    for (int64_t i = 0; i < 2 * p->recipe.networks; i++) cJSON_Delete(p->results.run[i]);
    free(p->results.run);
    peek__recipe_free(&p->recipe);
    peek_context_free(&p->context);
    snprintf(command, sizeof command, "rm -r %s", p->folder);
    int status = system(command);
    test_free(p);
    return status;
}

static void test_groups_are_networks(void **state)
{
    place *p = *state;
    const peek__recipe *recipe = &p->recipe;
    assert_int_equal(recipe->networks, 1 + 6 + 5 + 1 + 2);
    assert_int_equal(recipe->network[0].group, -1);
    assert_string_equal(recipe->network[1].name, "a: fraction 0.1");
    assert_true(recipe->network[1].fraction == 0.1 && recipe->network[1].epochs == 3);
    assert_string_equal(recipe->network[8].name, "b: classes 5, label noise 0.25");
    assert_string_equal(recipe->network[8].classes, "5");
    assert_true(recipe->network[8].label_noise == 0.25 && recipe->network[8].epochs == 1);
    assert_int_equal(recipe->network[12].group, 2);
    assert_int_equal(recipe->group[2].judged, 0);
    assert_int_equal(recipe->network[14].family, 1);
    assert_int_equal(recipe->network[14].epochs, 2);
}

static void test_correlations_at_their_edges(void **state)
{
    place *p = *state;
    peek_context *context = p->context;
    enum { N = 6 };
    const int64_t index[N] = {0, 1, 2, 3, 4, 5}, stratum[N] = {0, 0, 0, 1, 1, 1},
                  cluster[N] = {0, 0, 1, 2, 3, 4};
    const double rising[N] = {1, 2, 3, 4, 5, 6}, falling[N] = {6, 5, 4, 3, 2, 1}, flat[N] = {2, 2, 2, 2, 2, 2},
                 holes[N] = {1, NAN, NAN, NAN, NAN, 3}, *given[] = {rising, flat};
    peek__correlator c;
    peek__correlation found;
    peek__sampling of = {N, index, stratum, cluster, 0}, none = {0, index, stratum, cluster, 0};
    OK(peek__correlator_begin(context, 2 * N, 2, &c));
    peek__spearman(&c, &of, rising, rising, &found);
    assert_true(fabs(found.rho - 1) < 1e-12 && found.count == N);
    peek__spearman(&c, &of, falling, rising, &found);
    assert_true(fabs(found.rho + 1) < 1e-12 && found.low >= -1 - 1e-12 && found.high <= -0.5);
    peek__spearman(&c, &of, flat, rising, &found);
    assert_true(isnan(found.rho) && isnan(found.low));
    peek__spearman(&c, &of, holes, rising, &found);
    assert_true(isnan(found.rho) && found.count == 2);
    peek__spearman(&c, &none, rising, rising, &found);
    assert_true(isnan(found.rho) && found.count == 0);
    /* What is known from the control alone leaves nothing. */
    peek__spearman_given(&c, &of, falling, rising, 2, given, &found);
    assert_true(isnan(found.rho));
    peek__spearman_difference(&c, &of, rising, falling, -1, rising, &found);
    assert_true(fabs(found.rho) < 1e-12 && fabs(found.low) < 1e-12 && fabs(found.high) < 1e-12);
    peek__correlator_clear(&c);
}

static void test_intervals_at_their_edges(void **state)
{
    (void)state;
    const double scores[] = {0.1, 0.5, 0.9}, accuracies[] = {0.2, 0.4, 0.95};
    const int64_t way[] = {7, 8, 7};
    const double far = 1e-12;
    double out[3];
    peek__scored known = {0, scores, accuracies, way, 1};
    peek__verdict_interval(&known, -1, 0.5, out);
    assert_true(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
    known.count = 1; /* one network: at least a point to each side */
    peek__verdict_interval(&known, -1, 0.3, out);
    assert_true(fabs(out[0] - 0.39) < far && fabs(out[1] - 0.4) < far && fabs(out[2] - 0.41) < far);
    known.count = 3; /* accuracy - score: -0.1, 0.05, 0.1 */
    peek__verdict_interval(&known, -1, 0.5, out);
    assert_true(fabs(out[0] - 0.4) < far && fabs(out[1] - 0.55) < far && fabs(out[2] - 0.6) < far);
    known.widening = 2;
    peek__verdict_interval(&known, -1, 0.5, out);
    assert_true(fabs(out[0] - 0.25) < far && fabs(out[1] - 0.55) < far && fabs(out[2] - 0.65) < far);
    assert_true(fabs(peek__verdict_excess(out, 0.25) - 1) < far &&
                fabs(peek__verdict_excess(out, 0.75) - 2) < far);
    known.widening = 1;
    peek__verdict_interval(&known, 7, 0.5, out); /* both of one way are left out */
    assert_true(fabs(out[1] - 0.4) < far && fabs(out[2] - 0.41) < far);
}

static void expect_only_whole_files(const place *p, int all)
{
    static const char *const names[] = {"calibration.json", "summary.json", "quality.csv", "study.html"};
    char path[128], command[160];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", p->folder, names[i]);
        if (all) assert_int_equal(access(path, F_OK), 0);
        unlink(path);
    }
    snprintf(command, sizeof command, "test -z \"$(ls -A %s)\"", p->folder);
    assert_int_equal(system(command), 0);
}

static void test_faults(void **state)
{
    place *p = *state;
    peek_status status;
    int64_t nth = 0;
    do {
        nth += 1 + nth / 3; /* each writes all correlations with their intervals */
        peek__fail_nth(p->context, nth);
        status = peek__quality_write(p->context, &p->results, cJSON_CreateArray(), p->folder);
        peek__fail_nth(p->context, 0);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY || status == PEEK_E_IO);
        if (status != PEEK_OK) assert_true(peek_error(p->context)[0]);
        expect_only_whole_files(p, status == PEEK_OK);
    } while (status != PEEK_OK);
    assert_true(nth > 100);
}

static void test_too_few_to_learn_from(void **state)
{
    place *p = *state;
    assert_int_equal(peek__calibrate_check(p->context, &p->recipe, 2), PEEK_OK);
    assert_int_equal(peek__calibrate_check(p->context, &p->recipe, 1), PEEK_E_FORMAT);
    assert_non_null(strstr(peek_error(p->context), "without the group 'a' only 5 networks"));
    /* Runs that failed are known only later. */
    for (int64_t i = 2; i < 14; i++) {
        cJSON_Delete(p->results.run[i]);
        p->results.run[i] = NULL;
    }
    assert_int_equal(peek__quality_write(p->context, &p->results, cJSON_CreateArray(), p->folder),
                     PEEK_E_SHAPE);
    expect_only_whole_files(p, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups_are_networks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_correlations_at_their_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_intervals_at_their_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_few_to_learn_from, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
