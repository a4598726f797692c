"""The factorisation against scikit-learn: milliseconds an iteration, seconds to a quality, memory; with the machine's limits.

    NNPEEK=build/nnpeek python3 bench/fit.py [--quick] [--runs N] [--ranks 10,20,50] [--threads 1,2] [--samples N]

Data: the input and the activations of the paper's network, trained here, on MNIST where NNPEEK_DATA has it, else on strokes
that nnpeek draws. Both programs get the same float32 values and the same random starts, and every time is that of the
factorisation alone. "nnpeek" is the program as it comes, on a sketch first; "exact" is without. e* is the least relative error
that any method found. A time to 1.01 e* is that of a run of just as many
iterations as are needed; the median over --runs starts, where one that does not arrive counts as longer than any. All is
measured in this one run, in turns; prints Markdown."""
import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")
LEVELS = (1.05, 1.01, 1.001)


def nnpeek(*arguments):
    """Runs nnpeek; returns its peak memory in MB."""
    process = subprocess.Popen([NNPEEK, *map(str, arguments), "--quiet"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"nnpeek {' '.join(map(str, arguments))} failed")
    return usage.ru_maxrss / 1024


def make_data(folder, quick, samples):
    """A capture of input and activations; returns its name."""
    found = os.path.exists(os.path.join(os.environ.get("NNPEEK_DATA", ""), "mnist", "train-images-idx3-ubyte.gz"))
    data = "mnist" if found else "strokes"
    nnpeek("train", "paper", "--data", data, "-o", f"{folder}/paper.onnx", "--fraction", 0.2 if quick else 1)
    nnpeek("capture", f"{folder}/paper.onnx", "--data", f"{data}:test", "-o", f"{folder}/capture", "--samples", samples)
    return "MNIST" if found else "strokes"


def blocks(folder):
    with open(f"{folder}/capture/manifest.json") as file:
        entries = [b for b in json.load(file)["blocks"] if b.get("fit", True)]
    return [b["file"] for b in entries], [np.load(f"{folder}/capture/{b['file']}") for b in entries]


def write_start(folder, files, data, rank, seed):
    """A random start of the data's size, for both programs."""
    random = np.random.default_rng(seed)
    scale = np.sqrt(np.mean([x.mean() for x in data]) / rank)
    place = f"{folder}/start-{rank}-{seed}"
    os.makedirs(place, exist_ok=True)
    np.save(f"{place}/samples.npy", (scale * random.random((len(data[0]), rank))).astype(np.float32))
    for file, x in zip(files, data):
        np.save(f"{place}/{file}", (scale * random.random((x[0].size, rank))).astype(np.float32))


class Ours:
    def __init__(self, folder, rule, threads):
        self.folder, self.rule, self.threads, self.memory = folder, rule, threads, 0

    def fit(self, rank, seed, iterations):
        """Seconds, and the relative error after every iteration."""
        memory = nnpeek("fit", f"{self.folder}/capture", "--ranks", rank, "--rule", self.rule, "--iterations", iterations,
                        "--tolerance", 0, "--threads", self.threads, "--init", f"{self.folder}/start-{rank}-{seed}",
                        "-o", f"{self.folder}/fit")
        self.memory = max(self.memory, memory)
        with open(f"{self.folder}/fit/rank-{rank}/fit.json") as file:
            fit = json.load(file)
        square = sum(b["norm"] ** 2 for b in fit["blocks"])
        return fit["seconds"], [(j / square) ** 0.5 for j in fit["objective"]]

    def step(self, rank, seed, iterations):
        """Seconds of an iteration, without what is done once."""
        return (self.fit(rank, seed, iterations + 2)[0] - self.fit(rank, seed, 2)[0]) / iterations

    def trace(self, rank, seed, iterations, _):
        return self.fit(rank, seed, iterations)[1]

    def seconds_to(self, rank, seed, trace, target):
        reached = [i + 1 for i, e in enumerate(trace) if e <= target]
        return self.fit(rank, seed, reached[0])[0] if reached else float("inf")


class Sketched(Ours):
    """nnpeek as it comes, from its own random start: first on a sketch of the data. Runs that end earlier or later."""

    def trace(self, rank, seed, iterations, _):
        """(seconds, relative error) of runs of growing length."""
        found = []
        for accuracy, tolerance in (("fast", 1e-3), ("fast", 1e-4), ("fast", 1e-5), ("balanced", 1e-5), ("balanced", 1e-6)):
            memory = nnpeek("fit", f"{self.folder}/capture", "--ranks", rank, "--accuracy", accuracy, "--tolerance", tolerance,
                            "--iterations", iterations, "--threads", self.threads, "--seed", seed, "-o", f"{self.folder}/fit")
            self.memory = max(self.memory, memory)
            with open(f"{self.folder}/fit/rank-{rank}/fit.json") as file:
                fit = json.load(file)
            found.append((fit["seconds"], fit["relative_error"]))
        return found

    def seconds_to(self, rank, seed, trace, target):
        return min((seconds for seconds, e in trace if e <= target), default=float("inf"))


class Peer:
    """scikit-learn in a process of its own, so that its threads are as many as asked for."""

    def __init__(self, folder, rule, threads):
        self.folder, self.rule, self.threads, self.memory = folder, rule, threads, 0

    def ask(self, *arguments):
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "OPENBLAS_NUM_THREADS": str(self.threads)}
        done = subprocess.run([sys.executable, __file__, "--peer", self.folder, self.rule, *map(str, arguments)],
                              check=True, stdout=subprocess.PIPE, text=True, env=environment)
        answer = json.loads(done.stdout)
        self.memory = max(self.memory, answer["memory"])
        return answer["answer"]

    def step(self, rank, seed, iterations):
        return self.ask("step", rank, seed, iterations, 0)

    def trace(self, rank, seed, iterations, limit):
        """(seconds, relative error) every few iterations, until a time limit."""
        return self.ask("trace", rank, seed, iterations, limit)

    def seconds_to(self, rank, seed, trace, target):
        return next((seconds for seconds, e in trace if e <= target), float("inf"))


