"""Data against independent programs: NumPy's .npy files, and IDX, gzip, PNG and CIFAR-10 files written here.

NNPEEK_LIBRARY names libnnpeek.so. With NNPEEK_DATA, MNIST read as IDX is compared with MNIST read as PNG files.
"""
import ctypes
import gzip
import io
import os
import pathlib
import struct
import tarfile
import tempfile
import unittest
import zlib

import numpy as np

OK, E_ARGUMENT, E_SHAPE, E_VALUE, E_NOT_FOUND, E_FORMAT, E_UNSUPPORTED, E_IO = range(8)


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data_dir", ctypes.c_char_p), ("split", ctypes.c_int64),
                ("samples", ctypes.c_int64), ("seed", ctypes.c_int64), ("skip_broken", ctypes.c_int64)]


class Info(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("count", ctypes.c_int64), ("channels", ctypes.c_int64),
                ("height", ctypes.c_int64), ("width", ctypes.c_int64), ("class_count", ctypes.c_int64),
                ("pictures", ctypes.c_int), ("mixed", ctypes.c_int), ("depth", ctypes.c_int)]


class Entry(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("about", ctypes.c_char_p), ("found", ctypes.c_char_p)]


library = ctypes.CDLL(os.environ["NNPEEK_LIBRARY"])
library.peek_error.restype = ctypes.c_char_p
library.peek_dataset_describe.restype = Info
library.peek_dataset_labels.restype = ctypes.POINTER(ctypes.c_int32)
library.peek_dataset_class_name.restype = ctypes.c_char_p
library.peek_dataset_class_name.argtypes = [ctypes.c_void_p, ctypes.c_int64]
library.peek_dataset_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                                      ctypes.c_void_p]
for function in ("peek_dataset_describe", "peek_dataset_labels", "peek_error"):
    getattr(library, function).argtypes = [ctypes.c_void_p]
library.peek_dataset_read_labels.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p]
library.peek_dataset_list.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]

context = ctypes.c_void_p()
assert library.peek_context_create(ctypes.byref(context), None) == OK


class Failed(Exception):
    def __init__(self, status):
        self.status = status
        super().__init__(library.peek_error(context).decode())


class Data:
    """What the library reads from a path or a name."""

    def __init__(self, spec, data_dir=None, split=0, skip_broken=0, labels=None):
        options = Options()
        library.peek_dataset_options_default(ctypes.byref(options))
        options.data_dir = str(data_dir).encode() if data_dir else None
        options.split = split
        options.skip_broken = skip_broken
        dataset = ctypes.c_void_p()
        status = library.peek_dataset_open(context, str(spec).encode(), ctypes.byref(options), ctypes.byref(dataset))
        if status != OK:
            assert not dataset.value
            raise Failed(status)
        if labels:
            assert library.peek_dataset_read_labels(context, dataset, str(labels).encode()) == OK, Failed(0)
        info = library.peek_dataset_describe(dataset)
        self.name, self.pictures = info.name.decode(), bool(info.pictures)
        self.values = np.empty((info.count, info.channels, info.height, info.width), np.float32)
        status = library.peek_dataset_read(context, dataset, 0, info.count, self.values.ctypes.data)
        if status != OK:
            library.peek_dataset_free(ctypes.byref(dataset))
            raise Failed(status)
        labels = library.peek_dataset_labels(dataset)
        self.labels = np.array(labels[:info.count]) if labels else None
        self.classes = [library.peek_dataset_class_name(dataset, k).decode() for k in range(info.class_count)]
        library.peek_dataset_free(ctypes.byref(dataset))


# Where the seven passes of Adam7 begin, and their steps, down and right. Source: PNG, 8.2.
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def png_rows(pixels, depth):
    rows = pixels.reshape(pixels.shape[0], -1)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in rows]
    bits = [np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, -depth:].ravel() for row in rows]
    return [np.packbits(row).tobytes() for row in bits]


