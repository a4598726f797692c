/* Arrays on disk: what is written is read back, and no broken file gets through. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/npy.h"
#include "store/npy_header.h"
#include "store/storage.h"
#include "context.h"

/* Begins a file of 3 rows of 2 floats. */
static void place_rows(peek_context *context, const char *path, int resumed, peek_status wanted)
{
    const int64_t row = 2;
    const float values[] = {1, 2, 3, 4, 5, 6};
    peek__npy_writer writer;
    assert_int_equal(peek__npy_place(context, &writer, path, PEEK__FLOAT32, 2, 3, &row, resumed), wanted);
    if (wanted == PEEK_OK && !resumed) assert_int_equal(peek__npy_put(context, &writer, 0, values, 3), PEEK_OK);
    if (wanted == PEEK_OK) peek__npy_abort(&writer);
}

typedef struct place {
    peek_context *context;
    char folder[FOLDER], path[128];
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    make_folder(p->folder);
    if (peek_context_create(&p->context, NULL) != PEEK_OK) return -1;
    snprintf(p->path, sizeof p->path, "%s/a.npy", p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", p->folder);
    int failed = system(command);
    peek_context_free(&p->context);
    free(p);
    return failed;
}

static void put(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void refuse(place *p, peek_status wanted, const char *word)
{
    peek__npy npy;
    peek_status status = peek__npy_open(p->context, p->path, &npy);
    if (status != wanted || !strstr(peek_error(p->context), word) || !strstr(peek_error(p->context), p->path))
        fail_msg("wanted %d with '%s', got %d: %s", wanted, word, status, peek_error(p->context));
    assert_null(npy.mapping);
}

static void put_header(place *p, const char *text, size_t values)
{
    char bytes[1024] = {0};
    size_t length = strlen(text);
    memcpy(bytes, "\x93NUMPY\x01\0", 8);
    bytes[8] = (char)length;
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, text, length);
    put(p->path, bytes, 10 + length + values);
}

static void test_round_trip(void **state)
{
    place *p = *state;
    float values[24], *loaded;
    for (int i = 0; i < 24; i++) values[i] = (float)i / 7;
    int64_t shape[3] = {2, 3, 4}, got[3];
    assert_int_equal(peek__npy_write(p->context, p->path, PEEK__FLOAT32, 3, shape, values), PEEK_OK);
    assert_int_equal(peek__npy_load(p->context, p->path, 3, got, &loaded), PEEK_OK);
    assert_memory_equal(shape, got, sizeof shape);
    assert_memory_equal(values, loaded, sizeof values);
    peek__free(&loaded);
    assert_int_equal(peek__npy_load(p->context, p->path, 2, got, &loaded), PEEK_E_SHAPE);
}

static void test_append(void **state)
{
    place *p = *state;
    int64_t row[2] = {2, 3}, integers[9];
    peek__npy_writer writer;
    assert_int_equal(peek__npy_begin(p->context, &writer, p->path, PEEK__INT16, 3, row), PEEK_OK);
    for (int16_t i = 0; i < 1200; i++) {
        int16_t values[6] = {i, -1, 2, 3, 4, (int16_t)-i};
        assert_int_equal(peek__npy_append(p->context, &writer, values, 1), PEEK_OK);
    }
    assert_int_equal(access(p->path, F_OK), -1); /* not there before it is whole */
    assert_int_equal(peek__npy_commit(p->context, &writer), PEEK_OK);
    peek__npy npy;
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_int_equal(npy.rows, 1200);
    assert_int_equal(npy.columns, 6);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 1199 * 6, 6, integers), PEEK_OK);
    assert_int_equal(integers[0], 1199);
    assert_int_equal(integers[5], -1199);
    peek__npy_close(&npy);
}

static void test_put_in_any_order(void **state)
{
    place *p = *state;
    int64_t row[1] = {3}, integers[15];
    int32_t values[15];
    peek__npy_writer writer;
    for (int32_t i = 0; i < 15; i++) values[i] = i * i;
    assert_int_equal(peek__npy_begin(p->context, &writer, p->path, PEEK__INT32, 2, row), PEEK_OK);
    assert_int_equal(peek__npy_put(p->context, &writer, 3, values + 9, 2), PEEK_OK);
    assert_int_equal(peek__npy_put(p->context, &writer, 0, values, 2), PEEK_OK);
    assert_int_equal(peek__npy_put(p->context, &writer, 2, values + 6, 1), PEEK_OK);
    assert_int_equal(peek__npy_put(p->context, &writer, INT64_MAX / 8, values, 1), PEEK_E_ARGUMENT);
    assert_int_equal(peek__npy_commit(p->context, &writer), PEEK_OK);
    peek__npy npy;
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_int_equal(npy.rows, 5);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 0, 15, integers), PEEK_OK);
    for (int64_t i = 0; i < 15; i++) assert_int_equal(integers[i], i * i);
    peek__npy_close(&npy);
}

