"""Writes the seeds of the fuzz targets: `corpus.py SEEDS FOLDER`, a folder for each target in FOLDER.

Of networks the models of ONNX's own tests (one operator each, from libonnx-testdata), small whole networks and the mean
nodes of tests/cli/test_bad_networks.py's kind; of everything else one small file of each kind, and what fuzzing found.
SEEDS is the program that adds files of our own (seeds.c). Large files only slow a fuzzer down."""
import glob
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import zlib

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


def networks():
    for suite in ("node", "pytorch-converted", "pytorch-operator", "simple"):
        for path in glob.glob(f"{DEBIAN}/{suite}/*/model.onnx"):
            if os.path.getsize(path) <= MOST:
                with open(path, "rb") as file:
                    yield f"{suite}-{path.split('/')[-2]}.onnx", file.read()
    for name, made in [("small", small()), ("attention", attention()), *others()]:
        yield f"{name}.onnx", made.SerializeToString()


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def arrays():
    random = np.random.default_rng(0)
    for kind in "?bBhHiIqQefd":
        yield f"pictures-{kind}.npy", npy((random.random((4, 3, 5)) * 5).astype(kind))
    yield "signed.npy", npy(random.normal(size=(4, 6)).astype("f"))
    yield "big-endian.npy", npy(random.random((4, 6)).astype(">f4"))
    yield "columns-first.npy", npy(np.asfortranarray(random.random((4, 6)).astype("f")))
    yield "channels.npy", npy(random.random((2, 3, 4, 4)).astype("f"))
    yield "channels-last.npy", npy((random.random((2, 6, 6, 4)) * 255).astype("B"))
    yield "volumes.npy", npy(random.random((2, 1, 2, 3, 3)).astype("f"))
    yield "labels.npy", npy(np.array([0, 1, 1, 2]))
    yield "version-2.npy", npy(np.arange(4), (2, 0))
    yield "version-3.npy", npy(np.arange(4.0), (3, 0))
    yield "nothing.npy", npy(np.zeros((0, 3), "f"))
    yield "not-finite.npy", npy(np.array([[1, np.nan], [np.inf, -1]], "f"))
    yield "largest.npy", npy(np.array([[3e38, 1e300], [1e-300, 5e-324]]))
    yield "structure.npy", npy(np.zeros(2, [("a", "f4"), ("b", "i4")]))
    yield "text.npy", npy(np.array(["a", "b"]))


def idx(shape, kind=8):
    values = bytes(i * 37 % 251 for i in range(int(np.prod(shape))))
    return struct.pack(">HBB", 0, kind, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + values


def packed(content):
    return gzip.compress(content, mtime=0)


def idx_files():
    """The first byte: 0 pictures, 1 labels of three pictures, 2 a CIFAR-10 batch; 4 more: packed by the target."""
    record = bytes([7]) + bytes(i % 251 for i in range(3072))
    kinds = [("pictures", 0, idx((2, 3, 4))), ("colour", 0, idx((2, 3, 2, 2))), ("rows", 0, idx((3, 5))),
             ("floats", 0, idx((2, 2, 2), 13)), ("labels", 1, idx((3,))), ("other-labels", 1, idx((4,))),
             ("batch", 2, record)]
    for name, first, content in kinds:
        yield name, bytes([first]) + content
        yield f"{name}-inside", bytes([first + 4]) + content
        yield f"{name}.gz", bytes([first]) + packed(content)
    yield "two-members.gz", b"\0" + packed(idx((2, 3, 4))[:20]) + packed(idx((2, 3, 4))[20:])
    yield "cut.gz", b"\0" + packed(idx((2, 3, 4)))[:-9]


def labels():
    yield "numbers", b"0\n1\n2\n1\n"
    yield "names", "cat\ndog\ncat\nv\u00f6gel\n".encode()
    yield "windows", b"cat\r\ndog \r\ncat\t\r\n"
    yield "one", b"7"
    yield "order", b"by-class:dog,cat\ndog\ncat\n"
    yield "classes", b"0-1,7\n1\n0\n7\n"
    yield "large", b"9999\n10000000000\n0\n"
    yield "digits", b"a2\na10\na02\na\n"
    yield "array", npy(np.array([0, 1, 1, 2]))


def archive(entries, kind=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as file:
        for name, content, more in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return out.getvalue()[:4096]


def archives():
    """The first byte: 1 packed by the target, 2 sums mended by it."""
    whole = archive([("data/a.bin", b"some bytes", {}), ("data/b.bin", b"", {}), ("other/c", b"c" * 600, {})])
    mean = archive([("data/../../x", b"x", {}), ("data/link", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
                    ("/data/x", b"x", {}), ("data/dir", b"", {"type": tarfile.DIRTYPE}), ("data/.hidden", b"x", {})])
    for name, content in (("whole", whole), ("mean", mean),
                          ("long-names", archive([("data/" + "n" * 120, b"x", {})], tarfile.GNU_FORMAT)),
                          ("pax", archive([("data/\u00fc" * 30, b"x", {})], tarfile.PAX_FORMAT)),
                          ("cut", whole[:700])):
        for first in range(4):
            yield f"{name}-{first}", bytes([first]) + content
    yield "whole.gz", b"\0" + packed(whole)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, more=b"", interlaced=0):
    """Colours: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha."""
    def lines(columns, rows):
        size = (columns * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] + 7) // 8
        return b"".join(bytes([y % 5]) + bytes((3 * x + y) % (4 if colour == 3 else 256) for x in range(size))
                        for y in range(rows)) if size else b""
    pixels = lines(width, height)
    if interlaced:
        pixels = b"".join(lines((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in
                          ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)) +
            more + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))


