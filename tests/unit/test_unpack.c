/* Archives and checksums, against tar, sha256sum and md5sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "data/checksum.h"
#include "data/tar.h"
#include "store/file.h"
#include "context.h"

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

typedef struct place {
    peek_context *context;
    char root[FOLDER];
} place;

static void shell(const place *p, const char *command)
{
    char text[1024];
    snprintf(text, sizeof text, "cd %s && %s", p->root, command);
    assert_int_equal(system(text), 0);
}

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    make_folder(p->root);
    assert_int_equal(peek_context_create(&p->context, NULL), PEEK_OK);
    shell(p, "mkdir in out elsewhere && seq 100000 > in/a.bin && seq 3 > in/b.bin && : > in/empty && "
             "seq 5 > elsewhere/c.bin && mkdir in/deeper && seq 7 > in/deeper/d.bin && ln -s a.bin in/link");
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    shell(p, "rm -rf $PWD");
    peek_context_free(&p->context);
    free(p);
    return 0;
}

static peek_status unpack(const place *p, const char *archive, int64_t *files)
{
    char path[128], into[128];
    snprintf(path, sizeof path, "%s/%s", p->root, archive);
    snprintf(into, sizeof into, "%s/out", p->root);
    return peek__tar_unpack(p->context, path, "in", into, files);
}

static void test_regular_files_of_the_folder(void **state)
{
    place *p = *state;
    peek_context *context = p->context;
    static const char *const commands[] = {"tar cf x.tar --format=ustar in elsewhere",
                                           "tar czf x.tar --format=gnu in elsewhere"};
    for (int i = 0; i < 2; i++) {
        int64_t files;
        shell(p, commands[i]);
        OK(unpack(p, "x.tar", &files));
        assert_int_equal(files, 3);
        shell(p,
              "test \"$(ls -A out | tr '\\n' ' ')\" = 'a.bin b.bin empty ' && for f in a.bin b.bin empty; do "
              "cmp out/$f in/$f || exit 1; done && rm out/*");
    }
}

static void test_names_that_lead_elsewhere(void **state)
{
    place *p = *state;
    peek_context *context = p->context;
    static const char *const commands[] = {"tar cf x.tar -P --transform 's,in/b,in/../b,' in/b.bin",
                                           "tar cf x.tar -P --transform 's,in/b,/b,' in/b.bin",
                                           "tar cf x.tar -P --transform 's,in/b,../in/b,' in/b.bin",
                                           "tar cf x.tar --transform 's,in/b.bin,in/.b,' in/b.bin",
                                           "tar cf x.tar --transform 's,in/b.bin,inb,' in/b.bin"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int64_t files;
        shell(p, commands[i]);
        OK(unpack(p, "x.tar", &files));
        assert_int_equal(files, 0);
        shell(p, "test -z \"$(ls -A out)\" && test ! -e b.bin && test ! -e ../in");
    }
}

static void test_damaged_archives(void **state)
{
    place *p = *state;
    int64_t files;
    shell(p, "tar cf x.tar in && head -c 1000 x.tar > short.tar && tar czf x.tgz in && head -c 2000 x.tgz > "
             "short.tgz "
             "&& cp x.tar bad.tar && printf X | dd of=bad.tar bs=1 seek=3 conv=notrunc 2>/dev/null && seq 1000 "
             "> no.tar "
             "&& : > nothing.tar");
    static const char *const names[] = {"short.tar", "short.tgz", "bad.tar", "no.tar", "nothing.tar"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(unpack(p, names[i], &files), PEEK_E_FORMAT);
        assert_non_null(strstr(peek_error(p->context), names[i]));
    }
    assert_int_equal(unpack(p, "missing.tar", &files), PEEK_E_NOT_FOUND);
}

static void expect_checksum(const place *p, peek__checksum_kind kind, const char *program, const char *file,
                            int64_t unpacked)
{
    peek_context *context = p->context;
    char path[128], found[PEEK__CHECKSUM_TEXT], command[512];
    snprintf(path, sizeof path, "%s/%s", p->root, file);
    OK(peek__checksum_file(context, kind, path, unpacked, found));
    snprintf(command, sizeof command, "test \"$(%s %s | %s | cut -d' ' -f1)\" = %s",
             unpacked < 0 ? "cat" : "gunzip -c", file, program, found);
    shell(p, command);
}

static void test_checksums(void **state)
{
    place *p = *state;
    char path[128], found[PEEK__CHECKSUM_TEXT];
    shell(p, "gzip -k in/a.bin");
    expect_checksum(p, PEEK__CHECKSUM_SHA256, "sha256sum", "in/a.bin", -1);
    expect_checksum(p, PEEK__CHECKSUM_MD5, "md5sum", "in/a.bin", -1);
    expect_checksum(p, PEEK__CHECKSUM_MD5, "md5sum", "in/empty", -1);
    expect_checksum(p, PEEK__CHECKSUM_SHA256, "sha256sum", "in/a.bin.gz", -1);
    expect_checksum(p, PEEK__CHECKSUM_SHA256, "sha256sum", "in/a.bin.gz", 588895);
    snprintf(path, sizeof path, "%s/in/a.bin.gz", p->root);
    for (int64_t wrong = 588894; wrong <= 588896; wrong += 2)
        assert_int_equal(peek__checksum_file(p->context, PEEK__CHECKSUM_SHA256, path, wrong, found),
                         PEEK_E_FORMAT);
    snprintf(path, sizeof path, "%s/none", p->root);
    assert_int_equal(peek__checksum_file(p->context, PEEK__CHECKSUM_MD5, path, -1, found), PEEK_E_NOT_FOUND);
}

static void test_faults(void **state)
{
    place *p = *state;
    int64_t files, nth = 0;
    peek_status status;
    shell(p, "tar czf x.tgz in");
    do {
        peek__fail_nth(p->context, ++nth);
        status = unpack(p, "x.tgz", &files);
        assert_true(status == PEEK_OK || status == PEEK_E_MEMORY || status == PEEK_E_IO);
    } while (status != PEEK_OK);
    peek__fail_nth(p->context, 0);
    assert_true(nth > 5);
    shell(p, "test \"$(ls -A out | wc -l)\" = 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_regular_files_of_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_that_lead_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_archives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_checksums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
