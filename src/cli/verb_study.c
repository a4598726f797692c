/* cli/verb_study.c: nnpeek study */
#include <string.h>

#include "cli/cli.h"

typedef struct study_flags {
    size_t size;
    const char *output;
} study_flags;

static const peek_option rows[] = {
    CLI_TEXT(study_flags, output, "output", "DIR", "folder for runs, tables and page (required)"),
};
CLI_TABLE(table, "study", study_flags, rows);

/* Of a study of the kind "quality". */
static void say_target(cli_call *call, const cJSON *target)
{
    const char *group = cJSON_GetStringValue(cJSON_GetObjectItem(target, "group"));
    const cJSON *met = cJSON_GetObjectItem(target, "met");
    cli_say(call, "  %-28s ", group ? group : "all groups");
    if (!cJSON_IsNumber(cJSON_GetObjectItem(target, "rho"))) {
        cli_say(call, "no correlation can be had\n");
        return;
    }
    cli_say(call, "Spearman %.3f, lower bound %.2f; asked %.2f: %s\n", cli_number(target, "rho"),
            cli_number(target, "low"), cli_number(target, "asked"),
            cJSON_IsTrue(met)    ? "met"
            : cJSON_IsFalse(met) ? "missed"
                                 : "too few networks to say");
}

static void say_summary(cli_call *call, const cJSON *summary)
{
    const cJSON *network, *claim, *target;
    cli_say(call, "%s\n", cJSON_GetStringValue(cJSON_GetObjectItem(summary, "title")));
    cJSON_ArrayForEach(network, cJSON_GetObjectItem(summary, "networks"))
    {
        double paper = cli_number(network, "paper_accuracy");
        cli_say(call, "  %-20s %5.1f %% right", cJSON_GetStringValue(cJSON_GetObjectItem(network, "name")),
                100 * cli_number(cJSON_GetObjectItem(network, "accuracy"), "mean"));
        if (paper > 0) cli_say(call, " (the paper: %.0f %%)", 100 * paper);
        cli_say(call, "\n");
    }
    cJSON_ArrayForEach(claim, cJSON_GetObjectItem(summary, "claims"))
        cli_say(call, "  %s: %s\n", cJSON_GetStringValue(cJSON_GetObjectItem(claim, "about")),
                cJSON_GetStringValue(cJSON_GetObjectItem(claim, "verdict")));
    cJSON_ArrayForEach(target, cJSON_GetObjectItem(summary, "targets")) say_target(call, target);
}

/* One study into a folder; its summary goes to `into`. */
static peek_status run_one(cli_call *call, const peek_study_options *options, const char *recipe,
                           const char *folder, cJSON *into, int64_t *failures)
{
    int64_t failed = 0;
    cJSON *summary = NULL;
    peek_status status = peek_study(call->context, recipe, folder, options, &failed);
    if (status == PEEK_OK) status = cli_read_json(call, folder, "summary.json", &summary);
    if (status != PEEK_OK) return status;
    say_summary(call, summary);
    cli_say(call, "the page is %s/study.html\n", folder);
    cJSON_AddItemToArray(into, summary);
    *failures += failed;
    return PEEK_OK;
}

static peek_status run(cli_call *call, const study_flags *flags, const peek_study_options *options)
{
    const char *wanted = call->positional[0], *name, *title;
    char folder[4096];
    int64_t failures = 0;
    if (!flags->output) return cli_wrong(call, "-o is missing: say where the study goes, as in -o studies");
    peek_status status = cli_make_folder(call, flags->output);
    call->result = cJSON_CreateObject();
    cJSON *studies = cJSON_AddArrayToObject(call->result, "studies");
    if (status == PEEK_OK && strcmp(wanted, "all") != 0)
        status = run_one(call, options, wanted, flags->output, studies, &failures);
    for (int64_t i = 0; status == PEEK_OK && strcmp(wanted, "all") == 0 && peek_study_list(i, &name, &title);
         i++) {
        snprintf(folder, sizeof folder, "%s/%s", flags->output, name);
        status = run_one(call, options, name, folder, studies, &failures);
    }
    if (status == PEEK_OK && strcmp(wanted, "all") == 0) {
        status = peek_study_index_write(call->context, flags->output);
        cli_say(call, "all of them: %s/index.html\n", flags->output);
    }
    cJSON_AddNumberToObject(call->result, "failed", (double)failures);
    return status;
}

int cli_study(int argc, char **argv)
{
    study_flags flags;
    peek_study_options options;
    cli_call call = {
        .verb = "study",
        .arguments = "NAME|FILE.json",
        .about = "Experiments of many runs: trains networks in different ways from several seeds, factorises "
                 "what each "
                 "makes of the same test samples, and says with statistics what differs. fraction, classes and "
                 "order are the three case studies of the paper, cifar and alexnet-mnist its larger network, "
                 "quality asks how well accuracy can be told without labels (docs/quality.md), all is all of "
                 "them; FILE.json is a recipe of your own (docs/studies.md).",
        .examples = "Examples:\n"
                    "  nnpeek study fraction -o studies/fraction\n"
                    "  nnpeek study all --samples 2000 --resume -o studies\n"
                    "  nnpeek study mine.json --seeds 10 --ranks 5,10,20 -o mine\n",
        .sets = {{&table, &flags, NULL}, {peek_study_option_table(), &options, NULL}},
        .least = 1,
        .most = 1,
    };
    int status = cli_begin(&call, argc, argv);
    return status != CLI_DONE ? status : cli_end(&call, run(&call, &flags, &options));
}
