/* fault/interpose.c: a library to preload that makes one call of the system fail, and sees what is left at the
 * end.
 *
 * Counted are calls whose caller is nnpeek, its library, or a library that works in its name and says when it
 * fails. OpenBLAS, oneDNN and libgomp end the process by themselves where memory is short; their calls go
 * through.
 *
 *     FAULT_KINDS=alloc,read   which kinds are counted: alloc open read write sync map rename stat
 *     FAULT_NTH=N              the N-th of them fails; 0 or not given: none does
 *     FAULT_ERRNO=N            with this reason (default: ENOMEM for memory, else EIO)
 *     FAULT_MODE=once          (default) it alone fails
 *                short         a read or write does half of its work, the next one fails
 *                on            it and all after it fail, as on a disk that stays full
 *     FAULT_DO=COMMAND         instead of failing, the command is run by a shell before the N-th call
 *     FAULT_REPORT=FILE        gets at the end: "count N", "failed N", and a line for all that is left: memory,
 *                              files, folders and mappings, each with the place that asked for it
 *     FAULT_TRACE=FILE         gets a line for every counted call: its kind and a digest of the functions that
 * led there FAULT_STACKS=1           the whole way to the place, in the report */
#include <argp.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum kind { ALLOC, OPEN, READ, WRITE, SYNC, MAP, RENAME, STAT, KINDS } kind;
static const char *const kind_names[KINDS] = {"alloc", "open", "read",   "write",
                                              "sync",  "map",  "rename", "stat"};

/* --- whose calls are counted ------------------------------------------------------------------------------ */

static const char *const counted[] = {"nnpeek",     "libnnpeek.so", "libcjson.so", "libprotobuf-c.so",
                                      "libspng.so", "libjpeg.so",   "libz.so",     "liblapacke.so"};

enum { RANGES = 64, DEEPEST = 24 };

static struct range {
    uintptr_t begin, end, base;
    const char *name;
} ranges[RANGES];
static int range_count;

static int add_ranges(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    const char *path = info->dlpi_name[0] ? info->dlpi_name : "/nnpeek", *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int ours = 0;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        ours |= strncmp(name, counted[i], strlen(counted[i])) == 0;
    for (int i = 0; ours && i < info->dlpi_phnum && range_count < RANGES; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        uintptr_t begin = info->dlpi_addr + part->p_vaddr;
        ranges[range_count++] = (struct range){begin, begin + part->p_memsz, info->dlpi_addr, name};
    }
    return 0;
}

static const struct range *range_of(const void *place)
{
    for (int i = 0; i < range_count; i++)
        if ((uintptr_t)place >= ranges[i].begin && (uintptr_t)place < ranges[i].end) return &ranges[i];
    return NULL;
}

/* --- settings and counts ---------------------------------------------------------------------------------- */

static int ready, wanted[KINDS], whole_stacks;
static long nth, reason;
static enum { ONCE, SHORT, ON } mode;
static const char *command, *report_path;
static FILE *trace;
static atomic_long count, failures;
static _Thread_local int inside; /* 1: calls are the interposer's own */

/* --- what is there still ---------------------------------------------------------------------------------- */

typedef struct held {
    uintptr_t key; /* an address, or a file's number + 1; 0: free, 1 with `what` NULL: was freed */
    const char *what;
    size_t size;
    void *caller;
} held;

enum { PLACES = 1 << 18, STACK = 8 };
static held *table;
static void *(*stacks)[STACK]; /* of each place, where they are wanted */
static atomic_flag lock = ATOMIC_FLAG_INIT;

static void begin(void)
{
    while (atomic_flag_test_and_set(&lock)) continue;
}

static void end(void)
{
    atomic_flag_clear(&lock);
}

static held *slot(uintptr_t key, const char *what, int insert)
{
    size_t at = (key * 0x9e3779b97f4a7c15u) >> 46 & (PLACES - 1);
    held *first_free = NULL;
    for (size_t i = 0; i < PLACES; i++, at = (at + 1) & (PLACES - 1)) {
        held *h = &table[at];
        if (h->key == key && h->what && strcmp(h->what, what) == 0) return h;
        if (!h->what && !first_free) first_free = h;
        if (!h->key) break;
    }
    return insert ? first_free : NULL;
}

static void hold(uintptr_t key, const char *what, size_t size, void *caller)
{
    if (!ready || !key || !range_of(caller)) return;
    void *stack[DEEPEST] = {caller};
    int depth = 1;
    if (whole_stacks && !inside) {
        inside = 1;
        depth = backtrace(stack, DEEPEST);
        inside = 0;
    }
    begin();
    held *h = slot(key, what, 1);
    if (h) {
        *h = (held){key, what, size, caller};
        for (int i = 1, to = 0; whole_stacks && to < STACK; i++)
            if (i >= depth || range_of(stack[i])) stacks[h - table][to++] = i < depth ? stack[i] : NULL;
    }
    end();
}

