"""What compact captures (--store pixels, float16, bfloat16) save and cost: bytes on disk, time of a capture, time of a fit, and the
error of the fit on the numbers before they were rounded.

    NNPEEK=build/nnpeek NNPEEK_DATA=... python3 bench/storage.py [--data mnist,cifar10] [--runs 5] [--core 1] [--place DIR]

All runs are pinned to one core and use one thread; the stores take turns, and a ratio is the median over the turns of a time by
that of float32 in the same turn, with its range behind. Where nothing else is said, a time is that of the processor, which other
work on the machine changes little. mnist: the training images through the paper's network, trained here;
cifar10: the test images through AlexNet, likewise (--networks names a folder with paper.onnx and alexnet.onnx, which are trained
into it where they are missing). NNPEEK_DATA has mnist as IDX files and cifar10_jpg unpacked.

- Capture: `nnpeek capture`, with pictures read and files written.
- Iteration: of `nnpeek fit --accuracy exact --tolerance 0`, by what a fixed number of iterations takes more than one; files in the
  page cache.
- From disk: wall time of `nnpeek fit --iterations 1` when the files have been dropped from the page cache.
- Error: the relative error of each block, ||X - F W'|| / ||X|| with X of the float32 capture, in double precision by NumPy, of the
  models fitted on each store from the same start; and how far rounding moved X itself."""
import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time

import numpy as np

from programs import NNPEEK, nnpeek

STORES = ("float32", "pixels", "float16", "bfloat16")
DATA = {"mnist": ("mnist:train", "paper", ()),
        "cifar10": ("cifar10", "alexnet", ("--learning-rate", 0.05, "--momentum", 0.9, "--batch", 128, "--normalise"))}
ROWS = 2000  # of a block that NumPy looks at together