def peer_process(folder, rule, what, rank, seed, iterations, limit):
    import warnings

    if what == "limits":
        return limits()
    from sklearn.decomposition import non_negative_factorization
    warnings.simplefilter("ignore")
    files, data = blocks(folder)
    x = np.hstack([b.reshape(len(b), -1) for b in data])
    place = f"{folder}/start-{rank}-{seed}"
    f = np.load(f"{place}/samples.npy")
    h = np.ascontiguousarray(np.vstack([np.load(f"{place}/{file}") for file in files]).T)
    del data

    def run(f, h, count):
        start = time.perf_counter()
        f, h, _ = non_negative_factorization(x, W=f.copy(), H=h.copy(), n_components=int(rank), init="custom",
                                             solver=rule, tol=0, max_iter=count)
        return time.perf_counter() - start, f, h

    if what == "step":
        return (run(f, h, int(iterations) + 2)[0] - run(f, h, 2)[0]) / int(iterations)
    square, passed, trace = float(np.linalg.norm(x)) ** 2, 0, []
    while len(trace) * 5 < int(iterations) and passed < float(limit):
        seconds, f, h = run(f, h, 5)
        passed += seconds
        product = np.vdot(x @ h.T, f), np.vdot((f.T @ f).astype(np.float64), (h @ h.T).astype(np.float64))
        trace.append((passed, float(max(square - 2 * float(product[0]) + float(product[1]), 0) / square) ** 0.5))
    return trace


def limits():
    """GFLOP/s of a large sgemm and GB/s of reading memory: the best of several."""
    a = np.random.default_rng(0).random((1536, 1536)).astype(np.float32)
    v = np.ones(64 << 20, np.float32)
    best = [float("inf")] * 2
    for _ in range(5):
        for i, job in enumerate((lambda: a @ a, lambda: v @ v)):
            start = time.perf_counter()
            job()
            best[i] = min(best[i], time.perf_counter() - start)
    return 2 * 1536 ** 3 / best[0] / 1e9, v.nbytes / best[1] / 1e9


def show(seconds, unit=1, digits=2):
    return "never" if seconds == float("inf") else f"{seconds * unit:.{digits}f}"


