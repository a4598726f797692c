/* Files and folders appear whole or not at all, and nothing foreign is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/file.h"
#include "store/partial.h"
#include "context.h"

typedef struct place {
    peek_context *context;
    char folder[FOLDER], path[192];
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    make_folder(p->folder);
    if (peek_context_create(&p->context, NULL) != PEEK_OK) return -1;
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

static const char *in(place *p, const char *name)
{
    snprintf(p->path, sizeof p->path, "%s/%s", p->folder, name);
    return p->path;
}

static void put(place *p, const char *name, const char *text)
{
    FILE *file = fopen(in(p, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count - 2;
}

static void expect_text(place *p, const char *name, const char *wanted)
{
    char *text;
    int64_t size;
    assert_int_equal(peek__file_read(p->context, in(p, name), 100, &text, &size), PEEK_OK);
    assert_string_equal(text, wanted);
    assert_int_equal(size, strlen(wanted));
    peek__free(&text);
}

static void test_commit_and_abort(void **state)
{
    place *p = *state;
    peek__file file;
    put(p, "a", "old");
    assert_int_equal(peek__file_begin(p->context, &file, in(p, "a")), PEEK_OK);
    assert_int_equal(peek__file_write(p->context, &file, "new", 3), PEEK_OK);
    expect_text(p, "a", "old");
    assert_int_equal(peek__file_commit(p->context, &file), PEEK_OK);
    expect_text(p, "a", "new");
    assert_int_equal(peek__file_begin(p->context, &file, in(p, "a")), PEEK_OK);
    assert_int_equal(peek__file_write(p->context, &file, "bad", 3), PEEK_OK);
    peek__file_abort(&file);
    peek__file_abort(&file);
    expect_text(p, "a", "new");
    assert_int_equal(entries(p->folder), 1);
}

static void test_unwritable(void **state)
{
    place *p = *state;
    peek__file file;
    assert_int_equal(peek__file_begin(p->context, &file, in(p, "none/a")), PEEK_E_IO);
    assert_non_null(strstr(peek_error(p->context), "make it first"));
    assert_int_equal(peek__file_begin(p->context, &file, p->folder), PEEK_E_IO);
    assert_non_null(strstr(peek_error(p->context), "it is a folder"));
    put(p, "plain", "x");
    assert_int_equal(peek__folder_make(p->context, in(p, "plain/sub")), PEEK_E_IO);
    assert_int_equal(peek__file_begin(p->context, &file, "/dev/full/x"), PEEK_E_IO);
    assert_int_equal(peek__file_begin(p->context, &file, ""), PEEK_E_ARGUMENT);
}

/* The reason is that of making the folder, not of looking whether it is there. */
static void test_forbidden_folder(void **state)
{
    place *p = *state;
    uid_t user = geteuid();
    assert_int_equal(chmod(p->folder, 0555), 0);
    if (user == 0) assert_int_equal(seteuid(65534), 0);
    peek_status status = peek__folder_make(p->context, in(p, "new/deep"));
    if (user == 0) assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(p->folder, 0755), 0);
    assert_int_equal(status, PEEK_E_IO);
    assert_non_null(strstr(peek_error(p->context), "Permission denied"));
}

static void test_read(void **state)
{
    place *p = *state;
    char *text;
    int64_t size;
    assert_int_equal(peek__file_read(p->context, in(p, "a"), 10, &text, &size), PEEK_E_NOT_FOUND);
    put(p, "a", "0123456789");
    assert_int_equal(peek__file_read(p->context, in(p, "a"), 9, &text, &size), PEEK_E_FORMAT);
    assert_int_equal(peek__file_read(p->context, p->folder, 10, &text, &size), PEEK_E_FORMAT);
    assert_null(text);
}

