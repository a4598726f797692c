/* network/selection_storage.c: in which form the numbers of every block of a capture are written. */
#include "data/eight_bits.h"
#include "network/selection.h"

peek__type peek__layer_type(int64_t store)
{
    return store == PEEK_STORE_FLOAT16    ? PEEK__FLOAT16
           : store == PEEK_STORE_BFLOAT16 ? PEEK__BFLOAT16
                                          : PEEK__FLOAT32;
}

peek_status peek__selection_store(peek_context *context, const peek__feeds *feeds,
                                  const peek_capture_options *options, peek__selection *selection)
{
    int eight_bits = 0;
    for (int64_t i = 0; i < selection->count; i++) {
        peek__chosen *chosen = &selection->chosen[i];
        const peek__feed *feed = chosen->value < 0 ? &feeds->feed[chosen->input] : NULL;
        int as_before = i > 0 && feed && selection->chosen[i - 1].input == chosen->input; /* a next channel */
        chosen->storage = (peek__storage){PEEK__FLOAT32, 1};
        if (options->store == PEEK_STORE_FLOAT32 || chosen->output || (feed && feed->names)) continue;
        chosen->storage.type = peek__layer_type(options->store);
        if (!feed) continue;
        if (!as_before) PEEK_TRY(peek__dataset_eight_bits(context, feed->dataset, &eight_bits));
        if (eight_bits) chosen->storage = (peek__storage){PEEK__UINT8, PEEK__BYTE_SCALE};
    }
    return PEEK_OK;
}