def pictures():
    """The first byte: 1 checksums mended, 2 in a class folder, 4 beside a good picture. JPEG files are added by SEEDS."""
    palette = chunk(b"PLTE", bytes(range(12))) + chunk(b"tRNS", b"\0\x80")
    kinds = [(f"grey-{depth}", png(9, 5, depth, 0)) for depth in (1, 2, 4, 8, 16)]
    kinds += [(f"palette-{depth}", png(9, 5, depth, 3, palette)) for depth in (2, 8)]
    kinds += [(f"colour-{colour}-{depth}", png(5, 4, depth, colour)) for colour in (2, 4, 6) for depth in (8, 16)]
    kinds += [("interlaced", png(9, 9, 8, 2, interlaced=1)), ("interlaced-16", png(3, 2, 16, 0, interlaced=1)),
              ("texts", png(2, 2, 8, 0, chunk(b"tEXt", b"key\0text") + chunk(b"gAMA", b"\0\0\xb1\x8f") +
                            chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0"))),
              ("large", png(70000, 1, 1, 0)), ("lie", png(2, 2, 8, 0)[:16] + b"\0\0\xff\xff\0\0\xff\xff" + png(2, 2, 8, 0)[24:])]
    for i, (name, content) in enumerate(kinds):
        yield f"{name}.png", bytes([1 + i * 2 % 8]) + content


def documents():
    """Those that SEEDS does not write. The first byte says what reads it (fuzz_json.c)."""
    with open(os.path.join(HERE, os.pardir, "src", "measure", "calibration.json"), encoding="utf-8") as file:
        calibration = json.load(file)
    for family in calibration["families"]:
        for key in ("scores", "accuracies", "mean_picture", "ways"):
            if key in family:
                family[key] = family[key][:12]
    yield "calibration.json", b"c" + json.dumps(calibration).encode()
    yield "dataset.json", b"d" + json.dumps({"name": "small", "classes": ["cat", "dog"]}).encode()
    blocks = [{"name": f"input.{i}", "kind": "input", "file": "input.npy", "shape": shape, "columns": 16}
              for i, shape in enumerate(([1, 2, 8], [1, 4e70, 4], [1, 4, 4]))]  # no sizes of one picture
    yield "manifest-sizes.json", b"m" + json.dumps({"samples": {"count": 1e80}, "blocks": blocks}).encode()
    matrix = [[3, 1, 0], [0, 4, 0], [1, 0, 2]]
    shares = [[1, 0.5, 0.25], [0.5, 1, 0.75], [0.25, 0.75, 1]]
    blocks = {name: {"rmse": 0.1, "relative_error": 0.2, "norm": 3.5, "spectrum": [3, 2, 1], "singular_values": [3, 2, 1]}
              for name in ("input", "relu1", "relu2")}
    result = {"accuracy": 0.9, "confusion": matrix, "train_samples": 12, "loss": 0.3, "train_accuracy": 0.8, "seconds": 1,
              "fits": [{"name": "mu", "models": [{"rank": 10, "rmse": 0.1, "relative_error": 0.2, "iterations": 9,
                                                  "blocks": blocks}]}],
              "blocks": blocks, "output": {"mutual_information": 0.4, "effective_rank": 2.5},
              "overlap": {"relu1": shares, "relu2": shares}, "component_overlap": {"relu1": shares, "relu2": shares},
              "carrying": {"relu1": 0.5, "relu2": 0.75}}
    yield "result.json", b"u" + json.dumps(result).encode()
    yield "result-without-blocks.json", b"u" + json.dumps({**result, "blocks": {}}).encode()  # a chart of nothing
    mean = {"mean": 0.5, "low": 0.4, "high": 0.6, "values": [0.5, 0.4, 0.6]}
    summary = {"name": "fraction", "title": "A title", "about": "What it is about", "data": "mnist", "samples": 12,
               "ranks": [10], "seeds": 3, "version": "0.1.0", "failed": [{"network": "25 %", "seed": 1, "why": "it was so"}],
               "networks": [{"name": "25 %", "paper_accuracy": 83, "accuracy": mean, "predicts": [0.2, 0.8]}],
               "metrics": [{"name": "rmse", "fit": "mu", "rank": 10, "block": None, "networks": [mean]}],
               "claims": [{"about": "RMSE", "metric": "rmse", "fit": "mu", "block": None, "verdict": "holds",
                           "ranks": [{"rank": 10, "pairs": [1], "holds": 1}]}],
               "statements": [{"about": "a thing", "mean": 0.5, "low": 0.4, "high": 0.6, "verdict": "seen"}]}
    yield "summary.json", b"y" + json.dumps(summary).encode()
    groups = {"name": "mine", "kind": "quality", "title": "Mine", "seeds": 2, "samples": 100, "ranks": "2,4",
              "families": [{"name": "a", "network": "paper", "data": "strokes"}],
              "groups": [{"name": "rates", "vary": "learning_rate", "values": [0.1, 0.01], "of": {"batch": 8}},
                         {"name": "noise", "vary": "label_noise", "values": [0, 0.5], "judged": False}],
              "fits": [{"name": "hals", "rule": "hals", "scale": "norm"}]}
    yield "recipe-groups.json", b"r" + json.dumps(groups).encode()


TARGETS = {"fuzz_network": networks, "fuzz_npy": arrays, "fuzz_idx": idx_files, "fuzz_labels": labels,
           "fuzz_tar": archives, "fuzz_picture": pictures, "fuzz_json": documents, "fuzz_checkpoint": tuple}


def main():
    program, folder = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    for target, seeds in TARGETS.items():
        os.makedirs(os.path.join(folder, target))
        for name, content in seeds():
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write(content)
    subprocess.run([program, folder], check=True)


if __name__ == "__main__":
    main()
