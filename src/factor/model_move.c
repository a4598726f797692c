/* factor/model_move.c: a model as part of a checkpoint. */
#include <string.h>

#include "factor/model.h"

static peek_status move_numbers(peek_model *model, peek__record *record, int64_t room)
{
    int64_t *whole[] = {&model->seed, &model->iterations, &model->sketch_width, &model->sketch_iterations};
    double *real[] = {&model->sketch_seconds, &model->seconds, &model->rmse, &model->relative_error};
    char stop[16] = "";
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) PEEK_TRY(peek__record_value(record, whole[i]));
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) PEEK_TRY(peek__record_value(record, real[i]));
    if (model->stop) strncpy(stop, model->stop, sizeof stop - 1);
    PEEK_TRY(peek__record_array(record, stop, (int64_t)sizeof stop));
    stop[sizeof stop - 1] = 0;
    model->stop = peek__model_stop(stop);
    int possible = model->iterations >= 0 && model->iterations <= room && model->sketch_iterations >= 0 &&
                   model->sketch_iterations <= room;
    if (possible) return PEEK_OK;
    return peek__fail(record->context, PEEK_E_FORMAT, "'%s' counts iterations that there cannot be",
                      record->path);
}

peek_status peek__model_move(peek_model *model, peek__record *record, int64_t iterations, int judged)
{
    PEEK_TRY(move_numbers(model, record, iterations));
    PEEK_TRY(peek__record_array(record, model->samples, model->rows * model->rank));
    PEEK_TRY(peek__record_array(record, model->loadings, model->columns * model->rank));
    PEEK_TRY(peek__record_array(record, model->objective, model->iterations));
    PEEK_TRY(peek__record_array(record, model->times, model->iterations));
    if (!judged) return PEEK_OK;
    for (int64_t b = 0; b < model->blocks; b++) {
        PEEK_TRY(peek__record_value(record, &model->block[b].rmse));
        PEEK_TRY(peek__record_value(record, &model->block[b].relative_error));
    }
    return peek__record_array(record, model->errors, model->rows * model->blocks);
}
