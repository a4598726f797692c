/* Any bytes as an .npy file: opened as data and read, taken for labels, added to a problem as a block and
 * factorised. */
#include "case.h"

/* Larger blocks are not factorised. */
static const int64_t most_numbers = 1 << 12;

static void read_data(peek_context *context, const char *path)
{
    peek_dataset *dataset = NULL;
    if (fuzz_check(context, peek_dataset_open(context, path, NULL, &dataset)))
        fuzz_read_samples(context, dataset);
    peek_dataset_free(&dataset);
}

static void read_labels(peek_context *context, const char *path)
{
    static const float values[4] = {0, 1, 0, 1};
    peek_dataset *dataset = NULL;
    for (int64_t count = 1; count <= 4; count += 3) {
        if (!fuzz_check(context, peek_dataset_from_array(context, values, NULL, count, 1, 1, 1, &dataset)))
            continue;
        if (fuzz_check(context, peek_dataset_read_labels(context, dataset, path)))
            fuzz_read_samples(context, dataset);
        peek_dataset_free(&dataset);
    }
}

static void fit(peek_context *context, const char *path, peek_signed negatives)
{
    peek_problem *problem = NULL;
    peek_model *model = NULL;
    peek_fit_options options;
    peek_fit_options_default(&options);
    options.rank = 1;
    options.iterations = 2;
    if (!fuzz_check(context, peek_problem_create(context, &problem))) return;
    if (fuzz_check(context, peek_problem_add_file(context, problem, path, negatives))) {
        int64_t rows = peek_problem_samples(problem), columns = peek_problem_columns(problem);
        if (rows <= most_numbers && columns <= most_numbers && rows * columns <= most_numbers)
            fuzz_check(context, peek_fit(context, problem, &options, &model));
    }
    peek_model_free(&model);
    peek_problem_free(&problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *path = fuzz_write("x.npy", bytes, size);
    read_data(context, path);
    read_labels(context, path);
    fit(context, path, size % 2 ? PEEK_SIGNED_SPLIT : PEEK_SIGNED_REFUSE);
    fit(context, path, size % 2 ? PEEK_SIGNED_POSITIVE : PEEK_SIGNED_SHIFT);
    peek_context_free(&context);
    return 0;
}
