/* data/picture_folder.c: a folder of PNG and JPEG files; a folder per class gives labels. Only the headers are
 * read here, unless broken files are to be left out; pixels are decoded when samples are read (read.c). */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/format.h"
#include "data/picture_look.h"

/* A growing list of texts it owns. */
typedef struct list {
    char **texts;
    int64_t count, room;
} list;

static void free_list(list *l)
{
    for (int64_t i = 0; i < l->count; i++) peek__free(&l->texts[i]);
    peek__free(&l->texts);
    *l = (list){0};
}

static peek_status append(peek_context *context, list *l, const char *folder, const char *name)
{
    if (l->count == l->room) {
        char **larger;
        PEEK_TRY(peek__alloc(context, &larger, 2 * l->room + 64, "names of pictures"));
        if (l->count) memcpy(larger, l->texts, (size_t)l->count * sizeof *larger);
        peek__free(&l->texts);
        l->texts = larger;
        l->room = 2 * l->room + 64;
    }
    PEEK_TRY(peek__format(context, &l->texts[l->count], "%s/%s", folder, name));
    l->count++;
    return PEEK_OK;
}

static int compare_texts(const void *a, const void *b)
{
    return peek__compare_names(*(char *const *)a, *(char *const *)b);
}

static int is_picture(const char *name)
{
    return peek__ends_with(name, ".png") || peek__ends_with(name, ".jpg") || peek__ends_with(name, ".jpeg");
}

/* Sorts one entry of a folder into pictures or subfolders; what is hidden or of another kind is passed over. */
static peek_status take_entry(peek_context *context, const char *folder, const char *name, list *pictures,
                              list *folders)
{
    char *path;
    int inside = 0;
    if (name[0] == '.') return PEEK_OK;
    if (is_picture(name)) return append(context, pictures, folder, name);
    PEEK_TRY(peek__format(context, &path, "%s/%s", folder, name));
    peek_status status = peek__find_folder(context, path, &inside);
    peek__free(&path);
    return inside ? append(context, folders, folder, name) : status;
}

static peek_status scan(peek_context *context, const char *path, list *pictures, list *folders)
{
    DIR *folder = opendir(path);
    if (!folder)
        return peek__fail(context, PEEK_E_IO, "cannot read the folder '%s': %s", path, strerror(errno));
    int64_t first = pictures->count;
    peek_status status = PEEK_OK;
    for (struct dirent *entry; status == PEEK_OK && (errno = 0, entry = readdir(folder));)
        status = take_entry(context, path, entry->d_name, pictures, folders);
    if (status == PEEK_OK && errno)
        status = peek__fail(context, PEEK_E_IO, "cannot read the folder '%s': %s", path, strerror(errno));
    closedir(folder);
    if (status != PEEK_OK) return status;
    if (pictures->count > first)
        qsort(pictures->texts + first, (size_t)(pictures->count - first), sizeof *pictures->texts,
              compare_texts);
    if (folders->count) qsort(folders->texts, (size_t)folders->count, sizeof *folders->texts, compare_texts);
    return peek__poll(context);
}

static peek_status name_classes(peek_context *context, const list *folders, peek__classes *classes)
{
    const char **names;
    PEEK_TRY(peek__alloc(context, &names, folders->count, "the names of classes"));
    for (int64_t i = 0; i < folders->count; i++) names[i] = strrchr(folders->texts[i], '/') + 1;
    peek_status status = peek__classes_copy(context, classes, names, folders->count);
    peek__free(&names);
    return status;
}

/* The pictures of every class; ends[c] is the place behind the last one of class c. */
static peek_status scan_classes(peek_context *context, const char *path, const list *folders, list *pictures,
                                int64_t *ends)
{
    list deeper = {0};
    peek_status status = PEEK_OK;
    for (int64_t c = 0; status == PEEK_OK && c < folders->count; c++) {
        status = scan(context, folders->texts[c], pictures, &deeper);
        ends[c] = pictures->count;
    }
    if (status == PEEK_OK && pictures->count == 0 && deeper.count)
        status =
            peek__fail(context, PEEK_E_FORMAT,
                       "'%s' holds no pictures, only folders in folders: give one of them, for example '%s'",
                       path, folders->texts[0]);
    free_list(&deeper);
    return status;
}

