/* cli/terminal.c: progress on a terminal, notes, and Ctrl-C. */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

enum { BAR = 24, WHOLE_LINE = 70 }; /* pieces of the bar; columns that a line with it takes */

static volatile sig_atomic_t interrupted;
static int silent, drawing, drawn;

/* A second Ctrl-C ends the program at once; but one that comes with the first (from whoever signals a process
 * and its group) is the same. */
static void on_signal(int number)
{
    static struct timespec first;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!interrupted) first = now;
    double since = (double)(now.tv_sec - first.tv_sec) + 1e-9 * (double)(now.tv_nsec - first.tv_nsec);
    if (interrupted && since > 0.3) {
        signal(number, SIG_DFL);
        raise(number);
    }
    interrupted = 1;
}

int cli_interrupted(void)
{
    return interrupted;
}

void cli_terminal_begin(int quiet)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    silent = quiet;
    drawing = !quiet && isatty(STDERR_FILENO);
}

void cli_terminal_clear(void)
{
    if (drawn) fputs("\r\033[K", stderr);
    fflush(stderr);
    drawn = 0;
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void time_text(double seconds, char *out, size_t size)
{
    long whole = (long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(out, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(out, size, "%ld:%02ld", whole / 60, whole % 60);
}

static void draw(const peek_event *event)
{
    char line[256], bar[3 * BAR + 1] = "", time[32];
    int width = columns();
    if (event->total > 0) {
        double share = (double)event->done / (double)event->total;
        int full = (int)(share * BAR + 0.5);
        for (int i = 0; i < BAR; i++) strcat(bar, i < full ? "━" : "─");
        time_text(share > 0.02 ? event->seconds / share - event->seconds : event->seconds, time, sizeof time);
        snprintf(line, sizeof line, "%-26.26s %s %3.0f %%  %s%s", event->text, bar, 100 * share, time,
                 share > 0.02 ? " left" : "");
        if (width < WHOLE_LINE) snprintf(line, sizeof line, "%3.0f %% %s", 100 * share, event->text);
    } else {
        time_text(event->seconds, time, sizeof time);
        snprintf(line, sizeof line, "%-26.26s %s", event->text, time);
    }
    /* A line that wraps could not be wiped. Short ones have no bar: a byte is a column. */
    if (width < WHOLE_LINE) line[width - 1] = 0;
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    drawn = 1;
}

int cli_event(const peek_event *event, void *user)
{
    (void)user;
    if (event->kind == PEEK_EVENT_NOTE && !silent) {
        cli_terminal_clear();
        fprintf(stderr, "%s\n", event->text);
    } else if (event->kind == PEEK_EVENT_PROGRESS && drawing) {
        draw(event);
    }
    return interrupted;
}
