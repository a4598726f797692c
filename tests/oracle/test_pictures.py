"""Pictures as users have them: JPEG against an encoder written here, EXIF, mixed folders, and pictures brought to a network's
size against PyTorch."""
import ctypes
import struct
import unittest

import numpy as np
import torch
from scipy.fft import dctn

from test_data import Case, Data, E_FORMAT, E_SHAPE, Failed, Info, OK, Options, context, library, png

ZIGZAG = sorted(((y, x) for y in range(8) for x in range(8)), key=lambda p: (p[0] + p[1], p[0] if (p[0] + p[1]) % 2 else p[1]))
# Any complete code will do: 8 bits for each of 162 symbols of AC, 4 for each of 12 of DC.
AC = [(run << 4) | size for run in range(16) for size in range(1, 11)] + [0x00, 0xf0]


class Bits:
    def __init__(self):
        self.text = []

    def put(self, number, width):
        if width:
            self.text.append(format(number, "0%db" % width))

    def bytes(self):
        text = "".join(self.text)
        text += "1" * (-len(text) % 8)
        return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")


def magnitude(value):
    size = int(abs(value)).bit_length()
    return size, int(value) if value >= 0 else int(value) + (1 << size) - 1


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def exif(orientation, order="<"):
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return segment(0xe1, b"Exif\0\0" + tiff + struct.pack(order + "H", 1) + entry + struct.pack(order + "I", 0))


def scan(blocks, components, first, last):
    """Numbers first .. last of the blocks of some components, in zigzag order."""
    bits, before = Bits(), {c: 0 for c in components}
    for c, block in blocks:
        if c not in before:
            continue
        numbers = [block[p] for p in ZIGZAG]
        if first == 0:
            size, value = magnitude(numbers[0] - before[c])
            before[c] = numbers[0]
            bits.put(size, 4)
            bits.put(value, size)
        run, end = 0, max((i for i in range(1, last + 1) if numbers[i]), default=0)
        for number in numbers[1:end + 1]:
            if number == 0:
                run += 1
                continue
            while run > 15:
                bits.put(AC.index(0xf0), 8)
                run -= 16
            size, value = magnitude(number)
            bits.put(AC.index(run << 4 | size), 8)
            bits.put(value, size)
            run = 0
        if end < last:
            bits.put(AC.index(0x00), 8)
    head = bytes([len(components)]) + b"".join(bytes([c + 1, 0]) for c in components) + bytes([first, last, 0])
    return segment(0xda, head) + bits.bytes()


