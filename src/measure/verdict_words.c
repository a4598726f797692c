/* measure/verdict_words.c: why a verdict is as it is, and what it cannot see, in words. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "measure/verdict.h"
#include "store/file.h"

__attribute__((format(printf, 2, 3))) static void say(cJSON *list, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* How many components it takes for half of what the model explains of a block. */
static int half_of(const cJSON *model, const char *block)
{
    enum { MOST = 1000 };
    double share[MOST], sum = 0;
    const cJSON *item;
    int count = 0, taken = 0;
    cJSON_ArrayForEach(item, peek__json_member(peek__json_member(model, "shares"), block))
    {
        if (count == MOST || !cJSON_IsNumber(item)) return 0;
        int place = count++;
        for (; place > 0 && item->valuedouble > share[place - 1]; place--) share[place] = share[place - 1];
        share[place] = item->valuedouble;
    }
    while (taken < count && sum < 0.5) sum += share[taken++];
    return taken;
}

static void say_nulls(const cJSON *measures, const char *layer, cJSON *reasons)
{
    const cJSON *nulls = peek__json_member(measures, "nulls"),
                *untrained = peek__json_member(nulls, "untrained network"),
                *same = peek__json_member(nulls, "trained network");
    const cJSON *mine = peek__json_member(peek__json_member(same ? same : measures, "blocks"), layer),
                *theirs = peek__json_member(peek__json_member(untrained, "blocks"), layer);
    double trained = peek__json_value(peek__json_member(mine, "centred"), "participation_ratio"),
           before = peek__json_value(peek__json_member(theirs, "centred"), "participation_ratio");
    if (!(trained > 0 && before > 0)) return;
    if (peek__verdict_within(trained, before, 1.1))
        say(reasons,
            "the spectrum of %s matches the untrained network's: %.1f directions of large energy against %.1f",
            layer, trained, before);
    else
        say(reasons, "%s has %.1f directions of large energy, the untrained network %.1f", layer, trained,
            before);
}

void peek__verdict_reasons(const cJSON *measures, const double parts[PEEK__PARTS], cJSON *reasons)
{
    const cJSON *predictions = peek__json_member(measures, "predictions");
    const cJSON *model = peek__verdict_model(measures), *layers = peek__json_member(predictions, "layers");
    const cJSON *last = cJSON_GetArrayItem(layers, cJSON_GetArraySize(layers) - 1);
    if (!cJSON_IsObject(predictions)) return;
    double classes = peek__json_value(predictions, "classes"), use = parts[PEEK__PART_USE];
    say(reasons, "it uses %.1f of its %.0f classes", peek__json_value(predictions, "effective_classes"),
        classes);
    say(reasons, "its output uses %.1f of %.0f directions", peek__json_value(predictions, "effective_rank"),
        classes);
    if (use > 0 && !isnan(parts[PEEK__PART_COMPONENTS]))
        say(reasons, "neighbours by composition get the same class in %.0f %% of the cases",
            100 * parts[PEEK__PART_COMPONENTS] / use);
    if (use > 0 && last && !isnan(parts[PEEK__PART_LAST_LAYER]))
        say(reasons, "neighbours in %s get the same class in %.0f %%", last->valuestring,
            100 * parts[PEEK__PART_LAST_LAYER] / use);
    if (use > 0 && !isnan(parts[PEEK__PART_INPUT]))
        say(reasons, "neighbours in the input get the same class in %.0f %%",
            100 * parts[PEEK__PART_INPUT] / use);
    int half = last ? half_of(model, last->valuestring) : 0;
    if (half)
        say(reasons, "%d of %.0f components make half of what is explained of %s", half,
            peek__json_value(model, "rank"), last->valuestring);
    say(reasons, "its mean confidence is %.2f", peek__json_value(predictions, "confidence"));
    if (last) say_nulls(measures, last->valuestring, reasons);
}

void peek__verdict_caveats(const cJSON *measures, const cJSON *family, cJSON *caveats)
{
    const cJSON *predictions = peek__json_member(measures, "predictions");
    double samples = peek__json_value(predictions, "samples");
    say(caveats, "classes that bear each other's names cannot be seen without labels");
    say(caveats, "the samples are taken to be of all classes alike");
    if (family && samples < peek__json_value(family, "samples"))
        say(caveats,
            "%.0f samples were taken, the networks studied had %.0f: with fewer, neighbours agree less",
            samples, peek__json_value(family, "samples"));
    const char *taken_as = cJSON_GetStringValue(peek__json_member(predictions, "taken_as"));
    if (taken_as && strcmp(taken_as, "logits") == 0)
        say(caveats, "the output is no distribution and was taken as logits");
}
