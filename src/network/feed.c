/* network/feed.c: what goes into the inputs of a network. */
#include "network/feed.h"
#include "network/layout.h"
#include "network/preprocess.h"
#include "network/survey.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The side of pictures where neither the network nor the pictures have one, and from which on they are taken
 * for photographs. */
enum { USUAL_SIDE = 224, LARGE_SIDE = 96, MOST_PLANES = 16, TEXT = 1024 };

static const char *port_name(const peek_network *network, int64_t port)
{
    return network->value[network->input[port].value].name;
}

/* "'image' (3 x 224 x 224), 'mask' (10)" */
static void list_inputs(const peek_network *network, char out[TEXT])
{
    size_t used = 0;
    out[0] = 0;
    for (int64_t i = 0; i < network->inputs && used < TEXT - 1; i++) {
        const peek__tensor *sample = &network->survey->input[i];
        char shape[256];
        peek__shape_text(shape, sample->dimensions, sample->shape);
        used += (size_t)snprintf(out + used, TEXT - used, "%s'%s' (%s)", i ? ", " : "", port_name(network, i),
                                 sample->dimensions ? shape : "one number");
    }
}

/* Which input a name means; NULL: the first that no name is for. */
static int64_t find_port(const peek_network *network, int64_t count, const peek_input *input, const char *name)
{
    for (int64_t i = 0; i < network->inputs; i++) {
        int named = 0;
        for (int64_t j = 0; j < count && !name; j++)
            named |= input[j].name && strcmp(input[j].name, port_name(network, i)) == 0;
        if (name ? strcmp(name, port_name(network, i)) == 0 : !named) return i;
    }
    return -1;
}

/* source[i]: the data of input i. */
static peek_status match(peek_context *context, const peek_network *network, int64_t count,
                         const peek_input *input, const peek_dataset **source)
{
    char inputs[TEXT];
    list_inputs(network, inputs);
    for (int64_t j = 0; j < count; j++) {
        int64_t port = find_port(network, count, input, input[j].name);
        if (port < 0 && input[j].name)
            return peek__fail(context, PEEK_E_ARGUMENT, "the network has no input '%s': its inputs are %s",
                              input[j].name, inputs);
        if (port < 0 || source[port])
            return peek__fail(context, PEEK_E_ARGUMENT,
                              "data are given twice for one input of the network: its inputs are %s", inputs);
        source[port] = input[j].data;
    }
    for (int64_t i = 0; i < network->inputs; i++) {
        if (!source[i])
            return peek__fail(
                context, PEEK_E_ARGUMENT,
                "the network has %lld inputs, %s, and '%s' is given no data: give it, as in --input "
                "%s=FILE.npy",
                (long long)network->inputs, inputs, port_name(network, i), port_name(network, i));
        if (!network->survey->leads[i])
            return peek__fail(
                context, PEEK_E_UNSUPPORTED,
                "the network's input '%s' is one for all samples (its inputs are %s), but nnpeek gives "
                "a network samples: export it with that input as a constant",
                port_name(network, i), inputs);
    }
    return PEEK_OK;
}

/* The sizes of a shape without its ones. */
static int essence(int dimensions, const int64_t *shape, int64_t out[PEEK_DIMENSIONS])
{
    int count = 0;
    for (int d = 0; d < dimensions; d++)
        if (shape[d] != 1) out[count++] = shape[d];
    return count;
}

/* Equal but for ones, or one of them without any structure. */
static int is_alike(int dimensions, const int64_t *wanted, const int64_t data[3])
{
    int64_t a[PEEK_DIMENSIONS], b[PEEK_DIMENSIONS];
    int many = essence(dimensions, wanted, a), few = essence(3, data, b);
    /* Volumes have depth and height in one. */
    if (many < 2 || few < 2 || dimensions > 3) return 1;
    return many == few && memcmp(a, b, (size_t)many * sizeof *a) == 0;
}

