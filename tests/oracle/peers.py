"""Every tensor of a network as independent programs see it: ONNX Runtime, and PyTorch through hooks on its modules."""
import json
import os
import re
import subprocess
import tempfile

import numpy as np
import onnx
import torch

NODE = os.environ.get("NNPEEK_NODE", "node")
MODULES = os.environ.get("NNPEEK_ORACLE", "build/oracle")  # the folder with node_modules


def with_all_outputs(path, output):
    """Writes the network with every tensor that a node makes as an output."""
    model = onnx.load(path)
    there = {value.name for value in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in there and node.op_type != "Constant":
                model.graph.output.append(onnx.ValueInfoProto(name=name))
                there.add(name)
    onnx.save(model, output)


def from_samples(graph):
    """The tensors of a graph that depend on the values of its inputs, not only on their shapes."""
    weights = {weight.name for weight in graph.initializer}
    known = {value.name for value in graph.input} - weights
    for node in graph.node:
        if node.op_type not in ("Shape", "Size") and known.intersection(node.input):
            known.update(node.output)
    return known


def ask_onnxruntime(job):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"modules": MODULES, **job}, file)
        file.flush()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnxruntime.mjs")
        done = subprocess.run([NODE, script, file.name], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"ONNX Runtime on {job['model']}: {done.stderr}")
        return json.loads(done.stdout)


def by_onnxruntime(path, inputs):
    """name -> T x values, for every float tensor; inputs: name -> T x one sample's shape."""
    with tempfile.TemporaryDirectory() as folder:
        model, output = os.path.join(folder, "all.onnx"), os.path.join(folder, "tensors")
        with_all_outputs(path, model)
        given = []
        for i, (name, x) in enumerate(inputs.items()):
            file = os.path.join(folder, f"{i}.raw")
            x.tofile(file)
            given.append({"name": name, "type": str(x.dtype), "shape": [1, *x.shape[1:]], "file": file})
        samples = len(x)
        found = ask_onnxruntime({"model": model, "inputs": given, "samples": samples, "output": output})["tensors"]
        values = np.fromfile(output, np.float32)
    tensors, shapes = {}, {}
    for tensor in found:
        size, start = int(np.prod(tensor["shape"])), tensor["start"] // 4
        tensors[tensor["name"]] = values[start:start + samples * size].reshape(samples, size)
        shapes[tensor["name"]] = tensor["shape"]
    return tensors, shapes


def module_of(node_name):
    """'/layers/layers.1/layers.1.0/relu_1/Relu' -> ('layers.1.0.relu', 1): PyTorch's exporter names nodes by scopes."""
    parts = []
    for part in node_name.split("/")[1:-1]:
        if parts and part.startswith(parts[-1] + "."):
            parts[-1] = part
        else:
            parts.append(part)
    path = ".".join(parts)
    again = re.fullmatch(r"(.*)_(\d+)", path)
    return (again[1], int(again[2])) if again else (path, 0)


def by_pytorch(model, graph, x):
    """name -> T x values, for the outputs of modules, by forward hooks; and the modules without a tensor in the graph.

    The last node of a module's scope makes its output."""
    last = {}
    for node in graph.node:
        if node.name.startswith("/"):
            last[module_of(node.name)] = node.output[0]
    calls, values, handles = {}, {}, []

    def hook(path):
        def record(_, __, out):
            out = out[0] if isinstance(out, tuple) else out
            call = calls.get(path, 0)
            calls[path] = call + 1
            # A copy: an activation in place would write over it.
            values.setdefault((path, call), []).append(out.detach().numpy().reshape(1, -1).copy())
        return record

    for path, module in model.named_modules():
        if not list(module.children()) or isinstance(module, torch.nn.MultiheadAttention):
            handles.append(module.register_forward_hook(hook(path)))
    with torch.no_grad():
        for sample in x:
            calls.clear()
            model(torch.tensor(sample[None]))
    for handle in handles:
        handle.remove()
    found = {last[key]: np.concatenate(rows) for key, rows in values.items() if key in last}
    return found, [path for path, call in values if (path, call) not in last]
