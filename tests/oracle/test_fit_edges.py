"""nnpeek fit where it could break: optimality at the end, invariances, degenerate data, extreme values. Judged by NumPy in double."""
import os
import unittest
import warnings

import numpy as np
from sklearn.decomposition import NMF

from support import LONG, Case

RULES = ("mu", "hals", "bpp")


def heavy(seed, rows, columns, rank):
    """Sparse factors with heavy tails, and noise."""
    random = np.random.default_rng(seed)
    f, w = (random.pareto(3, (count, rank)) * (random.random((count, rank)) < 0.4) for count in (rows, columns))
    x = f @ w.T
    return np.maximum(x + 0.3 * x.std() * random.standard_normal(x.shape), 0).astype(np.float32)


def stationarity(x, f, w):
    """The norm of the projected gradient beside that of its parts X W and X^T F, which cancel in an optimum. What is on its way to
    zero (mu never arrives) counts as zero."""
    residual = f @ w.T - x
    parts = [(residual @ w, f), (residual.T @ f, w)]
    projected = [np.where(m > 1e-4 * m.max(), slope, np.minimum(slope, 0)) for slope, m in parts]
    return np.hypot(*map(np.linalg.norm, projected)) / np.hypot(np.linalg.norm(x @ w), np.linalg.norm(x.T @ f))


