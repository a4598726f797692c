/* A fuzz target on files, without libFuzzer: `replay [--mutations N] FILE_OR_FOLDER ...`. Each file as it is
 * and in N damaged forms, the same ones every time. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static long mutations, files;

static uint64_t next(uint64_t *state) /* xorshift64* */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* One of four: cut short, bits flipped, bytes replaced by telling ones, a piece taken out. */
static size_t damage(uint8_t *bytes, size_t size, long number, uint64_t *state)
{
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff};
    if (size < 2) return size;
    size_t at = next(state) % size, length = 1 + next(state) % 8;
    switch (number % 4) {
    case 0:
        return at;
    case 1:
        for (size_t i = 0; i < length; i += 3) bytes[next(state) % size] ^= (uint8_t)(1 << next(state) % 8);
        return size;
    case 2:
        for (size_t i = 0; i < length && at + i < size; i++)
            bytes[at + i] = telling[next(state) % sizeof telling];
        return size;
    default:
        if (length > size - at) length = size - at;
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    }
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(2 * size + 2), *damaged = bytes + size + 1;
    if (!file || !bytes || fread(bytes, 1, size, file) != size) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    uint64_t state = 88172645463325252u + size;
    for (long i = -1; i < mutations; i++) {
        memcpy(damaged, bytes, size);
        LLVMFuzzerTestOneInput(damaged, i < 0 ? size : damage(damaged, size, i, &state));
    }
    free(bytes);
    files++;
}

static void replay(const char *path)
{
    struct stat what;
    if (stat(path, &what) != 0) {
        fprintf(stderr, "%s is not there\n", path);
        exit(1);
    }
    if (!S_ISDIR(what.st_mode)) {
        replay_file(path, (size_t)what.st_size);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') replay(inside);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--mutations") == 0) {
        mutations = atol(argv[2]);
        first = 3;
    }
    for (int i = first; i < argc; i++) replay(argv[i]);
    if (files == 0) {
        fprintf(stderr, "there are no files to replay\n");
        return 1;
    }
    printf("%ld files, each as it is and damaged in %ld ways\n", files, mutations);
    return 0;
}
