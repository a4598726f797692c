"""The way back through every operator that has one: a step of SGD on a small network with the operator in its middle, against
PyTorch's autograd and against finite differences, both in double precision."""
import copy
import os
import unittest
import warnings

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import nn

from support import Case

torch.set_num_threads(1)
SAMPLES, SIDE, CLASSES, RATE = 18, 10, 3, 0.5


class Between(nn.Module):
    """A convolution, what is under test, and a dense layer."""

    def __init__(self, middle, channels=4):
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3)
        self.middle = middle if isinstance(middle, nn.Module) else None
        self.function = None if isinstance(middle, nn.Module) else middle
        with torch.no_grad():
            size = copy.deepcopy(self).eval().inside(torch.zeros(1, 1, SIDE, SIDE)).shape[1]
        self.last = nn.Linear(size, CLASSES)

    def inside(self, x):
        x = self.first(x)
        return (self.middle or self.function)(x).flatten(1)

    def forward(self, x):
        return self.last(self.inside(x)).softmax(1)


class Scaled(nn.Module):
    """Arithmetic with weights that are broadcast."""

    def __init__(self, operation):
        super().__init__()
        self.weight, self.operation = nn.Parameter(torch.rand(4, 1, 1) + 0.5), operation

    def forward(self, x):
        return self.operation(x, self.weight)


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5))

    def forward(self, x):
        return x @ self.weight @ (self.weight.T @ x.transpose(2, 3))


MIDDLES = {
    "relu": F.relu, "leaky relu": lambda x: F.leaky_relu(x, 0.2), "elu": F.elu, "selu": F.selu, "sigmoid": torch.sigmoid,
    "tanh": torch.tanh, "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus, "hardswish": F.hardswish,
    "hard sigmoid": F.hardsigmoid, "clip": lambda x: x.clamp(-0.3, 0.2), "prelu": nn.PReLU(4), "exp": torch.exp,
    "sqrt": lambda x: torch.sqrt(x * x + 1), "log": lambda x: torch.log(x * x + 1), "absolute": lambda x: torch.abs(x),
    "max pool": nn.MaxPool2d(3, 2, 1), "max pool, ceiling": nn.MaxPool2d(3, 2, ceil_mode=True),
    "average pool": nn.AvgPool2d(2), "average pool with pads": nn.AvgPool2d(3, 2, 1),
    "average pool without pads": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "global average": nn.AdaptiveAvgPool2d(1), "global maximum": nn.AdaptiveMaxPool2d(1),
    "grouped convolution": nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1), "dilated convolution": nn.Conv2d(4, 3, 3, dilation=2, padding=2),
    "convolution of channels alone": nn.Conv2d(4, 4, 3, groups=4, padding=1, bias=False),
    "convolution 1 x 1": nn.Conv2d(4, 7, 1), "oblong convolution": nn.Conv2d(4, 3, (1, 3), padding=(0, 1)),
    "add": Scaled(torch.add), "subtract": Scaled(torch.sub), "multiply": Scaled(torch.mul), "divide": Scaled(torch.div),
    "residual": lambda x: x + F.relu(x), "power": lambda x: x.abs() ** 3,
    "concatenate": lambda x: torch.cat([x, F.relu(x), x * x], 1), "split": lambda x: torch.cat(torch.split(x, [1, 3], 1)[::-1], 2 - 1),
    "reshape": lambda x: x.reshape(-1, 8, 32) * 2, "squeeze": lambda x: x.mean((2, 3), keepdim=True).squeeze(3).unsqueeze(1),
    "transpose": lambda x: F.relu(x.permute(0, 2, 3, 1)), "slice": lambda x: x[:, 1:, 2:7:2, :-1], "pad": lambda x: F.pad(x, (1, 2, 0, 1)) ** 2,
    "softmax": lambda x: torch.softmax(x, 1), "softmax of lines": lambda x: torch.softmax(x, 3), "logarithm of softmax": lambda x: torch.log_softmax(x, 2),
    "mean": lambda x: x.mean(2), "sum": lambda x: x.sum((1, 3)) / 10, "product of matrices": Product(),
    "dense": nn.Sequential(nn.Flatten(), nn.Linear(256, 7), nn.Tanh()), "layer norm": nn.LayerNorm(8),
    "batch norm": nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), "batch norm of features": nn.Sequential(nn.Flatten(), nn.BatchNorm1d(256, momentum=0.3)),
    "two batch norms": nn.Sequential(nn.BatchNorm2d(4, eps=1e-3), nn.ReLU(), nn.Conv2d(4, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Tanh()),
}


