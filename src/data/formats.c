/* data/formats.c: opening data: named data sets first, then the format that recognises the path. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/format.h"

static const peek__data_format *const formats[] = {&peek__saved_format, &peek__array_format, &peek__idx_format,
                                                   &peek__cifar_format, &peek__picture_format};
enum { FORMATS = sizeof formats / sizeof *formats };

static const peek_option rows[] = {
    PEEK_TEXT(peek_dataset_options, data_dir, "data-dir", NULL, "DIR",
              "where named data sets are looked up first, before $NNPEEK_DATA and the cache folder"),
    PEEK_CHOICE(peek_dataset_options, split, "split", PEEK_SPLIT_TEST, "test|train",
                "the split that a bare name such as mnist means"),
    PEEK_INTEGER(peek_dataset_options, samples, "samples", 0, 0, 1e9, "N",
                 "strokes: how many to draw; 0: 20,000 for train and 10,000 for test"),
    PEEK_INTEGER(peek_dataset_options, seed, "seed", 0, 0, 0x1p53, "N", "strokes: seed of the drawing"),
    PEEK_FLAG(peek_dataset_options, skip_broken, "skip-broken", 0,
              "leave out pictures of a folder that cannot be read, instead of failing"),
};
PEEK_TABLE(table, "dataset", peek_dataset_options, rows);

const peek_option_table *peek_dataset_option_table(void)
{
    return &table;
}

void peek_dataset_options_default(peek_dataset_options *options)
{
    peek_options_default(&table, options);
}

int peek__ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), ending = strlen(suffix);
    return length >= ending && strcasecmp(name + length - ending, suffix) == 0;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int peek__compare_names(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        if (is_digit(*x) && is_digit(*y)) {
            while (*x == '0' && is_digit(x[1])) x++;
            while (*y == '0' && is_digit(y[1])) y++;
            size_t p = strspn(x, "0123456789"), q = strspn(y, "0123456789");
            int order = p != q ? (p < q ? -1 : 1) : strncmp(x, y, p);
            if (order) return order;
            x += p;
            y += q;
        } else {
            if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
            x++;
            y++;
        }
    }
    if (*x || *y) return *x ? 1 : -1;
    return strcmp(a, b);
}

static peek_status look_inside(peek_context *context, const char *folder, int *saved)
{
    char *path;
    PEEK_TRY(peek__format(context, &path, "%s/images.npy", folder));
    peek_status status = peek__find_file(context, path, saved);
    peek__free(&path);
    return status;
}

static peek_status look_at(peek_context *context, const char *path, peek__candidate *out)
{
    struct stat about;
    *out = (peek__candidate){.path = path};
    PEEK_TRY(peek__file_look(context, path, &about));
    if (!about.st_mode)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "there is no file, folder or data set '%s': check the path, or use mnist, cifar10 or strokes",
            path);
    out->folder = S_ISDIR(about.st_mode);
    if (out->folder) return look_inside(context, path, &out->saved);
    if (!S_ISREG(about.st_mode))
        return peek__fail(context, PEEK_E_UNSUPPORTED, "'%s' is not a regular file: save it as a file first",
                          path);
    if (about.st_size == 0)
        return peek__fail(context, PEEK_E_FORMAT, "'%s' is an empty file: write it again", path);
    out->size = about.st_size;
    out->stamp = peek__change_time(&about);
    FILE *file = fopen(path, "rbe");
    if (!file) return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(errno));
    size_t count = fread(out->head, 1, sizeof out->head, file);
    int failed = ferror(file) || count == 0;
    fclose(file);
    return failed ? peek__fail(context, PEEK_E_IO, "cannot read '%s'", path) : PEEK_OK;
}

/* A sentence for what people try and what cannot be data. */
static peek_status refuse(peek_context *context, const peek__candidate *c)
{
    const char *remedy =
        "give an .npy array, an IDX file, a CIFAR-10 .bin file or a folder of PNG or JPEG files";
    if (memcmp(c->head, "PK\3\4", 4) == 0)
        remedy = "it is a zip or .npz archive: unpack it, and give one .npy file or a folder";
    else if (memcmp(c->head,
                    "\xfd"
                    "7zXZ",
                    5) == 0 ||
             peek__ends_with(c->path, ".tar") || peek__ends_with(c->path, ".tar.gz") ||
             peek__ends_with(c->path, ".tgz"))
        remedy = "it is an archive: unpack it with tar xf, and give the folder";
    else if (memcmp(c->head, "\x89PNG", 4) == 0 || memcmp(c->head, "\xff\xd8\xff", 3) == 0)
        remedy = "it is a single picture: put it into a folder, and give the folder";
    return peek__fail(context, PEEK_E_FORMAT, "'%s' is no data that nnpeek reads: %s", c->path, remedy);
}

int64_t peek__change_time(const struct stat *about)
{
    return (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec;
}

static peek_status name_candidate(peek_context *context, const peek__candidate *candidate, char **out)
{
    char *base;
    PEEK_TRY(peek__base_name(context, &base, candidate->path, NULL));
    peek_status status = peek__format(context, out, "%s%s", base, candidate->folder ? "/" : "");
    peek__free(&base);
    return status;
}

peek_status peek__format_read(peek_context *context, const char *path, peek__content *content, char **name)
{
    peek__candidate candidate;
    PEEK_TRY(look_at(context, path, &candidate));
    const peek__data_format *best = NULL;
    peek__likeness likeness = PEEK__FOREIGN;
    for (int i = 0; i < FORMATS; i++) {
        peek__likeness mine = formats[i]->recognise(&candidate);
        if (mine <= likeness) continue;
        likeness = mine;
        best = formats[i];
    }
    if (!best) return refuse(context, &candidate);
    content->stamp = candidate.stamp;
    PEEK_TRY(best->read(context, path, content));
    return name ? name_candidate(context, &candidate, name) : PEEK_OK;
}

static peek_status check_samples(peek_context *context, const char *spec, const peek__content *content)
{
    if (content->count > 0 && (content->files || content->values.columns > 0)) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT, "'%s' holds no samples: give data with at least one", spec);
}

peek_status peek_dataset_open(peek_context *context, const char *spec, const peek_dataset_options *options,
                              peek_dataset **out)
{
    peek_dataset_options standard;
    peek_dataset_options_default(&standard);
    if (!options) options = &standard;
    if (!out) return peek__fail(context, PEEK_E_ARGUMENT, "out is NULL: give a place for the dataset");
    *out = NULL;
    PEEK_TRY(peek_options_check(context, &table, options));
    if (!spec || !*spec)
        return peek__fail(context, PEEK_E_ARGUMENT,
                          "no data is named: give a path, or mnist, cifar10 or strokes");
    peek__content content = {.skip_broken = options->skip_broken != 0};
    char *name = NULL;
    int known = 0;
    peek__stage(context, "data", "reading samples", 0);
    peek_status status = peek__named_read(context, spec, options, &known, &name, &content);
    if (status == PEEK_OK && !known) status = peek__format_read(context, spec, &content, &name);
    if (status == PEEK_OK) status = check_samples(context, spec, &content);
    if (status == PEEK_OK)
        status = peek__dataset_wrap(context, &content, name, out);
    else
        peek__content_clear(&content);
    peek__free(&name);
    return status;
}
