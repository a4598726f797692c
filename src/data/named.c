/* data/named.c: the data sets known by name, and where they are looked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/format.h"
#include "store/file.h"

enum { CACHE = 2, ROOTS = 3, PLACES = 8, BATCHES = 5, SPLITS = 2 };

/* Where a set may lie below a root, for each split (test, train); and archives of it that have to be unpacked
 * first. */
typedef struct named {
    const char *name, *about;
    const char *places[SPLITS][PLACES];
    const char *batches[PLACES]; /* folders of CIFAR-10 batches */
    const char *packed[PLACES];
} named;

static const named table[] = {
    {.name = "mnist",
     .about = "handwritten digits, 28 x 28 grey, 60,000 for training and 10,000 for testing",
     .places = {{"mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte",
                 "MNIST/raw/t10k-images-idx3-ubyte.gz", "MNIST/raw/t10k-images-idx3-ubyte",
                 "t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte", "mnist_png/testing"},
                {"mnist/train-images-idx3-ubyte.gz", "mnist/train-images-idx3-ubyte",
                 "MNIST/raw/train-images-idx3-ubyte.gz", "MNIST/raw/train-images-idx3-ubyte",
                 "train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "mnist_png/training"}},
     .packed = {"mnist_png.tar.xz", "mnist_png.tar.gz"}},
    {.name = "cifar10",
     .about = "photographs of ten classes, 32 x 32 colour, 50,000 for training and 10,000 for testing",
     .places = {{"cifar10_png/test", "cifar10_jpg/test"}, {"cifar10_png/train", "cifar10_jpg/train"}},
     .batches = {"cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10"},
     .packed = {"cifar-10-binary.tar.gz", "cifar10_jpg.tar.xz"}},
    {.name = "strokes",
     .about = "handwriting-like digits drawn from stroke templates, 28 x 28 grey, as many as asked for"},
};
enum { NAMED = sizeof table / sizeof *table };

/* Folders to look in, first to last; NULL where one is not set. */
typedef struct roots {
    char *folders[ROOTS];
} roots;

static void free_roots(roots *r)
{
    for (int i = 0; i < ROOTS; i++) peek__free(&r->folders[i]);
}

static peek_status find_roots(peek_context *context, const char *data_dir, roots *out)
{
    const char *environment = getenv("NNPEEK_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    *out = (roots){0};
    peek_status status = PEEK_OK;
    if (data_dir && *data_dir) status = peek__copy_text(context, &out->folders[0], data_dir);
    if (status == PEEK_OK && environment && *environment)
        status = peek__copy_text(context, &out->folders[1], environment);
    if (status == PEEK_OK && cache && *cache)
        status = peek__format(context, &out->folders[CACHE], "%s/nnpeek", cache);
    else if (status == PEEK_OK && home && *home)
        status = peek__format(context, &out->folders[CACHE], "%s/.cache/nnpeek", home);
    if (status != PEEK_OK) free_roots(out);
    return status;
}

peek_status peek__named_home(peek_context *context, const char *data_dir, char **out)
{
    roots r;
    *out = NULL;
    PEEK_TRY(find_roots(context, data_dir, &r));
    char **home = r.folders[0] ? &r.folders[0] : &r.folders[CACHE];
    *out = *home;
    *home = NULL;
    free_roots(&r);
    if (*out) return PEEK_OK;
    return peek__fail(context, PEEK_E_ARGUMENT,
                      "there is no folder for data, as HOME is not set: give one with --data-dir");
}

/* A cache that this user may not look into holds nothing for them: HOME is often another's where a service
 * runs. */
static int is_barred(const char *folder)
{
    return access(folder, X_OK) != 0 && errno == EACCES;
}

/* The first of `places` that exists below the roots, as *out (the caller frees it), or NULL. `inside` is a file
 * that must be in it, or NULL. */
static peek_status find_place(peek_context *context, const roots *r, const char *const places[PLACES],
                              const char *inside, char **out)
{
    *out = NULL;
    for (int i = 0; i < ROOTS; i++) {
        if (!r->folders[i] || (i == CACHE && is_barred(r->folders[i]))) continue;
        for (int j = 0; j < PLACES && places[j]; j++) {
            char *path, *whole;
            PEEK_TRY(peek__format(context, &path, "%s/%s", r->folders[i], places[j]));
            peek_status status =
                peek__format(context, &whole, "%s%s%s", path, inside ? "/" : "", inside ? inside : "");
            struct stat about = {0};
            if (status == PEEK_OK) status = peek__file_look(context, whole, &about);
            int found = S_ISREG(about.st_mode) || (!inside && S_ISDIR(about.st_mode));
            peek__free(&whole);
            if (found)
                *out = path;
            else
                peek__free(&path);
            if (found || status != PEEK_OK) return status;
        }
    }
    return PEEK_OK;
}

static peek_status read_batches(peek_context *context, const char *folder, int train, peek__content *content)
{
    char *paths[BATCHES] = {0};
    int count = train ? BATCHES : 1;
    peek_status status = PEEK_OK;
    for (int i = 0; status == PEEK_OK && i < count; i++)
        status = train ? peek__format(context, &paths[i], "%s/data_batch_%d.bin", folder, i + 1)
                       : peek__format(context, &paths[i], "%s/test_batch.bin", folder);
    if (status == PEEK_OK) status = peek__cifar_read(context, (const char *const *)paths, count, content);
    for (int i = 0; i < count; i++) peek__free(&paths[i]);
    return status;
}

static peek_status not_found(peek_context *context, const named *set, const roots *r)
{
    char *archive;
    PEEK_TRY(find_place(context, r, set->packed, NULL, &archive));
    if (archive) {
        int length = (int)(strrchr(archive, '/') - archive);
        peek_status status =
            peek__fail(context, PEEK_E_NOT_FOUND,
                       "%s is there only as an archive: unpack it with tar xf '%s' -C '%.*s', or "
                       "unpack it elsewhere and give that folder with --data-dir",
                       set->name, archive, length, archive);
        peek__free(&archive);
        return status;
    }
    return peek__fail(
        context, PEEK_E_NOT_FOUND,
        "the data set %s was not found in%s%s%s%s%s%s: get it with `nnpeek data get %s`, name its folder with "
        "--data-dir or NNPEEK_DATA, or use strokes, which is always there",
        set->name, r->folders[0] ? " " : "", r->folders[0] ? r->folders[0] : "", r->folders[1] ? " " : "",
        r->folders[1] ? r->folders[1] : "", r->folders[CACHE] ? " " : "",
        r->folders[CACHE] ? r->folders[CACHE] : "", set->name);
}

static peek_status read_below(peek_context *context, const named *set, const roots *r, int train,
                              peek__content *content)
{
    char *path;
    PEEK_TRY(find_place(context, r, set->batches, train ? "data_batch_1.bin" : "test_batch.bin", &path));
    if (path) {
        peek_status status = read_batches(context, path, train, content);
        peek__free(&path);
        return status;
    }
    PEEK_TRY(find_place(context, r, set->places[train ? PEEK_SPLIT_TRAIN : PEEK_SPLIT_TEST], NULL, &path));
    if (!path) return not_found(context, set, r);
    peek_status status = peek__format_read(context, path, content, NULL);
    peek__free(&path);
    return status;
}

static const named *find_set(const char *spec, int *train)
{
    size_t length = strcspn(spec, ":");
    const char *split = spec + length;
    if (*split && strcmp(split, ":train") != 0 && strcmp(split, ":test") != 0) return NULL;
    if (*split) *train = strcmp(split, ":train") == 0;
    for (int i = 0; i < NAMED; i++)
        if (strlen(table[i].name) == length && memcmp(table[i].name, spec, length) == 0) return &table[i];
    return NULL;
}

peek_status peek__named_read(peek_context *context, const char *spec, const peek_dataset_options *options,
                             int *known, char **name, peek__content *content)
{
    int train = options->split == PEEK_SPLIT_TRAIN;
    const named *set = find_set(spec, &train);
    *known = set != NULL;
    if (!set) return PEEK_OK;
    PEEK_TRY(peek__format(context, name, "%s:%s", set->name, train ? "train" : "test"));
    if (strcmp(set->name, "strokes") == 0)
        return peek__strokes_draw(context,
                                  options->samples ? options->samples
                                  : train          ? 20000
                                                   : 10000,
                                  train, (uint64_t)options->seed, content);
    roots r;
    PEEK_TRY(find_roots(context, options->data_dir, &r));
    peek_status status = read_below(context, set, &r, train, content);
    free_roots(&r);
    return status;
}

peek_status peek_dataset_list(peek_context *context, const peek_dataset_options *options, int64_t index,
                              peek_dataset_entry *out)
{
    *out = (peek_dataset_entry){0};
    if (index < 0 || index >= NAMED) return PEEK_OK;
    const named *set = &table[index];
    *out = (peek_dataset_entry){.name = set->name, .about = set->about};
    roots r;
    char *path = NULL;
    if (strcmp(set->name, "strokes") == 0) {
        out->found = "built in";
        return PEEK_OK;
    }
    PEEK_TRY(find_roots(context, options ? options->data_dir : NULL, &r));
    peek_status status = find_place(context, &r, set->batches, "test_batch.bin", &path);
    if (status == PEEK_OK && !path) status = find_place(context, &r, set->places[PEEK_SPLIT_TEST], NULL, &path);
    if (status == PEEK_OK && path && !(out->found = peek__keep_text(context, 3, path)))
        status = peek__fail(context, PEEK_E_MEMORY, "not enough memory to say where %s is", set->name);
    peek__free(&path);
    free_roots(&r);
    return status;
}
