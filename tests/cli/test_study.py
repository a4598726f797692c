"""Studies end to end on strokes: what they write, statistics against SciPy, runs that are killed, fail or are made again."""
import base64
import csv
import glob
import json
import os
import signal
import subprocess
import time
import unittest
import zlib

import numpy as np
import scipy.stats

from support import LONG, NNPEEK, Case

RECIPE = {
    "name": "small", "title": "A <small> study", "data": "strokes", "samples": 200, "ranks": "2,4,9",
    "networks": [{"name": "little & less", "fraction": 0.02}, {"name": "more", "fraction": 0.1}],
    "fits": [{"name": "mu", "rule": "mu", "iterations": 30, "tolerance": 0}, {"name": "norms", "scale": "norm"}],
    "figures": [{"label": "Figure 3", "what": "rmse"}, {"label": "Figure 4", "what": "spectrum", "block": "relu1"},
                {"label": "Figure 2", "what": "components", "networks": ["more"]}, {"label": "Figure 9", "what": "loadings"}],
    "statements": [
        {"about": "1 & 7 share", "network": "more", "what": "overlap", "layer": "relu2", "pairs": [[1, 7], [4, 9]]},
        {"about": "relu2 is unused", "network": "little & less", "against": "more", "what": "carrying", "layer": "relu2", "expects": "less"},
        {"about": "it knows 3", "network": "more", "what": "recognises", "class": 3},
    ],
}


