"""Networks of PyTorch trained further: its exporter's files, as it trains them itself; what is written, in ONNX Runtime."""
import unittest
import warnings

import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import torch
import torch.nn.functional as F

import peers
from support import Case

torch.set_num_threads(1)
COUNT, BATCH, EPOCHS, RATE = 90, 32, 2, 0.05


class Small(torch.nn.Module):
    """Batch norms, a grouped convolution, a residual sum, a concatenation, both kinds of pools; dropout without a part in it."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm1 = torch.nn.BatchNorm2d(8)
        self.grouped = torch.nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(8)
        self.wide = torch.nn.Conv2d(16, 16, 3, stride=2)
        self.norm3 = torch.nn.BatchNorm2d(16)
        self.drop = torch.nn.Dropout(dropout)
        self.dense = torch.nn.Linear(16 * 9, 12)
        self.norm4 = torch.nn.BatchNorm1d(12)
        self.last = torch.nn.Linear(12, 4)

    def forward(self, x):
        a = F.relu(self.norm1(self.first(x)))
        b = F.leaky_relu(self.norm2(self.grouped(a)) + a, 0.1)
        c = torch.cat([F.avg_pool2d(b, 2), F.max_pool2d(a, 2)], 1)
        c = F.elu(self.norm3(self.wide(c))).flatten(1)
        return self.last(self.drop(torch.tanh(self.norm4(self.dense(c)))))


class FineTuning(Case):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(3)
        self.x = random.random((COUNT, 3, 14, 14)).astype(np.float32)
        self.y = random.integers(0, 4, COUNT)
        self.x[np.arange(COUNT), 0, self.y, :] += 1  # something to learn
        np.save(self.path("images.npy"), self.x)
        np.save(self.path("labels.npy"), self.y)

    def export(self, model):
        """Fresh weights are alike (scales of one, shifts of zero): the exporter stores them once, behind Identity nodes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model.eval(), torch.rand(2, 3, 14, 14), self.path("start.onnx"), opset_version=14,
                              input_names=["pixels"], do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
                              dynamic_axes={"pixels": {0: "n"}})

    def train(self, *more):
        return self.json("train", "start.onnx", "--data", ".", "-o", "end.onnx", "--epochs", EPOCHS, "--batch", BATCH,
                         "--learning-rate", RATE, "--momentum", 0.9, "--order", "stored", *more)

    def weights(self):
        return {w.name: onnx.numpy_helper.to_array(w) for w in onnx.load(self.path("end.onnx")).graph.initializer}

    def by_torch(self, model, decay):
        optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, weight_decay=decay)
        variances = {name: b.numpy().copy() for name, b in model.named_buffers() if name.endswith("running_var")}
        model.train()
        x, y = torch.tensor(self.x), torch.tensor(self.y)
        for _ in range(EPOCHS):
            for first in range(0, COUNT, BATCH):
                part = slice(first, first + BATCH)
                optimiser.zero_grad()
                count = len(y[part])
                (count / BATCH * F.cross_entropy(model(x[part]), y[part])).backward()
                optimiser.step()
        return variances

    def test_training_is_pytorchs(self):
        for decay in (0, 0.01):
            torch.manual_seed(1)
            model = Small()
            self.export(model)
            start = {name: value.numpy().copy() for name, value in model.state_dict().items()}
            files = {w.name for w in onnx.load(self.path("start.onnx")).graph.initializer}
            self.assertLess(len(files), len([n for n in start if "num_batches" not in n]), "the exporter stored all weights")
            self.train("--weight-decay", decay)
            self.by_torch(model, decay)
            found = self.weights()
            for name, expected in model.state_dict().items():
                if "num_batches" in name:
                    continue
                expected, moved = expected.numpy(), np.abs(expected.numpy() - start[name]).max()
                self.assertGreater(moved, 0, name)
                close = 0.01 if name.startswith("norm4") else 0.002 if "norm" in name else 5e-3
                np.testing.assert_allclose(found[name], expected, rtol=0, atol=close * moved + 2e-6, err_msg=f"{name}, {decay}")

    def test_what_is_written(self):
        """Passes the checker, keeps its names, and is the same network to ONNX Runtime, at every tensor."""
        torch.manual_seed(2)
        self.export(Small(0.3))
        self.train("--normalise")
        start, end = (onnx.load(self.path(name)) for name in ("start.onnx", "end.onnx"))
        onnx.checker.check_model(end, full_check=True)
        kept = [node for node in start.graph.node if node.op_type not in ("Identity", "Constant")]
        written = [node for node in end.graph.node if node.op_type not in ("Identity", "Constant")]
        self.assertEqual([(n.name, n.op_type, list(n.output)) for n in kept], [(n.name, n.op_type, list(n.output)) for n in written])
        self.assertEqual([list(n.input) for n in kept], [list(n.input) for n in written])
        self.assertEqual([v.name for v in start.graph.input], [v.name for v in end.graph.input])
        self.assertEqual([v.name for v in start.graph.output], [v.name for v in end.graph.output])
        self.compare("end.onnx", self.x, "pixels")

    def compare(self, path, x, name):
        mean, deviation = x.mean((0, 2, 3), keepdims=True), x.std((0, 2, 3), keepdims=True)
        expected, _ = peers.by_onnxruntime(self.path(path), {name: ((x - mean) / deviation).astype(np.float32)[:5]})
        self.nnpeek("capture", path, "--data", ".", "--layers", "*", "-o", "capture")
        blocks = {b["name"]: b["file"] for b in self.read_json("capture", "manifest.json")["blocks"]}
        compared = 0
        for tensor, values in expected.items():
            if tensor not in blocks:
                continue
            compared += 1
            found = np.load(self.path("capture", blocks[tensor]))[:5].reshape(5, -1)
            np.testing.assert_allclose(found, values, rtol=0, atol=1e-4 * np.abs(values).max() + 1e-6, err_msg=tensor)
        self.assertGreater(compared, 8)

    def test_batch_norms_need_the_whole_batch(self):
        """A network that can only be run sample by sample is refused, not trained on the statistics of one."""
        class Fixed(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.norm, self.last = torch.nn.BatchNorm2d(3), torch.nn.Linear(3 * 14 * 14, 4)

            def forward(self, x):
                return self.last(self.norm(x).reshape(1, 588))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(Fixed().eval(), torch.rand(1, 3, 14, 14), self.path("start.onnx"), opset_version=14,
                              do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
        self.sentence("train", "start.onnx", "--data", ".", "-o", "end.onnx", has=("batch normalisations", "1 sample at a time"))

    def test_a_network_in_training_mode_is_refused(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(Small(0.5).train(), torch.rand(2, 3, 14, 14), self.path("start.onnx"), opset_version=14,
                              input_names=["pixels"], do_constant_folding=False, training=torch.onnx.TrainingMode.TRAINING)
        self.sentence("train", "start.onnx", "--data", ".", "-o", "end.onnx", has=("training mode", "export"))


if __name__ == "__main__":
    unittest.main()
