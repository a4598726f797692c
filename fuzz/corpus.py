"""Writes the seeds of fuzz_network into a folder: `corpus.py FOLDER`.

The models of ONNX's own tests (one operator each, from libonnx-testdata), small whole networks and the mean nodes of
tests/cli/test_bad_networks.py's kind. Large files only slow a fuzzer down."""
import glob
import os
import shutil
import sys

import numpy as np
import onnx
import onnx.helper

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, os.pardir, "tests", folder) for folder in ("oracle", "cli")]

from test_bad_networks import model, small  # noqa: E402

DEBIAN = "/usr/share/libonnx-testdata/data"
MOST = 8 << 10


def attention():
    """The way PyTorch writes it: shapes computed, transposes, batched products, a layer norm from its parts."""
    node, random = onnx.helper.make_node, np.random.default_rng(1)
    return model([
        node("Shape", ["x"], ["shape"]), node("Gather", ["shape", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axis0"], ["n1"]), node("Concat", ["n1", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["tokens"]),
        node("ReduceMean", ["tokens"], ["mean"], axes=[-1]), node("Sub", ["tokens", "mean"], ["centred"]),
        node("Pow", ["centred", "two"], ["square"]), node("ReduceMean", ["square"], ["variance"], axes=[-1]),
        node("Sqrt", ["variance"], ["deviation"]), node("Div", ["centred", "deviation"], ["norm"]),
        node("MatMul", ["norm", "w"], ["qkv"]), node("Split", ["qkv"], ["q", "k", "v"], axis=-1),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]), node("MatMul", ["q", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["weights"], axis=-1), node("MatMul", ["weights", "v"], ["mixed"]),
        node("Erf", ["mixed"], ["erf"]), node("Where", ["mask", "erf", "mixed"], ["y"]),
    ], [("zero", np.array(0)), ("axis0", np.array([0])), ("rest", np.array([12, 6])), ("two", np.float32(2)),
        ("w", random.normal(size=(6, 12)).astype(np.float32)), ("mask", np.array([True, False, True, True]))])


def others():
    node = onnx.helper.make_node
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, data_location=onnx.TensorProto.EXTERNAL)
    weight.dims[:] = [4, 2, 2, 2]
    for key, value in (("location", "weights.bin"), ("offset", "16"), ("length", "128")):
        weight.external_data.add(key=key, value=value)
    yield "external", model([node("Conv", ["x", "w"], ["y"])], [weight])
    half = onnx.TensorProto(name="w", data_type=onnx.TensorProto.BFLOAT16, dims=[6], raw_data=b"\x80\x3f" * 6)
    yield "bfloat16", model([node("Cast", ["w"], ["f"], to=1), node("Mul", ["x", "f"], ["y"])], [half])
    functions = model([node("Gate", ["x"], ["z"], domain="mine"), node("Gate", ["z"], ["y"], domain="mine")])
    functions.functions.extend([onnx.helper.make_function(
        "mine", "Gate", ["a"], ["b"], [node("Sigmoid", ["a"], ["s"]), node("Mul", ["s", "a"], ["b"])],
        [onnx.helper.make_opsetid("", 17)])])
    functions.opset_import.extend([onnx.helper.make_opsetid("mine", 1)])
    yield "functions", functions
    for opset, op, more in ((20, "Gelu", {}), (24, "Swish", {}), (22, "Mish", {}), (18, "BitwiseNot", {})):
        yield op, model([node(op, ["x"], ["y"], **more)], opset=opset)
    for opset, op, count, more in ((21, "GroupNormalization", 2, {"num_groups": 2}), (23, "RMSNormalization", 1, {})):
        yield op, model([node(op, ["x", *"ab"[:count]], ["y"], **more)],
                        [(name, np.ones(2 if count == 2 else 6, np.float32)) for name in "ab"[:count]], opset=opset)
    yield "attention-23", model([node("Attention", ["x", "x", "x"], ["y"], is_causal=1)], opset=23)
    yield "resize-19", model([node("Resize", ["x", "", "s"], ["y"], mode="cubic", antialias=1, axes=[2, 3])],
                             [("s", np.array([0.6, 1.7], np.float32))], opset=19)


def main():
    folder = sys.argv[1]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for suite in ("node", "pytorch-converted", "pytorch-operator", "simple"):
        for path in glob.glob(f"{DEBIAN}/{suite}/*/model.onnx"):
            if os.path.getsize(path) <= MOST:
                shutil.copy(path, os.path.join(folder, f"{suite}-{path.split('/')[-2]}.onnx"))
    for name, made in [("small", small()), ("attention", attention()), *others()]:
        onnx.save(made, os.path.join(folder, f"{name}.onnx"))


if __name__ == "__main__":
    main()