def png(pixels, depth=8, kind=0, palette=None, interlaced=False):
    """A PNG file; pixels: height x width (x values of one pixel)."""
    passes = [pixels[y::down, x::right] for y, x, down, right in ADAM7] if interlaced else [pixels]
    packed = [row for part in passes if part.size for row in png_rows(part, depth)]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, kind, 0, 0, interlaced)
    colours = chunk(b"PLTE", np.asarray(palette, np.uint8).tobytes()) if palette is not None else b""
    body = zlib.compress(b"".join(b"\0" + row for row in packed))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + colours + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder_object = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.folder_object.name)
        self.random = np.random.default_rng(1)

    def tearDown(self):
        self.folder_object.cleanup()

    def put(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def bytes(self, *shape):
        return self.random.integers(0, 256, shape, np.uint8)

    def refuse(self, path, status, *words, **options):
        with self.assertRaises(Failed) as caught:
            Data(path, **options)
        sentence = str(caught.exception)
        self.assertEqual(caught.exception.status, status, sentence)
        self.assertNotIn("\n", sentence)
        for word in words:
            self.assertIn(str(word), sentence)


class Arrays(Case):
    def test_every_type_and_shape(self):
        for kind in ("f4", "f8", "f2", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "?"):
            for shape in ((3, 5), (3, 4, 5), (2, 3, 4, 5), (1, 1)):
                with self.subTest(kind=kind, shape=shape):
                    array = (self.random.random(shape) * 100).astype(kind)
                    np.save(self.folder / "a.npy", array)
                    data = Data(self.folder / "a.npy")
                    full = {2: (shape[0], 1, 1) + shape[1:], 3: (shape[0], 1) + shape[1:], 4: shape}[len(shape)]
                    wanted = array.astype(np.float32).reshape(full)
                    wanted /= np.float32({"u1": 255, "u2": 65535}.get(kind, 1))
                    np.testing.assert_array_equal(data.values, wanted)
                    self.assertIsNone(data.labels)
                    self.assertEqual(data.name, "a.npy")

    def test_half_precision(self):
        every = np.arange(65536, dtype=np.uint16).view(np.float16)
        every = every[np.isfinite(every)].reshape(-1, 1)
        np.save(self.folder / "a.npy", every)
        np.testing.assert_array_equal(Data(self.folder / "a.npy").values.ravel(), every.astype(np.float32).ravel())

    def test_versions(self):
        array = self.random.random((4, 6)).astype(np.float32)
        for version in ((1, 0), (2, 0), (3, 0)):
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, version=version)
            self.put("a.npy", stream.getvalue())
            np.testing.assert_array_equal(Data(self.folder / "a.npy").values.reshape(4, 6), array)

    def test_pictures(self):
        for array, pictures in ((self.random.random((2, 3, 3)), True), (self.random.random((2, 3, 3)) * 2, False),
                                (-self.random.random((2, 3, 3)), False), (self.random.random((2, 9)), False),
                                (self.bytes(2, 9), True)):
            np.save(self.folder / "a.npy", array)
            self.assertEqual(Data(self.folder / "a.npy").pictures, pictures)

    def test_refused(self):
        path = self.folder / "a.npy"
        for array, status, word in (
                (np.float32(1), E_FORMAT, "single number"), (np.ones(3, np.float32), E_UNSUPPORTED, "reshape"),
                (np.ones((1, 1, 1, 1, 1, 1)), E_UNSUPPORTED, "6 dimensions"),
                (np.ones((2, 3), ">f4"), E_FORMAT, "big-endian"), (np.ones((2, 3), "c8"), E_FORMAT, "real number"),
                (np.asfortranarray(np.ones((2, 3))), E_FORMAT, "Fortran"),
                (np.ones((0, 3)), E_FORMAT, "no samples"), (np.ones((3, 0)), E_FORMAT, "no samples"),
                (np.array([["a"]]), E_FORMAT, "real number"), (np.array([[None]]), E_FORMAT, "Python objects"),
                (np.array([[1, 2], [3, np.nan]]), E_VALUE, "sample 1, value 1"),
                (np.array([[np.inf]]), E_VALUE, "infinite"), (np.array([[1e300]]), E_VALUE, "infinite"),
                (np.array([[np.nan]], "f2"), E_VALUE, "not a number")):
            np.save(path, array, allow_pickle=True)
            with self.subTest(array=str(array.dtype)):
                self.refuse(path, status, word, path)

    def test_cut_anywhere(self):
        np.save(self.folder / "a.npy", self.random.random((3, 2)))
        whole = (self.folder / "a.npy").read_bytes()
        for length in range(len(whole)):
            self.refuse(self.put("b.npy", whole[:length]), E_FORMAT, "b.npy")
        self.refuse(self.put("b.npy", whole + b"x"), E_FORMAT, "1 bytes more")

    def test_npz(self):
        np.savez(self.folder / "a.npz", x=np.ones((2, 2)))
        self.refuse(self.folder / "a.npz", E_FORMAT, "unpack")


