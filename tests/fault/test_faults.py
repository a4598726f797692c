"""Every call of the system that nnpeek makes is made to fail, one a run, in a small run of each verb; see docs/architecture.md.

    test_faults.py                     the default: a spread over the places in the code that make such calls
    test_faults.py --distinct          the first call by each way through the code
    test_faults.py --all               every call there is: hours
    test_faults.py [--all] fit alloc   only that verb, only that kind of calls
    test_faults.py fit alloc 17 once   one run, told in full, with whole stacks of what is left

Each run must end by itself, with status 0, 1 or 2; where it is not 0, with one sentence on standard error; without memory,
files, folders or mappings left; with every file under its name either the older one, unharmed, or the new one, whole;
and with nothing under a temporary name. Where it is 0, everything must be as if nothing had failed."""
import concurrent.futures
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np

NNPEEK = os.path.abspath(os.environ.get("NNPEEK", "build/nnpeek"))
INTERPOSER = os.path.abspath(os.environ.get("NNPEEK_INTERPOSER", "build/tests/libinterpose.so"))
KINDS = ("alloc", "open", "read", "write", "sync", "map", "rename", "stat")
MODES = {"read": ("once", "short"), "write": ("once", "short", "on"), "alloc": ("once", "on")}
NO_SPACE = 28
COMMON = ("--threads", "1", "--quiet")

# What each verb is called with, which folders it writes as one, and how many runs of each kind and mode the default test
# has.
VERBS = {
    "layers": (("layers", "net.onnx", "--json"), (), 5),
    "data-list": (("data", "list", "--data-dir", "data", "--json"), (), 3),
    "data-make": (("data", "make", "strokes", "--samples", "7", "-o", "made"), ("made",), 4),
    "train": (("train", "paper", "--data", "mnist", "--data-dir", "data", "--epochs", "2", "--batch", "8", "--curve", "curve.csv",
               "--keep-epochs", "epochs", "-o", "out.onnx", "--json"), (), 4),
    "capture": (("capture", "net.onnx", "--data", "images.npy", "--labels", "labels.txt", "-o", "capture", "--json"),
                ("capture",), 4),
    "fit": (("fit", "blocks", "--ranks", "2,3", "--iterations", "8", "--rule", "hals", "--checkpoint-every", "0", "-o", "fit",
             "--json"),
            ("fit/rank-2", "fit/rank-3"), 3),
    "measure": (("measure", "run", "--network", "net.onnx", "--choose-rank", "--ranks", "1,2", "--json"), (), 3),
    "report": (("report", "run", "-o", "report.html", "--json"), (), 3),
    "inspect": (("inspect", "net.onnx", "pictures", "--samples", "8", "--ranks", "2", "--measures", "basic",
                 "--checkpoint-every", "0", "-o", "i.html", "--json"),
                ("i/capture", "i/fit"), 2),
    "demo": (("demo", "--data-dir", "data", "-o", "demo"), ("demo/capture", "demo/fit"), 1),
    "study": (("study", "recipe.json", "--seeds", "1", "--data-dir", "data", "-o", "study", "--json"), (), 1),
}

# Files that are written again and again on the way, and what is called to go on from there.
STEPS = {
    "capture": (("capture.partial",), ("--resume",)),
    "train": (("curve.csv", "out.onnx.checkpoint"), ("--resume",)),
    "fit": (("fit/fit.checkpoint", "fit/fit.checkpoint.sketch"), ("--resume",)),
    "measure": (("run/measures.json",), ()),
    "inspect": (("i/measures.json", "i/capture.partial", "i/fit.partial"), ("--resume",)),
    "demo": (("demo/measures.json", "demo/capture.partial", "demo/fit.partial"), ()),
    "study": (("study",), ("--resume",)),
}


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if k not in ("NNPEEK_DATA", "XDG_CACHE_HOME", "LD_PRELOAD")}
    return {**kept, "GOMP_SPINCOUNT": "1000", "HOME": "/nonexistent", **more}


def nnpeek(folder, *arguments, **more):
    return subprocess.run([NNPEEK, *arguments, *COMMON], cwd=folder, env=environment(**more), capture_output=True, timeout=120)


# --- what the runs need ---------------------------------------------------------------------------------------------

