/* base/guard.c: the table of mapped files, and the handler of SIGBUS.
 *
 * The handler maps pages of zeros over what cannot be read, marks the file and returns, so that the instruction
 * that failed is tried again. mmap() is not on POSIX's list of functions that a handler may call, but on Linux
 * it is a system call and nothing else; libwayland guards the buffers of its clients in the same way
 * (wl_shm_buffer_begin_access). The table is one for the process, as the handler is: it knows no more than an
 * address. Entries are made and cleared under a lock, blocks of them are never freed, and the handler reads
 * them without a lock: of a mapping that is in use its entry does not change. */
#include "base/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

typedef struct entry {
    _Atomic(char *) address; /* NULL: free */
    size_t size;
    _Atomic(peek_context *) context; /* NULL: it was freed */
    atomic_int broken;
    int told;           /* 1: a call has failed for it */
    char *path, *whole; /* as it was given; from the root, so that it holds in every working folder */
    dev_t device;
    ino_t inode;
    off_t length;
    struct timespec changed;
} entry;

typedef struct block {
    entry entries[256];
    _Atomic(struct block *) next;
} block;

static block first_block;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;
static long page;

#define SPARES "what was made of it is not kept: leave the file alone and begin again"

static int has_changed(const entry *e)
{
    struct stat about;
    return stat(e->whole, &about) != 0 || about.st_dev != e->device || about.st_ino != e->inode ||
           about.st_size != e->length || about.st_mtim.tv_sec != e->changed.tv_sec ||
           about.st_mtim.tv_nsec != e->changed.tv_nsec;
}

/* The sentence about a file that is broken or, if that is asked for, has changed; 0: nothing is wrong with it.
 */
static int describe(const entry *e, int changes, char *out, size_t size)
{
    if (atomic_load(&e->broken))
        snprintf(
            out, size,
            "'%s' shrank or could not be read while it was used: its samples are not whole any more; " SPARES,
            e->path);
    else if (changes && has_changed(e))
        snprintf(out, size, "'%s' was changed, replaced or removed while it was used; " SPARES, e->path);
    else
        return 0;
    return 1;
}

/* A free entry, from a further block where all are taken; NULL: no memory. */
static entry *find_free(void)
{
    block *b = &first_block;
    for (;;) {
        for (size_t i = 0; i < sizeof b->entries / sizeof *b->entries; i++)
            if (!atomic_load(&b->entries[i].address)) return &b->entries[i];
        block *next = atomic_load(&b->next);
        if (!next) {
            next = calloc(1, sizeof *next);
            if (!next) return NULL;
            atomic_store(&b->next, next);
        }
        b = next;
    }
}

/* The entry of the mapping in which an address lies, or NULL. Called by the handler. */
static entry *find_around(const char *address)
{
    for (block *b = &first_block; b; b = atomic_load(&b->next))
        for (size_t i = 0; i < sizeof b->entries / sizeof *b->entries; i++) {
            entry *e = &b->entries[i];
            const char *begin = atomic_load(&e->address);
            if (begin && address >= begin &&
                address < begin + (e->size + (size_t)page - 1) / (size_t)page * (size_t)page)
                return e;
        }
    return NULL;
}

peek_status peek__guard_enter(peek_context *context, const char *path, const void *bytes, size_t size,
                              const struct stat *about)
{
    char *copy, *real = realpath(path, NULL), *whole = NULL;
    peek_status status = peek__copy_text(context, &copy, path);
    if (status == PEEK_OK) status = peek__copy_text(context, &whole, real ? real : path);
    free(real);
    pthread_mutex_lock(&lock);
    entry *e = status == PEEK_OK ? find_free() : NULL;
    if (e) {
        e->size = size;
        atomic_store(&e->context, context);
        e->told = 0;
        e->path = copy;
        e->whole = whole;
        e->device = about->st_dev;
        e->inode = about->st_ino;
        e->length = about->st_size;
        e->changed = about->st_mtim;
        atomic_store(&e->broken, 0);
        page = sysconf(_SC_PAGESIZE);
        atomic_store(&e->address, (char *)bytes);
    }
    pthread_mutex_unlock(&lock);
    if (e) return PEEK_OK;
    peek__free(&copy);
    peek__free(&whole);
    return status == PEEK_OK ? peek__fail(context, PEEK_E_MEMORY, "not enough memory to map '%s'", path)
                             : status;
}

