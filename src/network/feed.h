/* network/feed.h: what goes into the inputs of a network: samples of the shape, layout and range it wants. */
#ifndef NETWORK_FEED_H
#define NETWORK_FEED_H

#include "network/graph.h"

/* The samples of one input of the network. */
typedef struct peek__feed {
    peek_dataset *dataset; /* chosen, and brought to the network's shape; C x H x W a sample */
    peek__tensor sample;   /* type and shape of one sample for the network */
    int channels_last;     /* the network wants H x W x C */
    int planes;            /* 1: a block for every channel, as of pictures; 0: one block of `sample` */
    int names;             /* 1: whole numbers that stand for something (tokens of a text), not amounts of it */
    peek__preprocess preprocess;
    char *fitted, *guessed; /* what there is to tell of it, or NULL */
} peek__feed;

typedef struct peek__feeds {
    int64_t count; /* one an input of the network */
    peek__feed *feed;
    int64_t samples; /* of each */
    int64_t opened;  /* before the choice */
} peek__feeds;

/* Gives every input of the network its data, chooses options->samples of them, the same of each, and brings
 * pictures to the network's size and colours. Errors: E_ARGUMENT (no data
 * for an input, an unknown name), E_SHAPE, E_MEMORY. Free with peek__feeds_free(). */
peek_status peek__feeds_make(peek_context *context, const peek_network *network, int64_t count,
                             const peek_input *input, const peek_capture_options *options, peek__feeds *out);
void peek__feeds_free(peek__feeds *feeds);

/* Notes on what was guessed and done to pictures: for when nothing can be wrong any more. */
void peek__feeds_tell(peek_context *context, const peek__feeds *feeds);

/* The first dataset that has labels, or NULL. */
const peek_dataset *peek__feeds_labelled(const peek__feeds *feeds);

/* The normalisation of the pictures, as text; the caller frees it. */
peek_status peek__feeds_preprocess(peek_context *context, const peek__feeds *feeds, char **out);

/* C x H x W samples, as datasets have them, in the order that the network wants, normalised. */
void peek__feed_arrange(const peek__feed *feed, int64_t count, const float *samples, float *out);

/* The shape of a dataset's samples for input number `port`, H x W x C where channels_last. Errors: E_SHAPE
 * naming both shapes. */
peek_status peek__feed_shape(peek_context *context, const peek_network *network, int64_t port,
                             const peek_dataset *dataset, int channels_last, peek__tensor *out);

#endif
