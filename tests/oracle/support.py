"""What the oracle and command-line tests share: running nnpeek, temporary folders."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

import numpy as np

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")
DATA = os.environ.get("NNPEEK_DATA")
LONG = bool(os.environ.get("NNPEEK_LONG"))  # of `make test-all`: more of the same


def mnist_found():
    """MNIST as IDX files under NNPEEK_DATA."""
    return bool(DATA) and os.path.exists(os.path.join(DATA, "mnist", "t10k-images-idx3-ubyte.gz"))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="nnpeek-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def nnpeek(self, *arguments, status=0, **options):
        """Runs nnpeek in the case's folder and checks its exit status."""
        options.setdefault("timeout", 300)
        done = subprocess.run([os.path.abspath(NNPEEK), *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, **options)
        self.assertEqual(done.returncode, status, f"nnpeek {arguments}: {done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.nnpeek(*arguments, "--json").stdout)

    def read_json(self, *parts):
        with open(self.path(*parts)) as file:
            return json.load(file)

    def read_bytes(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def make_mnist(self, training, test):
        """Files as MNIST's are, of that many drawn digits, for `--data-dir data`."""
        os.makedirs(self.path("data", "mnist"))
        for split, name, count in (("train", "train", training), ("test", "t10k", test)):
            self.nnpeek("data", "make", "strokes", "--split", split, "--samples", count, "-o", "drawn")
            images, labels = (np.load(self.path("drawn", f"{kind}.npy")) for kind in ("images", "labels"))
            for kind, array in (("images-idx3", images.reshape(count, 28, 28)), ("labels-idx1", labels)):
                array = np.rint(array * 255 if array.dtype.kind == "f" else array).astype(np.uint8)
                with open(self.path("data", "mnist", f"{name}-{kind}-ubyte"), "wb") as file:
                    file.write(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())
        shutil.rmtree(self.path("drawn"))

    def files(self):
        """All files in the case's folder, to see that nothing was left behind."""
        return sorted(os.path.relpath(os.path.join(top, name), self.folder)
                      for top, _, names in os.walk(self.folder) for name in names)

    def sentence(self, *arguments, status=2, has=()):
        """A failure: one line on standard error with every text of `has`, nothing on standard output."""
        done = self.nnpeek(*arguments, status=status)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("Try `")]
        self.assertEqual(len(lines), 1, done.stderr)
        for text in has:
            self.assertIn(text, lines[0])
        self.assertEqual(done.stdout, "")
        return lines[0]
