/* data/get.c: the named data sets that can be downloaded, checked to the last bit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/checksum.h"
#include "data/download.h"
#include "data/format.h"
#include "data/tar.h"
#include "store/partial.h"

enum { MIRRORS = 3, FILES = 7 };

static const peek_option option_rows[] = {
    PEEK_TEXT(peek_get_options, data_dir, "data-dir", NULL, "DIR",
              "where it goes (default: nnpeek in the user's cache folder)"),
    PEEK_TEXT(peek_get_options, mirror, "mirror", NULL, "URL",
              "where its files lie, instead of the public mirrors"),
    PEEK_REAL(peek_get_options, patience, "patience", 30, 1, 86400, "SECONDS",
              "without a byte after which a server is given up"),
};
PEEK_TABLE(table, "get", peek_get_options, option_rows);

const peek_option_table *peek_get_option_table(void)
{
    return &table;
}

void peek_get_options_default(peek_get_options *options)
{
    peek_options_default(&table, options);
}

/* A file of a mirror. The checksum is over what is in it where `unpacked` says how much that is: the same
 * pictures have been packed more than once. */
typedef struct remote_file {
    const char *name;
    int64_t most; /* bytes that it may have */
    peek__checksum_kind kind;
    int64_t unpacked; /* -1: the checksum is over the file itself */
    const char *checksum;
} remote_file;

/* Files that go into a folder as they are, or (members) one archive that holds the folder. */
typedef struct remote_set {
    const char *name, *folder;
    const char *mirrors[MIRRORS];
    remote_file files[FILES];
    const char *members[FILES];
    int64_t member_size;
} remote_set;

