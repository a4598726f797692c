/* network/selection.c: which tensors a capture takes, and how its blocks and files are called. */
#include "network/selection.h"
#include "network/automatic.h"
#include "network/operators.h"
#include "network/survey.h"
#include "store/file.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Beside the blocks, a fit writes files of these names. */
static const char *const reserved[] = {"samples", "errors", "labels"};

void peek__selection_free(peek__selection *selection)
{
    for (int64_t i = 0; i < selection->count; i++) {
        peek__free(&selection->chosen[i].name);
        peek__free(&selection->chosen[i].file);
    }
    peek__free(&selection->chosen);
    selection->count = 0;
}

static int matches(const char *pattern, const char *text)
{
    /* A name may hold characters that mean something in a glob. */
    return strcmp(pattern, text) == 0 || fnmatch(pattern, text, 0) == 0;
}

static int is_chosen(const char *pattern, const peek__value *value, const peek__node *node)
{
    if (strncmp(pattern, "op:", 3) == 0) return matches(pattern + 3, node->op);
    return matches(pattern, value->name) || (*node->name && matches(pattern, node->name));
}

/* Marks (1) the layers to look at where nobody says; where there is none, the output. */
static void mark_automatic(const peek_network *network, char *marked)
{
    const peek__survey *survey = network->survey;
    int64_t found = 0, output = network->output[0].value;
    for (int64_t i = 0; i < survey->tensors; i++) {
        if (!peek__automatic_takes((peek__automatic)network->automatic[survey->tensor[i]])) continue;
        marked[i] = 1;
        found++;
    }
    for (int64_t i = 0; !found && i < survey->tensors; i++) marked[i] |= survey->tensor[i] == output;
}

/* A pattern that was nearly right: how many names it occurs in. */
static int64_t count_near(const peek_network *network, const char *pattern)
{
    const peek__survey *survey = network->survey;
    int64_t near = 0;
    for (int64_t i = 0; i < survey->tensors; i++) {
        const peek__value *value = &network->value[survey->tensor[i]];
        near += strcasestr(value->name, pattern) || strcasestr(network->node[value->node].name, pattern);
    }
    return near;
}

/* Marks (1) the tensors that one pattern means. */
static peek_status mark_pattern(peek_context *context, const peek_network *network, const char *pattern,
                                char *marked)
{
    int64_t found = 0;
    const peek__survey *survey = network->survey;
    for (int64_t i = 0; i < survey->tensors; i++) {
        const peek__value *value = &network->value[survey->tensor[i]];
        int taken = is_chosen(pattern, value, &network->node[value->node]);
        marked[i] |= (char)taken;
        found += taken;
    }
    if (found) return PEEK_OK;
    for (int64_t n = 0; n < network->nodes; n++)
        if (strcasecmp(network->node[n].op, pattern) == 0)
            return peek__fail(context, PEEK_E_NOT_FOUND,
                              "no tensor or node of the network is called '%s', but an operator is: give op:%s",
                              pattern, network->node[n].op);
    int64_t near = count_near(network, pattern);
    if (near)
        return peek__fail(
            context, PEEK_E_NOT_FOUND,
            "no tensor, node or operator of the network is called '%s', but %lld names contain it: give "
            "'*%s*'; `nnpeek layers` lists them",
            pattern, (long long)near, pattern);
    return peek__fail(context, PEEK_E_NOT_FOUND,
                      "no tensor, node or operator of the network matches '%s'; `nnpeek layers` lists them",
                      pattern);
}

static peek_status mark_list(peek_context *context, const peek_network *network, char *list, int *automatic,
                             char *marked)
{
    char *rest = NULL;
    int patterns = 0;
    for (char *pattern = strtok_r(list, ",", &rest); pattern; pattern = strtok_r(NULL, ",", &rest)) {
        while (*pattern == ' ') pattern++;
        size_t length = strlen(pattern);
        while (length && pattern[length - 1] == ' ') pattern[--length] = 0;
        if (!length) continue;
        patterns++;
        if (strcmp(pattern, "auto") != 0) {
            PEEK_TRY(mark_pattern(context, network, pattern, marked));
            continue;
        }
        mark_automatic(network, marked);
        *automatic = 1;
    }
    if (patterns) return PEEK_OK;
    return peek__fail(context, PEEK_E_ARGUMENT,
                      "--layers names no layer: give auto, or names with commas between");
}

static int is_taken(const peek__selection *selection, const char *name, const char *file)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcasecmp(name, reserved[i]) == 0) return 1;
    for (int64_t i = 0; i < selection->count; i++) {
        const peek__chosen *chosen = &selection->chosen[i];
        /* Files must differ on file systems that do not tell cases apart, too. */
        if (file ? chosen->file && strcasecmp(chosen->file, file) == 0
                 : chosen->name && strcmp(chosen->name, name) == 0)
            return 1;
    }
    return 0;
}

