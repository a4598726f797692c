"""Epochs of the paper's network and of alexnet: nnpeek and PyTorch in turns, medians of several runs, with 1 and with 2 threads.

    NNPEEK=build/nnpeek python3 bench/train.py [--runs N] [--samples N] [--threads 1,2] [--networks paper,alexnet]

`paper`: MNIST where NNPEEK_DATA has it, else strokes drawn by nnpeek; batch 64, SGD with learning rate 0.01 and momentum 0.5.
`alexnet`: as many thirds of samples, noise of 3 x 32 x 32 in ten classes; batch 128, learning rate 0.05, momentum 0.9. Shuffled,
samples in memory. Only the epoch is timed, not the start of the program."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")


RECIPES = {"paper": (64, 0.01, 0.5), "alexnet": (128, 0.05, 0.9)}


def pytorch_network(name):
    from torch import nn

    if name == "paper":
        return nn.Sequential(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU(),
                             nn.Flatten(), nn.Linear(320, 10))
    return nn.Sequential(nn.Conv2d(3, 64, 11, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
                         nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))


def pytorch_epoch(name, folder, threads):
    """Seconds of one epoch in this process."""
    import time

    import numpy
    import torch

    torch.set_num_threads(threads)
    batch_size, rate, momentum = RECIPES[name]
    x = numpy.load(os.path.join(folder, "images.npy"))
    x = torch.tensor(x.reshape(len(x), -1, *x.shape[-2:]).astype(numpy.float32) / 255)
    y = torch.tensor(numpy.load(os.path.join(folder, "labels.npy")).astype(numpy.int64))
    model = pytorch_network(name)
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    start = time.perf_counter()
    order = torch.randperm(len(x))
    for first in range(0, len(x), batch_size):
        batch = order[first:first + batch_size]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()
    return time.perf_counter() - start


def nnpeek(*arguments):
    done = subprocess.run([NNPEEK, *map(str, arguments), "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def make_data(name, folder, samples):
    """images.npy and labels.npy in the folder, both programs' input."""
    import gzip

    import numpy

    mnist = os.path.join(os.environ.get("NNPEEK_DATA", ""), "mnist", "train-{}-ubyte.gz")
    if name == "alexnet":
        random = numpy.random.default_rng(0)
        images, labels = random.integers(0, 256, (samples, 3, 32, 32), numpy.uint8), random.integers(0, 10, samples)
    elif os.path.exists(mnist.format("images-idx3")):
        with gzip.open(mnist.format("images-idx3")) as file:
            images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28)[:samples]
        with gzip.open(mnist.format("labels-idx1")) as file:
            labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)[:samples]
    else:
        nnpeek("data", "make", "strokes", "-o", folder, "--samples", samples, "--split", "train")
        return "strokes"
    numpy.save(os.path.join(folder, "images.npy"), images)
    numpy.save(os.path.join(folder, "labels.npy"), labels.astype(numpy.int64))
    return "noise" if name == "alexnet" else "MNIST"


def compare(name, folder, samples, given):
    batch, rate, momentum = RECIPES[name]
    data = make_data(name, folder, samples)
    print(f"one epoch of {name} on {samples:,} samples of {data}, medians of {given.runs} runs")
    print(f"{'threads':>8} {'nnpeek':>10} {'PyTorch':>10} {'ratio':>7}")
    for threads in map(int, given.threads.split(",")):
        ours, theirs = [], []
        for _ in range(given.runs):
            ours.append(nnpeek("train", name, "--data", folder, "-o", os.path.join(folder, "n.onnx"), "--batch", batch,
                               "--learning-rate", rate, "--momentum", momentum, "--threads", threads)["seconds"])
            done = subprocess.run([sys.executable, __file__, "--pytorch", name, folder, str(threads)], check=True,
                                  capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
            theirs.append(float(done.stdout))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{threads:>8} {a:>8.2f} s {b:>8.2f} s {a / b:>7.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=60000)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--networks", default="paper,alexnet")
    parser.add_argument("--pytorch", nargs=3, help=argparse.SUPPRESS)  # this program again, as the other side
    given = parser.parse_args()
    if given.pytorch:
        print(pytorch_epoch(given.pytorch[0], given.pytorch[1], int(given.pytorch[2])))
        return
    for name in given.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            compare(name, folder, given.samples if name == "paper" else given.samples // 3, given)


if __name__ == "__main__":
    main()
