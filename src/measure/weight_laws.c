/* measure/weight_laws.c: WeightWatcher's alpha of every layer that has weights.
 *
 * A convolution's kernel, out x in x h x w, is h w matrices out x in; their eigenvalues, squares of singular
 * values, count together. alpha_hat = alpha log10 of the largest eigenvalue. Sources: as peek_fit_power_law().
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "measure/document.h"
#include "network/weight_role.h"
#include "measure/run_network.h"

/* A weight tensor as `count` matrices of rows x columns: entry (i, j) of matrix m lies at (i columns + j) count
 * + m. */
typedef struct slices {
    const float *data;
    int64_t count, rows, columns;
} slices;

/* 0 where the tensor is no matrix of weights. */
static int slice(const peek__tensor *tensor, slices *out)
{
    if (tensor->dimensions < 2 || !tensor->floats || !tensor->size) return 0;
    *out = (slices){.data = tensor->floats, .rows = tensor->shape[0], .columns = tensor->shape[1]};
    out->count = tensor->size / (out->rows * out->columns);
    return 1;
}

static peek_status eigenvalues(peek_context *context, const slices *s, float *matrix, double *values)
{
    int64_t size = s->rows < s->columns ? s->rows : s->columns, entries = s->rows * s->columns;
    for (int64_t m = 0; m < s->count; m++) {
        for (int64_t i = 0; i < entries; i++) matrix[i] = s->data[i * s->count + m];
        PEEK_TRY(
            peek_singular_values(context, matrix, s->rows, s->columns, s->columns, values + m * size, size));
    }
    for (int64_t i = 0; i < s->count * size; i++) values[i] *= values[i];
    return PEEK_OK;
}

static void put_law(const double *values, int64_t count, const peek_power_law *law, cJSON *entry)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, values[i]);
    cJSON_AddNumberToObject(entry, "eigenvalues", (double)count);
    peek__put_number(entry, "largest_eigenvalue", largest);
    peek__put_number(entry, "alpha", law->alpha);
    peek__put_number(entry, "alpha_hat", law->alpha * log10(largest));
    peek__put_number(entry, "smallest_of_tail", law->smallest);
    peek__put_number(entry, "tail", (double)law->count);
    peek__put_number(entry, "distance", law->distance);
    if (!law->count)
        cJSON_AddStringToObject(entry, "reason", "fewer than 50 eigenvalues: a power law cannot be told");
}

static peek_status measure_slices(peek_context *context, const slices *s, cJSON *entry)
{
    int64_t count = s->count * (s->rows < s->columns ? s->rows : s->columns);
    float *matrix = NULL;
    double *values = NULL;
    peek_power_law law;
    peek_status status = peek__alloc(context, &matrix, peek__product(s->rows, s->columns), "a layer's weights");
    if (status == PEEK_OK) status = peek__alloc(context, &values, count, "eigenvalues of weights");
    if (status == PEEK_OK) status = eigenvalues(context, s, matrix, values);
    if (status == PEEK_OK) status = peek_fit_power_law(context, values, count, &law);
    if (status == PEEK_OK) put_law(values, count, &law, entry);
    peek__free(&matrix);
    peek__free(&values);
    return status;
}

static peek_status measure_weight(peek_context *context, const peek_network *network, int64_t index,
                                  cJSON *list)
{
    const peek__value *value = &network->value[network->weight[index]];
    peek__weight_role role = peek__weight_role_of(network, index);
    slices s;
    if (role.kind != PEEK__WEIGHT_MATRIX || !slice(&value->tensor, &s)) return PEEK_OK;
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(list, entry);
    cJSON_AddStringToObject(entry, "name", value->name);
    cJSON_AddStringToObject(entry, "node", role.node->name);
    cJSON_AddStringToObject(entry, "operator", role.node->op);
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int i = 0; i < value->tensor.dimensions; i++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)value->tensor.shape[i]));
    return measure_slices(context, &s, entry);
}

peek_status peek__examine_weights(peek__examination *of)
{
    peek_network *network = NULL;
    PEEK_TRY(peek__run_network(of, &network));
    cJSON *list = cJSON_AddArrayToObject(of->measures, "weights");
    peek_status status = PEEK_OK;
    peek__stage(of->context, "measure", "eigenvalues of weights", network->weights);
    for (int64_t i = 0; status == PEEK_OK && i < network->weights; i++) {
        status = measure_weight(of->context, network, i, list);
        if (status == PEEK_OK) status = peek__step(of->context, i + 1);
    }
    peek_network_free(&network);
    return status;
}
