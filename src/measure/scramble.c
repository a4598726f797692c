/* measure/scramble.c: pictures whose structure is gone, or moved. The Fourier transform of a picture is F_h X
 * F_w with the matrices F of the transform, which fits sides of any length. */
#include "measure/scramble.h"

#include <complex.h>

#include <cblas.h>
#undef I
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

typedef struct scramble_work {
    peek__pictures *pictures;
    int64_t seed;
    int64_t *orders;                /* threads x plane */
    float *copies;                  /* threads x plane */
    double complex *rows, *columns; /* F_h: height x height, F_w: width x width */
    double complex *planes;         /* threads x 3 x plane */
} scramble_work;

static int64_t plane_of(const peek__pictures *pictures)
{
    return pictures->height * pictures->width;
}

static float *channel_of(const peek__pictures *pictures, int64_t t, int64_t c)
{
    return pictures->pixels + (t * pictures->channels + c) * plane_of(pictures);
}

static peek_status shuffle_picture(void *argument, int64_t t, int thread)
{
    scramble_work *work = argument;
    int64_t plane = plane_of(work->pictures), *order = work->orders + thread * plane;
    float *copy = work->copies + thread * plane;
    peek__stream stream = peek__stream_make((uint64_t)work->seed, PEEK__SCRAMBLE, (uint64_t)t);
    for (int64_t i = 0; i < plane; i++) order[i] = i;
    peek__random_shuffle(&stream, order, plane);
    for (int64_t c = 0; c < work->pictures->channels; c++) {
        float *pixels = channel_of(work->pictures, t, c);
        memcpy(copy, pixels, (size_t)plane * sizeof *copy);
        for (int64_t i = 0; i < plane; i++) pixels[i] = copy[order[i]];
    }
    return PEEK_OK;
}

peek_status peek__scramble_shuffle(peek_context *context, peek__pictures *pictures, int64_t seed)
{
    scramble_work work = {.pictures = pictures, .seed = seed};
    int64_t scratch = peek__product(peek__workers(context, pictures->count), plane_of(pictures));
    peek_status status = peek__alloc(context, &work.orders, scratch, "shuffled pictures");
    if (status == PEEK_OK) status = peek__alloc(context, &work.copies, scratch, "shuffled pictures");
    if (status == PEEK_OK) status = peek__parallel(context, pictures->count, shuffle_picture, &work);
    peek__free(&work.orders);
    peek__free(&work.copies);
    return status;
}

static void fill_transform(double complex *matrix, int64_t size)
{
    for (int64_t u = 0; u < size; u++)
        for (int64_t x = 0; x < size; x++) {
            double angle = -2 * M_PI * (double)(u * x % size) / (double)size;
            matrix[u * size + x] = cos(angle) + sin(angle) * _Complex_I;
        }
}

/* x <- F_h x F_w, or with `way` CblasConjTrans by the conjugates: the matrices are symmetric. */
static void transform(const scramble_work *work, CBLAS_TRANSPOSE way, double complex *x,
                      double complex *scratch)
{
    const double complex one = 1, zero = 0;
    int h = (int)work->pictures->height, w = (int)work->pictures->width;
    cblas_zgemm(CblasRowMajor, way, CblasNoTrans, h, w, h, &one, work->rows, h, x, w, &zero, scratch, w);
    cblas_zgemm(CblasRowMajor, CblasNoTrans, way, h, w, w, &one, scratch, w, work->columns, w, &zero, x, w);
}

/* Phases of the transform of white noise: those of a real picture. That of the mean stays 0. */
static void draw_phases(const scramble_work *work, int64_t t, double complex *phases, double complex *scratch)
{
    int64_t plane = plane_of(work->pictures);
    peek__stream stream = peek__stream_make((uint64_t)work->seed, PEEK__SCRAMBLE, (uint64_t)t);
    for (int64_t i = 0; i < plane; i++) phases[i] = peek__random_normal(&stream);
    transform(work, CblasNoTrans, phases, scratch);
    for (int64_t i = 0; i < plane; i++) phases[i] = i && cabs(phases[i]) > 0 ? phases[i] / cabs(phases[i]) : 1;
}

static peek_status scramble_picture(void *argument, int64_t t, int thread)
{
    scramble_work *work = argument;
    int64_t plane = plane_of(work->pictures);
    double complex *phases = work->planes + thread * 3 * plane, *x = phases + plane, *scratch = x + plane;
    draw_phases(work, t, phases, scratch);
    for (int64_t c = 0; c < work->pictures->channels; c++) {
        float *pixels = channel_of(work->pictures, t, c);
        for (int64_t i = 0; i < plane; i++) x[i] = pixels[i];
        transform(work, CblasNoTrans, x, scratch);
        for (int64_t i = 0; i < plane; i++) x[i] = cabs(x[i]) * phases[i];
        transform(work, CblasConjTrans, x, scratch);
        for (int64_t i = 0; i < plane; i++) pixels[i] = (float)fmin(1, fmax(0, creal(x[i]) / (double)plane));
    }
    return PEEK_OK;
}

peek_status peek__scramble_phases(peek_context *context, peek__pictures *pictures, int64_t seed)
{
    scramble_work work = {.pictures = pictures, .seed = seed};
    int64_t h = pictures->height, w = pictures->width, threads = peek__workers(context, pictures->count);
    peek_status status = peek__alloc(context, &work.rows, peek__product(h, h), "scrambled pictures");
    if (status == PEEK_OK)
        status = peek__alloc(context, &work.columns, peek__product(w, w), "scrambled pictures");
    if (status == PEEK_OK)
        status = peek__alloc(context, &work.planes, peek__product(3 * threads, h * w), "scrambled pictures");
    if (status == PEEK_OK) {
        fill_transform(work.rows, h);
        fill_transform(work.columns, w);
        status = peek__parallel(context, pictures->count, scramble_picture, &work);
    }
    peek__free(&work.rows);
    peek__free(&work.columns);
    peek__free(&work.planes);
    return status;
}

static int64_t within(int64_t at, int64_t size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

void peek__shift_picture(const peek__pictures *pictures, int64_t t, int64_t down, int64_t right, float *out)
{
    int64_t h = pictures->height, w = pictures->width;
    for (int64_t c = 0; c < pictures->channels; c++) {
        const float *from = channel_of(pictures, t, c);
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) *out++ = from[within(y - down, h) * w + within(x - right, w)];
    }
}
