"""The whole way on networks as users have them: what is captured against PyTorch's hooks, what is averaged against PyTorch's
pooling, what a model's files say against NumPy, and which layers are taken when nobody says."""
import os
import unittest
import warnings

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import nn

import networks
import peers
from support import Case

torch.set_num_threads(1)
CLOSE = 1e-4


class Two(nn.Module):
    """A picture and a table."""

    def __init__(self):
        super().__init__()
        self.conv, self.dense, self.out = nn.Conv2d(3, 8, 3, 2), nn.Linear(6, 12), nn.Linear(20, 4)
        self.relu, self.elu = nn.ReLU(), nn.ELU()

    def forward(self, image, table):
        seen = self.relu(self.conv(image)).mean((2, 3))
        return self.out(torch.cat([seen, self.elu(self.dense(table))], 1)).softmax(1)


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.out = nn.Embedding(50, 16), nn.Linear(16, 3)
        self.first = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.second = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True, activation="gelu")

    def forward(self, ids):
        return self.out(self.second(self.first(self.embedding(ids))).mean(1))


class Squeeze(nn.Module):
    """Activation functions that are exported as several nodes, and a gate of squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.conv, self.down, self.up, self.last = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1), nn.Conv2d(16, 8, 3)

    def forward(self, x):
        x = F.silu(self.conv(x))
        x = x * torch.sigmoid(self.up(F.silu(self.down(x.mean((2, 3), keepdim=True)))))
        x = F.gelu(F.hardswish(F.mish(self.last(x))))
        x = 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x ** 3)))
        return x.mean((2, 3))


def random_samples(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


class Inspecting(Case):
    def export(self, model, inputs, opset=13, dynamic=True):
        """inputs: name -> one sample's tensor."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model.eval(), tuple(torch.as_tensor(x)[None] for x in inputs.values()), self.path("m.onnx"),
                              opset_version=opset, input_names=list(inputs), output_names=["out"],
                              dynamic_axes={name: {0: "n"} for name in inputs} if dynamic else None)
        return onnx.load(self.path("m.onnx")).graph

    def made(self, name, samples=6):
        model, shape = networks.make(name)
        x = random_samples(samples, *shape)
        np.save(self.path("x.npy"), x)
        return model, self.export(model, {"pixels": x[0]}), x

    def inspect(self, *arguments, ranks="2,4"):
        """-> blocks of the manifest by name."""
        done = self.nnpeek("inspect", "m.onnx", *arguments, "--ranks", ranks, "-o", "r.html", "--threads", 2)
        self.notes = done.stderr
        self.assertGreater(os.path.getsize(self.path("r.html")), 10000)
        self.manifest = self.read_json("r", "capture", "manifest.json")
        return {block["name"]: block for block in self.manifest["blocks"]}

    def load(self, block, folder=("r", "capture")):
        return np.load(self.path(*folder, block["file"]))

    def check_models(self, ranks=(2, 4)):
        """Every block's sum of contributions of the components against what is written: errors, shares."""
        blocks = {b["name"]: self.load(b).astype(np.float64) for b in self.manifest["blocks"] if b["fit"]}
        measured = {m["rank"]: m for m in self.read_json("r", "measures.json")["fit"]["ranks"]}
        for rank in ranks:
            folder = ("r", "fit", f"rank-{rank}")
            samples, square, total = np.load(self.path(*folder, "samples.npy")).astype(np.float64), 0, 0
            fit = self.read_json(*folder, "fit.json")
            seen = set()
            for entry in fit["blocks"]:
                name = entry["name"]
                whole = blocks.get(name)
                if whole is None:  # one half of a signed tensor
                    whole = blocks[name[:-1]]
                    whole = np.maximum(whole if name[-1] == "+" else -whole, 0)
                    seen.add(name[:-1])
                seen.add(name)
                x = whole.reshape(len(whole), -1)
                loadings = np.load(self.path(*folder, entry["file"])).astype(np.float64)
                self.assertTrue((loadings >= 0).all())
                parts = np.einsum("tr,nr->rtn", samples, loadings)  # what each component contributes
                error = np.linalg.norm(x - parts.sum(0))
                self.assertAlmostEqual(entry["relative_error"], error / np.linalg.norm(x), delta=1e-5, msg=name)
                shares = (parts * parts.sum(0)).sum((1, 2))  # of the energy of the sum
                if shares.sum() > 0:
                    np.testing.assert_allclose(measured[rank]["shares"][name], shares / shares.sum(), atol=1e-4, err_msg=name)
                square, total = square + error ** 2, total + (x ** 2).sum()
            self.assertLessEqual(set(blocks), seen)
            self.assertAlmostEqual(fit["relative_error"], np.sqrt(square / total), delta=1e-5)

    def check_hooks(self, model, graph, x, blocks, at_least):
        """Layers that are the outputs of PyTorch's modules."""
        modules, _ = peers.by_pytorch(model, graph, x)
        compared = 0
        for name, values in modules.items():
            if name not in blocks or blocks[name]["reduction"] != "none":
                continue
            found = self.load(blocks[name]).reshape(len(x), -1)
            self.assertLessEqual(np.abs(found - values).max(), CLOSE * np.abs(values).max(), name)
            compared += 1
        self.assertGreaterEqual(compared, at_least)

    def nothing_is_missing(self, blocks):
        """Every tensor that can be captured is a block or is listed with a reason."""
        listed = {t["name"] for t in self.json("layers", "m.onnx")["tensors"]}
        skipped = {s["name"] for s in self.manifest["skipped"]}
        self.assertEqual(listed, skipped | {name for name, b in blocks.items() if b["kind"] != "input"})
        self.assertTrue(all(s["reason"] for s in self.manifest["skipped"]))


