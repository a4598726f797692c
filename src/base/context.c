/* base/context.c: a context: threads, the event callback, the last error. */
#include "base/context.h"

#include "base/available.h"
#include "base/guard.h"
#include "base/json_made.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SENTENCE = 2048, SLOTS = 4 };

/* Events are sent at most this often. */
static const double event_interval = 0.05;

struct peek_context {
    int threads;
    int64_t memory; /* 0: by what is free */
    peek_event_fn event;
    void *user;
    pthread_t owner;
    pthread_mutex_t lock;
    char error[SENTENCE];
    int stopped;
    const char *stage;
    char text[160]; /* of the stage */
    int64_t done, total;
    double stage_start, last_event;
    char *kept[SLOTS];
    int64_t fault_countdown;
    int hushed;
    peek__guard guard;
};

#define STATUS_NAME(name, number, sentence)                                                                    \
    case PEEK_##name:                                                                                          \
        return "PEEK_" #name;
#define STATUS_SENTENCE(name, number, sentence)                                                                \
    case PEEK_##name:                                                                                          \
        return sentence;

const char *peek_status_name(peek_status status)
{
    switch (status) {
        PEEK_STATUS_MAP(STATUS_NAME)
    }
    return "PEEK_E_UNKNOWN";
}

const char *peek_status_sentence(peek_status status)
{
    switch (status) {
        PEEK_STATUS_MAP(STATUS_SENTENCE)
    }
    return "an unknown status";
}

const char *peek_version(void)
{
    return NNPEEK_VERSION;
}

double peek__seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

void peek_context_options_default(peek_context_options *options)
{
    *options = (peek_context_options){.size = sizeof *options};
}

peek_status peek_context_create(peek_context **out, const peek_context_options *options)
{
    peek_context_options standard;
    peek_context_options_default(&standard);
    if (!options) options = &standard;
    if (!out || options->size != sizeof *options || options->threads < 0 || options->threads > 1024 ||
        options->memory < 0)
        return PEEK_E_ARGUMENT;
    peek_context *context = calloc(1, sizeof *context);
    if (!context) return PEEK_E_MEMORY;
    context->threads = options->threads ? (int)options->threads : usable_cores();
    context->memory = options->memory;
    context->event = options->event;
    context->user = options->user;
    context->owner = pthread_self();
    context->stage = "";
    pthread_mutex_init(&context->lock, NULL);
    *out = context;
    return PEEK_OK;
}

void peek_context_free(peek_context **context)
{
    if (!context || !*context) return;
    peek__guard_forget(*context);
    peek__json_end(); /* frees what a call that failed has left */
    for (int i = 0; i < SLOTS; i++) free((*context)->kept[i]);
    pthread_mutex_destroy(&(*context)->lock);
    free(*context);
    *context = NULL;
}

const char *peek_error(const peek_context *context)
{
    return context ? context->error : "";
}

int peek_threads(const peek_context *context)
{
    return context->threads;
}

int peek__memory_given(const peek_context *context)
{
    return context->memory > 0;
}

int64_t peek__memory_limit(const peek_context *context, double needed)
{
    static const int64_t small =
        64 << 20; /* to ask the system takes as long as a fit of a few hundred samples */
    if (context->memory) return context->memory;
    return needed <= (double)small / 4 ? small : peek__memory_available() / 4 * 3;
}

/* A sentence is one line, and does nothing to a terminal, whatever the names in it are. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
}

/* What a file holds that changed in the middle, or zeros in the place of a broken one, may look like a mistake
 * in the data: then that is said instead. */
static peek_status blame_files(peek_context *context, peek_status status)
{
    int about_data = status == PEEK_E_VALUE || status == PEEK_E_NUMERIC || status == PEEK_E_FORMAT;
    peek_status whole = status == PEEK_E_IO ? PEEK_OK
                        : about_data        ? peek__guard_check_files(context)
                                            : peek__guard_check(context);
    return whole == PEEK_OK ? status : whole;
}

peek_status peek__fail(peek_context *context, peek_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&context->lock);
    vsnprintf(context->error, sizeof context->error, format, arguments);
    clean(context->error);
    pthread_mutex_unlock(&context->lock);
    va_end(arguments);
    return blame_files(context, status);
}

peek_status peek__fail_in(peek_context *context, peek_status status, const char *format, ...)
{
    char where[SENTENCE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where, sizeof where - 2, format, arguments);
    clean(where);
    va_end(arguments);
    strcat(where, ": ");
    size_t length = strlen(where);
    pthread_mutex_lock(&context->lock);
    memmove(context->error + length, context->error, sizeof context->error - length);
    memcpy(context->error, where, length);
    context->error[sizeof context->error - 1] = 0;
    pthread_mutex_unlock(&context->lock);
    return status;
}

