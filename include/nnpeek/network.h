/* nnpeek/network.h: networks read from ONNX or built here, run, trained and written as ONNX. */
#ifndef NNPEEK_NETWORK_H
#define NNPEEK_NETWORK_H

#include "nnpeek/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peek_network peek_network;

/* Reads an ONNX file. The caller frees *out with peek_network_free().
 * Errors: E_NOT_FOUND, E_FORMAT (not ONNX, a broken graph), E_UNSUPPORTED (names operator, node and opset),
 * E_MEMORY. */
PEEK_API peek_status peek_network_load(peek_context *context, const char *path, peek_network **out);

/* Builds a network of the zoo with weights and biases drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
 * `paper`: 28 x 28 grey, conv 1>10 5x5, max-pool 2, ReLU, conv 10>20 5x5, max-pool 2, ReLU, dense 320>classes,
 * softmax. `alexnet`: 32 x 32, grey or colour, the paper's variant for CIFAR-10: conv >64 11x11 stride 4, pool
 * 2, conv 64>192 5x5, pool 2, conv 192>384, 384>256 and 256>256 3x3, pool 2, dense 256>classes, softmax; ReLU
 * behind every conv. classes: 2 or more. Errors: E_NOT_FOUND (unknown name; the sentence lists the known),
 * E_SHAPE, E_MEMORY. */
PEEK_API peek_status peek_network_build(peek_context *context, const char *name, int64_t channels,
                                        int64_t height, int64_t width, int64_t classes, uint64_t seed,
                                        peek_network **out);

/* What a network of the zoo takes, C x H x W, for data of so many channels: what peek_dataset_fit() may bring
 * pictures to. Errors: E_NOT_FOUND. */
PEEK_API peek_status peek_network_takes(peek_context *context, const char *name, int64_t data_channels,
                                        int64_t shape[3]);

/* Writes ONNX: whole or not at all. Errors: E_IO, E_MEMORY. */
PEEK_API peek_status peek_network_save(peek_context *context, const peek_network *network, const char *path);

PEEK_API void peek_network_free(peek_network **network);

#define PEEK_DIMENSIONS 8

/* Strings live as long as the network. */
typedef struct peek_network_info {
    const char *name;                /* the graph's name */
    const char *producer;            /* who wrote it */
    const char *input;               /* the name of the input tensor */
    int64_t inputs;                  /* of the network; what follows is about the first */
    int64_t channels, height, width; /* of one input sample, also of one that is H x W x C; 0 where the file
                                        leaves a size open */
    int open;                        /* 1: a size is left open: tensors and outputs are described for stand-ins,
                                        and a run takes the sizes of its data */
    int64_t dimensions;              /* of one input sample */
    int64_t shape[PEEK_DIMENSIONS];  /* its sizes, with stand-ins for those left open */
    int64_t outputs;                 /* values of the output for one sample */
    int64_t parameters;              /* numbers in all weights */
    int64_t tensors;                 /* how many tensors can be captured */
    int64_t opset;
    const char *digest; /* 16 hexadecimal digits over graph and weights */
} peek_network_info;
PEEK_API peek_network_info peek_network_describe(const peek_network *network);

/* An input of the network, without the dimension of the samples. */
typedef struct peek_input_info {
    const char *name;
    const char *type;               /* "float", "int64" */
    int64_t dimensions;             /* of one sample */
    int64_t shape[PEEK_DIMENSIONS]; /* 0 where the file leaves a size open */
    int samples;                    /* 0: it has no dimension of samples: one for all */
} peek_input_info;

/* Input 0 <= index < inputs. Errors: E_ARGUMENT. */
PEEK_API peek_status peek_network_input(peek_context *context, const peek_network *network, int64_t index,
                                        peek_input_info *out);

/* A tensor that can be captured, without the dimension of the samples. */
typedef struct peek_tensor_info {
    const char *name;   /* as in the file, and as Netron shows it */
    const char *node;   /* the name of the node that makes it; "" where the file gives none */
    const char *op;     /* its operator: "Relu" */
    int64_t dimensions; /* of one sample: 3 for C x H x W, 1 for flat */
    int64_t shape[PEEK_DIMENSIONS];
    int64_t size;       /* values of one sample, the product of shape */
    int64_t parameters; /* numbers in the weights of its node */
    int activation;     /* 1: the output of an activation function */
    int output;         /* 1: the output of the network */
    int automatic;      /* 1: one of the layers that a capture takes by default */
    const char *layout; /* how shape is to be read: "channels-first" (C x H x W), "channels-last", "tokens" (N x
                           D), "flat" */
} peek_tensor_info;