class Idx(Case):
    def pair(self, pack=False):
        images, labels = self.bytes(20, 5, 4), self.random.integers(0, 10, 20).astype(np.uint8)
        labels[0] = 9
        end, wrap = (".gz", gzip.compress) if pack else ("", bytes)
        self.put("t-labels-idx1-ubyte" + end, wrap(idx(labels)))
        return self.put("t-images-idx3-ubyte" + end, wrap(idx(images))), images, labels

    def test_plain_and_packed(self):
        for pack in (False, True):
            path, images, labels = self.pair(pack)
            data = Data(path)
            np.testing.assert_array_equal(data.values[:, 0], images.astype(np.float32) / np.float32(255))
            np.testing.assert_array_equal(data.labels, labels)
            self.assertEqual(data.classes, [str(k) for k in range(10)])

    def test_labels_packed_otherwise_or_missing(self):
        path, _, labels = self.pair(True)
        beside = self.folder / "t-labels-idx1-ubyte.gz"
        self.put("t-labels-idx1-ubyte", gzip.decompress(beside.read_bytes()))
        beside.unlink()
        np.testing.assert_array_equal(Data(path).labels, labels)
        (self.folder / "t-labels-idx1-ubyte").unlink()
        self.assertIsNone(Data(path).labels)

    def test_members(self):
        images = self.bytes(3, 40, 40)
        whole = idx(images)
        path = self.put("a.gz", gzip.compress(whole[:1000]) + gzip.compress(whole[1000:]))
        np.testing.assert_array_equal(Data(path).values[:, 0], images.astype(np.float32) / np.float32(255))

    def test_cut_anywhere(self):
        for pack in (False, True):
            whole = self.pair(pack)[0].read_bytes()
            for length in range(0, len(whole), 1 if length_is_small(whole) else 7):
                name = "cut-ubyte.gz" if pack else "cut-ubyte"
                self.refuse(self.put(name, whole[:length]), E_FORMAT, name)

    def test_damaged(self):
        path, images, _ = self.pair(True)
        whole = path.read_bytes()
        checksum = bytearray(whole)
        checksum[-6] ^= 1
        self.refuse(self.put("b.gz", bytes(checksum)), E_FORMAT, "damaged", "b.gz")
        body = bytearray(whole)
        body[len(whole) // 2] ^= 0x10
        self.refuse(self.put("b.gz", bytes(body)), E_FORMAT, "b.gz")
        self.refuse(self.put("b.gz", whole + b"rubbish"), E_FORMAT, "b.gz")
        plain = idx(images)
        self.refuse(self.put("b-ubyte", plain + b"x"), E_FORMAT, "more than its header")
        self.refuse(self.put("b-ubyte", b"\1" + plain[1:]), E_FORMAT, "not an IDX file")
        self.refuse(self.put("b-ubyte", plain[:2] + b"\x0d" + plain[3:]), E_UNSUPPORTED, "0x0d")
        huge = b"\0\0\x08\x04" + b"\xff" * 16 + plain
        self.refuse(self.put("b-ubyte", huge), E_FORMAT, "cut short")
        self.refuse(self.put("b-ubyte.gz", gzip.compress(huge)), E_FORMAT, "cut short")
        self.refuse(self.put("b-ubyte", b"\0\0\x08\x03" + struct.pack(">III", 0, 5, 4)), E_FORMAT, "no samples")

    def test_wrong_labels(self):
        path, _, labels = self.pair()
        self.refuse(self.folder / "t-labels-idx1-ubyte", E_FORMAT, "not images")
        self.put("t-labels-idx1-ubyte", idx(labels[:-1]))
        self.refuse(path, E_SHAPE, "19 labels", "20 images", "t-labels-idx1-ubyte")
        self.put("t-labels-idx1-ubyte", idx(labels)[:-1])
        self.refuse(path, E_FORMAT, "t-labels-idx1-ubyte")


def length_is_small(content):
    return len(content) < 600


class Pictures(Case):
    def test_kinds(self):
        grey, colour, deep = self.bytes(3, 4), self.bytes(3, 4, 3), self.random.integers(0, 65536, (3, 4, 3))
        alpha, palette = self.bytes(3, 4, 4), self.bytes(16, 3)
        planes = lambda a: np.moveaxis(a, -1, 0)
        for name, content, wanted in (
                ("grey", png(grey), grey[None] / 255), ("colour", png(colour, 8, 2), planes(colour) / 255),
                ("deep colour", png(deep, 16, 2), planes(deep) / 65535),
                ("deep grey", png(deep[..., 0], 16), deep[None, ..., 0] / 65535),
                ("alpha", png(alpha, 8, 6), planes(alpha[..., :3]) / 255),
                ("grey alpha", png(alpha[..., :2], 8, 4), alpha[None, ..., 0] / 255),
                ("deep grey alpha", png(deep[..., :2], 16, 4), deep[None, ..., 0] / 65535),
                ("palette", png(grey % 16, 4, 3, palette), planes(palette[grey % 16]) / 255),
                ("1 bit", png(grey % 2, 1), (grey % 2)[None] / 1), ("2 bits", png(grey % 4, 2), (grey % 4)[None] / 3),
                ("4 bits", png(grey % 16, 4), (grey % 16)[None] / 15)):
            with self.subTest(name=name):
                self.put(name + "/a.png", content)
                data = Data(self.folder / name)
                np.testing.assert_allclose(data.values[0], wanted.astype(np.float32), atol=1e-7, rtol=0)
                self.assertTrue(data.pictures)
                self.assertEqual(data.name, name + "/")

    def test_interlaced(self):
        for height, width in ((1, 1), (3, 4), (8, 8), (13, 21)):
            grey, colour, palette = self.bytes(height, width), self.bytes(height, width, 3), self.bytes(16, 3)
            deep = self.random.integers(0, 65536, (height, width, 4))
            for name, arguments in (("grey", (grey,)), ("bits", (grey % 4, 2)), ("colour", (colour, 8, 2)), ("alpha", (deep, 16, 6)),
                                    ("palette", (grey % 16, 4, 3, palette))):
                with self.subTest(name=name, height=height, width=width):
                    self.put("plain/a.png", png(*arguments))
                    self.put("laced/a.png", png(*arguments, interlaced=True))
                    np.testing.assert_array_equal(Data(self.folder / "laced").values, Data(self.folder / "plain").values)

    def test_pillow(self):
        """What Pillow writes, as Pillow reads it."""
        try:
            from PIL import Image
        except ImportError:
            self.skipTest("Pillow is not installed")
        colour = np.kron(self.bytes(5, 6, 3), np.ones((8, 8, 1), np.uint8))
        for name, mode, how in (("p.png", "P", {}), ("la.png", "LA", {}), ("1.png", "1", {}), ("a.jpg", "RGB", {"progressive": True}),
                                ("b.jpg", "RGB", {"subsampling": 0}), ("c.jpg", "L", {}), ("d.jpg", "CMYK", {})):
            with self.subTest(name=name):
                path = self.put("q%s/%s" % (name, name), b"")
                Image.fromarray(colour).convert("L" if mode == "LA" else "RGB").convert(mode).save(path, **how)
                with Image.open(path) as image:
                    wanted = np.asarray(image.convert("L" if mode in ("LA", "1", "L") else "RGB"), float) / 255
                wanted = wanted[None] if wanted.ndim == 2 else np.moveaxis(wanted, -1, 0)
                np.testing.assert_allclose(Data(path.parent).values[0], wanted, atol=2.5 / 255)

    def test_mixed_kinds_agree(self):
        grey, colour, deep = self.bytes(3, 4), self.bytes(3, 4, 3), self.random.integers(0, 65536, (3, 4))
        for name, content in (("1.png", png(grey)), ("2.png", png(colour, 8, 2)), ("10.png", png(deep, 16))):
            self.put("p/" + name, content)
        values = Data(self.folder / "p").values
        self.assertEqual(values.shape, (3, 3, 3, 4))
        for c in range(3):
            np.testing.assert_allclose(values[0, c], grey / 255, atol=1e-7)
            np.testing.assert_allclose(values[1, c], colour[..., c] / 255, atol=1e-7)
            np.testing.assert_allclose(values[2, c], deep / 65535, atol=1e-7)

    def test_classes(self):
        wanted = []
        for k, name in enumerate(("2", "10", "cat")):
            for i in (1, 2, 10):
                picture = self.bytes(2, 2)
                self.put("c/%s/%d.png" % (name, i), png(picture))
                wanted.append((picture, k))
        self.put("c/notes.txt", b"not a picture")
        self.put("c/.hidden/a.png", b"")
        data = Data(str(self.folder / "c") + "/")
        self.assertEqual(data.classes, ["2", "10", "cat"])
        for t, (picture, k) in enumerate(wanted):
            self.assertEqual(data.labels[t], k)
            np.testing.assert_allclose(data.values[t, 0], picture / 255, atol=1e-7)

    def test_refused(self):
        good = png(self.bytes(3, 4))
        (self.folder / "empty").mkdir()
        self.refuse(self.folder / "empty", E_FORMAT, "no PNG or JPEG files", "empty")
        for i in range(40):
            self.put("broken/%d.png" % i, good)
        for content in (good[:-1], good[:40], good[:20], b"", b"text", good[:50] + bytes([good[50] ^ 1]) + good[51:]):
            self.put("broken/17.png", content)
            self.refuse(self.folder / "broken", E_FORMAT, "broken/17.png")
        self.put("mixed/1.png", good)
        self.put("mixed/2.png", png(self.bytes(5, 7)))
        self.refuse(self.folder / "mixed", E_SHAPE, "mixed/", "several sizes")
        self.put("jpeg/a.jpg", b"\xff\xd8\xff")
        self.refuse(self.folder / "jpeg", E_FORMAT, "jpeg/a.jpg", "JPEG")
        self.put("both/a.png", good)
        self.put("both/sub/a.png", good)
        self.refuse(self.folder / "both", E_FORMAT, "sub")
        self.put("deep/train/cat/a.png", good)
        self.refuse(self.folder / "deep", E_FORMAT, "deep/train")
        self.refuse(self.put("single.png", good), E_FORMAT, "single picture")
        lie = bytearray(png(self.bytes(3, 4)))
        lie[16:24] = struct.pack(">II", 60000, 60000)
        lie[29:33] = struct.pack(">I", zlib.crc32(bytes(lie[12:29])))
        self.put("lie/a.png", bytes(lie))
        self.refuse(self.folder / "lie", E_FORMAT, "lie/a.png")


class Broken(Case):
    """A folder of which some files are broken, in their heads or only in their pixels."""

    def setUp(self):
        super().setUp()
        self.pictures = self.bytes(100, 3, 4)
        self.bad = {7: b"", 13: png(self.pictures[13])[:-20], 40: b"text", 41: png(self.pictures[41])[:20]}
        damaged = bytearray(png(self.pictures[99]))
        damaged[45] ^= 255
        self.bad[99] = bytes(damaged)
        for t, picture in enumerate(self.pictures):
            self.put("c/%s/%d.png" % ("ab"[t >= 50], t), self.bad.get(t, png(picture)))
        self.good = [t for t in range(100) if t not in self.bad]

    def test_refused(self):
        """Heads are looked at when a folder is opened: the first is named, and how many more there are."""
        self.refuse(self.folder / "c", E_FORMAT, "a/7.png", "2 more of the 100 pictures", "--skip-broken")
        for t in (7, 40, 41):
            self.put("c/a/%d.png" % t, png(self.pictures[t]))
        self.refuse(self.folder / "c", E_FORMAT, "a/13.png", "--skip-broken")  # now its pixels are read
        self.put("c/a/13.png", png(self.pictures[13]))
        self.refuse(self.folder / "c", E_FORMAT, "b/99.png", "--skip-broken")

    def test_skipped(self):
        data = Data(self.folder / "c", skip_broken=1)
        np.testing.assert_array_equal(data.values[:, 0], self.pictures[self.good] / np.float32(255))
        np.testing.assert_array_equal(data.labels, [t >= 50 for t in self.good])
        # A file of labels has one for every picture that is there.
        np.save(self.folder / "labels.npy", np.arange(100) % 7)
        data = Data(self.folder / "c", skip_broken=1, labels=self.folder / "labels.npy")
        np.testing.assert_array_equal(data.labels, np.array(self.good) % 7)

    def test_nothing_left(self):
        for name in ("x.png", "y.jpg"):
            self.put("none/" + name, b"text")
        self.refuse(self.folder / "none", E_FORMAT, "none/x.png", "none of the 2", skip_broken=1)
        self.refuse(self.folder / "none", E_FORMAT, "none/x.png")


class Cifar(Case):
    def test_batches(self):
        records = [(self.random.integers(10, size=20).astype(np.uint8), self.bytes(20, 3, 32, 32)) for _ in range(6)]
        names = ["data_batch_%d.bin" % (i + 1) for i in range(5)] + ["test_batch.bin"]
        for name, (labels, images) in zip(names, records):
            content = b"".join(bytes([k]) + x.tobytes() for k, x in zip(labels, images))
            self.put("cifar-10-batches-bin/" + name, content)
        train, test = Data("cifar10:train", self.folder), Data("cifar10", self.folder)
        np.testing.assert_array_equal(train.labels, np.concatenate([labels for labels, _ in records[:5]]))
        np.testing.assert_array_equal(test.values, records[5][1].astype(np.float32) / np.float32(255))
        self.assertEqual((train.name, test.name, test.classes[6]), ("cifar10:train", "cifar10:test", "frog"))
        one = self.folder / "cifar-10-batches-bin" / "data_batch_3.bin"
        np.testing.assert_array_equal(Data(one).labels, records[2][0])
        self.refuse(self.put("cut.bin", one.read_bytes()[:-1]), E_FORMAT, "multiple of 3073")
        self.refuse(self.put("foreign.bin", b"\x63" + one.read_bytes()[1:]), E_FORMAT, "label 99")
        (self.folder / "cifar-10-batches-bin" / "data_batch_4.bin").unlink()
        self.refuse("cifar10:train", E_NOT_FOUND, "data_batch_4.bin", data_dir=self.folder)


class Named(Case):
    def setUp(self):
        super().setUp()
        self.environment = dict(os.environ)
        for name, value in (("NNPEEK_DATA", self.folder / "b"), ("XDG_CACHE_HOME", self.folder / "c")):
            os.environ[name] = str(value)

    def tearDown(self):
        for name in ("NNPEEK_DATA", "XDG_CACHE_HOME"):
            os.environ.pop(name)
            if name in self.environment:
                os.environ[name] = self.environment[name]
        super().tearDown()

    def test_places_in_turn(self):
        images = [self.bytes(2, 3, 3) for _ in range(3)]
        for place, x in (("c/nnpeek", images[2]), ("b", images[1]), ("a", images[0])):
            self.put(place + "/mnist/t10k-images-idx3-ubyte.gz", gzip.compress(idx(x)))
            np.testing.assert_allclose(Data("mnist", self.folder / "a").values[:, 0], x / 255, atol=1e-7)
        entry = Entry()
        options = Options()
        library.peek_dataset_options_default(ctypes.byref(options))
        self.assertEqual(library.peek_dataset_list(context, ctypes.byref(options), 0, ctypes.byref(entry)), 0)
        self.assertEqual(entry.name, b"mnist")
        self.assertEqual(entry.found.decode(), str(self.folder / "b/mnist/t10k-images-idx3-ubyte.gz"))

    def test_not_there(self):
        self.refuse("mnist", E_NOT_FOUND, "--data-dir", self.folder / "b", "strokes")
        self.put("b/mnist_png.tar.xz", b"")
        self.refuse("mnist:train", E_NOT_FOUND, "tar xf", "mnist_png.tar.xz")
        self.put("b/cifar10_jpg/test/cat/1.jpg", b"")
        self.refuse("cifar10:test", E_FORMAT, "cat/1.jpg", "JPEG")
        self.refuse("nowhere", E_NOT_FOUND, "nowhere")
        self.refuse(self.put("text.txt", b"hello"), E_FORMAT, "text.txt")
        self.refuse(self.put("empty", b""), E_FORMAT, "empty file")
        self.refuse("", E_ARGUMENT, "no data")

    def test_png_layout(self):
        for split, name in (("testing", "mnist:test"), ("training", "mnist:train")):
            x = self.bytes(3, 3)
            self.put("b/mnist_png/%s/7/12.png" % split, png(x))
            np.testing.assert_allclose(Data(name).values[0, 0], x / 255, atol=1e-7)


class Mnist(Case):
    """MNIST as IDX equals MNIST as PNG files: the 10,000 test images."""

    def test_same_pixels(self):
        root = os.environ.get("NNPEEK_DATA")
        archive = pathlib.Path(root or "") / "mnist_png.tar.xz"
        if root and archive.is_file():
            plain = Data("mnist", root)
            with tarfile.open(archive) as tar:
                tar.extractall(self.folder, [m for m in tar if m.name.startswith("mnist_png/testing/")])
            first = 60000
        else:  # the same comparison on data made here
            images, labels = self.bytes(60, 28, 28), np.arange(60, dtype=np.uint8) % 10
            self.put("mnist/t10k-images-idx3-ubyte.gz", gzip.compress(idx(images)))
            self.put("mnist/t10k-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
            for i, (x, k) in enumerate(zip(images, labels)):
                self.put("mnist_png/testing/%d/%d.png" % (k, i), png(x))
            plain, first = Data("mnist", self.folder), 0
        pictures = Data(self.folder / "mnist_png" / "testing")
        numbers = [int(path.stem) - first for k in range(10)
                   for path in sorted((self.folder / "mnist_png" / "testing" / str(k)).iterdir(),
                                      key=lambda path: int(path.stem))]
        self.assertEqual(sorted(numbers), list(range(len(plain.values))))
        np.testing.assert_array_equal(pictures.values, plain.values[numbers])
        np.testing.assert_array_equal(pictures.labels, plain.labels[numbers])


if __name__ == "__main__":
    unittest.main()