peek_status peek__feed_shape(peek_context *context, const peek_network *network, int64_t number,
                             const peek_dataset *dataset, int channels_last, peek__tensor *out)
{
    peek_dataset_info data = peek_dataset_describe(dataset);
    const peek__port *port = &network->input[number];
    int64_t stored[3] = {data.channels, data.height, data.width},
            last[3] = {data.height, data.width, data.channels}, *picture = channels_last ? last : stored;
    int64_t shape[PEEK_DIMENSIONS], known = 1, open = -1, size = data.channels * data.height * data.width;
    int fits = !data.mixed, dimensions = port->shaped ? port->dimensions - 1 : 3;
    for (int d = 0; d < dimensions; d++) {
        int64_t declared = port->shaped ? port->shape[d + 1] : -1;
        shape[d] = dimensions == 3 && declared < 0 ? picture[d] : declared;
        if (dimensions == 3) fits &= shape[d] == picture[d];
        if (dimensions == 2 && declared < 0 && data.channels == 1) shape[d] = picture[d + 1];
        if (shape[d] >= 0)
            known = peek__product(known, shape[d]);
        else {
            fits &= open < 0; /* one open size follows from the others */
            open = d;
        }
    }
    if (fits && open >= 0) {
        fits = known > 0 && size % known == 0;
        if (fits) shape[open] = size / known;
        known = size;
    }
    if (fits && known == size && is_alike(dimensions, shape, picture)) {
        *out = (peek__tensor){.type = port->type};
        return peek__tensor_shape(context, out, port_name(network, number), dimensions, shape);
    }
    char takes[256], has[256];
    peek__shape_text(takes, dimensions, port->shape + 1);
    if (data.mixed)
        return peek__fail(
            context, PEEK_E_SHAPE,
            "the network takes samples of %s, but the pictures of '%s' are of several sizes: bring them "
            "to one size",
            takes, data.name);
    int first = data.channels > 1 ? 0 : data.height > 1 ? 1 : 2; /* what has structure */
    return peek__fail(
        context, PEEK_E_SHAPE,
        "the network's input '%s' takes samples of %s, but those of '%s' are %s: give data of that shape",
        port_name(network, number), takes, data.name, peek__shape_text(has, 3 - first, stored + first));
}

/* Pictures in the size and colours of the network. */
static peek_status fit_pictures(peek_context *context, const peek_network *network, int64_t number,
                                peek__feed *feed)
{
    const peek__port *port = &network->input[number];
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    int shaped = port->shaped, last = feed->channels_last;
    int64_t channels = shaped ? port->shape[last ? 3 : 1] : -1,
            height = shaped ? port->shape[last ? 1 : 2] : -1, width = shaped ? port->shape[last ? 2 : 3] : -1;
    if (channels < 0) channels = data.channels;
    if (height < 0) height = data.mixed ? USUAL_SIDE : data.height;
    if (width < 0) width = data.mixed ? USUAL_SIDE : data.width;
    if (!data.mixed && channels == data.channels && height == data.height && width == data.width)
        return PEEK_OK;
    peek_dataset *fitted;
    PEEK_TRY(peek_dataset_fit(context, feed->dataset, channels, height, width, &fitted));
    char sizes[64] = "of several sizes";
    if (!data.mixed)
        snprintf(sizes, sizeof sizes, "of %lld x %lld", (long long)data.height, (long long)data.width);
    peek_status status =
        peek__format(context, &feed->fitted,
                     "the network looks at %s pictures of %lld x %lld pixels: those of '%s', %s%s, are scaled "
                     "and cropped in the "
                     "middle",
                     channels == 1 ? "grey" : "colour", (long long)height, (long long)width, data.name,
                     data.channels == channels ? ""
                     : data.channels == 1      ? "grey and "
                                               : "in colour and ",
                     sizes);
    peek_dataset_free(&feed->dataset);
    feed->dataset = fitted;
    return status;
}

/* The first node that reads an input, or NULL. */
static const peek__node *first_reader(const peek_network *network, int64_t value)
{
    for (int64_t n = 0; n < network->nodes; n++)
        for (int64_t i = 0; i < network->node[n].inputs; i++)
            if (network->node[n].input[i] == value) return &network->node[n];
    return NULL;
}

