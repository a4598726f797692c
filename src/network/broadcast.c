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
