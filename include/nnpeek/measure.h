/* nnpeek/measure.h: spectra and measures of blocks, of outputs, and of a whole run. docs/measures.md says what
 * each tells and what fools it.
 *
 *     X  T x n   a block: one sample a row          P  T x K   an output: every row a probability distribution
 *
 * Matrices are row-major. A measure that has no value for its argument is NAN (in measures.json: null). */
#ifndef NNPEEK_MEASURE_H
#define NNPEEK_MEASURE_H

#include "nnpeek/fit.h"

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

/* Share of samples whose largest output is in the same place in P and Q, T x K, 0 .. 1; NAN without samples. */
PEEK_API double peek_agreement(const float *p, const float *q, int64_t rows, int64_t classes);

/* Effective invariance: the mean over samples of sqrt(p_tc q_tc) where both predict the same class c, and of 0
 * where they do not, 0 .. 1. P: the output for the samples, Q: for the samples changed (shifted). Source: W.
 * Deng et al., On the strong correlation between model invariance and generalization, NeurIPS 2022. */
PEEK_API double peek_effective_invariance(const float *p, const float *q, int64_t rows, int64_t classes);

enum { PEEK_NEIGHBOURS = 10 };

/* Whether samples that are alike get the same class. N_t: the PEEK_NEIGHBOURS other rows of X with the largest
 * cosine to row t, the first of equal ones; rows that are zero have cosine 0 with all. Over all pairs (t, u), u
 * in N_t:
 *
 *     agreement   = share of pairs with label[t] = label[u],    0 .. 1
 *     information = sum_ab p_ab log( p_ab / (p_a. p_.b) ) nats,  p_ab: share of pairs with classes a and b
 *
 * The agreement of one class for all is 1, its information 0; information is at most the entropy of the labels,
 * and too high by about (classes - 1)^2 / (2 PEEK_NEIGHBOURS rows) where there are few rows for many classes.
 * X: rows x columns, rows > PEEK_NEIGHBOURS, `stride` from row to row; label: rows, each 0 .. classes-1, as a
 * network predicts them. NAN for more than 4096 classes. Memory: rows^2 doubles. Sources: T. Cover, P. Hart,
 * IEEE Transactions on Information Theory 13, 1967 (neighbours); the information of predictions over neighbours
 * is ours. Errors: E_ARGUMENT, E_VALUE, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_neighbour_agreement(peek_context *context, const float *x, int64_t rows,
                                              int64_t columns, int64_t stride, const int32_t *label,
                                              int64_t classes, double *agreement, double *information);

/* ---- Weights */

enum { PEEK_POWER_LAW_LEAST = 50 };
#define PEEK_POWER_LAW_ZERO 1e-12

/* The tail x >= smallest of a sample as a power law x^-alpha. */
typedef struct peek_power_law {
    double alpha;    /* 1 + n / sum log(x_i / smallest) over the n values of the tail */
    double smallest; /* the value where the tail begins that gives the least distance */
    double distance; /* of Kolmogorov and Smirnov, between tail and fit */
    int64_t count;   /* n */
} peek_power_law;

/* Fits it as WeightWatcher fits the eigenvalues of a layer's W^T W: every value is tried as the beginning of
 * the tail. Values up to PEEK_POWER_LAW_ZERO times the largest are left out; where fewer than
 * PEEK_POWER_LAW_LEAST remain all members are NAN and count is 0. O(count^2). Sources: A. Clauset et al., SIAM
 * Review 51(4), 2009; C. Martin et al., Nature Communications 12:4122, 2021. Errors: E_MEMORY. */
PEEK_API peek_status peek_fit_power_law(peek_context *context, const double *values, int64_t count,
                                        peek_power_law *out);

/* ---- The matrices of a model: F, T x k, and loadings W, n x k (nnpeek/fit.h) */

/* Mean cosine of all pairs of components' loadings, from their Gram matrix W^T W, k x k: 0 where no two share a
 * column, 1 where all are the same. Components that are zero are left out; NAN without a pair. */
PEEK_API double peek_coherence(const double *gram, int64_t rank);

/* (sqrt(n) - |x|_1 / |x|_2) / (sqrt(n) - 1) of n = count values, `stride` apart: 0 where all are equal, 1 where
 * one is not zero; NAN where all are or n < 2. Source: P. Hoyer, JMLR 5, 2004. */
PEEK_API double peek_sparsity(const float *values, int64_t count, int64_t stride);

/* Of each component the largest share that one class has of it, max_c sum_(t in c) f_tr / sum_t f_tr: 1/classes
 * .. 1; NAN where the component is zero. labels: one a sample, -1: unknown, left out. purity: k. For captions:
 * labels are never used in a fit. Errors: E_MEMORY. */
PEEK_API peek_status peek_purity(peek_context *context, const float *f, const int32_t *labels, int64_t rows,
                                 int64_t rank, double *purity);

/* Slope of the least-squares line through (x_i, y_i); NAN where all x are equal. */
PEEK_API double peek_slope(const double *x, const double *y, int64_t count);

/* The matching of rows to columns, one to one, that maximises the sum of similarities (k x k): match[r] is the
 * column of row r. O(k^3). Sources: H. Kuhn, Naval Research Logistics Quarterly 2, 1955; R. Jonker, A.
 * Volgenant, Computing 38, 1987. Errors: E_VALUE (not finite), E_MEMORY. */
PEEK_API peek_status peek_match(peek_context *context, const double *similarity, int64_t k, int64_t *match);

/* The one-standard-error rule over errors held out at rising ranks: the place of the first whose error is at
 * most that of the least plus its standard error. -1 where nothing can be recommended: fewer than three ranks;
 * the least is at the last place, so that a larger rank may have less; the place found is the first, so that a
 * smaller one may do. Source: T. Hastie et al., The Elements of Statistical Learning, 2nd edition, 7.10. */