class WholeWay(Inspecting):
    def test_paper(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.05, "-o", "m.onnx")
        blocks = self.inspect("strokes", "--samples", 300)
        self.assertEqual(list(blocks), ["input", "relu1", "relu2", "softmax"])
        self.check_models()
        self.nothing_is_missing(blocks)

    def test_resnet(self):
        model, graph, x = self.made("resnet18")
        blocks = self.inspect("x.npy", "--preprocess", "none", ranks="3")
        layers = [b for b in blocks.values() if b["kind"] == "layer"]
        self.assertEqual(len(layers), 17)
        self.assertTrue(all(b["operator"] == "Relu" and b["layout"] == "channels-first" for b in layers))
        self.check_hooks(model, graph, x, blocks, 17)
        self.check_models((3,))
        self.nothing_is_missing(blocks)

    def test_mobilenet(self):
        model, graph, x = self.made("mobilenet-v2")
        blocks = self.inspect("x.npy", "--measures", "basic", ranks="3")
        self.assertEqual(sum(b["operator"] == "Clip" for b in blocks.values()), 35)
        self.check_hooks(model, graph, x, blocks, 35)
        self.check_models((3,))

    def test_unet(self):
        model, graph, x = self.made("unet-bilinear")
        blocks = self.inspect("x.npy", "--measures", "basic", ranks="3")
        self.assertGreater(sum(b["kind"] == "layer" for b in blocks.values()), 6)
        self.assertTrue(all(b["layout"] == "channels-first" for b in blocks.values() if b["kind"] == "layer"))
        self.check_hooks(model, graph, x, blocks, 3)
        self.check_models((3,))

    def test_vit(self):
        for name in ("vit", "vit-by-hand"):
            with self.subTest(name):
                model, graph, x = self.made(name)
                blocks = self.inspect("x.npy")
                layers = [b for b in blocks.values() if b["kind"] == "layer"]
                self.assertEqual(len(layers), len(model.blocks))
                after = []
                handles = [block.register_forward_hook(lambda _, __, out: after.append(out.detach().numpy()))
                           for block in model.blocks]
                with torch.no_grad():
                    model(torch.tensor(x))
                for handle in handles:
                    handle.remove()
                for block, expected in zip(layers, after):
                    found = self.load(block)
                    self.assertEqual(block["layout"], "tokens")
                    self.assertEqual((block["token_grid"], block["token_lead"]), ([4, 4], 1))
                    self.assertEqual(found.shape, expected.shape)
                    self.assertLessEqual(np.abs(found - expected).max(), CLOSE * np.abs(expected).max())
                self.assertIn("NAME+ and NAME-", self.notes)
                self.check_models()
                self.nothing_is_missing(blocks)

    def test_two_inputs(self):
        image, table = random_samples(9, 3, 20, 24), random_samples(9, 6, seed=1) - 0.3
        np.save(self.path("image.npy"), image)
        np.save(self.path("table.npy"), table)
        model = Two()
        self.export(model, {"image": image[0], "table": table[0]})
        blocks = self.inspect("image.npy", "--input", "table=table.npy")
        self.assertEqual([n for n, b in blocks.items() if b["kind"] == "input"], ["image.0", "image.1", "image.2", "table"])
        np.testing.assert_array_equal(self.load(blocks["image.1"])[:, 0], image[:, 1])
        np.testing.assert_array_equal(self.load(blocks["table"]), table)
        with torch.no_grad():
            expected = model(torch.tensor(image), torch.tensor(table)).numpy()
        np.testing.assert_allclose(self.load(blocks["out"]), expected, atol=1e-5)
        self.check_models()
        by_name = self.inspect("--input", "table=table.npy", "--input", "image=image.npy")
        np.testing.assert_array_equal(self.load(by_name["out"]), self.load(blocks["out"]))

        # A choice of samples is the same in both.
        self.inspect("image.npy", "--input", "table=table.npy", "--samples", 5, ranks="2")
        chosen = self.manifest["samples"]["indices"]
        self.assertEqual(len(chosen), 5)
        np.testing.assert_array_equal(self.load(by_name["table"]), table[chosen])
        np.testing.assert_array_equal(self.load(by_name["image.2"])[:, 0], image[chosen, 2])

    def test_two_inputs_badly_given(self):
        np.save(self.path("image.npy"), random_samples(9, 3, 20, 24))
        np.save(self.path("table.npy"), random_samples(8, 6))
        self.export(Two(), {"image": random_samples(3, 20, 24), "table": random_samples(6)})
        verb = ("inspect", "m.onnx", "image.npy", "-o", "r.html")
        self.sentence(*verb, has=["2 inputs", "'table' (6)", "--input table=FILE.npy"])
        self.sentence(*verb, "--input", "tabel=table.npy", has=["no input 'tabel'", "'image' (3x20x24)"])
        self.sentence(*verb, "--input", "table=table.npy", has=["9 samples", "8", "same order"])
        self.sentence(*verb, "--input", "table.npy", has=["--input mask=mask.npy"])
        self.sentence(*verb, "--input", "image=image.npy", has=["'table' takes samples of 6"])
        self.sentence("inspect", "m.onnx", "--input", "image=image.npy", "--input", "image=image.npy", "-o", "r.html", has=["twice"])
        self.sentence(*verb, "--input", "table=image.npy", has=["takes samples of 6", "3x20x24"])
        self.sentence("inspect", "m.onnx", has=["NETWORK DATA"])
        self.assertEqual(self.files(), ["image.npy", "m.onnx", "table.npy"])

    def test_signals(self):
        model, shape = networks.make("cnn-1d")
        x = random_samples(12, *shape) - 0.2
        np.save(self.path("x.npy"), x)
        graph = self.export(model, {"pixels": x[0]})
        blocks = self.inspect("x.npy")
        self.assertEqual(blocks["input"]["shape"], list(shape))
        np.testing.assert_array_equal(self.load(blocks["input"]), x)
        self.assertEqual([b["layout"] for b in blocks.values()], ["channels-first"] * 4 + ["flat"])
        self.check_hooks(model, graph, x, blocks, 2)
        self.check_models()
        np.save(self.path("x.npy"), x.transpose(0, 2, 1))
        self.sentence("inspect", "m.onnx", "x.npy", "-o", "r2.html", has=["2x64", "64x2"])

    def test_text(self):
        ids = np.random.default_rng(0).integers(0, 50, (20, 12))
        np.save(self.path("ids.npy"), ids)
        model = Text()
        self.export(model, {"ids": ids[0]}, opset=14)
        blocks = self.inspect("ids.npy")
        self.assertFalse(blocks["input"]["fit"])
        self.assertIn("whole numbers", self.notes)
        layers = [self.load(b) for b in blocks.values() if b["kind"] == "layer"]
        self.assertEqual(len(layers), 2)
        with torch.no_grad():
            first = model.first(model.embedding(torch.tensor(ids)))
            second = model.second(first)
        # Behind the sum that ends the first block comes a norm; the second one ends with its sum.
        first = (layers[0] - layers[0].mean(-1, keepdims=True)) / layers[0].std(-1, keepdims=True) - first.numpy()
        self.assertLessEqual(np.abs(first).max(), 1e-3)
        self.assertLessEqual(np.abs(layers[1] - second.numpy()).max(), 1e-4)
        self.check_models()


