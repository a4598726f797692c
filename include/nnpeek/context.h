/* nnpeek/context.h: the context that every call takes: threads, the progress callback, the last error.
 *
 * A context is used by one thread at a time; several contexts may live side by side. The library never prints
 * and never exits. It keeps no global state but one: a table of the files that are mapped at the moment, with a
 * lock, for peek_guard_mappings(); no result depends on it. */
#ifndef NNPEEK_CONTEXT_H
#define NNPEEK_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "nnpeek/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peek_context peek_context;

typedef enum peek_event_kind {
    PEEK_EVENT_PROGRESS, /* done of total steps of a stage; also called, rate-limited, just to ask whether to
                            stop */
    PEEK_EVENT_NOTE      /* a decision the user should know of ("normalising with ..."), once, in `text` */
} peek_event_kind;

/* One event. Strings are borrowed for the time of the call. */
typedef struct peek_event {
    peek_event_kind kind;
    const char *stage; /* "train", "capture", "fit", ... */
    const char *text;  /* what is being done, for a person */
    int64_t done;      /* progress: steps done */
    int64_t total;     /* progress: steps in all; 0 when unknown */
    double seconds;    /* seconds since the stage began */
} peek_event;

/* Called on the thread that called the library, at least a few times a second during long work.
 * A nonzero return stops the call cleanly: it returns PEEK_E_STOPPED and leaves no half-written file. */
typedef int (*peek_event_fn)(const peek_event *event, void *user);

typedef struct peek_context_options {
    size_t size;         /* sizeof(peek_context_options) */
    int64_t threads;     /* default 0: the cores this process may use */
    peek_event_fn event; /* default NULL: nobody listens */
    void *user;          /* passed to event */
    int64_t memory; /* bytes that a call may take where it can do with less (a fit then reads its data in every
                       pass instead of keeping them); default 0: three quarters of what is free */
} peek_context_options;

/* Defaults as in the comments. */
PEEK_API void peek_context_options_default(peek_context_options *options);

/* Creates a context. options may be NULL for the defaults; the caller frees *out with peek_context_free().
 * Errors: E_ARGUMENT (threads < 0 or > 1024, memory < 0), E_MEMORY. */
PEEK_API peek_status peek_context_create(peek_context **out, const peek_context_options *options);

/* Frees a context and clears the pointer; NULL is fine. Free what was made with it first. */
PEEK_API void peek_context_free(peek_context **context);

/* The sentence of the last failed call: what, where, what to do. "" when none failed. Valid until the next
 * call. */
PEEK_API const char *peek_error(const peek_context *context);

/* Guards the process against mapped files that shrink or cannot be read any more, which otherwise end it by
 * SIGBUS: a handler of that signal, for the whole process and for good, lets the call at work go on over zeros
 * and end with E_IO and a sentence that names the file; no file is written from these zeros. While such a file
 * is open, calls with its context fail. Signals about other addresses go to the handler that was there before.
 * The command line does this; other programs may, once, after they have installed a handler of their own.
 * Errors: E_UNSUPPORTED (the system refuses the handler). */
PEEK_API peek_status peek_guard_mappings(void);

/* How many threads the context works with. */
PEEK_API int peek_threads(const peek_context *context);

#ifdef __cplusplus
}
#endif
#endif
