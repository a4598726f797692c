"""Sweeps, penalties and transforms of nnpeek fit against the same models alone, scikit-learn and SciPy."""
import unittest
import warnings

import numpy as np
from scipy.optimize import nnls
from sklearn.decomposition import non_negative_factorization

from support import Case


def blocks(seed, rows=400, widths=(60, 90), rank=6, noise=0.2):
    random = np.random.default_rng(seed)
    samples = random.gamma(0.5, size=(rows, rank))
    return [(samples @ random.gamma(0.5, size=(rank, n)) + noise * random.random((rows, n))).astype(np.float32)
            for n in widths]


class Sweep(Case):
    def save(self, data):
        for i, x in enumerate(data):
            np.save(self.path(f"b{i}.npy"), x)
        return [f"b{i}.npy" for i in range(len(data))]

    def matrices(self, folder, count):
        return (np.load(self.path(folder, "samples.npy")),
                [np.load(self.path(folder, f"b{i}.npy")) for i in range(count)])

    def test_models_of_a_sweep_are_those_of_single_fits(self):
        """On the data itself: bit for bit, for every rule and any number of threads; the best of the starts is kept."""
        data = blocks(1)
        files = self.save(data)
        for rule in ("mu", "hals", "bpp"):
            options = ("--rule", rule, "--iterations", 30, "--accuracy", "exact")
            self.nnpeek("fit", *files, "--ranks", "2,5,9", "--restarts", 3, "--threads", 2, *options, "-o", "sweep")
            for rank in (2, 5, 9):
                fit = self.read_json("sweep", f"rank-{rank}", "fit.json")
                starts = fit["starts"]
                self.assertEqual([s["seed"] for s in starts], [0, 1, 2])
                self.assertEqual(fit["seed"], min(starts, key=lambda s: s["objective"])["seed"])
                self.assertGreater(len({s["objective"] for s in starts}), 1)
                self.assertEqual(fit["sweep_models"], 9)
                self.assertEqual(len(fit["times"]), fit["iterations"])
                self.assertEqual(sorted(fit["times"]), fit["times"])
                self.nnpeek("fit", *files, "--ranks", rank, "--seed", fit["seed"], "--threads", 1, *options, "-o", "one")
                f, w = self.matrices(f"sweep/rank-{rank}", 2)
                f_one, w_one = self.matrices(f"one/rank-{rank}", 2)
                self.assertEqual(f.tobytes(), f_one.tobytes())
                for a, b in zip(w, w_one):
                    self.assertEqual(a.tobytes(), b.tobytes())

    def test_a_shared_sketch_costs_no_quality(self):
        """Smaller ranks work on the leading part of the sketch of the largest; same bits for any number of threads."""
        data = blocks(2, rows=2500, widths=(300, 200), rank=12)
        files = self.save(data)
        for threads in (1, 3):
            self.nnpeek("fit", *files, "--ranks", "4,8,12", "--threads", threads, "-o", f"sweep{threads}")
        for rank in (4, 8, 12):
            fit = self.read_json("sweep1", f"rank-{rank}", "fit.json")
            self.assertEqual(fit["sketch"]["width"], 2 * rank + 8)
            self.nnpeek("fit", *files, "--ranks", rank, "--accuracy", "exact", "-o", "exact")
            exact = self.read_json("exact", f"rank-{rank}", "fit.json")
            self.assertLess(fit["relative_error"], 1.01 * exact["relative_error"])
            one, other = (self.matrices(f"sweep{threads}/rank-{rank}", 2) for threads in (1, 3))
            self.assertEqual(one[0].tobytes(), other[0].tobytes())
            self.assertEqual(one[1][1].tobytes(), other[1][1].tobytes())

    def test_penalties_are_those_of_scikit_learn(self):
        """Its objective, evaluated in double on our matrices, is half of ours; and no worse than what it finds."""
        data, rank = blocks(3, rows=150, widths=(40, 30), noise=0.5), 5
        files, x = self.save(data), np.hstack(data).astype(np.float64)
        for alpha_w, alpha_h, ratio, rule in ((0.02, 0.01, 1, "hals"), (0.01, 0.02, 0, "hals"), (0.02, 0.02, 0.5, "bpp"),
                                              (0.02, 0.01, 0.7, "mu")):
            found = []
            for seed in range(3):
                self.nnpeek("fit", *files, "--ranks", rank, "--rule", rule, "--iterations", 3000, "--tolerance", 1e-8,
                            "--seed", seed, "--l1-samples", alpha_w * ratio, "--l1-loadings", alpha_h * ratio,
                            "--l2-samples", alpha_w * (1 - ratio), "--l2-loadings", alpha_h * (1 - ratio), "-o", "fit")
                fit = self.read_json("fit", f"rank-{rank}", "fit.json")
                f, w = self.matrices(f"fit/rank-{rank}", 2)

                def objective(f, h):
                    n, t = x.shape[1], x.shape[0]
                    return (0.5 * ((x - f @ h) ** 2).sum() + alpha_w * ratio * n * f.sum() + alpha_h * ratio * t * h.sum()
                            + 0.5 * alpha_w * (1 - ratio) * n * (f ** 2).sum()
                            + 0.5 * alpha_h * (1 - ratio) * t * (h ** 2).sum())

                ours = objective(f.astype(np.float64), np.vstack(w).T.astype(np.float64))
                self.assertAlmostEqual(fit["objective"][-1] / (2 * ours), 1, delta=1e-5)
                self.assertLessEqual(max(np.diff(fit["objective"])), 1e-5 * fit["objective"][0])
                found.append(ours)
            theirs = []
            for seed in range(3):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    f, h, _ = non_negative_factorization(x, n_components=rank, init="random", solver="cd", tol=1e-8,
                                                         max_iter=2000, alpha_W=alpha_w, alpha_H=alpha_h, l1_ratio=ratio,
                                                         random_state=seed)
                theirs.append(objective(f, h))
            self.assertLess(min(found), 1.005 * min(theirs), (alpha_w, alpha_h, ratio, rule))

    def test_a_penalty_on_one_matrix_alone_is_refused(self):
        files = self.save(blocks(4))
        for flag, missing in (("--l1-samples", "--l1-loadings"), ("--l2-loadings", "--l1-samples")):
            done = self.nnpeek("fit", *files, "--ranks", 3, flag, 0.1, "-o", "fit", status=2)
            self.assertIn(missing, done.stderr)

    def test_transforms_are_exact_least_squares(self):
        data, rank = blocks(5), 6
        files = self.save(data)
        self.nnpeek("fit", *files, "--ranks", rank, "--scale", "norm", "--weight", "b1=3", "-o", "fit")
        fit = self.read_json("fit", f"rank-{rank}", "fit.json")
        w = [np.load(self.path("fit", f"rank-{rank}", f"b{i}.npy")) for i in range(2)]
        new = blocks(6, rows=37)
        for i, x in enumerate(new):
            np.save(self.path(f"b{i}.npy"), x)
        for chosen in ((0, 1), (1,)):  # all blocks, or one of them
            names = [f"b{i}.npy" for i in chosen]
            self.nnpeek("fit", *names, "--init", f"fit/rank-{rank}", "--fixed", "loadings", "-o", "new")
            roots = [fit["blocks"][i]["scaled_weight"] ** 0.5 for i in chosen]
            a = np.vstack([root * w[i].astype(np.float64) for root, i in zip(roots, chosen)])
            b = np.hstack([root * new[i].astype(np.float64) for root, i in zip(roots, chosen)])
            expected = np.array([nnls(a, row)[0] for row in b])
            found = np.load(self.path("new", f"rank-{rank}", "samples.npy"))
            np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())
            for i in chosen:
                self.assertEqual(np.load(self.path("new", f"rank-{rank}", f"b{i}.npy")).tobytes(), w[i].tobytes())
            errors = np.load(self.path("new", f"rank-{rank}", "errors.npy"))
            for column, i in enumerate(chosen):
                residual = np.linalg.norm(new[i] - found.astype(np.float64) @ w[i].T.astype(np.float64), axis=1)
                np.testing.assert_allclose(errors[:, column], residual, rtol=1e-4)
        f = np.load(self.path("fit", f"rank-{rank}", "samples.npy"))
        other = blocks(7, widths=(25,))[0]
        np.save(self.path("other.npy"), other)
        self.nnpeek("fit", "other.npy", "--init", "fit", "--ranks", rank, "--fixed", "samples", "-o", "new")
        expected = np.array([nnls(f.astype(np.float64), column)[0] for column in other.T.astype(np.float64)])
        found = np.load(self.path("new", f"rank-{rank}", "other.npy"))
        np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())
        self.assertEqual(np.load(self.path("new", f"rank-{rank}", "samples.npy")).tobytes(), f.tobytes())
        for arguments, sentence in ((("other.npy", "--init", "fit/rank-6", "--fixed", "loadings"), "no loadings"),
                                    (("b0.npy", "--init", "fit/rank-6", "--fixed", "samples"), "37 samples"),
                                    (("b0.npy", "--fixed", "loadings"), "needs a model"),
                                    (("b0.npy", "--init", "fit", "--fixed", "loadings"), "fit.json"),
                                    (("b0.npy", "--init", "fit/rank-6", "--ranks", 5, "--fixed", "loadings"), "rank 6")):
            done = self.nnpeek("fit", *arguments, "-o", "none", status=2)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    unittest.main()