static void test_abort_leaves_nothing(void **state)
{
    place *p = *state;
    peek__npy_writer writer;
    assert_int_equal(peek__npy_begin(p->context, &writer, p->path, PEEK__UINT8, 1, NULL), PEEK_OK);
    peek__npy_abort(&writer);
    peek__npy_abort(&writer);
    assert_int_equal(rmdir(p->folder), 0);
    make_folder(p->folder);
}

static void test_truncated_anywhere(void **state)
{
    place *p = *state;
    float values[6] = {1, 2, 3, 4, 5, 6};
    int64_t shape[2] = {3, 2}, size;
    char *bytes;
    assert_int_equal(peek__npy_write(p->context, p->path, PEEK__FLOAT32, 2, shape, values), PEEK_OK);
    assert_int_equal(peek__file_read(p->context, p->path, 4096, &bytes, &size), PEEK_OK);
    for (int64_t length = 0; length < size; length++) {
        put(p->path, bytes, (size_t)length);
        refuse(p, PEEK_E_FORMAT, "");
    }
    put(p->path, bytes, (size_t)size - 9);
    refuse(p, PEEK_E_FORMAT, "only 1 are whole");
    bytes[0] = 'P';
    put(p->path, bytes, (size_t)size);
    refuse(p, PEEK_E_FORMAT, "not an .npy file");
    peek__free(&bytes);
}

static void test_lying_headers(void **state)
{
    place *p = *state;
    static const struct {
        const char *header, *word;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 8), }",
         "larger than any file"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         "larger than any file"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", "larger than any file"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }", "something else than sizes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), }", "cut short"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", "12 bytes more"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "single number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,4), }", "more than 8"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (4,), }", "neither True nor False"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }", "big-endian"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (4,), }", "Python objects"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", "not a real number"},
        {"{'descr': '>V2', 'fortran_order': False, 'shape': (8,), }", "big-endian"},
        {"{'descr': '<V4', 'fortran_order': False, 'shape': (4,), }", "not a real number"},
        {"{'descr': '|V2', 'fortran_order': False, 'shape': (7,), }", "2 bytes more"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", "records"},
        {"{'descr': '<f4', 'shape': (4,), }", "is missing"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", "twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'extra': 1}", "unknown"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } x", "follows"},
        {"{'descr': '<f4", "does not end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_header(p, cases[i].header, 16);
        refuse(p, PEEK_E_FORMAT, cases[i].word);
    }
    put_header(p, "{\"shape\":(4L),\"fortran_order\":True,'descr':'<f4'}",
               16); /* odd, but whole; 1-d order is void */
    peek__npy npy;
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_int_equal((uintptr_t)npy.data % 4, 0); /* moved from an odd place */
    assert_int_equal(npy.rows, 4);
    peek__npy_close(&npy);
}

static void test_foreign(void **state)
{
    place *p = *state;
    refuse(p, PEEK_E_NOT_FOUND, "no file");
    snprintf(p->path, sizeof p->path, "%s", p->folder);
    refuse(p, PEEK_E_FORMAT, "folder");
}

static void test_integers_refuse_fractions(void **state)
{
    place *p = *state;
    double values[4] = {1, 2, NAN, 2.5};
    uint64_t large[1] = {UINT64_MAX};
    int64_t shape[1] = {4}, one[1] = {1}, out[4];
    peek__npy npy;
    assert_int_equal(peek__npy_write(p->context, p->path, PEEK__FLOAT64, 1, shape, values), PEEK_OK);
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 0, 2, out), PEEK_OK);
    assert_int_equal(out[1], 2);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 2, 1, out), PEEK_E_VALUE);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 3, 1, out), PEEK_E_VALUE);
    assert_non_null(strstr(peek_error(p->context), "place 3"));
    peek__npy_close(&npy);
    assert_int_equal(peek__npy_write(p->context, p->path, PEEK__UINT64, 1, one, large), PEEK_OK);
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_int_equal(peek__npy_integers(p->context, &npy, p->path, 0, 1, out), PEEK_E_VALUE);
    peek__npy_close(&npy);
}

