/* network/onnx_depth.c: how deeply the messages of a file are nested.
 *
 * protobuf-c unpacks by recursion without a limit: a small file of graphs within attributes within nodes would
 * overflow the stack. So the nesting is looked at before, along the same descriptors. Source:
 * https://protobuf.dev/programming-guides/encoding/ */
#include "network/onnx_read.h"

/* Reads a variable-length integer; NULL where the bytes end before it does. */
static const uint8_t *read_number(const uint8_t *bytes, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; bytes < end && shift < 64; shift += 7) {
        uint8_t byte = *bytes++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return bytes;
    }
    return NULL;
}

int peek__onnx_too_deep(const ProtobufCMessageDescriptor *message, const uint8_t *bytes, size_t size, int depth)
{
    if (depth < 0) return 1;
    const uint8_t *end = bytes + size;
    while (bytes < end) {
        uint64_t key, length;
        if (!(bytes = read_number(bytes, end, &key))) return 0; /* broken: unpacking will say so */
        switch (key & 7) {
        case 0:
            if (!(bytes = read_number(bytes, end, &length))) return 0;
            continue;
        case 1:
            length = 8;
            break;
        case 5:
            length = 4;
            break;
        case 2:
            if (!(bytes = read_number(bytes, end, &length))) return 0;
            break;
        default:
            return 0;
        }
        if (length > (uint64_t)(end - bytes)) return 0;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(message, (unsigned)(key >> 3));
        if ((key & 7) == 2 && field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            peek__onnx_too_deep(field->descriptor, bytes, (size_t)length, depth - 1))
            return 1;
        bytes += length;
    }
    return 0;
}
