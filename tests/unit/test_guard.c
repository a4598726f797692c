/* Files that shrink, change or go while they are mapped: no signal ends the process, a sentence names the file,
 * and nothing that was made of it gets a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/memory.h"
#include "nnpeek/nnpeek.h"
#include "store/npy.h"
#include "context.h"

enum { ROWS = 600, COLUMNS = 64 };

typedef struct place {
    peek_context *context;
    char folder[FOLDER], data[128], other[128];
    void (*harm)(struct place *); /* done once, by the listener, when a fit begins */
    int harmed;
} place;

static int listen(const peek_event *event, void *user)
{
    place *p = user;
    if (p->harm && !p->harmed && strcmp(event->stage, "fit") == 0) {
        p->harmed = 1;
        p->harm(p);
    }
    return 0;
}

static void write_rows(const char *path)
{
    static float x[ROWS * COLUMNS];
    peek_context *context;
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)((i * 7919LL) % 1009) / 1009;
    assert_int_equal(peek_context_create(&context, NULL), PEEK_OK);
    assert_int_equal(peek__npy_write(context, path, PEEK__FLOAT32, 2, (const int64_t[]){ROWS, COLUMNS}, x),
                     PEEK_OK);
    peek_context_free(&context);
}

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    peek_context_options options;
    peek_context_options_default(&options);
    options.event = listen;
    options.user = p;
    make_folder(p->folder);
    if (peek_context_create(&p->context, &options) != PEEK_OK) return -1;
    snprintf(p->data, sizeof p->data, "%s/x.npy", p->folder);
    snprintf(p->other, sizeof p->other, "%s/y.npy", p->folder);
    write_rows(p->data);
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

static int entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count - 2;
}

static void expect_sentence(place *p, peek_status status, const char *word)
{
    const char *sentence = peek_error(p->context);
    if (status != PEEK_E_IO || !strstr(sentence, word) || !strstr(sentence, p->data) ||
        !strstr(sentence, "begin again"))
        fail_msg("got %d: %s", status, sentence);
}

static void shrink(place *p)
{
    assert_int_equal(truncate(p->data, 5000), 0);
}

static void shrink_within_a_page(place *p)
{
    struct stat about;
    assert_int_equal(stat(p->data, &about), 0);
    assert_int_equal(truncate(p->data, about.st_size - 4), 0);
}

static void overwrite(place *p)
{
    struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 2000000000}};
    FILE *file = fopen(p->data, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
    assert_int_equal(fputs("other", file) >= 0, 1);
    fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, p->data, later, 0), 0); /* clocks of file systems are coarse */
}

static void replace(place *p)
{
    write_rows(p->other);
    assert_int_equal(rename(p->other, p->data), 0);
}

static void remove_it(place *p)
{
    assert_int_equal(unlink(p->data), 0);
}

static peek_status save(peek_model *model, void *user)
{
    place *p = user;
    char folder[128];
    snprintf(folder, sizeof folder, "%s/out", p->folder);
    peek_status status = peek_model_save(p->context, model, folder);
    peek_model_free(&model);
    return status;
}

static peek_status fit(place *p, const char *path)
{
    peek_problem *problem;
    peek_fit_options options;
    int64_t rank = 5;
    peek_fit_options_default(&options);
    options.iterations = 40;
    options.tolerance = 0;
    options.accuracy = PEEK_ACCURACY_EXACT;
    assert_int_equal(peek_problem_create(p->context, &problem), PEEK_OK);
    peek_status status = peek_problem_add_file(p->context, problem, path, PEEK_SIGNED_REFUSE);
    if (status == PEEK_OK) status = peek_sweep(p->context, problem, &options, 1, &rank, save, p);
    peek_problem_free(&problem);
    return status;
}

/* However the file is harmed in the middle of a fit, no model appears, and the context is as good as new once
 * the file is closed. */
static void test_fits(void **state)
{
    static const struct {
        void (*harm)(place *);
        const char *word;
    } cases[] = {{shrink, "shrank"},
                 {shrink_within_a_page, "changed"},
                 {overwrite, "changed"},
                 {replace, "replaced"},
                 {remove_it, "removed"}};
    place *p = *state;
    assert_int_equal(peek_guard_mappings(), PEEK_OK);
    char out[128];
    snprintf(out, sizeof out, "%s/out", p->folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_rows(p->data);
        p->harm = cases[i].harm;
        p->harmed = 0;
        peek_status status = fit(p, p->data);
        assert_int_equal(p->harmed, 1);
        expect_sentence(p, status, cases[i].word);
        assert_int_equal(entries(p->folder), access(p->data, F_OK) == 0);
    }
    p->harm = NULL;
    write_rows(p->data);
    assert_int_equal(fit(p, p->data), PEEK_OK);
    assert_int_equal(entries(p->folder), 2);
}

static peek_status touch(void *argument, int64_t index, int thread)
{
    const peek__npy *npy = argument;
    float sum = 0;
    (void)thread;
    for (int64_t i = 0; i < COLUMNS; i++) sum += ((const float *)npy->data)[index * COLUMNS + i];
    return sum >= 0 ? PEEK_OK : PEEK_E_VALUE;
}