/* Tensor 0 <= index < tensors, in the order of execution. Errors: E_ARGUMENT. */
PEEK_API peek_status peek_network_tensor(peek_context *context, const peek_network *network, int64_t index,
                                         peek_tensor_info *out);

/* Values of one tensor for `count` samples: x is count x C x H x W in [0, 1] (before the network's own
 * normalisation, where its file carries one); out is count x size. tensor NULL: the output. Errors: E_NOT_FOUND
 * (tensor), E_SHAPE, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_network_run(peek_context *context, const peek_network *network, const float *x,
                                      int64_t count, const char *tensor, float *out);

typedef enum peek_loss { PEEK_LOSS_CROSS_ENTROPY, PEEK_LOSS_SATURATING } peek_loss;

/* An epoch that is done. */
typedef struct peek_train_epoch {
    int64_t epoch, epochs; /* 1 .. epochs */
    int64_t steps;         /* so far */
    double learning_rate;  /* of this epoch */
    double loss;           /* mean over its samples */
    double train_accuracy; /* while training */
    double seconds;        /* of training, since it began; of a resumed one, its earlier part included */
} peek_train_epoch;

/* Called after every epoch, on the thread that called the library, when the network holds its weights. Anything
 * but PEEK_OK ends the training with this status. */
typedef peek_status (*peek_train_epoch_fn)(const peek_train_epoch *epoch, void *user);

typedef struct peek_train_options {
    size_t size;
    int64_t epochs;       /* default 1 */
    int64_t batch;        /* default 64 */
    double learning_rate; /* default 0.01 */
    double momentum;      /* default 0.5: v <- momentum v + g, w <- w - learning_rate v */
    double weight_decay;  /* default 0: g <- g + weight_decay w, of all weights and biases */
    const char
        *milestones; /* default NULL: "30,80": after so many epochs the learning rate is multiplied by gamma
                      */
    double gamma;    /* default 0.1 */
    int64_t
        loss;          /* peek_loss; default cross-entropy (mean over the batch; every sample
                                       weighs the same in an incomplete last one); saturating: softmax applied twice */
    int64_t normalise; /* flag; default 0: subtract each channel's mean and divide by its deviation over the
                          training data; written into the file, applied by every later run */
    int64_t shuffle;   /* flag; default 1: a new seeded order every epoch; 0: the dataset's order */
    int64_t seed;      /* default 0: of the shuffling */
    const char *checkpoint; /* default NULL: a file that is written after every epoch, and within long ones, to
                               resume from; the caller removes it once the network is saved */
    int64_t resume; /* flag; default 0: go on from the checkpoint, where it is there; to the same bits */
    double checkpoint_every;   /* default 20: seconds after which a checkpoint is written within an epoch; 0:
                                  after every step */
    peek_train_epoch_fn epoch; /* no flag; default NULL */
    void *user;                /* passed to epoch */
} peek_train_options;

PEEK_API const peek_option_table *peek_train_option_table(void);
PEEK_API void peek_train_options_default(peek_train_options *options);

typedef struct peek_train_result {
    int64_t samples; /* trained on, one epoch */
    int64_t steps;
    double seconds;        /* of training, without the test */
    double loss;           /* mean of the last epoch */
    double train_accuracy; /* of the last epoch, while training */
} peek_train_result;

/* Trains in place by stochastic gradient descent; the same bits for any number of threads. g is the mean of the
 * gradients over a batch. Errors: E_SHAPE, E_UNSUPPORTED (operators without a backward, all of them named),
 * E_ARGUMENT (milestones; a checkpoint of another training), E_FORMAT and E_IO (the checkpoint), E_NUMERIC (the
 * loss is no longer finite), E_MEMORY, E_STOPPED (the network then holds the weights of the last whole step).
 * Sources: H. Robbins, S. Monro, Annals of Mathematical Statistics 22, 1951; as torch.optim.SGD and
 * MultiStepLR. */
PEEK_API peek_status peek_network_train(peek_context *context, peek_network *network,
                                        const peek_dataset *dataset, const peek_train_options *options,
                                        peek_train_result *result);

/* Accuracy in 0..1 of the class with the largest output, and confusion: classes x classes (true x predicted),
 * row-major, owned by the caller; NULL if not wanted. classes is the number of outputs. */
