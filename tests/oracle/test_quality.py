"""A small study of how well accuracy can be told without labels, recomputed from its networks by SciPy and NumPy: correlations,
scores, calibration, intervals; the verdict that comes of it; and that it resumes."""
import csv
import glob
import json
import os
import shutil
import unittest

import numpy as np
import scipy.optimize
import scipy.stats

from support import Case

FAST = {"learning_rate": 0.05, "momentum": 0.9}
RECIPE = {
    "name": "small", "title": "A <small> study", "kind": "quality", "seeds": 2, "samples": 300, "ranks": "10",
    "families": [{"name": "one", "network": "paper", "data": "mnist"}, {"name": "two", "network": "paper", "data": "mnist"}],
    "fits": [{"name": "default"}],
    "groups": [
        {"name": "fraction", "vary": "fraction", "of": FAST, "values": [0.1, 0.2, 0.4, 0.8]},
        {"name": "noise", "vary": "label_noise", "of": {**FAST, "fraction": 0.4}, "values": [0.2, 0.5, 0.8]},
        {"name": "classes", "vary": "classes", "of": {**FAST, "fraction": 0.6}, "values": ["3", "0-4", {"classes": "1-8", "epochs": 2}]},
        {"name": "permuted", "judged": False, "vary": "permute_labels", "of": {**FAST, "fraction": 0.4}, "values": [{"permute_labels": True}]},
        {"name": "other", "family": "two", "vary": "fraction", "of": {**FAST, "batch": 32}, "values": [0.1, 0.3, 0.8]},
    ],
}
PARTS = ["classes_in_use", "confidence", "output_directions", "first_layer", "last_layer", "last_layer_information", "components",
         "components_information", "input"]
SOURCES = {"output": PARTS[:3], "activations": PARTS[3:6], "factorisation": PARTS[6:8], "all": PARTS[:8],
           "output and activations": PARTS[:6], "output and factorisation": PARTS[:3] + PARTS[6:8], "input": PARTS[8:]}
LEARNT = ("fraction", "noise", "classes")


def learn(parts, accuracy):
    """Non-negative least squares with a small ridge on standardised parts, and a free constant; of the angle asin sqrt accuracy."""
    angle, mean, deviation = np.arcsin(np.sqrt(accuracy)), parts.mean(0), parts.std(0)
    z, count = (parts - mean) / deviation, len(parts)
    a = np.vstack([z, np.sqrt(1e-3 * count) * np.eye(z.shape[1])])
    weights, _ = scipy.optimize.nnls(a, np.concatenate([angle - angle.mean(), np.zeros(z.shape[1])]))
    weights = weights / deviation
    return angle.mean() - weights @ mean, weights


def score(constant, weights, parts):
    return np.sin(np.clip(constant + parts @ weights, 0, np.pi / 2)) ** 2


def given(x, y, *controls):
    """Spearman's correlation of what is left of ranks."""
    ranks = [scipy.stats.rankdata(v) for v in (x, y, *controls)]
    base = np.column_stack([np.ones(len(x)), *ranks[2:]])
    x, y = (r - base @ np.linalg.lstsq(base, r, rcond=None)[0] for r in ranks[:2])
    return x @ y / np.sqrt((x @ x) * (y @ y))


