"""Epochs of the paper's network: nnpeek and PyTorch in turns, medians of several runs, with 1 and with 2 threads.

    NNPEEK=build/nnpeek python3 bench/train.py [--runs N] [--samples N] [--threads 1,2]

MNIST is used where NNPEEK_DATA has it, else strokes drawn by nnpeek. Both run the same recipe: batch 64, SGD with learning
rate 0.01 and momentum 0.5, shuffled, samples in memory. Only the epoch is timed, not the start of the program."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")


def pytorch_epoch(images, labels, threads):
    """Seconds of one epoch in this process."""
    import time

    import numpy
    import torch

    torch.set_num_threads(threads)
    x = torch.tensor(numpy.load(images).astype(numpy.float32).reshape(-1, 1, 28, 28) / 255)
    y = torch.tensor(numpy.load(labels).astype(numpy.int64))
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 10, 5), torch.nn.MaxPool2d(2), torch.nn.ReLU(),
        torch.nn.Conv2d(10, 20, 5), torch.nn.MaxPool2d(2), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(320, 10))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    start = time.perf_counter()
    order = torch.randperm(len(x))
    for first in range(0, len(x), 64):
        batch = order[first:first + 64]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()
    return time.perf_counter() - start


def nnpeek(*arguments):
    done = subprocess.run([NNPEEK, *map(str, arguments), "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def make_data(folder, samples):
    """images.npy and labels.npy in the folder, both programs' input."""
    import gzip

    import numpy

    mnist = os.path.join(os.environ.get("NNPEEK_DATA", ""), "mnist", "train-{}-ubyte.gz")
    if os.path.exists(mnist.format("images-idx3")):
        with gzip.open(mnist.format("images-idx3")) as file:
            images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(mnist.format("labels-idx1")) as file:
            labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
        numpy.save(os.path.join(folder, "images.npy"), images[:samples])
        numpy.save(os.path.join(folder, "labels.npy"), labels[:samples].astype(numpy.int64))
        return "MNIST"
    nnpeek("data", "make", "strokes", "-o", folder, "--samples", samples, "--split", "train")
    return "strokes"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=60000)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--pytorch", nargs=3, help=argparse.SUPPRESS)  # this program again, as the other side
    given = parser.parse_args()
    if given.pytorch:
        print(pytorch_epoch(given.pytorch[0], given.pytorch[1], int(given.pytorch[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        images, labels = os.path.join(folder, "images.npy"), os.path.join(folder, "labels.npy")
        name = make_data(folder, given.samples)
        print(f"one epoch of the paper's network on {given.samples:,} samples of {name}, medians of {given.runs} runs")
        print(f"{'threads':>8} {'nnpeek':>10} {'PyTorch':>10} {'ratio':>7}")
        for threads in map(int, given.threads.split(",")):
            ours, theirs = [], []
            for _ in range(given.runs):
                ours.append(nnpeek("train", "paper", "--data", folder, "-o", os.path.join(folder, "paper.onnx"),
                                   "--threads", threads)["seconds"])
                done = subprocess.run([sys.executable, __file__, "--pytorch", images, labels, str(threads)], check=True,
                                      capture_output=True, text=True,
                                      env={**os.environ, "OMP_NUM_THREADS": str(threads)})
                theirs.append(float(done.stdout))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{threads:>8} {a:>8.2f} s {b:>8.2f} s {a / b:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