def write_idx(path, array):
    with open(path, "wb") as file:
        file.write(struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def write_png(path, array):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *array.shape[::-1], 8, 0, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_inputs(folder):
    """A tiny MNIST, a network, a run, blocks, pictures, a recipe."""
    random = np.random.default_rng(5)
    os.makedirs(os.path.join(folder, "data", "mnist"))
    for split, count in (("train", 24), ("t10k", 16)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = random.integers(0, 255, (count, 28, 28)).astype(np.uint8) // (1 + labels[:, None, None] % 3)
        write_idx(os.path.join(folder, "data", "mnist", f"{split}-images-idx3-ubyte"), images)
        write_idx(os.path.join(folder, "data", "mnist", f"{split}-labels-idx1-ubyte"), labels)
    np.save(os.path.join(folder, "images.npy"), random.random((9, 28, 28)).astype(np.float32))
    with open(os.path.join(folder, "labels.txt"), "w") as file:
        file.write("".join(f"name {i % 3}\n" for i in range(9)))
    os.makedirs(os.path.join(folder, "pictures"))
    for i in range(8):
        write_png(os.path.join(folder, "pictures", f"{i}.png"), random.integers(0, 255, (28, 28), dtype=np.uint8))
    with open(os.path.join(folder, "recipe.json"), "w") as file:
        file.write('{"name": "tiny", "title": "Tiny", "about": "Tiny.", "samples": 12, "network": "paper", "data": "mnist", "ranks": "2", '
                   '"fits": [{"name": "mu", "rule": "mu", "iterations": 5, "tolerance": 0}], "networks": [{"name": "half", '
                   '"fraction": 0.5}, {"name": "all"}], "figures": [{"label": "Figure 3", "what": "rmse"}, '
                   '{"label": "Figure 5", "what": "spectrum", "block": "relu2"}]}')
    for command in (("train", "paper", "--data", "mnist", "--data-dir", "data", "--batch", "8", "-o", "net.onnx"),
                    ("capture", "net.onnx", "--data", "images.npy", "-o", "blocks"),
                    ("inspect", "net.onnx", "mnist", "--data-dir", "data", "--ranks", "2,3", "--measures", "basic", "--run", "run",
                     "-o", "old.html")):
        done = nnpeek(folder, *command)
        assert done.returncode == 0, (command, done.stderr)
    os.unlink(os.path.join(folder, "old.html"))


# --- what is there after a run ---------------------------------------------------------------------------------------

CLOCKS = re.compile(rb'("(?:[a-z_]*seconds|times)":\s*)(?:[-+.e0-9]+|\[[-+.e0-9,\s]*\])')

# Dates, and digests of documents that hold dates and times.
DATES = re.compile(rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=digest":)\s*"[0-9a-f]{16}"')


def plain(name, content):
    """Content without what a clock says."""
    if name.endswith((".json", ".html")) or name == "standard output":
        return DATES.sub(b"then", CLOCKS.sub(rb"\1 0", content))
    if name.endswith(".csv"):
        lines = content.split(b"\n")
        places = [i for i, title in enumerate(lines[0].split(b",")) if b"seconds" in title]
        return [[v for i, v in enumerate(line.split(b",")) if i not in places] for line in lines]
    return content


def snapshot(folder):
    found = {}
    for top, folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = plain(name, file.read())
        if not folders and not names:
            found[os.path.relpath(top, folder) + "/"] = None
    return found


class Verb:
    """One verb: its call, what it does to a folder that holds older results, and how to look at a run of it."""

    def __init__(self, name, inputs, home):
        self.name, (self.call, self.whole, self.spread) = name, VERBS[name]
        self.steps, self.go_on = STEPS.get(name, ((), ()))
        self.begin = os.path.join(home, name + "-begin")
        self.home = home
        shutil.copytree(inputs, self.begin)
        # Older results, of another seed where that makes a difference.
        done = nnpeek(self.begin, *self.call, "--seed", "1")
        assert done.returncode == 0, done.stderr
        self.before = snapshot(self.begin)
        folder = os.path.join(home, name + "-clean")
        shutil.copytree(self.begin, folder)
        done = nnpeek(folder, *self.call)
        assert done.returncode == 0 and not done.stderr, done.stderr
        self.after, self.output = snapshot(folder), plain("standard output", done.stdout)
        shutil.rmtree(folder)
        self.free = []

    def take(self):
        """A folder as it is before the run."""
        if self.free:
            return self.free.pop()
        folder = tempfile.mkdtemp(prefix=self.name + "-", dir=self.home)
        shutil.copytree(self.begin, folder, dirs_exist_ok=True)
        return folder

    def give(self, folder, found):
        if found == self.before:
            self.free.append(folder)
        else:
            shutil.rmtree(folder)

    def run(self, kinds, nth, mode="once", reason=0, **more):
        """(what is wrong with it, the report's lines)"""
        folder = self.take()
        report = tempfile.mktemp(prefix="report-", dir=self.home)
        settings = {"FAULT_KINDS": kinds, "FAULT_NTH": str(nth), "FAULT_MODE": mode, "FAULT_ERRNO": str(reason),
                    "FAULT_REPORT": report, "LD_PRELOAD": INTERPOSER, **more}
        try:
            done = nnpeek(folder, *self.call, **settings)
        except subprocess.TimeoutExpired:
            return ["it does not end"], []
        lines = []
        if os.path.exists(report):
            with open(report) as file:
                lines = file.read().splitlines()
            os.unlink(report)
        found = snapshot(folder)
        wrong = self.judge(done, lines, found, kinds)
        half = any(self.a_step(name) and found[name] not in (self.before.get(name, 0), self.after.get(name, 0)) for name in found)
        if not wrong and half:
            again = nnpeek(folder, *self.call, *self.go_on)
            there = snapshot(folder)
            others = sorted(n for n in {*there, *self.after} if there.get(n, 0) != self.after.get(n, 0))
            if again.returncode or others:
                wrong = [f"it cannot go on: {again.stderr.decode()} (after {done.stderr.decode()}): {' '.join(others[:6])}"]
        self.give(folder, found)
        return wrong, lines

    def a_step(self, name):
        return any(name == step or name.startswith(step + "/") for step in self.steps) and \
            "/.nnpeek-" not in name and not name.endswith(".partial/")

    def judge(self, done, lines, found, kinds):
        said = done.stderr.decode(errors="replace")
        if done.returncode < 0:
            return [f"ended by signal {-done.returncode}: {said}"]
        if not lines:
            return [f"ended without its end ({done.returncode}): {said}"]
        wrong = [line for line in lines if line.startswith("left")]
        if done.returncode not in (0, 1, 2):
            wrong.append(f"status {done.returncode}")
        verb = self.call[0]
        if done.returncode == 0 and re.search(rb'"failed":\s*[1-9]', done.stdout):
            return wrong  # a study goes on without a run, and says so; --resume makes it
        if done.returncode == 0:
            if said:
                wrong.append(f"status 0, but it says: {said}")
            if plain("standard output", done.stdout) != self.output:
                wrong.append("status 0, but standard output is another")
            wrong += [f"status 0, but {name} is not what it should be" for name in sorted({*found, *self.after})
                      if found.get(name, 0) != self.after.get(name, 0)]
            return wrong
        if said.count("\n") != 1 or not said.startswith(f"nnpeek {verb}: "):
            wrong.append(f"not one sentence: {said!r}")
        elif re.search(r": \(null\)|Success|: $", said):
            wrong.append(f"a sentence without a reason: {said!r}")
        for name in sorted({*found, *self.before}):
            there, old, new = (k.get(name, 0) for k in (found, self.before, self.after))
            if there not in (old, new) and not self.a_step(name):
                wrong.append(f"{name} is {'gone' if there == 0 else 'neither the old nor the new one'} ({said.strip()})")
        for part in self.whole:
            inside = [name for name in {*self.before, *self.after} if name.startswith(part + "/")]
            if not any(all(found.get(n, 0) == kept.get(n, 0) for n in inside) for kept in (self.before, self.after)):
                wrong.append(f"{part} is a mixture of the old and the new one ({said.strip()})")
        return wrong

    def trace(self, kinds):
        """The digest of the way to every counted call of a clean run."""
        path = os.path.join(self.home, self.name + "-trace")
        wrong, lines = self.run(kinds, 0, FAULT_TRACE=path)
        with open(path) as file:
            ways = [line.split()[1] for line in file]
        assert not wrong, (self.name, "a clean run", wrong)
        assert ways or kinds not in ("alloc", "open"), (self.name, kinds, "nothing is counted")
        assert lines[0] == f"count {len(ways)}", (lines[0], len(ways))
        return ways


def real_faults(inputs, home):
    """What is wrong with runs that meet a real fault: a file that shrinks, changes or goes, a folder that goes, and files that
    may not grow. The moment is a numbered call, so that it is the same every time."""
    array = np.load(os.path.join(inputs, "blocks", "relu1.npy"))
    np.save(os.path.join(inputs, "big.npy"), np.concatenate([np.abs(array) + 1] * 20))
    call = ("fit", "big.npy", "--ranks", "2,3", "--iterations", "20", "-o", "out")
    wrong = []

    def run(what, words, limit=None, **settings):
        folder = os.path.join(home, what)
        shutil.copytree(inputs, folder)
        before = snapshot(folder)
        done = subprocess.run([NNPEEK, *call, *COMMON], cwd=folder, capture_output=True, timeout=120,
                              env=environment(LD_PRELOAD=INTERPOSER, **settings),
                              preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
        said, found = done.stderr.decode(), snapshot(folder)
        new = sorted(name for name in found if name not in before)
        if done.returncode != 1 or said.count("\n") != 1 or not all(word in said for word in words) or new:
            wrong.append(f"{what}: status {done.returncode}, {said!r}, left {new}")
        shutil.rmtree(folder)

    middle = {"FAULT_KINDS": "alloc", "FAULT_NTH": "40"}
    run("shrinks", ("big.npy", "shrank"), FAULT_DO="truncate -s 5000 big.npy", **middle)
    run("changes", ("big.npy", "changed"), FAULT_DO="touch -d 2001-01-01 big.npy", **middle)
    run("goes", ("big.npy", "removed"), FAULT_DO="rm big.npy", **middle)
    run("folder-goes", ("out",), FAULT_KINDS="sync", FAULT_NTH="1", FAULT_DO="rm -r out")
    run("may-not-grow", ("File too large",), limit=400)
    return wrong


def choose(ways, most):
    """Numbers of calls: the first by each way, and of these `most` over the whole run."""
    first = {}
    for number, way in enumerate(ways, 1):
        first.setdefault(way, number)
    numbers = sorted(first.values())
    if len(numbers) <= most:
        return numbers
    return sorted({numbers[i * (len(numbers) - 1) // max(most - 1, 1)] for i in range(most)})


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    everything, distinct = "--all" in sys.argv, "--distinct" in sys.argv
    names = [arguments[0]] if arguments else list(VERBS)
    kinds = [arguments[1]] if len(arguments) > 1 else list(KINDS)
    with tempfile.TemporaryDirectory(prefix="nnpeek-faults-") as home:
        inputs = os.path.join(home, "inputs")
        os.makedirs(inputs)
        make_inputs(inputs)
        if len(arguments) > 2:
            verb = Verb(names[0], inputs, home)
            wrong, lines = verb.run(kinds[0], int(arguments[2]), *arguments[3:4], FAULT_STACKS="1")
            print("\n".join(lines + ["wrong: " + w for w in wrong]))
            return 1 if wrong else 0
        failures = runs = 0
        if not arguments:
            wrong = real_faults(inputs, home)
            print("real faults:", *(wrong or ["as they should be"]), sep="\n    ")
            failures = len(wrong)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name in names:
                verb = Verb(name, inputs, home)
                tasks = []
                for kind in kinds:
                    ways = verb.trace(kind)
                    for mode in MODES.get(kind, ("once",)):
                        most = len(ways) if everything or distinct else verb.spread
                        numbers = range(1, len(ways) + 1) if everything and mode == "once" else choose(ways, most)
                        reason = NO_SPACE if mode == "on" and kind == "write" else 0
                        for number in numbers:
                            tasks.append((kind, number, mode, pool.submit(verb.run, kind, number, mode, reason)))
                for kind, number, mode, task in tasks:
                    wrong, _ = task.result()
                    runs += 1
                    failures += bool(wrong)
                    if wrong:
                        print(f"{name} {kind} {number} {mode}:\n    " + "\n    ".join(wrong[:6]), flush=True)
                print(f"{name}: {len(tasks)} runs", flush=True)
        print(f"{runs} runs, {failures} wrong")
        return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
