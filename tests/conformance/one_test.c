#include "one_test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vector.h"
#include "network/run.h"

enum { MOST = 64, PATH = 1024 }; /* longer paths are not found */

static int is_initialiser(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name ? graph->initializer[i]->name : "", name) == 0) return 1;
    return 0;
}

/* 1 if the value is a tensor of a type that nnpeek has. */
static int is_ours(const Onnx__ValueInfoProto *value, char *sentence)
{
    const Onnx__TypeProto *type = value->type;
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        snprintf(sentence, SENTENCE, "'%.200s' is no tensor", value->name);
    else if (peek__element_known(type->tensor_type->elem_type))
        return 1;
    else
        snprintf(sentence, SENTENCE, "'%.200s' is of data type %d", value->name,
                 (int)type->tensor_type->elem_type);
    return 0;
}

/* 1 if the numbers are drawn at random: only their type and shape are known. */
static int is_random(const Onnx__GraphProto *graph, const peek__tensor *ratio)
{
    static const char *const random[] = {"Bernoulli",     "RandomNormal",      "RandomNormalLike",
                                         "RandomUniform", "RandomUniformLike", "Multinomial"};
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        for (size_t j = 0; j < sizeof random / sizeof *random; j++)
            if (strcmp(node->op_type, random[j]) == 0) return 1;
        /* Dropout while training, its second input being the share that it drops. */
        if (strcmp(node->op_type, "Dropout") == 0 && node->n_input == 3 &&
            !(ratio && peek__is_float(ratio->type) && ratio->size == 1 && ratio->floats[0] == 0))
            return 1;
    }
    return 0;
}

static int declared(const Onnx__ValueInfoProto *value)
{
    return value->type->tensor_type->elem_type;
}

typedef struct data_set {
    int64_t inputs, outputs;
    peek__tensor input[MOST], output[MOST], expected[MOST];
} data_set;

static vector_outcome read_data_set(peek_context *context, const Onnx__GraphProto *graph, const char *folder,
                                    data_set *set, char *sentence)
{
    char path[PATH + 64];
    vector_outcome outcome = VECTOR_READ;
    for (size_t i = 0; i < graph->n_input && outcome == VECTOR_READ; i++) {
        if (is_initialiser(graph, graph->input[i]->name)) continue;
        snprintf(path, sizeof path, "%s/input_%d.pb", folder, (int)set->inputs);
        outcome = vector_read(context, path, declared(graph->input[i]), &set->input[set->inputs++], sentence);
    }
    for (; set->outputs < (int64_t)graph->n_output && outcome == VECTOR_READ; set->outputs++) {
        snprintf(path, sizeof path, "%s/output_%d.pb", folder, (int)set->outputs);
        outcome = vector_read(context, path, declared(graph->output[set->outputs]),
                              &set->expected[set->outputs], sentence);
    }
    return outcome;
}

static verdict from_status(peek_context *context, peek_status status, char *sentence)
{
    /* The table names the test; the file's path before the sentence says nothing more. */
    const char *text = peek_error(context), *file = strstr(text, "/model.onnx: ");
    snprintf(sentence, SENTENCE, "%s", file ? file + strlen("/model.onnx: ") : text);
    return status == PEEK_E_UNSUPPORTED ? REFUSED : BROKEN;
}

static verdict run_data_set(peek_context *context, const peek_network *network, const Onnx__GraphProto *graph,
                            const char *folder, data_set *set, char *sentence)
{
    char why[200] = "";
    vector_outcome outcome = read_data_set(context, graph, folder, set, why);
    if (outcome != VECTOR_READ) {
        snprintf(sentence, SENTENCE, "%s", why);
        return outcome == VECTOR_FOREIGN ? REFUSED : BROKEN;
    }
    peek_status status =
        peek__network_run(context, network, set->inputs, set->input, set->outputs, set->output);
    if (status != PEEK_OK) return from_status(context, status, sentence);
    int numbers = !is_random(graph, set->inputs > 1 ? &set->input[1] : NULL);
    for (int64_t i = 0; i < set->outputs; i++)
        if (!vector_equal(&set->output[i], &set->expected[i], numbers, why)) {
            snprintf(sentence, SENTENCE, "'%.200s' %s", graph->output[i]->name, why);
            return WRONG;
        }
    return PASSED;
}

static verdict run_data_sets(peek_context *context, const peek_network *network, const Onnx__GraphProto *graph,
                             const char *folder, char *sentence)
{
    verdict found = PASSED;
    for (int n = 0; found == PASSED; n++) {
        char path[PATH];
        snprintf(path, sizeof path, "%.900s/test_data_set_%d", folder, n);
        if (access(path, F_OK) != 0) {
            if (n > 0) break;
            snprintf(sentence, SENTENCE, "there is no data set in %s", folder);
            return BROKEN;
        }
        data_set *set = calloc(1, sizeof *set);
        if (!set) abort();
        found = run_data_set(context, network, graph, path, set, sentence);
        for (int i = 0; i < MOST; i++) {
            peek__free(&set->input[i].data);
            peek__free(&set->output[i].data);
            peek__free(&set->expected[i].data);
        }
        free(set);
    }
    return found;
}

