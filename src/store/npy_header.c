/* store/npy_header.c: reading and writing the header of an .npy file.
 * Source: numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include "store/npy_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    peek__type type;
    size_t size;
    const char *name, *code;
} types[] = {
    {PEEK__FLOAT32, 4, "float32", "<f4"}, {PEEK__FLOAT64, 8, "float64", "<f8"},
    {PEEK__FLOAT16, 2, "float16", "<f2"}, {PEEK__BFLOAT16, 2, "bfloat16", "<V2"},
    {PEEK__UINT8, 1, "uint8", "|u1"},     {PEEK__INT8, 1, "int8", "|i1"},
    {PEEK__UINT16, 2, "uint16", "<u2"},   {PEEK__INT16, 2, "int16", "<i2"},
    {PEEK__UINT32, 4, "uint32", "<u4"},   {PEEK__INT32, 4, "int32", "<i4"},
    {PEEK__UINT64, 8, "uint64", "<u8"},   {PEEK__INT64, 8, "int64", "<i8"},
    {PEEK__BOOL, 1, "bool", "|b1"},
};
enum { TYPES = sizeof types / sizeof *types, MAGIC = 6, ALIGNMENT = 64, ROW_DIGITS = 20 };

size_t peek__type_size(peek__type type)
{
    return types[type].size;
}

const char *peek__type_name(peek__type type)
{
    return types[type].name;
}

/* The text of a header being read. */
typedef struct cursor {
    peek_context *context;
    const char *path, *at, *end;
} cursor;

static peek_status broken(const cursor *c, const char *what)
{
    return peek__fail(c->context, PEEK_E_FORMAT,
                      "'%s' has a broken .npy header (%s): save it again with numpy.save", c->path, what);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static int accept(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted) return 0;
    c->at++;
    return 1;
}

static peek_status expect(cursor *c, char wanted)
{
    char what[] = "'?' is missing";
    what[1] = wanted;
    return accept(c, wanted) ? PEEK_OK : broken(c, what);
}

static peek_status read_text(cursor *c, char *out, size_t size)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return broken(c, "a quoted text is missing");
    char quote = *c->at++;
    const char *start = c->at;
    while (c->at < c->end && *c->at != quote) c->at++;
    size_t length = (size_t)(c->at - start);
    if (c->at == c->end || length >= size) return broken(c, "a text does not end");
    memcpy(out, start, length);
    out[length] = 0;
    c->at++;
    return PEEK_OK;
}

static peek_status read_flag(cursor *c, int *out)
{
    skip_space(c);
    size_t left = (size_t)(c->end - c->at);
    if (left >= 4 && memcmp(c->at, "True", 4) == 0) {
        *out = 1;
        c->at += 4;
    } else if (left >= 5 && memcmp(c->at, "False", 5) == 0) {
        *out = 0;
        c->at += 5;
    } else
        return broken(c, "'fortran_order' is neither True nor False");
    return PEEK_OK;
}

static peek_status read_number(cursor *c, int64_t *out)
{
    skip_space(c);
    const char *start = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *c->at - '0', &value))
            return broken(c, "a size in 'shape' is too large");
    if (c->at == start) return broken(c, "'shape' holds something else than sizes");
    if (c->at < c->end && *c->at == 'L') c->at++; /* written by Python 2 */
    *out = value;
    return PEEK_OK;
}

static peek_status read_shape(cursor *c, peek__npy *out)
{
    PEEK_TRY(expect(c, '('));
    while (!accept(c, ')')) {
        if (out->dimensions == PEEK__NPY_DIMENSIONS)
            return peek__fail(c->context, PEEK_E_FORMAT, "'%s' has more than %d dimensions: reshape it",
                              c->path, PEEK__NPY_DIMENSIONS);
        PEEK_TRY(read_number(c, &out->shape[out->dimensions++]));
        if (accept(c, ',')) continue;
        PEEK_TRY(expect(c, ')'));
        break;
    }
    return PEEK_OK;
}

static peek_status read_type(cursor *c, peek__npy *out)
{
    char code[64];
    skip_space(c);
    if (c->at < c->end && *c->at == '[')
        return peek__fail(c->context, PEEK_E_FORMAT,
                          "'%s' holds records with fields: save one field as a plain array", c->path);
    PEEK_TRY(read_text(c, code, sizeof code));
    const char *body = strchr("<>|=", *code) ? code + 1 : code;
    for (int i = 0; i < TYPES; i++) {
        if (strcmp(body, types[i].code + 1) != 0) continue;
        if (*code == '>' && types[i].size > 1)
            return peek__fail(c->context, PEEK_E_FORMAT,
                              "'%s' is stored big-endian ('%s'): save it as array.astype('<%s')", c->path, code,
                              body);
        out->type = types[i].type;
        return PEEK_OK;
    }
    if (*body == 'O')
        return peek__fail(
            c->context, PEEK_E_FORMAT,
            "'%s' holds Python objects: save an array of numbers, for example array.astype('float32')",
            c->path);
    return peek__fail(c->context, PEEK_E_FORMAT,
                      "'%s' has the type '%s', which is not a real number: save array.astype('float32')",
                      c->path, code);
}

