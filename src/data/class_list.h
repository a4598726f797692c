/* data/class_list.h: lists of classes as people write them: "0-4,7", "cat,dog". */
#ifndef DATA_CLASS_LIST_H
#define DATA_CLASS_LIST_H

#include "data/content.h"

/* Reads a list of class numbers, ranges of them and class names (a name wins over a number). *out holds *count
 * labels in the order of the text; the caller frees it. Errors: E_ARGUMENT naming the class that does not
 * exist, or stands there twice. */
peek_status peek__class_list_read(peek_context *context, const char *text, const peek__classes *classes,
                                  int32_t **out, int64_t *count);

#endif
