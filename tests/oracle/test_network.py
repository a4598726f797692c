"""Networks against independent programs: onnx's checker, PyTorch rebuilt from the written weights, PyTorch's exporter."""
import unittest
import warnings

import numpy as np
import onnx
import onnx.checker
import onnx.helper
import onnx.numpy_helper
import torch
import torch.nn.functional as F

import peers
from support import Case

torch.set_num_threads(1)  # a second pool of threads would only be in the way


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def weights_of(path):
    return {w.name: np.array(onnx.numpy_helper.to_array(w)) for w in onnx.load(path).graph.initializer}


def run_in_torch(path, x, weights=None):
    """Every tensor of a network that uses the paper's operators, computed by PyTorch."""
    graph = onnx.load(path).graph
    values = {name: torch.tensor(w) for name, w in weights_of(path).items()} if weights is None else dict(weights)
    values[graph.input[0].name] = x
    for node in graph.node:
        given, a = [values[name] for name in node.input], attributes(node)
        if node.op_type == "Conv":
            out = F.conv2d(*given, stride=a.get("strides", 1), padding=a.get("pads", [0])[0])
        elif node.op_type == "MaxPool":
            out = F.max_pool2d(given[0], a["kernel_shape"], a["strides"])
        elif node.op_type == "Relu":
            out = F.relu(given[0])
        elif node.op_type == "Flatten":
            out = given[0].flatten(1)
        elif node.op_type == "Gemm":
            out = F.linear(*given) if a.get("transB") else given[0] @ given[1] + given[2]
        elif node.op_type == "Softmax":
            out = F.softmax(given[0], a["axis"])
        else:
            raise NotImplementedError(node.op_type)
        values[node.output[0]] = out
    return values


