/* study/recipe_groups.h: groups of networks that differ in one thing, written out as networks. */
#ifndef STUDY_RECIPE_GROUPS_H
#define STUDY_RECIPE_GROUPS_H

#include "base/json_made.h"
#include <stdint.h>

/* Adds to the recipe's `networks` one entry for each of the `values` of each of its `groups`: the members of
 * the group's `of`, and the member that it `vary`s with the value, or the members of a value that is an object.
 * Returns the name of a member that is wrong, of the group at place *index, or NULL; *memory: 0 where there was
 * not enough. */
const char *peek__recipe_expand(cJSON *recipe, int64_t *index, int *memory);

#endif
