/* data/tar.c: tar archives. A header of 512 bytes before every file, whose bytes are filled up to a multiple of
 * 512; two empty blocks end the archive. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
#include "data/tar.h"

#include <string.h>

#include "base/memory.h"
#include "data/byte_reader.h"
#include "store/file.h"

enum { BLOCK = 512, NAME = 100, SIZE = 124, SUM = 148, KIND = 156, PREFIX = 345, CHUNK = 1 << 16 };

typedef struct unpacking {
    peek_context *context;
    const char *path, *folder, *into;
    peek__byte_reader *reader;
    int64_t files;
} unpacking;

static peek_status broken(const unpacking *u, const char *what)
{
    return peek__fail(u->context, PEEK_E_FORMAT, "'%s' is no tar archive or a damaged one (%s): copy it again",
                      u->path, what);
}

/* An octal number of a header; -1 where it is none. */
static int64_t octal(const unsigned char *text, int size)
{
    int64_t value = 0;
    int i = 0, digits = 0;
    while (i < size && text[i] == ' ') i++;
    for (; i < size && text[i] >= '0' && text[i] <= '7'; i++, digits++) value = 8 * value + (text[i] - '0');
    return digits && (i == size || text[i] == 0 || text[i] == ' ') ? value : -1;
}

static int is_sound(const unsigned char *header)
{
    int64_t sum = 0;
    for (int i = 0; i < BLOCK; i++) sum += i >= SUM && i < SUM + 8 ? ' ' : header[i];
    return octal(header + SUM, 8) == sum;
}

/* The NAME of FOLDER/NAME, or NULL where the entry is something else. */
static const char *name_within(const unpacking *u, const unsigned char *header, char text[NAME + 1])
{
    size_t length = strlen(u->folder);
    if ((header[KIND] != '0' && header[KIND] != 0) || header[PREFIX]) return NULL;
    memcpy(text, header, NAME);
    text[NAME] = 0;
    const char *name = text + length + 1;
    if (strncmp(text, u->folder, length) != 0 || text[length] != '/') return NULL;
    return *name && *name != '.' && !strchr(name, '/') ? name : NULL;
}

static peek_status copy_bytes(unpacking *u, peek__file *file, int64_t left)
{
    unsigned char chunk[CHUNK];
    int64_t padding = (BLOCK - left % BLOCK) % BLOCK;
    while (left > 0) {
        int64_t count = left < CHUNK ? left : CHUNK;
        PEEK_TRY(peek__byte_reader_read(u->reader, chunk, count));
        if (file) PEEK_TRY(peek__file_write(u->context, file, chunk, (size_t)count));
        left -= count;
    }
    return padding ? peek__byte_reader_read(u->reader, chunk, padding) : PEEK_OK;
}

static peek_status write_file(unpacking *u, const char *name, int64_t size)
{
    char *place;
    peek__file file = {0};
    PEEK_TRY(peek__format(u->context, &place, "%s/%s", u->into, name));
    peek_status status = peek__file_begin(u->context, &file, place);
    if (status == PEEK_OK) status = copy_bytes(u, &file, size);
    if (status == PEEK_OK) status = peek__file_commit(u->context, &file);
    peek__file_abort(&file);
    peek__free(&place);
    if (status == PEEK_OK) u->files++;
    return status;
}

static peek_status unpack_all(unpacking *u)
{
    static const unsigned char empty[BLOCK];
    unsigned char header[BLOCK];
    char text[NAME + 1];
    for (;;) {
        PEEK_TRY(peek__byte_reader_read(u->reader, header, BLOCK));
        if (memcmp(header, empty, BLOCK) == 0) return PEEK_OK;
        if (!is_sound(header)) return broken(u, "a header does not sum up");
        int64_t size = octal(header + SIZE, 12);
        if (size < 0) return broken(u, "a file without a size");
        const char *name = name_within(u, header, text);
        PEEK_TRY(name ? write_file(u, name, size) : copy_bytes(u, NULL, size));
    }
}

peek_status peek__tar_unpack(peek_context *context, const char *path, const char *folder, const char *into,
                             int64_t *files)
{
    unpacking u = {context, path, folder, into, NULL, 0};
    peek_status status = peek__byte_reader_open(context, path, &u.reader);
    if (status == PEEK_OK) status = unpack_all(&u);
    peek__byte_reader_close(&u.reader);
    *files = u.files;
    return status;
}
