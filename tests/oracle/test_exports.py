"""Networks exported by PyTorch, every tensor at every layer: nnpeek against ONNX Runtime and PyTorch's own modules."""
import os
import unittest
import warnings

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch

import networks
import peers
from support import LONG, Case

torch.set_num_threads(1)

# Relative to the largest value of a layer.
CLOSE = 1e-4

# Modules that leave no node behind: dropout at inference, and batch norms folded into the convolutions before them.
SILENT = (torch.nn.Dropout, torch.nn.Identity)


def distance(found, expected):
    largest = np.abs(expected).max()
    return float(np.abs(found - expected).max() / largest) if largest > 0 else float(np.abs(found).max())


class Layers(Case):
    """Compares every layer of a network file."""

    def compare(self, path, inputs, expected, shapes, must_have, what, inside=False):
        """expected: name -> T x values. inside: there are tensors in functions, which ONNX Runtime does not show."""
        listed = {t["name"]: t for t in self.json("layers", path)["tensors"]}
        missing = sorted(must_have - set(listed))
        self.assertFalse(missing, f"{what}: tensors that `nnpeek layers` does not list")
        (x,) = inputs.values()
        np.save(self.path("x.npy"), x)
        self.nnpeek("capture", path, "--data", "x.npy", "--layers", "*", "-o", "capture", "--threads", 2)
        blocks = {b["name"]: b for b in self.read_json("capture", "manifest.json")["blocks"]}
        self.assertLessEqual(set(listed), set(blocks), what)
        far = []
        for name in listed:  # in the order of execution: the first that is wrong is the one to look at
            if name not in expected and inside:
                continue
            self.assertIn(name, expected, f"{what}: a tensor that ONNX Runtime does not have")
            found = np.load(self.path("capture", blocks[name]["file"]))
            self.assertEqual(len(found), len(x), f"{what}: samples of {name}")
            self.assertEqual([d for d in found.shape[1:] if d != 1], [d for d in shapes[name] if d != 1],
                             f"{what}: shape of {name}")
            d = distance(found.reshape(len(x), -1), expected[name])
            if not d <= CLOSE:
                far.append(f"{name} ({listed[name]['operator']}): {d:.2e}")
        self.assertFalse(far, f"{what}: {len(far)} of {len(listed)} layers are further than {CLOSE} from ONNX Runtime's, "
                              f"first {far[0] if far else ''}")
        return {name: np.load(self.path("capture", blocks[name]["file"])).reshape(len(x), -1) for name in listed}