def speed(given, folder, files, data, threads, say):
    rows, columns = len(data[0]), sum(x[0].size for x in data)
    flops, read = Peer(folder, "-", threads).ask("limits", 0, 0, 0, 0)
    say(f"\n### {threads} thread{'s' * (threads > 1)}: limits {flops:.0f} GFLOP/s (sgemm), {read:.1f} GB/s (reading)\n")
    say("| k | limit, ms an iteration | nnpeek mu | scikit-learn mu | ratio | nnpeek hals | scikit-learn cd | ratio |")
    say("|---|---|---|---|---|---|---|---|")
    for rank in given.ranks:
        limit = max(4 * rows * columns * rank / flops / 1e9, 4 * rows * columns / read / 1e9)
        programs = [Ours(folder, "mu", threads), Peer(folder, "mu", threads), Ours(folder, "hals", threads),
                    Peer(folder, "cd", threads)]
        times = [[] for _ in programs]
        for run in range(given.runs):
            for program, list_ in zip(programs, times):
                list_.append(program.step(rank, 0, 20 if given.quick else 10))
        mu, peer_mu, hals, cd = map(statistics.median, times)
        say(f"| {rank} | {limit * 1e3:.1f} | {mu * 1e3:.1f} | {peer_mu * 1e3:.1f} | {peer_mu / mu:.2f} | {hals * 1e3:.1f} "
            f"| {cd * 1e3:.1f} | {cd / hals:.2f} |")


def quality(given, folder, threads, say):
    names = [f"{level} e*" for level in LEVELS]
    say(f"\nSeconds to a quality, {threads} thread{'s' * (threads > 1)}:\n")
    say(f"| k | e* | method | {' | '.join(names)} | peak memory, MB |")
    say(f"|---|---|---|{'---|' * len(names)}---|")
    for rank in given.ranks:
        programs = {"nnpeek": (Sketched(folder, "hals", threads), given.iterations),
                    "nnpeek hals, exact": (Ours(folder, "hals", threads), given.iterations),
                    "nnpeek mu": (Ours(folder, "mu", threads), given.iterations),
                    "scikit-learn cd": (Peer(folder, "cd", threads), given.iterations)}
        if not given.quick:
            programs["scikit-learn mu"] = (Peer(folder, "mu", threads), given.iterations)
        traces = {name: [program.trace(rank, seed, iterations, given.limit) for seed in range(given.runs)]
                  for name, (program, iterations) in programs.items()}
        best = min(e if isinstance(e, float) else e[1] for list_ in traces.values() for trace in list_ for e in trace)
        medians = {}
        for name, (program, _) in programs.items():
            medians[name] = [statistics.median_high(program.seconds_to(rank, seed, trace, level * best)
                                                    for seed, trace in enumerate(traces[name])) for level in LEVELS]
            say(f"| {rank} | {best:.5f} | {name} | {' | '.join(map(show, medians[name]))} | {program.memory:.0f} |")
        ratios = [theirs / ours if max(ours, theirs) < float("inf") else None
                  for ours, theirs in zip(medians["nnpeek"], medians["scikit-learn cd"])]
        say(f"| {rank} | | ratio cd / nnpeek | {' | '.join(f'{r:.1f}' if r else '-' for r in ratios)} | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under two minutes: few samples, ranks, runs; one thread")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--ranks")
    parser.add_argument("--threads")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--iterations", type=int, help="at most, where the time to a quality is sought")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a peer is taken not to arrive")
    parser.add_argument("--peer", nargs=7, help=argparse.SUPPRESS)  # this program again, as the other side
    given = parser.parse_args()
    if given.peer:
        answer = peer_process(*given.peer)
        print(json.dumps({"answer": answer, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
        return
    given.runs = given.runs or (3 if given.quick else 5)
    given.ranks = [int(k) for k in (given.ranks or ("10,20" if given.quick else "10,20,50")).split(",")]
    threads = [int(t) for t in (given.threads or ("1" if given.quick else "1,2")).split(",")]
    given.iterations = given.iterations or (80 if given.quick else 300)
    import sklearn

    def say(text):
        print(text, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        name = make_data(folder, given.quick, given.samples or (2000 if given.quick else 10000))
        files, data = blocks(folder)
        rows, columns = len(data[0]), sum(x[0].size for x in data)
        for rank in given.ranks:
            for seed in range(given.runs):
                write_start(folder, files, data, rank, seed)
        with open("/proc/cpuinfo") as file:
            machine = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
        version = subprocess.run([NNPEEK, "--version"], capture_output=True, text=True).stdout.strip()
        say(f"{name}: {rows:,} samples, {columns:,} columns in {len(files)} blocks, {rows * columns * 4 / 2 ** 20:.0f} MB; "
            f"medians of {given.runs}.")
        say(f"{machine or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; {version}, "
            f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}.")
        for count in threads:
            speed(given, folder, files, data, count, say)
            quality(given, folder, count, say)


if __name__ == "__main__":
    main()