static void test_json(void **state)
{
    place *p = *state;
    cJSON *json = cJSON_CreateObject(), *back;
    cJSON_AddNumberToObject(json, "a third", 1.0 / 3);
    assert_int_equal(peek__json_write(p->context, in(p, "a.json"), json), PEEK_OK);
    cJSON_Delete(json);
    assert_int_equal(peek__json_read(p->context, in(p, "a.json"), &back), PEEK_OK);
    assert_true(cJSON_GetObjectItem(back, "a third")->valuedouble == 1.0 / 3);
    cJSON_Delete(back);
    put(p, "b.json", "{\n  \"a\": 1,\n  oops\n}\n");
    assert_int_equal(peek__json_read(p->context, in(p, "b.json"), &back), PEEK_E_FORMAT);
    assert_non_null(strstr(peek_error(p->context), "line 3"));
    put(p, "b.json", "{} {}");
    assert_int_equal(peek__json_read(p->context, in(p, "b.json"), &back), PEEK_E_FORMAT);
    assert_int_equal(peek__json_read(p->context, in(p, "none.json"), &back), PEEK_E_NOT_FOUND);
    assert_int_equal(peek__json_write(p->context, in(p, "c.json"), NULL), PEEK_E_MEMORY);
    assert_false(peek__is_file(in(p, "c.json")));
}

static void write_inside(place *p, const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    (void)p;
}

static void test_folders(void **state)
{
    place *p = *state;
    char path[256];
    peek__partial made;
    snprintf(path, sizeof path, "%s/deep/er/run/", p->folder);
    assert_int_equal(peek__partial_open(p->context, path, "mark", &made), PEEK_OK);
    write_inside(p, made.path, "mark");
    write_inside(p, made.path, "first");
    assert_false(peek__is_folder(path));
    assert_int_equal(peek__partial_commit(p->context, &made, path, "mark"), PEEK_OK);
    assert_null(made.path);
    assert_true(peek__is_file(in(p, "deep/er/run/first")));

    /* An older folder with the mark is replaced whole. */
    assert_int_equal(peek__folder_check(p->context, path, "mark"), PEEK_OK);
    assert_int_equal(peek__partial_open(p->context, path, "mark", &made), PEEK_OK);
    write_inside(p, made.path, "second");
    assert_int_equal(peek__partial_commit(p->context, &made, path, "mark"), PEEK_OK);
    assert_false(peek__is_file(in(p, "deep/er/run/first")));
    assert_true(peek__is_file(in(p, "deep/er/run/second")));

    /* One without it is not touched, and nothing is left beside it. */
    assert_int_equal(peek__folder_check(p->context, path, "mark"), PEEK_E_IO);
    assert_int_equal(peek__partial_open(p->context, path, "mark", &made), PEEK_E_IO);
    assert_null(made.path);
    assert_true(peek__is_file(in(p, "deep/er/run/second")));
    assert_int_equal(entries(in(p, "deep/er")), 1);

    /* An empty one is replaced; a file in the way is refused; an abort leaves nothing. */
    assert_int_equal(mkdir(in(p, "empty"), 0777), 0);
    assert_int_equal(peek__partial_open(p->context, in(p, "empty"), "mark", &made), PEEK_OK);
    write_inside(p, made.path, "third");
    assert_int_equal(peek__partial_commit(p->context, &made, in(p, "empty"), "mark"), PEEK_OK);
    assert_true(peek__is_file(in(p, "empty/third")));
    put(p, "plain", "x");
    assert_int_equal(peek__partial_open(p->context, in(p, "plain"), "mark", &made), PEEK_E_IO);
    assert_int_equal(peek__partial_open(p->context, in(p, "gone"), "mark", &made), PEEK_OK);
    write_inside(p, made.path, "fourth");
    peek__partial_remove(&made);
    peek__partial_remove(&made);
    assert_int_equal(entries(p->folder), 3);
}

/* Whatever a process that was killed leaves under the partial name, the next one may take it over: its marker
 * is there from the first to the last. */