/* Lists the pictures and, where there are class folders, their labels. */
static peek_status find_pictures(peek_context *context, const char *path, list *pictures, list *folders,
                                 peek__content *content)
{
    int64_t *ends;
    PEEK_TRY(scan(context, path, pictures, folders));
    if (pictures->count && folders->count)
        return peek__fail(
            context, PEEK_E_FORMAT,
            "'%s' holds pictures and folders ('%s'): move the pictures into a folder per class, or elsewhere",
            path, folders->texts[0]);
    if (pictures->count) return PEEK_OK;
    PEEK_TRY(peek__alloc(context, &ends, folders->count, "classes"));
    peek_status status = scan_classes(context, path, folders, pictures, ends);
    if (status == PEEK_OK && pictures->count == 0)
        status = peek__fail(context, PEEK_E_FORMAT,
                            "the folder '%s' holds no PNG or JPEG files: put pictures into it", path);
    if (status == PEEK_OK) status = name_classes(context, folders, &content->classes);
    if (status == PEEK_OK) status = peek__alloc(context, &content->labels, pictures->count, "labels");
    for (int64_t c = 0, t = 0; status == PEEK_OK && c < folders->count; c++)
        while (t < ends[c]) content->labels[t++] = (int32_t)c;
    peek__free(&ends);
    return status;
}

/* Colour and 16 bits where any picture has them; one size, or several. */
static void take_shapes(const peek__pictures *p, peek__content *content)
{
    content->pictures = 1;
    content->height = p->shape[0].height;
    content->width = p->shape[0].width;
    for (int64_t t = 0; t < p->count; t++) {
        const peek__picture *mine = &p->shape[t];
        content->mixed |= mine->height != p->shape[0].height || mine->width != p->shape[0].width;
        content->deep |= mine->deep;
        if (mine->channels > content->channels) content->channels = mine->channels;
    }
    if (content->mixed) content->height = content->width = 0;
}

static peek_status look(peek_context *context, const char *path, peek__pictures *p, peek__content *content)
{
    PEEK_TRY(peek__alloc(context, &p->shape, p->count, "the shapes of pictures"));
    PEEK_TRY(peek__alloc(context, &p->broken, p->count, "the shapes of pictures"));
    PEEK_TRY(peek__pictures_look(context, p));
    PEEK_TRY(content->skip_broken ? peek__pictures_skip(context, p, path, content)
                                  : peek__pictures_refuse(context, p, path));
    take_shapes(p, content);
    return PEEK_OK;
}

/* Takes the list's texts. */
static peek_status take_pictures(peek_context *context, const char *path, list *pictures,
                                 peek__content *content)
{
    peek__pictures p = {.count = pictures->count,
                        .path = pictures->texts,
                        .lead = strlen(path) + 1,
                        .decode = content->skip_broken};
    peek_status status = look(context, path, &p, content);
    peek__free(&p.shape);
    peek__free(&p.broken);
    pictures->count = p.count;
    if (status != PEEK_OK) return status;
    content->count = pictures->count;
    content->files = pictures->texts;
    *pictures = (list){0};
    return PEEK_OK;
}

static peek_status read(peek_context *context, const char *path, peek__content *content)
{
    list pictures = {0}, folders = {0};
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    char *trimmed;
    PEEK_TRY(peek__format(context, &trimmed, "%.*s", (int)length, path));
    peek_status status = find_pictures(context, trimmed, &pictures, &folders, content);
    if (status == PEEK_OK) status = take_pictures(context, trimmed, &pictures, content);
    peek__free(&trimmed);
    free_list(&pictures);
    free_list(&folders);
    return status;
}

static peek__likeness recognise(const peek__candidate *candidate)
{
    return candidate->folder ? PEEK__NAMED_LIKE : PEEK__FOREIGN;
}

const peek__data_format peek__picture_format = {"pictures", recognise, read};
