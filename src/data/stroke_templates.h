/* data/stroke_templates.h: how each digit is written: the points a pen passes, in several ways of writing. */
#ifndef DATA_STROKE_TEMPLATES_H
#define DATA_STROKE_TEMPLATES_H

#include <stdint.h>

/* A point of a template, 0..100 to the right and down. x below 0 ends a stroke: the pen goes up, or turns a
 * corner where the next stroke begins at the same point. */
typedef struct peek__stroke_point {
    int8_t x, y;
} peek__stroke_point;

typedef struct peek__stroke_template {
    int digit;
    int weight; /* how often it is used among those of its digit */
    int count;  /* points, ends of strokes included */
    const peek__stroke_point *points;
} peek__stroke_template;

/* A template of this digit for any `pick`, as often as its weight says. */
const peek__stroke_template *peek__stroke_template_pick(int digit, uint32_t pick);

#endif