static verdict test_model(peek_context *context, const char *path, const Onnx__GraphProto *graph,
                          const char *folder, char *sentence)
{
    size_t inputs = 0;
    for (size_t i = 0; i < graph->n_input; i++)
        if (!is_initialiser(graph, graph->input[i]->name)) {
            inputs++;
            if (!is_ours(graph->input[i], sentence)) return REFUSED;
        }
    for (size_t i = 0; i < graph->n_output; i++)
        if (!is_ours(graph->output[i], sentence)) return REFUSED;
    if (inputs > MOST || graph->n_output > MOST) {
        snprintf(sentence, SENTENCE, "more than %d inputs or outputs", MOST);
        return BROKEN;
    }
    peek_network *network = NULL;
    peek_status status = peek__network_read(context, path, &network);
    verdict found = status == PEEK_OK ? run_data_sets(context, network, graph, folder, sentence)
                                      : from_status(context, status, sentence);
    peek_network_free(&network);
    /* As a network of samples most of these make no sense; whatever is said must not be a crash. */
    if (peek_network_load(context, path, &network) == PEEK_OK) peek_network_free(&network);
    return found;
}

static verdict one_test(const char *folder, char *sentence)
{
    char path[PATH];
    peek_context *context = NULL;
    peek_context_options options;
    peek_context_options_default(&options);
    options.threads = 1;
    snprintf(path, sizeof path, "%.900s/model.onnx", folder);
    size_t size = 0;
    uint8_t *bytes = vector_file(path, &size);
    Onnx__ModelProto *model = bytes ? onnx__model_proto__unpack(NULL, size, bytes) : NULL;
    verdict found = BROKEN;
    if (!model || !model->graph)
        snprintf(sentence, SENTENCE, "%.500s cannot be read", path);
    else if (peek_context_create(&context, &options) != PEEK_OK)
        snprintf(sentence, SENTENCE, "no context");
    else
        found = test_model(context, path, model->graph, folder, sentence);
    peek_context_free(&context);
    if (model) onnx__model_proto__free_unpacked(model, NULL);
    free(bytes);
    return found;
}

/* Archer, by which the thread sanitizer knows of OpenMP, does not survive its end in a process that was forked.
 */
static _Noreturn void leave(int code)
{
    fflush(NULL);
    if (getenv("OMP_TOOL_LIBRARIES")) _exit(code);
    exit(code);
}

static void limit(void)
{
#ifndef NNPEEK_SANITIZED /* sanitizers reserve more than there is */
    const rlim_t memory = (rlim_t)6 << 30;
    setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
#endif
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

/* Runs tests until one does not return; gives how many did, and how the process ended. */
static size_t run_in_child(const char *const *folders, answer *answers, size_t count, int seconds, int *status)
{
    int ends[2];
    if (pipe(ends) != 0) abort();
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) abort();
    if (child == 0) {
        close(ends[0]);
        limit();
        for (size_t i = 0; i < count; i++) {
            answer it = {0};
            alarm((unsigned)seconds);
            it.found = one_test(folders[i], it.sentence);
            if (write(ends[1], &it, sizeof it) != (ssize_t)sizeof it) leave(1);
        }
        leave(0);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t n; got < count * sizeof *answers &&
                    (n = read(ends[0], (char *)answers + got, count * sizeof *answers - got)) > 0;)
        got += (size_t)n;
    close(ends[0]);
    waitpid(child, status, 0);
    return got / sizeof *answers;
}

static void tell_end(answer *of, int status, int seconds)
{
    char *sentence = of->sentence;
    of->found = BROKEN;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(sentence, SENTENCE, "not done after %d seconds", seconds);
    else if (WIFSIGNALED(status))
        snprintf(sentence, SENTENCE, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(sentence, SENTENCE, "ended with status %d", WEXITSTATUS(status));
}

void run_tests(const char *const *folders, answer *answers, size_t count, int seconds)
{
    enum { TOGETHER = 100 };
    size_t alone_until = 0;
    for (size_t done = 0; done < count;) {
        int status = 0;
        size_t many = done < alone_until ? 1 : count - done < TOGETHER ? count - done : TOGETHER;
        size_t got = run_in_child(folders + done, answers + done, many, seconds, &status);
        if (got == many && status == 0) {
            done += many;
        } else if (got == many && many > 1) {
            alone_until = done + many;
        } else { /* where all returned, the only one */
            size_t ended = done + (got < many ? got : 0);
            tell_end(&answers[ended], status, seconds);
            done = ended + 1;
        }
    }
}
