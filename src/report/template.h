/* report/template.h: the page, embedded into the library, around a payload. */
#ifndef REPORT_TEMPLATE_H
#define REPORT_TEMPLATE_H

#include "store/file.h"

/* Writes the page with the payload in it as `path`, whole or not at all. payload: a JSON text in UTF-8. */
peek_status peek__page_write(peek_context *context, const char *path, const char *payload);

#endif