class Study(Case):
    def recipe(self, **changes):
        with open(self.path("recipe.json"), "w") as file:
            json.dump({**RECIPE, **changes}, file)
        return "recipe.json"

    def run_folder(self, name, seed):
        """Folders bear the name and a digest of it."""
        return glob.glob(self.path("s", "runs", f"{name}-??????-seed-{seed}"))[0]

    def results(self, folder):
        """What every run found, without what a clock says."""
        found = {}
        for path in sorted(glob.glob(self.path(folder, "runs", "*", "result.json"))):
            with open(path) as file:
                result = json.load(file)
            del result["seconds"], result["train_seconds"]
            found[os.path.basename(os.path.dirname(path))] = result
        return found

    def test_whole(self):
        found = self.json("study", self.recipe(), "--seeds", 3, "-o", "s", "--threads", 2)
        self.assertEqual(found["failed"], 0)
        summary = self.read_json("s", "summary.json")
        self.assertEqual(found["studies"], [summary])
        self.assertEqual(len(self.results("s")), 6)
        with open(self.path("s", "errors.csv")) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 2 * 3 * 2 * 3 * 4)  # networks, seeds, fits, ranks, blocks and all

        def values(network, fit, rank, block, column):
            return np.array([float(r[column]) for r in rows if (r["network"], r["fit"], r["rank"], r["block"]) ==
                             (network, fit, str(rank), block)])
        names = [n["name"] for n in RECIPE["networks"]]
        numbers = {"little___less": 0, "more": 1}
        for folder, result in self.results("s").items():
            name, seed = names[numbers[folder.rsplit("-", 3)[0]]], int(folder[-1])
            for fit in result["fits"]:
                for model in fit["models"]:
                    found = values(name, fit["name"], model["rank"], "all", "RMSE")[seed]
                    self.assertAlmostEqual(found, model["rmse"], places=7)
        for metric in summary["metrics"]:
            if metric["name"] not in ("rmse", "relative_error"):
                continue
            column = "RMSE" if metric["name"] == "rmse" else "relative error"
            for name, entry in zip(names, metric["networks"]):
                x = values(name, metric["fit"], metric["rank"], metric.get("block", "all"), column)
                low, high = scipy.stats.t.interval(0.95, 2, x.mean(), scipy.stats.sem(x))
                np.testing.assert_allclose([entry["mean"], entry["low"], entry["high"]], [x.mean(), low, high], rtol=1e-4)
        claim = summary["claims"][0]
        self.assertEqual((claim["name"], claim["fit"]), ("rmse", "mu"))
        for entry in claim["ranks"]:
            poor, good = (values(name, "mu", entry["rank"], "all", "RMSE") for name in names)
            low, high = scipy.stats.t.interval(0.95, 2, (good - poor).mean(), scipy.stats.sem(good - poor))
            self.assertEqual(entry["pairs"], [1 if low > 0 else -1 if high < 0 else 0])
        # The files of a kept run are those of any run; the others keep what is small.
        self.check_run(self.run_folder("little___less", 0), RECIPE)
        self.assertFalse(os.path.exists(os.path.join(self.run_folder("more", 1), "capture")))
        with open(self.path("s", "study.html")) as file:
            page = file.read()
        self.assertIn("A &lt;small&gt; study", page)
        self.assertNotIn("<small>", page)
        self.assertIn("little &amp; less", page)
        self.assertGreater(os.path.getsize(self.path("s", "compare.html")), 100000)
        self.check_statements(summary)
        self.check_pictures(page)

    def check_statements(self, summary):
        results = self.results("s")
        poor, good = ([results[f] for f in sorted(results) if f.startswith(name)] for name in ("little", "more"))

        def overlap(run, member):
            rows = np.array(run[member]["relu2"])
            return (rows[1, 7] + rows[4, 9]) / 2 - rows[np.triu_indices(10, 1)].mean()
        expected = [
            ("1 & 7 share", "activations", [overlap(run, "overlap") for run in good], 1),
            ("1 & 7 share", "components", [overlap(run, "component_overlap") for run in good], 1),
            ("relu2 is unused", None, [a["carrying"]["relu2"] - b["carrying"]["relu2"] for a, b in zip(poor, good)], -1),
            ("it knows 3", None, [run["confusion"][3][3] / sum(run["confusion"][3]) - 0.5 for run in good], 1),
        ]
        self.assertEqual(len(summary["statements"]), len(expected))
        for found, (about, by, values, side) in zip(summary["statements"], expected):
            self.assertEqual((found["about"], found.get("by")), (about, by))
            low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
            np.testing.assert_allclose([found["mean"], found["low"], found["high"]], [np.mean(values), low, high], rtol=1e-4, atol=1e-9)
            verdict = "not decided" if low <= 0 <= high else "seen" if (low > 0) == (side > 0) else "not seen: the opposite"
            self.assertEqual(found["verdict"], verdict)

    def check_pictures(self, page):
        """The latent images and loadings of Figures 2 and 9, decoded again, against the run's files."""
        start = "data:image/png;base64,"
        pictures = [base64.b64decode(part.split("'")[0]) for part in page.split(start)[1:]]
        self.assertEqual(len(pictures), 2 + 2 * 2)  # two components of one network, two layers of two
        folder = self.run_folder("more", 0)
        w = np.load(os.path.join(folder, "fit", "rank-2", "input.npy"))
        f = np.load(os.path.join(folder, "fit", "rank-2", "samples.npy"))
        order = np.argsort(-(f ** 2).sum(0) * (w ** 2).sum(0))
        for place, component in enumerate(order):
            pixels = self.decode(pictures[place], 28, 28)
            np.testing.assert_allclose(pixels, 255 * (w[:, component] / w[:, component].max()).reshape(28, 28), atol=0.51)
        for place, (run, layer) in enumerate((r, n) for r in ("little___less", "more") for n in ("relu1", "relu2")):
            w = np.load(os.path.join(self.run_folder(run, 0), "fit", "rank-2", layer + ".npy"))
            pixels = self.decode(pictures[2 + place], 2, len(w))
            np.testing.assert_allclose(pixels, 255 * np.sqrt(w / w.max()).T, atol=0.51)
        labels = np.load(os.path.join(folder, "capture", "labels.npy"))
        sums = np.array([f[labels == c, order[0]].sum() for c in range(10)])
        self.assertIn(f"{sums.argmax()} ({100 * sums.max() / sums.sum():.0f} %)", page)

    def decode(self, png, height, width):
        """A grey 8-bit PNG, by zlib and the five filters of the standard."""
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        place, data = 8, b""
        while place < len(png):
            size, kind = int.from_bytes(png[place:place + 4], "big"), png[place + 4:place + 8]
            body = png[place + 8:place + 8 + size]
            if kind == b"IHDR":
                self.assertEqual((int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"), body[8], body[9]), (width, height, 8, 0))
            data += body if kind == b"IDAT" else b""
            place += 12 + size
        raw, rows = zlib.decompress(data), np.zeros((height + 1, width + 1), int)
        for y in range(height):
            line = raw[y * (width + 1):(y + 1) * (width + 1)]
            for x in range(width):
                left, up, corner = rows[y + 1, x], rows[y, x + 1], rows[y, x]
                paeth = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
                rows[y + 1, x + 1] = line[x + 1] + (0, left, up, (left + up) // 2, paeth)[line[0]] & 255
        return rows[1:, 1:]

    def check_run(self, folder, recipe):
        result = self.read_json(folder, "result.json")
        x = {n: np.load(self.path(folder, "capture", n + ".npy")).reshape(200, -1).astype(float) for n in ("input", "relu1", "relu2")}
        labels = np.load(self.path(folder, "capture", "labels.npy"))
        for model in result["fits"][0]["models"]:
            f = np.load(self.path(folder, "fit", f"rank-{model['rank']}", "samples.npy")).astype(float)
            square = 0
            for name, values in x.items():
                w = np.load(self.path(folder, "fit", f"rank-{model['rank']}", name + ".npy")).astype(float)
                error = np.linalg.norm(values - f @ w.T)
                self.assertAlmostEqual(model["blocks"][name]["relative_error"], error / np.linalg.norm(values), places=5)
                square += error ** 2
            self.assertAlmostEqual(model["rmse"], np.sqrt(square / sum(v.size for v in x.values())), places=5)
        for name in ("relu1", "relu2"):
            active = np.array([x[name][labels == k].mean(0) > x[name].mean(0) for k in range(10)])
            both = (active[:, None] & active[None]).sum(-1)
            either = (active[:, None] | active[None]).sum(-1)
            np.testing.assert_allclose(result["overlap"][name], both / np.maximum(either, 1), atol=1e-9)
            w, f = np.load(self.path(folder, "fit", "rank-2", name + ".npy")), np.load(self.path(folder, "fit", "rank-2", "samples.npy"))
            active = np.array([w @ (f[labels == k].mean(0) - f.mean(0)) > 0 for k in range(10)])
            both = (active[:, None] & active[None]).sum(-1)
            either = (active[:, None] | active[None]).sum(-1)
            np.testing.assert_allclose(result["component_overlap"][name], both / np.maximum(either, 1), atol=0.02)
            w = w.max(1)
            self.assertAlmostEqual(result["carrying"][name], (w >= 0.01 * w.max()).mean(), places=6)
        self.assertAlmostEqual(result["accuracy"], np.trace(result["confusion"]) / np.sum(result["confusion"]), places=9)

    def test_killed_and_resumed(self):
        recipe = self.recipe()
        self.nnpeek("study", recipe, "--seeds", 2, "-o", "whole")
        undisturbed = self.results("whole")
        for wait in (0.3, 0.8, 1.3):
            process = subprocess.Popen([os.path.abspath(NNPEEK), "study", recipe, "--seeds", "2", "-o", "killed", "--resume"],
                                       cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.nnpeek("study", recipe, "--seeds", 2, "-o", "killed", "--resume", "--threads", 1)
        self.assertEqual(self.results("killed"), undisturbed)
        # What is finished is not made again; with other options it is.
        before = {p: os.stat(p).st_mtime_ns for p in glob.glob(self.path("killed", "runs", "*", "result.json"))}
        self.nnpeek("study", recipe, "--seeds", 2, "-o", "killed", "--resume")
        self.assertEqual(before, {p: os.stat(p).st_mtime_ns for p in before})
        # Killed behind a training, before its checkpoint went: it goes with the next call that makes the run.
        stale = os.path.join(os.path.dirname(next(iter(before))), "network.onnx.checkpoint")
        with open(stale, "w") as file:
            file.write("of a training that ended")
        self.nnpeek("study", recipe, "--seeds", 2, "--ranks", 3, "-o", "killed", "--resume")
        self.assertFalse(os.path.exists(stale))
        self.assertFalse(any(os.stat(p).st_mtime_ns == t for p, t in before.items()))

    def test_failing_runs(self):
        networks = [{"name": "good", "fraction": 0.02}, {"name": "strange", "order": "by-class:42"}]
        alone = {"figures": [{"label": "Figure 9", "what": "loadings"}], "statements": []}
        done = self.nnpeek("study", self.recipe(networks=networks, **alone), "--seeds", 1, "-o", "s")
        summary = self.read_json("s", "summary.json")
        self.assertEqual([(f["network"], f["seed"]) for f in summary["failed"]], [("strange", 0)])
        self.assertIn("42", summary["failed"][0]["why"])
        self.assertIn("strange, seed 0 failed", done.stderr)
        with open(self.path("s", "study.html")) as file:
            self.assertIn("1 runs failed", file.read())
        done = self.nnpeek("study", self.recipe(networks=networks[1:], **alone), "--seeds", 1, "-o", "t", status=2)
        self.assertIn("all runs of the study failed", done.stderr)

    def test_other_data_are_not_mixed_in(self):
        """mnist by name where it is not found, behind strokes."""
        self.nnpeek("study", self.recipe(networks=RECIPE["networks"][:1], figures=[], statements=[]), "--seeds", 1, "-o", "s")
        with open(self.path("s", "study.json"), "w") as file:
            json.dump({"data": "mnist"}, file)
        self.sentence("study", "recipe.json", "--seeds", 1, "--resume", "-o", "s", has=["made with mnist", "strokes"])

    def test_bad_recipes(self):
        for changes, word in (({"networks": []}, "networks"), ({"networks": [{"fraction": 1}]}, "name"),
                              ({"networks": [{"name": "a", "fraction": 2}]}, "fraction"), ({"fits": 3}, "fits"),
                              ({"networks": [{"name": "a", "loss": "hinge"}]}, "cross-entropy"), ({"ranks": "a"}, "ranks"),
                              ({"figures": [{"label": "x", "what": "spectrum"}]}, "block"),
                              ({"figures": [{"label": "x", "what": "loadings", "networks": ["none"]}]}, "networks"),
                              ({"statements": [{**RECIPE["statements"][0], "pairs": [[1]]}]}, "pairs"),
                              ({"statements": [{**RECIPE["statements"][0], "network": "none"}]}, "network"),
                              ({"statements": [{**RECIPE["statements"][1], "against": "none"}]}, "against"),
                              ({"statements": [{"about": "a", "network": "more", "what": "knows"}]}, "recognises"), ({"name": 3}, "name")):
            self.sentence("study", self.recipe(**changes), "-o", "s", has=[word])
        self.sentence("study", "fractoin", "-o", "s", has=["fraction, classes, order"])
        self.sentence("study", "fraction", has=["-o"])
        self.assertEqual(self.files(), ["recipe.json"])


@unittest.skipUnless(LONG, "long: the whole built-in studies")
class BuiltIn(Case):
    """Five seeds, 2,000 samples: on MNIST where it is, with the accuracies that design and paper give, else on strokes."""

    def study(self, name):
        done = self.nnpeek("study", name, "--samples", 2000, "-o", name)
        summary = self.read_json(name, "summary.json")
        self.assertEqual(summary["failed"], [])
        self.assertGreater(os.path.getsize(self.path(name, "study.html")), 20000)
        self.assertGreater(os.path.getsize(self.path(name, "compare.html")), 100000)
        return summary, "strokes" in done.stderr

    def accuracies(self, summary, ranges):
        for network, (low, high) in zip(summary["networks"], ranges):
            self.assertTrue(low <= 100 * network["accuracy"]["mean"] <= high, network)

    def test_fraction(self):
        summary, strokes = self.study("fraction")
        if not strokes:
            self.accuracies(summary, [(82, 88), (89, 92), (92, 95), (93, 95.5)])
            self.assertEqual(summary["claims"][0]["verdict"], "holds at every rank")

    def test_classes(self):
        summary, strokes = self.study("classes")
        if not strokes:
            self.accuracies(summary, [(9, 11), (44, 48), (47, 52), (93, 95.5)])

    def test_order(self):
        summary, _ = self.study("order")
        verdicts = {(s["about"], s["network"]): s["verdict"] for s in summary["statements"]}
        self.assertEqual(verdicts["the network recognises most of the 9s", "9, 0-8"], "not seen: the opposite")


if __name__ == "__main__":
    unittest.main()
