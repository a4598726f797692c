/* bench/roofline.c: what this machine can do at most, and what the kernels do: multiply-adds in registers,
 * reading memory, and both products of a pass on data in cache and from memory.
 *
 *     roofline [--json] [--threads N] [--kernels]
 *
 * Figures are the best of several repetitions. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "linalg/kernel.h"

enum { REPEATS = 7 };

static volatile float sink;

/* Independent vectors x <- x a + b, as many as hide the latency, each a variable of its own so that it stays in
 * a register. Returns the number of floating-point operations. */
#define STEP(s) s = s * a + b;
#define FMA_LOOP(name, attribute, width)                                                                       \
    typedef float name##_vector __attribute__((vector_size(width * sizeof(float))));                           \
    attribute static double name(int64_t rounds)                                                               \
    {                                                                                                          \
        name##_vector a = {0}, b = {0}, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;                      \
        a += 0.999f, b += 1e-3f;                                                                               \
        s0 = b, s1 = s0 + a, s2 = s1 + a, s3 = s2 + a, s4 = s3 + a, s5 = s4 + a, s6 = s5 + a; /* all differ */ \
        s7 = s6 + a, s8 = s7 + a, s9 = s8 + a, s10 = s9 + a, s11 = s10 + a;                                    \
        for (int64_t round = 0; round < rounds; round++) {                                                     \
            STEP(s0)                                                                                           \
            STEP(s1)                                                                                           \
            STEP(s2) STEP(s3) STEP(s4) STEP(s5) STEP(s6) STEP(s7) STEP(s8) STEP(s9) STEP(s10) STEP(s11)        \
        }                                                                                                      \
        s0 += s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;                                          \
        sink = s0[0];                                                                                          \
        return 2.0 * width * 12 * (double)rounds;                                                              \
    }

FMA_LOOP(fma_plain, , 4)
#ifdef __x86_64__
FMA_LOOP(fma_avx512, __attribute__((target("avx512f"))), 16)
FMA_LOOP(fma_avx2, __attribute__((target("avx2,fma"))), 8)
#endif

static double (*best_fma(void))(int64_t)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return fma_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return fma_avx2;
#endif
    return fma_plain;
}

static double fma_gflops(int threads)
{
    double (*loop)(int64_t) = best_fma(), best = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double done = 0, begin = peek__seconds();
#pragma omp parallel num_threads(threads) reduction(+ : done)
        done += loop(1000000);
        double rate = done / (peek__seconds() - begin) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

/* GB/s of summing an array far larger than any cache. */
static double read_gbs(int threads)
{
    int64_t count = 128 << 20;
    float *values = malloc((size_t)count * sizeof *values);
    double best = 0;
    if (!values) return 0;
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < count; i++) values[i] = 1;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        float total = 0;
        double begin = peek__seconds();
#pragma omp parallel for num_threads(threads) reduction(+ : total)
        for (int64_t block = 0; block < count / 4096; block++) {
            float sums[64] = {0};
            for (int64_t i = block * 4096; i < (block + 1) * 4096; i += 64)
                for (int j = 0; j < 64; j++) sums[j] += values[i + j];
            for (int j = 0; j < 64; j++) total += sums[j];
        }
        sink = total;
        double rate = (double)count * sizeof *values / (peek__seconds() - begin) / 1e9;
        if (rate > best) best = rate;
    }
    free(values);
    return best;
}

/* As peek__alloc() gives it: at a 64-byte boundary. */
static float *zeros(int64_t count)
{
    float *values = aligned_alloc(64, ((size_t)count * sizeof *values + 63) / 64 * 64);
    if (!values) exit(1);
    return memset(values, 0, (size_t)count * sizeof *values);
}

/* GFLOP/s of a kernel's two products on runs of `rows` x n, `runs` of them one after the other. */
static void kernel_gflops(const peek__kernel *kernel, int64_t rows, int64_t n, int64_t k, int64_t runs,
                          double out[2])
{
    float *x = zeros(runs * rows * n), *wt = zeros(k * n), *r = zeros(rows * k), *nt = zeros(k * n);
    for (int64_t i = 0; i < runs * rows * n; i++) x[i] = (float)(i % 7);
    out[0] = out[1] = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++)
        for (int product = 0; product < 2; product++) {
            double begin = peek__seconds();
            int64_t rounds = runs > 1 ? 1 : 20;
            for (int64_t round = 0; round < rounds; round++)
                for (int64_t run = 0; run < runs; run++) {
                    const float *soon = run + 1 < runs ? x + (run + 1) * rows * n : NULL;
                    if (product == 0)
                        kernel->times(rows, n, k, 1, x + run * rows * n, n, soon, wt, n, r);
                    else
                        kernel->transposed(rows, n, k, r, x + run * rows * n, n, soon, nt, n);
                }
            double rate = 2.0 * (double)(rounds * runs * rows * n * k) / (peek__seconds() - begin) / 1e9;
            if (rate > out[product]) out[product] = rate;
        }
    free(x), free(wt), free(r), free(nt);
}

static void show_kernels(double peak)
{
    static const int64_t ranks[] = {10, 20, 50, 100};
    printf("%8s %5s %28s %28s\n", "kernel", "k", "X W, GFLOP/s: cache, memory", "X^T F: cache, memory");
    for (int64_t i = 0; peek__kernel_at(i); i++) {
        const peek__kernel *kernel = peek__kernel_at(i);
        if (!kernel->usable()) continue;
        for (size_t j = 0; j < sizeof ranks / sizeof *ranks; j++) {
            double cached[2], streamed[2];
            kernel_gflops(kernel, 80, 1440, ranks[j], 1, cached);
            kernel_gflops(kernel, 80, 1440, ranks[j], 125, streamed);
            printf("%8s %5lld", kernel->name, (long long)ranks[j]);
            for (int p = 0; p < 2; p++)
                printf("   %6.1f (%3.0f %%) %6.1f (%3.0f %%)", cached[p], 100 * cached[p] / peak, streamed[p],
                       100 * streamed[p] / peak);
            printf("\n");
        }
    }
}

int main(int argc, char **argv)
{
    int json = 0, threads = 1, kernels = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = 1;
        else if (strcmp(argv[i], "--kernels") == 0)
            kernels = 1;
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
            threads = atoi(argv[++i]);
        else {
            fprintf(stderr, "usage: roofline [--json] [--threads N] [--kernels]\n");
            return 2;
        }
    }
    double peak = fma_gflops(threads), read = read_gbs(threads);
    omp_set_num_threads(1); /* of what BLAS opens in a kernel */
    if (json)
        printf("{\"fma_gflops\": %.2f, \"read_gbs\": %.2f, \"threads\": %d, \"kernel\": \"%s\"}\n", peak, read,
               threads, peek__kernel_best()->name);
    else
        printf("%d thread%s: %.1f GFLOP/s of multiply-adds, %.1f GB/s of reading; kernel %s\n", threads,
               threads > 1 ? "s" : "", peak, read, peek__kernel_best()->name);
    if (kernels) show_kernels(peak / threads);
    return 0;
}
