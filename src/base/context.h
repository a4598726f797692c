/* base/context.h: the inside of a context: failing with a sentence, polling for a stop, progress, notes. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "nnpeek/context.h"

/* Returns from the calling function when a call fails; its sentence is already in the context. */
#define PEEK_TRY(call)                                                                                         \
    do {                                                                                                       \
        peek_status peek_try_status = (call);                                                                  \
        if (peek_try_status != PEEK_OK) return peek_try_status;                                                \
    } while (0)

/* Records the sentence of a failure and returns its status: `return peek__fail(context, PEEK_E_SHAPE, "...")`.
 * May be called from any thread of a parallel loop. A later failure replaces an earlier one. Where a
 * mapped file changed or broke (base/guard.h) that is said instead, and E_IO returned. */
peek_status peek__fail(peek_context *context, peek_status status, const char *format, ...) PEEK_PRINTF(3, 4);

/* Puts "WHERE: " before the sentence already recorded, and returns status. */
peek_status peek__fail_in(peek_context *context, peek_status status, const char *format, ...) PEEK_PRINTF(3, 4);

/* Puts "; REMEDY" behind the sentence already recorded, and returns status: what is left and how to go on. */
peek_status peek__fail_more(peek_context *context, peek_status status, const char *format, ...)
    PEEK_PRINTF(3, 4);

/* Whether the same work may come further another time: the disk, memory or a signal may be others then. What
 * was done is worth keeping only in that case, and only then is --resume a remedy. */
int peek__is_passing(peek_status status);

/* Begins a stage: the clock of its progress events starts. stage must outlive it (a literal); text is copied.
 */
void peek__stage(peek_context *context, const char *stage, const char *text, int64_t total);

/* Another text for the stage that is under way. */
void peek__stage_text(peek_context *context, const char *text);

/* Says that `done` steps of the stage are done, and asks whether to stop; rate-limited, so that it may be
 * called often. Main thread only (elsewhere it does nothing). Returns PEEK_E_STOPPED once the listener asked
 * for it, E_IO where a mapped file broke (base/guard.h). */
peek_status peek__step(peek_context *context, int64_t done);

/* Asks whether to stop, without saying anything new. */
peek_status peek__poll(peek_context *context);

/* Tells the user of a decision taken. */
void peek__note(peek_context *context, const char *format, ...) PEEK_PRINTF(2, 3);

/* hushed: 1: notes are dropped, as those of one run among many; 0: no longer. Calls may be nested. */
void peek__hush(peek_context *context, int hushed);

/* Whether notes are heard by anybody: what only they need can be left out where not. */
int peek__heard(const peek_context *context);

/* Bytes that work which can do with less memory may take: what the context was made with, else three quarters
 * of what is free now; where `needed` bytes, which are the data and the work on them, are few, that much at
 * least is free. */
int64_t peek__memory_limit(const peek_context *context, double needed);

/* Whether that was given, and is of all that the process has; else it is of what it may yet take. */
int peek__memory_given(const peek_context *context);

/* Seconds on a steady clock. */
double peek__seconds(void);

/* Borrowed text that lives until the context is freed or the next call of this function with the same slot
 * (0..3). */
const char *peek__keep_text(peek_context *context, int slot, const char *text);

/* One task of a parallel loop; thread is 0 .. threads-1, for scratch memory only: results must not depend on
 * it. */
typedef peek_status (*peek__task)(void *argument, int64_t index, int thread);

/* Runs tasks 0 .. count-1 on the context's threads, in any order, each once; polls for a stop between tasks.
 * Returns the first failure. BLAS and oneDNN called from a task run on that thread alone. */
peek_status peek__parallel(peek_context *context, int64_t count, peek__task task, void *argument);

/* The same on one thread where `small`: work of microseconds is not worth waking others for. */
peek_status peek__parallel_if(peek_context *context, int small, int64_t count, peek__task task, void *argument);

/* On how many threads peek__parallel runs that many tasks, 1 or more: how often a task's scratch memory is
 * needed. */
int peek__workers(const peek_context *context, int64_t count);

/* What base/guard.h keeps in a context. */
struct peek__guard *peek__guard_of(peek_context *context);

/* For fault tests: the n-th allocation or file operation from now fails; 0: none does. */
void peek__fail_nth(peek_context *context, int64_t nth);

/* Counts one fallible operation; nonzero when this one has to fail. */
int peek__fault(peek_context *context);

#endif
