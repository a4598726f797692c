/* store/file.h: files and folders that appear whole or not at all. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "base/json_made.h"
#include <stdio.h>
#include <sys/stat.h>

#include "base/context.h"

/* A file being written under a temporary name beside its own. That is locked while it is open, so that one
 * which a killed process left is taken over by the next that writes the same file. */
typedef struct peek__file {
    FILE *stream;
    char *path, *temporary;
    int in_place; /* 1: under its own name, in a folder that is partial itself (store/partial.h) */
} peek__file;

/* Opens a temporary file in the folder of path (which must exist and be writable). */
peek_status peek__file_begin(peek_context *context, peek__file *file, const char *path);

/* Writes bytes; a short write is an E_IO that names the file and the reason. */
peek_status peek__file_write(peek_context *context, peek__file *file, const void *bytes, size_t count);

/* Writes bytes at an offset, whatever peek__file_write() has come to; several threads may, to places that do
 * not overlap. */
peek_status peek__file_write_at(peek_context *context, peek__file *file, int64_t offset, const void *bytes,
                                size_t count);

/* Flushes to disk, gives the file its name and clears *file. On failure the temporary file is gone too. */
peek_status peek__file_commit(peek_context *context, peek__file *file);

/* Removes the temporary file; harmless after a commit and on a zeroed struct. */
void peek__file_abort(peek__file *file);

/* Writes a JSON document (indented, final newline) whole or not at all. Bytes that are no UTF-8, as names of
 * files may have, become U+FFFD. json NULL means it could not be built: E_MEMORY. */
peek_status peek__json_write(peek_context *context, const char *path, const cJSON *json);

/* Reads a JSON document; the caller frees it with cJSON_Delete(). Errors: E_NOT_FOUND, E_IO, E_FORMAT (with
 * line). */
peek_status peek__json_read(peek_context *context, const char *path, cJSON **out);

/* The same where the file is there; else *out is NULL. */
peek_status peek__json_find(peek_context *context, const char *path, cJSON **out);

/* The member of an object, or NULL; its number, or NAN. */
const cJSON *peek__json_member(const cJSON *object, const char *name);
double peek__json_value(const cJSON *object, const char *name);

/* A number of things: 0 .. 2^53; everything else is 0. item may be NULL. */
int64_t peek__json_count(const cJSON *item);

/* Reads a whole file into memory with a zero byte behind it; the caller frees *out with peek__free(). At most
 * `limit` bytes. */
peek_status peek__file_read(peek_context *context, const char *path, int64_t limit, char **out, int64_t *size);

/* Makes a folder and its parents where missing. Errors: E_IO. */
peek_status peek__folder_make(peek_context *context, const char *path);

/* Gives the folder `fresh` the name path; an older folder there then bears the name fresh (*older: 1), and is
 * kept as it was on failure. `mark` is a file that an older folder must hold (or it must be empty), so that
 * nothing foreign is ever removed. */
peek_status peek__folder_rename(peek_context *context, const char *path, const char *fresh, const char *mark,
                                int *older);

/* Says early what peek__folder_rename would refuse: path must be free, an empty folder, or one that holds
 * `mark`. */
peek_status peek__folder_check(peek_context *context, const char *path, const char *mark);

/* Removes a folder and all that is in it, or a file; what is not there is fine. */
void peek__folder_remove(const char *path);

/* The path behind symbolic links where it exists, else itself, without '/' at the end; the caller frees it. */
peek_status peek__folder_resolve(peek_context *context, char **out, const char *path);

/* Bytes that are free for this user on the disk of a folder; -1 where the system does not say. */
int64_t peek__folder_room(const char *path);

/* Removes a folder if nothing is in it. */
void peek__folder_remove_empty(const char *path);

/* 1 if path is known to be a folder (a regular file), else 0: for what is done only where it is one, as
 * removing what is ours. */
int peek__is_folder(const char *path);
int peek__is_file(const char *path);

/* 1 if it is known that nothing is at path, else 0: for what is removed only where nothing is lost. */
int peek__is_missing(const char *path);

/* *there: whether path is a folder (a regular file): for what is left out, or made anew, where it is missing.
 * Errors: E_IO where that cannot be told; taken for missing, it would go unnoticed. */
peek_status peek__find_folder(peek_context *context, const char *path, int *there);
peek_status peek__find_file(peek_context *context, const char *path, int *there);

/* What the system says of a file or folder; all zero where nothing is there. Errors: E_IO where it cannot be
 * told. */
peek_status peek__file_look(peek_context *context, const char *path, struct stat *out);

/* The part of a path after the last '/', without `suffix` where it ends so; the caller frees it. */
peek_status peek__base_name(peek_context *context, char **out, const char *path, const char *suffix);

/* A safe file name from any text: letters, digits, '-', '_' and '.' stay, others become '_'; never empty,
 * hidden or over 100 characters. Not unique by itself. */
peek_status peek__safe_name(peek_context *context, char **out, const char *text);

/* Sixteen hexadecimal digits over bytes: 64-bit FNV-1a, continued from *state (0: start). For telling inputs
 * apart, not for security. */
void peek__digest(uint64_t *state, const void *bytes, size_t count);
void peek__digest_text(uint64_t state, char text[17]);

/* The digest of a file's bytes as text. Errors: as peek__file_read(). */
peek_status peek__file_digest(peek_context *context, const char *path, char text[17]);

#endif