static void test_partial_folders_stay_known_as_ours(void **state)
{
    place *p = *state;
    peek__partial made;
    char marker[256];
    snprintf(marker, sizeof marker, "%s/run.partial/.nnpeek", p->folder);
    /* Left by an exchange of names: an older whole folder, which bears the mark alone. */
    assert_int_equal(mkdir(in(p, "run.partial"), 0777), 0);
    write_inside(p, in(p, "run.partial"), "mark");
    write_inside(p, in(p, "run.partial"), "array");
    assert_int_equal(peek__partial_open(p->context, in(p, "run"), "mark", &made), PEEK_OK);
    assert_true(peek__is_file(marker));
    peek__partial_clear(&made, "progress"); /* the mark goes */
    write_inside(p, made.path, "array");
    peek__partial_close(&made);
    assert_int_equal(peek__partial_open(p->context, in(p, "run"), "mark", &made), PEEK_OK);
    peek__partial_remove(&made);
    assert_int_equal(entries(p->folder), 0);

    /* Files of somebody else are left alone. */
    assert_int_equal(mkdir(in(p, "run.partial"), 0777), 0);
    write_inside(p, in(p, "run.partial"), "array");
    assert_int_equal(peek__partial_open(p->context, in(p, "run"), "mark", &made), PEEK_E_IO);
    assert_true(peek__is_file(in(p, "run.partial/array")));
}

