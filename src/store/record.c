/* store/record.c: the state of unfinished work in one file. */
#include "store/record.h"

#include <string.h>

#include "store/mapping.h"

/* Each value, or array of them, is filled up with zeros to a multiple of this. */
enum { UNIT = 32, WORDS = UNIT / 8 };

typedef struct head {
    char magic[8], kind[8];
    char made_from[24];
    int64_t order; /* of bytes */
    char filling[16];
} head;

static const char magic[8] = "NNPEEK1";
static const int64_t order = 0x0102030405060708;

/* Four words at a time: matrices are long. */
static void digest(uint64_t state[WORDS], const void *bytes, size_t units)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < units; i++, at += UNIT) {
        uint64_t words[WORDS];
        memcpy(words, at, UNIT);
        for (int j = 0; j < WORDS; j++) {
            uint64_t mixed = (state[j] ^ words[j]) * UINT64_C(0x9E3779B97F4A7C15);
            state[j] = mixed << 29 | mixed >> 35;
        }
    }
}

static peek_status put(peek__record *record, const void *bytes, size_t count)
{
    unsigned char rest[UNIT] = {0};
    size_t whole = count / UNIT * UNIT;
    digest(record->state, bytes, whole / UNIT);
    if (whole) PEEK_TRY(peek__file_write(record->context, &record->file, bytes, whole));
    if (count == whole) return PEEK_OK;
    memcpy(rest, (const char *)bytes + whole, count - whole);
    digest(record->state, rest, 1);
    return peek__file_write(record->context, &record->file, rest, UNIT);
}

static head head_of(const char kind[8], const char made_from[17])
{
    head h = {.order = order};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.kind, kind, sizeof h.kind);
    memcpy(h.made_from, made_from, 17);
    return h;
}

peek_status peek__record_begin(peek_context *context, peek__record *record, const char *path,
                               const char kind[8], const char made_from[17])
{
    head h = head_of(kind, made_from);
    *record = (peek__record){.context = context, .path = path, .writing = 1};
    PEEK_TRY(peek__file_begin(context, &record->file, path));
    return put(record, &h, sizeof h);
}

static peek_status damaged(const peek__record *record)
{
    return peek__fail(record->context, PEEK_E_FORMAT,
                      "the checkpoint '%s' is damaged: remove it, or start anew without --resume",
                      record->path);
}

static peek_status check(peek__record *record, const char kind[8], const char made_from[17])
{
    uint64_t state[WORDS] = {0};
    head h, wanted = head_of(kind, made_from);
    size_t size = record->mapped;
    if (size < sizeof h + UNIT || size % UNIT != 0) return damaged(record);
    memcpy(&h, record->bytes, sizeof h);
    if (memcmp(h.magic, wanted.magic, sizeof h.magic) != 0 || h.order != order ||
        memcmp(h.kind, kind, sizeof h.kind) != 0)
        return peek__fail(record->context, PEEK_E_FORMAT,
                          "'%s' is no checkpoint that this can go on from: remove it, or start anew without "
                          "--resume",
                          record->path);
    digest(state, record->bytes, size / UNIT - 1);
    if (memcmp(state, record->bytes + size - UNIT, UNIT) != 0) return damaged(record);
    if (memcmp(h.made_from, wanted.made_from, sizeof h.made_from) != 0)
        return peek__fail(record->context, PEEK_E_ARGUMENT,
                          "'%s' is the checkpoint of other work (of other data or options): give the same as "
                          "then, or start anew without --resume",
                          record->path);
    record->size = size - UNIT;
    record->at = sizeof h;
    return PEEK_OK;
}

peek_status peek__record_open(peek_context *context, peek__record *record, const char *path, const char kind[8],
                              const char made_from[17])
{
    *record = (peek__record){.context = context, .path = path};
    PEEK_TRY(peek__map_file(context, path, "a checkpoint", &record->bytes, &record->mapped));
    peek_status status = check(record, kind, made_from);
    if (status != PEEK_OK) peek__record_close(record);
    return status;
}

peek_status peek__record_move(peek__record *record, void *values, int64_t count, size_t size)
{
    size_t bytes = (size_t)count * size, filled = (bytes + UNIT - 1) / UNIT * UNIT;
    if (record->writing) return put(record, values, bytes);
    if (count < 0 || filled > record->size - record->at) return damaged(record);
    if (bytes) memcpy(values, record->bytes + record->at, bytes);
    record->at += filled;
    return PEEK_OK;
}

peek_status peek__record_commit(peek__record *record)
{
    uint64_t state[WORDS];
    memcpy(state, record->state, sizeof state);
    PEEK_TRY(put(record, state, sizeof state));
    return peek__file_commit(record->context, &record->file);
}

void peek__record_close(peek__record *record)
{
    peek__file_abort(&record->file);
    peek__unmap_file(&record->bytes, &record->mapped);
}
