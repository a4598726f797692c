"""Running networks with every tensor kept: nnpeek, PyTorch with hooks and ONNX Runtime in turns, with 1 and with 2 threads.

    NNPEEK_LIBRARY=build/libnnpeek.so NNPEEK_ORACLE=build/oracle python3 bench/network.py
        [--runs N] [--images N] [--batch N] [--threads 1,2] [--networks resnet18-224,mobilenet-v2-224]

The networks are those shapes at 224 x 224 with random weights and their batch norms as layers. Every program has the network and
the images in memory and writes all tensors to files in /dev/shm, one file a tensor: what a capture is for. It runs once without
being timed, then once timed; the figures are medians over --runs processes of each.
nnpeek: one peek_capture(), which prepares the operators too. PyTorch: forward in batches, hooks keep the output of every module
(sums of residual blocks have none; ReLU not in place). ONNX Runtime: all its optimisations, every tensor of the graph as an
output; making the session is not timed. "kept": the tensors of a batch are in memory, and not written."""
import argparse
import contextlib
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.environ.get("NNPEEK_LIBRARY", "build/libnnpeek.so")


class ContextOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int64), ("event", ctypes.c_void_p), ("user", ctypes.c_void_p)]


class CaptureOptions(ctypes.Structure):
    """The beginning of peek_capture_options; there may be more behind it."""
    _fields_ = [("size", ctypes.c_size_t), ("layers", ctypes.c_char_p), ("samples", ctypes.c_int64), ("batch", ctypes.c_int64),
                ("rest", ctypes.c_char * 1024)]


def nnpeek_seconds(model, images, batch, threads):
    library = ctypes.CDLL(os.path.abspath(LIBRARY))
    library.peek_error.restype = ctypes.c_char_p
    context, network, data = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()

    def call(name, *arguments):
        if getattr(library, name)(*arguments):
            sys.exit(f"{name}: {library.peek_error(context).decode()}")

    options, capture = ContextOptions(), CaptureOptions()
    library.peek_context_options_default(ctypes.byref(options))
    options.threads = threads
    library.peek_context_create(ctypes.byref(context), ctypes.byref(options))
    call("peek_network_load", context, model.encode(), ctypes.byref(network))
    call("peek_dataset_open", context, images.encode(), None, ctypes.byref(data))
    library.peek_capture_options_default(ctypes.byref(capture))
    capture.layers, capture.batch = b"*", batch
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for name in ("first", "second"):
            start = time.perf_counter()
            call("peek_capture", context, network, data, ctypes.byref(capture), os.path.join(folder, name).encode())
            seconds = time.perf_counter() - start
            shutil.rmtree(os.path.join(folder, name))
    return {"written": seconds}


def pytorch_seconds(name, images, batch, threads):
    import torch

    import networks

    torch.set_num_threads(threads)
    model, _ = networks.make(name)
    kept = []
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False  # what is written over is not kept
        if not list(module.children()):
            module.register_forward_hook(lambda _, __, out: kept.append(out))
    x = torch.tensor(np.load(images))
    def run(files):
        start = time.perf_counter()
        for first in range(0, len(x), batch):
            kept.clear()
            model(x[first:first + batch])
            for file, tensor in zip(files, kept):
                file.write(tensor.numpy().data)
        return time.perf_counter() - start

    with torch.no_grad(), tempfile.TemporaryDirectory(dir="/dev/shm") as folder, contextlib.ExitStack() as stack:
        run(())
        seconds = {"kept": run(())}
        seconds["written"] = run([stack.enter_context(open(os.path.join(folder, str(i)), "wb")) for i in range(len(kept))])
    return seconds


def onnxruntime_seconds(model, images, batch, threads):
    import peers

    x = np.load(images)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir="/dev/shm") as written:
        every, raw = os.path.join(folder, "all.onnx"), os.path.join(folder, "x")
        peers.with_all_outputs(model, every)
        x.tofile(raw)
        return peers.ask_onnxruntime({
            "model": every, "threads": threads, "optimize": True, "time": written, "samples": len(x) // batch,
            "inputs": [{"name": "pixels", "type": "float32", "shape": [batch, *x.shape[1:]], "file": raw}]})["seconds"]


def export(name, path):
    import torch

    import networks

    model, shape = networks.make(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.rand(1, *shape), path, opset_version=13, input_names=["pixels"],
                          do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
                          dynamic_axes={"pixels": {0: "n"}})
    return shape


def main():
    sys.path.insert(0, os.path.join(HERE, os.pardir, "tests", "oracle"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--networks", default="resnet18-224,mobilenet-v2-224")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # this program again, as one of the sides
    given = parser.parse_args()
    if given.one:
        print(json.dumps({"nnpeek": nnpeek_seconds, "PyTorch": pytorch_seconds, "ONNX Runtime": onnxruntime_seconds}[
            json.loads(given.one)[0]](*json.loads(given.one)[1:])))
        return
    if given.images % given.batch:
        sys.exit("--images must be a multiple of --batch")
    print(f"images a second, every tensor written or kept, {given.images} images in batches of {given.batch}, "
          f"medians of {given.runs} runs; ratio: time of the other against nnpeek's (above 1: nnpeek is faster)\n")
    print("| network | threads | nnpeek | PyTorch | ONNX Runtime | PyTorch : nnpeek | ONNX Runtime : nnpeek | PyTorch, kept "
          "| ONNX Runtime, kept |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.networks.split(","):
            model, images = os.path.join(folder, f"{name}.onnx"), os.path.join(folder, f"{name}.npy")
            shape = export(name, model)
            np.save(images, np.random.default_rng(0).random((given.images, *shape)).astype(np.float32))
            for threads in map(int, given.threads.split(",")):
                seconds = {"nnpeek": [], "PyTorch": [], "ONNX Runtime": []}
                for _ in range(given.runs):
                    for side, times in seconds.items():
                        job = [side, name if side == "PyTorch" else model, images, given.batch, threads]
                        done = subprocess.run([sys.executable, __file__, "--one", json.dumps(job)], check=True, text=True,
                                              stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
                        times.append(json.loads(done.stdout))
                a, b, c = (statistics.median(t["written"] for t in times) for times in seconds.values())
                kept = [statistics.median(t["kept"] for t in seconds[side]) for side in ("PyTorch", "ONNX Runtime")]
                print(f"| {name} | {threads} | {given.images / a:.1f} | {given.images / b:.1f} | {given.images / c:.1f} | "
                      f"{b / a:.2f} | {c / a:.2f} | {given.images / kept[0]:.1f} | {given.images / kept[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