/* The name of a block, with '_' behind it where it is taken. */
static peek_status name_block(peek_context *context, const peek__selection *selection, const char *wanted,
                              char **out)
{
    PEEK_TRY(peek__copy_text(context, out, *wanted ? wanted : "unnamed"));
    while (is_taken(selection, *out, NULL)) {
        char *longer = NULL;
        peek_status status = peek__format(context, &longer, "%s_", *out);
        peek__free(out);
        if (status != PEEK_OK) return status;
        *out = longer;
    }
    return PEEK_OK;
}

static peek_status name_file(peek_context *context, const peek__selection *selection, const char *block,
                             char **out)
{
    char *safe = NULL, *base = NULL;
    PEEK_TRY(peek__safe_name(context, &safe, block));
    peek_status status = PEEK_OK;
    for (int try = 1; status == PEEK_OK; try++) {
        if (try == 1)
            status = peek__copy_text(context, &base, safe);
        else
            status = peek__format(context, &base, "%s-%d", safe, try);
        if (status == PEEK_OK) status = peek__format(context, out, "%s.npy", base);
        int taken = status == PEEK_OK && is_taken(selection, base, *out);
        peek__free(&base);
        if (!taken) break;
        peek__free(out);
    }
    peek__free(&safe);
    return status;
}

static peek_status add(peek_context *context, peek__selection *selection, const char *name, peek__chosen chosen)
{
    chosen.name = chosen.file = NULL;
    peek_status status = name_block(context, selection, name, &chosen.name);
    if (status == PEEK_OK) status = name_file(context, selection, chosen.name, &chosen.file);
    if (status != PEEK_OK) {
        peek__free(&chosen.name);
        return status;
    }
    selection->chosen[selection->count++] = chosen;
    return PEEK_OK;
}

/* The blocks of one input: its channels, or all of it. */
static peek_status add_input(peek_context *context, const peek_network *network, const peek__feeds *feeds,
                             int64_t input, peek__selection *out)
{
    const peek__feed *feed = &feeds->feed[input];
    int64_t channels = feed->planes ? peek_dataset_describe(feed->dataset).channels : 1;
    const char *base = feeds->count > 1 ? network->value[network->input[input].value].name : "input";
    for (int64_t c = 0; c < channels; c++) {
        char *name;
        peek__chosen chosen = {
            .value = -1, .input = input, .channel = feed->planes ? c : -1, .fit = !feed->names};
        PEEK_TRY(peek__format(context, &name, channels > 1 ? "%s.%lld" : "%s", base, (long long)c));
        peek_status status = add(context, out, name, chosen);
        peek__free(&name);
        if (status != PEEK_OK) return status;
        out->inputs++;
    }
    return PEEK_OK;
}

static peek_status make(peek_context *context, const peek_network *network, char *list,
                        const peek__feeds *feeds, char *marked, peek__selection *out)
{
    int64_t blocks = network->survey->tensors;
    for (int64_t i = 0; i < feeds->count; i++)
        blocks += feeds->feed[i].planes ? peek_dataset_describe(feeds->feed[i].dataset).channels : 1;
    PEEK_TRY(peek__alloc(context, &out->chosen, blocks, "the list of blocks"));
    PEEK_TRY(mark_list(context, network, list, &out->automatic, marked));
    for (int64_t i = 0; i < feeds->count; i++) PEEK_TRY(add_input(context, network, feeds, i, out));
    for (int64_t i = 0; i < network->survey->tensors; i++) {
        int64_t number = network->survey->tensor[i];
        int output = number == network->output[0].value;
        if (!marked[i] && !output) continue;
        PEEK_TRY(add(context, out, network->value[number].name,
                     (peek__chosen){.value = number, .fit = marked[i], .output = output}));
    }
    return PEEK_OK;
}

peek_status peek__selection_make(peek_context *context, const peek_network *network, const char *layers,
                                 const peek__feeds *feeds, peek__selection *out)
{
    char *list = NULL, *marked = NULL;
    *out = (peek__selection){0};
    peek_status status = peek__copy_text(context, &list, layers ? layers : "auto");
    if (status == PEEK_OK)
        status = peek__alloc(context, &marked, network->survey->tensors, "the list of blocks");
    if (status == PEEK_OK) status = make(context, network, list, feeds, marked, out);
    peek__free(&list);
    peek__free(&marked);
    if (status != PEEK_OK) peek__selection_free(out);
    return status;
}

const char *peek__selection_reason(const peek__selection *selection, const peek_network *network, int64_t value)
{
    if (!selection->automatic) return "not chosen by --layers";
    return peek__automatic_reason((peek__automatic)network->automatic[value]);
}

/* A block of an input: a channel of pictures, or the sample that the network gets. */
static void describe_input(const peek__feeds *feeds, peek__chosen *chosen)
{
    const peek__feed *feed = &feeds->feed[chosen->input];
    peek_dataset_info data = peek_dataset_describe(feed->dataset);
    peek__reduction *block = &chosen->reduction;
    *block = (peek__reduction){.dimensions = feed->sample.dimensions, .columns = feed->sample.size};
    memcpy(block->shape, feed->sample.shape, sizeof block->shape);
    if (chosen->channel >= 0) {
        const int64_t plane[] = {1, data.height, data.width};
        block->dimensions = 3;
        memcpy(block->shape, plane, sizeof plane);
        block->columns = data.height * data.width;
    }
    block->layout = block->dimensions < 2 || feed->names ? PEEK__FLAT : PEEK__CHANNELS_FIRST;
}