/* Numbers through a file in every form that a capture has. */
static void test_stored_numbers(void **state)
{
    place *p = *state;
    static const struct {
        peek__storage storage;
        const char *entry;
        float in[6], out[6];
    } cases[] = {
        {{PEEK__FLOAT32, 1}, "{\"type\": \"float32\"}", {0, -1, 0.1f, 1e30f, 5, 6}, {0, -1, 0.1f, 1e30f, 5, 6}},
        {{PEEK__FLOAT16, 1},
         "{\"type\": \"float16\"}",
         {0, -1, 1.0f / 3, 65519, 1e-9f, 2049},
         {0, -1, 0x1.554p-2f, 65504, 0, 2048}},
        {{PEEK__BFLOAT16, 1},
         "{\"type\": \"bfloat16\"}",
         {0, -1, 1.0f / 3, 1e30f, 1e-9f, 257},
         {0, -1, 0x1.56p-2f, 0x1.94p99f, 0x1.12p-30f, 256}},
        {{PEEK__UINT8, 255},
         "{\"type\": \"uint8\", \"scale\": 255}",
         {0, 1, 1 / 255.0f, 100 / 255.0f, 254 / 255.0f, 3 / 255.0f},
         {0, 1, 1 / 255.0f, 100 / 255.0f, 254 / 255.0f, 3 / 255.0f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t shape[2] = {2, 3};
        const void *stored;
        float room[6], got[6];
        peek__npy npy;
        cJSON *entry = cJSON_Parse(cases[i].entry);
        assert_int_equal(
            peek__store_values(p->context, &cases[i].storage, "the layer", "a", cases[i].in, 6, room, &stored),
            PEEK_OK);
        assert_int_equal(peek__npy_write(p->context, p->path, cases[i].storage.type, 2, shape, stored),
                         PEEK_OK);
        assert_int_equal(peek__stored_open(p->context, p->path, entry, &npy), PEEK_OK);
        peek__npy_floats(&npy, 0, 2, got);
        peek__npy_floats(&npy, 2, 4, got + 2);
        assert_memory_equal(got, cases[i].out, sizeof got);
        peek__npy_close(&npy);
        cJSON_Delete(entry);
    }
}

/* What cannot be written, and entries that are not of their file. */
static void test_stored_numbers_refused(void **state)
{
    place *p = *state;
    static const struct {
        peek__storage storage;
        float bad;
        const char *words[3];
    } values[] = {
        {{PEEK__FLOAT16, 1}, 65520, {"the layer 'a'", "65520", "--store bfloat16"}},
        {{PEEK__FLOAT16, 1}, -1e6f, {"the layer 'a'", "-1e+06", "--store bfloat16"}},
        {{PEEK__BFLOAT16, 1}, -3.4e38f, {"the layer 'a'", "-3.4e+38", "--store float32"}},
        {{PEEK__UINT8, 255}, 0.5f, {"the layer 'a'", "0.5", "--store float32"}},
    };
    static const char *const entries[] = {"{\"type\": \"float16\"}", "{\"scale\": 0}", "{\"scale\": null}",
                                          "{\"scale\": -255}", "{\"type\": \"uint8\", \"scale\": 70000}"};
    float in[5000] = {0}, room[5000];
    const void *stored;
    peek__npy npy;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        in[4321] = values[i].bad;
        assert_int_equal(
            peek__store_values(p->context, &values[i].storage, "the layer", "a", in, 5000, room, &stored),
            PEEK_E_VALUE);
        for (int w = 0; w < 3; w++) assert_non_null(strstr(peek_error(p->context), values[i].words[w]));
    }
    uint8_t bytes[4] = {0, 1, 2, 255};
    const int64_t shape[2] = {2, 2};
    assert_int_equal(peek__npy_write(p->context, p->path, PEEK__UINT8, 2, shape, bytes), PEEK_OK);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        cJSON *entry = cJSON_Parse(entries[i]);
        assert_int_equal(peek__stored_open(p->context, p->path, entry, &npy), PEEK_E_FORMAT);
        assert_null(npy.mapping);
        cJSON_Delete(entry);
    }
    assert_int_equal(peek__stored_open(p->context, p->path, NULL, &npy), PEEK_OK);
    peek__npy_floats(&npy, 0, 4, room);
    assert_true(room[3] == 255); /* without an entry as it is */
    peek__npy_close(&npy);
}

/* Every operation that can fail does so once: an error each time, and nothing is left behind. */
static void test_every_failure(void **state)
{
    place *p = *state;
    float values[4] = {1, 2, 3, 4};
    int64_t shape[2] = {2, 2};
    int failures = 0;
    for (int nth = 1;; nth++) {
        peek__fail_nth(p->context, nth);
        peek_status status = peek__npy_write(p->context, p->path, PEEK__FLOAT32, 2, shape, values);
        peek__fail_nth(p->context, 0);
        if (status == PEEK_OK) break;
        failures++;
        assert_true(status == PEEK_E_IO || status == PEEK_E_MEMORY);
        assert_int_equal(rmdir(p->folder), 0); /* fails where a file is left */
        make_folder(p->folder);
        snprintf(p->path, sizeof p->path, "%s/a.npy", p->folder);
    }
    assert_true(failures >= 5);
}

/* Rows that an earlier writer put into a file stay; one that was cut or is gone is not gone on from. */
static void test_going_on_from_a_file(void **state)
{
    place *p = *state;
    peek__npy npy;
    place_rows(p->context, p->path, 1, PEEK_E_FORMAT); /* there is none */
    assert_int_not_equal(access(p->path, F_OK), 0);
    place_rows(p->context, p->path, 0, PEEK_OK);
    place_rows(p->context, p->path, 1, PEEK_OK);
    assert_int_equal(peek__npy_open(p->context, p->path, &npy), PEEK_OK);
    assert_true(((const float *)npy.data)[5] == 6);
    peek__npy_close(&npy);
    assert_int_equal(truncate(p->path, 140), 0);
    place_rows(p->context, p->path, 1, PEEK_E_FORMAT);
    assert_non_null(strstr(peek_error(p->context), "without --resume"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abort_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_going_on_from_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lying_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers_refuse_fractions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stored_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stored_numbers_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_failure, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
