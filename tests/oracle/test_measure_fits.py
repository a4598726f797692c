"""Measures of a run that take fits or the network: against SciPy, scikit-learn and NumPy on what nnpeek writes."""
import json
import os
import unittest

import numpy as np
import onnx
import onnx.numpy_helper
import scipy.optimize
import sklearn.decomposition

from support import Case
from test_measure_functions import power_law


def planted(random, samples, widths, rank, noise):
    """Non-negative blocks of this rank, sparse enough to be unique, with noise."""
    f = random.random((samples, rank)) * (random.random((samples, rank)) < 0.5)
    return [np.maximum(f @ (random.random((rank, n)) * (random.random((rank, n)) < 0.4)) + noise * random.normal(size=(samples, n)), 0)
            .astype(np.float32) for n in widths]


def nnls_rows(x, w):
    """argmin over F >= 0 of || X - F W^T ||, row by row."""
    return np.array([scipy.optimize.nnls(w.astype(float), row.astype(float))[0] for row in x])


def relative(x, y):
    return np.linalg.norm(x - y) / np.linalg.norm(x)


class Fits(Case):
    def capture(self, arrays):
        os.makedirs(self.path("run", "capture"))
        entries = []
        for name, x in arrays.items():
            np.save(self.path("run", "capture", f"{name}.npy"), x)
            entries.append({"name": name, "file": f"{name}.npy", "kind": "layer", "fit": True, "shape": [x.shape[1]],
                            "layout": "flat"})
        with open(self.path("run", "capture", "manifest.json"), "w") as file:
            json.dump({"blocks": entries}, file)

    def matrices(self, folder, *names):
        return [np.load(self.path(folder, f"{name}.npy")).astype(float) for name in names]

    def test_transmission(self):
        random = np.random.default_rng(0)
        x, y = planted(random, 150, (24, 30), 4, 0.02)
        self.capture({"x": x, "y": y})
        found = self.json("measure", "run", "--transmission", "--ranks", "3,4", "--seed", 5)["transmission"]
        self.assertEqual(found["blocks"], ["x", "y"])
        held = np.zeros(150, bool)
        held[found["held_out"]] = True
        self.assertEqual(held.sum(), 30)
        for name, block in (("x", x), ("y", y)):
            np.save(self.path(f"{name}.npy"), block[~held])
        self.nnpeek("fit", "x.npy", "y.npy", "--ranks", "3,4", "--seed", 5, "-o", "learned")
        for entry in found["ranks"]:
            w = self.matrices(f"learned/rank-{entry['rank']}", "x", "y")
            blocks = [x[held], y[held]]
            for a in range(2):
                f = nnls_rows(blocks[a], w[a])
                for b in range(2):
                    self.assertAlmostEqual(entry["relative_error"][a][b], relative(blocks[b], f @ w[b].T), delta=1e-4)
            f = nnls_rows(np.hstack(blocks), np.vstack(w))
            for b in range(2):
                self.assertAlmostEqual(entry["from_all"][b], relative(blocks[b], f @ w[b].T), delta=1e-4)
        for b, block in enumerate((x, y)):
            mean = np.tile(block[~held].mean(0), (30, 1))
            self.assertAlmostEqual(found["mean_error"][b], relative(block[held], mean), delta=1e-5)
        self.assertLess(found["ranks"][1]["relative_error"][0][1], found["mean_error"][1] / 2)

    def test_stability(self):
        random = np.random.default_rng(1)
        x, y = planted(random, 200, (40, 30), 5, 0.05)
        self.capture({"x": x, "y": y})
        self.nnpeek("fit", "run", "--ranks", 7, "-o", "run/fit")
        for seed in (1, 2, 3):
            self.nnpeek("fit", "run", "--ranks", 7, "--seed", seed, "-o", f"seed-{seed}")
        measures = self.json("measure", "run", "--stability", "--starts", 3)
        models = [self.matrices(f"{folder}/rank-7", "samples", "x", "y") for folder in ("run/fit", "seed-1", "seed-2", "seed-3")]
        models = [(f, np.vstack([w, v])) for f, w, v in models]

        def matched(a, b):
            unit = [[m / np.linalg.norm(m, axis=0) for m in pair] for pair in (a, b)]
            similarity = (unit[0][0].T @ unit[1][0]) * (unit[0][1].T @ unit[1][1])
            return similarity[scipy.optimize.linear_sum_assignment(similarity, maximize=True)]

        pairs = [matched(models[a], models[b]).mean() for a, b in ((1, 2), (1, 3), (2, 3))]
        own = np.mean([matched(models[0], model) for model in models[1:]], axis=0)
        entry = measures["fit"]["ranks"][0]
        self.assertAlmostEqual(measures["stability"]["ranks"][0]["stability"], np.mean(pairs), places=5)
        self.assertAlmostEqual(entry["stability"], np.mean(pairs), places=5)
        np.testing.assert_allclose(entry["component_stability"], own, atol=1e-5)
        kept = self.json("measure", "run")
        self.assertEqual(kept["fit"]["ranks"][0]["component_stability"], entry["component_stability"])
        self.assertEqual(kept["stability"], measures["stability"])

    def test_few_samples_and_the_weights_of_the_fits(self):
        """Every third sample is taken, and the problem is that of the run's own fits: blocks of equal norm."""
        random = np.random.default_rng(6)
        x, y = planted(random, 180, (40, 30), 5, 0.05)
        y *= 50
        self.capture({"x": x, "y": y})
        self.nnpeek("fit", "run", "--ranks", 6, "--scale", "norm", "-o", "run/fit")
        measures = self.json("measure", "run", "--stability", "--transmission", "--choose-rank", "--starts", 2, "--samples", 60)
        weights = 1 / np.linalg.norm(x) ** 2, 1 / np.linalg.norm(y) ** 2
        for name, block in (("x", x), ("y", y)):
            np.save(self.path(f"{name}.npy"), block[::3])
        arguments = [f"--weight={name}={weight}" for name, weight in zip("xy", weights)]
        models = []
        for seed in (1, 2):
            self.nnpeek("fit", "x.npy", "y.npy", "--ranks", 6, "--seed", seed, *arguments, "-o", f"seed-{seed}")
            models.append(self.matrices(f"seed-{seed}/rank-6", "samples", "x", "y"))
        own = self.matrices("run/fit/rank-6", "samples", "x", "y")

        def matched(a, b):
            unit = []
            for f, w, v in (a, b):
                loadings = np.vstack([np.sqrt(weights[0]) * w, np.sqrt(weights[1]) * v])
                unit.append((f / np.linalg.norm(f, axis=0), loadings / np.linalg.norm(loadings, axis=0)))
            similarity = (unit[0][0].T @ unit[1][0]) * (unit[0][1].T @ unit[1][1])
            return similarity[scipy.optimize.linear_sum_assignment(similarity, maximize=True)]

        entry = measures["fit"]["ranks"][0]
        self.assertEqual(measures["stability"]["samples"], 60)
        self.assertAlmostEqual(entry["stability"], matched(*models).mean(), delta=1e-4)
        thinned = [own[0][::3], *own[1:]]
        np.testing.assert_allclose(entry["component_stability"], np.mean([matched(thinned, m) for m in models], axis=0), atol=1e-4)
        self.assertEqual(measures["rank"]["samples"], 60)
        held = measures["transmission"]["held_out"]
        self.assertEqual(len(held), 12)
        self.assertTrue(all(t % 3 == 0 and t < 180 for t in held))

    def test_rank_of_planted_blocks_is_found(self):
        random = np.random.default_rng(2)
        blocks = planted(random, 240, (50, 60), 5, 0.1)
        self.capture(dict(zip("xy", blocks)))
        found = self.json("measure", "run", "--choose-rank", "--ranks", "2:9:1")["rank"]
        self.assertEqual(found["recommended"], 5, found)
        expected = self.twin(blocks, 5)
        errors = {entry["rank"]: entry for entry in found["ranks"]}
        self.assertAlmostEqual(errors[5]["held_out_error"] / expected, 1, delta=0.1)
        self.assertGreater(errors[3]["held_out_error"], errors[5]["held_out_error"] + errors[5]["standard_error"])
        one = self.json("measure", "run", "--choose-rank", "--ranks", "2:9:1", "--threads", 1)["rank"]
        self.assertEqual(one, found)

    def twin(self, blocks, rank):
        """Bi-cross-validation of the stacked blocks with scikit-learn's NMF and SciPy's NNLS, on splits of its own."""
        x = np.hstack(blocks).astype(float)
        random, errors = np.random.default_rng(3), []
        row, column = (random.permutation(size) % 5 for size in x.shape)
        for g in range(5):
            i, j = row == g, column == g
            nmf = sklearn.decomposition.NMF(rank, init="random", random_state=g, max_iter=2000, tol=1e-6)
            f = nmf.fit_transform(x[~i][:, ~j])
            held, loadings = nnls_rows(x[i][:, ~j], nmf.components_.T), nnls_rows(x[~i][:, j].T, f)
            errors.append(relative(x[i][:, j], held @ loadings.T))
        return np.mean(errors)

    def test_the_edge_is_never_recommended(self):
        random = np.random.default_rng(4)
        self.capture(dict(zip("xy", planted(random, 240, (50, 60), 8, 0.02))))
        rising = self.json("measure", "run", "--choose-rank", "--ranks", "2,3,4")["rank"]
        self.assertIsNone(rising["recommended"])
        self.assertIn("still falls at rank 4", rising["reason"])
        low = self.json("measure", "run", "--choose-rank", "--ranks", "8,12,16")["rank"]
        self.assertIsNone(low["recommended"])
        self.assertIn("try smaller", low["reason"])
        two = self.json("measure", "run", "--choose-rank", "--ranks", "2,8")["rank"]
        self.assertIsNone(two["recommended"])

    def test_what_cannot_be_done_is_said(self):
        self.capture({"x": np.random.default_rng(5).random((30, 8)).astype(np.float32)})
        self.sentence("measure", "run", "--stability", has=["--ranks"])
        self.sentence("measure", "run", "--stability", "--ranks", 20, has=["20"])
        self.sentence("measure", "run", "--choose-rank", "--ranks", 8, has=["8"])
        self.sentence("measure", "run", "--weights", has=["--network"])
        self.sentence("measure", "run", "--all", "--ranks", 2, "--network", "none.onnx", has=["none.onnx"])
        self.assertEqual(os.listdir(self.path("run")).count("measures.json"), 1)


