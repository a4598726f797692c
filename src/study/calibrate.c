/* study/calibrate.c: scores from parts, by non-negative least squares on networks whose accuracy is known. */
#include "study/calibrate.h"

#include <math.h>

#include "base/memory.h"

static const double ridge = 1e-3;         /* in units of standard deviations */
static const double constant_part = 1e-6; /* a deviation below this is none */
enum { LEAST_ROWS = 10, SWEEPS = 20000 };

static double angle_of(double accuracy)
{
    return asin(sqrt(accuracy));
}

/* Sums over the rows in use, for the parts of one source. */
typedef struct moments {
    int64_t count, parts;
    peek__verdict_part part[PEEK__PARTS];
    double mean[PEEK__PARTS], deviation[PEEK__PARTS], angle;
    double gram[PEEK__PARTS][PEEK__PARTS], right[PEEK__PARTS]; /* of standardised parts, means over the rows */
} moments;

static int is_whole(const peek__quality_table *table, const moments *m, int64_t row)
{
    for (int64_t p = 0; p < m->parts; p++)
        if (isnan(table->part[row * PEEK__PARTS + m->part[p]])) return 0;
    return 1;
}

static double standardised(const peek__quality_table *table, const moments *m, int64_t row, int64_t p)
{
    if (m->deviation[p] < constant_part) return 0;
    return (table->part[row * PEEK__PARTS + m->part[p]] - m->mean[p]) / m->deviation[p];
}

static void take_means(const peek__quality_table *table, const char *use, moments *m)
{
    for (int64_t row = 0; row < table->rows; row++) {
        if (!use[row] || !is_whole(table, m, row)) continue;
        m->count++;
        m->angle += angle_of(table->accuracy[row]);
        for (int64_t p = 0; p < m->parts; p++) {
            double value = table->part[row * PEEK__PARTS + m->part[p]];
            m->mean[p] += value;
            m->deviation[p] += value * value;
        }
    }
    double count = (double)(m->count ? m->count : 1);
    m->angle /= count;
    for (int64_t p = 0; p < m->parts; p++) {
        m->mean[p] /= count;
        m->deviation[p] = sqrt(fmax(0, m->deviation[p] / count - m->mean[p] * m->mean[p]));
    }
}

static void take_products(const peek__quality_table *table, const char *use, moments *m)
{
    for (int64_t row = 0; row < table->rows; row++) {
        if (!use[row] || !is_whole(table, m, row)) continue;
        for (int64_t p = 0; p < m->parts; p++) {
            double x = standardised(table, m, row, p) / (double)m->count;
            m->right[p] += x * (angle_of(table->accuracy[row]) - m->angle);
            for (int64_t q = 0; q < m->parts; q++) m->gram[p][q] += x * standardised(table, m, row, q);
        }
    }
    for (int64_t p = 0; p < m->parts; p++) m->gram[p][p] += ridge;
}

/* Coordinate descent on a strictly convex problem of a few variables. */
static void solve(const moments *m, double *weight)
{
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int64_t p = 0; p < m->parts; p++) {
            double residual = m->right[p];
            for (int64_t q = 0; q < m->parts; q++) residual -= m->gram[p][q] * weight[q];
            weight[p] = fmax(0, weight[p] + residual / m->gram[p][p]);
        }
}

peek_status peek__calibrate(peek_context *context, const peek__quality_table *table, const char *use,
                            peek__calibration *out)
{
    *out = (peek__calibration){0};
    for (int source = 0; source < PEEK__SOURCES; source++) {
        moments m = {0};
        double weight[PEEK__PARTS] = {0};
        for (int part = 0; part < PEEK__PARTS; part++)
            if (peek__verdict_uses((peek__verdict_source)source, (peek__verdict_part)part))
                m.part[m.parts++] = (peek__verdict_part)part;
        take_means(table, use, &m);
        if (m.count < LEAST_ROWS)
            return peek__fail(context, PEEK_E_SHAPE,
                              "only %lld networks can be learnt from, but scores need %d: give the recipe more "
                              "networks or seeds",
                              (long long)m.count, LEAST_ROWS);
        take_products(table, use, &m);
        solve(&m, weight);
        out->constant[source] = m.angle;
        for (int64_t p = 0; p < m.parts; p++) {
            if (m.deviation[p] < constant_part) continue;
            out->weight[source][m.part[p]] = weight[p] / m.deviation[p];
            out->constant[source] -= weight[p] / m.deviation[p] * m.mean[p];
        }
    }
    return PEEK_OK;
}

peek_status peek__calibrate_check(peek_context *context, const peek__recipe *recipe, int64_t seeds)
{
    for (int64_t left_out = 0; left_out < recipe->groups; left_out++) {
        int64_t count = 0;
        if (!peek__is_learnt_from(&recipe->group[left_out])) continue;
        for (int64_t n = 0; n < recipe->networks; n++) {
            int64_t group = recipe->network[n].group;
            count += group >= 0 && group != left_out && peek__is_learnt_from(&recipe->group[group]);
        }
        if (count * seeds < LEAST_ROWS)
            return peek__fail(
                context, PEEK_E_FORMAT,
                "without the group '%s' only %lld networks of the first family can be learnt from, but "
                "scores need %d: give the recipe more networks or --seeds",
                recipe->group[left_out].name, (long long)(count * seeds), LEAST_ROWS);
    }
    return PEEK_OK;
}

double peek__calibrated_score(const peek__quality_table *table, const peek__calibration *calibration,
                              peek__verdict_source source, int64_t row)
{
    return peek__verdict_score(calibration, source, table->part + row * PEEK__PARTS);
}

int peek__is_learnt_from(const peek__study_group *group)
{
    return group && group->judged && group->family == 0;
}

static int is_learnt_from(const peek__quality_table *table, int64_t row)
{
    return peek__is_learnt_from(peek__quality_group(table, row));
}

static void score_rows(const peek__quality_table *table, const peek__calibration *calibration,
                       const peek__study_group *group, double *scores)
{
    for (int64_t row = 0; row < table->rows; row++) {
        int mine = group ? peek__quality_group(table, row) == group : !is_learnt_from(table, row);
        for (int source = 0; mine && source < PEEK__SOURCES; source++)
            scores[source * table->rows + row] =
                peek__calibrated_score(table, calibration, (peek__verdict_source)source, row);
    }
}

peek_status peek__calibrate_apart(peek_context *context, const peek__quality_table *table, double *scores,
                                  peek__calibration *out)
{
    char *use;
    peek__calibration apart;
    peek_status status = PEEK_OK;
    PEEK_TRY(peek__alloc(context, &use, table->rows, "a calibration"));
    for (int64_t g = 0; status == PEEK_OK && g < table->recipe->groups; g++) {
        const peek__study_group *group = &table->recipe->group[g];
        if (!peek__is_learnt_from(group)) continue;
        for (int64_t row = 0; row < table->rows; row++)
            use[row] = is_learnt_from(table, row) && peek__quality_group(table, row) != group;
        status = peek__calibrate(context, table, use, &apart);
        if (status == PEEK_OK) score_rows(table, &apart, group, scores);
    }
    for (int64_t row = 0; row < table->rows; row++) use[row] = (char)is_learnt_from(table, row);
    if (status == PEEK_OK) status = peek__calibrate(context, table, use, out);
    if (status == PEEK_OK) score_rows(table, out, NULL, scores);
    peek__free(&use);
    return status;
}