static void let_go(uintptr_t key, const char *what)
{
    if (!ready || !key) return;
    begin();
    held *h = slot(key, what, 0);
    if (h) h->what = NULL;
    end();
}

/* --- the decision ----------------------------------------------------------------------------------------- */

static void write_trace(kind k)
{
    void *stack[DEEPEST];
    uint64_t digest = 1469598103934665603u;
    int depth = backtrace(stack, DEEPEST);
    for (int i = 0; i < depth; i++) {
        const struct range *r = range_of(stack[i]);
        if (r) digest = (digest ^ ((uintptr_t)stack[i] - r->base)) * 1099511628211u;
    }
    fprintf(trace, "%s %016llx\n", kind_names[k], (unsigned long long)digest);
}

typedef enum verdict { GO, HALF, FAIL } verdict;

/* For a debugger: the place to break at. */
__attribute__((noinline)) void fault_here(void)
{
    __asm__ volatile("");
}

static verdict decide(kind k, int halvable, const void *caller)
{
    if (!ready || inside || !wanted[k] || !range_of(caller)) return GO;
    inside = 1;
    long number = atomic_fetch_add(&count, 1) + 1;
    verdict v = GO;
    if (trace) write_trace(k);
    if (nth && number == nth) v = mode == SHORT ? HALF : FAIL;
    if (nth && number > nth && (mode == ON || (mode == SHORT && number == nth + 1))) v = FAIL;
    if (v != GO) {
        atomic_fetch_add(&failures, 1);
        fault_here();
    }
    if (v != GO && command) {
        if (system(command) != 0) _exit(99);
        v = GO;
    }
    if (v == HALF && !halvable) v = FAIL;
    if (v == FAIL) errno = reason ? (int)reason : k == ALLOC || k == MAP ? ENOMEM : EIO;
    inside = 0;
    return v;
}

#define CALLER     __builtin_return_address(0)
#define FAILS(k)   (decide((k), 0, CALLER) != GO)
#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    int was = inside;
    inside = 1;
    void *found = dlsym(RTLD_NEXT, name);
    inside = was;
    return found;
}

/* --- memory ----------------------------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t), __libc_free(void *);

static void *keep(void *memory, size_t size, void *caller)
{
    hold((uintptr_t)memory, "memory", size, caller);
    return memory;
}

void *malloc(size_t size)
{
    return FAILS(ALLOC) ? NULL : keep(__libc_malloc(size), size, CALLER);
}

void *calloc(size_t times, size_t size)
{
    return FAILS(ALLOC) ? NULL : keep(__libc_calloc(times, size), times * size, CALLER);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return FAILS(ALLOC) ? NULL : keep(__libc_memalign(alignment, size), size, CALLER);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = FAILS(ALLOC) ? NULL : keep(__libc_memalign(alignment, size), size, CALLER);
    if (memory) *out = memory;
    return memory ? 0 : ENOMEM;
}

void *realloc(void *memory, size_t size)
{
    if (FAILS(ALLOC)) return NULL;
    void *moved = __libc_realloc(memory, size);
    if (moved || !size) let_go((uintptr_t)memory, "memory");
    return keep(moved, size, CALLER);
}

void free(void *memory)
{
    let_go((uintptr_t)memory, "memory");
    __libc_free(memory);
}

char *strdup(const char *text)
{
    if (FAILS(ALLOC)) return NULL;
    size_t size = strlen(text) + 1;
    char *copy = __libc_malloc(size);
    return copy ? keep(memcpy(copy, text, size), size, CALLER) : NULL;
}

char *strndup(const char *text, size_t most)
{
    if (FAILS(ALLOC)) return NULL;
    size_t size = strnlen(text, most);
    char *copy = __libc_malloc(size + 1);
    if (!copy) return NULL;
    memcpy(copy, text, size);
    copy[size] = 0;
    return keep(copy, size + 1, CALLER);
}

int asprintf(char **out, const char *format, ...)
{
    if (FAILS(ALLOC)) return -1;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(out, format, arguments);
    va_end(arguments);
    if (length >= 0) keep(*out, (size_t)length, CALLER);
    return length;
}

char *realpath(const char *path, char *buffer)
{
    if (FAILS(ALLOC)) return NULL;
    char *found = REAL(realpath)(path, buffer);
    return buffer ? found : keep(found, 0, CALLER);
}

int setenv(const char *name, const char *value, int replace)
{
    return FAILS(ALLOC) ? -1 : REAL(setenv)(name, value, replace);
}

error_t argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *index, void *input)
{
    return FAILS(ALLOC) ? ENOMEM : REAL(argp_parse)(argp, argc, argv, flags, index, input);
}

/* --- files and folders ------------------------------------------------------------------------------------ */

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t rights = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (FAILS(OPEN)) return -1;
    int handle = REAL(open)(path, flags, rights);
    if (handle >= 0) hold((uintptr_t)handle + 1, "file", 0, CALLER);
    return handle;
}