class Quality(Case):
    def study(self, *more, recipe=RECIPE, folder="s", **options):
        with open(self.path("recipe.json"), "w") as file:
            json.dump(recipe, file)
        return self.nnpeek("study", "recipe.json", "--data-dir", "data", "-o", folder, *more, **options)

    def load(self):
        """Rows as quality.csv has them, with the parts of result.json."""
        with open(self.path("s", "quality.csv")) as file:
            self.rows = list(csv.DictReader(file))
        self.summary, self.calibration = self.read_json("s", "summary.json"), self.read_json("s", "calibration.json")
        self.group = np.array([r["group"] for r in self.rows])
        self.accuracy = self.column("accuracy")
        names = [f"{g['name']}" for g in RECIPE["groups"] for _ in g["values"]]
        results = {}
        for path in glob.glob(self.path("s", "runs", "*", "result.json")):
            with open(path) as file:
                result = json.load(file)
            results[result["made_from"]["network"]["name"], result["made_from"]["seed"]] = result
        self.results = [results[r["network"], int(r["seed"])] for r in self.rows]
        self.assertEqual([r["made_from"]["network"]["group"] for r in self.results], list(self.group))
        self.assertEqual(len(self.rows), 2 * len(names))
        self.parts = {p: np.array([r["verdict"]["parts"][p] for r in self.results]) for p in PARTS}

    def column(self, name):
        return np.array([float(r[name]) if r[name] else np.nan for r in self.rows])

    def learnt(self, but=None):
        return np.isin(self.group, LEARNT) & (self.group != but)

    def test_whole(self):
        self.make_mnist(5000, 1000)
        self.study()
        self.load()
        self.check_parts()
        self.check_scores()
        self.check_correlations()
        self.check_targets()
        self.check_calibration()
        self.check_page()
        self.check_verdicts()
        self.check_resumed()

    def check_parts(self):
        for row, result in zip(self.rows, self.results):
            p = result["predictions"]
            use = (p["effective_classes"] - 1) / (p["classes"] - 1)
            blocks, fit = result["blocks"], result["fit"]["ranks"][0]
            expected = [use, (10 * p["confidence"] - 1) / 9, (p["effective_rank"] - 1) / 9,
                        use * blocks["relu1"]["neighbours"]["agreement"], use * blocks["relu2"]["neighbours"]["agreement"],
                        blocks["relu2"]["neighbours"]["information"] / np.log(10), use * fit["neighbours"]["agreement"],
                        fit["neighbours"]["information"] / np.log(10), use * blocks["input"]["neighbours"]["agreement"]]
            np.testing.assert_allclose([result["verdict"]["parts"][n] for n in PARTS], expected, rtol=1e-9, atol=1e-12)
            self.assertAlmostEqual(result["accuracy"], float(row["accuracy"]), places=8)

    def check_scores(self):
        for source, parts in SOURCES.items():
            x, found = np.column_stack([self.parts[p] for p in parts]), self.column("score from " + source)
            for group in np.unique(self.group):
                use = self.learnt(group if group in LEARNT else None)
                constant, weights = learn(x[use], self.accuracy[use])
                np.testing.assert_allclose(found[self.group == group], score(constant, weights, x[self.group == group]), atol=2e-4)
            use = self.learnt()
            constant, weights = learn(x[use], self.accuracy[use])
            model = self.calibration["models"][source]
            np.testing.assert_allclose([model["constant"], *(model["weights"][p] for p in parts)], [constant, *weights], atol=1e-3)

    def check_correlations(self):
        norms = [np.log([r["blocks"][n]["norm"] for r in self.results]) for n in ("relu1", "relu2")]
        columns = {m["name"]: m["name"] for m in self.summary["measures"]}
        columns.update({s["name"]: "score from " + s["name"] for s in self.summary["scores"]})
        self.assertGreater(len(columns), 30)
        checked = 0
        for entity in self.summary["measures"] + self.summary["scores"]:
            x, use = self.column(columns[entity["name"]]), self.learnt()
            for of, rows in [(entity["overall"], use), *((entity["groups"][g], self.group == g) for g in np.unique(self.group))]:
                known = rows & ~np.isnan(x)
                self.assertEqual(of["networks"], known.sum())
                if known.sum() < 3 or np.ptp(x[known]) == 0:
                    self.assertIsNone(of["rho"])
                    continue
                self.assertAlmostEqual(of["rho"], scipy.stats.spearmanr(x[known], self.accuracy[known]).statistic, places=9)
                if of["low"] is not None:
                    self.assertTrue(-1 - 1e-9 <= of["low"] <= of["rho"] + 0.2 and of["high"] <= 1 + 1e-9)
                checked += 1
            known = use & ~np.isnan(x)
            if entity["given_norms"]["rho"] is not None:
                self.assertAlmostEqual(entity["given_norms"]["rho"], given(x[known], self.accuracy[known], *(n[known] for n in norms)), places=6)
        self.assertGreater(checked, 100)
        # Intervals: the bootstrap of settings, seeds together, within each group, with NumPy's random numbers.
        x, random, draws = self.column("score from all"), np.random.default_rng(0), []
        network = np.array([r["network"] for r in self.rows])
        for _ in range(1000):
            drawn = np.concatenate([random.choice(np.unique(network[self.group == g]), len(np.unique(network[self.group == g])))
                                    for g in LEARNT])
            rows = np.concatenate([np.flatnonzero(network == name) for name in drawn])
            draws.append(scipy.stats.spearmanr(x[rows], self.accuracy[rows]).statistic)
        overall = self.summary["scores"][3]["overall"]
        np.testing.assert_allclose([overall["low"], overall["high"]], np.percentile(draws, [2.5, 97.5]), atol=0.05)

    def check_targets(self):
        score = self.summary["scores"][3]
        self.assertEqual(score["name"], "all")
        targets = {t["group"]: t for t in self.summary["targets"]}
        self.assertEqual(set(targets), {None, "fraction", "noise", "classes", "other"})
        for name, target in targets.items():
            of = score["groups"][name] if name else score["overall"]
            self.assertEqual((target["rho"], target["asked"]), (of["rho"], 0.85 if name else 0.95))
            self.assertEqual(target["networks"], of["networks"])
            below = next(e["below"] for e in self.summary["against"] if e["group"] == name)
            self.assertEqual(target["met"], None if of["networks"] < 12 else of["rho"] >= target["asked"] and not below)
        for entry in self.summary["against"]:
            def rho(entity, name=entry["group"]):
                return (entity["groups"][name] if name else entity["overall"])["rho"]
            rows = self.group == entry["group"] if entry["group"] else self.learnt()
            signed = {m["name"]: (-1 if (m["overall"]["rho"] or 0) < 0 else 1) * rho(m) for m in self.summary["measures"]
                      if m["source"] and rho(m) is not None and not np.isnan(self.column(m["name"])[rows]).any()}
            self.assertAlmostEqual(entry["rho"], max(signed.values()), places=9)
            self.assertAlmostEqual(signed[entry["measure"]], entry["rho"], places=9)
            self.assertAlmostEqual(entry["difference"]["rho"], rho(score) - entry["rho"], places=6)
            self.assertEqual(entry["below"], entry["difference"]["high"] < 0)
        scores = {s["name"]: s for s in self.summary["scores"]}
        self.assertEqual(len(self.summary["adds"]), 5 * (len(SOURCES) - 1))
        for entry in self.summary["adds"]:
            values = [(s["groups"][entry["group"]] if entry["group"] else s["overall"])["rho"] for s in (score, scores[entry["than"]])]
            if None not in values:
                self.assertAlmostEqual(entry["difference"]["rho"], values[0] - values[1], places=6)
        groups = {g["name"]: g for g in self.summary["groups"]}
        self.assertFalse(groups["permuted"]["judged"])
        self.assertEqual([groups[g]["learnt_from"] for g in ("fraction", "permuted", "other")], [True, False, False])

    def interval(self, family, score, skip=None):
        """Of a family: scores, accuracies, ways, widening."""
        scores, accuracies, ways, widening = family
        near = sorted((i for i in range(len(scores)) if ways[i] != skip), key=lambda i: abs(scores[i] - score))[:40]
        rest = sorted(accuracies[i] - scores[i] for i in near)
        out = max(0, int(0.025 * (len(rest) + 1)) - 1)
        middle = np.median(rest)
        return (score + middle - widening * max(0.01, middle - rest[out]), score + middle,
                score + middle + widening * max(0.01, rest[-1 - out] - middle))

    def excess(self, interval, accuracy):
        low, middle, high = interval
        return (middle - accuracy) / (middle - low) if accuracy < middle else (accuracy - middle) / (high - middle)

    def check_calibration(self):
        families = self.calibration["families"]
        self.assertEqual([f["name"] for f in families], ["one", "two"])
        network = np.array([r["network"] for r in self.rows])
        for family, rows, ways, coverage in zip(families, (self.learnt(), self.group == "other"), (self.group, network), self.summary["coverage"]):
            self.assertEqual((family["picture"], family["classes"], family["layer_columns"], family["samples"]),
                             ([1, 28, 28], 10, [1440, 320], RECIPE["samples"]))
            first = self.results[np.flatnonzero(rows)[0]]
            self.assertEqual(family["mean_picture"], first["predictions"]["mean_picture"])
            self.assertEqual(family["input"]["effective_rank"], first["blocks"]["input"]["centred"]["effective_rank"])
            scores, accuracies, ways = self.column("score from all")[rows], self.accuracy[rows], ways[rows]
            np.testing.assert_allclose(family["scores"], scores, atol=5.1e-5)
            np.testing.assert_allclose(family["accuracies"], accuracies, atol=1e-9)
            excess = np.array([self.excess(self.interval((scores, accuracies, ways, 1), s, w), a)
                               for s, a, w in zip(scores, accuracies, ways)])

            def widening(values):
                return max(1, np.sort(values)[min(len(values), int(np.ceil(0.95 * (len(values) + 1)))) - 1])
            self.assertAlmostEqual(coverage["inside_unwidened"], (excess <= 1).mean(), places=9)
            self.assertAlmostEqual(coverage["inside"], np.mean([e <= widening(excess[ways != w]) for e, w in zip(excess, ways)]), places=9)
            self.assertAlmostEqual(coverage["widening"], widening(excess), places=4)
            self.assertAlmostEqual(family["widening"], widening(excess), places=4)
        apart = [self.calibrated(r, "output") - (self.calibrated(r, "activations") + self.calibrated(r, "factorisation")) / 2
                 for r in np.flatnonzero(self.group != "permuted")]
        limits = self.calibration["contradiction"]
        np.testing.assert_allclose([limits["least"], limits["most"]], [min(apart) - 0.05, max(apart) + 0.05], atol=1e-6)

    def calibrated(self, row, source):
        model = self.calibration["models"][source]
        return score(model["constant"], np.array(list(model["weights"].values())),
                     np.array([self.parts[p][row] for p in model["weights"]]))

    def check_page(self):
        with open(self.path("s", "study.html")) as file:
            page = file.read()
        self.assertIn("A &lt;small&gt; study", page)
        self.assertNotIn("<small>", page)
        self.assertNotIn("nan", page.lower().split("<style>")[1].split("</style>")[1])
        self.assertEqual(page.count("<circle"), len(self.rows))

    def check_verdicts(self):
        """A network of the first family, judged by this calibration, and those that must not be."""
        network = glob.glob(self.path("s", "runs", "fraction__fraction_0.8-*seed-1", "network.onnx"))[0]
        self.nnpeek("capture", network, "--data", "mnist", "--data-dir", "data", "--samples", RECIPE["samples"], "-o", "run/capture")
        self.nnpeek("fit", "run/capture", "-o", "run/fit", "--ranks", "8,25", "--seed", 1)
        self.nnpeek("measure", "run")
        measures = self.read_json("run", "measures.json")  # of several ranks the one nearest to 20 counts
        self.assertAlmostEqual(measures["verdict"]["parts"]["components"] / measures["verdict"]["parts"]["classes_in_use"],
                               measures["fit"]["ranks"][1]["neighbours"]["agreement"])
        shutil.rmtree(self.path("run", "fit"))
        self.nnpeek("fit", "run/capture", "-o", "run/fit", "--ranks", "10", "--seed", 1)
        self.nnpeek("measure", "run", "--calibration", "s/calibration.json")
        verdict = self.read_json("run", "measures.json")["verdict"]
        row = next(i for i, r in enumerate(self.rows) if r["network"] == "fraction: fraction 0.8" and r["seed"] == "1")
        self.assertIsNone(verdict["withheld"])
        self.assertEqual(verdict["family"], "one")
        self.assertAlmostEqual(verdict["score"], self.calibrated(row, "all"), places=6)  # as in the study
        family = self.calibration["families"][0]
        known = family["scores"], family["accuracies"], [None] * len(family["scores"]), family["widening"]
        low, middle, high = np.clip(self.interval(known, verdict["score"], "no way"), 0, 1)
        np.testing.assert_allclose([verdict["low"], verdict["accuracy"], verdict["high"]], [low, middle, high], atol=1e-6)
        self.assertRegex(verdict["reasons"][0], r"it uses \d+\.\d of its 10 classes")
        measures = self.read_json("run", "measures.json")
        for source in SOURCES:
            model = self.calibration["models"][source]
            parts = np.array([verdict["parts"][p] for p in model["weights"]])
            self.assertAlmostEqual(verdict["by"][source], score(model["constant"], np.array(list(model["weights"].values())), parts))
        self.assertIsNotNone(measures["predictions"])

        def withheld(calibration="s/calibration.json", **changed):
            if changed:
                with open(self.path("changed.json"), "w") as file:
                    json.dump({**self.calibration, **changed}, file)
                calibration = "changed.json"
            self.nnpeek("measure", "run", "--calibration", calibration)
            found = self.read_json("run", "measures.json")["verdict"]
            self.assertEqual([found[n] for n in ("accuracy", "low", "high")], [None] * 3)
            self.assertEqual(found["score"] is not None, "another architecture" in found["withheld"])
            self.assertGreater(len(found["reasons"]), 3)
            return found["withheld"]
        self.assertIn("no networks of known accuracy on such data", withheld(families=[{**family, "classes": 3}]))
        self.assertIn("one (1 x 28 x 28, 3 classes)", withheld(families=[{**family, "classes": 3}]))
        self.assertIn("on such data", withheld(families=[{**family, "input": {"effective_rank": 1, "intrinsic_dimension": 1}}]))
        self.assertIn("another architecture were studied (one)", withheld(families=[{**family, "layer_columns": [1440, 500]}]))
        other = {**family, "name": "wider", "layer_columns": [1440, 500]}
        with open(self.path("changed.json"), "w") as file:
            json.dump({**self.calibration, "families": [other, family]}, file)
        self.nnpeek("measure", "run", "--calibration", "changed.json")
        self.assertEqual(self.read_json("run", "measures.json")["verdict"]["family"], "one")
        self.assertIn("contradict", withheld(contradiction={"least": 0.9, "most": 1}))
        self.assertIn("outside", withheld(families=[{**family, "scores": [0.0] * 5, "accuracies": [0.1] * 5}]))
        changed = np.array(family["mean_picture"])
        self.assertIn("on such data", withheld(families=[{**family, "mean_picture": list(changed[::-1])}]))  # upside down
        self.assertIn(f"{RECIPE['samples']} samples are too few", withheld(families=[{**family, "samples": 2000}]))
        self.assertIn(f"{RECIPE['samples']} samples are too few", withheld(families=[{**family, "samples": 2000, "input": {"effective_rank": 1, "intrinsic_dimension": 1}}]))
        self.nnpeek("fit", "run/capture", "-o", "run/fit", "--ranks", "5")
        shutil.rmtree(self.path("run", "fit", "rank-10"))
        self.assertIn("the nearest rank here is 5", withheld())
        self.nnpeek("capture", network, "--data", "mnist", "--data-dir", "data", "--samples", RECIPE["samples"], "--seed", 5, "-o", "run/capture")
        self.assertIn("no joint factorisation", withheld())  # the fit is of other samples
        for text in ("{", "[]", '{"models": {}}', json.dumps({**self.calibration, "families": [{"name": "x"}]}),
                     json.dumps({**self.calibration, "families": [{**family, "picture": None}]}), json.dumps({**self.calibration, "families": []}),
                     json.dumps({**self.calibration, "contradiction": {}})):
            with open(self.path("broken.json"), "w") as file:
                file.write(text)
            self.sentence("measure", "run", "--calibration", "broken.json", has=["broken.json"])
        self.sentence("measure", "run", "--calibration", "nowhere.json", has=["nowhere.json"])

    def check_resumed(self):
        before = {p: os.stat(p).st_mtime_ns for p in glob.glob(self.path("s", "runs", "*", "*.onnx"))}
        summary = self.read_bytes("s", "summary.json")
        victim = glob.glob(self.path("s", "runs", "fraction__fraction_0.2-*seed-0", "result.json"))[0]
        os.remove(victim)
        self.study("--resume")
        self.assertEqual(before, {p: os.stat(p).st_mtime_ns for p in before})  # looked at again, not trained again
        self.assertEqual(self.read_bytes("s", "summary.json"), summary)
        damaged = glob.glob(self.path("s", "runs", "noise__label_noise_0.2-*seed-0", "network.onnx"))[0]
        os.remove(os.path.join(os.path.dirname(damaged), "result.json"))
        with open(damaged, "wb") as file:
            file.write(b"no network")
        self.study("--resume")
        self.assertEqual(self.read_bytes("s", "summary.json"), summary)

    def test_refused(self):
        few = {**RECIPE, "seeds": 1, "groups": [RECIPE["groups"][0]]}
        self.sentence_of(few, "scores need")
        self.sentence_of({**RECIPE, "groups": [{**RECIPE["groups"][0], "vary": "learning_rat"}]}, "'learning_rat'")
        self.sentence_of({**RECIPE, "families": [{"name": "one", "data": "nowhere"}, {"name": "two", "data": "strokes"}]}, "nowhere")
        for changed, word in (({"vary": 3}, "'vary'"), ({"values": []}, "'values'"), ({"values": [None]}, "'values'"),
                              ({"family": "three"}, "'family'"), ({"judged": 1}, "'judged'")):
            self.sentence_of({**RECIPE, "groups": [{**RECIPE["groups"][0], **changed}]}, word)
        self.sentence_of({**RECIPE, "kind": "other"}, "'kind'")
        self.sentence_of({**RECIPE, "families": [{"network": "paper"}]}, "'name'")

    def sentence_of(self, recipe, word):
        with open(self.path("recipe.json"), "w") as file:
            json.dump(recipe, file)
        self.sentence("study", "recipe.json", "-o", "refused", "--samples", 100, has=[word])


if __name__ == "__main__":
    unittest.main()