class Exports(Layers):
    def export(self, model, shape, opset, dynamic, folded):
        """folded: constants folded, and batch norms into convolutions."""
        mode = torch.onnx.TrainingMode
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, torch.rand(1, *shape), self.path("m.onnx"), opset_version=opset,
                              input_names=["pixels"], do_constant_folding=folded,
                              training=mode.EVAL if folded else mode.PRESERVE,
                              dynamic_axes={"pixels": {0: "n"}} if dynamic else None)
        return onnx.load(self.path("m.onnx")).graph

    def check(self, name, opset, dynamic, folded, samples=3, model=None, hooks=True):
        what = f"{name}, opset {opset}, {'any' if dynamic else 'one'} sample, {'folded' if folded else 'unfolded'}"
        shape = networks.TABLE[name][1]
        model = model or networks.make(name)[0]
        with self.subTest(what):
            graph = self.export(model, shape, opset, dynamic, folded)
            x = np.random.default_rng(1).random((samples, *shape)).astype(np.float32)
            expected, shapes = peers.by_onnxruntime(self.path("m.onnx"), {"pixels": x})
            must_have = peers.from_samples(graph) & set(expected)
            self.assertGreater(len(must_have), len(list(model.children())))
            found = self.compare("m.onnx", {"pixels": x}, expected, shapes, must_have, what)
            if not hooks:
                return
            modules, silent = peers.by_pytorch(model, graph, x)
            by_path = dict(model.named_modules())
            fused = 0  # batch norms that went into the convolutions before them
            for path in silent:
                kind = type(by_path[path])
                fused += folded and "BatchNorm" in kind.__name__
                self.assertTrue(issubclass(kind, SILENT) or (folded and "BatchNorm" in kind.__name__),
                                f"{what}: no node for {path} ({kind.__name__})")
            convolutions = {node.output[0] for node in graph.node if node.op_type == "Conv"}
            for tensor, values in modules.items():
                d = distance(found[tensor], values)
                if fused and tensor in convolutions and d > CLOSE:
                    fused -= 1  # holds what the batch norm behind it gives
                    continue
                self.assertLessEqual(d, CLOSE, f"{what}: {tensor} is {d:.2e} from PyTorch's module")

    def both(self, name, large=False):
        """Of large networks one export, but for the long tests."""
        self.check(name, 13, True, False)
        if LONG or not large:
            self.check(name, 16, False, True)

    def test_lenet(self):
        for opset in range(9, 17):
            self.check("lenet", opset, opset % 2 == 0, opset % 3 == 0)

    def test_vgg(self):
        for opset in range(9, 17) if LONG else (9, 13, 15):
            self.check("vgg", opset, opset % 2 == 0, opset % 3 == 0)

    def test_equal_weights_are_stored_once(self):
        """Fresh normalisations are all alike; the exporter then writes Identity nodes over one initialiser."""
        torch.manual_seed(0)
        self.check("vgg", 14, True, False, model=networks.Vgg().eval())

    def test_resnet18(self):
        self.both("resnet18", large=True)
        self.check("resnet18", 9, True, False)

    def test_resnet18_at_224(self):
        self.check("resnet18-224", 13, True, False, samples=2)

    def test_resnet50(self):
        self.both("resnet50", large=True)

    def test_densenet(self):
        self.both("densenet", large=True)
        self.check("densenet", 10, False, False)

    def test_mobilenet_v2(self):
        self.both("mobilenet-v2", large=True)
        self.check("mobilenet-v2", 10, True, False)

    def test_unet_with_transposed_convolutions(self):
        self.both("unet-transpose")
        self.check("unet-transpose", 9, True, False)

    def test_unet_with_bilinear_resizing(self):
        self.both("unet-bilinear")
        self.check("unet-bilinear", 11, True, True)
        self.check("unet-bilinear", 9, True, False, hooks=False)  # Upsample has other coordinates than PyTorch

    def test_unet_with_nearest_resizing(self):
        self.both("unet-nearest")
        self.check("unet-nearest", 9, True, False)

    def test_vit(self):
        self.both("vit")
        for opset, dynamic in ((12, False), (14, True)):
            self.check("vit", opset, dynamic, True)

    def test_vit_with_attention_by_hand(self):
        self.both("vit-by-hand")
        for opset, dynamic in ((12, False), (14, True)):
            self.check("vit-by-hand", opset, dynamic, True)

    def test_convnext(self):
        self.both("convnext", large=True)
        self.check("convnext", 9, True, False)

    def test_bits_do_not_depend_on_threads(self):
        for name in ("mobilenet-v2", "unet-transpose", "vit", "cnn-1d") if LONG else ("unet-transpose", "vit"):
            with self.subTest(name):
                model, shape = networks.make(name)
                self.export(model, shape, 13, True, False)
                np.save(self.path("x.npy"), np.random.default_rng(5).random((70, *shape)).astype(np.float32))
                for threads in (1, 2, 3):
                    self.nnpeek("capture", "m.onnx", "--data", "x.npy", "--layers", "*", "-o", f"c{threads}", "--threads",
                                threads)
                for block in self.read_json("c1", "manifest.json")["blocks"]:
                    first = self.read_bytes("c1", block["file"])
                    for threads in (2, 3):
                        self.assertEqual(first, self.read_bytes(f"c{threads}", block["file"]), block["name"])

    def test_1d(self):
        self.both("cnn-1d")
        self.check("cnn-1d", 9, False, False)

    def test_3d(self):
        self.both("cnn-3d")


