"""The paper's recipe on MNIST: accuracies in the ranges measured with PyTorch (docs/architecture.md, design facts). The first
seed of the smallest and largest part by default; all seeds and parts with NNPEEK_LONG=1."""
import os
import unittest

from support import LONG, Case, mnist_found

RANGES = {0.25: (0.80, 0.87), 0.5: (0.88, 0.925), 0.75: (0.915, 0.947), 1: (0.93, 0.955)}


class Recipe(Case):
    def check(self, fraction, seed):
        result = self.json("train", "paper", "--data", "mnist", "--fraction", fraction, "--seed", seed, "-o", "n.onnx")
        low, high = RANGES[fraction]
        self.assertEqual(result["train_samples"], round(60000 * fraction))
        self.assertTrue(low <= result["test_accuracy"] <= high, (fraction, seed, result["test_accuracy"]))
        return result["test_accuracy"]

    @unittest.skipUnless(mnist_found(), "MNIST is not under NNPEEK_DATA")
    def test_accuracies(self):
        for fraction in RANGES if LONG else (0.25, 1):
            for seed in range(5 if LONG else 1):
                print(f"{fraction:5} seed {seed}: {self.check(fraction, seed):.4f}")


if __name__ == "__main__":
    unittest.main()
