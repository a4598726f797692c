"""Reading samples: how many a second, one thread, from every format; decoded to floats, and brought to 224 x 224.

    NNPEEK_LIBRARY=build/libnnpeek.so NNPEEK_DATA=... python3 bench/read.py [--samples 10000] [--runs 3]

Under NNPEEK_DATA: mnist (IDX), and mnist_png and cifar10_jpg unpacked. Opening (listing a folder, reading headers) is timed apart."""
import argparse
import ctypes
import os
import statistics
import tempfile
import time

import numpy as np

library = ctypes.CDLL(os.environ.get("NNPEEK_LIBRARY", "build/libnnpeek.so"))
DATA = os.environ.get("NNPEEK_DATA", "")
STEP = 500


class Info(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("count", ctypes.c_int64), ("channels", ctypes.c_int64), ("height", ctypes.c_int64),
                ("width", ctypes.c_int64), ("class_count", ctypes.c_int64), ("pictures", ctypes.c_int), ("mixed", ctypes.c_int), ("depth", ctypes.c_int)]


library.peek_dataset_describe.restype = Info
library.peek_dataset_describe.argtypes = [ctypes.c_void_p]
library.peek_dataset_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
library.peek_error.restype = ctypes.c_char_p
library.peek_error.argtypes = [ctypes.c_void_p]
context = ctypes.c_void_p()
library.peek_context_create(ctypes.byref(context), None)


def check(status):
    if status:
        raise SystemExit(library.peek_error(context).decode())


def open_data(path):
    data = ctypes.c_void_p()
    check(library.peek_dataset_open(context, path.encode(), None, ctypes.byref(data)))
    return data


def read(data, samples):
    info = library.peek_dataset_describe(data)
    room = np.empty((STEP, info.channels, info.height, info.width), np.float32)
    start = time.perf_counter()
    for first in range(0, samples, STEP):
        check(library.peek_dataset_read(context, data, first, min(STEP, samples - first), room.ctypes.data))
    return time.perf_counter() - start


def measure(path, most, runs):
    """-> samples in the data, seconds to open, samples a second as they are, and at 224 x 224."""
    opening, plain, fitted = [], [], []
    for _ in range(runs):
        start = time.perf_counter()
        data = open_data(path)
        opening.append(time.perf_counter() - start)
        info = library.peek_dataset_describe(data)
        samples, few = min(most, info.count), min(most // 10, info.count)
        plain.append(samples / read(data, samples))
        large = ctypes.c_void_p()
        check(library.peek_dataset_fit(context, data, ctypes.c_int64(3), ctypes.c_int64(224), ctypes.c_int64(224), ctypes.byref(large)))
        fitted.append(few / read(large, few))
        library.peek_dataset_free(ctypes.byref(large))
        library.peek_dataset_free(ctypes.byref(data))
    return info.count, *map(statistics.median, (opening, plain, fitted))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print("| data | samples | seconds to open | samples a second | at 3 x 224 x 224 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        np.save(os.path.join(folder, "pixels.npy"), np.random.default_rng(0).integers(0, 256, (20000, 3, 32, 32), np.uint8))
        places = [("`.npy`, 3 x 32 x 32, 8 bits", os.path.join(folder, "pixels.npy")),
                  ("IDX with gzip, 28 x 28 (MNIST)", os.path.join(DATA, "mnist", "train-images-idx3-ubyte.gz")),
                  ("PNG files, 28 x 28 (MNIST)", os.path.join(DATA, "mnist_png", "training")),
                  ("JPEG files, 3 x 32 x 32 (CIFAR-10)", os.path.join(DATA, "cifar10_jpg", "train"))]
        for name, path in places:
            if os.path.exists(path):
                count, opening, plain, fitted = measure(path, given.samples, given.runs)
                print(f"| {name} | {count:,} | {opening:.2f} | {plain:,.0f} | {fitted:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
