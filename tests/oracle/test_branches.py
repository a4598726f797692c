"""If, and functions that a file defines: nnpeek against ONNX Runtime on the same file."""
import unittest

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

import peers
from support import Case
from test_exports import distance

node, info, opsets = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.helper.make_opsetid
FLOAT = onnx.TensorProto.FLOAT


def bytes_field(number, content):
    """A field of a protocol buffer that Debian's onnx is too old to know."""
    def varint(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)
    return varint(number << 3 | 2) + varint(len(content)) + content


class Branches(Case):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(5)

    def normal(self, *shape):
        return self.random.normal(size=shape).astype(np.float32)

    def tensor(self, name, value):
        return onnx.numpy_helper.from_array(np.asarray(value), name)

    def graph(self, nodes, constants, shape, batch="n"):
        return onnx.helper.make_graph(nodes, "made", [info("x", FLOAT, [batch, *shape])], [onnx.ValueInfoProto(name="y")],
                                      [self.tensor(name, value) for name, value in constants.items()])

    def model(self, nodes, constants, shape, opset=17, batch="n", domains=(), functions=(), raw=b""):
        """raw: further functions as bytes of the model."""
        model = onnx.helper.make_model(self.graph(nodes, constants, shape, batch), ir_version=10,
                                       opset_imports=[opsets("", opset), *(opsets(name, 1) for name in domains)],
                                       functions=functions)
        with open(self.path("made.onnx"), "wb") as file:
            file.write(model.SerializeToString() + raw)

    def run_on(self, x):
        np.save(self.path("x.npy"), x)
        self.nnpeek("capture", "made.onnx", "--data", "x.npy", "--layers", "y", "-o", "capture")
        blocks = {b["name"]: b["file"] for b in self.read_json("capture", "manifest.json")["blocks"]}
        return np.load(self.path("capture", blocks["y"]))

    def check(self, shape, known=()):
        """The output, and that tensors of these operators are listed."""
        x = self.normal(3, *shape)
        expected = peers.by_onnxruntime(self.path("made.onnx"), {"x": x})[0]["y"]
        self.assertLess(distance(self.run_on(x).reshape(3, -1), expected), 1e-5)
        listed = [t["operator"] for t in self.json("layers", "made.onnx")["tensors"]]
        for operator in known:
            self.assertIn(operator, listed)
        return listed

    def branch(self, nodes, output, constants=()):
        return onnx.helper.make_graph(nodes, "branch", [], [onnx.ValueInfoProto(name=output)],
                                      [self.tensor(name, value) for name, value in constants])

    def condition(self, length):
        return [node("Shape", ["x"], ["shape"]), node("Gather", ["shape", "one"], ["channels"]),
                node("Equal", ["channels", "length"], ["is"])], {"one": np.int64(1), "length": np.int64(length)}

    def test_if(self):
        """Both ways; the branches use the same names, constants of their own and what is around them."""
        for length, taken, other in ((2, "Sigmoid", "Softsign"), (3, "Softsign", "Sigmoid")):
            with self.subTest(taken):
                nodes, constants = self.condition(length)
                first = self.branch([node("Conv", ["relu", "w"], ["conv"]), node("Sigmoid", ["conv"], ["out"])], "out",
                                    [("w", self.normal(4, 2, 3, 3))])
                second = self.branch([node("Constant", [], ["w"], value=self.tensor("", self.normal(2, 1, 1))),
                                      node("Add", ["relu", "w"], ["conv"]), node("Softsign", ["conv"], ["out"])], "out")
                nodes += [node("Relu", ["x"], ["relu"]),
                          node("If", ["is"], ["chosen"], name="way", then_branch=first, else_branch=second),
                          node("Tanh", ["chosen"], ["y"])]
                self.model(nodes, constants, [2, 6, 6])
                self.assertNotIn(other, self.check([2, 6, 6], ["If", taken]))

    def test_if_in_if(self):
        """Of a branch that is not taken nothing is run, not even its conditions."""
        for outer, inner in ((2, 2), (2, 3), (3, 2)):
            with self.subTest((outer, inner)):
                nodes, constants = self.condition(outer)
                constants["again"] = np.int64(inner)
                deep = [self.branch([node(op, ["x"], ["out"])], "out") for op in ("Exp", "Abs")]
                first = self.branch([node("Equal", ["channels", "again"], ["is_too"]),
                                     node("If", ["is_too"], ["out"], then_branch=deep[0], else_branch=deep[1])], "out")
                second = self.branch([node("Identity" if outer == 3 else "Neg", ["x"], ["out"])], "out")
                nodes += [node("If", ["is"], ["chosen"], then_branch=first, else_branch=second),
                          node("Mul", ["chosen", "x"], ["y"])]
                self.model(nodes, constants, [2, 3])
                self.check([2, 3])

    def test_nodes_in_any_order(self):
        nodes, constants = self.condition(2)
        nodes.insert(0, node("If", ["is"], ["y"], then_branch=self.branch([node("Exp", ["relu"], ["out"])], "out"),
                             else_branch=self.branch([node("Abs", ["relu"], ["out"])], "out")))
        self.model(nodes + [node("Relu", ["x"], ["relu"])], constants, [2, 3])
        x = self.normal(3, 2, 3)
        np.testing.assert_allclose(self.run_on(x), np.exp(np.maximum(x, 0)), rtol=1e-5)

    def test_if_by_the_samples(self):
        branches = [self.branch([node(op, ["x"], ["out"])], "out") for op in ("Exp", "Abs")]
        decide = [node("ReduceSum", ["x"], ["sum"], keepdims=0), node("Greater", ["sum", "zero"], ["is"])]
        choose = node("If", ["is"], ["y"], name="way", then_branch=branches[0], else_branch=branches[1])
        self.model([*decide, choose], {"zero": np.float32(0)}, [4])
        self.sentence("layers", "made.onnx", has=("way", "If", "'is'", "opset 17"))
        for bad in (self.branch([], "nowhere"), self.branch([node("Exp", ["nothing"], ["out"])], "out")):
            nodes, constants = self.condition(4)
            self.model([*nodes, node("If", ["is"], ["y"], then_branch=bad, else_branch=branches[1])], constants, [4])
            self.sentence("layers", "made.onnx")
        self.model([*nodes, node("If", ["is"], ["y"], then_branch=branches[0])], constants, [4])
        self.sentence("layers", "made.onnx", has=("else_branch",))
        self.model([node("If", ["x"], ["y"], then_branch=branches[0], else_branch=branches[1])], {}, [4])
        self.sentence("layers", "made.onnx", has=("bool",))

    def function(self, name, nodes, attributes=(), opset=17, defaults=(), overload=""):
        made = onnx.helper.make_function("mine", name, ["a"], ["b"], nodes, [opsets("", opset)], attributes)
        body = made.SerializeToString()
        body += b"".join(bytes_field(11, onnx.helper.make_attribute(*d).SerializeToString()) for d in defaults)
        return bytes_field(25, body + (bytes_field(13, overload.encode()) if overload else b""))

    def taking(self, node_made, **attributes):
        """The node with attributes that stand for those of the function."""
        for name, (kind, of) in attributes.items():
            node_made.attribute.add(name=name, type=kind, ref_attr_name=of)
        return node_made

    def test_default_attributes(self):
        """Given in a call, left to the function, and handed on to a function within."""
        kind = onnx.AttributeProto.FLOAT
        leaky = self.function("Leak", [self.taking(node("LeakyRelu", ["a"], ["b"]), alpha=(kind, "slope"))],
                              defaults=[("slope", 0.25)])
        twice = self.function("Twice", [self.taking(node("Leak", ["a"], ["c"], domain="mine"), slope=(kind, "slope")),
                                        node("Leak", ["c"], ["b"], domain="mine")], defaults=[("slope", 0.5)])
        twice = bytes_field(25, twice[twice.index(b"\x0a"):] + bytes_field(9, opsets("mine", 1).SerializeToString()))
        call = lambda name, i, o, **more: node(name, [i], [o], domain="mine", **more)  # noqa: E731
        self.model([call("Leak", "x", "p"), call("Leak", "p", "q", slope=0.75), call("Twice", "q", "r"),
                    call("Twice", "r", "y", slope=0.125)], {}, [4, 5], domains=["mine"], raw=leaky + twice)
        x = self.normal(3, 4, 5)
        slope = 0.25 * 0.75 * (0.5 * 0.25) * (0.125 * 0.25)
        np.testing.assert_allclose(self.run_on(x), np.where(x < 0, x * slope, x), rtol=1e-5)

    def test_functions_of_another_opset(self):
        """Softmax meant another thing before opset 13, and Squeeze had its axes elsewhere."""
        old = self.function("Old", [node("Softmax", ["a"], ["c"], axis=1), node("Unsqueeze", ["c"], ["d"], axes=[1]),
                                    node("Squeeze", ["d"], ["b"], axes=[1])], opset=11)
        self.model([node("Old", ["x"], ["o"], domain="mine"), node("Softmax", ["o"], ["y"], axis=1)], {}, [4, 5],
                   domains=["mine"], raw=old)
        x = self.normal(3, 4, 5)
        whole = np.exp(x.reshape(3, -1))
        whole = (whole / whole.sum(1, keepdims=True)).reshape(x.shape)
        expected = np.exp(whole) / np.exp(whole).sum(1, keepdims=True)
        np.testing.assert_allclose(self.run_on(x), expected, rtol=1e-5)

    def test_overloads(self):
        raw = b"".join(self.function("Act", [node(op, ["a"], ["b"])], overload=name)
                       for op, name in (("Exp", "one"), ("Tanh", "two")))
        calls = [node("Act", [i], [o], domain="mine").SerializeToString() + bytes_field(8, name)
                 for i, o, name in (("x", "p", b"two"), ("p", "y", b"one"))]
        graph = self.graph([], {}, [4]).SerializeToString() + b"".join(bytes_field(1, call) for call in calls)
        model = onnx.helper.make_model(onnx.GraphProto.FromString(graph), ir_version=10,
                                       opset_imports=[opsets("", 17), opsets("mine", 1)])
        with open(self.path("made.onnx"), "wb") as file:
            file.write(model.SerializeToString() + raw)
        x = self.normal(3, 4)
        np.testing.assert_allclose(self.run_on(x), np.exp(np.tanh(x)), rtol=1e-5)


if __name__ == "__main__":
    unittest.main()
