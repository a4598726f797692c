/* study/recipes.c: the built-in recipes, texts that lie in recipes/ and are embedded by recipes.S.
 *
 * The case studies are those of U. S. Saini, E. E. Papalexakis, A Peek Into the Hidden Layers of a
 * Convolutional Neural Network Through a Factorization Lens, KDD'18 workshop. Learning rates and batches are
 * those with which the paper's accuracies are found (the paper does not give them); it gives no number of
 * iterations either, and multiplicative updates need 200. */
#include "study/recipe.h"

#include <stddef.h>

extern const char peek__recipe_fraction[], peek__recipe_classes[], peek__recipe_order[], peek__recipe_cifar[],
    peek__recipe_alexnet_mnist[], peek__recipe_quality[];

static const struct builtin {
    const char *name, *title, *json;
} recipes[] = {
    {"fraction", "Case study I: too little data", peek__recipe_fraction},
    {"classes", "Case study II: some classes only", peek__recipe_classes},
    {"order", "Case study III: class by class", peek__recipe_order},
    {"cifar", "AlexNet on CIFAR-10", peek__recipe_cifar},
    {"alexnet-mnist", "AlexNet on MNIST", peek__recipe_alexnet_mnist},
    {"quality", "How well was it trained, told without labels", peek__recipe_quality},
};

const char *peek__recipe_builtin(int64_t index, const char **name, const char **title)
{
    if (index < 0 || index >= (int64_t)(sizeof recipes / sizeof *recipes)) return NULL;
    *name = recipes[index].name;
    *title = recipes[index].title;
    return recipes[index].json;
}
