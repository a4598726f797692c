/* study/recipes.c: the built-in recipes: the case studies of the paper.
 *
 * U. S. Saini, E. E. Papalexakis, A Peek Into the Hidden Layers of a Convolutional Neural Network Through a
 * Factorization Lens, KDD'18 workshop. Learning rates and batches are those with which the paper's accuracies
 * are found (the paper does not give them); it gives no number of iterations either, and multiplicative updates
 * need 200. */
#include "study/recipe.h"

#include <stddef.h>

#define PAPER   "\"samples\": 6000, \"network\": \"paper\", \"data\": \"mnist\"," FITS
#define ALEXNET "\"samples\": 2000, \"network\": \"alexnet\"," FITS
#define FITS                                                                                                   \
    "\"ranks\": \"10:50:10\","                                                                                 \
    "\"fits\": [{\"name\": \"mu\", \"rule\": \"mu\", \"iterations\": 200, \"tolerance\": 0},"                  \
    "           {\"name\": \"default\"},"                                                                      \
    "           {\"name\": \"equal norms\", \"scale\": \"norm\"}],"

/* What the paper says of the network that it trained class by class, 9 first. */
#define ORDERED(network)                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        \
    STATEMENT("the network recognises most of the 9s", network, "recognises", "\"class\": 9")                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   \
    "," STATEMENT("fewer neurons of relu1 carry anything than in the well-trained network", network, "carrying", UNUSED("relu1")) "," STATEMENT(                                                                                                                                                                                                                                                                                                                                                                                                                                \
        "fewer neurons of relu2 carry anything than in the well-trained network", network, "carrying", UNUSED("relu2")) "," STATEMENT("neurons active for 9 are also active for 1",                                                                                                                                                                                                                                                                                                                                                                                             \
                                                                                                                                      network, "overlap", SHARED("[[9, 1]]")) "," STATEMENT("neurons active for 9 are also active for 6", network, "overlap", SHARED("[[9, 6]]")) "," STATEMENT("neurons active for 1 are also active for 7", network, "overlap", SHARED("[[1, 7]]")) "," STATEMENT("neurons active for 1 are also active for 9", network, "overlap",                                                                                                           \
                                                                                                                                                                                                                                                                                                                                                                                                    SHARED(                                                                                                                                                                     \
                                                                                                                                                                                                                                                                                                                                                                                                        "[[1, 9]]")) "," STATEMENT("7 and 2 behave alike",                                                                                                                      \
                                                                                                                                                                                                                                                                                                                                                                                                                                   network,                                                                                                                                     \
                                                                                                                                                                                                                                                                                                                                                                                                                                   "overlap", SHARED("[[7, 2]]")) "," STATEMENT("neurons for 0 differ from those for 3 and 8", network,                                         \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "overlap",                                                                                      \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                SHARED(                                                                                         \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "[[0, 3], [0, 8]]") ", \"expects\": \"less\"") "," STATEMENT("3 and 8 share their neurons", \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 network,                       \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "overlap",                     \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 SHARED(                        \
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "[[3, 8]]"))
#define STATEMENT(about, network, what, more)                                                                  \
    "{\"about\": \"" about "\", \"network\": \"" network "\", \"what\": \"" what "\", " more "}"
#define SHARED(pairs) "\"layer\": \"relu2\", \"pairs\": " pairs
#define UNUSED(layer) "\"layer\": \"" layer "\", \"against\": \"shuffled\", \"expects\": \"less\""