static const remote_set sets[] = {
    {.name = "mnist",
     .folder = "mnist",
     .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist",
                 "https://storage.googleapis.com/cvdf-datasets/mnist"},
     .files = {{"t10k-images-idx3-ubyte.gz", 4 << 20, PEEK__CHECKSUM_SHA256, 7840016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
               {"t10k-labels-idx1-ubyte.gz", 1 << 20, PEEK__CHECKSUM_SHA256, 10008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
               {"train-images-idx3-ubyte.gz", 24 << 20, PEEK__CHECKSUM_SHA256, 47040016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
               {"train-labels-idx1-ubyte.gz", 1 << 20, PEEK__CHECKSUM_SHA256, 60008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"}}},
    {.name = "cifar10",
     .folder = "cifar-10-batches-bin",
     .mirrors = {"https://www.cs.toronto.edu/~kriz"},
     .files = {{"cifar-10-binary.tar.gz", 200 << 20, PEEK__CHECKSUM_MD5, -1,
                "c32a1d4ab5d03f1284b67883e8d87530"}},
     .members = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                 "data_batch_5.bin", "test_batch.bin"},
     .member_size = 30730000},
};
enum { SETS = sizeof sets / sizeof *sets };

/* A download under way. */
typedef struct getting {
    peek_context *context;
    const peek_get_options *options;
    const remote_set *set;
    char *root, *folder; /* where data lie; where this set goes */
    peek_get_result *result;
} getting;

static peek_status find_set(peek_context *context, const char *name, const remote_set **out)
{
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].name, name) == 0) {
            *out = &sets[i];
            return PEEK_OK;
        }
    return peek__fail(context, PEEK_E_NOT_FOUND, "'%s' cannot be downloaded: mnist and cifar10 can", name);
}

/* Whether a file is what it should be; *differs: it holds something else (which the sentence says). */
static peek_status check(const getting *g, const remote_file *file, const char *path, const char *from,
                         int *differs)
{
    char found[PEEK__CHECKSUM_TEXT] = "";
    peek_status status = peek__checksum_file(g->context, file->kind, path, file->unpacked, found);
    *differs = status == PEEK_E_FORMAT || (status == PEEK_OK && strcmp(found, file->checksum) != 0);
    if (!*differs) return status;
    return peek__fail(g->context, PEEK_E_FORMAT,
                      "%s is not the file it should be: its checksum is %s, expected %s; try another --mirror",
                      from, *found ? found : "not to be had, as it is damaged", file->checksum);
}

/* From one mirror into `part`, checked. What was resumed and does not check was a part of another file: it is
 * fetched anew, once. */
static peek_status fetch_from(getting *g, const remote_file *file, const char *mirror, const char *part)
{
    struct stat about;
    char *url;
    int differs = 1, resumed = stat(part, &about) == 0 && about.st_size > 0;
    size_t length = strlen(mirror);
    while (length && mirror[length - 1] == '/') length--;
    PEEK_TRY(peek__format(g->context, &url, "%.*s/%s", (int)length, mirror, file->name));
    peek_status status = PEEK_OK;
    for (int once = 0; differs && once <= resumed; once++) {
        int64_t came = 0;
        const peek__download download = {url, part, file->most, g->options->patience};
        peek__stage(g->context, "download", file->name, 0);
        status = peek__download_file(g->context, &download, &came);
        g->result->bytes += came;
        differs = 0;
        if (status == PEEK_OK) status = check(g, file, part, url, &differs);
        if (differs) unlink(part);
    }
    peek__free(&url);
    return status;
}

/* From the first mirror that has it. */
static peek_status fetch_part(getting *g, const remote_file *file, const char *part)
{
    peek_status status = PEEK_OK;
    if (g->options->mirror) return fetch_from(g, file, g->options->mirror, part);
    for (int i = 0; i < MIRRORS && g->set->mirrors[i]; i++) {
        status = fetch_from(g, file, g->set->mirrors[i], part);
        if (status == PEEK_OK || status == PEEK_E_STOPPED || status == PEEK_E_MEMORY ||
            status == PEEK_E_UNSUPPORTED)
            return status;
        if (i + 1 < MIRRORS && g->set->mirrors[i + 1])
            peek__note(g->context, "%s; trying the next mirror", peek_error(g->context));
    }
    return status;
}

/* The file at `path`, unless it is there and right. */
static peek_status fetch(getting *g, const remote_file *file, const char *path)
{
    char *part;
    int differs, there;
    PEEK_TRY(peek__find_file(g->context, path, &there));
    if (there) {
        peek_status status = check(g, file, path, path, &differs);
        return differs ? peek__fail(g->context, PEEK_E_FORMAT,
                                    "'%s' is there, but is not the file it should be: remove it and try again",
                                    path)
                       : status;
    }
    PEEK_TRY(peek__format(g->context, &part, "%s.part", path));
    peek_status status = fetch_part(g, file, part);
    if (status == PEEK_OK && rename(part, path) != 0)
        status = peek__fail(g->context, PEEK_E_IO, "cannot rename '%s': %s", part, strerror(errno));
    if (status == PEEK_OK) g->result->downloaded++;
    peek__free(&part);
    return status;
}

static peek_status get_files(getting *g)
{
    PEEK_TRY(peek__folder_make(g->context, g->folder));
    for (int i = 0; i < FILES && g->set->files[i].name; i++) {
        char *path;
        PEEK_TRY(peek__format(g->context, &path, "%s/%s", g->folder, g->set->files[i].name));
        peek_status status = fetch(g, &g->set->files[i], path);
        peek__free(&path);
        PEEK_TRY(status);
        g->result->files++;
    }
    return PEEK_OK;
}

/* Whether all members lie in a folder, in their size. */
static peek_status has_members(const getting *g, const char *folder, int *all)
{
    *all = 1;
    for (int i = 0; i < FILES && g->set->members[i]; i++) {
        struct stat about;
        char *path;
        PEEK_TRY(peek__format(g->context, &path, "%s/%s", folder, g->set->members[i]));
        peek_status status = peek__file_look(g->context, path, &about);
        *all &= about.st_mode && about.st_size == g->set->member_size;
        peek__free(&path);
        PEEK_TRY(status);
    }
    return PEEK_OK;
}

static peek_status unpack(getting *g, const char *archive)
{
    const char *mark = g->set->members[0];
    peek__partial partial;
    int all = 0;
    PEEK_TRY(peek__partial_open(g->context, g->folder, mark, &partial));
    peek__partial_clear(&partial, NULL);
    peek__stage(g->context, "download", "unpacking", 0);
    int64_t files;
    peek_status status = peek__tar_unpack(g->context, archive, g->set->folder, partial.path, &files);
    if (status == PEEK_OK) status = has_members(g, partial.path, &all);
    if (status == PEEK_OK && !all)
        status = peek__fail(g->context, PEEK_E_FORMAT, "'%s' does not hold %s/%s and its other files", archive,
                            g->set->folder, mark);
    if (status == PEEK_OK) status = peek__partial_commit(g->context, &partial, g->folder, mark);
    peek__partial_remove(&partial);
    return status;
}

static peek_status get_archive(getting *g)
{
    char *archive;
    int all;
    PEEK_TRY(has_members(g, g->folder, &all));
    while (g->result->files < FILES && g->set->members[g->result->files]) g->result->files++;
    if (all) return PEEK_OK;
    PEEK_TRY(peek__folder_make(g->context, g->root));
    PEEK_TRY(peek__folder_check(g->context, g->folder, g->set->members[0]));
    PEEK_TRY(peek__format(g->context, &archive, "%s/%s", g->root, g->set->files[0].name));
    peek_status status = fetch(g, &g->set->files[0], archive);
    if (status == PEEK_OK) status = unpack(g, archive);
    if (status == PEEK_OK && g->result->downloaded) unlink(archive); /* one that was there before stays */
    peek__free(&archive);
    return status;
}

peek_status peek_dataset_get(peek_context *context, const char *name, const peek_get_options *options,
                             peek_get_result *result)
{
    getting g = {.context = context, .options = options, .result = result};
    *result = (peek_get_result){0};
    if (!name) return peek__fail(context, PEEK_E_ARGUMENT, "downloading needs the name of a data set");
    PEEK_TRY(peek_options_check(context, &table, options));
    PEEK_TRY(find_set(context, name, &g.set));
    peek_status status = peek__named_home(context, options->data_dir, &g.root);
    if (status == PEEK_OK) status = peek__format(context, &g.folder, "%s/%s", g.root, g.set->folder);
    if (status == PEEK_OK) status = g.set->members[0] ? get_archive(&g) : get_files(&g);
    if (status == PEEK_OK) result->folder = peek__keep_text(context, 2, g.folder);
    peek__free(&g.root);
    peek__free(&g.folder);
    return status;
}