/* A loop over rows on all threads ends with the sentence, once for each call while the file is open, and the
 * part of the file that is still there can be read. */
static void test_loops(void **state)
{
    place *p = *state;
    assert_int_equal(peek_guard_mappings(), PEEK_OK); /* cmocka has its own handler around each test */
    peek__npy npy;
    assert_int_equal(peek__npy_open(p->context, p->data, &npy), PEEK_OK);
    float first = *(const float *)npy.data, second = ((const float *)npy.data)[1];
    assert_int_equal(peek__parallel(p->context, ROWS, touch, &npy), PEEK_OK);
    shrink(p);
    expect_sentence(p, peek__parallel(p->context, ROWS, touch, &npy), "shrank");
    assert_true(((const float *)npy.data)[0] == first && ((const float *)npy.data)[1] == second);
    assert_true(((const float *)npy.data)[(ROWS - 1) * COLUMNS] == 0);
    expect_sentence(p, peek__poll(p->context), "shrank");
    peek__npy_close(&npy);
    assert_int_equal(peek__poll(p->context), PEEK_OK);
}

/* A file that was closed before anybody was told still keeps what was made of it from its name, once. */
static void test_closed_early(void **state)
{
    place *p = *state;
    assert_int_equal(peek_guard_mappings(), PEEK_OK); /* cmocka has its own handler around each test */
    peek__npy npy;
    peek__file file;
    for (int broken = 0; broken < 2; broken++) {
        write_rows(p->data);
        assert_int_equal(peek__npy_open(p->context, p->data, &npy), PEEK_OK);
        if (broken) {
            shrink(p);
            assert_true(((const float *)npy.data)[(ROWS - 1) * COLUMNS] == 0);
        } else
            overwrite(p);
        peek__npy_close(&npy);
        assert_int_equal(peek__file_begin(p->context, &file, p->other), PEEK_OK);
        assert_int_equal(peek__file_write(p->context, &file, "x", 1), PEEK_OK);
        expect_sentence(p, peek__file_commit(p->context, &file), broken ? "shrank" : "changed");
        assert_int_equal(entries(p->folder), 1);
        assert_int_equal(peek__file_begin(p->context, &file, p->other), PEEK_OK);
        assert_int_equal(peek__file_commit(p->context, &file), PEEK_OK);
        unlink(p->other);
    }
}

/* Another context does not suffer, and one that is freed too early does no harm. */
static void test_contexts(void **state)
{
    place *p = *state;
    assert_int_equal(peek_guard_mappings(), PEEK_OK);
    peek_context *other;
    peek__npy npy;
    assert_int_equal(peek_context_create(&other, NULL), PEEK_OK);
    assert_int_equal(peek__npy_open(other, p->data, &npy), PEEK_OK);
    shrink(p);
    assert_true(((const float *)npy.data)[(ROWS - 1) * COLUMNS] == 0);
    assert_int_equal(peek__poll(p->context), PEEK_OK);
    assert_int_equal(peek__poll(other), PEEK_E_IO);
    peek_context_free(&other);
    peek__npy_close(&npy);
}

/* The table grows. */
static void test_many_files(void **state)
{
    enum { MANY = 600 };
    static peek__npy files[MANY];
    place *p = *state;
    assert_int_equal(peek_guard_mappings(), PEEK_OK);
    for (int i = 0; i < MANY; i++) assert_int_equal(peek__npy_open(p->context, p->data, &files[i]), PEEK_OK);
    shrink(p);
    assert_true(((const float *)files[MANY - 1].data)[(ROWS - 1) * COLUMNS] == 0);
    expect_sentence(p, peek__poll(p->context), "shrank");
    for (int i = 0; i < MANY; i++) peek__npy_close(&files[i]);
}

static void own_handler(int number)
{
    (void)number;
    _exit(7);
}

/* A signal about memory that is not ours ends the process as ever. */
static void test_foreign_signals(void **state)
{
    place *p = *state;
    for (int sent = 0; sent < 2; sent++) {
        pid_t child = fork();
        if (child == 0) {
            signal(SIGBUS, SIG_DFL);
            if (peek_guard_mappings() != PEEK_OK) _exit(9);
            int handle = open(p->data, O_RDONLY);
            volatile char *foreign = mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE, handle, 0);
            if (sent)
                raise(SIGBUS);
            else if (truncate(p->data, 0) == 0)
                (void)foreign[8192];
            _exit(9);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    }
}

/* A program's own handler still gets what is not ours. To be called before anything else here guards. */
static void check_own_handler(void)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, own_handler);
        if (peek_guard_mappings() == PEEK_OK) raise(SIGBUS);
        _exit(9);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7) {
        fprintf(stderr, "a program's own handler of SIGBUS was not called\n");
        exit(1);
    }
}

int main(void)
{
    check_own_handler();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_contexts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_signals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
