/* network/onnx_unpack.c: a file's messages in memory, if they fit there.
 *
 * protobuf-c copies what it unpacks, from the mapped file: whose pages the kernel drops where memory is short.
 * What it takes is counted and ends where the memory that the machine has does, which may be long after the
 * size of the file: two bytes are enough for an empty node. */
#include "base/available.h"
#include "base/guard.h"
#include "network/onnx_read.h"
#include "store/mapping.h"

#include <stdlib.h>

/* Protocol buffers cannot be larger. */
static const size_t most_bytes = INT32_MAX;

/* Levels of messages; a graph within a node takes three. */
static const int most_nested = 100;

/* What an allocation takes beside its bytes. */
enum { OVERHEAD = 16 };

typedef struct account {
    size_t left;
    int short_of; /* 1: something was refused */
} account;

static void *take(void *data, size_t size)
{
    account *memory = data;
    void *taken = size <= memory->left && memory->left - size >= OVERHEAD ? malloc(size + !size) : NULL;
    if (taken)
        memory->left -= size + OVERHEAD;
    else
        memory->short_of = 1;
    return taken;
}

static void give(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

static peek_status unpack(peek_context *context, const char *path, const char *bytes, size_t size,
                          Onnx__ModelProto **out)
{
    if (size > most_bytes)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' has %llu bytes, more than the %llu that an ONNX file may have", path,
                          (unsigned long long)size, (unsigned long long)most_bytes);
    int64_t available = peek__memory_available();
    account memory = {.left = (size_t)available};
    memory.short_of = size > memory.left;
    if (!memory.short_of &&
        peek__onnx_too_deep(&onnx__model_proto__descriptor, (const uint8_t *)bytes, size, most_nested))
        return peek__fail(context, PEEK_E_UNSUPPORTED, "%s: graphs are nested more than %d levels deep", path,
                          most_nested);
    ProtobufCAllocator allocator = {.alloc = take, .free = give, .allocator_data = &memory};
    if (!memory.short_of) *out = onnx__model_proto__unpack(&allocator, size, (const uint8_t *)bytes);
    if (memory.short_of)
        return peek__fail(context, PEEK_E_MEMORY,
                          "%s: not enough memory to read the network: %.1f MB are free; free some", path,
                          (double)available / 1e6);
    if (!*out)
        return peek__fail(context, PEEK_E_FORMAT,
                          "%s: this is not an ONNX file, or it is cut short: export the network again", path);
    return PEEK_OK;
}

peek_status peek__onnx_unpack(peek_context *context, const char *path, Onnx__ModelProto **out)
{
    const char *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    PEEK_TRY(peek__map_file(context, path, "an ONNX file", &bytes, &size));
    peek_status status = unpack(context, path, bytes, size, out);
    if (status == PEEK_OK) status = peek__guard_check_files(context);
    if (status != PEEK_OK) {
        onnx__model_proto__free_unpacked(*out, NULL);
        *out = NULL;
    }
    peek__unmap_file(&bytes, &size);
    return status;
}

peek_status peek__onnx_room(peek_context *context, const Onnx__ModelProto *model)
{
    const Onnx__GraphProto *graph = model->graph;
    int64_t bytes = 0;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        int64_t size =
            peek__element_known(tensor->data_type) ? (int64_t)peek__width((peek__element)tensor->data_type) : 0;
        if (!tensor->n_external_data) continue;
        for (size_t d = 0; d < tensor->n_dims && size > 0; d++) size = peek__product(size, tensor->dims[d]);
        /* What is impossible will be said of that tensor. */
        if (size < 0 || __builtin_add_overflow(bytes, size, &bytes)) return PEEK_OK;
    }
    int64_t available = bytes ? peek__memory_available() : INT64_MAX;
    if (bytes <= available) return PEEK_OK;
    return peek__fail(
        context, PEEK_E_MEMORY,
        "not enough memory for the network's weights: they take %.1f MB, and %.1f MB are free: free some",
        (double)bytes / 1e6, (double)available / 1e6);
}
