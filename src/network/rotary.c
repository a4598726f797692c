/* network/rotary.c: RotaryEmbedding: pairs of numbers of a head, turned by an angle of their row's position p:
 *
 *     y_1 = cos[p, i] x_1 - sin[p, i] x_2,    y_2 = sin[p, i] x_1 + cos[p, i] x_2
 *
 * Pair i is (i, i + r / 2) of the first r numbers, or (2 i, 2 i + 1) if they are interleaved; the others stay.
 * Source: the ONNX operator; J. Su et al., RoFormer (2021). */
#include "network/heads.h"

#include <string.h>

enum { INPUT, COSINE, SINE, POSITION };

typedef struct settings {
    peek__heads heads;
    int64_t pairs, positions; /* positions: rows of the tables */
    int interleaved;
} settings;

static peek_status infer(peek_context *context, peek__operation *operation)
{
    const peek__tensor *x = operation->input[INPUT], *cosine = operation->input[COSINE],
                       *position = peek__input(operation, POSITION);
    settings *rotary;
    PEEK_TRY(peek__infer_settings(context, operation, &rotary));
    peek__heads *heads = &rotary->heads;
    PEEK_TRY(peek__heads_of(context, operation, INPUT, peek__attribute_integer(operation->node, "num_heads", 0),
                            heads));
    PEEK_TRY(peek__needs_floats(context, operation, COSINE));
    PEEK_TRY(peek__needs_floats(context, operation, SINE));
    if (position) PEEK_TRY(peek__needs_integers(context, operation, POSITION));
    int64_t turned = peek__attribute_integer(operation->node, "rotary_embedding_dim", 0);
    if (!turned) turned = heads->width;
    rotary->pairs = turned / 2;
    rotary->interleaved = peek__attribute_integer(operation->node, "interleaved", 0) != 0;
    int tables = position ? 2 : 3;
    int fits = turned >= 0 && turned % 2 == 0 && turned <= heads->width && cosine->dimensions == tables &&
               peek__same_shape(cosine, operation->input[SINE]) && cosine->shape[tables - 1] == rotary->pairs;
    if (fits && position)
        fits = position->dimensions == 2 && position->shape[0] == heads->batch &&
               position->shape[1] == heads->rows;
    else if (fits)
        fits = cosine->shape[0] == heads->batch && cosine->shape[1] == heads->rows;
    if (!fits)
        return peek__broken(context, operation, "its tables '%s' and '%s' do not fit heads of %lld values",
                            peek__input_name(operation, COSINE), peek__input_name(operation, SINE),
                            (long long)heads->width);
    rotary->positions = position ? cosine->shape[0] : heads->batch * heads->rows;
    return peek__infer_output(context, operation, 0, x->type, x->dimensions, x->shape);
}

static void turn(const settings *rotary, const float *x, float *y, const float *cosine, const float *sine)
{
    int64_t step = rotary->interleaved ? 2 : 1, apart = rotary->interleaved ? 1 : rotary->pairs;
    for (int64_t i = 0; i < rotary->pairs; i++) {
        float first = x[i * step], second = x[i * step + apart];
        y[i * step] = cosine[i] * first - sine[i] * second;
        y[i * step + apart] = sine[i] * first + cosine[i] * second;
    }
    for (int64_t i = 2 * rotary->pairs; i < rotary->heads.width; i++) y[i] = x[i];
}

static peek_status forward(peek_context *context, peek__operation *operation)
{
    const settings *rotary = operation->settings;
    const peek__heads *heads = &rotary->heads;
    const peek__tensor *position = peek__input(operation, POSITION);
    for (int64_t b = 0; b < heads->batch; b++)
        for (int64_t r = 0; r < heads->rows; r++) {
            int64_t row = b * heads->rows + r, p = position ? position->integers[row] : row;
            if (p < 0 || p >= rotary->positions)
                return peek__broken(context, operation, "its position %lld is outside %lld entries",
                                    (long long)p, (long long)rotary->positions);
            for (int64_t h = 0; h < heads->heads; h++) {
                int64_t at = peek__head_at(heads, b, h) + r * heads->row_step;
                turn(rotary, operation->input[INPUT]->floats + at, operation->output[0]->floats + at,
                     operation->input[COSINE]->floats + p * rotary->pairs,
                     operation->input[SINE]->floats + p * rotary->pairs);
            }
        }
    return PEEK_OK;
}

static const peek__operator rows[] = {{.name = "RotaryEmbedding",
                                       .first = 23,
                                       .least_inputs = 3,
                                       .most_inputs = 4,
                                       .infer = infer,
                                       .forward = forward}};
const peek__family peek__rotary_family = PEEK__FAMILY(rows);
