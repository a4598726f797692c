/* ONNX's own tests, as one table: how many of each suite pass, are refused (by operator), are wrong or broken.
 *
 *     conformance [--list] [--only TEXT] [--seconds N] SUITE=FOLDER=FLOOR ...
 *
 * Every folder with a model.onnx in it is a test. --list names the refused tests too; --only runs those whose
 * name holds TEXT, without floors. Ends with 1 where a test is wrong or broken, or where fewer of a suite pass
 * than its floor. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_test.h"

enum { KEY = 64 };

typedef struct result {
    char *name; /* SUITE/TEST */
    answer is;
    char key[KEY]; /* refused: the operator */
} result;

/* All its weights are equal, so that its 1,000 logits of 1.6e10 are; the softmax of the file holds where they
 * are to the last bit. That takes a matrix product that sums every column in the same order, which OpenBLAS
 * does for some processors and not for others: the logits differ by 1e-6 of them, 20,000, and one number gets
 * it all. */
static const char unstable[] = "light_squeezenet";

typedef struct suite {
    const char *name;
    long floor;
    long count[4];
} suite;

static result *results;
static size_t result_count;
static int seconds = 60, listing;
static const char *only;

/* What a test is refused for: "node 'a' (Pad, opset 14) cannot ..." is about Pad. */
static void find_key(result *it)
{
    const char *end = strstr(it->is.sentence, ", opset"), *start = end;
    while (start && start > it->is.sentence && start[-1] != '(') start--;
    if (end)
        snprintf(it->key, sizeof it->key, "%.*s", (int)(end - start), start);
    else if ((start = strstr(it->is.sentence, "data type ")))
        snprintf(it->key, sizeof it->key, "(data type %d)", atoi(start + strlen("data type ")));
    else
        snprintf(it->key, sizeof it->key, strstr(it->is.sentence, "no tensor") ? "(no tensor)" : "(other)");
}

/* Runs the tests of a folder, in the order of their names. Returns how many there are. */
static int run_suite(suite *in, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), tests = 0;
    size_t chosen = 0, first = result_count;
    if (count <= 0) return 0;
    char **folders = calloc((size_t)count, sizeof *folders);
    answer *answers = calloc((size_t)count, sizeof *answers);
    results = realloc(results, (result_count + (size_t)count) * sizeof *results);
    if (!folders || !answers || !results) abort();
    for (int i = 0; i < count; i++) {
        const char *test = entries[i]->d_name;
        char name[512], path[1024], model[1100];
        snprintf(name, sizeof name, "%s/%s", in->name, test);
        snprintf(path, sizeof path, "%s/%s", folder, test);
        snprintf(model, sizeof model, "%s/model.onnx", path);
        if (test[0] != '.' && access(model, R_OK) == 0) {
            tests++;
            if ((!only || strstr(name, only)) && strcmp(test, unstable) != 0) {
                folders[chosen++] = strdup(path);
                results[result_count++] = (result){.name = strdup(name)};
            }
        }
        free(entries[i]);
    }
    free(entries);
    run_tests((const char *const *)folders, answers, chosen, seconds);
    for (size_t i = 0; i < chosen; i++) {
        result *it = &results[first + i];
        it->is = answers[i];
        if (it->is.found == REFUSED) find_key(it);
        in->count[it->is.found]++;
        free(folders[i]);
    }
    free(answers);
    free(folders);
    return tests;
}

static int by_key(const void *a, const void *b)
{
    const result *x = a, *y = b;
    int order = (x->is.found == REFUSED) - (y->is.found == REFUSED);
    if (order == 0 && x->is.found == REFUSED) order = strcmp(x->key, y->key);
    return order ? order : strcmp(x->name, y->name);
}

static void print_refused(void)
{
    qsort(results, result_count, sizeof *results, by_key);
    for (size_t i = 0, next; i < result_count; i = next) {
        next = i + 1;
        if (results[i].is.found != REFUSED) continue;
        while (next < result_count && strcmp(results[next].key, results[i].key) == 0) next++;
        printf("  %-26s %5zu  %s: %s\n", results[i].key, next - i, results[i].name, results[i].is.sentence);
        for (size_t j = i + 1; listing && j < next; j++)
            printf("  %-26s %5s  %s: %s\n", "", "", results[j].name, results[j].is.sentence);
    }
}

static void print_all(verdict found, const char *title)
{
    for (size_t i = 0, first = 1; i < result_count; i++)
        if (results[i].is.found == found) {
            if (first) printf("\n%s:\n", title);
            first = 0;
            printf("  %s: %s\n", results[i].name, results[i].is.sentence);
        }
}

static void print_row(const suite *in, int with_floor)
{
    long all = in->count[0] + in->count[1] + in->count[2] + in->count[3];
    printf("%-28s %6ld %7ld %8ld %6ld %7ld", in->name, all, in->count[PASSED], in->count[REFUSED],
           in->count[WRONG], in->count[BROKEN]);
    if (with_floor) printf(" %6ld", in->floor);
    printf("\n");
}

static int usage(void)
{
    fprintf(stderr, "conformance [--list] [--only TEXT] [--seconds N] SUITE=FOLDER=FLOOR ...\n");
    return 2;
}

int main(int argc, char **argv)
{
    int first = 1, failed = 0;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--list") == 0)
            listing = 1;
        else if (strcmp(argv[first], "--only") == 0 && first + 1 < argc)
            only = argv[++first];
        else if (strcmp(argv[first], "--seconds") == 0 && first + 1 < argc)
            seconds = atoi(argv[++first]);
        else
            return usage();
    }
    if (first >= argc) return usage();
    suite all = {.name = "all"};
    printf("%-28s %6s %7s %8s %6s %7s %6s\n", "suite", "tests", "passed", "refused", "wrong", "broken",
           "floor");
    for (int i = first; i < argc; i++) {
        char *folder = strchr(argv[i], '='), *floor = folder ? strchr(folder + 1, '=') : NULL;
        if (!floor) return usage();
        *folder++ = *floor++ = 0;
        suite in = {.name = argv[i], .floor = atol(floor)};
        if (run_suite(&in, folder) == 0) {
            printf("%-28s there are no tests in %s\n", in.name, folder);
            failed = 1;
            continue;
        }
        print_row(&in, 1);
        for (int j = 0; j < 4; j++) all.count[j] += in.count[j];
        if (!only && in.count[PASSED] < in.floor) {
            printf("%-28s fewer pass than before\n", "");
            failed = 1;
        }
    }
    print_row(&all, 0);
    printf("\nrefused, by operator:\n");
    print_refused();
    print_all(WRONG, "wrong");
    print_all(BROKEN, "broken");
    for (size_t i = 0; i < result_count; i++) free(results[i].name);
    free(results);
    return failed || all.count[WRONG] || all.count[BROKEN];
}
