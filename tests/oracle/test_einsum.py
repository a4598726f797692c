"""Einsum against NumPy's, for equations that ONNX's vectors do not have: any number of operands, in any order."""
import unittest

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from support import Case

# The operand that begins with s is the input, n x 3 x 3 x 3; the others are weights. "..." of a weight is 3 x 1.
LENGTHS = {"b": [3], "c": [3], "d": [3], "e": [1], "f": [5], ".": [3, 1]}
CHOSEN = ["sbcd->sdcb", "sbcd->s", "sbcb->sb", "sbcb->bs", "sbbb->sb", "sbcd->dbcs", "s b c d , c f -> s b d f",
          "sbcd,fc->sbdf", "sbcd,fc->fsbd", "sbcd,dcf->fsb", "cf,sbcd->sbfd", "sbcd,bcd->sbcd", "sbcd,bcd->s",
          "sbcd,f->sfbcd", "sbcd,e->sbcd", "sbcd,e->sebcd", "sbcd,bb->sb", "sbcd,cfc->sbdf", "s...d,df->s...f",
          "s...,...->s...", "s...d,...f->s...df", "sb...,...b->s...", "sbcd,df", "sbcd,bbf,fe", "...,f->...f",
          "sbcd,cf,fb->sd", "sbcd,f,f->sbcd", "f,bf,sbcd,dd->scf", "sbcd,cf,dfe,b->sfeb"]


def drawn(random):
    """Up to four operands of letters drawn at random, and an output of some that they have."""
    operands = ["".join(random.choice(list("bcdef"), random.integers(1, 4))) for _ in range(random.integers(0, 4))]
    operands.insert(random.integers(0, len(operands) + 1), "s" + "".join(random.choice(list("bcd"), 3)))
    letters = sorted(set("".join(operands)) - {"s"})
    kept = random.permutation(letters)[:random.integers(0, 5)]
    return ",".join(operands) + "->" + "".join(random.permutation(["s", *kept]))


class Einsum(Case):
    def test_equations(self):
        random = np.random.default_rng(7)
        x = random.normal(size=(3, 3, 3, 3)).astype(np.float32)
        nodes, weights, expected = [], [], {}
        for equation in dict.fromkeys(CHOSEN + [drawn(random) for _ in range(100)]):
            names, values = [], []
            for letters in equation.split("->")[0].replace(" ", "").replace("...", ".").split(","):
                if letters[0] == "s" or (letters == "." and not values):
                    names.append("x")
                    values.append(x)
                    continue
                shape = [length for letter in letters for length in LENGTHS[letter]]
                values.append(random.normal(size=shape).astype(np.float32))
                names.append(f"w{len(weights)}")
                weights.append(onnx.numpy_helper.from_array(values[-1], names[-1]))
            nodes.append(onnx.helper.make_node("Einsum", names, [equation], equation=equation))
            made = np.einsum(equation, *(value.astype(np.float64) for value in values))
            # The samples come first in a capture; without "->" s is the last letter, with "..." alone it is the first.
            at = max(equation.replace(" ", "").split("->")[1].find("s"), 0) if "->" in equation else -1
            expected[equation] = np.moveaxis(made, at, 0)
        graph = onnx.helper.make_graph(
            nodes, "made", [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 3, 3])],
            [onnx.ValueInfoProto(name=name) for name in expected], weights)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8),
                  self.path("made.onnx"))
        np.save(self.path("x.npy"), x)
        self.nnpeek("capture", "made.onnx", "--data", "x.npy", "--layers", "*", "-o", "capture")
        blocks = {b["name"]: b["file"] for b in self.read_json("capture", "manifest.json")["blocks"]}
        for equation, numbers in expected.items():
            made = np.load(self.path("capture", blocks[equation])).reshape(numbers.shape)
            self.assertLess(np.abs(made - numbers).max() / np.abs(numbers).max(), 1e-5, equation)


if __name__ == "__main__":
    unittest.main()