int close(int handle)
{
    let_go((uintptr_t)handle + 1, "file");
    return REAL(close)(handle);
}

FILE *fopen(const char *path, const char *how)
{
    if (FAILS(OPEN)) return NULL;
    FILE *stream = REAL(fopen)(path, how);
    hold((uintptr_t)stream, "stream", 0, CALLER);
    return stream;
}

FILE *fdopen(int handle, const char *how)
{
    if (FAILS(OPEN)) return NULL;
    FILE *stream = REAL(fdopen)(handle, how);
    if (stream) let_go((uintptr_t)handle + 1, "file");
    hold((uintptr_t)stream, "stream", 0, CALLER);
    return stream;
}

DIR *opendir(const char *path)
{
    if (FAILS(OPEN)) return NULL;
    DIR *folder = REAL(opendir)(path);
    hold((uintptr_t)folder, "folder", 0, CALLER);
    return folder;
}

int closedir(DIR *folder)
{
    let_go((uintptr_t)folder, "folder");
    return REAL(closedir)(folder);
}

struct dirent *readdir(DIR *folder)
{
    return FAILS(READ) ? NULL : REAL(readdir)(folder);
}

int mkdir(const char *path, mode_t rights)
{
    return FAILS(OPEN) ? -1 : REAL(mkdir)(path, rights);
}

int stat(const char *path, struct stat *about)
{
    return FAILS(STAT) ? -1 : REAL(stat)(path, about);
}

int lstat(const char *path, struct stat *about)
{
    return FAILS(STAT) ? -1 : REAL(lstat)(path, about);
}

int fstat(int handle, struct stat *about)
{
    return FAILS(STAT) ? -1 : REAL(fstat)(handle, about);
}

int access(const char *path, int how)
{
    return FAILS(STAT) ? -1 : REAL(access)(path, how);
}

int rename(const char *from, const char *to)
{
    return FAILS(RENAME) ? -1 : REAL(rename)(from, to);
}

int renameat2(int folder, const char *from, int other, const char *to, unsigned flags)
{
    return FAILS(RENAME) ? -1 : REAL(renameat2)(folder, from, other, to, flags);
}

int fsync(int handle)
{
    (void)handle; /* nobody waits for the disk */
    return FAILS(SYNC) ? -1 : 0;
}

int fdatasync(int handle)
{
    (void)handle;
    return FAILS(SYNC) ? -1 : 0;
}

void *mmap(void *address, size_t size, int protection, int flags, int handle, off_t offset)
{
    if (FAILS(MAP)) return MAP_FAILED;
    void *memory = REAL(mmap)(address, size, protection, flags, handle, offset);
    if (memory != MAP_FAILED) hold((uintptr_t)memory, "mapping", size, CALLER);
    return memory;
}

int munmap(void *address, size_t size)
{
    let_go((uintptr_t)address, "mapping");
    return REAL(munmap)(address, size);
}

int madvise(void *address, size_t size, int advice)
{
    return FAILS(MAP) ? -1 : REAL(madvise)(address, size, advice);
}

/* --- reading and writing ---------------------------------------------------------------------------------- */

/* As the C library marks a stream that failed: _IO_ERR_SEEN. */
static void mark(FILE *stream)
{
    stream->_flags |= 0x20;
}

size_t fread(void *out, size_t size, size_t times, FILE *stream)
{
    verdict v = decide(READ, 1, CALLER);
    int error = errno;
    size_t done = v == FAIL ? 0 : REAL(fread)(out, 1, v == HALF ? size * times / 2 : size * times, stream);
    if (v != GO) {
        mark(stream);
        errno = v == FAIL ? error : EIO;
    }
    return v == GO && done == size * times ? times : size ? done / size : 0;
}

char *fgets(char *out, int size, FILE *stream)
{
    if (FAILS(READ)) {
        mark(stream);
        return NULL;
    }
    return REAL(fgets)(out, size, stream);
}

ssize_t read(int handle, void *out, size_t size)
{
    verdict v = decide(READ, 1, CALLER);
    return v == FAIL ? -1 : REAL(read)(handle, out, v == HALF ? (size + 1) / 2 : size);
}

ssize_t pread(int handle, void *out, size_t size, off_t offset)
{
    verdict v = decide(READ, 1, CALLER);
    return v == FAIL ? -1 : REAL(pread)(handle, out, v == HALF ? (size + 1) / 2 : size, offset);
}