static const struct {
    const char *name, *title, *json;
} recipes[] = {
    {"fraction", "Case study I: too little data",
     "{\"name\": \"fraction\", \"title\": \"Case study I: too little data\","
     "\"about\": \"The paper's network is trained for one epoch on 25, 50, 75 and 100 % of the data.\"," PAPER
     "\"networks\": [{\"name\": \"25 %\", \"fraction\": 0.25, \"paper_accuracy\": 83},"
     "               {\"name\": \"50 %\", \"fraction\": 0.5, \"paper_accuracy\": 89},"
     "               {\"name\": \"75 %\", \"fraction\": 0.75, \"paper_accuracy\": 93},"
     "               {\"name\": \"100 %\", \"paper_accuracy\": 95}],"
     "\"figures\": [{\"label\": \"Figure 3\", \"what\": \"rmse\"},"
     "              {\"label\": \"Figure 4\", \"what\": \"spectrum\", \"block\": \"relu1\"},"
     "              {\"label\": \"Figure 5\", \"what\": \"spectrum\", \"block\": \"relu2\"}]}"},
    {"classes", "Case study II: some classes only",
     "{\"name\": \"classes\", \"title\": \"Case study II: some classes only\","
     "\"about\": \"The paper's network is trained for one epoch on the samples of some classes, and looks at "
     "all.\"," PAPER "\"networks\": [{\"name\": \"0\", \"classes\": \"0\", \"paper_accuracy\": 9},"
     "               {\"name\": \"5-9\", \"classes\": \"5-9\", \"paper_accuracy\": 47},"
     "               {\"name\": \"0-4\", \"classes\": \"0-4\", \"paper_accuracy\": 50},"
     "               {\"name\": \"0-9\", \"paper_accuracy\": 93}],"
     "\"figures\": [{\"label\": \"Figure 7\", \"what\": \"rmse\"},"
     "              {\"label\": \"Figure 8\", \"what\": \"spectrum\", \"block\": \"relu2\"}]}"},
    {"order", "Case study III: class by class",
     "{\"name\": \"order\", \"title\": \"Case study III: class by class\","
     "\"about\": \"The paper's network is trained for one epoch on the samples of one class after another, "
     "without "
     "shuffling.\"," PAPER
     "\"networks\": [{\"name\": \"9, 0-8\", \"order\": \"by-class:9,0-8\", \"paper_accuracy\": 9},"
     "               {\"name\": \"0-9\", \"order\": \"by-class:0-9\"},"
     "               {\"name\": \"9-0\", \"order\": \"by-class:9,8,7,6,5,4,3,2,1,0\"},"
     "               {\"name\": \"9, 0-8, saturating\", \"order\": \"by-class:9,0-8\", \"loss\": "
     "\"saturating\","
     "                \"learning_rate\": 0.1, \"paper_accuracy\": 9},"
     "               {\"name\": \"shuffled\", \"paper_accuracy\": 95}],"
     "\"figures\": [{\"label\": \"Case study III\", \"what\": \"rmse\"},"
     "              {\"label\": \"Case study III\", \"what\": \"spectrum\", \"block\": \"relu1\"},"
     "              {\"label\": \"Case study III\", \"what\": \"spectrum\", \"block\": \"relu2\"},"
     "              {\"label\": \"Figure 2\", \"what\": \"components\"},"
     "              {\"label\": \"Figure 9\", \"what\": \"loadings\"}],"
     "\"statements\": [" ORDERED("9, 0-8") "," ORDERED("9, 0-8, saturating") "]}"},
    {"cifar", "AlexNet on CIFAR-10",
     "{\"name\": \"cifar\", \"title\": \"AlexNet on CIFAR-10\", \"data\": \"cifar10\","
     "\"about\": \"A larger network on colour pictures, trained for one epoch on 25, 50, 75 and 100 % of the "
     "data.\"," ALEXNET "\"networks\": [{\"name\": \"25 %\", \"fraction\": 0.25, \"epochs\": 1, \"batch\": "
     "128, \"learning_rate\": 0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"50 %\", \"fraction\": 0.5, \"epochs\": 1, \"batch\": 128, \"learning_rate\": "
     "0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"75 %\", \"fraction\": 0.75, \"epochs\": 1, \"batch\": 128, "
     "\"learning_rate\": 0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"100 %\", \"epochs\": 1, \"batch\": 128, \"learning_rate\": 0.05, "
     "\"momentum\": 0.9, \"normalise\": true}],"
     "\"figures\": [{\"label\": \"Figure 6\", \"what\": \"rmse\"},"
     "              {\"label\": \"Beside Figure 6\", \"what\": \"spectrum\", \"block\": \"relu1\"},"
     "              {\"label\": \"Beside Figure 6\", \"what\": \"spectrum\", \"block\": \"relu5\"}]}"},
    {"alexnet-mnist", "AlexNet on MNIST",
     "{\"name\": \"alexnet-mnist\", \"title\": \"AlexNet on MNIST\", \"data\": \"mnist\","
     "\"about\": \"The larger network on digits, trained for one epoch on 25, 50, 75 and 100 % of the "
     "data.\"," ALEXNET "\"networks\": [{\"name\": \"25 %\", \"fraction\": 0.25, \"epochs\": 1, \"batch\": "
     "128, \"learning_rate\": 0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"50 %\", \"fraction\": 0.5, \"epochs\": 1, \"batch\": 128, \"learning_rate\": "
     "0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"75 %\", \"fraction\": 0.75, \"epochs\": 1, \"batch\": 128, "
     "\"learning_rate\": 0.05, \"momentum\": 0.9, \"normalise\": true},"
     "               {\"name\": \"100 %\", \"epochs\": 1, \"batch\": 128, \"learning_rate\": 0.05, "
     "\"momentum\": 0.9, \"normalise\": true}],"
     "\"figures\": [{\"label\": \"Figure 6\", \"what\": \"rmse\"},"
     "              {\"label\": \"Beside Figure 6\", \"what\": \"spectrum\", \"block\": \"relu1\"},"
     "              {\"label\": \"Beside Figure 6\", \"what\": \"spectrum\", \"block\": \"relu5\"}]}"},
};

const char *peek__recipe_builtin(int64_t index, const char **name, const char **title)
{
    if (index < 0 || index >= (int64_t)(sizeof recipes / sizeof *recipes)) return NULL;
    *name = recipes[index].name;
    *title = recipes[index].title;
    return recipes[index].json;
}
