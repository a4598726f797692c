/* unit/context.h: a context and a folder for a test. */
#ifndef UNIT_CONTEXT_H
#define UNIT_CONTEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "nnpeek/nnpeek.h"

enum { FOLDER = 48 };

/* A new folder under $TMPDIR, or /tmp: its path, of FOLDER characters. The test fails where it cannot be made. */
static inline void make_folder(char *path)
{
    const char *under = getenv("TMPDIR");
    int length = snprintf(path, FOLDER, "%s/nnpeek-XXXXXX", under && *under ? under : "/tmp");
    assert_in_range(length, 1, FOLDER - 1);
    assert_non_null(mkdtemp(path));
}

/* 0 threads: one for each core. The test fails where the context cannot be made. */
static inline peek_context *make_context(int threads, peek_event_fn event, void *user)
{
    peek_context *context = NULL;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = threads;
    options.event = event;
    options.user = user;
    assert_int_equal(peek_context_create(&context, &options), PEEK_OK);
    return context;
}

#endif