/* The range a network brings to another one by itself, with its first node: 255 or 1; 0: it does not. */
static int range_of_own(const peek_network *network, int64_t value)
{
    const peek__node *node = first_reader(network, value);
    if (!node) return 0;
    if (strcmp(node->op, "BatchNormalization") == 0) return 1;
    int adds = strcmp(node->op, "Sub") == 0 || strcmp(node->op, "Add") == 0,
        divides = strcmp(node->op, "Div") == 0;
    if (!(adds || divides || strcmp(node->op, "Mul") == 0)) return 0;
    const peek__value *constant = node->input[1] < 0 ? NULL : &network->value[node->input[1]];
    if (!constant || !constant->constant || !peek__is_float(constant->tensor.type)) return 1;
    float most = 0;
    for (int64_t i = 0; i < constant->tensor.size; i++) most = fmaxf(most, fabsf(constant->tensor.floats[i]));
    return (adds && most > 2) || (divides && most > 32) || (!adds && !divides && most < 1.0f / 32) ? 255 : 1;
}

/* What networks for such pictures expect most often. */
static const char *guess(const peek_network *network, int64_t number, const peek__feed *feed)
{
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    if (!peek__is_float(network->input[number].type)) return "pixels";
    if (!data.depth) return "zero-one"; /* floats are what somebody made of pixels */
    int own = range_of_own(network, network->input[number].value);
    if (own) return own == 255 ? "pixels" : "zero-one";
    int photographs = data.channels == 3 && data.height >= LARGE_SIDE && data.width >= LARGE_SIDE;
    return !photographs ? "zero-one" : feed->channels_last ? "mean=0.5,std=0.5" : "imagenet";
}

static peek_status set_preprocess(peek_context *context, const peek_network *network, int64_t number,
                                  const char *wanted, peek__feed *feed)
{
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    int automatic = !wanted || strcmp(wanted, "auto") == 0;
    const peek__preprocess *carried = &network->preprocess;
    if (automatic && carried->channels)
        return peek__preprocess_set(context, &feed->preprocess, carried->channels, carried->mean,
                                    carried->deviation);
    if (automatic && !data.pictures) return PEEK_OK;
    const char *text = automatic ? guess(network, number, feed) : wanted;
    int as_they_are = strcmp(text, "none") == 0 || strcmp(text, "zero-one") == 0;
    if (as_they_are && data.pictures && !peek__is_float(network->input[number].type)) text = "pixels";
    if (automatic && strcmp(text, "zero-one") != 0)
        PEEK_TRY(peek__format(
            context, &feed->guessed,
            "giving the network its pictures of %lld x %lld x %lld as '--preprocess %s', a guess from "
            "%s; if it was trained otherwise, say so",
            (long long)data.channels, (long long)data.height, (long long)data.width, text,
            strcmp(text, "pixels") == 0 ? "how it treats them first"
            : feed->channels_last       ? "their shape, channels last"
                                        : "their shape"));
    return peek__preprocess_parse(context, text, data.channels, &feed->preprocess);
}

static peek_status make_feed(peek_context *context, const peek_network *network, int64_t number,
                             const peek_dataset *source, const peek_capture_options *options, peek__feed *feed)
{
    const peek__port *port = &network->input[number];
    peek_dataset_cut cut;
    peek_dataset_cut_default(&cut);
    cut.samples = options->samples;
    cut.seed = options->seed;
    PEEK_TRY(peek_dataset_select(context, source, &cut, &feed->dataset));
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    int picture = peek__port_is_picture(port, &feed->channels_last);
    int four = !port->shaped || port->dimensions == 4;
    if (data.pictures && (picture || four)) PEEK_TRY(fit_pictures(context, network, number, feed));
    PEEK_TRY(peek__feed_shape(context, network, number, feed->dataset, feed->channels_last, &feed->sample));
    data = peek_dataset_describe(feed->dataset);
    feed->planes = data.channels <= (data.pictures ? MOST_PLANES : 4) && (data.pictures || four);
    feed->names = !data.pictures && !peek__is_float(port->type) && port->type != PEEK__TYPE_BOOL;
    /* A normalisation is for pictures; with several inputs, not for the arrays beside them. */
    if (network->inputs > 1 && !data.pictures) return PEEK_OK;
    return set_preprocess(context, network, number, options->preprocess, feed);
}

