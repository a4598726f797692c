/* cli/main.c: the verbs of nnpeek. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} verbs[] = {
    {"demo", cli_demo, "train a small network, look into it, write a report"},
    {"inspect", cli_inspect, "the whole way: a network and data in, a report out"},
    {"layers", cli_layers, "list the tensors of a network that can be captured"},
    {"train", cli_train, "train a network, write ONNX"},
    {"capture", cli_capture, "run data through a network, write its activations"},
    {"fit", cli_fit, "factorise blocks jointly"},
    {"measure", cli_measure, "spectra and measures of a run"},
    {"report", cli_report, "write the report of one or more runs"},
    {"study", cli_study, "experiments of many runs: the paper's case studies, or your own"},
    {"data", cli_data, "list, download or make data sets"},
};

static void usage(FILE *out)
{
    fprintf(out,
            "nnpeek %s: look inside a trained neural network by joint non-negative factorisation\n\n"
            "usage: nnpeek VERB [OPTION...] [ARGUMENT...]\n\n",
            peek_version());
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].about);
    fprintf(
        out,
        "\nFirst steps:\n"
        "  nnpeek demo\n"
        "  nnpeek inspect model.onnx images/ -o report.html\n"
        "  nnpeek fit layer1.npy layer2.npy --ranks 10:50:10 -o fit\n\n"
        "`nnpeek VERB --help` explains a verb. Exit status: 0 done, 1 it failed, 2 wrong usage or bad input,\n"
        "130 interrupted.\n");
}

/* Takes the places of standard streams that are closed, so that no file written gets their numbers and messages
 * with them. Read-only: writing still fails and is noticed. */
static void hold_streams(void)
{
    int handle;
    do handle = open("/dev/null", O_RDONLY);
    while (handle >= 0 && handle <= STDERR_FILENO);
    if (handle >= 0) close(handle);
}

/* A thread that waits for others turns in circles before it sleeps: by default for milliseconds, which is
 * nothing on an idle machine and half of the work on one where others work as well. libgomp reads how long when
 * it is loaded, so the program begins again with another number, unless the user has one. */
static void calm_threads(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    if (setenv("GOMP_SPINCOUNT", "10000", 1) == 0) execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    calm_threads(argv);
    hold_streams();
    peek_guard_mappings(); /* where the system refuses, all goes on without */
    const char *name = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return CLI_DONE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("nnpeek %s\n", peek_version());
        return CLI_DONE;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(name, verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    fprintf(stderr, "nnpeek: there is no verb '%s'; the verbs are:", name);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) fprintf(stderr, " %s", verbs[i].name);
    fprintf(stderr, " (see nnpeek --help)\n");
    return CLI_USAGE;
}
