/* network/random_draw.c: operators that draw random numbers. They are known, and refused: the same input would
 * not give the same activations again. */
#include "network/operators.h"

static peek_status refuse(peek_context *context, peek__operation *operation)
{
    return peek__refuse(context, operation,
                        "it draws random numbers, so that no run could be repeated; export the network for "
                        "inference");
}

#define ROW(op, opset)                                                                                         \
    {                                                                                                          \
        .name = (op), .first = (opset), .most_inputs = 1, .infer = refuse                                      \
    }
static const peek__operator rows[] = {ROW("Bernoulli", 15),    ROW("Multinomial", 7),
                                      ROW("RandomNormal", 1),  ROW("RandomNormalLike", 1),
                                      ROW("RandomUniform", 1), ROW("RandomUniformLike", 1)};
const peek__family peek__random_draw_family = PEEK__FAMILY(rows);
