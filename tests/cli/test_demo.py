"""The demo as a new user runs it: on MNIST where it is found, and with the long tests on the built-in data, a real problem."""
import os
import unittest

import numpy as np

from support import LONG, Case


class Demo(Case):
    def demo(self, *arguments):
        """What it says and measures.json, once its files are looked at."""
        environment = {k: v for k, v in os.environ.items() if k != "NNPEEK_DATA"}
        environment["XDG_CACHE_HOME"] = self.path("no-cache")
        said = self.nnpeek("demo", *arguments, env=environment).stdout
        for text in ("10 components explain", "relu1", "relu2", "nnpeek-demo/report.html"):
            self.assertIn(text, said)
        self.assertLess(len(said.splitlines()), 15)
        self.assertEqual(sorted(os.listdir(self.path("nnpeek-demo"))),
                         ["capture", "fit", "measures.json", "network.onnx", "report.html"])
        measures = self.read_json("nnpeek-demo", "measures.json")
        ranks = measures["fit"]["ranks"]
        self.assertEqual([r["rank"] for r in ranks], [10, 20, 30, 40, 50])
        errors = [r["relative_error"] for r in ranks]
        self.assertEqual(errors, sorted(errors, reverse=True))
        page = self.read_bytes("nnpeek-demo", "report.html")
        self.assertNotIn(b'src="http', page)
        self.assertLess(len(page), 15e6)
        return said, measures

    def factor(self):
        return np.load(self.path("nnpeek-demo", "fit", "rank-50", "samples.npy"))


class Small(Demo):
    def test_mnist_where_it_is_found(self):
        self.make_mnist(8000, 150)
        said, measures = self.demo("--data-dir", "data")
        self.assertIn("8000 samples of mnist", said.replace(",", ""))
        self.assertGreater(float(said.split("%")[0].split()[-1]), 40)
        self.assertEqual(self.factor().shape, (150, 50))
        self.assertEqual(measures["rank"]["samples"], 150)


@unittest.skipUnless(LONG, "takes half a minute")
class BuiltIn(Demo):
    def test_demo_without_any_data(self):
        said, _ = self.demo()
        self.assertIn("strokes", said)
        accuracy = float(said.split("%")[0].split()[-1]) / 100
        self.assertGreater(accuracy, 0.90)  # strokes can be learned ...
        self.assertLess(accuracy, 0.999)    # ... but are no toy
        self.assertEqual(self.factor().shape, (2000, 50))


if __name__ == "__main__":
    unittest.main()