static peek_status read_entries(cursor *c, peek__npy *out)
{
    int seen = 0, fortran = 0;
    PEEK_TRY(expect(c, '{'));
    while (!accept(c, '}')) {
        char key[32];
        PEEK_TRY(read_text(c, key, sizeof key));
        PEEK_TRY(expect(c, ':'));
        int bit = strcmp(key, "descr") == 0           ? 1
                  : strcmp(key, "fortran_order") == 0 ? 2
                  : strcmp(key, "shape") == 0         ? 4
                                                      : 0;
        if (!bit || seen & bit) return broken(c, bit ? "a key stands there twice" : "a key is unknown");
        seen |= bit;
        PEEK_TRY(bit == 1 ? read_type(c, out) : bit == 2 ? read_flag(c, &fortran) : read_shape(c, out));
        if (accept(c, ',')) continue;
        PEEK_TRY(expect(c, '}'));
        break;
    }
    if (seen != 7) return broken(c, "'descr', 'fortran_order' or 'shape' is missing");
    if (out->dimensions == 0)
        return peek__fail(c->context, PEEK_E_FORMAT,
                          "'%s' holds a single number, not an array with one sample a row", c->path);
    if (fortran && out->dimensions > 1)
        return peek__fail(c->context, PEEK_E_FORMAT,
                          "'%s' is stored in Fortran order: save numpy.ascontiguousarray(array) instead",
                          c->path);
    return PEEK_OK;
}

/* Rows, columns, and whether their bytes can exist at all. */
static peek_status measure(const cursor *c, peek__npy *out)
{
    out->rows = out->shape[0];
    out->columns = 1;
    for (int i = 1; i < out->dimensions && out->columns >= 0; i++)
        out->columns = peek__product(out->columns, out->shape[i]);
    int64_t row = out->columns < 0 ? -1 : peek__product(out->columns, (int64_t)types[out->type].size);
    if (row < 0 || peek__product(row, out->rows) < 0) return broken(c, "'shape' is larger than any file");
    return PEEK_OK;
}

peek_status peek__npy_header_read(peek_context *context, const char *path, const unsigned char *bytes,
                                  size_t size, peek__npy *out, size_t *data_offset)
{
    cursor c = {.context = context, .path = path};
    if (size < MAGIC || memcmp(bytes, "\x93NUMPY", MAGIC) != 0)
        return peek__fail(context, PEEK_E_FORMAT, "'%s' is not an .npy file: save the array with numpy.save",
                          path);
    if (size < MAGIC + 4) return broken(&c, "the file ends inside it");
    int version = bytes[MAGIC];
    if (version < 1 || version > 3) return broken(&c, "its version is not 1, 2 or 3");
    size_t start = version == 1 ? MAGIC + 4 : MAGIC + 6;
    if (size < start) return broken(&c, "the file ends inside it");
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - start) return broken(&c, "the file ends inside it");
    c.at = (const char *)bytes + start;
    c.end = c.at + length;
    *data_offset = start + length;
    PEEK_TRY(read_entries(&c, out));
    skip_space(&c);
    if (c.at != c.end) return broken(&c, "something follows the dictionary");
    return measure(&c, out);
}

size_t peek__npy_header_write(char out[PEEK__NPY_HEADER], peek__type type, int dimensions, const int64_t *shape)
{
    char rows[ROW_DIGITS + 1], text[PEEK__NPY_HEADER];
    int row_digits = snprintf(rows, sizeof rows, "%lld", (long long)shape[0]);
    int used = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s,",
                        types[type].code, rows);
    for (int i = 1; i < dimensions; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " %lld%s", (long long)shape[i],
                         i + 1 < dimensions ? "," : "");
    used += snprintf(text + used, sizeof text - (size_t)used, "), }");
    size_t needed = MAGIC + 4 + (size_t)(used - row_digits + ROW_DIGITS) + 1;
    size_t total = (needed + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, length = total - MAGIC - 4;
    memset(out, ' ', total);
    memcpy(out, "\x93NUMPY\x01", MAGIC + 1);
    out[MAGIC + 1] = 0;
    out[MAGIC + 2] = (char)(length & 255);
    out[MAGIC + 3] = (char)(length >> 8);
    memcpy(out + MAGIC + 4, text, (size_t)used);
    out[total - 1] = '\n';
    return total;
}
