/* Any bytes as one of the JSON documents that nnpeek reads; the first says which. Documents of a run lie in a
 * sound run folder, which is measured and reported; others go to what reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "measure/verdict.h"
#include "run.h"
#include "store/file.h"
#include "study/overlap.h"
#include "study/picture_figures.h"
#include "study/recipe.h"
#include "study/study_page.h"
#include "study/summary.h"

/* The sound documents, to be put back. */
enum { MOST_DOCUMENTS = 8 };
static char *sound[MOST_DOCUMENTS];
static int64_t sizes[MOST_DOCUMENTS];

static const char *in_run(const char *file)
{
    static char name[128];
    snprintf(name, sizeof name, "run/%s", file);
    return name;
}

static void prepare(peek_context *context)
{
    char letter;
    const char *file;
    if (sound[0]) return;
    run_make(fuzz_folder("run"));
    for (int i = 0; (file = run_document(i, &letter)); i++)
        fuzz_must(peek__file_read(context, fuzz_path(in_run(file)), 1 << 20, &sound[i], &sizes[i]) == PEEK_OK,
                  "the sound run can be read");
}

static void restore(void)
{
    char letter;
    const char *file;
    for (int i = 0; (file = run_document(i, &letter)); i++)
        fuzz_write(in_run(file), (const uint8_t *)sound[i], (size_t)sizes[i]);
}

static void use_capture(peek_context *context)
{
    const char *capture = fuzz_path("run/capture"), *fitted = fuzz_path("run/fit");
    peek_problem *problem = NULL;
    peek_model *model = NULL;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = 1;
    options.iterations = 1;
    fuzz_must(peek_problem_create(context, &problem) == PEEK_OK, "a problem can be made");
    if (fuzz_check(context, peek_problem_add_capture(context, problem, capture, PEEK_SIGNED_SPLIT)))
        fuzz_check(context, peek_fit(context, problem, &options, &model));
    peek_model_free(&model);
    peek_problem_free(&problem);
    cJSON *found = cJSON_CreateObject();
    fuzz_check(context, peek__study_overlap(context, capture, found));
    fuzz_check(context, peek__study_component_overlap(context, capture, fitted, RUN_RANK, found));
    fuzz_check(context, peek__study_carrying(context, capture, fitted, RUN_RANK, found));
    cJSON_Delete(found);
}

static void use_model(peek_context *context)
{
    peek_model *model = NULL;
    if (fuzz_check(context, peek_model_load(context, fuzz_path("run/fit/rank-2"), &model)))
        fuzz_check(context, peek_model_save(context, model, fuzz_path("saved")));
    peek_model_free(&model);
    fuzz_remove("saved");
}

static void use_figures(peek_context *context)
{
    peek__file file = {0};
    const char *run = fuzz_path("run");
    if (!fuzz_check(context, peek__file_begin(context, &file, fuzz_path("figures.html")))) return;
    fuzz_check(context, peek__components_write(context, &file, run, RUN_RANK, "name"));
    fuzz_check(context, peek__loadings_write(context, &file, run, RUN_RANK, "name"));
    peek__file_abort(&file);
}

/* A document of the run. */
static int use_run(peek_context *context, char letter, const uint8_t *bytes, size_t size)
{
    char mine;
    const char *file, *run = fuzz_path("run");
    for (int i = 0; (file = run_document(i, &mine)) && mine != letter;) i++;
    if (!file) return 0;
    prepare(context);
    fuzz_write(in_run(file), bytes, size);
    if (letter == 'm') use_capture(context);
    if (letter == 'f') use_model(context);
    if (letter != 's') use_figures(context);
    fuzz_check(context, peek_report(context, &run, 1, fuzz_path("report.html")));
    fuzz_check(context, peek_measure(context, run, NULL));
    restore();
    return 1;
}

static void use_recipe(peek_context *context, const char *path)
{
    peek__recipe recipe;
    fuzz_check(context, peek__recipe_read(context, path, &recipe));
    peek__recipe_free(&recipe);
}

static void use_calibration(peek_context *context, const char *path)
{
    peek_measure_options options;
    peek_measure_options_default(&options);
    options.calibration = path;
    prepare(context);
    fuzz_check(context, peek_measure(context, fuzz_path("run"), &options));
    restore();
}

/* dataset.json beside a picture and its label. */
static void use_names(peek_context *context, const uint8_t *bytes, size_t size)
{
    static const float pixel = 0.5f;
    static const int32_t label = 0;
    peek_dataset *dataset = NULL;
    if (fuzz_check(context, peek_dataset_from_array(context, &pixel, &label, 1, 1, 1, 1, &dataset)))
        fuzz_check(context, peek_dataset_save(context, dataset, fuzz_path("data")));
    peek_dataset_free(&dataset);
    fuzz_write("data/dataset.json", bytes, size);
    if (fuzz_check(context, peek_dataset_open(context, fuzz_path("data"), NULL, &dataset)))
        fuzz_read_samples(context, dataset);
    peek_dataset_free(&dataset);
    fuzz_remove("data");
}

static void use_summary(peek_context *context, const uint8_t *bytes, size_t size)
{
    fuzz_folder("studies/fraction");
    fuzz_write("studies/fraction/summary.json", bytes, size);
    fuzz_check(context, peek_study_index_write(context, fuzz_path("studies")));
}

/* result.json of all runs of a study that was resumed. */
static void use_result(peek_context *context, const char *path)
{
    peek__results results = {.seeds = 1, .data = "mnist"};
    peek__recipe recipe;
    cJSON *result = NULL;
    if (!fuzz_check(context, peek__json_read(context, path, &result))) return;
    fuzz_must(peek__recipe_read(context, "order", &recipe) == PEEK_OK, "a built-in recipe can be read");
    results.recipe = &recipe;
    results.run = calloc((size_t)recipe.networks, sizeof *results.run);
    results.kept = calloc((size_t)recipe.networks, sizeof *results.kept);
    results.values = calloc(2, sizeof *results.values);
    fuzz_must(results.run && results.kept && results.values, "there is memory for a study");
    for (int64_t n = 0; n < recipe.networks; n++) results.run[n] = result;
    cJSON *summary = peek__summary_make(&results, cJSON_CreateArray());
    fuzz_must(summary != NULL, "a summary can be made");
    fuzz_check(context, peek__summary_tables(context, &results, fuzz_folder("study")));
    fuzz_check(context, peek__study_page(context, &results, summary, fuzz_path("study")));
    cJSON_Delete(summary);
    cJSON_Delete(result);
    free(results.run);
    free(results.kept);
    free(results.values);
    peek__recipe_free(&recipe);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1) return 0;
    char letter = (char)*bytes++;
    size--;
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    if (use_run(context, letter, bytes, size)) {
        peek_context_free(&context);
        return 0;
    }
    const char *path = fuzz_write("document.json", bytes, size);
    switch (letter) {
    case 'r':
        use_recipe(context, path);
        break;
    case 'c':
        use_calibration(context, path);
        break;
    case 'd':
        use_names(context, bytes, size);
        break;
    case 'y':
        use_summary(context, bytes, size);
        break;
    case 'u':
        use_result(context, path);
        break;
    }
    peek_context_free(&context);
    return 0;
}
