/* base/amounts.c: amounts in the words of a person. */
#include "base/amounts.h"

#include <stdio.h>

const char *peek__bytes_text(double bytes, char out[PEEK__AMOUNT])
{
    if (bytes < 1e6)
        snprintf(out, PEEK__AMOUNT, "%.0f kB", bytes / 1e3);
    else if (bytes < 1e9)
        snprintf(out, PEEK__AMOUNT, "%.0f MB", bytes / 1e6);
    else
        snprintf(out, PEEK__AMOUNT, "%.1f GB", bytes / 1e9);
    return out;
}

const char *peek__time_text(double seconds, char out[PEEK__AMOUNT])
{
    if (seconds < 1)
        snprintf(out, PEEK__AMOUNT, "under a second");
    else if (seconds < 1.5)
        snprintf(out, PEEK__AMOUNT, "about a second");
    else if (seconds < 100)
        snprintf(out, PEEK__AMOUNT, "about %.0f seconds", seconds);
    else if (seconds < 5400)
        snprintf(out, PEEK__AMOUNT, "about %.0f minutes", seconds / 60);
    else
        snprintf(out, PEEK__AMOUNT, "about %.1f hours", seconds / 3600);
    return out;
}
