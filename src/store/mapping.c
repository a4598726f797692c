/* store/mapping.c: files mapped for reading. */
#include "store/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guard.h"

peek_status peek__map_file(peek_context *context, const char *path, const char *what, const char **bytes,
                           size_t *size)
{
    int handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), reason = errno;
    struct stat about;
    if (handle < 0 && (reason == ENOENT || reason == ENOTDIR))
        return peek__fail(context, PEEK_E_NOT_FOUND, "there is no file '%s': check the path", path);
    if (handle >= 0) reason = peek__fault(context) ? EIO : fstat(handle, &about) != 0 ? errno : 0;
    if (reason) {
        if (handle >= 0) close(handle);
        return peek__fail(context, PEEK_E_IO, "cannot read '%s': %s", path, strerror(reason));
    }
    if (!S_ISREG(about.st_mode) || about.st_size == 0) {
        close(handle);
        return peek__fail(context, PEEK_E_FORMAT, "'%s' is %s, not %s", path,
                          S_ISDIR(about.st_mode)   ? "a folder"
                          : S_ISREG(about.st_mode) ? "empty"
                                                   : "not a regular file",
                          what);
    }
    void *mapping = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, handle, 0);
    reason = errno;
    close(handle);
    if (mapping == MAP_FAILED)
        return peek__fail(context, PEEK_E_IO, "cannot map '%s' into memory: %s", path, strerror(reason));
    peek_status status = peek__guard_enter(context, path, mapping, (size_t)about.st_size, &about);
    if (status != PEEK_OK) {
        munmap(mapping, (size_t)about.st_size);
        return status;
    }
    *bytes = mapping;
    *size = (size_t)about.st_size;
    return PEEK_OK;
}

void peek__unmap_file(const char **bytes, size_t *size)
{
    peek__guard_leave(*bytes);
    if (*bytes) munmap((void *)*bytes, *size);
    *bytes = NULL;
    *size = 0;
}

/* Where a page fault finds pages in the cache, the system maps this much around it, to both sides. Source:
 * fault_around_bytes in https://docs.kernel.org/admin-guide/mm/ and mm/memory.c, 64 kB unless changed. */
enum { AROUND = 1 << 16 };

void peek__mapping_ahead(const void *from, size_t count)
{
    uintptr_t begin = (uintptr_t)from / AROUND * AROUND, end = (uintptr_t)from + count;
    if (count) madvise((void *)begin, end - begin, MADV_WILLNEED);
}

void peek__mapping_drop(const char *mapping, size_t size, const void *from, size_t count)
{
    uintptr_t least = (uintptr_t)mapping, most = least + size;
    uintptr_t begin = (uintptr_t)from / AROUND * AROUND;
    uintptr_t end = ((uintptr_t)from + count + AROUND - 1) / AROUND * AROUND;
    if (begin < least) begin = least; /* a mapping begins at a page */
    if (end > most) end = most;
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}
