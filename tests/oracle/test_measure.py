"""Spectra and measures against NumPy and SciPy, on a run folder made by hand."""
import json
import os
import shutil
import unittest

import numpy as np
import scipy.linalg
import scipy.spatial
import sklearn.metrics
import torch

from support import Case


def effective_rank(s):
    p = s[s > 0] / s.sum()
    return np.exp(-(p * np.log(p)).sum())


def participation_ratio(s):
    return (s ** 2).sum() ** 2 / (s ** 4).sum()


def exponent(s):
    """Of the eigenvalues 4 .. 100, weighted by 1/i, by NumPy's polynomial fit."""
    i = np.arange(4, 1 + min(100, (s > 1e-6 * s[0]).sum()))
    return -np.polyfit(np.log(i), np.log(s[i - 1] ** 2), 1, w=np.sqrt(1 / i))[0]


def components(s, share):
    return 1 + np.searchsorted(np.cumsum(s ** 2), share * (s ** 2).sum())


def unbiased_hsic(k, l):
    """As printed in Song et al. 2012, equation 4, with everything in double."""
    k, l, m = k - np.diag(np.diag(k)), l - np.diag(np.diag(l)), len(k)
    return (np.trace(k @ l) + k.sum() * l.sum() / ((m - 1) * (m - 2)) - 2 * (k @ l).sum() / (m - 2)) / (m * (m - 3))


def linear_cka(x, y):
    k, l = x @ x.T, y @ y.T
    return unbiased_hsic(k, l) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))


def two_nn(x):
    """Facco et al. 2017 with SciPy's tree for the neighbours; rows with a twin are left out."""
    r = scipy.spatial.cKDTree(x).query(x, 3)[0]
    r = r[r[:, 1] > 0]
    mu, n = np.sort(r[:, 2] / r[:, 1]), len(r)
    keep = int(0.9 * n)
    return np.linalg.lstsq(np.log(mu[:keep, None]), -np.log(1 - np.arange(1, keep + 1) / n), rcond=None)[0][0]