PEEK_API peek_status peek_network_evaluate(peek_context *context, const peek_network *network,
                                           const peek_dataset *dataset, double *accuracy, int64_t *confusion);

/* How a capture writes numbers. A block's entry in manifest.json says the type of its file. */
typedef enum peek_store {
    PEEK_STORE_FLOAT32,
    PEEK_STORE_PIXELS,  /* inputs that are pictures of 8 bits as bytes k of k/255, exactly; all else float32 */
    PEEK_STORE_FLOAT16, /* such inputs likewise, all else rounded to IEEE binary16; E_VALUE beyond 65504 */
    PEEK_STORE_BFLOAT16 /* such inputs likewise, all else rounded to the upper half of a float */
} peek_store;           /* the network's output, and inputs of numbers that are names, are float32 always */

typedef struct peek_capture_options {
    size_t size;
    const char *layers; /* default "auto": after every activation function of the main path, in transformers
                           after every block, and the network's output for the measures; else globs over tensor
                           or node names, op:Relu, commas between */
    int64_t samples;    /* default 0, all: at most this many, a seeded random choice */
    int64_t batch; /* default 16: samples a thread runs at a time, or fewer where they would take much memory */
    const char *preprocess; /* default "auto": what the file carries, else a guess from the shape of the input,
                               which is told; none and zero-one (pixels in [0, 1]), pixels (0 to 255), imagenet,
                               mean=a,b,c,std=d,e,f */
    const char *reduce; /* default "none"; auto: layers are averaged as far as the budget asks for; mean, max or
                           grid:G (averages over G x G cells) for maps; mean, max or first for tokens; one of
                           each with a comma between */
    double budget;      /* default 1: gigabytes (1e9 bytes) that all layers may take as stored, for `auto` */
    int64_t store;      /* peek_store; default float32 */
    int64_t seed;       /* default 0 */
    int64_t resume;     /* flag; default 0: go on from folder.partial, where it is there, to the same bits; a
                           finished capture made from the same is kept */
    double
        checkpoint_every; /* default 20: seconds after which what is done is made safe; 0: after every slice */
} peek_capture_options;

PEEK_API const peek_option_table *peek_capture_option_table(void);
PEEK_API void peek_capture_options_default(peek_capture_options *options);

/* Runs the dataset through the network and writes a capture folder: manifest.json, one .npy a block (as
 * options->store says, one sample a row; the input's channels before any normalisation, and every chosen layer)
 * and labels.npy where labels are known. Pictures are brought to the network's size and colours
 * (peek_dataset_fit()). Notes tell what was guessed and reduced and, before it begins, what it will take of
 * disk and time. It is made in folder.partial; when it fails, is stopped or killed after some samples were made
 * safe, that stays, and a call with `resume` goes on with it. Errors: E_ARGUMENT (resume, and what is there is
 * of another capture), E_NOT_FOUND (no such layer), E_SHAPE (the samples do not fit the network), E_IO (also
 * where the disk has no room), E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_capture(peek_context *context, const peek_network *network,
                                  const peek_dataset *dataset, const peek_capture_options *options,
                                  const char *folder);

/* The samples of one input of a network. Borrowed. */
typedef struct peek_input {
    const char *name; /* of the input; NULL: the first that no other entry names */
    const peek_dataset *data;
} peek_input;

/* The same for networks of several inputs, or of other things than pictures: every input is given its samples,
 * as many, in the same order. Inputs that are no pictures become blocks as they are; of whole numbers that
 * stand for something (tokens of a text) the block is captured, but takes no part in the factorisation. Labels
 * are those of the first that has any. Errors: those of peek_capture(), E_ARGUMENT (an input without samples,
 * an unknown name). */
PEEK_API peek_status peek_capture_inputs(peek_context *context, const peek_network *network, int64_t count,
                                         const peek_input *input, const peek_capture_options *options,
                                         const char *folder);

/* Opens what a command line gives: data, as peek_dataset_open() takes it, or NULL; and `count` texts
 * "NAME=DATA", one for a named input. labels: a file for the first of them, or NULL. *out: *inputs entries, to
 * be freed with peek_inputs_free(). Errors: E_ARGUMENT, those of opening. */
PEEK_API peek_status peek_inputs_open(peek_context *context, const char *data, int64_t count,
                                      const char *const *named, const peek_dataset_options *options,
                                      const char *labels, peek_input **out, int64_t *inputs);
PEEK_API void peek_inputs_free(peek_input **inputs, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