class Edges(Case):
    def fit(self, data, rank, *flags, rule="hals"):
        """The description of a fit of one block or a list of blocks, F and all loadings, after looking that they are what it says."""
        data = data if isinstance(data, list) else [data]
        files = [f"x{i}.npy" for i in range(len(data))]
        for file, x in zip(files, data):
            np.save(self.path(file), x)
        self.nnpeek("fit", *files, "--ranks", rank, "--rule", rule, "--threads", 1, *flags, "-o", "fit")
        fit = self.read_json("fit", f"rank-{rank}", "fit.json")
        f = np.load(self.path("fit", f"rank-{rank}", "samples.npy"))
        w = np.vstack([np.load(self.path("fit", f"rank-{rank}", file)) for file in files])
        for m in (f, w):
            self.assertTrue(np.isfinite(m).all() and (m >= 0).all())
        x = np.hstack([block.reshape(len(block), -1) for block in data]).astype(np.float64)
        residual, norm = np.linalg.norm(x - f.astype(np.float64) @ w.T.astype(np.float64)), np.linalg.norm(x)
        self.assertLessEqual(abs(fit["relative_error"] * norm - residual), 1e-5 * residual + 1e-12 * norm)
        return fit, f, w

    def test_error_is_that_of_scikit_learn(self):
        """Medians over ten starts within half a per cent, with the default stop rule."""
        x, rank = heavy(1, 400, 120, 8), 6
        theirs = []
        for seed in range(10):
            peer = NMF(rank, solver="cd", init="random", random_state=seed, max_iter=1000, tol=1e-6)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                f = peer.fit_transform(x)
            theirs.append(np.linalg.norm(x - f @ peer.components_) / np.linalg.norm(x))
        for rule in ("hals", "bpp"):
            ours = [self.fit(x, rank, "--seed", seed, rule=rule)[0]["relative_error"] for seed in range(10)]
            self.assertLess(np.median(ours) / np.median(theirs), 1.005, (rule, ours, theirs))

    def test_ends_at_a_stationary_point(self):
        """The Karush-Kuhn-Tucker residual of the written matrices; after two iterations it is far larger."""
        x = heavy(2, 300, 90, 6)
        for rule, most in (("mu", 3e-3), ("hals", 2e-5), ("bpp", 2e-5)):
            residuals = {}
            for iterations in (2, 1500):
                _, f, w = self.fit(x, 5, "--iterations", iterations, "--tolerance", 0, rule=rule)
                residuals[iterations] = stationarity(x.astype(np.float64), f.astype(np.float64), w.astype(np.float64))
            self.assertLess(residuals[1500], most, rule)
            self.assertGreater(residuals[2], 5 * most, rule)

    def test_sketch_ends_at_a_stationary_point_of_the_data(self):
        x = heavy(3, 4000, 300, 6)
        for rule in ("hals", "bpp"):
            fit, f, w = self.fit(x, 6, "--tolerance", "1e-7", rule=rule)
            self.assertIsNotNone(fit["sketch"])
            self.assertLess(stationarity(x.astype(np.float64), f.astype(np.float64), w.astype(np.float64)), 2e-4, rule)

    def test_order_of_samples_and_blocks(self):
        """Factors with many zeros and little noise have one answer: the same reconstruction in any order, with a sketch too."""
        random = np.random.default_rng(4)
        f, w = (random.random((count, 4)) * (random.random((count, 4)) < 0.5) for count in (4000, 300))
        x = (f @ w.T + 0.05 * random.random((4000, 300))).astype(np.float32)
        order = random.permutation(len(x))
        for rule in ("hals", "bpp"):
            products = []
            for data in ([x[:, :100], x[:, 100:]], [x[order][:, 100:], x[order][:, :100]]):
                fit, f, w = self.fit([np.ascontiguousarray(block) for block in data], 4, "--tolerance", "1e-7", rule=rule)
                self.assertIsNotNone(fit["sketch"])
                products.append(f @ w.T)
            first, second = products[0][order], np.roll(products[1], 100, axis=1)
            self.assertLess(np.linalg.norm(first - second) / np.linalg.norm(first), 1e-2, rule)
            self.assertGreater(np.linalg.norm(products[0] - second) / np.linalg.norm(first), 0.1)

    def test_scaling_by_powers_of_four_is_exact(self):
        """All blocks, or one of them with its weight: the same bits, times a power of two."""
        x = heavy(5, 3000, 400, 6)
        blocks = [np.ascontiguousarray(x[:, :150]), np.ascontiguousarray(x[:, 150:])]
        for rule in RULES:
            iterations = ["--iterations", 12]
            _, f, w = self.fit(blocks, 5, *iterations, rule=rule)
            for power in (-30, 10, 30):
                _, g, v = self.fit([block * np.float32(4.0 ** power) for block in blocks], 5, *iterations, rule=rule)
                np.testing.assert_array_equal(g, f * np.float32(2.0 ** power), rule)
                np.testing.assert_array_equal(v, w * np.float32(2.0 ** power), rule)
            _, g, v = self.fit([blocks[0] * np.float32(64), blocks[1]], 5, *iterations, "--weight", f"x0={2.0 ** -12}", rule=rule)
            np.testing.assert_array_equal(g, f, rule)
            np.testing.assert_array_equal(v[:150], w[:150] * np.float32(64), rule)

    def test_scaling_by_other_numbers(self):
        x = heavy(6, 300, 100, 5)
        for rule in RULES:
            errors = [self.fit((x * factor).astype(np.float32), 5, "--iterations", 300, "--tolerance", 0, rule=rule)[0]
                      ["relative_error"] for factor in (1, 3, 1e-3, 7e-30, 3e29)]
            self.assertLess(max(errors) / min(errors), 1.002, (rule, errors))

    def test_values_at_the_end_of_the_range(self):
        """They are fitted as well as at 1, or refused with a sentence."""
        x = heavy(7, 60, 30, 3).astype(np.float64)
        x /= x.max()
        for rule in RULES:
            plain = self.fit(x.astype(np.float32), 3, rule=rule)[0]["relative_error"]
            for factor in (1e-30, 1e30):
                fit = self.fit((x * factor).astype(np.float32), 3, rule=rule)[0]
                self.assertAlmostEqual(fit["relative_error"] / plain, 1, delta=0.02)
            for factor in (1e-44, 1e-37, 1e37, 3e38):
                np.save(self.path("x.npy"), (x * factor).astype(np.float32))
                self.sentence("fit", "x.npy", "--ranks", 3, "--rule", rule, "-o", "no", has=["block 'x'", "multiply"])
            outlier = x.astype(np.float32)
            outlier[5, 7] = 1e30
            self.assertLess(self.fit(outlier, 3, rule=rule)[0]["relative_error"], 1e-6)
            unequal = [(x * factor).astype(np.float32) for factor in (1e-30, 1e30)]
            fit = self.fit(unequal, 3, "--scale", "norm", rule=rule)[0]
            for block in fit["blocks"]:
                self.assertAlmostEqual(block["relative_error"] / plain, 1, delta=0.02)

    def test_every_rank(self):
        """From 1 to min(T, n), tall and wide: more components never explain less, and all of them everything."""
        for shape in ((13, 9), (9, 13)):
            x = np.random.default_rng(8).random(shape).astype(np.float32)
            for rule, most in (("mu", 0.05), ("hals", 0.01), ("bpp", 0.01)):
                np.save(self.path("x.npy"), x)
                self.nnpeek("fit", "x.npy", "--ranks", "1:9:1", "--rule", rule, "--restarts", 3, "--iterations", 3000,
                            "--tolerance", "1e-6", "-o", "ranks")
                errors = [self.read_json("ranks", f"rank-{k}", "fit.json")["relative_error"] for k in range(1, 10)]
                self.assertLess(np.diff(errors).max(), 0.01, (rule, errors))
                self.assertLess(errors[-1], most, rule)

    def test_degenerate_data(self):
        """Each with the relative error that its best factorisation has."""
        random = np.random.default_rng(9)
        plain = random.random((120, 6)) @ random.random((6, 50))
        single = np.zeros((120, 50))
        single[3, 4] = 1
        holes = plain.copy()
        holes[::3] = 0
        holes[:, ::4] = 0
        separable = np.vstack([np.eye(4), random.dirichlet(np.ones(4), 116)]) @ random.random((4, 50))
        columns = [np.ascontiguousarray(plain[:, i:i + 1]) for i in range(20)]
        half = np.sqrt(0.5)  # 20 of 40 equal singular values
        cases = {"rank below": (plain, 12, 0), "constant": (np.full((120, 50), 3.0), 7, 0), "one value": (single, 5, 0),
                 "zero rows and columns": (holes, 6, 0), "equal columns": (np.repeat(plain[:, :3], 15, axis=1), 9, 0),
                 "separable": (separable, 4, 0), "rank one": (np.outer(plain[:, 0], plain[0]), 4, 0),
                 "identity": (np.eye(40), 20, half), "one sample": (plain[:1], 1, 0), "one column": (plain[:, :1], 1, 0),
                 "twenty blocks": (columns, 6, 0), "zero block": ([0 * plain, plain], 6, 0),
                 "constant block": ([plain, np.full((120, 3), 0.5)], 7, 0), "nothing": (0 * plain, 3, 0)}
        for name, (data, rank, best) in cases.items():
            data = [x.astype(np.float32) for x in (data if isinstance(data, list) else [data])]
            for rule in RULES:
                fit, _, _ = self.fit(data, rank, rule=rule)
                self.assertLess(fit["relative_error"], best + (0.03 if rule == "mu" else 0.005), (name, rule))

    def test_degenerate_data_on_a_sketch(self):
        """A sketch of samples that do not show what is in the rest, or that have a smaller rank than it is wide."""
        random = np.random.default_rng(10)
        plain = (random.random((5000, 5)) @ random.random((5, 250))).astype(np.float32)
        rare = plain.copy()
        rare[random.choice(5000, 6, replace=False)] += 30 * random.random((6, 250)).astype(np.float32)
        few = np.zeros_like(plain)
        few[:12] = plain[:12]
        single = np.zeros_like(plain)
        single[4000, 3] = 1
        for name, x in {"rare": rare, "few": few, "one value": single, "rank below": plain, "constant": np.full_like(plain, 2),
                        "nothing": 0 * plain}.items():
            for rule in ("hals", "bpp") if LONG else ("hals",):
                errors = {accuracy: self.fit(x, 8, "--accuracy", accuracy, "--iterations", 200, rule=rule)[0]["relative_error"]
                          for accuracy in ("exact", "balanced", "fast")}
                self.assertLess(errors["balanced"], 1.05 * errors["exact"] + 0.002, (name, rule, errors))
                self.assertLess(errors["fast"], 1.05 * errors["exact"] + 0.05, (name, rule, errors))

    def test_stops_where_only_rounding_is_left(self):
        """Extrapolated steps that rounding makes worse, every third one, for ever: the stop rule holds all the same."""
        for seed in (25, 35, 38):
            x = np.exp(5 * np.random.default_rng(seed).standard_normal((300, 80))).astype(np.float32)
            fit, _, _ = self.fit(x, 8)
            self.assertEqual(fit["stop"], "tolerance", seed)

    def test_types(self):
        x = np.random.default_rng(11).integers(0, 2, (50, 12))
        errors = {self.fit(x.astype(kind), 3)[0]["relative_error"] for kind in
                  ("bool", "int8", "uint8", "uint16", "uint32", "int32", "uint64", "<f2", "<f8")}
        self.assertEqual(len(errors), 1)
        for kind, word in ((">f4", "big-endian"), (">i2", "big-endian"), ("complex64", "real")):
            np.save(self.path("x.npy"), x.astype(kind))
            self.sentence("fit", "x.npy", "--ranks", 3, "-o", "no", has=[word])
        self.assertFalse(os.path.exists(self.path("no")))

    def test_starts_of_any_scale_lead_to_the_same_error(self):
        """The scale of a start is no part of what it says: far too large or small, it is taken as if it fitted."""
        random = np.random.default_rng(9)
        x = random.random((200, 40))
        f, w = random.random((200, 3)).astype(np.float32), random.random((40, 3)).astype(np.float32)
        os.makedirs(self.path("start"))
        for rule in ("mu", "hals", "bpp"):
            found = []
            for data, first, second in ((1, 1, 1), (1e30, 1, 1), (1e-30, 1, 1), (1e20, 1, 1), (100, 1e30, 1e30), (1, 1e30, 1e-30),
                                        (1, 1e-20, 1e20)):
                np.save(self.path("x.npy"), (x * data).astype(np.float32))
                np.save(self.path("start", "samples.npy"), f * np.float32(first))
                np.save(self.path("start", "x.npy"), w * np.float32(second))
                self.nnpeek("fit", "x.npy", "--ranks", 3, "--rule", rule, "--init", "start", "--threads", 1, "--iterations", 2000,
                            "--tolerance", 1e-7, "-o", "fit")
                found.append(self.read_json("fit", "rank-3", "fit.json")["relative_error"])
            self.assertLess(max(found), 1.01 * min(found), (rule, found))
            self.assertLess(max(found), 0.48)


if __name__ == "__main__":
    unittest.main()