def run(*arguments):
    """Wall time and processor time of nnpeek, in seconds."""
    command, begin = [NNPEEK, *map(str, arguments), "--threads", "1", "--quiet"], time.perf_counter()
    process = os.posix_spawn(NNPEEK, command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime


def read_blocks(folder):
    with open(f"{folder}/manifest.json") as file:
        return {block["name"]: block for block in json.load(file)["blocks"]}


def open_block(folder, block):
    return np.load(f"{folder}/{block['file']}", mmap_mode="r").reshape(-1, block["columns"])


def as_floats(rows, block):
    if block["type"] == "bfloat16":
        return (rows.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return rows.astype(np.float32) / np.float32(block.get("scale", 1))


def drop_from_cache(folder):
    for name in os.listdir(folder):
        handle = os.open(f"{folder}/{name}", os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def relative_errors(place, store, name, model):
    """Of the model on the numbers of the float32 capture; and of the stored numbers themselves."""
    whole, own = read_blocks(f"{place}/float32")[name], read_blocks(f"{place}/{store}")[name]
    x, stored = open_block(f"{place}/float32", whole), open_block(f"{place}/{store}", own)
    f, w = (np.load(f"{model}/{part}.npy").astype(float) for part in ("samples", os.path.splitext(own["file"])[0]))
    residual = moved = square = 0.0
    for first in range(0, len(x), ROWS):
        rows = x[first:first + ROWS].astype(float)
        residual += ((rows - f[first:first + ROWS] @ w.T) ** 2).sum()
        moved += ((rows - as_floats(stored[first:first + ROWS], own)) ** 2).sum()
        square += (rows ** 2).sum()
    return (residual / square) ** 0.5, (moved / square) ** 0.5


class Bench:
    def __init__(self, given, name, place):
        self.given, self.place = given, place
        self.data, kind, flags = DATA[name]
        self.network = f"{given.networks or place}/{kind}.onnx"
        if not os.path.exists(self.network):
            nnpeek("train", kind, "--data", name, *flags, "-o", self.network)
        self.times = {store: {"capture": [], "iteration": [], "disk": []} for store in STORES}

    def capture(self, store):
        self.times[store]["capture"].append(run("capture", self.network, "--data", self.data, "--samples",
                                                self.given.samples, "--store", store, "-o",
                                                f"{self.place}/{store}")[1])

    def fit(self, store, iterations, folder):
        return run("fit", f"{self.place}/{store}", "--ranks", self.given.rank, "--accuracy", "exact", "--tolerance", 0,
                   "--iterations", iterations, "-o", f"{self.place}/{folder}")

    def turn(self, number):
        """One run of everything; which store begins goes round."""
        order = STORES[number % len(STORES):] + STORES[:number % len(STORES)]
        if number < self.given.captures:
            for store in order:
                self.capture(store)
        for store in order:
            all_, one = self.fit(store, self.given.iterations, f"fit-{store}")[1], self.fit(store, 1, "once")[1]
            self.times[store]["iteration"].append((all_ - one) / (self.given.iterations - 1))
        for store in order:
            drop_from_cache(f"{self.place}/{store}")
            self.times[store]["disk"].append(self.fit(store, 1, "once")[0])

    def ratio(self, store, what):
        ratios = [a / b for a, b in zip(self.times[store][what], self.times["float32"][what])]
        spread = f" ({min(ratios):.2f}-{max(ratios):.2f})" if store != "float32" else ""
        return f"{statistics.median(ratios):.2f}{spread}"

    def seconds(self, store, what):
        return statistics.median(self.times[store][what])

    def bytes(self, store):
        return sum(os.path.getsize(f"{self.place}/{store}/{block['file']}") for block in read_blocks(f"{self.place}/{store}").values())

    def tables(self, name):
        fitted = [block for block in read_blocks(f"{self.place}/float32").values() if block["fit"]]
        samples, columns = len(open_block(f"{self.place}/float32", fitted[0])), sum(block["columns"] for block in fitted)
        print(f"\n{name}: {samples:,} samples, {columns:,} columns in {len(fitted)} blocks, k = {self.given.rank}\n")
        print("| store | MB on disk | capture, s | ratio | iteration, ms | ratio | from disk, s | ratio |\n|---|---|---|---|---|---|---|---|")
        for store in STORES:
            print(f"| {store} | {self.bytes(store) / 1e6:.1f} | {self.seconds(store, 'capture'):.2f} | {self.ratio(store, 'capture')} "
                  f"| {1000 * self.seconds(store, 'iteration'):.1f} | {self.ratio(store, 'iteration')} "
                  f"| {self.seconds(store, 'disk'):.2f} | {self.ratio(store, 'disk')} |")
        print(f"\nRelative error on the float32 numbers after {self.given.iterations} iterations, and that of the stored numbers:\n")
        print(f"| block | {' | '.join(STORES)} | moved by float16 | by bfloat16 |\n|{'---|' * (len(STORES) + 3)}")
        for block in fitted:
            found = {store: relative_errors(self.place, store, block["name"], f"{self.place}/fit-{store}/rank-{self.given.rank}")
                     for store in STORES}
            moved = " | ".join("-" if found[store][1] == 0 else f"{found[store][1]:.1e}" for store in ("float16", "bfloat16"))
            print(f"| {block['name']} | {' | '.join(f'{found[store][0]:.6f}' for store in STORES)} | {moved} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist,cifar10")
    parser.add_argument("--runs", type=int, default=5, help="turns (default 5)")
    parser.add_argument("--captures", type=int, default=3, help="in as many of them the capture is timed, too (default 3)")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--rank", type=int, default=20)
    parser.add_argument("--samples", type=int, default=0, help="of each data set (default 0: all)")
    parser.add_argument("--networks", help="folder of trained networks (default: they are trained)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="what runs are pinned to (default: the last)")
    parser.add_argument("--place", help="folder for captures, on the disk that is meant (default: a temporary one)")
    given = parser.parse_args()
    os.sched_setaffinity(0, {given.core})
    with open("/proc/cpuinfo") as file:
        processor = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    print(f"{processor}, one core, one thread; load before: {os.getloadavg()[0]:.1f}")
    for name in given.data.split(","):
        place = tempfile.mkdtemp(prefix="nnpeek-storage-", dir=given.place)
        try:
            bench = Bench(given, name, place)
            for number in range(given.runs):
                bench.turn(number)
            bench.tables(name)
        finally:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
