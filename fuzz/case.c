/* fuzz/case.c: what the fuzz targets share. */
#include "case.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { LONGEST = 512, TEXTS = 16 };

/* Samples of more numbers are not read: time is better spent on other files. */
static const int64_t most_numbers = 1 << 18;

static char root[LONGEST / 2];
static double deadline;

/* Sanitizers: memory that cannot be had gives NULL, as it does without them, and so does more than a small
 * machine has. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=512:detect_leaks=1";
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int stop(const peek_event *event, void *user)
{
    (void)event;
    (void)user;
    return now() > deadline;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_root(void)
{
    const char *beside = getenv("TMPDIR");
    if (root[0]) return;
    if (!beside || !*beside) beside = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(root, sizeof root, "%s/nnpeek-fuzz-XXXXXX", beside);
    fuzz_must(mkdtemp(root) != NULL, "a folder for the cases can be made");
    atexit(remove_root);
}

const char *fuzz_path(const char *name)
{
    static char texts[TEXTS][LONGEST];
    static int next;
    make_root();
    char *text = texts[next = (next + 1) % TEXTS];
    fuzz_must(snprintf(text, LONGEST, "%s/%s", root, name) < LONGEST, "paths of cases are short");
    return text;
}

const char *fuzz_folder(const char *name)
{
    char path[LONGEST];
    strcpy(path, fuzz_path(name));
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
    return fuzz_path(name);
}

const char *fuzz_write(const char *name, const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    fuzz_must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, "a case can be written");
    return path;
}

const char *fuzz_remove(const char *name)
{
    const char *path = fuzz_path(name);
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return path;
}

const char *fuzz_write_packed(const char *name, const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_path(name);
    gzFile file = gzopen(path, "wb1");
    fuzz_must(file && gzwrite(file, bytes, (unsigned)size) == (int)size && gzclose(file) == Z_OK,
              "a case can be packed");
    return path;
}

peek_context *fuzz_begin(double seconds)
{
    peek_context *context = NULL;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = 1;
    if (seconds > 0) options.event = stop;
    make_root();
    deadline = now() + seconds;
    fuzz_must(peek_context_create(&context, &options) == PEEK_OK, "a context can be made");
    return context;
}

int fuzz_check(const peek_context *context, peek_status status)
{
    if (status == PEEK_OK) return 1;
    const char *sentence = peek_error(context);
    if (!*sentence || strpbrk(sentence, "\n\r")) fprintf(stderr, "the sentence: '%s'\n", sentence);
    fuzz_must(*sentence && !strpbrk(sentence, "\n\r"), "a refusal is one sentence");
    return 0;
}

void fuzz_must(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "this does not hold: %s\n", what);
    abort();
}

/* The first samples and the last one. */
static void read_ends(peek_context *context, const peek_dataset *dataset)
{
    peek_dataset_info info = peek_dataset_describe(dataset);
    int64_t plane = info.height <= most_numbers && info.width <= most_numbers ? info.height * info.width : 0;
    if (info.channels > most_numbers || plane < 1 || plane * info.channels > most_numbers) return;
    int64_t size = plane * info.channels, count = info.count < 2 ? info.count : 2;
    float *values = malloc((size_t)(2 * size) * sizeof *values);
    fuzz_must(values != NULL, "there is memory for two samples");
    for (int end = 0; end < 2; end++)
        if (fuzz_check(context,
                       peek_dataset_read(context, dataset, end ? info.count - count : 0, count, values)))
            for (int64_t i = 0; i < count * size; i++)
                fuzz_must(isfinite(values[i]) && (!info.pictures || (values[i] >= 0 && values[i] <= 1)),
                          "values are finite, and those of pictures between 0 and 1");
    free(values);
}

void fuzz_read_samples(peek_context *context, const peek_dataset *dataset)
{
    peek_dataset_info info = peek_dataset_describe(dataset);
    peek_dataset *fitted = NULL;
    read_ends(context, dataset);
    for (int64_t t = 0; peek_dataset_labels(dataset) && t < info.count; t++)
        fuzz_must(peek_dataset_class_name(dataset, peek_dataset_labels(dataset)[t]) != NULL,
                  "every label has a name");
    if (!info.mixed &&
        (info.height > most_numbers || info.width > most_numbers || info.height * info.width > most_numbers))
        return;
    if (fuzz_check(context, peek_dataset_fit(context, dataset, info.channels == 1 ? 3 : 1, 5, 7, &fitted)))
        read_ends(context, fitted);
    peek_dataset_free(&fitted);
}