PEEK_API int64_t peek_one_standard_error(const double *errors, const double *standard_errors, int64_t count);

/* ---- Models of other starts, and on samples that they were not fitted to */

/* Matches the components of two models of the same rank, samples and blocks one to one (peek_match()) for the
 * largest sum of
 *     similarity_rs = cos(f_r, f'_s) cos(w_r, w'_s),   w: sqrt(alpha_b) W_b of all blocks, one below the other,
 * Tucker's congruence: 1 for the same component, whatever its scale. match: k, the component of b for each of
 * a; similarity: k, with it. The stability of a rank is its mean over pairs of models from independent random
 * starts; a start that they share, as nndsvd, would make it 1 by itself. Source: G. Tomasi, R. Bro,
 * Computational Statistics & Data Analysis 50(7), 2006. Errors: E_ARGUMENT, E_SHAPE, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_match_models(peek_context *context, const peek_model *a, const peek_model *b,
                                       int64_t *match, double *similarity);

/* How well each block tells the others, through the components, on samples the model was not fitted to:
 *     F_a = argmin over F >= 0 of || X_a - F W_a^T ||,   errors[a][b] = || X_b - F_a W_b^T || / || X_b ||.
 * held_out: such samples of blocks that the model has. errors: (blocks + 1) x blocks, row-major; the last row
 * is from all blocks together, each with its weight in the model. NAN where a block is 0. Errors: E_ARGUMENT,
 * E_NOT_FOUND (a block that the model does not have), E_SHAPE, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_transmission(peek_context *context, const peek_problem *held_out,
                                       const peek_model *model, double *errors);

/* Bi-cross-validation of the joint model. Fold g holds out a random part of the samples together with the
 * columns j of every block for which column_group[b][j] is g (0 .. folds-1). Kept samples and columns are
 * fitted at every rank (with the options' seed + g); the held-out samples are found by non-negative least
 * squares from the kept columns, the loadings of the held-out columns from the kept samples, and
 *     error = sqrt( sum_b alpha_b || X_b - F W_b^T ||^2 / sum_b alpha_b || X_b ||^2 )
 * over the corner of held-out samples and columns, which nothing has seen. Columns that tell each other, as
 * neighbouring pixels, belong in one group. ranks: rising. errors: folds x count. block_errors: count x blocks,
 * each over the corners of all folds together; may be NULL. Sources: A. Owen, P. Perry, Annals of Applied
 * Statistics 3(2), 2009; with non-negative least squares: B. Kanagal, V. Sindhwani, Rank selection in low-rank
 * matrix approximations, NIPS workshop 2010. Errors: E_ARGUMENT, E_SHAPE (too few columns, rank larger than
 * what is kept), those of peek_sweep(). */
PEEK_API peek_status peek_cross_validate(peek_context *context, const peek_problem *problem,
                                         const peek_fit_options *options, int64_t folds,
                                         const int64_t *const *column_group, int64_t count,
                                         const int64_t *ranks, double *errors, double *block_errors);

/* ---- A run */

/* Measures a run folder (capture/ and, where present, fit/) and writes RUN/measures.json. manifest_digest, and
 * fit_digest of every rank, say which manifest.json and fit.json they were computed from; a report leaves out
 * what was computed from others. Spectra are of at most 4000 evenly spaced samples where there are more of both
 * samples and columns; pairs and intrinsic dimensions of at most 2000. Errors: E_NOT_FOUND (no capture or fit
 * in it), E_FORMAT, E_IO, E_MEMORY, E_STOPPED. */
PEEK_API peek_status peek_measure_run(peek_context *context, const char *run);

typedef struct peek_measure_options {
    size_t size;
    int64_t stability; /* flag; default 0: how far components come back from independent random starts */
    int64_t
        transmission;    /* flag; default 0: how well one block's share in the components predicts the others */
    int64_t choose_rank; /* flag; default 0: bi-cross-validation of the ranks */
    int64_t nulls;       /* flag; default 0: the same where there is nothing to find */
    int64_t shifts;      /* flag; default 0: predictions for pictures shifted by 1 to 3 pixels */
    int64_t weights;     /* flag; default 0: power laws of the layers' weights */
    int64_t all;         /* flag; default 0: all of these; what is not for such a run is told and left out */
    const char *ranks;   /* default NULL: those of RUN/fit */
    int64_t starts;      /* default 4: random starts for `stability` */
    int64_t folds;       /* default 5: for `choose_rank`; one of as many parts is held out for `transmission` */
    int64_t samples;     /* default 2000: at most so many, evenly spaced, for all but `weights` */
    const char *network; /* default NULL, RUN/network.onnx: for nulls, shifts and weights */
    const char *calibration; /* default NULL, the built-in one: calibration.json of a study of the kind
                                "quality", for the verdict */
    int64_t seed;            /* default 0 */
} peek_measure_options;

PEEK_API const peek_option_table *peek_measure_option_table(void);
PEEK_API void peek_measure_options_default(peek_measure_options *options);

/* peek_measure_run(), then what the options ask for; what is not asked for is kept from an older measures.json
 * where it was computed from the same capture and fits. The same bits for any number of threads. Errors: those
 * of peek_measure_run(), peek_fit(), peek_transform() and peek_capture(); E_NOT_FOUND (no network), E_ARGUMENT
 * (a network that the capture was not made from; no ranks), E_UNSUPPORTED (nulls and shifts of what is no
 * picture). */
PEEK_API peek_status peek_measure(peek_context *context, const char *run, const peek_measure_options *options);

#ifdef __cplusplus
}
#endif
#endif