class Measured(Inspecting):
    def inspect(self, samples, *flags):
        self.nnpeek("train", "paper", "--data", "strokes", "--fraction", 0.02, "-o", "net.onnx")
        self.nnpeek("inspect", "net.onnx", "strokes", "--samples", samples, "--ranks", "4,6,8", "-o", "r.html", *flags)
        return self.read_json("r/measures.json")

    def test_a_small_run_has_everything(self):
        measures = self.inspect(200)
        for name in ("weights", "shifts", "nulls", "transmission", "stability", "rank"):
            self.assertTrue(measures[name], name)
        self.assertEqual(measures["rank"]["samples"], 200)
        self.assertNotIn("trained network", measures["nulls"])
        self.assertEqual(len(measures["fit"]["ranks"][1]["component_stability"]), 6)

    def test_basic(self):
        measures = self.inspect(200, "--measures", "basic")
        for name in ("weights", "shifts", "nulls", "transmission", "stability", "rank"):
            self.assertNotIn(name, measures)

    def test_nulls_of_fewer_samples_are_averaged_as_the_run_is(self):
        x = random_samples(60, 3, 40, 40)
        self.export(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)), {"x": x[0]})
        np.save(self.path("x.npy"), x)
        self.nnpeek("inspect", "m.onnx", "x.npy", "--ranks", 2, "--budget", 0.0002, "--measures", "basic", "-o", "r.html")
        blocks = self.json("measure", "r", "--nulls", "--network", "m.onnx", "--samples", 20)
        layer = [name for name in blocks["blocks"] if "input" not in name][0]
        self.assertLess(blocks["blocks"][layer]["columns"], 8 * 38 * 38)
        for null in blocks["nulls"].values():
            self.assertEqual(null["blocks"][layer]["columns"], blocks["blocks"][layer]["columns"])

    def test_what_takes_long_is_said(self):
        x = random_samples(400, 3, 160, 160)
        self.export(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)),
                    {"x": x[0]})
        np.save(self.path("x.npy"), x)
        done = self.nnpeek("inspect", "m.onnx", "x.npy", "--ranks", 2, "--reduce", "mean", "-o", "r.html")
        self.assertIn("--measures all", done.stderr)
        self.assertNotIn("rank", self.read_json("r/measures.json"))

    def test_what_is_not_for_a_run_is_left_out(self):
        """A text has no pixels to scramble, and so few samples cannot be held out at every rank."""
        model, ids = Text(), np.random.default_rng(0).integers(0, 50, (9, 7))
        self.export(model, {"ids": ids[0]})
        np.save(self.path("ids.npy"), ids)
        done = self.nnpeek("inspect", "m.onnx", "ids.npy", "--ranks", "2,8", "--measures", "all", "-o", "r.html")
        measures = self.read_json("r/measures.json")
        for name in ("nulls", "shifts", "rank"):
            self.assertIn(f"left out: {name}:", done.stderr)
            self.assertNotIn(name, measures)
        self.assertTrue(measures["weights"])
        self.assertTrue(measures["stability"]["ranks"])
        self.sentence("measure", "r", "--nulls", "--network", "m.onnx", has=["pictures"])