/* What peek__reduce_choose() takes and gives, one a layer. */
typedef struct reducing {
    int64_t count, *value;
    peek__layout *layout;
    peek__reduction *reduction;
} reducing;

static peek_status list_layers(peek_context *context, const peek_network *network, const peek__survey *survey,
                               const peek__selection *selection, reducing *r)
{
    int64_t most = selection->count;
    PEEK_TRY(peek__alloc(context, &r->value, most, "the list of layers"));
    PEEK_TRY(peek__alloc(context, &r->layout, most, "the list of layers"));
    PEEK_TRY(peek__alloc(context, &r->reduction, most, "the list of layers"));
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        const peek__chosen *chosen = &selection->chosen[i];
        r->value[r->count] = chosen->value;
        r->layout[r->count++] = peek__layout_find(network, survey, chosen->value);
    }
    return PEEK_OK;
}

peek_status peek__selection_reduce(peek_context *context, const peek_network *network,
                                   const peek__survey *survey, const peek__feeds *feeds,
                                   const peek_capture_options *options, peek__selection *selection)
{
    peek__reduce_wish wish;
    reducing r = {0};
    PEEK_TRY(peek__reduce_parse(context, options->reduce ? options->reduce : "auto", &wish));
    for (int64_t i = 0; i < selection->inputs; i++) describe_input(feeds, &selection->chosen[i]);
    peek_status status = list_layers(context, network, survey, selection, &r);
    if (status == PEEK_OK) {
        double numbers = options->budget * 1e9 / 4 / (double)feeds->samples;
        peek__reduce_choose(&wish, survey, r.count, r.value, r.layout, numbers, r.reduction);
        for (int64_t i = 0; i < r.count; i++)
            selection->chosen[selection->inputs + i].reduction = r.reduction[i];
    }
    peek__free(&r.value);
    peek__free(&r.layout);
    peek__free(&r.reduction);
    return status;
}

/* The layers with the same reduction as entry `first`, as "grid:14 'relu1' and 3 others"; 0 where an earlier
 * entry is of this kind. */
static int list_alike(const peek__selection *selection, int64_t first, char *out, size_t size)
{
    char mine[32], other[32];
    int64_t alike = 0;
    peek__reduction_text(&selection->chosen[first].reduction, mine);
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        if (strcmp(peek__reduction_text(&selection->chosen[i].reduction, other), mine) != 0) continue;
        if (i < first) return 0;
        alike++;
    }
    snprintf(out, size, alike > 1 ? "%s for '%s' and %lld more" : "%s for '%s'", mine,
             selection->chosen[first].name, (long long)alike - 1);
    return 1;
}

/* What was averaged because of the budget, in one sentence. */
static void tell_reduced(peek_context *context, const peek__selection *selection, double budget)
{
    char kinds[1024] = "", kind[256];
    int64_t reduced = 0;
    for (int64_t i = selection->inputs; i < selection->count; i++) {
        if (selection->chosen[i].reduction.how == PEEK__REDUCE_NONE) continue;
        reduced++;
        if (!list_alike(selection, i, kind, sizeof kind)) continue;
        size_t used = strlen(kinds);
        snprintf(kinds + used, sizeof kinds - used, "%s%s", used ? ", " : "", kind);
    }
    if (reduced)
        peek__note(
            context,
            "%lld of %lld layers are averaged to stay within %g GB (--budget): %s; manifest.json lists them, "
            "--reduce none keeps all",
            (long long)reduced, (long long)(selection->count - selection->inputs), budget, kinds);
}

/* Whether automatic layers are what weights make, for want of activation functions. */
static int is_by_weights(const peek_network *network, const peek__selection *selection)
{
    for (int64_t i = selection->inputs; i < selection->count && selection->automatic; i++)
        if (network->automatic[selection->chosen[i].value] == PEEK__WEIGHTS_ALONE) return 1;
    return 0;
}

void peek__selection_tell(peek_context *context, const peek_network *network, const peek__feeds *feeds,
                          const peek_capture_options *options, const peek__selection *selection)
{
    for (int64_t i = 0; i < feeds->count; i++)
        if (feeds->feed[i].names)
            peek__note(context,
                       "the input '%s' holds whole numbers, which name things rather than measure them: it is "
                       "captured, but takes no part in the factorisation",
                       network->value[network->input[i].value].name);
    if (is_by_weights(network, selection))
        peek__note(context, "the network has no activation functions between input and output: taking what its "
                            "convolutions and matrix products make");
    if (!options->reduce || strstr(options->reduce, "auto")) tell_reduced(context, selection, options->budget);
}
