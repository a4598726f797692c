/* network/broadcast.c: element-wise loops over tensors that are spread to one shape. */
#include "network/broadcast.h"

void peek__broadcast_make(peek__broadcast *loop, int dimensions, const int64_t *shape, int tensors,
                          const peek__tensor *const *tensor)
{
    int64_t step[PEEK__WALKED][PEEK_DIMENSIONS] = {{0}};
    for (int t = 0; t < tensors; t++) peek__broadcast_steps(tensor[t], dimensions, step[t]);
    *loop = (peek__broadcast){.runs = 1, .run = 1};
    peek__walk *walk = &loop->walk;
    /* From the last dimension on: a dimension joins the one behind it where every tensor goes on alike. */
    int64_t joined[PEEK_DIMENSIONS], joined_step[PEEK__WALKED][PEEK_DIMENSIONS];
    int count = 0;
    for (int d = dimensions - 1; d >= 0; d--) {
        if (shape[d] == 1) continue;
        int joins = count > 0;
        for (int t = 0; joins && t < PEEK__WALKED; t++)
            joins = step[t][d] == joined_step[t][count - 1] * joined[count - 1];
        if (joins) {
            joined[count - 1] *= shape[d];
            continue;
        }
        joined[count] = shape[d];
        for (int t = 0; t < PEEK__WALKED; t++) joined_step[t][count] = step[t][d];
        count++;
    }
    if (count) {
        loop->run = joined[0];
        for (int t = 0; t < PEEK__WALKED; t++) loop->step[t] = joined_step[t][0];
    }
    walk->dimensions = count > 1 ? count - 1 : 0;
    for (int d = 0; d < walk->dimensions; d++) {
        walk->shape[d] = joined[count - 1 - d];
        loop->runs *= walk->shape[d];
        for (int t = 0; t < PEEK__WALKED; t++) walk->step[t][d] = joined_step[t][count - 1 - d];
    }
    if (!loop->run) loop->runs = 0;
}

/* Before opset 7 the second tensor is spread only if `broadcast` is set, and may stand at an `axis`: the same
 * as a shape with ones behind it. */
static peek_status align(peek_context *context, const peek__operation *operation, const peek__tensor *x,
                         peek__tensor *z)
{
    if (operation->node->opset >= 7 || !peek__attribute_integer(operation->node, "broadcast", 0) ||
        !peek__attribute_find(operation->node, "axis"))
        return PEEK_OK;
    int64_t axis = peek__attribute_integer(operation->node, "axis", 0);
    PEEK_TRY(peek__infer_axis(context, operation, x->dimensions, &axis));
    if (axis + z->dimensions > x->dimensions)
        return peek__broken(context, operation, "its axis %lld leaves no room for '%s'", (long long)axis,
                            peek__input_name(operation, 1));
    while (axis + z->dimensions < x->dimensions) z->shape[z->dimensions++] = 1;
    return PEEK_OK;
}

peek_status peek__infer_pair(peek_context *context, peek__operation *operation, peek__element type,
                             peek__broadcast *loop)
{
    const peek__tensor *x = operation->input[0];
    peek__tensor z = *operation->input[1];
    int dimensions;
    int64_t shape[PEEK_DIMENSIONS];
    PEEK_TRY(align(context, operation, x, &z));
    PEEK_TRY(peek__infer_broadcast(context, operation, x->dimensions, x->shape, z.dimensions, z.shape,
                                   &dimensions, shape));
    PEEK_TRY(peek__infer_output(context, operation, 0, type, dimensions, shape));
    const peek__tensor *tensors[2] = {x, &z};
    peek__broadcast_make(loop, dimensions, shape, 2, tensors);
    return PEEK_OK;
}
