/* Any bytes as a tar archive: the first says whether it is packed with gzip here and whether the sums of its
 * headers are mended, so that what they say is looked at. Nothing may appear but files in the one folder. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "case.h"
#include "data/tar.h"

enum { PACKED = 1, MENDED = 2, BLOCK = 512, SUM = 148, SIZE = 124 };

static void mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; size >= BLOCK && at <= size - BLOCK;) {
        uint8_t *header = bytes + at;
        char number[13] = {0};
        unsigned sum = 0;
        for (int i = 0; i < BLOCK; i++) sum += i >= SUM && i < SUM + 8 ? ' ' : header[i];
        if (sum == 8 * ' ') return; /* an empty block: the end */
        snprintf((char *)header + SUM, 8, "%06o", sum & 0777777);
        memcpy(number, header + SIZE, 12);
        size_t length = strtoull(number, NULL, 8);
        if (length > size) return;
        at += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    }
}

static int64_t count_files(const char *folder)
{
    int64_t files = 0;
    DIR *directory = opendir(folder);
    fuzz_must(directory != NULL, "the folder is there");
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        fuzz_must(fstatat(dirfd(directory), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISREG(about.st_mode),
                  "only regular files are unpacked");
        files++;
    }
    closedir(directory);
    return files;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int64_t files = 0;
    if (size < 1) return 0;
    uint8_t *copy = malloc(size);
    fuzz_must(copy != NULL, "there is memory for a case");
    memcpy(copy, bytes + 1, size - 1);
    if (bytes[0] & MENDED) mend(copy, size - 1);
    peek_context *context = fuzz_begin(FUZZ_SECONDS);
    const char *into = fuzz_folder("outer/into");
    const char *path = (bytes[0] & PACKED ? fuzz_write_packed : fuzz_write)("x.tar", copy, size - 1);
    int whole = fuzz_check(context, peek__tar_unpack(context, path, "data", into, &files));
    int64_t there = count_files(into);
    fuzz_must(there <= files && (!whole || files == 0 || there > 0), "what is counted is there");
    fuzz_remove("outer/into");
    peek_context_free(&context);
    free(copy);
    return 0;
}
