"""A folder with broken pictures: what the verbs say, leave out, and count."""
import os
import unittest
import zlib
import struct

import numpy as np

from support import Case


def png(pixels):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class Broken(Case):
    def setUp(self):
        super().setUp()
        self.nnpeek("data", "make", "strokes", "-o", "data", "--samples", 60)
        images, labels = (np.load(self.path("data", name + ".npy")) for name in ("images", "labels"))
        for t, (image, label) in enumerate(zip(images, labels)):
            os.makedirs(self.path("pictures", str(label)), exist_ok=True)
            content = png(image[0])
            with open(self.path("pictures", str(label), f"{t}.png"), "wb") as file:
                file.write(content[:-40] if t in (4, 33) else b"" if t == 20 else content)
        self.bad = [f"{labels[t]}/{t}.png" for t in (4, 20, 33)]
        self.nnpeek("train", "paper", "--data", "data", "-o", "n.onnx")

    def test_capture(self):
        flags = ("capture", "n.onnx", "--data", "pictures", "-o", "c")
        self.sentence(*flags, has=[self.bad[1], "--skip-broken"])
        self.assertFalse(os.path.exists(self.path("c")) or os.path.exists(self.path("c.partial")))
        done = self.nnpeek(*flags, "--skip-broken")
        self.assertIn("3 of the 60 pictures in 'pictures' are broken and left out: ", done.stderr)
        data = self.read_json("c", "manifest.json")["data"]
        self.assertEqual(data["count"], 57)
        self.assertEqual(sorted(entry["name"] for entry in data["skipped_files"]), sorted(self.bad))
        for entry in data["skipped_files"]:
            self.assertIn(entry["name"], entry["reason"])
        self.assertEqual(np.load(self.path("c", "input.npy")).shape[0], 57)
        self.assertEqual(np.load(self.path("c", "labels.npy")).shape, (57,))
        # Where none is broken, none is counted; where it was not asked, nothing is said.
        self.nnpeek("capture", "n.onnx", "--data", "data/images.npy", "-o", "d")
        self.assertNotIn("skipped_files", self.read_json("d", "manifest.json")["data"])

    def test_train_and_inspect(self):
        os.unlink(self.path("pictures", self.bad[1]))  # the others are broken in their pixels only
        train = ("train", "n.onnx", "--data", "pictures", "--test", "pictures", "-o", "m.onnx")
        inspect = ("inspect", "n.onnx", "pictures", "--ranks", 2, "--measures", "basic", "-o", "r.html")
        for flags in (train, inspect):
            done = self.nnpeek(*flags, status=2)
            self.assertIn("--skip-broken", done.stderr)
        self.assertEqual(self.json(*train, "--skip-broken")["train_samples"], 57)
        self.nnpeek(*inspect, "--skip-broken")
        self.assertEqual(len(self.read_json("r", "capture", "manifest.json")["data"]["skipped_files"]), 2)


if __name__ == "__main__":
    unittest.main()
