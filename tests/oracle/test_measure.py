"""Spectra and measures against NumPy and SciPy, on a run folder made by hand."""
import json
import os
import unittest

import numpy as np
import scipy.linalg

from support import Case


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
                p = expected / expected.sum()
                rank = np.exp(-(p[p > 0] * np.log(p[p > 0])).sum())
                self.assertAlmostEqual(blocks[name]["effective_rank"] / rank, 1, delta=1e-4)
                self.assertAlmostEqual(blocks[name]["stable_rank"] / ((expected ** 2).sum() / expected[0] ** 2), 1, delta=1e-6)

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
        self.capture({"softmax": p, "relu": np.maximum(logits, 0).astype(np.float32)}, ["softmax"])
        output = self.json("measure", "run")["output"]
        q = p.astype(np.float64)
        entropy = -(q * np.log(q)).sum(1).mean()
        mean = q.mean(0)
        self.assertAlmostEqual(output["mutual_information"], -(mean * np.log(mean)).sum() - entropy, places=6)
        self.assertAlmostEqual(output["mean_confidence"], q.max(1).mean(), places=6)
        s = scipy.linalg.svdvals(q)
        s /= s.sum()
        self.assertAlmostEqual(output["effective_rank"], np.exp(-(s * np.log(s)).sum()), places=5)

    def test_output_that_is_no_probability(self):
        self.capture({"logits": np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)}, ["logits"])
        self.assertIsNone(self.json("measure", "run")["output"])

    def test_energy_shares(self):
        random = np.random.default_rng(4)
        x, y = random.random((120, 30)).astype(np.float32), random.random((120, 50)).astype(np.float32)
        self.capture({"x": x, "y": y})
        self.nnpeek("fit", "run", "--ranks", "3,6", "--iterations", 60, "-o", "run/fit")
        ranks = self.json("measure", "run")["fit"]["ranks"]
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


if __name__ == "__main__":
    unittest.main()
