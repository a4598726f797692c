/* cli/findings.c: what a run found, in a few lines. */
#include "cli/cli.h"

static double explained(const cJSON *rank)
{
    double error = cli_number(rank, "relative_error");
    return 100 * (1 - error * error);
}

void cli_say_findings(const cli_call *call, const cJSON *measures)
{
    const cJSON *ranks =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(measures, "fit"), "ranks");
    const cJSON *blocks = cJSON_GetObjectItemCaseSensitive(measures, "blocks"), *block;
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(measures, "output");
    int count = cJSON_GetArraySize(ranks);
    const cJSON *first = cJSON_GetArrayItem(ranks, 0), *last = cJSON_GetArrayItem(ranks, count - 1);
    if (first && last)
        cli_say(call,
                "%.0f components explain %.0f %% of the energy of input and layers together, %.0f explain %.0f "
                "%%\n",
                cli_number(first, "rank"), explained(first), cli_number(last, "rank"), explained(last));
    cJSON_ArrayForEach(block, blocks)
    {
        const cJSON *fitted =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(last, "blocks"), block->string);
        if (!fitted) continue;
        cli_say(call,
                "  %-12s %3.0f %% explained by %.0f components; %.0f of %.0f values are never above 0; "
                "effective rank %.0f\n",
                block->string, explained(fitted), cli_number(last, "rank"), cli_number(block, "unused"),
                cli_number(block, "columns"), cli_number(block, "effective_rank"));
    }
    if (cJSON_IsObject(output))
        cli_say(call, "  the output uses %.1f of %.0f directions; mean confidence %.2f\n",
                cli_number(output, "effective_rank"), cli_number(output, "classes"),
                cli_number(output, "mean_confidence"));
}
