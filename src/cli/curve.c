/* cli/curve.c: what every epoch of a training came to, as a CSV. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const char head[] = "epoch,steps,learning rate,loss,train accuracy,test accuracy,seconds\n";

/* The lines of a file up to that of the epoch before `epoch`; nothing where it is another file. */
static size_t kept_lines(const char *text, int64_t epoch)
{
    size_t length = strlen(head);
    if (!text || strncmp(text, head, length) != 0) return 0;
    while (text[length] && atoll(text + length) < epoch) {
        const char *end = strchr(text + length, '\n');
        if (!end) break;
        length = (size_t)(end - text) + 1;
    }
    return length;
}

/* *good: 0 where what is there could not be read whole. NULL: there is nothing. */
static char *read_all(const char *path, int *good)
{
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    size_t used = 0, room = 0, got = 1;
    *good = file || errno == ENOENT;
    while (file && got) {
        if (used + 1 >= room) {
            room = room ? 2 * room : 4096;
            char *more = realloc(text, room);
            if (!more) {
                *good = 0;
                break;
            }
            text = more;
        }
        got = fread(text + used, 1, room - used - 1, file);
        used += got;
        text[used] = 0;
    }
    if (file && ferror(file)) *good = 0;
    if (file) fclose(file);
    return text;
}

static int write_all(const char *path, const char *before, size_t length, const char *line)
{
    FILE *file = fopen(path, "wbe");
    if (!file) return 0;
    int good = fwrite(before, 1, length, file) == length && fputs(line, file) >= 0;
    good &= fflush(file) == 0 && fsync(fileno(file)) == 0;
    return (fclose(file) == 0) & good;
}

peek_status cli_curve_put(cli_call *call, const char *path, const peek_train_epoch *epoch, double test_accuracy)
{
    int known = 1;
    char line[256], temporary[4096], *before = epoch->epoch > 1 ? read_all(path, &known) : NULL;
    int used = snprintf(line, sizeof line, "%lld,%lld,%.9g,%.9g,%.9g,", (long long)epoch->epoch,
                        (long long)epoch->steps, epoch->learning_rate, epoch->loss, epoch->train_accuracy);
    if (test_accuracy >= 0) used += snprintf(line + used, sizeof line - (size_t)used, "%.9g", test_accuracy);
    snprintf(line + used, sizeof line - (size_t)used, ",%.3f\n", epoch->seconds);
    snprintf(temporary, sizeof temporary, "%s.part", path);
    size_t kept = kept_lines(before, epoch->epoch);
    errno = known ? errno : EIO;
    int good = known && write_all(temporary, kept ? before : head, kept ? kept : strlen(head), line) &&
               rename(temporary, path) == 0;
    free(before);
    if (good) return PEEK_OK;
    int reason = errno;
    unlink(temporary);
    cli_wrong(call, "cannot write '%s': %s", path, strerror(reason));
    return PEEK_E_IO;
}
