"""The data of bench/fit.py, and the starts that all programs share.

Every data set is a folder with x.npy (all blocks side by side, float32: what the peers get), blocks.json (the blocks' files and
widths, and what nnpeek gets) and later starts."""
import json
import os

import numpy as np

BLOCKS = "blocks.json"


def mnist_found():
    return os.path.exists(os.path.join(os.environ.get("NNPEEK_DATA", ""), "mnist", "train-images-idx3-ubyte.gz"))


def finish(folder, title, given, files, data):
    """Writes x.npy and blocks.json; `given` is what `nnpeek fit` gets."""
    np.save(f"{folder}/x.npy", np.hstack([b.reshape(len(b), -1).astype(np.float32) for b in data]))
    x = np.load(f"{folder}/x.npy", mmap_mode="r")
    about = {"title": title, "given": given, "files": files, "widths": [b[0].size for b in data], "rows": x.shape[0],
             "columns": x.shape[1], "megabytes": x.nbytes / 2 ** 20}
    with open(f"{folder}/{BLOCKS}", "w") as file:
        json.dump(about, file)
    return about


def capture(nnpeek, folder, data, samples, quick):
    """Pixels and both activation layers of the paper's network, by its recipe but for five epochs (98 % on MNIST); test samples."""
    trained = nnpeek("train", "paper", "--data", data, "-o", f"{folder}/paper.onnx", "--fraction", 0.2 if quick else 1,
                     "--epochs", 1 if quick else 5)
    nnpeek("capture", f"{folder}/paper.onnx", "--data", f"{data}:test", "-o", f"{folder}/capture", "--samples", samples)
    with open(f"{folder}/capture/manifest.json") as file:
        files = [b["file"] for b in json.load(file)["blocks"] if b.get("fit", True)]
    accuracy = trained.get("test_accuracy")
    title = f"{'MNIST' if data == 'mnist' else 'strokes'}, pixels and activations"
    if accuracy:
        title += f" of a network at {100 * accuracy:.1f} %"
    return finish(folder, title, [f"{folder}/capture"], files, [np.load(f"{folder}/capture/{file}") for file in files])


def generate(folder, samples, columns):
    """Rank 30: sparse factors with heavy tails, normal noise of half the signal's deviation, what is negative becomes 0; three
    blocks."""
    random = np.random.default_rng(0)
    rank = 30
    f, w = (random.pareto(3, (count, rank)) * (random.random((count, rank)) < 0.3) for count in (samples, columns))
    x = f @ w.T
    x += 0.5 * x.std() * random.standard_normal(x.shape)
    x = np.maximum(x / x.std(), 0).astype(np.float32)
    parts = np.split(x, [columns // 2, columns - columns // 8], axis=1)
    files = [f"part{i}.npy" for i in range(len(parts))]
    for file, part in zip(files, parts):
        np.save(f"{folder}/{file}", part)
    return finish(folder, "generated, rank 30 with heavy tails and noise", [f"{folder}/{file}" for file in files], files, parts)


def make(name, nnpeek, folder, samples, quick):
    """One of mnist, generated, strokes in an empty folder; None where it cannot be had."""
    os.makedirs(folder)
    if name == "generated":
        return generate(folder, samples, 500 if quick else 2000)
    if name == "mnist" and not mnist_found():
        return None
    return capture(nnpeek, folder, name, samples, quick)


def about(folder):
    with open(f"{folder}/{BLOCKS}") as file:
        return json.load(file)


def start(folder, rank, seed):
    """The random start of all programs: F (T x k) and W (n x k), float32."""
    data = about(folder)
    x = np.load(f"{folder}/x.npy", mmap_mode="r")
    scale = np.sqrt(x[:1000].mean() / rank)
    random = np.random.default_rng(seed)
    return [(scale * random.random((count, rank))).astype(np.float32) for count in (data["rows"], data["columns"])]


def write_start(folder, rank, seed):
    """The same as a folder for `nnpeek fit --init`; returns its name."""
    place = f"{folder}/start-{rank}-{seed}"
    if os.path.isdir(place):
        return place
    os.makedirs(place)
    data = about(folder)
    f, w = start(folder, rank, seed)
    np.save(f"{place}/samples.npy", f)
    for file, part in zip(data["files"], np.split(w, np.cumsum(data["widths"])[:-1])):
        np.save(f"{place}/{file}", part)
    return place