int peek__is_passing(peek_status status)
{
    return status == PEEK_E_STOPPED || status == PEEK_E_IO || status == PEEK_E_MEMORY ||
           status == PEEK_E_NOT_FOUND;
}

peek_status peek__fail_more(peek_context *context, peek_status status, const char *format, ...)
{
    char more[SENTENCE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(more, sizeof more, format, arguments);
    clean(more);
    va_end(arguments);
    pthread_mutex_lock(&context->lock);
    size_t length = strlen(context->error), room = sizeof context->error - length;
    snprintf(context->error + length, room, "; %s", more);
    pthread_mutex_unlock(&context->lock);
    return status;
}

static int owned(const peek_context *context)
{
    return pthread_equal(context->owner, pthread_self());
}

static void send_progress(peek_context *context)
{
    double now = peek__seconds();
    context->last_event = now;
    if (!context->event) return;
    peek_event event = {.kind = PEEK_EVENT_PROGRESS,
                        .stage = context->stage,
                        .text = context->text,
                        .done = context->done,
                        .total = context->total,
                        .seconds = now - context->stage_start};
    if (context->event(&event, context->user)) context->stopped = 1;
}

static peek_status stop_status(peek_context *context)
{
    if (!context->stopped) return PEEK_OK;
    context->stopped = 0; /* the next call starts anew */
    return peek__fail(context, PEEK_E_STOPPED, "stopped on request while doing: %s", context->text);
}

void peek__stage_text(peek_context *context, const char *text)
{
    snprintf(context->text, sizeof context->text, "%s", text);
}

void peek__stage(peek_context *context, const char *stage, const char *text, int64_t total)
{
    context->stage = stage;
    peek__stage_text(context, text);
    context->done = 0;
    context->total = total;
    context->stage_start = peek__seconds();
    send_progress(context);
}

peek_status peek__step(peek_context *context, int64_t done)
{
    if (!owned(context)) return PEEK_OK;
    context->done = done;
    if (done == context->total || peek__seconds() - context->last_event >= event_interval)
        send_progress(context);
    PEEK_TRY(peek__guard_check(context));
    return stop_status(context);
}

peek_status peek__poll(peek_context *context)
{
    return owned(context) ? peek__step(context, context->done) : PEEK_OK;
}

void peek__note(peek_context *context, const char *format, ...)
{
    if (!peek__heard(context)) return;
    char text[SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    clean(text);
    va_end(arguments);
    peek_event event = {.kind = PEEK_EVENT_NOTE, .stage = context->stage, .text = text};
    if (context->event(&event, context->user)) context->stopped = 1;
}

void peek__hush(peek_context *context, int hushed)
{
    context->hushed += hushed ? 1 : -1;
}

int peek__heard(const peek_context *context)
{
    return context->event && !context->hushed;
}

const char *peek__keep_text(peek_context *context, int slot, const char *text)
{
    free(context->kept[slot]);
    context->kept[slot] = text ? strdup(text) : NULL;
    return context->kept[slot];
}

int peek__workers(const peek_context *context, int64_t count)
{
    return context->threads < count ? context->threads : (int)(count > 0 ? count : 1);
}

peek_status peek__parallel(peek_context *context, int64_t count, peek__task task, void *argument)
{
    return peek__parallel_if(context, 0, count, task, argument);
}

peek_status peek__parallel_if(peek_context *context, int small, int64_t count, peek__task task, void *argument)
{
    int threads = small ? 1 : peek__workers(context, count);
    peek_status result = PEEK_OK;
#pragma omp parallel num_threads(threads)
    {
        int thread = omp_get_thread_num();
        omp_set_num_threads(
            1); /* of this region: what a task calls must not open a team, even where ours has one thread */
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < count; i++) {
            peek_status status;
#pragma omp atomic read
            status = result;
            if (status != PEEK_OK) continue;
            status = task(argument, i, thread);
            if (status == PEEK_OK) status = peek__poll(context);
            if (status != PEEK_OK) {
#pragma omp atomic write
                result = status;
            }
        }
    }
    return result == PEEK_OK ? peek__guard_check(context) : result;
}

struct peek__guard *peek__guard_of(peek_context *context)
{
    return &context->guard;
}

void peek__fail_nth(peek_context *context, int64_t nth)
{
    context->fault_countdown = nth;
}

int peek__fault(peek_context *context)
{
    int64_t left;
#pragma omp atomic read
    left = context->fault_countdown;
    if (!left) return 0;
    pthread_mutex_lock(&context->lock);
    left = context->fault_countdown;
    int fails = left == 1;
    if (left) {
#pragma omp atomic write
        context->fault_countdown = left - 1;
    }
    pthread_mutex_unlock(&context->lock);
    return fails;
}
