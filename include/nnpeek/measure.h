/* nnpeek/measure.h: spectra and measures of blocks, of outputs, and of a whole run. docs/measures.md says what
 * each tells and what fools it.
 *
 *     X  T x n   a block: one sample a row          P  T x K   an output: every row a probability distribution
 *
 * Matrices are row-major. A measure that has no value for its argument is NAN (in measures.json: null). */
#ifndef NNPEEK_MEASURE_H
#define NNPEEK_MEASURE_H

#include "nnpeek/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Spectra: from singular values sigma_1 >= sigma_2 >= .. of X, or of X with its column means taken off */

/* Singular values sigma_1 >= sigma_2 >= .. of X (rows x columns, row-major, `stride` floats from row to row),
 * as square roots of the eigenvalues of the smaller Gram matrix in double precision. values: array of `count`
 * <= min(rows, columns). Exact to about 1e-8 sigma_1. Memory: min(rows, columns)^2 doubles, twice. Errors:
 * E_ARGUMENT, E_NUMERIC, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_singular_values(peek_context *context, const float *x, int64_t rows, int64_t columns,
                                          int64_t stride, double *values, int64_t count);

/* The same of X - 1 m^T, m the means of its columns; exact to about 1e-8 of the sigma_1 of X itself. */
PEEK_API peek_status peek_centred_singular_values(peek_context *context, const float *x, int64_t rows,
                                                  int64_t columns, int64_t stride, double *values,
                                                  int64_t count);

/* exp of the entropy of p_i = sigma_i / sum sigma: the effective number of directions, 1 .. count.
 * Source: O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007; as RankMe: Q. Garrido et al., ICML 2023. 0
 * when all values are 0. */
PEEK_API double peek_effective_rank(const double *singular_values, int64_t count);

/* sum sigma_i^2 / sigma_1^2 = ||X||_F^2 / ||X||_2^2, 1 .. count; 0 when all values are 0.
 * Source: M. Rudelson, R. Vershynin, Journal of the ACM 54(4), 2007. */
PEEK_API double peek_stable_rank(const double *singular_values, int64_t count);

/* (sum lambda_i)^2 / sum lambda_i^2 with lambda_i = sigma_i^2, 1 .. count; 0 when all values are 0.
 * Source: P. Gao et al., A theory of multineuronal dimensionality, bioRxiv 214262, 2017. */
PEEK_API double peek_participation_ratio(const double *singular_values, int64_t count);

/* The least m with sum_(i <= m) sigma_i^2 >= share sum sigma_i^2; 0 when all values are 0. */
PEEK_API int64_t peek_components_for(const double *singular_values, int64_t count, double share);

enum { PEEK_EXPONENT_FIRST = 4, PEEK_EXPONENT_LAST = 100, PEEK_EXPONENT_LEAST = 10 };

/* alpha of sigma_i^2 ~ i^-alpha: least squares of 2 log sigma_i over log i, weighted by 1/i, for i =
 * PEEK_EXPONENT_FIRST .. PEEK_EXPONENT_LAST, as far as sigma_i > 1e-6 sigma_1. NAN where that leaves fewer than
 * PEEK_EXPONENT_LEAST. Meant for centred X. Sources: C. Stringer et al., Nature 571, 2019; K. Agrawal et al.,
 * alpha-ReQ, NeurIPS 2022. */
PEEK_API double peek_spectrum_exponent(const double *singular_values, int64_t count);

/* ---- Samples among each other */

enum { PEEK_DIMENSION_LEAST = 20 };

