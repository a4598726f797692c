"""Files that are no networks, broken ones and mean ones: an error status and one sentence, never a crash."""
import os
import resource
import struct
import subprocess
import unittest
import zlib

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from support import NNPEEK, Case

info, node = onnx.helper.make_tensor_value_info, onnx.helper.make_node
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
HUGE = 1 << 40


def tensor(values, name="", kind=np.float32):
    return onnx.numpy_helper.from_array(np.array(values, kind), name)


def model(nodes, weights=(), shape=("n", 2, 6, 6), opset=17, outputs=("y",), more=()):
    """weights: TensorProtos, or names and arrays."""
    weights = [w if isinstance(w, onnx.TensorProto) else onnx.numpy_helper.from_array(w[1], w[0]) for w in weights]
    graph = onnx.helper.make_graph(nodes, "made", [info("x", FLOAT, shape), *more],
                                   [onnx.ValueInfoProto(name=name) for name in outputs], weights)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def small():
    """A network of many kinds of nodes and constants."""
    random = np.random.default_rng(0)

    def normal(*shape):
        return random.normal(size=shape).astype(np.float32)
    return model([
        node("Conv", ["x", "w", "b"], ["conv"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="first"),
        node("BatchNormalization", ["conv", "scale", "shift", "mean", "variance"], ["norm"]),
        node("Clip", ["norm", "low", "high"], ["clip"]),
        node("MaxPool", ["clip"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", ["pool"], ["shape"]),
        node("Slice", ["shape", "zero", "one"], ["n"]),
        node("Concat", ["n", "minus"], ["target"], axis=0),
        node("Reshape", ["pool", "target"], ["row"]),
        node("Gemm", ["row", "m"], ["dense"], transB=1, alpha=0.5),
        node("Softmax", ["dense"], ["y"], axis=-1),
    ], [("w", normal(4, 2, 3, 3)), ("b", normal(4)), ("scale", normal(4)), ("shift", normal(4)), ("mean", normal(4)),
        ("variance", normal(4) ** 2), ("m", normal(3, 36)), ("low", np.float32(0)), ("high", np.float32(6)),
        ("zero", np.array([0])), ("one", np.array([1])), ("minus", np.array([-1]))])


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


class Bad(Case):
    def setUp(self):
        super().setUp()
        np.save(self.path("x.npy"), np.random.default_rng(0).random((3, 2, 6, 6)).astype(np.float32))

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.SerializeToString())
        return name

    def run_verb(self, verb, path, memory=0, seconds=60):
        """Exit status and sentence of `nnpeek layers` or `nnpeek capture`."""
        more = ["--data", "x.npy", "--layers", "*", "-o", "c", "--threads", "1"] if verb == "capture" else []
        limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))) if memory else None
        done = subprocess.run([os.path.abspath(NNPEEK), verb, path, *more, "--quiet"], cwd=self.folder, text=True,
                              errors="replace", capture_output=True, timeout=seconds, preexec_fn=limit)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("Try `")]
        self.assertIn(done.returncode, (0, 1, 2), f"{verb} {path}: {done.stderr[-2000:]}")
        self.assertEqual(len(lines), 0 if done.returncode == 0 else 1, f"{verb} {path}: {done.stderr[-2000:]}")
        return done.returncode, lines[0] if lines else ""

    def refused(self, content, has=(), verbs=("layers", "capture"), **limits):
        """Refused by a sentence that names the file and every text of `has`; gives it. verbs: `capture` alone where
        only running shows what is wrong."""
        path = content if isinstance(content, str) else self.write("bad.onnx", content)
        for verb in verbs:
            status, sentence = self.run_verb(verb, path, **limits)
            self.assertIn(status, (1, 2), f"{verb}: done, although it is bad")
            for text in (path, *has) if verb == "layers" else has:
                self.assertIn(text, sentence)
            self.assertFalse(os.path.exists(self.path("c")))
        return sentence

    def survives(self, content):
        """Whatever it says, it says it."""
        path = self.write("maybe.onnx", content)
        status, _ = self.run_verb("layers", path)
        if status == 0:
            self.run_verb("capture", path)
            subprocess.run(["rm", "-rf", self.path("c")], check=True)
        return status

    def test_the_good_one_is_good(self):
        """Else the tests below would show nothing."""
        self.assertEqual(self.survives(small()), 0)
        self.assertEqual(self.survives(model([node("Relu", ["x"], ["y"])])), 0)

    def test_other_files(self):
        pixels = zlib.compress(b"\0" * 7 * 4)
        png = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")))
        for content in (b"", b"\x08\x07\x12\x04some", b"0123456789", png, b"\0" * 1000, b"\xff" * 1000, b"GIF89a" * 9,
                        open(self.path("x.npy"), "rb").read()):
            with self.subTest(content[:10]):
                self.refused(content)
        os.mkdir(self.path("folder.onnx"))
        self.refused("folder.onnx")
        self.refused("missing.onnx")

    def test_large_files(self):
        """Sparse, so that they take no space: 3 GB cannot be a protocol buffer, and need not be read to see it."""
        with open(self.path("huge.onnx"), "wb") as file:
            file.write(small().SerializeToString())
            file.truncate(3 << 30)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.refused("huge.onnx")
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(after, max(before, 400 << 10))

    @unittest.skipIf(os.environ.get("NNPEEK_SANITIZE"), "sanitizers take their memory in advance")
    def test_small_machines(self):
        with open(self.path("large.onnx"), "wb") as file:
            file.truncate(1800 << 20)
        self.refused("large.onnx", memory=1 << 30)
        weight = tensor([], "w")
        weight.dims[:] = [750 << 20]
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="weights.bin")
        with open(self.path("weights.bin"), "wb") as file:
            file.truncate(3 << 30)
        self.refused(model([node("Mul", ["x", "w"], ["y"])], [weight]), memory=1 << 30)

    def test_larger_than_memory(self):
        """Sparse weights of twice the memory of the machine, in one tensor and in many: said before they are read."""
        with open("/proc/meminfo") as file:
            room = 1024 * int(file.readline().split()[1])
        with open(self.path("weights.bin"), "wb") as file:
            file.truncate(2 * room)
        for count in (1, 1 << 12):
            weights = []
            for i in range(count):
                weights.append(tensor([], f"w{i}"))
                weights[-1].dims[:] = [room // 2 // count]
                weights[-1].ClearField("raw_data")
                weights[-1].data_location = onnx.TensorProto.EXTERNAL
                weights[-1].external_data.add(key="location", value="weights.bin")
            with self.subTest(count):
                self.refused(model([node("Mul", ["x", "w0"], ["y"])], weights), ("not enough memory", "weights"))
        with self.subTest("a constant"):
            self.refused(model([node("Expand", ["o", "s"], ["c"]), node("Mul", ["x", "c"], ["y"])],
                               [("o", np.float32(1)), ("s", np.array([room // 2]))]), ("not enough memory",))

    def test_graphs(self):
        relu = node("Relu", ["x"], ["y"])
        cases = {
            "a cycle": (model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]), ()),
            "a node behind itself": (model([node("Add", ["x", "y"], ["y"])]), ()),
            "a missing weight": (model([node("Conv", ["x", "weight"], ["y"])]), ("weight",)),
            "a missing tensor": (model([node("Relu", ["nothing"], ["y"])]), ("nothing",)),
            "a missing output": (model([relu], outputs=("z",)), ("z",)),
            "no output": (model([relu], outputs=()), ()),
            "made twice": (model([relu, node("Sigmoid", ["x"], ["y"])]), ("y",)),
            "an input made": (model([node("Relu", ["x"], ["x"])], outputs=("x",)), ("x",)),
            "an operator of nobody": (model([node("Frobnicate", ["x"], ["y"], name="odd")]), ("Frobnicate", "odd")),
            "names of several lines": (model([node("Frob\nnicate", ["x"], ["y"], name="a\r\n\x1b[31mb")]), ()),
            "a domain of nobody": (model([node("Relu", ["x"], ["y"], domain="com.example")]), ("com.example",)),
            "opset 0": (model([relu], opset=0), ()),
            "an opset of the future": (model([node("Celu", ["x"], ["y"])], opset=9999), ("9999",)),
            "no nodes": (model([]), ()),
        }
        for what, (content, has) in cases.items():
            with self.subTest(what):
                self.refused(content, has)
        functions = model([node("F", ["x"], ["y"], domain="f")])
        for name, body in (("F", node("F", ["a"], ["b"], domain="f")), ("F", node("Relu", ["nothing"], ["b"]))):
            functions.functions.extend([onnx.helper.make_function("f", name, ["a"], ["b"], [body],
                                                                  [onnx.helper.make_opsetid("", 17)])])
            with self.subTest("a function that calls itself, or misses a tensor"):
                self.refused(functions)
            del functions.functions[:]

    def test_nodes(self):
        """Attributes, shapes and numbers that make no sense: the sentence names the operator."""
        i64 = np.int64
        cases = [
            ("Conv", {}, [("w", np.zeros((4, 3, 3, 3), np.float32))]),
            ("Conv", {}, [("w", np.zeros((4, 2, 9, 9), np.float32))]),
            ("Conv", {}, [("w", np.zeros((4, 2), np.float32))]),
            ("Conv", {"group": 0}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"group": 3}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"group": -1}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"strides": [0, 0]}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"strides": [1]}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"dilations": [HUGE, HUGE]}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"pads": [HUGE] * 4}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"pads": [-9] * 4}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"kernel_shape": [5, 5]}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"kernel_shape": [1 << 62, 1 << 62]}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {"auto_pad": "SOMEHOW"}, [("w", np.zeros((4, 2, 3, 3), np.float32))]),
            ("Conv", {}, [("w", np.zeros((4, 2, 3, 3), np.float32)), ("b", np.zeros(5, np.float32))]),
            ("Conv", {}, [("w", np.zeros((0, 2, 3, 3), np.float32))]),
            ("Conv", {}, [("w", np.zeros((4, 2, 3, 3), np.int64))]),
            ("ConvTranspose", {"strides": [HUGE, 1]}, [("w", np.zeros((2, 4, 3, 3), np.float32))]),
            ("ConvTranspose", {"output_padding": [HUGE, 1]}, [("w", np.zeros((2, 4, 3, 3), np.float32))]),
            ("ConvTranspose", {"group": 5}, [("w", np.zeros((2, 4, 3, 3), np.float32))]),
            ("MaxPool", {"kernel_shape": [0, 0]}, []),
            ("MaxPool", {"kernel_shape": [9, 9]}, []),
            ("MaxPool", {"kernel_shape": [2, 2, 2]}, []),
            ("MaxPool", {}, []),
            ("AveragePool", {"kernel_shape": [-2, 2]}, []),
            ("AveragePool", {"kernel_shape": [2, 2], "pads": [1 << 62] * 4}, []),
            ("BatchNormalization", {}, [(n, np.zeros(3, np.float32)) for n in "abcd"]),
            ("BatchNormalization", {}, [("a", np.zeros(2, np.float32))]),
            ("InstanceNormalization", {}, [("a", np.zeros(5, np.float32)), ("b", np.zeros(2, np.float32))]),
            ("LayerNormalization", {"axis": 9}, [("a", np.zeros(6, np.float32))]),
            ("LayerNormalization", {}, [("a", np.zeros(5, np.float32))]),
            ("LRN", {"size": -3}, []),
            ("Gemm", {}, [("m", np.zeros((3, 3), np.float32))]),
            ("MatMul", {}, [("m", np.zeros((5, 3), np.float32))]),
            ("Add", {}, [("b", np.zeros((5, 6), np.float32))]),
            ("Reshape", {}, [("t", np.array([0, 7], i64))]),
            ("Reshape", {}, [("t", np.array([-1, -1], i64))]),
            ("Reshape", {}, [("t", np.array([0, 0, 0, 0, 0], i64))]),
            ("Reshape", {}, [("t", np.array([1 << 62, 1 << 62, 4], i64))]),
            ("Reshape", {}, [("t", np.array([-5, 72], i64))]),
            ("Transpose", {"perm": [0, 1, 1, 2]}, []),
            ("Transpose", {"perm": [0, 1]}, []),
            ("Transpose", {"perm": [0, 1, 2, 99]}, []),
            ("Flatten", {"axis": 9}, []),
            ("Softmax", {"axis": 9}, []),
            ("Concat", {"axis": 9}, [("b", np.zeros((1, 2, 6, 6), np.float32))]),
            ("Concat", {"axis": 2}, [("b", np.zeros((1, 3, 6, 6), np.float32))]),
            ("Squeeze", {}, [("a", np.array([1], i64))]),
            ("Unsqueeze", {}, [("a", np.array([99], i64))]),
            ("Unsqueeze", {}, [("a", np.array([1, 1], i64))]),
            ("Unsqueeze", {}, [("a", np.arange(100, dtype=i64))]),
            ("Slice", {}, [("s", np.array([0], i64)), ("e", np.array([1], i64)), ("a", np.array([9], i64))]),
            ("Slice", {}, [("s", np.array([0], i64)), ("e", np.array([1], i64)), ("a", np.array([2], i64)),
                           ("p", np.array([0], i64))]),
            ("Slice", {}, [("s", np.array([0, 0], i64)), ("e", np.array([1], i64))]),
            ("Split", {"axis": 1}, [("s", np.array([1, 2], i64))]),
            ("Split", {"axis": 1}, [("s", np.array([-1, 3], i64))]),
            ("Gather", {"axis": 1}, [("i", np.array([7], i64))]),
            ("Gather", {"axis": 1}, [("i", np.array([-1 << 63], i64))]),
            ("GatherElements", {"axis": 1}, [("i", np.full((1, 1, 6, 6), 9, i64))]),
            ("GatherND", {}, [("i", np.array([[9, 9]], i64))]),
            ("Expand", {}, [("s", np.array([HUGE, 2, 6, 6], i64))]),
            ("Expand", {}, [("s", np.array([5, 5], i64))]),
            ("Tile", {}, [("r", np.array([1, HUGE, HUGE, 1], i64))]),
            ("Tile", {}, [("r", np.array([1, -1, 1, 1], i64))]),
            ("Pad", {}, [("p", np.array([0, 0, HUGE, HUGE] * 2, i64))]),
            ("Pad", {}, [("p", np.array([0, 0, -9, -9] * 2, i64))]),
            ("Pad", {}, [("p", np.array([1, 2, 3], i64))]),
            ("Resize", {}, [("", None), ("s", np.array([1, 1, 1e30, 1], np.float32))]),
            ("Resize", {}, [("", None), ("s", np.array([1, 1, np.nan, 1], np.float32))]),
            ("Resize", {}, [("", None), ("s", np.array([1, 1, -1, 1], np.float32))]),
            ("Resize", {}, [("", None), ("", None), ("s", np.array([1, 2, HUGE, HUGE], i64))]),
            ("Resize", {"mode": "strange"}, [("", None), ("s", np.array([1, 1, 2, 2], np.float32))]),
            ("DepthToSpace", {"blocksize": 0}, []),
            ("DepthToSpace", {"blocksize": 1 << 33}, []),
            ("SpaceToDepth", {"blocksize": 4}, []),
            ("ReduceMean", {"axes": [9]}, []),
            ("ArgMax", {"axis": 9}, []),
            ("TopK", {"axis": 3}, [("k", np.array([99], i64))]),
            ("TopK", {"axis": 3}, [("k", np.array([-1], i64))]),
            ("CumSum", {}, [("a", np.array(9, i64))]),
            ("Einsum", {"equation": "abcd,ef->"}, []),
            ("Einsum", {"equation": "ab..->(("}, []),
            ("OneHot", {}, [("d", np.array([HUGE], i64)), ("v", np.zeros(2, np.float32))]),
            ("PRelu", {}, [("s", np.zeros(5, np.float32))]),
            ("Clip", {}, [("a", np.zeros(5, np.float32))]),
            ("Cast", {"to": 99}, []),
            ("Cast", {}, []),
            ("Where", {}, [("a", np.zeros(3, np.float32)), ("b", np.zeros(5, np.float32))]),
            ("Relu", {}, [("b", np.zeros(5, np.float32))]),
            ("Conv", {}, []),
        ]
        for op, attributes, constants in cases:
            with self.subTest(f"{op} {attributes} {[v if v is None else (v.shape, v.ravel()[:4]) for _, v in constants]}"):
                bad = model([node(op, ["x", *(name for name, _ in constants)], ["y"], name="the-node", **attributes)],
                            [(name, value) for name, value in constants if name], shape=(1, 2, 6, 6))
                self.refused(bad, (op,), verbs=("capture",))
        for what, nodes in {
            "ConstantOfShape": [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])],
            "Range": [node("Range", ["a", "b", "c"], ["r"]), node("Add", ["x", "r"], ["y"])],
        }.items():
            with self.subTest(what):
                self.refused(model(nodes, [("s", np.array([HUGE, HUGE])), ("a", np.float32(0)), ("b", np.float32(3e38)),
                                           ("c", np.float32(1e-30))]), (what,))

    def test_weights(self):
        def weight(dims, **fields):
            made = onnx.TensorProto(name="w", data_type=FLOAT, **fields)
            made.dims[:] = dims
            return made
        cases = {
            "fewer bytes": weight([2, 3], raw_data=b"\0" * 20),
            "more bytes": weight([2, 3], raw_data=b"\0" * 28),
            "no bytes": weight([2, 3]),
            "fewer numbers": weight([2, 3], float_data=[1, 2]),
            "other numbers": weight([2], int64_data=[1, 2]),
            "overflowing": weight([1 << 32, 1 << 32], raw_data=b"\0" * 4),
            "overflowing to nothing": weight([1 << 32, 1 << 32, 0], float_data=[1]),
            "negative": weight([-1, 6], raw_data=b"\0" * 24),
            "many dimensions": weight([1] * 50, raw_data=b"\0" * 4),
            "absurd": weight([1 << 50], raw_data=b"\0" * 4),
        }
        for what, made in cases.items():
            with self.subTest(what):
                self.refused(model([node("Add", ["x", "w"], ["y"])], [made]), ("w",))
        for kind in (8, 14, 15, 17, 23, 99, -1):
            made = weight([1], raw_data=b"\0" * 16)
            made.data_type = kind
            with self.subTest(f"data type {kind}"):
                self.refused(model([node("Add", ["x", "w"], ["y"])], [made]), ("w",))
        for shape in ((1, 1 << 62, 1 << 62, 4), (1, 2) + (1,) * 30):
            with self.subTest(f"input {shape}"):
                self.refused(model([node("Relu", ["x"], ["y"])], shape=shape))

    def external(self, **entries):
        weight = onnx.TensorProto(name="w", data_type=FLOAT, data_location=onnx.TensorProto.EXTERNAL)
        weight.dims[:] = [4, 2, 3, 3]
        for key, value in entries.items():
            weight.external_data.add(key=key, value=value)
        return model([node("Conv", ["x", "w"], ["y"])], [weight])

    def test_external_data(self):
        os.mkdir(self.path("models"))
        for name in ("outside.bin", "models/inside.bin"):
            self.write(name, np.arange(72, dtype=np.float32).tobytes())
        os.symlink("../outside.bin", self.path("models", "link.bin"))
        os.symlink("..", self.path("models", "up"))
        self.assertEqual(self.run_verb("layers", self.write("models/m.onnx", self.external(location="inside.bin")))[0], 0)
        for location in ("../outside.bin", self.path("outside.bin"), "/etc/passwd", "x/../../outside.bin", "missing.bin",
                         "", ".", "..", "link.bin", "up/outside.bin", "a" * 5000):
            with self.subTest(location[:50]):
                self.refused(self.write("models/m.onnx", self.external(location=location)), ("w",))
        for entries in ({"offset": "4"}, {"offset": "-4"}, {"offset": str(1 << 62)}, {"offset": "x"}, {"length": "4"},
                        {"length": str(1 << 63)}, {"length": "-1"}, {"offset": "288"},
                        {"offset": "18446744073709551612", "length": "288"}):
            with self.subTest(entries):
                self.refused(self.write("models/m.onnx", self.external(location="inside.bin", **entries)), ("w",))
        with self.subTest("no location"):
            self.refused(self.write("models/m.onnx", self.external(offset="0")), ("w",))

    def test_nesting(self):
        """Messages within messages, many levels deep: a graph in an attribute in a node, types in types, and unknown fields."""
        graph = b""
        for _ in range(4000):
            graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, graph)))
        kind = b""
        for _ in range(9000):
            kind = field(4, field(1, kind))
        groups = b"\x9b\x06" * 30000
        head = b"\x08\x08" + field(8, b"\x10\x11")
        for what, content in {
            "graphs": head + field(7, graph),
            "types": head + field(7, field(11, field(1, b"x") + field(2, kind))),
            "groups": head + groups,
            "many nodes": head + field(7, field(1, b"") * 300000),
            "many outputs": head + field(7, field(12, field(1, b"x")) * 100000),
            "a long packed list": head + field(7, field(1, field(4, b"Relu") + field(5, field(8, b"\0" * (4 << 20))))),
            "a length that lies": head + varint(7 << 3 | 2) + varint(1 << 40) + b"\0" * 100,
            "a varint without end": head + b"\x3a" + b"\xff" * 100,
        }.items():
            with self.subTest(what):
                self.refused(content)

    def test_long_chains(self):
        """Deep graphs take no recursion."""
        count = 30000
        nodes = [node("Relu", [f"t{i}" if i else "x"], [f"t{i + 1}" if i + 1 < count else "y"]) for i in range(count)]
        self.survives(model(nodes[::-1], shape=("n", 2)))

    def test_cut_short(self):
        whole = small().SerializeToString()
        for i in range(20):
            with self.subTest(i):
                self.survives(whole[:len(whole) * i // 20])

    def test_flipped_bytes(self):
        whole, random = small().SerializeToString(), np.random.default_rng(6)
        outcomes = set()
        for i in range(100):  # its fuzz target has seen millions
            flipped = bytearray(whole)
            for place in random.integers(0, len(whole), random.integers(1, 4)):
                flipped[place] ^= 1 << random.integers(0, 8)
            with self.subTest(i):
                outcomes.add(self.survives(bytes(flipped)))
        self.assertGreater(len(outcomes), 1)


if __name__ == "__main__":
    unittest.main()
