/* data/download.c: files from the network, by libcurl.
 *
 * libcurl brings two dozen libraries with it, whose loading takes a third of the time in which nnpeek begins;
 * so it is loaded by the first download. */
#include "data/download.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { TRIES = 5, REDIRECTIONS = 5, CONNECT_SECONDS = 20 };

/* libcurl's functions, by their names without curl_easy_; all NULL where it could not be loaded, and why. */
static char load_reason[256];
static struct functions {
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_easy_cleanup) *cleanup;
} curl_easy;

/* The soname of libcurl since 2006, and Debian's of the one that uses GnuTLS. POSIX has a function pointer fit
 * into a void *. */
static void load(void)
{
    struct functions found;
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(load_reason, sizeof load_reason, "%s", reason ? reason : "it cannot be loaded");
        library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) return;
    *(void **)&found.init = dlsym(library, "curl_easy_init");
    *(void **)&found.setopt = dlsym(library, "curl_easy_setopt");
    *(void **)&found.getinfo = dlsym(library, "curl_easy_getinfo");
    *(void **)&found.perform = dlsym(library, "curl_easy_perform");
    *(void **)&found.strerror = dlsym(library, "curl_easy_strerror");
    *(void **)&found.cleanup = dlsym(library, "curl_easy_cleanup");
    if (found.init && found.setopt && found.getinfo && found.perform && found.strerror && found.cleanup)
        curl_easy = found;
    else
        snprintf(load_reason, sizeof load_reason, "it lacks functions");
}

typedef struct transfer {
    peek_context *context;
    const peek__download *what;
    CURL *curl;
    FILE *file;
    int64_t had, came; /* bytes of the file before this try; in this try */
    int again;         /* another try may go better */
    peek_status status;
    char reason[CURL_ERROR_SIZE];
} transfer;

static int fail(transfer *t, const char *what, int reason)
{
    t->status =
        peek__fail(t->context, PEEK_E_IO, "%s '%s': %s", what, t->what->path, strerror(reason ? reason : EIO));
    return 0;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *user)
{
    transfer *t = user;
    size_t all = size * count;
    if (t->had + t->came + (int64_t)all > t->what->most) {
        t->status = peek__fail(t->context, PEEK_E_IO,
                               "'%s' is larger than the file that was expected there (%lld bytes): try another "
                               "--mirror",
                               t->what->url, (long long)t->what->most);
        return 0;
    }
    if (peek__fault(t->context) || fwrite(bytes, 1, all, t->file) != all)
        return (size_t)fail(t, "cannot write", errno);
    t->came += (int64_t)all;
    return all;
}

static int tell_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    transfer *t = user;
    (void)up_total;
    (void)up_now;
    (void)total;
    peek_status status = peek__step(t->context, t->had + (int64_t)now);
    if (status != PEEK_OK) t->status = status;
    return status != PEEK_OK;
}

static void set_up(transfer *t)
{
    CURL *curl = t->curl;
    curl_easy.setopt(curl, CURLOPT_URL, t->what->url);
    curl_easy.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy.setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy.setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy.setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTIONS);
    curl_easy.setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy.setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy.setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy.setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy.setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(t->what->patience < 1 ? 1 : t->what->patience));
    curl_easy.setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->had);
    curl_easy.setopt(curl, CURLOPT_USERAGENT, "nnpeek");
    curl_easy.setopt(curl, CURLOPT_ERRORBUFFER, t->reason);
    curl_easy.setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy.setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy.setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy.setopt(curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
    curl_easy.setopt(curl, CURLOPT_XFERINFODATA, t);
}

/* What became of it, as a status. */
static peek_status judge(transfer *t, CURLcode code)
{
    long answer = 0;
    curl_easy.getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    if (t->status != PEEK_OK) return t->status;
    if (code == CURLE_OK || (answer == 416 && t->had)) return PEEK_OK; /* 416: there is nothing more */
    if (code == CURLE_OUT_OF_MEMORY)
        return peek__fail(t->context, PEEK_E_MEMORY, "not enough memory to download '%s'", t->what->url);
    t->again = code == CURLE_RANGE_ERROR || (t->came > 0 && code != CURLE_OPERATION_TIMEDOUT);
    if (code == CURLE_RANGE_ERROR && truncate(t->what->path, 0) != 0) fail(t, "cannot write", errno);
    return peek__fail(t->context, answer == 404 ? PEEK_E_NOT_FOUND : PEEK_E_IO, "cannot download '%s': %s",
                      t->what->url, t->reason[0] ? t->reason : curl_easy.strerror(code));
}

/* One try; *again: it broke off after bytes had come. */
static peek_status try_once(transfer *t, int *again)
{
    t->file = peek__fault(t->context) ? NULL : fopen(t->what->path, "abe");
    if (!t->file || fseeko(t->file, 0, SEEK_END) != 0) {
        fail(t, "cannot write", errno);
    } else {
        t->had = ftello(t->file);
        set_up(t);
        CURLcode code = curl_easy.perform(t->curl);
        t->status = judge(t, code);
    }
    if (t->file && fclose(t->file) != 0 && t->status == PEEK_OK) fail(t, "cannot write", errno);
    *again = t->again;
    return t->status;
}

peek_status peek__download_file(peek_context *context, const peek__download *download, int64_t *came)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    peek_status status = PEEK_OK;
    int again = 1;
    *came = 0;
    pthread_once(&once, load);
    if (!curl_easy.init)
        return peek__fail(context, PEEK_E_UNSUPPORTED,
                          "'%s' cannot be downloaded without libcurl (%s): install the package libcurl4, or "
                          "fetch the file by other means",
                          download->url, load_reason);
    for (int i = 0; again && i < TRIES; i++) {
        transfer t = {.context = context, .what = download, .curl = curl_easy.init()};
        if (!t.curl) return peek__fail(context, PEEK_E_MEMORY, "not enough memory for a download");
        status = try_once(&t, &again);
        curl_easy.cleanup(t.curl);
        *came += t.came;
    }
    return status;
}