/* Intrinsic dimension of the rows of X by their two nearest neighbours: with mu_t = r2 / r1 of row t
 * (Euclidean), sorted, the slope through the origin of -log(1 - t/N) over log mu_t for the smallest 90 % of
 * them. Rows that have a twin are left out; NAN where fewer than PEEK_DIMENSION_LEAST remain. X: rows x
 * columns, `stride` from row to row. Memory: rows^2 doubles. Source: E. Facco et al., Scientific Reports
 * 7:12140, 2017. Errors: E_ARGUMENT, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_intrinsic_dimension(peek_context *context, const float *x, int64_t rows,
                                              int64_t columns, int64_t stride, double *dimension);

/* Linear CKA of two blocks of the same samples,  h(K, L) / sqrt(h(K, K) h(L, L)),  K = X X^T, L = Y Y^T, with
 * the unbiased estimator of HSIC, h(K, L) = [tr(K'L') + 1'K'1 1'L'1 / ((m-1)(m-2)) - 2 1'K'L'1 / (m-2)] / (m
 * (m-3)), K' and L' with zero diagonals, m = rows >= 4. At most 1; about 0 for independent blocks, also
 * slightly below. NAN where a block has no unbiased norm. X: rows x x_columns, Y: rows x y_columns. Memory:
 * about 2 rows^2 doubles, whatever the columns. Sources: S. Kornblith et al., ICML 2019; T. Nguyen et al., ICLR
 * 2021; L. Song et al., JMLR 13, 2012. Errors: E_ARGUMENT, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_linear_cka(peek_context *context, int64_t rows, const float *x, int64_t x_columns,
                                     const float *y, int64_t y_columns, double *cka);

/* ---- The output, where every row of P is a probability distribution */

/* 1 where all rows are: K >= 2, no negative value, sum 1 to 1e-3. */
PEEK_API int peek_is_probability(const float *p, int64_t rows, int64_t classes);

/* H(mean_t p_t) - mean_t H(p_t) in nats, H(p) = -sum_c p_c log p_c: 0 .. log K.
 * Source: J. Bridle et al., Unsupervised classifiers, mutual information and phantom targets, NIPS 1991. */
PEEK_API double peek_mutual_information(const float *p, int64_t rows, int64_t classes);

/* mean_t max_c p_tc: 1/K .. 1. */
PEEK_API double peek_mean_confidence(const float *p, int64_t rows, int64_t classes);

/* sum of the singular values of P / sqrt(T min(T, K)): > 0 .. 1, which needs confident predictions spread
 * evenly over the classes. Source: W. Deng et al., Confidence and dispersity speak, ICML 2023. */
PEEK_API double peek_nuclear_norm(const double *singular_values, int64_t rows, int64_t classes);

/* MaNo with the softmax as normalisation: (sum_tc p_tc^4 / (T K))^(1/4): K^-1 .. K^(-1/4).
 * Source: R. Xie et al., MaNo, NeurIPS 2024 (which takes a Taylor series of the logits instead where these are
 * little calibrated; logits cannot be had from P). */
PEEK_API double peek_mano(const float *p, int64_t rows, int64_t classes);

/* Dispersion of features over pseudo-classes c_t = argmax_c p_tc:
 *     log( sum_c T_c ||mu_c - mu||^2 / (K - 1) ),  mu_c mean of the T_c rows of X that fall to c, mu of all.
 * X: rows x columns, `stride` from row to row. NAN where fewer than two classes are predicted. Source: R. Xie
 * et al., On the importance of feature separability in predicting out-of-distribution error, NeurIPS 2023.
 * Errors: E_ARGUMENT, E_MEMORY. */
PEEK_API peek_status peek_dispersion(peek_context *context, const float *p, int64_t classes, const float *x,
                                     int64_t rows, int64_t columns, int64_t stride, double *dispersion);

/* ---- A run */

/* Measures a run folder (capture/ and, where present, fit/) and writes RUN/measures.json. manifest_digest, and
 * fit_digest of every rank, say which manifest.json and fit.json they were computed from; a report leaves out
 * what was computed from others. Spectra are of at most 4000 evenly spaced samples where there are more of both
 * samples and columns; pairs and intrinsic dimensions of at most 2000. Errors: E_NOT_FOUND (no capture or fit
 * in it), E_FORMAT, E_IO, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_measure_run(peek_context *context, const char *run);

#ifdef __cplusplus
}
#endif
#endif
