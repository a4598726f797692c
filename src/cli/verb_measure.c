/* cli/verb_measure.c: nnpeek measure */
#include <string.h>

#include "cli/cli.h"

static void print_blocks(const cli_call *call, const cJSON *blocks)
{
    const cJSON *block;
    if (!blocks || !blocks->child) return;
    cli_say(call, "%-20s %10s %12s %8s %8s %15s %12s\n", "block", "columns", "norm", "zeros", "unused",
            "effective rank", "stable rank");
    cJSON_ArrayForEach(block, blocks)
    {
        cli_say(call, "%-20s %10.0f %12.5g %6.1f %% %8.0f %15.1f %12.2f\n", block->string,
                cli_number(block, "columns"), cli_number(block, "norm"), 100 * cli_number(block, "zeros"),
                cli_number(block, "unused"), cli_number(block, "effective_rank"),
                cli_number(block, "stable_rank"));
    }
}

static void print_ranks(const cli_call *call, const cJSON *ranks)
{
    const cJSON *rank, *block;
    if (!ranks || !ranks->child) return;
    cli_say(call, "\n%6s %12s %14s   relative error of each block\n", "rank", "RMSE", "relative error");
    cJSON_ArrayForEach(rank, ranks)
    {
        cli_say(call, "%6.0f %12.5g %14.4f  ", cli_number(rank, "rank"), cli_number(rank, "rmse"),
                cli_number(rank, "relative_error"));
        cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(rank, "blocks"))
        {
            cli_say(call, " %s %.4f", block->string, cli_number(block, "relative_error"));
        }
        cli_say(call, "\n");
    }
}

static peek_status run(cli_call *call, const peek_measure_options *options)
{
    peek_status status = peek_measure(call->context, call->positional[0], options);
    if (status == PEEK_OK) status = cli_read_json(call, call->positional[0], "measures.json", &call->result);
    if (status != PEEK_OK) return status;
    print_blocks(call, cJSON_GetObjectItemCaseSensitive(call->result, "blocks"));
    print_ranks(
        call, cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(call->result, "fit"), "ranks"));
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(call->result, "output");
    if (cJSON_IsObject(output))
        cli_say(call,
                "\noutput: %.1f of %.0f directions in use (effective rank), mutual information %.2f nats, mean "
                "confidence "
                "%.2f\n",
                cli_number(output, "effective_rank"), cli_number(output, "classes"),
                cli_number(output, "mutual_information"), cli_number(output, "mean_confidence"));
    cli_say_asked(call, call->result);
    cli_say(call, "\nall measures are in %s/measures.json\n", call->positional[0]);
    return PEEK_OK;
}

int cli_measure(int argc, char **argv)
{
    peek_measure_options options;
    cli_call call = {
        .verb = "measure",
        .arguments = "RUN",
        .about = "Computes spectra and measures of a run (a folder with capture/ or fit/, or of models) into "
                 "RUN/measures.json. What takes fits, or the network, is done where a flag asks for it; later "
                 "calls keep it as long as it is of the same capture.",
        .examples = "Examples:\n  nnpeek measure run\n  nnpeek measure run --json\n"
                    "  nnpeek measure run --choose-rank --ranks 5:40:5\n"
                    "  nnpeek measure run --all --network model.onnx\n",
        .sets = {{peek_measure_option_table(), &options, NULL}},
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    return status != CLI_DONE ? status : cli_end(&call, run(&call, &options));
}