class Layers(Inspecting):
    def automatic(self):
        return [t for t in self.json("layers", "m.onnx")["tensors"] if t["automatic"]]

    def test_functions_of_several_nodes_and_gates(self):
        """Each activation function once, with the values that PyTorch has for it."""
        x = random_samples(4, 3, 16, 16)
        np.save(self.path("x.npy"), x)
        model = Squeeze()
        self.export(model, {"pixels": x[0]})
        blocks = self.inspect("x.npy", ranks="2")
        layers = [self.load(b) for b in blocks.values() if b["kind"] == "layer"]
        with torch.no_grad():
            a = F.silu(model.conv(torch.tensor(x)))
            gated = a * torch.sigmoid(model.up(F.silu(model.down(a.mean((2, 3), keepdim=True)))))
            b = F.mish(model.last(gated))
            c = F.hardswish(b)
            d = F.gelu(c)
            e = F.gelu(d, approximate="tanh")
        self.assertEqual(len(layers), 5)
        for found, expected in zip(layers, (a, b, c, d, e)):
            np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
        reasons = {s["reason"] for s in self.manifest["skipped"]}
        self.assertTrue(any("gate" in reason for reason in reasons), reasons)
        self.assertTrue(any("part of an activation function" in reason for reason in reasons), reasons)

    def test_gated_linear_unit(self):
        self.export(nn.Sequential(nn.Linear(8, 6), nn.GLU(), nn.Linear(3, 4)), {"x": random_samples(8)})
        self.assertEqual([(t["operator"], t["shape"]) for t in self.automatic()], [("Mul", [3])])

    def test_nothing_but_weights(self):
        self.export(nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 4)), {"x": random_samples(8)})
        self.assertEqual([(t["operator"], t["shape"]) for t in self.automatic()], [("Gemm", [6])])
        np.save(self.path("x.npy"), random_samples(10, 8))
        self.inspect("x.npy")
        self.assertIn("no activation functions", self.notes)

    def test_one_layer(self):
        self.export(nn.Sequential(nn.Linear(8, 6)), {"x": random_samples(8)})
        np.save(self.path("x.npy"), random_samples(10, 8))
        blocks = self.inspect("x.npy")
        self.assertEqual([b["fit"] for b in blocks.values()], [True, True])

    def test_blocks_of_a_convnext(self):
        self.export(networks.make("convnext")[0], {"x": random_samples(3, 64, 64)})
        self.assertEqual({t["layout"] for t in self.automatic()}, {"channels-last"})