/* What cannot be looked at is not taken for missing: a link to itself, a name that is longer than the system takes. */
static void test_what_cannot_be_looked_at(void **state)
{
    place *p = *state;
    char far[300] = "", loop[192];
    cJSON *json;
    int there = 1;
    memset(far, 'x', sizeof far - 1);
    assert_int_equal(symlink("loop", in(p, "loop")), 0);
    snprintf(loop, sizeof loop, "%s", p->path);
    for (int i = 0; i < 2; i++) {
        const char *path = i ? loop : far;
        assert_int_equal(peek__find_file(p->context, path, &there), PEEK_E_IO);
        assert_non_null(strstr(peek_error(p->context), "cannot look at '"));
        assert_non_null(strstr(peek_error(p->context), i ? "symbolic links" : "File name too long"));
        assert_int_equal(peek__find_folder(p->context, path, &there), PEEK_E_IO);
        assert_int_equal(peek__json_find(p->context, path, &json), PEEK_E_IO);
        assert_false(peek__is_file(path) || peek__is_folder(path) || peek__is_missing(path));
    }

    put(p, "file", "{}");
    assert_int_equal(symlink("nothing", in(p, "dangling")), 0);
    static const struct {
        const char *name;
        int file, folder;
    } cases[] = {{"file", 1, 0}, {"", 0, 1}, {"none", 0, 0}, {"file/below", 0, 0}, {"dangling", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in(p, cases[i].name);
        assert_int_equal(peek__find_file(p->context, path, &there), PEEK_OK);
        assert_int_equal(there, cases[i].file);
        assert_int_equal(peek__find_folder(p->context, path, &there), PEEK_OK);
        assert_int_equal(there, cases[i].folder);
        assert_int_equal(peek__is_missing(path), !cases[i].file && !cases[i].folder);
    }
    assert_int_equal(peek__json_find(p->context, in(p, "none"), &json), PEEK_OK);
    assert_null(json);
    assert_int_equal(peek__json_find(p->context, in(p, "file"), &json), PEEK_OK);
    assert_non_null(json);
    cJSON_Delete(json);
}

static void test_folder_behind_link(void **state)
{
    place *p = *state;
    char link_path[256];
    peek__partial made;
    assert_int_equal(mkdir(in(p, "real"), 0777), 0);
    put(p, "real/mark", "");
    snprintf(link_path, sizeof link_path, "%s/link", p->folder);
    assert_int_equal(symlink("real", link_path), 0);
    assert_int_equal(peek__partial_open(p->context, link_path, "mark", &made), PEEK_OK);
    write_inside(p, made.path, "new");
    assert_int_equal(peek__partial_commit(p->context, &made, link_path, "mark"), PEEK_OK);
    assert_true(peek__is_file(in(p, "real/new")));
    struct stat about;
    assert_int_equal(lstat(link_path, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
}

static void test_names(void **state)
{
    place *p = *state;
    static const char *const bases[][3] = {{"a/b/relu1.npy", ".npy", "relu1"},
                                           {"relu1", ".npy", "relu1"},
                                           {".npy", ".npy", ".npy"},
                                           {"a/b/", NULL, "b"}};
    static const char *const safe[][2] = {
        {"/conv1/Conv_output_0", "_conv1_Conv_output_0"}, {"", "_"}, {"..", "_."}, {"a b\xc3\xa9", "a_b__"}};
    char *text, longest[300];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(peek__base_name(p->context, &text, bases[i][0], bases[i][1]), PEEK_OK);
        assert_string_equal(text, bases[i][2]);
        peek__free(&text);
        assert_int_equal(peek__safe_name(p->context, &text, safe[i][0]), PEEK_OK);
        assert_string_equal(text, safe[i][1]);
        peek__free(&text);
    }
    memset(longest, 'x', sizeof longest);
    longest[299] = 0;
    assert_int_equal(peek__safe_name(p->context, &text, longest), PEEK_OK);
    assert_int_equal(strlen(text), 100);
    peek__free(&text);
}

/* The vector of the FNV reference code, and bytes in pieces. */
static void test_digest(void **state)
{
    (void)state;
    uint64_t whole = 0, parts = 0;
    char text[17];
    peek__digest(&whole, "foobar", 6);
    peek__digest_text(whole, text);
    assert_string_equal(text, "85944171f73967e8");
    peek__digest(&parts, "foo", 3);
    peek__digest(&parts, "bar", 3);
    assert_true(whole == parts);
}

static void test_digest_of_a_file(void **state)
{
    place *p = *state;
    char text[17];
    put(p, "a", "foobar");
    assert_int_equal(peek__file_digest(p->context, in(p, "a"), text), PEEK_OK);
    assert_string_equal(text, "85944171f73967e8");
    assert_int_equal(peek__file_digest(p->context, in(p, "missing"), text), PEEK_E_NOT_FOUND);
}

/* Names of files may hold any bytes, JSON may not. The cases are those of RFC 3629: characters of each length
 * stay; bytes alone, cut, overlong, surrogates and beyond U+10FFFF do not. */
static void test_json_is_text(void **state)
{
    place *p = *state;
    static const char *const cases[][2] = {
        {"a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z", "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z"},
        {"a\xffz", "a\xef\xbf\xbdz"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xe2\x82z", "\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[64];
        cJSON *json = cJSON_CreateString(cases[i][0]);
        assert_int_equal(peek__json_write(p->context, in(p, "a.json"), json), PEEK_OK);
        cJSON_Delete(json);
        snprintf(wanted, sizeof wanted, "\"%s\"\n", cases[i][1]);
        expect_text(p, "a.json", wanted);
    }
}

static void test_every_failure(void **state)
{
    place *p = *state;
    char path[256];
    peek__partial made;
    int failures = 0;
    snprintf(path, sizeof path, "%s/run", p->folder);
    for (int nth = 1;; nth++) {
        peek__fail_nth(p->context, nth);
        peek_status status = peek__partial_open(p->context, path, "mark", &made);
        if (status == PEEK_OK) status = peek__partial_commit(p->context, &made, path, "mark");
        peek__partial_remove(&made);
        peek__fail_nth(p->context, 0);
        if (status == PEEK_OK) break;
        failures++;
        assert_true(status == PEEK_E_IO || status == PEEK_E_MEMORY);
        assert_int_equal(entries(p->folder), 0);
    }
    assert_true(failures >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit_and_abort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwritable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forbidden_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_partial_folders_stay_known_as_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_behind_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test(test_digest),
        cmocka_unit_test_setup_teardown(test_digest_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_is_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_failure, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