class Written(Case):
    """What `train` writes."""

    def setUp(self):
        super().setUp()
        self.nnpeek("data", "make", "strokes", "-o", "data", "--samples", 300)
        self.images = np.load(self.path("data", "images.npy")).astype(np.float32).reshape(-1, 1, 28, 28)
        if self.images.max() > 1:
            self.images /= 255
        self.labels = np.load(self.path("data", "labels.npy")).astype(np.int64)

    def train(self, network, output, *more):
        return self.json("train", network, "--data", "data", "-o", output, *more)

    def test_checker_and_pytorch_agree(self):
        self.train("paper", "paper.onnx", "--epochs", 3, "--learning-rate", 0.05)
        onnx.checker.check_model(self.path("paper.onnx"), full_check=True)
        model = onnx.load(self.path("paper.onnx"))
        self.assertEqual([n.output[0] for n in model.graph.node],
                         ["conv1", "pool1", "relu1", "conv2", "pool2", "relu2", "flatten", "dense", "softmax"])
        self.assertEqual(model.graph.input[0].type.tensor_type.shape.dim[0].dim_param, "N")
        self.nnpeek("capture", "paper.onnx", "--data", "data", "--layers", "*", "-o", "capture")
        with torch.no_grad():
            expected = run_in_torch(self.path("paper.onnx"), torch.tensor(self.images))
        for name in ["conv1", "pool1", "relu1", "conv2", "pool2", "relu2", "flatten", "dense", "softmax"]:
            found = np.load(self.path("capture", f"{name}.npy"))
            self.assertEqual(found.shape, tuple(expected[name].shape))
            self.assertGreater(found.std(), 1e-3)
            np.testing.assert_allclose(found, expected[name].numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
        np.testing.assert_array_equal(np.load(self.path("capture", "input.npy")), self.images)
        np.testing.assert_array_equal(np.load(self.path("capture", "labels.npy")), self.labels)

    def pytorch_training(self, x, loss, epochs, rate, momentum, batch, decay=0, milestones=(), gamma=0.1):
        """The same epochs in PyTorch from start.onnx, the samples in stored order."""
        weights = {name: torch.tensor(w, requires_grad=True) for name, w in weights_of(self.path("start.onnx")).items()}
        optimiser = torch.optim.SGD(list(weights.values()), lr=rate, momentum=momentum, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, gamma)
        labels = torch.tensor(self.labels)
        for _ in range(epochs):
            for first in range(0, len(x), batch):
                values = run_in_torch(self.path("start.onnx"), torch.tensor(x[first:first + batch]), weights)
                optimiser.zero_grad()
                share = len(labels[first:first + batch]) / batch  # a sample weighs the same in an incomplete batch
                (share * loss(values, labels[first:first + batch])).backward()
                optimiser.step()
            schedule.step()
        return {name: w.detach().numpy() for name, w in weights.items()}

    def compare_training(self, x, loss, *flags, network="paper", **more):
        # A learning rate of zero leaves the start as it was drawn.
        self.train(network, "start.onnx", "--learning-rate", 0)
        self.train("start.onnx", "end.onnx", "--epochs", 2, "--learning-rate", 0.05, "--momentum", 0.9, "--batch", 64,
                   "--order", "stored", *flags)
        expected = self.pytorch_training(x, loss, 2, 0.05, 0.9, 64, **more)
        start, found = weights_of(self.path("start.onnx")), weights_of(self.path("end.onnx"))
        self.assertEqual(sorted(found), sorted(expected))
        for name in found:
            moved = np.abs(expected[name] - start[name]).max()
            self.assertGreater(moved, 1e-5, name)
            np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=2e-3 * moved, err_msg=name)

    def test_training_is_pytorchs(self):
        self.compare_training(self.images, lambda values, labels: F.cross_entropy(values["dense"], labels))

    def test_decay_and_milestones_are_pytorchs(self):
        self.compare_training(self.images, lambda values, labels: F.cross_entropy(values["dense"], labels), "--weight-decay", 0.05,
                              "--milestones", 1, "--gamma", 0.4, decay=0.05, milestones=(1,), gamma=0.4)

    def test_alexnet_is_pytorchs(self):
        """Written, run and trained; the pictures are brought to 32 x 32."""
        self.train("alexnet", "a.onnx", "--epochs", 2)
        onnx.checker.check_model(self.path("a.onnx"), full_check=True)
        self.nnpeek("capture", "a.onnx", "--data", "data", "--layers", "*", "-o", "capture")
        x = np.load(self.path("capture", "input.npy"))
        self.assertEqual(x.shape, (300, 1, 32, 32))
        with torch.no_grad():
            expected = run_in_torch(self.path("a.onnx"), torch.tensor(x))
        shapes = {"relu1": (64, 8, 8), "relu2": (192, 4, 4), "relu3": (384, 2, 2), "relu4": (256, 2, 2), "pool5": (256, 1, 1)}
        for name, shape in shapes.items():
            found = np.load(self.path("capture", f"{name}.npy"))
            self.assertEqual(found.shape[1:], shape)
            np.testing.assert_allclose(found, expected[name].numpy(), rtol=1e-4, atol=1e-5, err_msg=name)
        self.compare_training(x, lambda values, labels: F.cross_entropy(values["dense"], labels), network="alexnet")

    def test_saturating_loss_is_pytorchs(self):
        self.compare_training(self.images, lambda values, labels: F.cross_entropy(values["softmax"], labels),
                              "--loss", "saturating")

    def test_normalised_training_is_pytorchs(self):
        mean, deviation = self.images.astype(np.float64).mean(), self.images.astype(np.float64).std()
        x = ((self.images - mean) / deviation).astype(np.float32)
        self.compare_training(x, lambda values, labels: F.cross_entropy(values["dense"], labels), "--normalise")
        # The numbers travel in the file, and every later run applies them.
        properties = {p.key: p.value for p in onnx.load(self.path("end.onnx")).metadata_props}
        parts = dict(part.split("=") for part in properties["nnpeek.preprocess"].split(","))
        self.assertAlmostEqual(float(parts["mean"]), mean, places=6)
        self.assertAlmostEqual(float(parts["std"]), deviation, places=6)
        onnx.checker.check_model(self.path("end.onnx"), full_check=True)
        self.nnpeek("capture", "end.onnx", "--data", "data", "--samples", 0, "-o", "capture")
        with torch.no_grad():
            expected = run_in_torch(self.path("end.onnx"), torch.tensor(x))["softmax"].numpy()
        np.testing.assert_allclose(np.load(self.path("capture", "softmax.npy")), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(np.load(self.path("capture", "input.npy")), self.images)

    def test_onnx_runtime_agrees(self):
        """Names and numbers of what was trained, as ONNX Runtime sees them."""
        for name, samples in (("paper", 20), ("alexnet", 8)):
            self.train(name, "n.onnx", "--epochs", 2, "--learning-rate", 0.05, "--momentum", 0.9)
            self.nnpeek("capture", "n.onnx", "--data", "data", "--layers", "*", "--samples", samples, "-o", name)
            x = np.load(self.path(name, "input.npy"))
            expected, shapes = peers.by_onnxruntime(self.path("n.onnx"), {onnx.load(self.path("n.onnx")).graph.input[0].name: x})
            nodes = [node.output[0] for node in onnx.load(self.path("n.onnx")).graph.node]
            self.assertEqual(sorted(set(nodes) & set(expected)), sorted(nodes))
            for tensor in nodes:
                found = np.load(self.path(name, f"{tensor}.npy")).reshape(samples, -1)
                np.testing.assert_allclose(found, expected[tensor].reshape(samples, -1), rtol=1e-4, atol=1e-5, err_msg=tensor)

    def test_weights_do_not_depend_on_threads(self):
        for threads in (1, 2, 3):
            self.train("paper", f"{threads}.onnx", "--threads", threads)
        for threads in (2, 3):
            with open(self.path("1.onnx"), "rb") as first, open(self.path(f"{threads}.onnx"), "rb") as other:
                self.assertEqual(first.read(), other.read())

    def test_start_is_uniform_in_fan_in(self):
        self.train("paper", "start.onnx", "--learning-rate", 0)
        for name, w in weights_of(self.path("start.onnx")).items():
            fan_in = {"conv1": 25, "conv2": 250, "dense": 320}[name.split(".")[0]]
            bound = fan_in ** -0.5
            self.assertLessEqual(np.abs(w).max(), bound)
            if w.size > 200:
                self.assertGreater(np.abs(w).max(), 0.95 * bound)
                self.assertAlmostEqual(w.std() / (bound / 3 ** 0.5), 1, delta=0.1)


class Mixed(torch.nn.Module):
    """The operators that the paper's network does not use."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.grouped = torch.nn.Conv2d(8, 16, (3, 2), groups=4, padding=(2, 0), dilation=(2, 1), bias=False)
        self.second = torch.nn.Conv2d(16, 16, 1)
        self.dense = torch.nn.Linear(16, 12)
        self.last = torch.nn.Linear(12, 5)
        self.drop = torch.nn.Dropout()
        torch.nn.init.normal_(self.norm.running_mean)
        torch.nn.init.uniform_(self.norm.running_var, 0.5, 2)

    def forward(self, x):
        x = F.leaky_relu(self.norm(F.relu(self.first(x))), 0.2)
        x = F.max_pool2d(self.grouped(x), 3, 2, 1)
        x = torch.tanh(x) + torch.sigmoid(self.second(x))
        x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        x = F.adaptive_avg_pool2d(x, 1).reshape(-1, 16)
        return F.log_softmax(self.last(self.drop(F.relu(self.dense(x)))), 1)


class Read(Case):
    """What others write."""

    def compare(self, path, x, expected):
        np.save(self.path("x.npy"), x)
        self.nnpeek("capture", path, "--data", "x.npy", "-o", "capture", "--layers", "*")
        output = [b for b in self.read_json("capture", "manifest.json")["blocks"] if b["kind"] == "output"][0]
        found = np.load(self.path("capture", output["file"]))
        self.assertEqual(found.shape, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)

    def test_pytorch_exports(self):
        torch.manual_seed(0)
        model = Mixed().eval()
        x = np.random.default_rng(0).random((37, 3, 19, 22)).astype(np.float32)
        with torch.no_grad():
            expected = model(torch.tensor(x)).numpy()
        for opset in (10, 11, 13):
            for dynamic in (False, True):
                with self.subTest(opset=opset, dynamic=dynamic), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    torch.onnx.export(model, torch.zeros(1, 3, 19, 22), self.path("m.onnx"), opset_version=opset,
                                      input_names=["pixels"], do_constant_folding=opset != 11,
                                      training=torch.onnx.TrainingMode.PRESERVE,
                                      dynamic_axes={"pixels": {0: "n"}} if dynamic else None)
                    self.compare("m.onnx", x, expected)

    def onnx_model(self, nodes, constants, shape, out, opset=13):
        info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            nodes, "made", [info("x", onnx.TensorProto.FLOAT, shape)],
            [info("y", onnx.TensorProto.FLOAT, out)],
            [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, self.path("made.onnx"))

    def test_softmax_before_opset_13_covers_all_that_follows(self):
        x = np.random.default_rng(1).normal(size=(5, 2, 3, 4)).astype(np.float32)
        self.onnx_model([onnx.helper.make_node("Softmax", ["x"], ["y"])], {}, ["N", 2, 3, 4], ["N", 2, 3, 4], 12)
        self.compare("made.onnx", x, torch.softmax(torch.tensor(x).flatten(1), 1).reshape(x.shape).numpy())
        self.onnx_model([onnx.helper.make_node("Softmax", ["x"], ["y"], axis=1)], {}, ["N", 2, 3, 4], ["N", 2, 3, 4], 13)
        self.compare("made.onnx", x, torch.softmax(torch.tensor(x), 1).numpy())

    def test_auto_padding_constants_and_folding(self):
        """As the CNTK exporter of the ONNX model zoo's MNIST writes it."""
        random = np.random.default_rng(2)
        x = random.random((9, 1, 14, 14)).astype(np.float32)
        w, b = random.normal(size=(4, 1, 4, 4)).astype(np.float32), random.normal(size=(4, 1, 1)).astype(np.float32)
        m = random.normal(size=(4, 7, 7, 3)).astype(np.float32)
        c = random.normal(size=(1, 3)).astype(np.float32)
        node = onnx.helper.make_node
        self.onnx_model([
            node("Constant", [], ["target"], value=onnx.numpy_helper.from_array(np.array([196, 3], np.int64))),
            node("Reshape", ["m", "target"], ["matrix"]),
            node("Conv", ["x", "w"], ["conv"], auto_pad="SAME_UPPER", kernel_shape=[4, 4]),
            node("Add", ["conv", "b"], ["plus"]),
            node("Relu", ["plus"], ["relu"]),
            node("MaxPool", ["relu"], ["pool"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
            node("Reshape", ["pool", "flat"], ["row"]),
            node("MatMul", ["row", "matrix"], ["product"]),
            node("Add", ["product", "c"], ["y"]),
        ], {"w": w, "b": b, "m": m, "c": c, "flat": np.array([1, 196], np.int64)}, [1, 1, 14, 14], [1, 3], 9)
        t = torch.tensor
        relu = F.relu(F.conv2d(F.pad(t(x), (1, 2, 1, 2)), t(w)) + t(b))
        expected = F.max_pool2d(relu, 2).flatten(1) @ t(m).reshape(196, 3) + t(c)
        self.compare("made.onnx", x, expected.numpy())

    def test_open_sizes_are_those_of_the_data(self):
        """Listed as open, with shapes for a stand-in; run at the size of each data set."""
        random = np.random.default_rng(2)
        w, b = random.normal(size=(4, 3, 3, 3)).astype(np.float32), random.normal(size=4).astype(np.float32)
        node = onnx.helper.make_node
        self.onnx_model([node("Conv", ["x", "w", "b"], ["conv"], pads=[1, 1, 1, 1]), node("Relu", ["conv"], ["relu"]),
                         node("GlobalAveragePool", ["relu"], ["mean"]), node("Flatten", ["mean"], ["y"])],
                        {"w": w, "b": b}, ["N", 3, "height", "width"], ["N", 4])
        listed = self.json("layers", "made.onnx")
        self.assertEqual((listed["input"]["shape"], listed["input"]["stand_in"]), ([3, 0, 0], [3, 224, 224]))
        self.assertEqual({t["name"]: t["shape"] for t in listed["tensors"]}["relu"], [4, 224, 224])
        said = self.nnpeek("layers", "made.onnx").stdout
        self.assertIn("3 x ? x ?", said)
        self.assertIn("sizes open (?): the shapes below are for a sample of 3 x 224 x 224", said)
        for height, width in ((20, 12), (7, 33)):
            x = random.normal(size=(5, 3, height, width)).astype(np.float32)
            relu = F.relu(F.conv2d(torch.tensor(x), torch.tensor(w), torch.tensor(b), padding=1))
            self.compare("made.onnx", x, relu.mean((2, 3)).numpy())
            blocks = {block["name"]: block["file"] for block in self.read_json("capture", "manifest.json")["blocks"]}
            found = np.load(self.path("capture", blocks["relu"]))
            np.testing.assert_allclose(found, relu.numpy(), rtol=1e-5, atol=1e-5)
        self.onnx_model([node("Relu", ["x"], ["y"])], {}, ["N", 3, 8, 8], ["N", 3, 8, 8])
        self.assertIsNone(self.json("layers", "made.onnx")["input"]["stand_in"])
        self.assertNotIn("?", self.nnpeek("layers", "made.onnx").stdout)

    def test_unknown_operators_are_named(self):
        self.onnx_model([onnx.helper.make_node("RandomNormalLike", ["x"], ["y"], name="odd one")], {}, ["N", 4], ["N", 4])
        self.sentence("layers", "made.onnx", has=("made.onnx", "odd one", "RandomNormalLike", "opset 13"))


if __name__ == "__main__":
    unittest.main()
