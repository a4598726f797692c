/* cli/findings.c: what a run found, in a few lines. */
#include <stdio.h>

#include "cli/cli.h"

static double explained(const cJSON *rank)
{
    double error = cli_number(rank, "relative_error");
    return 100 * (1 - error * error);
}

/* What a model says of a block, or of a part ('+', '-') of one that was split. */
static const cJSON *find_fitted(const cJSON *rank, const char *name, const char *part)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s", name, part);
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(rank, "blocks"), text);
}

static void say_block(const cli_call *call, const cJSON *rank, const cJSON *block, int wide)
{
    const cJSON *whole = find_fitted(rank, block->string, ""), *plus = find_fitted(rank, block->string, "+"),
                *minus = find_fitted(rank, block->string, "-");
    double components = cli_number(rank, "rank"), effective = cli_number(block, "effective_rank");
    if (whole)
        cli_say(call,
                "  %-*s %3.0f %% explained by %.0f components; %.0f of %.0f values are never above 0; "
                "effective rank %.0f\n",
                wide, block->string, explained(whole), components, cli_number(block, "unused"),
                cli_number(block, "columns"), effective);
    else if (plus && minus)
        cli_say(
            call,
            "  %-*s %3.0f %% of the positive and %.0f %% of the negative part explained by %.0f components; "
            "effective rank %.0f\n",
            wide, block->string, explained(plus), explained(minus), components, effective);
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void say_rank(const cli_call *call, const cJSON *choice)
{
    const char *reason = cJSON_GetStringValue(member(choice, "reason"));
    if (reason && cli_number(choice, "recommended") > 0)
        cli_say(call, "  recommended rank: %.0f, %s\n", cli_number(choice, "recommended"), reason);
    else if (reason)
        cli_say(call, "  recommended rank: %s\n", reason);
}

static void say_shift(const cli_call *call, const cJSON *shift)
{
    double pixels = cli_number(shift, "pixels");
    cli_say(call, "  shifted by %.0f pixel%s: %.1f %% of the predictions stay", pixels, pixels > 1 ? "s" : "",
            100 * cli_number(shift, "agreement"));
    if (cJSON_IsNumber(member(shift, "effective_invariance")))
        cli_say(call, ", effective invariance %.3f", cli_number(shift, "effective_invariance"));
    cli_say(call, "\n");
}

/* Several sentences as one line. */
static void say_sentences(const cli_call *call, const char *before, const cJSON *sentences)
{
    const cJSON *sentence;
    cJSON_ArrayForEach(sentence, sentences)
    {
        cli_say(call, "%s%s", sentence == sentences->child ? "    " : "; ",
                sentence == sentences->child ? before : "");
        cli_say(call, "%s%s", sentence == sentences->child ? " " : "", cJSON_GetStringValue(sentence));
    }
    if (cJSON_GetArraySize(sentences)) cli_say(call, "\n");
}

/* The verdict, or why there is none. */
static void say_verdict(const cli_call *call, const cJSON *measures)
{
    const cJSON *verdict = member(measures, "verdict");
    const char *withheld = cJSON_GetStringValue(member(verdict, "withheld"));
    if (!verdict || !member(measures, "blocks")->child) return; /* fits without a network */
    if (withheld) {
        cli_say(call, "  how well it was trained cannot be told without labels: %s\n", withheld);
        if (cJSON_IsNumber(member(verdict, "score")))
            cli_say(call, "    its score is %.3f\n", cli_number(verdict, "score"));
        return;
    }
    cli_say(
        call,
        "  told without labels, about %.0f %% of its predictions are right (95 %% interval %.0f to %.0f %%):\n",
        100 * cli_number(verdict, "accuracy"), 100 * cli_number(verdict, "low"),
        100 * cli_number(verdict, "high"));
    say_sentences(call, "because", member(verdict, "reasons"));
    say_sentences(call, "but", member(verdict, "caveats"));
}

void cli_say_asked(const cli_call *call, const cJSON *measures)
{
    const cJSON *choice = member(measures, "rank"), *stability = member(measures, "stability"), *entry;
    cJSON_ArrayForEach(entry, member(stability, "ranks"))
    {
        cli_say(call, "  rank %.0f: stability %.3f over %.0f random starts\n", cli_number(entry, "rank"),
                cli_number(entry, "stability"), cli_number(stability, "starts"));
    }
    cJSON_ArrayForEach(entry, member(choice, "ranks"))
    {
        cli_say(call, "  rank %.0f: held-out error %.4f, standard error %.4f\n", cli_number(entry, "rank"),
                cli_number(entry, "held_out_error"), cli_number(entry, "standard_error"));
    }
    say_rank(call, choice);
    cJSON_ArrayForEach(entry, member(measures, "shifts")) say_shift(call, entry);
    say_verdict(call, measures);
}

void cli_say_findings(const cli_call *call, const cJSON *measures)
{
    const cJSON *ranks =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(measures, "fit"), "ranks");
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(measures, "blocks"), *block;
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(measures, "output");
    int count = cJSON_GetArraySize(ranks);
    const cJSON *first = cJSON_GetArrayItem(ranks, 0), *last = cJSON_GetArrayItem(ranks, count - 1);
    if (first && first == last)
        cli_say(call, "%.0f components explain %.0f %% of the energy of input and layers together\n",
                cli_number(last, "rank"), explained(last));
    else if (first && last)
        cli_say(call,
                "%.0f components explain %.0f %% of the energy of input and layers together, %.0f explain %.0f "
                "%%\n",
                cli_number(first, "rank"), explained(first), cli_number(last, "rank"), explained(last));
    int wide = 12;
    cJSON_ArrayForEach(block, blocks) wide = cli_wider(wide, block->string);
    cJSON_ArrayForEach(block, blocks) say_block(call, last, block, wide);
    if (cJSON_IsObject(output))
        cli_say(call, "  the output uses %.1f of %.0f directions; mean confidence %.2f\n",
                cli_number(output, "effective_rank"), cli_number(output, "classes"),
                cli_number(output, "mean_confidence"));
    say_rank(call, member(measures, "rank"));
    const cJSON *shift = cJSON_GetArrayItem(member(measures, "shifts"), 0);
    if (shift) say_shift(call, shift);
    say_verdict(call, measures);
}
