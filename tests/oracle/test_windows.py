"""Convolutions and pools over one to three dimensions, and normalisations, against PyTorch: random kernels, strides, dilations,
padding and groups, all as branches of one network."""
import itertools
import shutil
import unittest

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
import torch.nn.functional as F

from support import Case
from test_exports import distance

node, info, opsets = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.helper.make_opsetid
CHANNELS, SAMPLES = 12, 3
LENGTHS = {1: (23,), 2: (13, 10), 3: (7, 9, 8)}


class Windows(Case):
    def setUp(self):
        super().setUp()
        torch.set_num_threads(1)
        self.random = np.random.default_rng(7)

    def normal(self, *shape):
        return self.random.normal(size=shape).astype(np.float32)

    def some(self, n, most, least=1):
        return [int(i) for i in self.random.integers(least, most + 1, n)]

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name, torch.tensor(value)

    def add(self, expected, op, constants, **attributes):
        name = f"y{len(self.nodes)}"
        self.nodes.append(node(op, ["x", *constants], [name], **attributes))
        self.expected[name] = (op, attributes, expected.numpy())

    def compare(self, x, opset=13):
        names = list(self.expected)
        graph = onnx.helper.make_graph(
            self.nodes, "made", [info("x", onnx.TensorProto.FLOAT, ["n", *x.shape[1:]])],
            [info(name, onnx.TensorProto.FLOAT, ["n", *self.expected[name][2].shape[1:]]) for name in names],
            [onnx.numpy_helper.from_array(value, name) for name, value in self.constants.items()])
        model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[opsets("", opset)])
        onnx.checker.check_model(model)  # its inference of shapes knows the older rule of ceil_mode
        onnx.save(model, self.path("made.onnx"))
        np.save(self.path("x.npy"), x.reshape(len(x), CHANNELS, -1, x.shape[-1]).numpy())
        self.nnpeek("capture", "made.onnx", "--data", "x.npy", "--layers", "y*", "-o", "capture", "--threads", 1)
        files = {b["name"]: b["file"] for b in self.read_json("capture", "manifest.json")["blocks"]}
        for name in names:
            op, attributes, expected = self.expected[name]
            with self.subTest(op, shape=x.shape, **attributes):
                found = np.load(self.path("capture", files[name]))
                self.assertEqual(found.shape, expected.shape)
                self.assertLess(distance(found.reshape(len(x), -1), expected.reshape(len(x), -1)), 1e-5)

    def begin(self, n):
        self.nodes, self.constants, self.expected = [], {}, {}
        return torch.tensor(self.normal(SAMPLES, CHANNELS, *LENGTHS[n]))

    def convolutions(self, n):
        x, conv = self.begin(n), (F.conv1d, F.conv2d, F.conv3d)[n - 1]
        for groups, outputs, bias in itertools.product((1, 3, CHANNELS), (CHANNELS, 24), (False, True)):
            for wide in (1, 3):
                kernel, stride, dilation, before, after = (
                    self.some(n, wide), self.some(n, 3), self.some(n, 2), self.some(n, 2, 0), self.some(n, 2, 0))
                names, tensors = zip(*[self.constant(self.normal(outputs, CHANNELS // groups, *kernel)),
                                       self.constant(self.normal(outputs))][:1 + bias])
                around = [p for pair in zip(before[::-1], after[::-1]) for p in pair]
                self.add(conv(F.pad(x, around), *tensors, stride=stride, dilation=dilation, groups=groups), "Conv", names,
                         strides=stride, dilations=dilation, pads=before + after, group=groups)
        self.compare(x)

    def transposes(self, n):
        x, conv = self.begin(n), (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
        for groups, outputs, bias in itertools.product((1, 3, CHANNELS), (CHANNELS, 24), (False, True)):
            kernel, stride, dilation, pads = self.some(n, 4, 2), self.some(n, 3), self.some(n, 2), self.some(n, 1, 0)
            more = [int(self.random.integers(0, max(s, d))) for s, d in zip(stride, dilation)]
            names, tensors = zip(*[self.constant(self.normal(CHANNELS, outputs // groups, *kernel)),
                                   self.constant(self.normal(outputs))][:1 + bias])
            expected = conv(x, *tensors, stride=stride, dilation=dilation, padding=pads, output_padding=more, groups=groups)
            self.add(expected, "ConvTranspose", names, strides=stride, dilations=dilation, pads=pads + pads, group=groups,
                     output_padding=more)
        self.compare(x)

    def pools(self, n):
        x = self.begin(n)
        largest = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1]
        average = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[n - 1]
        for ceiling, counting, _ in itertools.product((0, 1), (0, 1), range(4)):
            kernel, stride, dilation = self.some(n, 4, 2), self.some(n, 3), self.some(n, 2)
            pads = [int(self.random.integers(0, k // 2 + 1)) for k in kernel]
            self.add(largest(x, kernel, stride, pads, dilation, bool(ceiling)), "MaxPool", [], kernel_shape=kernel,
                     strides=stride, dilations=dilation, pads=pads + pads, ceil_mode=ceiling)
            self.add(average(x, kernel, stride, pads, bool(ceiling), bool(counting)), "AveragePool", [], kernel_shape=kernel,
                     strides=stride, pads=pads + pads, ceil_mode=ceiling, count_include_pad=counting)
        axes = tuple(range(2, n + 2))
        self.add(x.mean(axes, keepdim=True), "GlobalAveragePool", [])
        self.add(x.amax(axes, keepdim=True), "GlobalMaxPool", [])
        self.add((x.abs() ** 3).sum(axes, keepdim=True) ** (1 / 3), "GlobalLpPool", [], p=3)
        self.compare(x)

    def norms(self, n):
        x = self.begin(n)
        names, tensors = zip(*(self.constant(self.normal(CHANNELS)) for _ in range(3)))
        variance, v = self.constant(self.random.random(CHANNELS).astype(np.float32) + 0.1)
        self.add(F.batch_norm(x, tensors[2], v, *tensors[:2], eps=1e-3), "BatchNormalization", [*names, variance], epsilon=1e-3)
        self.add(F.instance_norm(x, weight=tensors[0], bias=tensors[1]), "InstanceNormalization", names[:2])
        for size, beta in ((5, 0.75), (3, 0.6), (40, 0.75)):
            padded = F.pad((x * x).flatten(2), (0, 0, (size - 1) // 2, size // 2))
            sums = torch.stack([padded[:, c:c + size].sum(1) for c in range(CHANNELS)], 1).reshape(x.shape)
            self.add(x / (2 + 0.1 / size * sums) ** beta, "LRN", [], size=size, alpha=0.1, beta=beta, bias=2.0)
        self.add(F.normalize(x, dim=1), "LpNormalization", [], axis=1)
        self.compare(x)

    def test_many_channels(self):
        """Kernels of 3 x 3 over many channels go by Winograd's way; its bits do not depend on the number of threads either."""
        self.begin(2)
        x = torch.tensor(self.normal(70, CHANNELS, 21, 17))
        (many, m), (w, v), (b, c) = (self.constant(self.normal(*shape)) for shape in ((32, CHANNELS, 1, 1), (48, 32, 3, 3), (48,)))
        wide = F.conv2d(x, m)
        self.nodes.append(node("Conv", ["x", many], ["wide"]))
        for pads in ([0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 1, 1]):
            self.add(F.conv2d(F.pad(wide, (pads[1], pads[3], pads[0], pads[2])), v, c), "Conv", [w, b], pads=pads)
            self.nodes[-1].input[0] = "wide"
        self.compare(x)
        for threads in (2, 3):
            self.nnpeek("capture", "made.onnx", "--data", "x.npy", "--layers", "y*", "-o", "again", "--threads", threads)
            for name in self.expected:
                self.assertEqual(self.read_bytes("again", f"{name}.npy"), self.read_bytes("capture", f"{name}.npy"))
            shutil.rmtree(self.path("again"))

    def test_convolutions(self):
        for n in (1, 2, 3):
            self.convolutions(n)

    def test_transposes(self):
        for n in (1, 2, 3):
            self.transposes(n)

    def test_pools(self):
        for n in (1, 2, 3):
            self.pools(n)

    def test_norms(self):
        for n in (1, 2, 3):
            self.norms(n)


if __name__ == "__main__":
    unittest.main()
