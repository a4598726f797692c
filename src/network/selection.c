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