void peek__guard_leave(const void *bytes)
{
    pthread_mutex_lock(&lock);
    entry *e = bytes ? find_around(bytes) : NULL;
    if (e) {
        peek_context *context = atomic_load(&e->context);
        /* What was made of it may not have got its name yet. */
        if (context && !e->told) describe(e, 1, peek__guard_of(context)->lost, sizeof(peek__guard){0}.lost);
        peek__free(&e->path);
        peek__free(&e->whole);
        atomic_store(&e->address, NULL);
    }
    pthread_mutex_unlock(&lock);
}

void peek__guard_forget(peek_context *context)
{
    pthread_mutex_lock(&lock);
    for (block *b = &first_block; b; b = atomic_load(&b->next))
        for (size_t i = 0; i < sizeof b->entries / sizeof *b->entries; i++)
            if (atomic_load(&b->entries[i].context) == context) atomic_store(&b->entries[i].context, NULL);
    pthread_mutex_unlock(&lock);
}

/* The sentence about a file of this context that is broken or, if that is asked for, changed; *mapped: 1 where
 * it is still mapped. */
static int find_bad(peek_context *context, int changes, int *mapped, char *out, size_t size)
{
    peek__guard *guard = peek__guard_of(context);
    *mapped = 1;
    for (block *b = &first_block; b; b = atomic_load(&b->next))
        for (size_t i = 0; i < sizeof b->entries / sizeof *b->entries; i++) {
            entry *e = &b->entries[i];
            if (!atomic_load(&e->address) || atomic_load(&e->context) != context ||
                !describe(e, changes, out, size))
                continue;
            e->told = 1;
            return 1;
        }
    *mapped = 0;
    snprintf(out, size, "%s", guard->lost);
    guard->lost[0] = 0;
    return out[0] != 0;
}

static peek_status check(peek_context *context, int changes)
{
    char sentence[sizeof(peek__guard){0}.lost];
    int mapped;
    pthread_mutex_lock(&lock);
    int bad = find_bad(context, changes, &mapped, sentence, sizeof sentence);
    if (!mapped) atomic_store(&peek__guard_of(context)->broken, 0);
    pthread_mutex_unlock(&lock);
    return bad ? peek__fail(context, PEEK_E_IO, "%s", sentence) : PEEK_OK;
}

peek_status peek__guard_check(peek_context *context)
{
    int broken = atomic_load_explicit(&peek__guard_of(context)->broken, memory_order_relaxed);
    return broken ? check(context, 0) : PEEK_OK;
}

peek_status peek__guard_check_files(peek_context *context)
{
    return check(context, 1);
}

/* A signal that is not about our files goes where it would have gone. */
static void pass_on(int number, siginfo_t *info, void *machine)
{
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, machine);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        previous.sa_handler(number);
    else {
        signal(number, SIG_DFL);
        if (info->si_code <= 0) raise(number); /* sent by a process: nothing would be tried again */
    }
}

static void on_bus_error(int number, siginfo_t *info, void *machine)
{
    int error = errno;
    char *address = info->si_addr;
    entry *e = info->si_code > 0 ? find_around(address) : NULL;
    if (e) {
        char *from = address - (uintptr_t)address % (uintptr_t)page;
        size_t rest = e->size - (size_t)(from - atomic_load(&e->address));
        if (mmap(from, rest, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) {
            atomic_store(&e->broken, 1);
            peek_context *context = atomic_load(&e->context);
            if (context) atomic_store(&peek__guard_of(context)->broken, 1);
            errno = error;
            return;
        }
    }
    errno = error;
    pass_on(number, info, machine);
}

peek_status peek_guard_mappings(void)
{
    struct sigaction standing,
        ours = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART};
    sigemptyset(&ours.sa_mask);
    pthread_mutex_lock(&lock);
    page = sysconf(_SC_PAGESIZE);
    int refused = sigaction(SIGBUS, NULL, &standing) != 0;
    if (!refused && !((standing.sa_flags & SA_SIGINFO) && standing.sa_sigaction == on_bus_error)) {
        previous = standing;
        refused = sigaction(SIGBUS, &ours, NULL) != 0;
    }
    pthread_mutex_unlock(&lock);
    return refused ? PEEK_E_UNSUPPORTED : PEEK_OK;
}