class Reductions(Inspecting):
    def capture(self, *more):
        self.nnpeek("capture", "m.onnx", "--data", "x.npy", "-o", "c", *more)
        self.manifest = self.read_json("c", "manifest.json")
        return {b["name"]: b for b in self.manifest["blocks"]}, \
            {b["name"]: self.load(b, ("c",)) for b in self.manifest["blocks"]}

    def check(self, reduce, of_maps, of_tokens=None):
        """Every layer against a function of the whole one."""
        _, whole = self.capture("--reduce", "none")
        blocks, found = self.capture("--reduce", reduce)
        compared = 0
        for name, block in blocks.items():
            if block["kind"] == "input" or whole[name].ndim < 3:
                np.testing.assert_array_equal(found[name], whole[name])
                continue
            expected = (of_tokens if block.get("full_shape") and len(block["full_shape"]) == 2 and of_tokens else of_maps)(
                torch.tensor(whole[name])).numpy()
            self.assertEqual(found[name].shape, expected.shape, name)
            self.assertEqual(block["shape"], list(expected.shape[1:]))
            self.assertEqual(block["full_shape"], list(whole[name].shape[1:]))
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
            compared += 1
        self.assertGreater(compared, 0)
        return blocks

    def test_maps(self):
        self.made("vgg")
        self.check("mean", lambda x: x.mean((2, 3)))
        self.check("max", lambda x: x.amax((2, 3)))
        blocks = self.check("grid:3", lambda x: F.adaptive_avg_pool2d(x, 3))
        self.assertIn("grid:3", {b["reduction"] for b in blocks.values()})

    def test_oblong_maps(self):
        self.made("unet-nearest", 3)
        blocks, found = self.capture("--reduce", "grid:7")
        _, whole = self.capture("--reduce", "none")
        for name, block in blocks.items():
            if block["reduction"] == "none":
                continue
            height, width = block["shape"][1:]
            self.assertEqual(max(height, width), 7)
            expected = F.adaptive_avg_pool2d(torch.tensor(whole[name]), (height, width)).numpy()
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)

    def test_lines_and_volumes(self):
        self.made("cnn-1d")
        self.check("grid:6", lambda x: F.adaptive_avg_pool1d(x, 6))
        self.made("cnn-3d")
        blocks, found = self.capture("--reduce", "mean")
        _, whole = self.capture("--reduce", "none")
        for name, block in blocks.items():
            if block["reduction"] == "mean":
                np.testing.assert_allclose(found[name], whole[name].mean((2, 3, 4)), rtol=1e-4, atol=1e-5)

    def test_channels_last(self):
        self.made("convnext")
        self.check("mean", lambda x: x.mean((1, 2)))
        self.check("grid:3", lambda x: F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), 3).permute(0, 2, 3, 1))

    def test_tokens(self):
        self.made("vit")
        self.check("first", None, lambda x: x[:, 0])
        self.check("mean", None, lambda x: x.mean(1))
        self.check("grid:2,max", None, lambda x: x.amax(1))

    def test_budget(self):
        _, _, x = self.made("vgg", 10)
        blocks, found = self.capture("--reduce", "none")
        size = sum(a.size for n, a in found.items() if blocks[n]["kind"] != "input") * 4
        for share in (1.01, 0.5, 0.1, 0.02):
            done = self.nnpeek("capture", "m.onnx", "--data", "x.npy", "-o", "c", "--reduce", "auto", "--budget",
                               share * size / 1e9)
            blocks = self.read_json("c", "manifest.json")["blocks"]
            used = sum(b["columns"] for b in blocks if b["kind"] != "input") * 4 * len(x)
            self.assertLessEqual(used, share * size)
            self.assertGreater(used, 0.4 * share * size)
            self.assertEqual("are averaged" in done.stderr, share < 1)
            self.assertIn("on disk", done.stderr)

    def test_wrong_words(self):
        self.made("vgg", 1)
        for word in ("grid", "grid:0", "grid:x", "half", "mean,,max", "", "grid:3x"):
            self.sentence("capture", "m.onnx", "--data", "x.npy", "-o", "c", "--reduce", word, has=["grid:7,first"])