size_t fwrite(const void *from, size_t size, size_t times, FILE *stream)
{
    verdict v = decide(WRITE, 1, CALLER);
    int error = errno;
    size_t done = v == FAIL ? 0 : REAL(fwrite)(from, 1, v == HALF ? size * times / 2 : size * times, stream);
    if (v != GO) {
        mark(stream);
        errno = v == FAIL ? error : reason ? (int)reason : EIO;
    }
    return v == GO && done == size * times ? times : size ? done / size : 0;
}

ssize_t write(int handle, const void *from, size_t size)
{
    verdict v = decide(WRITE, 1, CALLER);
    return v == FAIL ? -1 : REAL(write)(handle, from, v == HALF ? (size + 1) / 2 : size);
}

ssize_t pwrite(int handle, const void *from, size_t size, off_t offset)
{
    verdict v = decide(WRITE, 1, CALLER);
    return v == FAIL ? -1 : REAL(pwrite)(handle, from, v == HALF ? (size + 1) / 2 : size, offset);
}

/* Standard error is where failures are said: what goes there is not made to fail. */
int fputs(const char *text, FILE *stream)
{
    if (stream != stderr && FAILS(WRITE)) {
        mark(stream);
        return EOF;
    }
    return REAL(fputs)(text, stream);
}

int puts(const char *text)
{
    if (FAILS(WRITE)) {
        mark(stdout);
        return EOF;
    }
    return REAL(puts)(text);
}

int vprintf(const char *format, va_list arguments)
{
    if (FAILS(WRITE)) {
        mark(stdout);
        return -1;
    }
    return vfprintf(stdout, format, arguments);
}

int fflush(FILE *stream)
{
    if (stream != stderr && FAILS(WRITE)) {
        if (stream) mark(stream);
        return EOF;
    }
    return REAL(fflush)(stream);
}

int fseek(FILE *stream, long offset, int whence)
{
    return FAILS(READ) ? -1 : REAL(fseek)(stream, offset, whence);
}

int truncate(const char *path, off_t size)
{
    return FAILS(WRITE) ? -1 : REAL(truncate)(path, size);
}

int ftruncate(int handle, off_t size)
{
    return FAILS(WRITE) ? -1 : REAL(ftruncate)(handle, size);
}

/* The stream is closed whatever is said. */
int fclose(FILE *stream)
{
    int fails = FAILS(WRITE), error = errno;
    let_go((uintptr_t)stream, "stream");
    int result = REAL(fclose)(stream);
    if (fails) errno = error;
    return fails ? EOF : result;
}

/* --- beginning and end ------------------------------------------------------------------------------------ */

static long number_of(const char *name)
{
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

__attribute__((constructor)) static void start(void)
{
    void *first[2];
    const char *kinds = getenv("FAULT_KINDS"), *how = getenv("FAULT_MODE"), *path = getenv("FAULT_TRACE");
    inside = 1;
    backtrace(first, 2); /* loads what it needs now, not in the middle of malloc() */
    dl_iterate_phdr(add_ranges, NULL);
    for (int k = 0; k < KINDS; k++) wanted[k] = kinds && strstr(kinds, kind_names[k]) != NULL;
    mode = how && strcmp(how, "short") == 0 ? SHORT : how && strcmp(how, "on") == 0 ? ON : ONCE;
    nth = number_of("FAULT_NTH");
    reason = number_of("FAULT_ERRNO");
    whole_stacks = number_of("FAULT_STACKS") != 0;
    command = getenv("FAULT_DO");
    report_path = getenv("FAULT_REPORT");
    if (path) trace = REAL(fopen)(path, "w");
    unsetenv("LD_PRELOAD"); /* what is run from here is on its own */
    table = __libc_calloc(PLACES, sizeof *table);
    stacks = whole_stacks ? __libc_calloc(PLACES, sizeof *stacks) : NULL;
    ready = table && (stacks || !whole_stacks);
    inside = 0;
}

static void tell_place(FILE *out, void *place)
{
    const struct range *r = range_of(place);
    if (r) fprintf(out, " %s+0x%llx", r->name, (unsigned long long)((uintptr_t)place - r->base));
}

__attribute__((destructor)) static void finish(void)
{
    inside = 1;
    ready = 0;
    if (trace) REAL(fclose)(trace);
    FILE *out = report_path ? REAL(fopen)(report_path, "w") : NULL;
    if (!out) return;
    fprintf(out, "count %ld\nfailed %ld\n", atomic_load(&count), atomic_load(&failures));
    for (size_t i = 0; i < PLACES; i++) {
        const held *h = &table[i];
        if (!h->what) continue;
        fprintf(out, "left %s %zu:", h->what, h->size);
        if (!whole_stacks) tell_place(out, h->caller);
        for (int s = 0; whole_stacks && s < STACK && stacks[i][s]; s++) tell_place(out, stacks[i][s]);
        fprintf(out, "\n");
    }
    REAL(fclose)(out);
}
