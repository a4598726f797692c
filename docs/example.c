/* The library in one page: draw data, train a small network, look into it, write a report.
 * cc example.c $(pkg-config --cflags --libs nnpeek) && ./a.out */
#include <nnpeek/nnpeek.h>
#include <stdio.h>

static peek_status look(peek_context *context)
{
    peek_dataset_options data_options;
    peek_dataset *training = NULL;
    peek_network *network = NULL;
    peek_train_options train_options;
    peek_train_result trained;

    /* 2,000 drawn digits, built in; a folder of pictures or "mnist" would do as well. */
    peek_dataset_options_default(&data_options);
    data_options.split = PEEK_SPLIT_TRAIN;
    data_options.samples = 2000;
    peek_status status = peek_dataset_open(context, "strokes", &data_options, &training);

    /* One epoch of the paper's network. */
    if (status == PEEK_OK) status = peek_network_build(context, "paper", 1, 28, 28, 10, 0, &network);
    peek_train_options_default(&train_options);
    if (status == PEEK_OK) status = peek_network_train(context, network, training, &train_options, &trained);
    if (status == PEEK_OK) printf("trained on %lld samples, loss %.3f\n", (long long)trained.samples, trained.loss);
    if (status == PEEK_OK) status = peek_network_save(context, network, "example.onnx");
    peek_network_free(&network);
    peek_dataset_free(&training);

    /* The whole way: capture, joint factorisation of input and layers at two ranks, measures, report. */
    peek_inspect_options options;
    peek_inspect_options_default(&options);
    options.samples = 500;
    options.ranks = "5,10";
    if (status == PEEK_OK)
        status = peek_inspect(context, "example.onnx", "strokes", "example-run", "example.html", &options);
    if (status == PEEK_OK) printf("open example.html in a browser\n");
    return status;
}

int main(void)
{
    peek_context *context = NULL;
    if (peek_context_create(&context, NULL) != PEEK_OK) return 1;
    peek_status status = look(context);
    if (status != PEEK_OK) fprintf(stderr, "%s: %s\n", peek_status_name(status), peek_error(context));
    peek_context_free(&context);
    return status == PEEK_OK ? 0 : 1;
}