class Pixels(Inspecting):
    """What reaches the network."""

    def network(self, shape, nodes, initializers=(), element=TensorProto.FLOAT, metadata=None):
        """Ends in Relu(x) of a float tensor 'x'."""
        graph = helper.make_graph([*nodes, helper.make_node("Relu", ["x"], ["out1"]), helper.make_node("Flatten", ["out1"], ["out"])],
                                  "g", [helper.make_tensor_value_info("in", element, ["n", *shape])],
                                  [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)], list(initializers))
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), self.path("m.onnx"))

    def seen(self, *more):
        done = self.nnpeek("capture", "m.onnx", "--data", "x.npy", "-o", "c", "--layers", "out1", *more)
        self.notes = done.stderr
        return np.load(self.path("c", "out1.npy"))

    def test_guesses(self):
        pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 100, 100), np.uint8)
        np.save(self.path("x.npy"), pixels)
        x = pixels / np.float32(255)
        mean, deviation = np.reshape([0.485, 0.456, 0.406], (3, 1, 1)), np.reshape([0.229, 0.224, 0.225], (3, 1, 1))
        identity = helper.make_node("Identity", ["in"], ["x"])
        self.network((3, 100, 100), [identity])
        np.testing.assert_allclose(self.seen(), np.maximum((x - mean) / deviation, 0), atol=1e-5)
        self.assertIn("'--preprocess imagenet', a guess", self.notes)
        np.testing.assert_allclose(self.seen("--preprocess", "none"), x, atol=1e-6)
        self.assertNotIn("guess", self.notes)
        np.testing.assert_allclose(self.seen("--preprocess", "pixels"), pixels, atol=1e-3)
        np.save(self.path("x.npy"), x)  # floats are taken as they are
        np.testing.assert_array_equal(self.seen(), x)
        np.save(self.path("x.npy"), pixels)
        for op, constant, expected in (("Div", 255.0, x), ("Mul", 1 / 255, x), ("Sub", 127.5, pixels - np.float32(127.5)),
                                       ("Sub", 0.5, x - np.float32(0.5))):
            self.network((3, 100, 100), [helper.make_node(op, ["in", "c"], ["x"])],
                         [helper.make_tensor("c", TensorProto.FLOAT, [1], [constant])])
            np.testing.assert_allclose(self.seen(), np.maximum(expected, 0), atol=1e-3)

    def test_integers(self):
        pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 30, 30), np.uint8)
        np.save(self.path("x.npy"), pixels)
        self.network((3, 30, 30), [helper.make_node("Cast", ["in"], ["x"], to=TensorProto.FLOAT)], element=TensorProto.UINT8)
        np.testing.assert_array_equal(self.seen(), pixels)
        np.testing.assert_allclose(np.load(self.path("c", "input.0.npy"))[:, 0], pixels[:, 0] / np.float32(255), atol=1e-7)

    def test_channels_last(self):
        pixels = np.random.default_rng(0).integers(0, 256, (5, 40, 30, 3), np.uint8)
        self.network((40, 30, 3), [helper.make_node("Transpose", ["in"], ["x"], perm=[0, 3, 1, 2])])
        for order in (0, 1, 2, 3), (0, 3, 1, 2):  # of the data; the network wants channels last
            np.save(self.path("x.npy"), pixels.transpose(order))
            np.testing.assert_allclose(self.seen("--preprocess", "mean=0.1,0.2,0.3,std=1,0.5,2"), np.maximum(
                (pixels / 255 - [0.1, 0.2, 0.3]) / [1, 0.5, 2], 0).transpose(0, 3, 1, 2), atol=1e-5)
            np.testing.assert_allclose(np.load(self.path("c", "input.2.npy"))[:, 0], pixels[..., 2] / np.float32(255), atol=1e-7)


if __name__ == "__main__":
    unittest.main()
