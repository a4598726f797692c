"""The demo as a new user runs it, on the built-in data; and that its data set is a real problem."""
import os
import unittest

import numpy as np

from support import Case


class Demo(Case):
    def setUp(self):
        super().setUp()
        self.without_data = {k: v for k, v in os.environ.items() if k != "NNPEEK_DATA"}
        self.without_data["XDG_CACHE_HOME"] = self.path("no-cache")

    def test_demo_without_any_data(self):
        done = self.nnpeek("demo", env=self.without_data)
        for text in ("strokes", "10 components explain", "relu1", "relu2", "nnpeek-demo/report.html"):
            self.assertIn(text, done.stdout)
        self.assertLess(len(done.stdout.splitlines()), 15)
        accuracy = float(done.stdout.split("%")[0].split()[-1]) / 100
        self.assertGreater(accuracy, 0.90)  # strokes can be learned ...
        self.assertLess(accuracy, 0.999)    # ... but are no toy
        self.assertEqual(sorted(os.listdir(self.path("nnpeek-demo"))),
                         ["capture", "fit", "measures.json", "network.onnx", "report.html"])
        ranks = self.read_json("nnpeek-demo", "measures.json")["fit"]["ranks"]
        self.assertEqual([r["rank"] for r in ranks], [10, 20, 30, 40, 50])
        errors = [r["relative_error"] for r in ranks]
        self.assertEqual(errors, sorted(errors, reverse=True))
        f = np.load(self.path("nnpeek-demo", "fit", "rank-50", "samples.npy"))
        self.assertEqual(f.shape, (2000, 50))
        page = self.read_bytes("nnpeek-demo", "report.html")
        self.assertNotIn(b'src="http', page)
        self.assertLess(len(page), 15e6)


if __name__ == "__main__":
    unittest.main()
