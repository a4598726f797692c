"""nnpeek fit against a double-precision twin of the paper's updates and against scikit-learn; its errors against NumPy."""
import os
import shutil
import unittest
import warnings

import numpy as np
from scipy.optimize import nnls
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _initialize_nmf

from support import Case


def blocks(seed=0, rows=600, widths=(40, 250, 75), rank=5, noise=0.3):
    """Non-negative blocks that share their samples, of unequal size."""
    random = np.random.default_rng(seed)
    samples = random.random((rows, rank))
    made = [samples @ random.random((rank, n)) + noise * random.random((rows, n)) for n in widths]
    return [(x * scale).astype(np.float32) for x, scale in zip(made, (1, 4, 0.5))]


class Fit(Case):
    def save(self, data, prefix="b"):
        for i, x in enumerate(data):
            np.save(self.path(f"{prefix}{i}.npy"), x)
        return [f"{prefix}{i}.npy" for i in range(len(data))]

    def start(self, data, rank, seed=1):
        random = np.random.default_rng(seed)
        os.makedirs(self.path("init"), exist_ok=True)
        samples = random.random((data[0].shape[0], rank)).astype(np.float32)
        loadings = [random.random((x.shape[1], rank)).astype(np.float32) for x in data]
        np.save(self.path("init", "samples.npy"), samples)
        for i, w in enumerate(loadings):
            np.save(self.path("init", f"b{i}.npy"), w)
        return samples, loadings

    def load(self, folder, count):
        return (np.load(self.path(folder, "samples.npy")),
                [np.load(self.path(folder, f"b{i}.npy")) for i in range(count)])

    def test_multiplicative_updates_equal_a_double_precision_twin(self):
        data, rank, iterations = blocks(), 7, 50
        files = self.save(data)
        samples, loadings = self.start(data, rank)
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", "mu", "--iterations", iterations, "--tolerance", 0,
                    "--init", "init", "-o", "fit")
        x = np.hstack(data).astype(np.float64)
        f, h = samples.astype(np.float64), np.vstack(loadings).T.astype(np.float64)
        objective = []
        for _ in range(iterations):
            f *= (x @ h.T) / (f @ (h @ h.T) + 1e-9)
            h *= (f.T @ x) / ((f.T @ f) @ h + 1e-9)
            objective.append(((x - f @ h) ** 2).sum())
        fit = self.read_json("fit", f"rank-{rank}", "fit.json")
        np.testing.assert_allclose(fit["objective"], objective, rtol=1e-4)
        found_f, found_w = self.load(f"fit/rank-{rank}", len(data))
        self.assertLess(np.linalg.norm(found_f - f) / np.linalg.norm(f), 1e-2)
        self.assertLess(np.linalg.norm(np.vstack(found_w).T - h) / np.linalg.norm(h), 1e-2)

    def test_multiplicative_updates_equal_scikit_learn(self):
        data, rank, iterations = blocks(3), 6, 50
        files = self.save(data)
        samples, loadings = self.start(data, rank, 5)
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", "mu", "--iterations", iterations, "--tolerance", 0,
                    "--init", "init", "-o", "fit")
        peer = NMF(rank, solver="mu", init="custom", max_iter=iterations, tol=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f = peer.fit_transform(np.hstack(data), W=samples.copy(), H=np.ascontiguousarray(np.vstack(loadings).T))
        residual = ((np.hstack(data).astype(np.float64) - f.astype(np.float64) @ peer.components_) ** 2).sum()
        fit = self.read_json("fit", f"rank-{rank}", "fit.json")
        self.assertAlmostEqual(fit["objective"][-1] / residual, 1, delta=1e-4)
        found_f, found_w = self.load(f"fit/rank-{rank}", len(data))
        self.assertLess(np.linalg.norm(found_f - f) / np.linalg.norm(f), 1e-2)
        found_h = np.vstack(found_w).T
        self.assertLess(np.linalg.norm(found_h - peer.components_) / np.linalg.norm(peer.components_), 1e-2)

    def test_block_pivoting_equals_non_negative_least_squares_of_scipy(self):
        """One iteration: the samples of the given loadings, then the loadings of these samples, both exactly."""
        data, rank = blocks(5, rows=90, widths=(30, 41), rank=9), 9
        data = [x * (np.random.default_rng(i).random(x.shape) < 0.3) for i, x in enumerate(data)]
        files = self.save(data)
        _, loadings = self.start(data, rank)
        for i, w in enumerate(loadings):  # sparse, so that every component is needed and the answer is one
            w *= np.random.default_rng(i).random(w.shape) < 0.3
            np.save(self.path("init", f"b{i}.npy"), w)
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", "bpp", "--iterations", 1, "--init", "init", "-o", "fit")
        found_f, found_w = self.load(f"fit/rank-{rank}", len(data))
        x, w = np.hstack(data).astype(np.float64), np.vstack(loadings).astype(np.float64)
        f = np.array([nnls(w, row)[0] for row in x])
        self.assertGreater((f == 0).mean(), 0.1)  # some constraints are active
        np.testing.assert_allclose(found_f, f, atol=2e-4 * f.max())
        w = np.array([nnls(found_f.astype(np.float64), column)[0] for column in x.T])
        np.testing.assert_allclose(np.vstack(found_w), w, atol=2e-4 * w.max())

    def test_start_from_singular_vectors_equals_that_of_scikit_learn(self):
        """One iteration from either start gives the same objective; mu, which never leaves zeros, works from it too."""
        for rows in (300, 40):  # tall and wide
            data, rank = blocks(14, rows=rows, widths=(40, 80)), 4
            x, files = np.hstack(data), self.save(data)
            peer_f, peer_h = _initialize_nmf(x.astype(np.float64), rank, init="nndsvd")
            self.start(data, rank)
            np.save(self.path("init", "samples.npy"), peer_f.astype(np.float32))
            for i, h in enumerate(np.split(peer_h, [40], axis=1)):
                np.save(self.path("init", f"b{i}.npy"), h.T.astype(np.float32))
            found = {}
            for name in ("init", "nndsvd"):
                self.nnpeek("fit", *files, "--ranks", rank, "--rule", "bpp", "--iterations", 1, "--init", name,
                            "-o", f"from-{name}")
                found[name] = self.read_json(f"from-{name}", f"rank-{rank}", "fit.json")["objective"][0]
            self.assertAlmostEqual(found["nndsvd"] / found["init"], 1, delta=2e-3)
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", "mu", "--init", "nndsvd", "-o", "mu")
        fit = self.check_errors(data, f"mu/rank-{rank}")
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", "hals", "-o", "hals")
        best = self.read_json("hals", f"rank-{rank}", "fit.json")["objective"][-1]
        self.assertLess(fit["objective"][-1], 1.1 * best)

    def strokes(self, samples):
        """Pixels of drawn digits as one block."""
        self.nnpeek("data", "make", "strokes", "-o", "strokes", "--samples", samples)
        pixels = np.load(self.path("strokes", "images.npy")).reshape(samples, -1)
        return (pixels / (255 if pixels.max() > 1 else 1)).astype(np.float32)

    def test_default_arrives_where_coordinate_descent_of_scikit_learn_does(self):
        """With the default stop rule: medians over several starts, on pictures and on noisy data of low rank."""
        pictures = self.strokes(700)
        noisy = np.hstack(blocks(13, rows=400, noise=1))
        for name, x, rank in (("pictures", pictures, 12), ("noisy", noisy, 8)):
            np.save(self.path("x.npy"), x)
            ours, theirs = [], []
            for seed in range(3):
                self.nnpeek("fit", "x.npy", "--ranks", rank, "--seed", seed, "-o", "fit")
                fit = self.read_json("fit", f"rank-{rank}", "fit.json")
                self.assertEqual((fit["rule"], fit["stop"]), ("hals", "tolerance"))
                ours.append(fit["relative_error"])
                peer = NMF(rank, solver="cd", init="random", random_state=seed, max_iter=500, tol=1e-6)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    f = peer.fit_transform(x)
                theirs.append(np.linalg.norm(x - f @ peer.components_) / np.linalg.norm(x))
            self.assertLess(np.median(ours) / np.median(theirs), 1.005, (name, ours, theirs))

    def check_errors(self, data, folder):
        """rmse, relative_error and errors.npy are those of the written matrices."""
        fit = self.read_json(folder, "fit.json")
        f = np.load(self.path(folder, "samples.npy")).astype(np.float64)
        residuals = []
        for i, (x, block) in enumerate(zip(data, fit["blocks"])):
            w = np.load(self.path(folder, block["file"])).astype(np.float64)
            residual = x.astype(np.float64) - f @ w.T
            residuals.append(residual)
            norm = np.linalg.norm(x.astype(np.float64))
            self.assertAlmostEqual(block["norm"] / norm, 1, delta=1e-5)
            self.assertAlmostEqual(block["relative_error"] / (np.linalg.norm(residual) / norm), 1, delta=1e-5)
            self.assertAlmostEqual(block["rmse"] / np.sqrt((residual ** 2).mean()), 1, delta=1e-5)
            rows = np.sqrt((residual ** 2).sum(1))
            np.testing.assert_allclose(np.load(self.path(folder, "errors.npy"))[:, i], rows, rtol=1e-5,
                                       atol=1e-6 * rows.max())
        whole = np.hstack(residuals)
        self.assertAlmostEqual(fit["rmse"] / np.sqrt((whole ** 2).mean()), 1, delta=1e-5)
        norm = np.linalg.norm(np.hstack(data).astype(np.float64))
        self.assertAlmostEqual(fit["relative_error"] / (np.linalg.norm(whole) / norm), 1, delta=1e-5)
        return fit

    def test_errors_are_those_of_the_written_files(self):
        data = blocks(4)
        files = self.save(data)
        self.nnpeek("fit", *files, "--ranks", "1,5,40", "--iterations", 60, "-o", "fit")
        for rank in (1, 5, 40):
            self.check_errors(data, f"fit/rank-{rank}")

    def test_weights_and_scales_are_those_of_the_objective(self):
        """With weights, and with blocks divided by their norm or maximum; the matrices come in original units."""
        data, rank, iterations = blocks(6), 4, 30
        files = self.save(data)
        samples, loadings = self.start(data, rank)
        xs = [x.astype(np.float64) for x in data]
        for name, flags, weights in (
                ("weight", ["--weight", "b1=0.25"], [1, 0.25, 1]),
                ("norm", ["--scale", "norm"], [1 / (x ** 2).sum() for x in xs]),
                ("max", ["--scale", "max", "--weight", "b2=3"], [w / x.max() ** 2 for w, x in zip((1, 1, 3), xs)])):
            self.nnpeek("fit", *files, "--ranks", rank, "--rule", "mu", "--iterations", iterations, "--tolerance", 0,
                        "--init", "init", *flags, "-o", name)
            f, ws = samples.astype(np.float64), [w.astype(np.float64) for w in loadings]
            for _ in range(iterations):
                f = f * sum(a * x @ w for a, x, w in zip(weights, xs, ws)) / (
                    f @ sum(a * w.T @ w for a, w in zip(weights, ws)))
                ws = [w * (x.T @ f) / (w @ (f.T @ f)) for x, w in zip(xs, ws)]
            objective = sum(a * ((x - f @ w.T) ** 2).sum() for a, x, w in zip(weights, xs, ws))
            fit = self.check_errors(data, f"{name}/rank-{rank}")
            self.assertAlmostEqual(fit["objective"][-1] / objective, 1, delta=1e-4, msg=name)
            found_f, found_w = self.load(f"{name}/rank-{rank}", len(data))
            self.assertLess(np.linalg.norm(found_f - f) / np.linalg.norm(f), 1e-2, name)
            for found, w in zip(found_w, ws):
                self.assertLess(np.linalg.norm(found - w) / np.linalg.norm(w), 1e-2, name)

    def test_scale_of_the_data_does_not_matter(self):
        x = blocks(7)[1]
        errors = {}
        for factor in (1, 1e-12, 1e12, 1e-30, 1e30):
            np.save(self.path("x.npy"), (x.astype(np.float64) * factor).astype(np.float32))
            self.nnpeek("fit", "x.npy", "--ranks", 5, "--iterations", 100, "--tolerance", 0, "-o", "fit")
            errors[factor] = self.read_json("fit", "rank-5", "fit.json")["relative_error"]
        for factor, error in errors.items():
            self.assertAlmostEqual(error / errors[1], 1, delta=1e-3, msg=str(factor))

    def test_low_rank_data_is_found_without_cancellation(self):
        random = np.random.default_rng(8)
        x = (random.random((400, 3)) @ random.random((3, 120))).astype(np.float32)
        np.save(self.path("x.npy"), x)
        self.nnpeek("fit", "x.npy", "--ranks", 3, "--iterations", 3000, "--tolerance", 0, "-o", "fit")
        fit = self.check_errors([x], "fit/rank-3")
        objective = np.array(fit["objective"])
        self.assertLess(objective[-1], 1e-5 * np.linalg.norm(x) ** 2)
        rises = np.diff(objective) - (1e-6 * objective[:-1] + 1e-7 * np.linalg.norm(x) ** 2)
        self.assertLess(rises.max(), 0)

    def test_same_bits_for_any_number_of_threads_and_again(self):
        data = blocks(9, rows=3000, widths=(300, 700))
        files = self.save(data)
        for rule in ("mu", "hals", "bpp"):
            for name, threads in (("one", 1), ("two", 2), ("three", 3), ("again", 2)):
                self.nnpeek("fit", *files, "--ranks", "4,17", "--rule", rule, "--iterations", 25, "--threads", threads,
                            "-o", name)
            for rank in (4, 17):
                sketch = self.read_json("one", f"rank-{rank}", "fit.json")["sketch"]
                self.assertEqual(sketch is None, rule == "mu")
                for file in ("samples.npy", "b0.npy", "b1.npy", "errors.npy"):
                    contents = {self.read_bytes(name, f"rank-{rank}", file)
                                for name in ("one", "two", "three", "again")}
                    self.assertEqual(len(contents), 1, f"{rule}, rank {rank}, {file}")

    def test_shapes_at_the_edge(self):
        random = np.random.default_rng(10)
        for rows, columns, rank in ((1, 50, 1), (50, 1, 1), (1, 1, 1), (8, 5, 5), (5, 8, 5)):
            x = random.random((rows, columns)).astype(np.float32)
            np.save(self.path("x.npy"), x)
            self.nnpeek("fit", "x.npy", "--ranks", rank, "--iterations", 2000, "--tolerance", 0, "-o", "fit")
            fit = self.read_json("fit", f"rank-{rank}", "fit.json")
            self.assertLess(fit["relative_error"], 0.02, (rows, columns, rank))
        x = random.random((60, 30)).astype(np.float32)
        x[:, 3] = 0
        x[7] = 0
        np.save(self.path("x.npy"), x)
        np.save(self.path("zero.npy"), np.zeros((60, 4), np.float32))
        np.save(self.path("constant.npy"), np.full((60, 4), 2, np.float32))
        self.nnpeek("fit", "x.npy", "zero.npy", "constant.npy", "--ranks", 6, "-o", "fit")
        w = np.load(self.path("fit", "rank-6", "x.npy"))
        self.assertTrue(np.isfinite(w).all() and (w >= 0).all())
        self.assertLess(np.abs(w[3]).max(), 1e-6)
        np.save(self.path("zero.npy"), np.zeros((60, 4), np.float32))
        self.nnpeek("fit", "zero.npy", "--ranks", 2, "-o", "nothing")
        self.assertEqual(self.read_json("nothing", "rank-2", "fit.json")["relative_error"], 0)

    def test_types_of_arrays(self):
        x = np.random.default_rng(11).integers(0, 200, (90, 25))
        errors = set()
        for kind in ("uint8", "int16", "int64", "float64", "float32", "float16"):
            np.save(self.path("x.npy"), x.astype(kind))
            self.nnpeek("fit", "x.npy", "--ranks", 3, "--iterations", 20, "-o", kind)
            errors.add(self.read_json(kind, "rank-3", "fit.json")["relative_error"])
        self.assertEqual(len(errors), 1)
        np.save(self.path("cube.npy"), x.reshape(90, 5, 5).astype(np.float32))
        self.nnpeek("fit", "cube.npy", "--ranks", 3, "--iterations", 20, "-o", "cube")
        self.assertEqual(np.load(self.path("cube", "rank-3", "cube.npy")).shape, (25, 3))
        shutil.rmtree(self.path("cube"))

    def test_split_of_signed_data(self):
        x = np.random.default_rng(12).normal(size=(80, 20)).astype(np.float32)
        np.save(self.path("x.npy"), x)
        self.nnpeek("fit", "x.npy", "--ranks", 4, "--signed", "split", "--iterations", 50, "-o", "fit")
        fit = self.read_json("fit", "rank-4", "fit.json")
        self.assertEqual([b["name"] for b in fit["blocks"]], ["x+", "x-"])
        self.check_errors([np.maximum(x, 0), np.maximum(-x, 0)], "fit/rank-4")
        self.nnpeek("fit", "x.npy", "--ranks", 4, "--signed", "shift", "--iterations", 50, "-o", "shift")
        self.check_errors([x - x.min()], "shift/rank-4")


if __name__ == "__main__":
    unittest.main()