static peek_status fill(peek_context *context, const peek_network *network, const peek_dataset **source,
                        int64_t count, const peek_input *input, const peek_capture_options *options,
                        peek__feeds *out)
{
    PEEK_TRY(match(context, network, count, input, source));
    PEEK_TRY(peek__alloc(context, &out->feed, network->inputs, "the inputs of a network"));
    out->opened = peek_dataset_describe(source[0]).count;
    for (int64_t i = 0; i < network->inputs; i++) {
        peek_dataset_info first = peek_dataset_describe(source[0]), data = peek_dataset_describe(source[i]);
        if (data.count != first.count)
            return peek__fail(
                context, PEEK_E_SHAPE,
                "'%s' holds %lld samples and '%s' %lld: give every input as many, in the same order",
                first.name, (long long)first.count, data.name, (long long)data.count);
        out->count++;
        PEEK_TRY(make_feed(context, network, i, source[i], options, &out->feed[i]));
    }
    out->samples = peek_dataset_describe(out->feed[0].dataset).count;
    return PEEK_OK;
}

peek_status peek__feeds_make(peek_context *context, const peek_network *network, int64_t count,
                             const peek_input *input, const peek_capture_options *options, peek__feeds *out)
{
    *out = (peek__feeds){0};
    const peek_dataset **source;
    PEEK_TRY(peek__alloc(context, &source, network->inputs, "the inputs of a network"));
    peek_status status = fill(context, network, source, count, input, options, out);
    peek__free(&source);
    if (status != PEEK_OK) peek__feeds_free(out);
    return status;
}

void peek__feeds_free(peek__feeds *feeds)
{
    for (int64_t i = 0; i < feeds->count; i++) {
        peek_dataset_free(&feeds->feed[i].dataset);
        peek__preprocess_free(&feeds->feed[i].preprocess);
        peek__free(&feeds->feed[i].fitted);
        peek__free(&feeds->feed[i].guessed);
    }
    peek__free(&feeds->feed);
    *feeds = (peek__feeds){0};
}

void peek__feeds_tell(peek_context *context, const peek__feeds *feeds)
{
    for (int64_t i = 0; i < feeds->count; i++) {
        if (feeds->feed[i].fitted) peek__note(context, "%s", feeds->feed[i].fitted);
        if (feeds->feed[i].guessed) peek__note(context, "%s", feeds->feed[i].guessed);
    }
}

const peek_dataset *peek__feeds_labelled(const peek__feeds *feeds)
{
    for (int64_t i = 0; i < feeds->count; i++)
        if (peek_dataset_labels(feeds->feed[i].dataset)) return feeds->feed[i].dataset;
    return NULL;
}

peek_status peek__feeds_preprocess(peek_context *context, const peek__feeds *feeds, char **out)
{
    const peek__preprocess *used = &feeds->feed[0].preprocess;
    for (int64_t i = 0; i < feeds->count && !used->channels; i++) used = &feeds->feed[i].preprocess;
    return peek__preprocess_text(context, used, out);
}

void peek__feed_arrange(const peek__feed *feed, int64_t count, const float *samples, float *out)
{
    int64_t size = feed->sample.size;
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    int64_t channels = data.channels, plane = size / channels;
    if (!feed->channels_last) {
        memcpy(out, samples, (size_t)(count * size) * sizeof *out);
    } else {
        for (int64_t i = 0; i < count; i++)
            for (int64_t c = 0; c < channels; c++)
                for (int64_t p = 0; p < plane; p++)
                    out[i * size + p * channels + c] = samples[i * size + c * plane + p];
    }
    peek__preprocess_apply(&feed->preprocess, feed->channels_last, out, count, size);
}
