"""Reading samples: how many a second, from every format, decoded to floats as they are, and brought to 224 x 224.

    NNPEEK_LIBRARY=build/libnnpeek.so NNPEEK_DATA=... python3 bench/read.py [--samples 60000] [--runs 5] [--threads 1,2]

Under NNPEEK_DATA: mnist (IDX), and mnist_png and cifar10_jpg unpacked. Opening (listing a folder, reading headers) is timed
apart. With several threads each reads slices of its own, as the threads of a capture do. Files are in the system's cache:
this is the time of reading and decoding, not of a disk. What a second of one core does holds on a busy machine too. The process is pinned to as many cores as threads."""
import argparse
import concurrent.futures
import ctypes
import os
import statistics
import tempfile
import time

import numpy as np

library = ctypes.CDLL(os.environ.get("NNPEEK_LIBRARY", "build/libnnpeek.so"))
DATA = os.environ.get("NNPEEK_DATA", "")
STEP = 250


class ContextOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int64), ("event", ctypes.c_void_p), ("user", ctypes.c_void_p),
                ("memory", ctypes.c_int64)]


class Info(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("count", ctypes.c_int64), ("channels", ctypes.c_int64), ("height", ctypes.c_int64),
                ("width", ctypes.c_int64), ("class_count", ctypes.c_int64), ("pictures", ctypes.c_int), ("mixed", ctypes.c_int), ("depth", ctypes.c_int)]


library.peek_dataset_describe.restype = Info
library.peek_dataset_describe.argtypes = [ctypes.c_void_p]
library.peek_dataset_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
library.peek_error.restype = ctypes.c_char_p
library.peek_error.argtypes = [ctypes.c_void_p]


class Reader:
    def __init__(self, threads):
        self.threads = threads
        options = ContextOptions()
        library.peek_context_options_default(ctypes.byref(options))
        options.threads = threads
        self.context = ctypes.c_void_p()
        library.peek_context_create(ctypes.byref(self.context), ctypes.byref(options))

    def check(self, status):
        if status:
            raise SystemExit(library.peek_error(self.context).decode())

    def open(self, path):
        data = ctypes.c_void_p()
        self.check(library.peek_dataset_open(self.context, path.encode(), None, ctypes.byref(data)))
        return data

    def fit(self, data):
        fitted = ctypes.c_void_p()
        self.check(library.peek_dataset_fit(self.context, data, *map(ctypes.c_int64, (3, 224, 224)), ctypes.byref(fitted)))
        return fitted

    def read(self, data, samples):
        """Seconds, and seconds of all cores: thread i reads slices i, i + threads, ..."""
        info = library.peek_dataset_describe(data)

        def work(thread):
            room = np.empty((STEP, info.channels, info.height, info.width), np.float32)
            for first in range(thread * STEP, samples, self.threads * STEP):
                self.check(library.peek_dataset_read(self.context, data, first, min(STEP, samples - first), room.ctypes.data))

        start, busy = time.perf_counter(), time.process_time()
        with concurrent.futures.ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(work, range(self.threads)))
        return time.perf_counter() - start, time.process_time() - busy

    def measure(self, path, most):
        """-> samples, seconds to open, samples a second as they are, those of a second of one core, and at 224 x 224."""
        start = time.perf_counter()
        data = self.open(path)
        opening = time.perf_counter() - start
        count = library.peek_dataset_describe(data).count
        samples, few = min(most, count), min(most // 20, count)
        plain, core = (samples / seconds for seconds in self.read(data, samples))
        large = self.fit(data)
        fitted = few / self.read(large, few)[0]
        library.peek_dataset_free(ctypes.byref(large))
        library.peek_dataset_free(ctypes.byref(data))
        return count, opening, plain, core, fitted


def join_splits(source, folder):
    """All 60,000 pictures of CIFAR-10 in one folder, by links."""
    for split in ("train", "test"):
        for name in os.listdir(os.path.join(source, split)):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
            for file in os.listdir(os.path.join(source, split, name)):
                os.symlink(os.path.abspath(os.path.join(source, split, name, file)), os.path.join(folder, name, f"{split}-{file}"))
    return folder


def make_places(folder):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (60000, 3, 32, 32), np.uint8)
    np.save(os.path.join(folder, "pixels.npy"), pixels)
    with open(os.path.join(folder, "data_batch.bin"), "wb") as file:
        file.write(np.concatenate([random.integers(0, 10, (60000, 1), np.uint8), pixels.reshape(60000, -1)], 1).tobytes())
    places = [("`.npy`, 3 x 32 x 32, 8 bits", os.path.join(folder, "pixels.npy")),
              ("CIFAR-10 binary, 3 x 32 x 32", os.path.join(folder, "data_batch.bin")),
              ("IDX with gzip, 28 x 28 (MNIST)", os.path.join(DATA, "mnist", "train-images-idx3-ubyte.gz")),
              ("PNG files, 28 x 28 (MNIST)", os.path.join(DATA, "mnist_png", "training"))]
    jpeg = os.path.join(DATA, "cifar10_jpg")
    if os.path.exists(jpeg):
        places.append(("JPEG files, 3 x 32 x 32 (CIFAR-10)", join_splits(jpeg, os.path.join(folder, "jpeg"))))
    return [place for place in places if os.path.exists(place[1])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    print("| data | samples | threads | seconds to open | samples a second | a second of one core | at 3 x 224 x 224 |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in make_places(folder):
            for threads in map(int, given.threads.split(",")):
                os.sched_setaffinity(0, cores[:threads])
                reader = Reader(threads)
                reader.read(data := reader.open(path), 1000)  # into the cache
                library.peek_dataset_free(ctypes.byref(data))
                runs = [reader.measure(path, given.samples) for _ in range(given.runs)]
                opening, plain, core, fitted = (statistics.median(run[i] for run in runs) for i in (1, 2, 3, 4))
                print(f"| {name} | {runs[0][0]:,} | {threads} | {opening:.2f} | {plain:,.0f} | {core:,.0f} | {fitted:,.0f} |", flush=True)
            os.sched_setaffinity(0, cores)


if __name__ == "__main__":
    main()