def jpeg(planes, extra=b"", progressive=False):
    """Baseline, or progressive in scans of the means and of the rest of each component; quantised by 1, every component at full size (ITU-T T.81). planes: components x height x width, 0..255."""
    components, height, width = planes.shape
    frame = struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes([i + 1, 0x11, 0]) for i in range(components))
    dc = segment(0xc4, bytes([0x00]) + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    ac = segment(0xc4, bytes([0x10]) + bytes([0] * 7 + [162] + [0] * 8) + bytes(AC))
    padded = np.pad(planes.astype(float) - 128, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")
    blocks = [(c, np.rint(dctn(padded[c, y:y + 8, x:x + 8], norm="ortho")).astype(int)) for y in range(0, padded.shape[1], 8)
              for x in range(0, padded.shape[2], 8) for c in range(components)]
    every = range(components)
    if progressive:
        body = scan(blocks, every, 0, 0) + b"".join(scan(blocks, [c], 1, 63) for c in every)
    else:
        body = scan(blocks, every, 0, 63)
    return b"\xff\xd8" + extra + segment(0xdb, bytes(1) + bytes([1] * 64)) + segment(0xc2 if progressive else 0xc0, frame) + \
        dc + ac + body + b"\xff\xd9"


def ycc(rgb):
    """JFIF's luma and chroma of H x W x 3."""
    r, g, b = np.moveaxis(rgb.astype(float), -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.clip(np.rint([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402]), 0, 255)


class Fitted(Data):
    """A dataset brought to a size."""

    def __init__(self, spec, channels, height, width):
        options, dataset, fitted = Options(), ctypes.c_void_p(), ctypes.c_void_p()
        library.peek_dataset_options_default(ctypes.byref(options))
        self.check(library.peek_dataset_open(context, str(spec).encode(), ctypes.byref(options), ctypes.byref(dataset)))
        self.mixed = bool(library.peek_dataset_describe(dataset).mixed)
        try:
            self.check(library.peek_dataset_fit(context, dataset, *map(ctypes.c_int64, (channels, height, width)),
                                                ctypes.byref(fitted)))
        finally:
            library.peek_dataset_free(ctypes.byref(dataset))
        info = library.peek_dataset_describe(fitted)
        assert (info.channels, info.height, info.width, info.mixed) == (channels, height, width, 0)
        self.values = np.empty((info.count, channels, height, width), np.float32)
        status = library.peek_dataset_read(context, fitted, 0, info.count, self.values.ctypes.data)
        library.peek_dataset_free(ctypes.byref(fitted))
        self.check(status)

    def check(self, status):
        if status != OK:
            raise Failed(status)


def by_pytorch(x, height, width):
    """T x C x h x w brought to height x width: torchvision's Resize (to cover) and CenterCrop, with PyTorch's filter."""
    h, w = x.shape[2:]
    size = (height, w * height // h) if height * w >= width * h else (h * width // w, width)
    big = torch.nn.functional.interpolate(torch.tensor(x), size, mode="bilinear", antialias=True, align_corners=False)
    top, left = (int(round((a - b) / 2)) for a, b in zip(size, (height, width)))
    return big[:, :, top:top + height, left:left + width].numpy()


class Sizes(Case):
    def test_against_pytorch(self):
        for shape, target in (((3, 30, 40), (20, 20)), ((3, 40, 30), (20, 20)), ((1, 28, 28), (32, 32)), ((3, 32, 32), (224, 224)),
                              ((3, 100, 75), (31, 17)), ((1, 5, 7), (64, 3)), ((3, 64, 48), (64, 48)), ((1, 200, 9), (8, 8)),
                              ((3, 37, 53), (36, 53)), ((1, 9, 9), (1, 1))):
            with self.subTest(shape=shape, target=target):
                pixels = self.bytes(2, *shape)
                np.save(self.folder / "a.npy", pixels)
                found = Fitted(self.folder / "a.npy", shape[0], *target).values
                np.testing.assert_allclose(found, by_pytorch(pixels / np.float32(255), *target), atol=1e-5)

    def test_colours(self):
        pixels = self.bytes(2, 3, 10, 12)
        np.save(self.folder / "a.npy", pixels)
        luma = np.tensordot(pixels / 255, [0.299, 0.587, 0.114], ([1], [0]))[:, None].astype(np.float32)
        np.testing.assert_allclose(Fitted(self.folder / "a.npy", 1, 10, 12).values, luma, atol=1e-6)
        np.testing.assert_allclose(Fitted(self.folder / "a.npy", 1, 6, 6).values, by_pytorch(luma, 6, 6), atol=1e-5)
        np.save(self.folder / "a.npy", pixels[:, :1])
        np.testing.assert_array_equal(Fitted(self.folder / "a.npy", 3, 10, 12).values,
                                      np.repeat(pixels[:, :1] / np.float32(255), 3, 1))
        np.save(self.folder / "a.npy", self.bytes(2, 4, 5, 6))
        with self.assertRaisesRegex(Failed, "4 channels"):
            Fitted(self.folder / "a.npy", 3, 5, 6)
        np.save(self.folder / "a.npy", self.random.standard_normal((4, 3, 8, 8)).astype(np.float32))
        with self.assertRaisesRegex(Failed, "no pictures"):
            Fitted(self.folder / "a.npy", 3, 4, 4)

    def test_folder_of_several_sizes(self):
        pictures = [self.bytes(20 + 7 * i, 30 - 3 * i, 3) for i in range(4)]
        for i, picture in enumerate(pictures):
            self.put("mixed/%d.png" % i, png(picture, 8, 2))
        grey = self.bytes(50, 40)
        self.put("mixed/4.png", png(grey))
        found = Fitted(self.folder / "mixed", 3, 16, 16)
        self.assertTrue(found.mixed)
        planes = [np.moveaxis(p, -1, 0) for p in pictures] + [np.repeat(grey[None], 3, 0)]
        for t, picture in enumerate(planes):
            np.testing.assert_allclose(found.values[t], by_pytorch(picture[None] / np.float32(255), 16, 16)[0], atol=1e-5)

    def test_channels_last(self):
        for channels in (1, 3):
            pixels = self.bytes(3, 9, 7, channels)
            np.save(self.folder / "a.npy", pixels)
            np.testing.assert_array_equal(Data(self.folder / "a.npy").values, np.moveaxis(pixels, -1, 1) / np.float32(255))
        pixels = self.bytes(3, 9, 7, 4)
        np.save(self.folder / "a.npy", pixels)
        np.testing.assert_array_equal(Data(self.folder / "a.npy").values, np.moveaxis(pixels[..., :3], -1, 1) / np.float32(255))
        np.save(self.folder / "a.npy", pixels.astype(np.float32) - 9)  # no pictures: all four stay
        np.testing.assert_array_equal(Data(self.folder / "a.npy").values, np.moveaxis(pixels, -1, 1).astype(np.float32) - 9)
        np.save(self.folder / "a.npy", self.bytes(2, 3, 9, 3))
        self.assertEqual(Data(self.folder / "a.npy").values.shape, (2, 3, 9, 3))


class Jpeg(Case):
    def smooth(self, height, width):
        """A picture that survives being rounded in another colour space."""
        y, x = np.mgrid[0:height, 0:width]
        return np.stack([128 + 100 * np.sin(y / 7 + c) * np.cos(x / (5 + c)) for c in range(3)], -1).astype(np.uint8)

    def test_values(self):
        grey, colour = self.bytes(21, 13), self.smooth(19, 26)
        self.put("grey/a.jpg", jpeg(grey[None]))
        np.testing.assert_allclose(Data(self.folder / "grey").values[0, 0], grey / 255, atol=2.5 / 255)
        self.put("colour/a.JPEG", jpeg(ycc(colour)))
        np.testing.assert_allclose(Data(self.folder / "colour").values[0], np.moveaxis(colour, -1, 0) / 255, atol=3.5 / 255)
        self.put("colour/b.png", jpeg(ycc(colour)))  # the first bytes decide, not the name
        self.put("colour/c.jpg", png(colour, 8, 2))
        found = Data(self.folder / "colour").values
        np.testing.assert_array_equal(found[1], found[0])
        np.testing.assert_array_equal(found[2], np.moveaxis(colour, -1, 0) / np.float32(255))
        # Grey becomes colour beside colour.
        self.put("colour/d.jpg", jpeg(colour[None, ..., 0]))
        np.testing.assert_allclose(Data(self.folder / "colour").values[3], np.repeat(colour[None, ..., 0], 3, 0) / 255, atol=2.5 / 255)

    def test_progressive(self):
        colour, grey = ycc(self.smooth(19, 26)), self.bytes(1, 21, 13)
        for planes in (colour, grey):
            self.put("plain/a.jpg", jpeg(planes))
            self.put("progressive/a.jpg", jpeg(planes, progressive=True))
            np.testing.assert_array_equal(Data(self.folder / "progressive").values, Data(self.folder / "plain").values)

    def test_cmyk(self):
        ink = np.moveaxis(self.smooth(16, 16), -1, 0)
        cmyk = np.concatenate([ink, ink[:1] // 2])
        adobe = segment(0xee, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0))
        expected = (1 - cmyk[:3] / 255) * (1 - cmyk[3] / 255)
        self.put("plain/a.jpg", jpeg(cmyk))
        np.testing.assert_allclose(Data(self.folder / "plain").values[0], expected, atol=3 / 255)
        self.put("adobe/a.jpg", jpeg(255 - cmyk, adobe))
        np.testing.assert_allclose(Data(self.folder / "adobe").values[0], expected, atol=3 / 255)
        # YCCK: luma and chroma of the inks' complements. Source: Adobe technical note 5116, transform 2.
        adobe = segment(0xee, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 2))
        self.put("ycck/a.jpg", jpeg(np.concatenate([ycc(np.moveaxis(cmyk[:3], 0, -1)), 255 - cmyk[3:]]), adobe))
        np.testing.assert_allclose(Data(self.folder / "ycck").values[0], expected, atol=5 / 255)

    def test_upright(self):
        stored = self.bytes(10, 17)
        upright = {1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.T,
                   6: np.rot90(stored, -1), 7: stored[::-1, ::-1].T, 8: np.rot90(stored)}
        for orientation, expected in upright.items():
            for order in "<>":
                self.put("a/a.jpg", jpeg(stored[None], exif(orientation, order)))
                np.testing.assert_allclose(Data(self.folder / "a").values[0, 0], expected / 255, atol=2.5 / 255)
        whole = exif(6)
        for damaged in [whole[:i] for i in range(6, len(whole))] + [exif(0), exif(9)]:
            body = damaged[4:]
            self.put("a/a.jpg", jpeg(stored[None], segment(0xe1, body)))
            self.assertIn(Data(self.folder / "a").values.shape, ((1, 1, 10, 17), (1, 1, 17, 10)))

    def test_large_ones_at_a_part_of_their_size(self):
        picture = self.smooth(480, 640)
        for orientation, expected in ((1, picture), (6, np.rot90(picture, -1))):
            self.put("a/a.jpg", jpeg(ycc(picture), exif(orientation)))
            found = Fitted(self.folder / "a", 3, 40, 40).values
            wanted = by_pytorch(np.moveaxis(expected, -1, 0)[None] / np.float32(255), 40, 40)
            self.assertLess(np.abs(found - wanted).mean(), 0.01)
            self.assertLess(np.abs(found - wanted).max(), 0.06)

    def test_broken(self):
        whole = jpeg(self.bytes(1, 16, 24))
        for end in [*range(0, 40, 3), *range(40, len(whole) - 2, 29)]:
            self.put("a/a.jpg", whole[:end])
            self.refuse(self.folder / "a", E_FORMAT, "a/a.jpg", "repair or remove")
        at = whole.index(b"\xff\xc0") + 5
        self.put("a/a.jpg", whole[:at] + struct.pack(">HH", 65000, 65000) + whole[at + 4:])
        self.refuse(self.folder / "a", E_FORMAT, "a/a.jpg")
        random = np.random.default_rng(3)
        for _ in range(200):  # any damage ends in a sentence, or in a picture
            damaged = bytearray(whole)
            for _ in range(3):
                damaged[random.integers(2, len(damaged))] = random.integers(256)
            self.put("a/a.jpg", bytes(damaged))
            try:
                Data(self.folder / "a")
            except Failed as failed:
                self.assertIn("a/a.jpg", str(failed))


if __name__ == "__main__":
    unittest.main()
