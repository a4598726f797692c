/* network/preprocess.c: the normalisation of a network's input. */
#include "network/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peek__preprocess_free(peek__preprocess *preprocess)
{
    peek__free(&preprocess->mean);
    peek__free(&preprocess->deviation);
    preprocess->channels = 0;
}

peek_status peek__preprocess_set(peek_context *context, peek__preprocess *out, int64_t channels,
                                 const double *mean, const double *deviation)
{
    peek__preprocess made = {.channels = channels};
    PEEK_TRY(peek__alloc(context, &made.mean, channels, "the normalisation"));
    peek_status status = peek__alloc(context, &made.deviation, channels, "the normalisation");
    if (status != PEEK_OK) {
        peek__preprocess_free(&made);
        return status;
    }
    memcpy(made.mean, mean, (size_t)channels * sizeof *mean);
    memcpy(made.deviation, deviation, (size_t)channels * sizeof *deviation);
    peek__preprocess_free(out);
    *out = made;
    return PEEK_OK;
}

/* Reads numbers with commas between, until something else follows; one number is for all channels. */
static const char *read_numbers(const char *text, int64_t channels, double *out)
{
    int64_t count = 0;
    for (;;) {
        char *end;
        double number = strtod(text, &end);
        if (end == text || !isfinite(number) || count == channels) return NULL;
        out[count++] = number;
        text = end;
        if (*text != ',' || !strchr("+-.0123456789", text[1]) || !text[1]) break;
        text++;
    }
    if (count != 1 && count != channels) return NULL;
    for (; count < channels; count++) out[count] = out[0];
    return text;
}

static peek_status parse_numbers(peek_context *context, const char *text, int64_t channels, double *numbers,
                                 peek__preprocess *out)
{
    double *mean = numbers, *deviation = numbers + channels;
    const char *rest = strncmp(text, "mean=", 5) == 0 ? read_numbers(text + 5, channels, mean) : NULL;
    rest = rest && strncmp(rest, ",std=", 5) == 0 ? read_numbers(rest + 5, channels, deviation) : NULL;
    int good = rest && !*rest;
    for (int64_t c = 0; good && c < channels; c++) good = deviation[c] > 0;
    if (!good)
        return peek__fail(
            context, PEEK_E_ARGUMENT,
            "the preprocessing '%.200s' is not understood: give none, zero-one, pixels, imagenet, or "
            "mean=..,std=.. with one number or %lld each, deviations above 0",
            text, (long long)channels);
    return peek__preprocess_set(context, out, channels, mean, deviation);
}

peek_status peek__preprocess_parse(peek_context *context, const char *text, int64_t channels,
                                   peek__preprocess *out)
{
    /* Of the pictures torchvision's networks were trained on. */
    static const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
    if (strcmp(text, "none") == 0 || strcmp(text, "zero-one") == 0) {
        peek__preprocess_free(out);
        return PEEK_OK;
    }
    if (strcmp(text, "imagenet") == 0) {
        if (channels != 3)
            return peek__fail(
                context, PEEK_E_ARGUMENT,
                "the preprocessing 'imagenet' is for 3 channels, but the network's input has %lld",
                (long long)channels);
        return peek__preprocess_set(context, out, 3, mean, deviation);
    }
    if (strcmp(text, "pixels") == 0) text = "mean=0,std=0.00392156862745098039";
    double *numbers;
    PEEK_TRY(peek__alloc(context, &numbers, peek__product(2, channels), "the normalisation"));
    peek_status status = parse_numbers(context, text, channels, numbers, out);
    peek__free(&numbers);
    return status;
}

void peek__preprocess_apply(const peek__preprocess *how, int channels_last, float *x, int64_t count,
                            int64_t size)
{
    if (!how->channels) return;
    int64_t channels = how->channels, plane = size / channels;
    for (int64_t i = 0; i < count; i++)
        for (int64_t c = 0; c < channels; c++) {
            float mean = (float)how->mean[c], scale = (float)(1 / how->deviation[c]);
            float *first = x + i * size + (channels_last ? c : c * plane);
            int64_t step = channels_last ? channels : 1;
            for (int64_t p = 0; p < plane; p++) first[p * step] = (first[p * step] - mean) * scale;
        }
}

peek_status peek__preprocess_text(peek_context *context, const peek__preprocess *preprocess, char **out)
{
    if (!preprocess->channels) return peek__copy_text(context, out, "none");
    int64_t capacity = 32 + 64 * preprocess->channels;
    PEEK_TRY(peek__alloc(context, out, capacity, "the normalisation"));
    size_t used = 0;
    for (int part = 0; part < 2; part++) {
        const double *numbers = part ? preprocess->deviation : preprocess->mean;
        for (int64_t c = 0; c < preprocess->channels; c++)
            used += (size_t)snprintf(*out + used, (size_t)capacity - used, "%s%.17g",
                                     c      ? ","
                                     : part ? ",std="
                                            : "mean=",
                                     numbers[c]);
    }
    return PEEK_OK;
}