class Networks(Case):
    """The paper's network, little trained on strokes."""

    def setUp(self):
        super().setUp()
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.1, "-o", "net.onnx")
        self.nnpeek("capture", "net.onnx", "--data", "strokes", "--samples", 120, "-o", "run/capture")

    def test_weights(self):
        found = {entry["name"]: entry for entry in self.json("measure", "run", "--weights", "--network", "net.onnx")["weights"]}
        tensors = {t.name: onnx.numpy_helper.to_array(t).astype(float)
                   for t in onnx.load(self.path("net.onnx")).graph.initializer}
        self.assertEqual(set(found), {name for name, t in tensors.items() if t.ndim > 1 and t.dtype == float and name.endswith("weight")})
        for name, entry in found.items():
            w = tensors[name].reshape(*tensors[name].shape[:2], -1)
            values = np.concatenate([np.linalg.svd(w[:, :, m], compute_uv=False) ** 2 for m in range(w.shape[2])])
            self.assertEqual(entry["eigenvalues"], len(values))
            self.assertAlmostEqual(entry["largest_eigenvalue"], values.max(), places=6)
            if len(values) < 50:
                self.assertIsNone(entry["alpha"])
                self.assertIn("fewer than 50", entry["reason"])
            else:
                alpha, smallest, distance, tail = power_law(values)
                self.assertAlmostEqual(entry["alpha"], alpha, places=4)
                self.assertAlmostEqual(entry["alpha_hat"], alpha * np.log10(values.max()), places=4)
                self.assertEqual(entry["tail"], tail)

    def test_shifts(self):
        found = self.json("measure", "run", "--shifts", "--network", "net.onnx")["shifts"]
        x, p = (np.load(self.path("run", "capture", f"{name}.npy")) for name in ("input", "softmax"))
        self.assertEqual([entry["pixels"] for entry in found], [1, 2, 3])
        for entry in found[::2]:
            d, agreement, invariance = entry["pixels"], [], []
            wide = np.pad(x, ((0, 0), (0, 0), (d, d), (d, d)), mode="edge")
            for down, right in ((d, 0), (-d, 0), (0, d), (0, -d)):
                np.save(self.path("shifted.npy"), wide[:, :, d - down:d - down + 28, d - right:d - right + 28])
                self.nnpeek("capture", "net.onnx", "--data", "shifted.npy", "--layers", "softmax", "-o", "shifted")
                q = np.load(self.path("shifted", "softmax.npy"))
                same = p.argmax(1) == q.argmax(1)
                agreement.append(same.mean())
                invariance.append(np.where(same, np.sqrt(p.max(1) * q.max(1)), 0).mean())
            self.assertAlmostEqual(entry["agreement"], np.mean(agreement), places=6)
            self.assertAlmostEqual(entry["effective_invariance"], np.mean(invariance), places=5)

    def test_nulls(self):
        self.nnpeek("fit", "run", "--ranks", "5,10", "-o", "run/fit")
        before = self.files()
        measures = self.json("measure", "run", "--nulls", "--network", "net.onnx")
        self.assertEqual(self.files(), sorted(before + ["run/measures.json"]))
        nulls = measures["nulls"]
        self.assertEqual(list(nulls), ["untrained network", "shuffled pixels", "scrambled phases"])
        for null in nulls.values():
            self.assertEqual(list(null["blocks"]), list(measures["blocks"]))
            self.assertEqual([rank["rank"] for rank in null["fit"]["ranks"]], [5, 10])
            self.assertEqual(len(null["pairs"]["linear_cka"]), len(measures["blocks"]))
        same = nulls["untrained network"]["blocks"]
        without = [{k: v for k, v in blocks["input"].items() if k != "neighbours"} for blocks in (same, measures["blocks"])]
        self.assertEqual(*without)
        self.assertNotEqual(same["input"]["neighbours"], measures["blocks"]["input"]["neighbours"])  # it predicts otherwise
        self.assertNotEqual(same["relu1"]["norm"], measures["blocks"]["relu1"]["norm"])
        shuffled, scrambled = nulls["shuffled pixels"]["blocks"]["input"], nulls["scrambled phases"]["blocks"]["input"]
        self.assertAlmostEqual(shuffled["norm"] / measures["blocks"]["input"]["norm"], 1, places=6)
        self.assertAlmostEqual(shuffled["zeros"], measures["blocks"]["input"]["zeros"], places=9)
        self.assertGreater(shuffled["effective_rank"], scrambled["effective_rank"])
        self.assertEqual(self.json("measure", "run")["nulls"], nulls)
        fewer = self.json("measure", "run", "--nulls", "--network", "net.onnx", "--samples", 40)["nulls"]
        self.assertEqual(list(fewer), ["trained network", *nulls])
        x = np.load(self.path("run", "capture", "relu1.npy"))[::3].reshape(40, -1).astype(float)
        self.assertAlmostEqual(fewer["trained network"]["blocks"]["relu1"]["norm"] / np.linalg.norm(x), 1, places=5)
        self.assertEqual(fewer["untrained network"]["blocks"]["relu1"]["singular_value_samples"], 40)
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.1, "--seed", 1, "-o", "other.onnx")
        self.sentence("measure", "run", "--nulls", "--network", "other.onnx", has=["other.onnx", "digest"])


if __name__ == "__main__":
    unittest.main()
