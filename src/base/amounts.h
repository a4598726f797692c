/* base/amounts.h: amounts in the words of a person. */
#ifndef BASE_AMOUNTS_H
#define BASE_AMOUNTS_H

/* Room for any of them. */
enum { PEEK__AMOUNT = 48 };

/* "640 kB", "1.2 GB" */
const char *peek__bytes_text(double bytes, char out[PEEK__AMOUNT]);

/* "under a second", "about 40 seconds", "about 1.5 hours" */
const char *peek__time_text(double seconds, char out[PEEK__AMOUNT]);

#endif