def is_statistic(name):
    return "running" in name


class Gradients(Case):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(0)
        self.x = random.normal(size=(SAMPLES, 1, SIDE, SIDE)).astype(np.float32)
        self.labels = random.integers(0, CLASSES, SAMPLES)
        os.makedirs(self.path("data"))
        np.save(self.path("data", "images.npy"), self.x)
        np.save(self.path("data", "labels.npy"), self.labels)

    def export(self, model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model.eval(), torch.tensor(self.x), self.path("start.onnx"), opset_version=13, input_names=["x"],
                              training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, dynamic_axes={"x": {0: "n"}})

    def weights(self, path):
        return {w.name: np.array(onnx.numpy_helper.to_array(w)) for w in onnx.load(self.path(path)).graph.initializer}

    def step(self, *more):
        self.nnpeek("train", "start.onnx", "--data", "data", "-o", "end.onnx", "--epochs", 1, "--learning-rate", RATE, "--momentum", 0,
                    "--batch", SAMPLES, "--order", "stored", *more)
        return self.weights("end.onnx")

    def loss(self, model):
        """Of the softmax that the network ends with, in double."""
        return F.nll_loss(model(torch.tensor(self.x, dtype=torch.float64)).log(), torch.tensor(self.labels))

    def check(self, middle):
        torch.manual_seed(1)
        model = Between(copy.deepcopy(middle))
        for name, buffer in model.named_buffers():
            if is_statistic(name):
                buffer.copy_(torch.rand(buffer.shape) + 0.5)
        self.export(model)
        start, found = self.weights("start.onnx"), self.step()
        twin = copy.deepcopy(model).double().train()
        before = {name: b.clone() for name, b in twin.named_buffers()}
        self.loss(twin).backward()
        gradients = {name: p.grad.numpy() for name, p in twin.named_parameters()}
        matched = {name for name in gradients if name in start}
        self.assertGreaterEqual(len(matched), 4, sorted(start))
        scale = max(np.abs(g).max() for g in gradients.values())
        for name in matched:
            moved = (start[name].astype(float) - found[name]) / RATE
            np.testing.assert_allclose(moved, gradients[name], rtol=1e-3, atol=2e-5 * scale, err_msg=name)
        for name in set(start) - matched:  # numbers of the formula stay
            if not is_statistic(name) and name not in self.renamed(start, gradients):
                np.testing.assert_array_equal(found[name], start[name], err_msg=name)
        for name, buffer in twin.named_buffers():
            if is_statistic(name):
                self.assertGreater(np.abs(start[name] - found[name]).max(), 1e-4)
                np.testing.assert_allclose(found[name], buffer.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)
        self.differences(twin, before, {name: (start[name].astype(float) - found[name]) / RATE for name in matched})

    def renamed(self, start, gradients):
        """Weights that the exporter gives other names, as it does where it turns a matrix."""
        sizes = {g.size for name, g in gradients.items() if name not in start}
        return {name for name, w in start.items() if name not in gradients and w.size in sizes and w.ndim}

    def differences(self, twin, buffers, gradients):
        """The loss along random directions, by central differences in double."""
        generator = torch.Generator().manual_seed(2)
        for _ in range(3):
            direction = {name: torch.randn(p.shape, generator=generator, dtype=torch.float64) for name, p in twin.named_parameters()
                         if name in gradients}
            length = sum((d ** 2).sum() for d in direction.values()).sqrt()
            values = []
            for sign in (1, -2, 1):
                with torch.no_grad():
                    for name, p in twin.named_parameters():
                        if name in direction:
                            p += sign * 1e-6 / length * direction[name]
                    values.append(self.loss(twin).item())
            expected = (values[0] - values[1]) / 2e-6
            along = sum((g * direction[name].numpy()).sum() for name, g in gradients.items()) / length.item()
            size = np.sqrt(sum((g ** 2).sum() for g in gradients.values()))
            self.assertAlmostEqual(along, expected, delta=1e-3 * size + 1e-6)

    def test_dropout(self):
        """Of one sample with all numbers 1: each entry of the weights' gradient is 0 or twice what it is without."""
        size = SIDE * SIDE
        weights = [helper.make_tensor("w", TensorProto.FLOAT, [CLASSES, size], np.zeros(CLASSES * size, np.float32)),
                   helper.make_tensor("b", TensorProto.FLOAT, [CLASSES], np.zeros(CLASSES, np.float32)),
                   helper.make_tensor("ratio", TensorProto.FLOAT, [], [0.25])]
        nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("Dropout", ["flat", "ratio"], ["dropped"], name="drop"),
                 helper.make_node("Gemm", ["dropped", "w", "b"], ["y"], transB=1)]
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", CLASSES])], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), self.path("start.onnx"))
        np.save(self.path("data", "images.npy"), np.ones((SAMPLES, 1, SIDE, SIDE), np.float32))
        self.nnpeek("train", "start.onnx", "--data", "data", "-o", "end.onnx", "--learning-rate", 1, "--momentum", 0, "--batch", SAMPLES,
                    "--fraction", 1 / SAMPLES)
        label = np.flatnonzero(self.weights("end.onnx")["w"].max(1) > 0)
        self.assertEqual(len(label), 1)
        for c in range(CLASSES):
            gradient = -self.weights("end.onnx")["w"][c]
            without = 1 / CLASSES - (c == label[0])
            kept = np.abs(gradient) > 1e-9
            self.assertTrue(0.6 < kept.mean() < 0.9, kept.mean())
            np.testing.assert_allclose(gradient[kept], without / 0.75, rtol=1e-5)
            if c:
                np.testing.assert_array_equal(kept, first)
            first = kept
        self.nnpeek("capture", "start.onnx", "--data", "data", "--layers", "dropped", "-o", "c")
        self.assertTrue((np.load(self.path("c", "dropped.npy")) == 1).all())

    def test_dropout_is_the_same_for_any_threads(self):
        torch.manual_seed(3)
        self.export(Between(nn.ReLU()))
        model = onnx.load(self.path("start.onnx"))
        place = [i for i, node in enumerate(model.graph.node) if node.op_type == "Flatten"][0]
        flat = model.graph.node[place].output[0]
        model.graph.node.insert(place + 1, helper.make_node("Dropout", [flat], ["dropped"], name="drop"))
        for node in model.graph.node[place + 2:]:
            for i, name in enumerate(node.input):
                if name == flat:
                    node.input[i] = "dropped"
        onnx.save(model, self.path("start.onnx"))
        found = [self.step("--threads", threads) for threads in (1, 2, 3)]
        other = self.step("--seed", 5)
        for name in found[0]:
            np.testing.assert_array_equal(found[0][name], found[1][name])
            np.testing.assert_array_equal(found[0][name], found[2][name])
        self.assertTrue(any((found[0][name] != other[name]).any() for name in other))

    def test_operators_without_a_way_back_are_all_named(self):
        torch.manual_seed(4)
        self.export(Between(lambda x: F.interpolate(F.interpolate(x, scale_factor=2, mode="nearest"), scale_factor=2, mode="nearest").cumsum(3)))
        self.sentence("train", "start.onnx", "--data", "data", "-o", "end.onnx", has=["Resize (2 nodes", "CumSum (1 node", "not train it"])


def add(name, middle):
    def test(self):
        self.check(middle)
    setattr(Gradients, "test_" + name.replace(" ", "_").replace(",", ""), test)


for _name, _middle in MIDDLES.items():
    add(_name, _middle)

if __name__ == "__main__":
    unittest.main()