class Measure(Case):
    def capture(self, arrays, outputs=()):
        os.makedirs(self.path("run", "capture"))
        entries = []
        for name, x in arrays.items():
            np.save(self.path("run", "capture", f"{name}.npy"), x)
            entries.append({"name": name, "file": f"{name}.npy", "kind": "output" if name in outputs else "layer",
                            "fit": name not in outputs})
        with open(self.path("run", "capture", "manifest.json"), "w") as file:
            json.dump({"blocks": entries}, file)

    def test_singular_values_equal_scipys(self):
        random = np.random.default_rng(0)
        decaying = random.normal(size=(500, 60)) @ np.diag(10.0 ** -np.linspace(0, 9, 60)) @ random.normal(size=(60, 400))
        arrays = {
            "tall": random.random((900, 230)).astype(np.float32),
            "wide": random.random((150, 1300)).astype(np.float32),
            "decaying": decaying.astype(np.float32),
            "images": random.random((300, 2, 9, 9)).astype(np.float32),
            "zero": np.zeros((40, 7), np.float32),
            "one": np.full((1, 1), 3, np.float32),
        }
        self.capture(arrays)
        blocks = self.json("measure", "run")["blocks"]
        for name, x in arrays.items():
            expected = scipy.linalg.svdvals(x.reshape(len(x), -1).astype(np.float64))
            found = np.array(blocks[name]["singular_values"])
            self.assertEqual(len(found), min(200, len(expected)))
            error = np.abs(found - expected[:200])
            self.assertTrue((error <= np.maximum(1e-4 * expected[:200], 1e-7 * expected[0])).all(), name)
            self.assertAlmostEqual(blocks[name]["norm"], np.linalg.norm(x.astype(np.float64)), delta=1e-6 * np.linalg.norm(x))
            if expected[0] > 0:
                self.assertAlmostEqual(blocks[name]["effective_rank"] / effective_rank(expected), 1, delta=1e-4)
                self.assertAlmostEqual(blocks[name]["stable_rank"] / ((expected ** 2).sum() / expected[0] ** 2), 1, delta=1e-6)

    def test_spectral_measures_raw_and_centred(self):
        random = np.random.default_rng(5)
        power = np.linalg.qr(random.normal(size=(400, 120)))[0] * np.arange(1, 121) ** -0.8
        arrays = {
            "power": (power @ np.linalg.qr(random.normal(size=(120, 120)))[0] * 50 + 3).astype(np.float32),
            "tall": np.maximum(random.normal(size=(700, 90)), 0).astype(np.float32),
            "wide": random.random((130, 900)).astype(np.float32),
            "double": random.normal(size=(200, 40)) + 1,
        }
        self.capture(arrays)
        blocks = self.json("measure", "run")["blocks"]
        for name, x in arrays.items():
            x = x.astype(np.float32).astype(np.float64)
            for found, matrix in ((blocks[name], x), (blocks[name]["centred"], x - x.mean(0))):
                s = scipy.linalg.svdvals(matrix)
                s = s[: np.linalg.matrix_rank(matrix)]
                self.assertAlmostEqual(found["effective_rank"] / effective_rank(s), 1, delta=1e-5)
                self.assertAlmostEqual(found["stable_rank"] / ((s ** 2).sum() / s[0] ** 2), 1, delta=1e-6)
                self.assertAlmostEqual(found["participation_ratio"] / participation_ratio(s), 1, delta=1e-6)
                self.assertEqual(found["components_90"], components(s, 0.9))
                self.assertEqual(found["components_99"], components(s, 0.99))
                self.assertAlmostEqual(found["spectrum_exponent"], exponent(s), delta=1e-5)
        self.assertAlmostEqual(blocks["power"]["centred"]["spectrum_exponent"], 1.6, delta=0.05)

    def test_measures_without_a_value_are_null(self):
        self.capture({"zero": np.zeros((40, 7), np.float32), "three": np.eye(3, dtype=np.float32)})
        found = self.json("measure", "run")
        self.assertIsNone(found["blocks"]["zero"]["spectrum_exponent"])
        self.assertIsNone(found["blocks"]["zero"]["intrinsic_dimension"])
        self.assertEqual(found["blocks"]["zero"]["centred"]["effective_rank"], 0)
        self.assertEqual(found["pairs"]["linear_cka"], [[None, None], [None, None]])

    def test_intrinsic_dimension(self):
        random = np.random.default_rng(6)
        plane = random.random((1500, 2)) @ random.normal(size=(2, 30))
        twins = np.concatenate([random.normal(size=(300, 5)), np.ones((40, 5))])
        arrays = {"plane": plane, "cube": random.random((1500, 6)), "twins": twins, "moved": plane + 100}
        arrays = {name: x.astype(np.float32) for name, x in arrays.items()}
        self.capture(arrays)
        blocks = self.json("measure", "run")["blocks"]
        for name, x in arrays.items():
            self.assertAlmostEqual(blocks[name]["intrinsic_dimension"], two_nn(x.astype(np.float64)), delta=1e-4, msg=name)
        self.assertAlmostEqual(blocks["plane"]["intrinsic_dimension"], 2, delta=0.2)

    def test_pairs_are_unbiased_cka(self):
        random = np.random.default_rng(7)
        x = random.random((260, 70)).astype(np.float32)
        arrays = {"x": x, "turned": (x @ np.linalg.qr(random.normal(size=(70, 70)))[0] * 3 + 5).astype(np.float32),
                  "relu": np.maximum(x @ random.normal(size=(70, 20)), 0).astype(np.float32),
                  "other": random.random((260, 400)).astype(np.float32)}
        self.capture(arrays)
        pairs = self.json("measure", "run")["pairs"]
        self.assertEqual(pairs["blocks"], list(arrays))
        self.assertEqual(pairs["samples"], 260)
        expected = [[linear_cka(a.astype(float), b.astype(float)) for b in arrays.values()] for a in arrays.values()]
        np.testing.assert_allclose(pairs["linear_cka"], expected, atol=1e-5)
        self.assertAlmostEqual(pairs["linear_cka"][0][1], 1, places=5)
        self.assertLess(abs(pairs["linear_cka"][0][3]), 0.1)

    def test_many_samples_are_sampled_evenly(self):
        random = np.random.default_rng(8)
        x, y = random.random((4100, 12)).astype(np.float32), random.random((4100, 9)).astype(np.float32)
        y += x[:, :9]
        self.capture({"x": x, "y": y})
        found = self.json("measure", "run")
        self.assertEqual(found["pairs"]["samples"], 1367)
        a, b = x[::3].astype(float), y[::3].astype(float)
        self.assertAlmostEqual(found["pairs"]["linear_cka"][0][1], linear_cka(a, b), delta=1e-5)
        self.assertAlmostEqual(found["blocks"]["x"]["intrinsic_dimension"], two_nn(a), delta=1e-4)
        self.assertEqual(found["blocks"]["x"]["singular_value_samples"], 4100)

    def test_the_same_bits_for_any_number_of_threads(self):
        random = np.random.default_rng(9)
        x = random.random((500, 200)).astype(np.float32)
        p = random.dirichlet(np.ones(7), 500).astype(np.float32)
        self.capture({"x": x, "relu": np.maximum(x - 0.5, 0), "p": p}, ["p"])
        one, three = self.json("measure", "run", "--threads", 1), self.json("measure", "run", "--threads", 3)
        self.assertEqual(one, three)

    def test_counts(self):
        x = np.random.default_rng(1).normal(size=(333, 70)).astype(np.float32)
        x = np.maximum(x, 0)
        x[:, [3, 60]] = 0
        self.capture({"relu": x})
        block = self.json("measure", "run")["blocks"]["relu"]
        self.assertEqual(block["unused"], 2)
        self.assertEqual(block["columns"], 70)
        self.assertAlmostEqual(block["zeros"], (x == 0).mean(), places=12)
        self.assertAlmostEqual(block["mean"], x.astype(np.float64).mean(), places=9)
        self.assertAlmostEqual(block["largest"], x.max(), places=6)

    def test_output(self):
        logits = np.random.default_rng(2).normal(size=(400, 10)) * 3
        p = np.exp(logits)
        p = (p / p.sum(1, keepdims=True)).astype(np.float32)
        features = np.maximum(logits, 0).astype(np.float32)
        self.capture({"softmax": p, "relu": features}, ["softmax"])
        output = self.json("measure", "run")["output"]
        q = p.astype(np.float64)
        entropy = -(q * np.log(q)).sum(1).mean()
        mean = q.mean(0)
        self.assertAlmostEqual(output["mutual_information"], -(mean * np.log(mean)).sum() - entropy, places=6)
        self.assertAlmostEqual(output["mean_confidence"], q.max(1).mean(), places=6)
        self.assertAlmostEqual(output["effective_rank"], effective_rank(scipy.linalg.svdvals(q)), places=5)
        self.assertAlmostEqual(output["nuclear_norm"], torch.linalg.matrix_norm(torch.tensor(q), "nuc").item()
                               / np.sqrt(400 * 10), places=6)
        self.assertAlmostEqual(output["mano"], torch.linalg.vector_norm(torch.tensor(q), 4).item() / 4000 ** 0.25, places=6)
        self.assertEqual(output["dispersion_block"], "relu")
        z, guess = features.astype(np.float64), q.argmax(1)
        between = sum((guess == c).sum() * ((z[guess == c].mean(0) - z.mean(0)) ** 2).sum() for c in set(guess))
        self.assertAlmostEqual(output["dispersion"], np.log(between / 9), places=6)

    def test_output_that_is_no_probability(self):
        self.capture({"logits": np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)}, ["logits"])
        self.assertIsNone(self.json("measure", "run")["output"])

    def test_predictions_and_neighbours(self):
        """As probabilities and as logits, of layers and of a model, on evenly spaced samples."""
        random = np.random.default_rng(11)
        true = random.integers(0, 6, 4100)
        x = (random.random((6, 30))[true] + 0.3 * random.random((4100, 30))).astype(np.float32)
        z = (random.random((6, 8))[true] * 3 + random.random((4100, 8))).astype(np.float32)
        logits = (np.eye(6)[true] * 2 + random.normal(size=(4100, 6))).astype(np.float32)
        p = np.exp(logits.astype(float))
        p /= p.sum(1, keepdims=True)
        for output, kind in ((p.astype(np.float32), "probabilities"), (logits, "logits")):
            shutil.rmtree(self.path("run"), ignore_errors=True)
            self.capture({"x": x, "z": z, "out": output}, ("out",))
            self.nnpeek("fit", "run/capture", "--ranks", "5", "-o", "run/fit", "--iterations", 30)
            measures = self.json("measure", "run")
            label, q, step = output.argmax(1)[::3], p[::3], 3  # 4100 samples: every third, so that 2,000 are not exceeded
            found = measures["predictions"]
            self.assertEqual((found["samples"], found["classes"], found["taken_as"]), (len(label), 6, kind))
            self.assertEqual((found["layers"], found["inputs"], found["picture"]), (["x", "z"], [], None))
            often = np.bincount(label, minlength=6) / len(label)
            self.assertAlmostEqual(found["effective_classes"], np.exp(-(often * np.log(often)).sum()), places=9)
            self.assertAlmostEqual(found["confidence"], q.max(1).mean(), places=6)
            self.assertAlmostEqual(found["effective_rank"], effective_rank(np.linalg.svd(q, compute_uv=False)), places=4)
            mean = q.mean(0)
            self.assertAlmostEqual(found["mutual_information"], -(mean * np.log(mean)).sum() + (q * np.log(q)).sum(1).mean(), places=5)
            f = np.load(self.path("run", "fit", "rank-5", "samples.npy")).astype(float)
            norms = sum((np.load(self.path("run", "fit", "rank-5", n + ".npy")).astype(float) ** 2).sum(0) for n in "xz")
            owners = {"x": (x, measures["blocks"]["x"]), "z": (z, measures["blocks"]["z"]),
                      "f": (f * np.sqrt(norms), measures["fit"]["ranks"][0])}
            for values, owner in owners.values():
                rows = values[::step].astype(float)
                unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
                cosine = unit @ unit.T
                np.fill_diagonal(cosine, -2)
                a, b = np.repeat(label, 10), label[np.argsort(-cosine, axis=1)[:, :10]].ravel()
                self.assertAlmostEqual(owner["neighbours"]["agreement"], (a == b).mean(), delta=2e-4)
                self.assertAlmostEqual(owner["neighbours"]["information"], sklearn.metrics.mutual_info_score(a, b), delta=1e-3)
            self.assertNotIn("neighbours", measures["blocks"]["out"])
            self.assertIn("no networks of known accuracy on such data", measures["verdict"]["withheld"])
        # Outputs that are maps, or one value, name no classes.
        for other in (np.zeros((4100, 1), np.float32), np.zeros((4100, 2, 3, 3), np.float32)):
            shutil.rmtree(self.path("run"))
            self.capture({"x": x, "out": other}, ("out",))
            measures = self.json("measure", "run")
            self.assertIsNone(measures["predictions"])
            self.assertIn("one row of values a class", measures["verdict"]["withheld"])

    def test_energy_shares(self):
        random = np.random.default_rng(4)
        x, y = random.random((120, 30)).astype(np.float32), random.random((120, 50)).astype(np.float32)
        self.capture({"x": x, "y": y})
        self.nnpeek("fit", "run", "--ranks", "3,6", "--iterations", 60, "-o", "run/fit")
        labels = random.integers(0, 3, 120)
        np.save(self.path("run", "capture", "labels.npy"), labels)
        fit = self.json("measure", "run")["fit"]
        ranks = fit["ranks"]
        self.assertEqual([r["rank"] for r in ranks], [3, 6])
        for entry in ranks:
            folder = f"run/fit/rank-{entry['rank']}"
            f = np.load(self.path(folder, "samples.npy")).astype(np.float64)
            for name in ("x", "y"):
                w = np.load(self.path(folder, f"{name}.npy")).astype(np.float64)
                whole = f @ w.T
                shares = [(np.outer(f[:, r], w[:, r]) * whole).sum() / (whole ** 2).sum() for r in range(f.shape[1])]
                np.testing.assert_allclose(entry["shares"][name], shares, rtol=1e-5)
                self.assertAlmostEqual(sum(entry["shares"][name]), 1, places=9)
                unit = w / np.linalg.norm(w, axis=0)
                cosines = (unit.T @ unit)[np.triu_indices(f.shape[1], 1)]
                self.assertAlmostEqual(entry["blocks"][name]["coherence"], cosines.mean(), places=6)
                self.assertEqual(len(entry["blocks"][name]["sparsity"]), f.shape[1])
            self.assertEqual(len(entry["sparsity"]), f.shape[1])
            largest = [max(f[labels == c, r].sum() for c in range(3)) / f[:, r].sum() for r in range(f.shape[1])]
            np.testing.assert_allclose(entry["purity"], largest, rtol=1e-5)
        errors = [rank["blocks"]["x"]["relative_error"] for rank in ranks]
        self.assertAlmostEqual(fit["error_slope"]["blocks"]["x"], errors[1] - errors[0], places=9)
        self.assertLess(fit["error_slope"]["all"], 0)


if __name__ == "__main__":
    unittest.main()