class Made(Layers):
    """What PyTorch 1.13 does not export: newer operators, functions, weights of other types and in other files."""

    def check(self, nodes, constants, shape, opset, batch="n", functions=(), ir=8, **save):
        info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            nodes, "made", [info("x", onnx.TensorProto.FLOAT, [batch, *shape])], [onnx.ValueInfoProto(name="y")],
            [value if isinstance(value, onnx.TensorProto) else onnx.numpy_helper.from_array(value, name)
             for name, value in constants.items()])
        domains = [onnx.helper.make_opsetid("", opset)] + [onnx.helper.make_opsetid(f.domain, 1) for f in functions]
        model = onnx.helper.make_model(graph, opset_imports=domains, functions=functions, ir_version=ir)
        onnx.save(model, self.path("plain.onnx"))
        onnx.save(model, self.path("made.onnx"), **save)
        x = np.random.default_rng(3).random((3, *shape)).astype(np.float32)
        expected, shapes = peers.by_onnxruntime(self.path("plain.onnx"), {"x": x})
        must_have = peers.from_samples(graph) & set(expected) - {"x"}
        self.assertIn("y", must_have)
        self.compare("made.onnx", {"x": x}, expected, shapes, must_have, f"opset {opset}", inside=bool(functions))

    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(4)

    def normal(self, *shape):
        return self.random.normal(size=shape).astype(np.float32) / max(1, shape[-1]) ** 0.5

    def test_opset_18(self):
        """Axes as inputs, Split by number, Resize and Pad with axes, LayerNormalization."""
        node = onnx.helper.make_node
        self.check([
            node("Conv", ["x", "w"], ["conv"], pads=[1, 1, 1, 1]),
            node("Split", ["conv"], ["a", "b", "c"], axis=1, num_outputs=3),
            node("Resize", ["a", "", "", "sizes"], ["wide"], axes=[2, 3], mode="linear", antialias=0,
                 coordinate_transformation_mode="half_pixel"),
            node("Pad", ["b", "pads", "", "pad_axes"], ["padded"], mode="reflect"),
            node("ReduceMean", ["wide", "hw"], ["mean"], keepdims=0),
            node("ReduceL2", ["padded", "hw"], ["norm"], keepdims=0),
            node("ReduceMax", ["c", "hw"], ["largest"], keepdims=0),
            node("Concat", ["mean", "norm", "largest"], ["row"], axis=1),
            node("LayerNormalization", ["row", "scale", "shift"], ["y"], axis=-1),
        ], {"w": self.normal(6, 2, 3, 3), "sizes": np.array([13, 9], np.int64), "pads": np.array([2, 1], np.int64),
            "pad_axes": np.array([3], np.int64), "hw": np.array([2, 3], np.int64), "scale": self.normal(6),
            "shift": self.normal(6)}, [2, 8, 6], 18)

    def test_opset_21(self):
        """Gelu, GroupNormalization, Mish, HardSwish, Reshape with a dimension taken over."""
        node = onnx.helper.make_node
        self.check([
            node("Conv", ["x", "w"], ["conv"], strides=[2, 2], auto_pad="SAME_UPPER"),
            node("GroupNormalization", ["conv", "scale", "shift"], ["group"], num_groups=4, epsilon=1e-4),
            node("Gelu", ["group"], ["gelu"], approximate="tanh"),
            node("Mish", ["gelu"], ["mish"]),
            node("HardSwish", ["mish"], ["swish"]),
            node("Reshape", ["swish", "target"], ["tokens"]),
            node("Transpose", ["tokens"], ["turned"], perm=[0, 2, 1]),
            node("MatMul", ["turned", "m"], ["product"]),
            node("Gelu", ["product"], ["y"]),
        ], {"w": self.normal(8, 3, 3, 3), "scale": self.normal(8), "shift": self.normal(8),
            "target": np.array([0, 8, -1], np.int64), "m": self.normal(8, 5)}, [3, 9, 7], 21, ir=10)

    def attention(self, opset, batch):
        node = onnx.helper.make_node
        angles = np.arange(10)[:, None] / 10000 ** (np.arange(4) / 4)
        nodes = [
            node("RMSNormalization", ["x", "scale"], ["rms"], axis=-1),
            node("MatMul", ["rms", "wq"], ["q"]), node("MatMul", ["rms", "wk"], ["k"]),
            node("MatMul", ["rms", "wv"], ["v"]),
            node("Attention", ["turned" if batch == 1 else "q", "k", "v"], ["attended"], q_num_heads=4, kv_num_heads=2,
                 is_causal=1),
            node("Add", ["attended", "x"], ["sum"]),
            node("Swish" if opset >= 24 else "Gelu", ["sum"], ["y"]),
        ]
        constants = {"scale": self.normal(32), "wq": self.normal(32, 32), "wk": self.normal(32, 16),
                     "wv": self.normal(32, 16)}
        if batch == 1:  # the positions have the dimension of the samples
            nodes.insert(2, node("RotaryEmbedding", ["q", "cos", "sin", "positions"], ["turned"], num_heads=4))
            constants.update(cos=np.cos(angles).astype(np.float32), sin=np.sin(angles).astype(np.float32),
                             positions=np.arange(10, dtype=np.int64)[None])
        self.check(nodes, constants, [10, 32], opset, batch=batch, ir=11)

    def test_opset_23(self):
        self.attention(23, 1)

    def test_opset_24(self):
        self.attention(24, "n")

    def small(self):
        node = onnx.helper.make_node
        return [node("Conv", ["x", "w"], ["conv"]), node("Relu", ["conv"], ["relu"]), node("Flatten", ["relu"], ["row"]),
                node("MatMul", ["row", "m"], ["y"])], {"w": self.normal(4, 1, 3, 3), "m": self.normal(64, 5)}

    def test_functions(self):
        node = onnx.helper.make_node
        gate = onnx.helper.make_function(
            "mine", "Gate", ["a", "b"], ["out"],
            [node("Sigmoid", ["a"], ["inside"]), node("Mul", ["inside", "b"], ["out"])],
            [onnx.helper.make_opsetid("", 17)])
        nodes, constants = self.small()
        nodes[-1].output[0] = "product"
        nodes += [node("Gate", ["product", "product"], ["first"], domain="mine"),
                  node("Gate", ["first", "product"], ["y"], domain="mine")]
        self.check(nodes, constants, [1, 6, 6], 17, functions=[gate])

    def test_weights_in_another_file(self):
        nodes, constants = self.small()
        self.check(nodes, constants, [1, 6, 6], 17, save_as_external_data=True, location="made.onnx.data",
                   size_threshold=0)

    def test_weights_of_other_types(self):
        node = onnx.helper.make_node
        for kind in ("FLOAT16", "BFLOAT16", "DOUBLE"):
            with self.subTest(kind):
                nodes, constants = self.small()
                for name in list(constants):
                    value = constants.pop(name)
                    if kind == "BFLOAT16":
                        halves = (value.view(np.uint32) >> 16).astype(np.uint16)
                        stored = onnx.TensorProto(name=name + "_", data_type=onnx.TensorProto.BFLOAT16,
                                                  dims=value.shape, raw_data=halves.tobytes())
                    else:
                        stored = value.astype(np.float16 if kind == "FLOAT16" else np.float64)
                    constants[name + "_"] = stored
                    nodes.insert(0, node("Cast", [name + "_"], [name], to=onnx.TensorProto.FLOAT))
                self.check(nodes, constants, [1, 6, 6], 17)


if __name__ == "__main__":
    unittest.main()
