"""Captures in 8 and 16 bits: what their files hold against NumPy, and that whoever reads them sees the same numbers."""
import json
import os
import re
import unittest

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from support import Case
from test_data import png

node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
STORES = ("float32", "pixels", "float16", "bfloat16")


def to_bfloat16(x):
    """Rounded to nearest, ties to even, as bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bfloat16(bits):
    return (np.asarray(bits).view("<u2").astype(np.uint32) << 16).view(np.float32)


def stored(x, kind):
    """What a file of this type holds, as its integers; and the floats that they stand for."""
    if kind == "float16":
        half = x.astype(np.float16)
        return half.view(np.uint16), half.astype(np.float32)
    bits = to_bfloat16(x)
    return bits, from_bfloat16(bits)


def borders(kind):
    """All finite numbers of the type, what lies halfway between neighbours, and the floats next to those."""
    patterns = np.arange(65536, dtype=np.uint16)
    values = patterns.view(np.float16).astype(np.float32) if kind == "float16" else from_bfloat16(patterns)
    finite = values[np.isfinite(values)]
    positive = np.sort(finite[finite >= 0])
    half = ((positive[:-1].astype(float) + positive[1:]) / 2).astype(np.float32)
    half = np.concatenate([half, -half])
    return np.concatenate([finite, half, np.nextafter(half, np.float32(np.inf)), np.nextafter(half, np.float32(-np.inf))])


class Stored(Case):
    def network(self, nodes, inputs, constants=None, output="out"):
        graph = onnx.helper.make_graph(nodes, "made", inputs, [onnx.ValueInfoProto(name=output)],
                                       [onnx.numpy_helper.from_array(value, name) for name, value in (constants or {}).items()])
        onnx.save(onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 13)]), self.path("m.onnx"))

    def factor(self, columns, factor=1.0):
        """Of every sample its product with a number, and that through a ReLU."""
        self.network([node("Mul", ["x", "factor"], ["y"]), node("Relu", ["y"], ["z"]), node("Relu", ["z"], ["out"])],
                     [info("x", FLOAT, ["n", columns])], {"factor": np.float32([factor])})

    def capture(self, store, *flags, data="x.npy", folder=None):
        folder = folder or store
        done = self.nnpeek("capture", "m.onnx", "--data", data, "--store", store, "-o", folder, *flags)
        blocks = {block["name"]: block for block in self.read_json(folder, "manifest.json")["blocks"]}
        return done, blocks, {name: np.load(self.path(folder, block["file"])) for name, block in blocks.items()}


class Numbers(Stored):
    def test_every_number_is_written_and_read_as_numpy_does(self):
        for kind in ("float16", "bfloat16"):
            values = borders(kind)
            values = np.resize(values, (-(-values.size // 1021), 1021))  # rows that end beside vectors
            bits, floats = stored(values, kind)
            self.factor(values.shape[1])
            np.save(self.path("x.npy"), values)
            _, blocks, got = self.capture(kind, "--layers", "y")
            for name in ("input", "y"):
                self.assertEqual((blocks[name]["type"], blocks[name].get("scale")), (kind, None))
                np.testing.assert_array_equal(got[name].view("<u2"), bits)
            self.assertEqual((blocks["out"]["type"], got["out"].dtype), ("float32", np.float32))
            self.assertEqual(got["y"].dtype, np.dtype("<f2" if kind == "float16" else "V2"))
            # The file as data of another capture.
            _, blocks, got = self.capture("float32", "--layers", "y", data=f"{kind}/y.npy")
            np.testing.assert_array_equal(got["input"].view(np.uint32), floats.view(np.uint32))

    def test_the_file_is_one_that_ml_dtypes_opens(self):
        self.factor(3)
        np.save(self.path("x.npy"), np.ones((4, 3), np.float32))
        self.capture("bfloat16", "--layers", "y")
        self.assertIn(b"'descr': '<V2'", self.read_bytes("bfloat16", "y.npy"))
        np.save(self.path("void.npy"), to_bfloat16(np.float32([[1, 2, -3]] * 4)).view("V2"))  # '|V2', as NumPy writes it
        _, _, got = self.capture("float32", data="void.npy")
        np.testing.assert_array_equal(got["input"], np.float32([[1, 2, -3]] * 4))
        np.save(self.path("other.npy"), np.zeros((4, 3), "V3"))
        self.sentence("capture", "m.onnx", "--data", "other.npy", "-o", "no", has=["other.npy", "V3"])

    def test_nothing_becomes_infinite(self):
        self.factor(3, 1e5)
        np.save(self.path("x.npy"), np.float32([[0.1, 0.2, 0.3], [0.5, 0.7, 0.6]]))
        self.sentence("capture", "m.onnx", "--data", "x.npy", "--store", "float16", "--layers", "y", "-o", "no", "--quiet",
                      has=["the layer 'y'", "70000", "65504", "--store bfloat16"])
        self.assertNotIn("no", os.listdir(self.folder))
        self.capture("bfloat16", "--layers", "y")
        np.save(self.path("x.npy"), np.float32([[0.1, 0.2, -7e4]]))
        self.sentence("capture", "m.onnx", "--data", "x.npy", "--store", "float16", "-o", "no", "--quiet", has=["the input 'input'", "-70000"])
        self.factor(3)
        np.save(self.path("x.npy"), np.float32([[3.4e38, 1, 2]]))
        self.sentence("capture", "m.onnx", "--data", "x.npy", "--store", "bfloat16", "--layers", "y", "-o", "no", "--quiet",
                      has=["3.4e+38", "--store float32"])
        self.sentence("capture", "m.onnx", "--data", "x.npy", "--store", "int8", "-o", "no", has=["int8", "float32 pixels float16 bfloat16"])

    def test_what_is_fitted_is_what_the_files_hold(self):
        """Signed layers, seen through views: as of the same numbers in files of floats."""
        x = np.random.default_rng(1).normal(size=(60, 23)).astype(np.float32)
        self.factor(23, 3)
        np.save(self.path("x.npy"), x)
        for kind in ("float16", "bfloat16"):
            self.capture(kind, "--layers", "y")
            os.mkdir(self.path(f"{kind}-floats"))
            for name, factor in (("input", 1), ("y", 3)):
                np.save(self.path(f"{kind}-floats", f"{name}.npy"), stored(np.float32(factor) * x, kind)[1])
            for signed in ("split", "shift"):
                flags = ("--ranks", 3, "--signed", signed, "--iterations", 20)
                self.nnpeek("fit", kind, *flags, "-o", "a")
                self.nnpeek("fit", f"{kind}-floats/input.npy", f"{kind}-floats/y.npy", *flags, "-o", "b")
                self.assertIn("y+.npy" if signed == "split" else "y.npy", [name.replace("_", "+") for name in os.listdir(self.path("a", "rank-3"))])
                for name in os.listdir(self.path("a", "rank-3")):
                    if name.endswith(".npy"):
                        self.assertEqual(self.read_bytes("a", "rank-3", name), self.read_bytes("b", "rank-3", name), name)


class Inputs(Stored):
    """Which inputs are pictures of 8 bits."""

    def pictures(self, side=8, channels=3):
        self.network([node("Relu", ["x"], ["y"]), node("Neg", ["y"], ["out"])], [info("x", FLOAT, ["n", channels, side, side])])

    def check(self, data, exact, channels=3, note=None):
        _, _, floats = self.capture("float32", data=data)
        done, blocks, bytes_ = self.capture("pixels", data=data)
        names = [name for name in blocks if name.startswith("input")]
        self.assertEqual(len(names), channels)
        self.assertEqual(exact, "stored as float32" not in done.stderr)
        for name in names:
            self.assertEqual((blocks[name]["type"], blocks[name].get("scale")), ("uint8", 255) if exact else ("float32", None))
            self.assertEqual(bytes_[name].dtype, np.uint8 if exact else np.float32)
            same = bytes_[name].astype(np.float32) / np.float32(255) if exact else bytes_[name]
            np.testing.assert_array_equal(same, floats[name])
        np.testing.assert_array_equal(bytes_["y"], floats["y"])
        self.assertEqual(bytes_["y"].dtype, np.float32)
        _, blocks, halves = self.capture("float16", data=data)
        for name in names:
            if exact:
                np.testing.assert_array_equal(halves[name], bytes_[name])
            else:
                np.testing.assert_array_equal(halves[name], floats[name].astype(np.float16))
        np.testing.assert_array_equal(halves["y"], floats["y"].astype(np.float16))

    def test_arrays(self):
        random = np.random.default_rng(2)
        pixels = random.integers(0, 256, (70, 3, 8, 8), np.uint8)
        self.pictures()
        for name, array, exact in (("bytes", pixels, True), ("floats", pixels.astype(np.float32) / np.float32(255), True),
                                   ("doubles", pixels / 255, True), ("grey", pixels[:, :1], True),
                                   ("others", random.random((70, 3, 8, 8)), False), ("deep", pixels.astype(np.uint16) * 257 + 1, False),
                                   ("larger", random.integers(0, 256, (70, 3, 12, 12), np.uint8), False)):
            with self.subTest(name):
                np.save(self.path(f"{name}.npy"), array)
                self.check(f"{name}.npy", exact)
        last = pixels.astype(np.float32) / np.float32(255)
        last[-1, -1, -1, -1] = np.nextafter(last[-1, -1, -1, -1], np.float32(2))  # one value of one sample
        np.save(self.path("last.npy"), last)
        self.check("last.npy", False)

    def test_files(self):
        self.pictures()
        for folder, side, depth in (("same", 8, 8), ("scaled", 11, 8), ("deep", 8, 16)):
            os.mkdir(self.path(folder))
            for i, kind in enumerate((2, 0, 2)):  # colour, grey, colour
                pixels = np.random.default_rng(i).integers(0, 2 ** depth, (side, side, 3)[:3 if kind else 2])
                with open(self.path(folder, f"{i}.png"), "wb") as file:
                    file.write(png(pixels, depth, kind))
            self.check(folder, folder == "same")

    def test_numbers_that_are_names_and_the_output_stay(self):
        self.network([node("Gather", ["table", "ids"], ["y"]), node("Relu", ["y"], ["z"]), node("ReduceMean", ["z"], ["out"], axes=[1], keepdims=0)],
                     [info("ids", INT64, ["n", 5])], {"table": np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)})
        ids = np.random.default_rng(1).integers(2100, 5000, (9, 5))  # which float16 and bfloat16 would round
        np.save(self.path("ids.npy"), ids)
        for store in STORES:
            _, blocks, got = self.capture(store, data="ids.npy")
            self.assertEqual((blocks["input"]["type"], blocks["out"]["type"]), ("float32", "float32"))
            self.assertEqual(blocks["z"]["type"], "float32" if store == "pixels" else store)
            np.testing.assert_array_equal(got["input"], ids)


class Runs(Stored):
    """Strokes through the paper's network: everything that reads a capture."""

    def run_of(self, store, *flags, layers=()):
        self.nnpeek("capture", "net.onnx", "--data", "strokes", "--samples", 90, "--store", store, *layers, "-o", f"{store}/capture")
        self.nnpeek("fit", f"{store}/capture", "--ranks", "4,7", "-o", f"{store}/fit")
        self.nnpeek("measure", store, *flags)
        self.nnpeek("report", store, "-o", f"{store}.html")

    def payload(self, store):
        """What the page shows, but for times, and for what the manifest's bytes make of its digests."""
        def bare(value, key=""):
            if isinstance(value, dict):
                return {k: bare(v, k) for k, v in value.items() if "digest" not in k and k not in ("seconds", "created", "name")}
            if isinstance(value, list):
                return [bare(v) for v in value if not (isinstance(v, dict) and v.get("name") == "store")]
            return value
        with open(self.path(f"{store}.html")) as file:
            embedded = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', file.read(), re.S)
        return bare(json.loads(embedded.group(1)))

    def measures(self, store):
        def bare(value):
            return {k: bare(v) for k, v in value.items() if "digest" not in k} if isinstance(value, dict) else \
                [bare(v) for v in value] if isinstance(value, list) else value
        return bare(self.read_json(store, "measures.json"))

    def test_pixels_change_no_bit(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.02, "-o", "net.onnx")
        for store in ("float32", "pixels"):
            self.run_of(store, "--nulls", "--shifts", "--stability", "--ranks", 4, "--samples", 40, "--network", "net.onnx")
        self.assertEqual(np.load(self.path("pixels", "capture", "input.npy")).dtype, np.uint8)
        for rank in (4, 7):
            folder = self.path("float32", "fit", f"rank-{rank}")
            arrays = [name for name in os.listdir(folder) if name.endswith(".npy")]
            self.assertEqual(len(arrays), 5)
            for name in arrays:
                parts = ("fit", f"rank-{rank}", name)
                self.assertEqual(self.read_bytes("float32", *parts), self.read_bytes("pixels", *parts), name)
        self.assertEqual(self.measures("float32"), self.measures("pixels"))
        self.assertEqual(self.payload("float32"), self.payload("pixels"))
        self.assertGreater(len(json.dumps(self.payload("pixels"))), 50000)

    def test_a_budget_counts_what_is_stored(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.02, "-o", "net.onnx")
        samples, budget, columns = 90, 3e-4, {}  # 0.3 MB, where 0.63 MB of floats would be
        for store, gigabytes in (("float32", budget), ("float32", 2 * budget), ("bfloat16", budget)):
            done = self.nnpeek("capture", "net.onnx", "--data", "strokes", "--samples", samples, "--store", store, "--reduce", "auto",
                               "--budget", gigabytes, "-o", "run/capture")
            blocks = self.read_json("run", "capture", "manifest.json")["blocks"]
            size = {"float32": 4, "bfloat16": 2, "uint8": 1}
            layers = sum(b["columns"] * size[b["type"]] for b in blocks if b["kind"] == "layer") * samples
            whole = sum(b["columns"] * size[b["type"]] for b in blocks) * samples
            self.assertLessEqual(layers, gigabytes * 1e9)
            self.assertIn(f"{whole / 1e3:.0f} kB on disk", done.stderr)
            columns[store, gigabytes] = [b["columns"] for b in blocks]
        self.assertEqual(columns["bfloat16", budget], columns["float32", 2 * budget])
        self.assertNotEqual(columns["bfloat16", budget], columns["float32", budget])
        # What captures again, in floats, averages as then.
        measures = self.json("measure", "run", "--nulls", "--network", "net.onnx", "--samples", 45)
        x = from_bfloat16(np.load(self.path("run", "capture", "relu1.npy")))[::2].reshape(45, -1)
        again = measures["nulls"]["trained network"]["blocks"]["relu1"]["norm"]
        self.assertAlmostEqual(again / np.linalg.norm(x.astype(float)), 1, places=3)

    def test_entries_that_do_not_fit_their_files(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.02, "-o", "net.onnx")
        self.run_of("pixels")
        right = self.read_json("pixels", "capture", "manifest.json")
        for change, has in (({"type": "float16"}, ["input.npy", "uint8", "float16"]), ({"scale": 0}, ["input.npy", "scale"]),
                            ({"scale": "255"}, ["scale"]), ({"scale": 1e9}, ["scale"])):
            wrong = json.loads(json.dumps(right))
            wrong["blocks"][0].update(change)
            with open(self.path("pixels", "capture", "manifest.json"), "w") as file:
                json.dump(wrong, file)
            self.sentence("fit", "pixels/capture", "--ranks", 3, "-o", "no", has=has)
            self.sentence("measure", "pixels", has=has)
            self.sentence("report", "pixels", "-o", "no.html", "--quiet", has=has)


if __name__ == "__main__":
    unittest.main()
