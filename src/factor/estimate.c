/* factor/estimate.c: what a sweep of models will take. */
#include "factor/estimate.h"

#include <math.h>

#include "base/amounts.h"
#include "base/memory.h"

/* The library, its tables and stacks, what others keep for each thread, and the runs of a streamed file that
 * are in memory. */
static const double base_bytes = 64e6, thread_bytes = 16e6;

/* Models share a sweep as long as together they take no more than this share of what the data takes, or so many
 * bytes: reading is shared well by a few. */
static const double group_share = 0.25, group_bytes = 16e6;

double peek__model_bytes(const peek__fit *fit, int64_t rank, int64_t part)
{
    const peek_problem *problem = fit->problem;
    return peek__pass_bytes(problem, fit->rule, rank) +
           sizeof(float) * ((double)part * (double)(problem->rows + problem->columns) +
                            (double)problem->rows * (double)problem->count);
}

/* The sketch with what making it takes, and the squared errors of the samples while a model is judged. */
static double shared_bytes(const peek__fit *fit, int64_t width)
{
    const peek_problem *problem = fit->problem;
    double rows = (double)problem->rows, columns = (double)problem->columns, l = (double)width;
    double making = width ? sizeof(float) * 6 * columns * l + sizeof(int64_t) * rows : 0;
    double judging = sizeof(double) * rows;
    double base = peek__memory_given(fit->context) ? base_bytes + thread_bytes * peek_threads(fit->context) : 0;
    return base + sizeof(float) * (rows + columns) * l + fmax(making, judging);
}

static double data_bytes(const peek_problem *problem)
{
    return problem->mapped ? (double)problem->mapped
                           : sizeof(float) * (double)problem->rows * (double)problem->columns;
}

peek_status peek__estimate_memory(const peek__fit *fit, double largest, double all, int64_t width,
                                  peek__needs *needs)
{
    const peek_problem *problem = fit->problem;
    *needs = (peek__needs){.shared = shared_bytes(fit, width), .model = largest};
    double needed = needs->shared + needs->model;
    double limit = (double)peek__memory_limit(fit->context, needed + data_bytes(problem));
    if (needed > limit) {
        char needs_text[PEEK__AMOUNT], limit_text[PEEK__AMOUNT];
        return peek__fail(fit->context, PEEK_E_MEMORY,
                          "factorising takes %s of memory beside the data, but %s may be taken: give more "
                          "--memory, fewer samples or smaller --ranks%s",
                          peek__bytes_text(needed, needs_text), peek__bytes_text(limit, limit_text),
                          width ? ", or --accuracy exact, which makes no sketch" : "");
    }
    needs->group = fmin(fmax(data_bytes(problem) * group_share, group_bytes), limit - needs->shared);
    /* How data are read is no part of what the problem is: its results stay the same. What passes in turn do
     * not use again soon is not worth keeping; the first rows are, of whatever size. */
    needs->used = fmin(all, fmax(needs->group, needs->model));
    double left = limit - needs->shared - needs->used;
    if (problem->mapped && (problem->streamed || (double)problem->mapped > left))
        peek__problem_stream((peek_problem *)(uintptr_t)problem, fmax(left, 0));
    return PEEK_OK;
}

peek_status peek__estimate_group(const peek__fit *fit, const peek__needs *needs, double bytes)
{
    char needs_text[PEEK__AMOUNT], limit_text[PEEK__AMOUNT];
    double limit = (double)peek__memory_limit(fit->context, needs->shared + bytes);
    if (needs->shared + bytes <= limit) return PEEK_OK;
    return peek__fail(fit->context, PEEK_E_MEMORY,
                      "the models of the checkpoint take %s of memory together, but %s may be taken: give more "
                      "--memory, or start anew without --resume",
                      peek__bytes_text(needs->shared + bytes, needs_text), peek__bytes_text(limit, limit_text));
}

peek_status peek__estimate_tell(peek__course *course, const peek__needs *needs, int64_t ranks)
{
    const peek__fit *fit = course->fit;
    const peek_problem *problem = fit->problem;
    char data[PEEK__AMOUNT], memory[PEEK__AMOUNT], each[PEEK__AMOUNT], all[PEEK__AMOUNT];
    double seconds, iterations = (double)fit->options->iterations;
    if (!peek__heard(fit->context)) return PEEK_OK;
    peek__stage(fit->context, "fit", "looking how long it takes", 0);
    PEEK_TRY(peek__course_look(course, &seconds));
    seconds *= (double)ranks / (double)course->model->rank; /* models that share a sweep are as many passes */
    peek__note(fit->context,
               "factorising %lld samples x %lld columns: %s of data%s and about %s of memory for the work; an "
               "iteration of %s takes %s, all %lld at most %s",
               (long long)problem->rows, (long long)problem->columns,
               peek__bytes_text(data_bytes(problem), data),
               problem->streamed ? ", read from disk in every pass," : "",
               peek__bytes_text(needs->shared + needs->used, memory),
               fit->models == 1 ? "the model" : "all models", peek__time_text(seconds, each),
               (long long)fit->options->iterations, peek__time_text(seconds * iterations, all));
    return PEEK_OK;
}
