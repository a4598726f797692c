/* network/checkpoint.c: a training as a file: a head, then weights and velocities as the machine has them, then
 * a digest of all that. It is for the machine that wrote it, not an exchange format. */
#include "network/checkpoint.h"

#include <string.h>

#include "base/memory.h"
#include "store/file.h"

typedef struct head {
    char magic[8]; /* with the format's version and, by its number, the order of bytes */
    int64_t order;
    char made_from[24];
    int64_t epochs, steps, inside, right_sum, parameters;
    double loss, train_accuracy, loss_sum, seconds;
} head;

static const char magic[8] = "NNPTRN3";
enum { ORDER = 0x01020304 };

static head head_of(const peek__checkpoint *checkpoint)
{
    head h = {.order = ORDER,
              .epochs = checkpoint->epochs,
              .steps = checkpoint->steps,
              .inside = checkpoint->inside,
              .right_sum = checkpoint->right_sum,
              .loss_sum = checkpoint->loss_sum,
              .parameters = checkpoint->network->parameters,
              .loss = checkpoint->loss,
              .train_accuracy = checkpoint->train_accuracy,
              .seconds = checkpoint->seconds};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.made_from, checkpoint->made_from, sizeof checkpoint->made_from);
    return h;
}

static peek_status put(peek_context *context, peek__file *file, uint64_t *state, const void *bytes,
                       size_t count)
{
    peek__digest(state, bytes, count);
    return peek__file_write(context, file, bytes, count);
}

static peek_status put_all(peek_context *context, peek__file *file, const peek__checkpoint *checkpoint)
{
    const peek_network *network = checkpoint->network;
    head h = head_of(checkpoint);
    uint64_t state = 0;
    PEEK_TRY(put(context, file, &state, &h, sizeof h));
    for (int64_t i = 0; i < network->weights; i++) {
        const peek__tensor *weight = &network->value[network->weight[i]].tensor;
        PEEK_TRY(put(context, file, &state, weight->floats, (size_t)weight->size * sizeof(float)));
    }
    PEEK_TRY(put(context, file, &state, checkpoint->velocity, (size_t)network->parameters * sizeof(float)));
    return peek__file_write(context, file, &state, sizeof state);
}

peek_status peek__checkpoint_write(peek_context *context, const peek__checkpoint *checkpoint, const char *path)
{
    peek__file file = {0};
    PEEK_TRY(peek__file_begin(context, &file, path));
    peek_status status = put_all(context, &file, checkpoint);
    if (status == PEEK_OK) status = peek__file_commit(context, &file);
    peek__file_abort(&file);
    return status;
}

/* Takes what a sound file holds. */
static void take(peek__checkpoint *checkpoint, const head *h, const char *bytes)
{
    peek_network *network = checkpoint->network;
    for (int64_t i = 0; i < network->weights; i++) {
        peek__tensor *weight = &network->value[network->weight[i]].tensor;
        memcpy(weight->floats, bytes, (size_t)weight->size * sizeof(float));
        bytes += (size_t)weight->size * sizeof(float);
    }
    memcpy(checkpoint->velocity, bytes, (size_t)network->parameters * sizeof(float));
    checkpoint->epochs = h->epochs;
    checkpoint->steps = h->steps;
    checkpoint->inside = h->inside;
    checkpoint->right_sum = h->right_sum;
    checkpoint->loss_sum = h->loss_sum;
    checkpoint->loss = h->loss;
    checkpoint->train_accuracy = h->train_accuracy;
    checkpoint->seconds = h->seconds;
}

static peek_status check(peek_context *context, const peek__checkpoint *checkpoint, const char *path,
                         const char *bytes, int64_t size)
{
    int64_t body = 2 * checkpoint->network->parameters * (int64_t)sizeof(float);
    uint64_t state = 0, found;
    head h;
    if (size < (int64_t)sizeof h || memcmp(bytes, magic, sizeof magic) != 0)
        return peek__fail(context, PEEK_E_FORMAT,
                          "'%s' is no checkpoint of a training: remove it, or train without --resume", path);
    memcpy(&h, bytes, sizeof h);
    if (strncmp(h.made_from, checkpoint->made_from, sizeof checkpoint->made_from) != 0)
        return peek__fail(
            context, PEEK_E_ARGUMENT,
            "'%s' is the checkpoint of another training (of other data, options or weights): give the "
            "same as then, or train without --resume",
            path);
    int whole = h.order == ORDER && h.parameters == checkpoint->network->parameters && h.epochs >= 0 &&
                h.inside >= 0 && size == (int64_t)sizeof h + body + (int64_t)sizeof state;
    if (whole) {
        peek__digest(&state, bytes, (size_t)(size - (int64_t)sizeof state));
        memcpy(&found, bytes + size - sizeof state, sizeof found);
    }
    if (whole && found == state) return PEEK_OK;
    return peek__fail(context, PEEK_E_FORMAT, "the checkpoint '%s' is damaged: train without --resume", path);
}

peek_status peek__checkpoint_read(peek_context *context, peek__checkpoint *checkpoint, const char *path)
{
    char *bytes = NULL;
    int64_t size = 0;
    head h;
    PEEK_TRY(peek__file_read(context, path, INT64_MAX / 2, &bytes, &size));
    peek_status status = check(context, checkpoint, path, bytes, size);
    if (status == PEEK_OK) {
        memcpy(&h, bytes, sizeof h);
        take(checkpoint, &h, bytes + sizeof h);
    }
    peek__free(&bytes);
    return status;
}
