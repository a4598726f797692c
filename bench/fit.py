"""The factorisation against its peers: milliseconds an iteration, seconds to a quality, a sweep of models, memory; with the
machine's limits. All is measured in one run, in turns.

    NNPEEK=build/nnpeek python3 bench/fit.py [--quick] [-o RESULTS.json] [--plot FILE.svg] ...
    python3 bench/fit.py --show RESULTS.json [--plot FILE.svg]     the tables and the plot of an earlier run

Data: MNIST where NNPEEK_DATA has it (test images and the activations of the paper's network, trained here), a generated matrix,
and strokes that nnpeek draws. The first data set is measured with every number of threads, and in the sweep; the others with
the first number, and half the time limit. Every time is that of the factorisation alone, without reading and writing.

Methods: "nnpeek" is the program as it comes, on a sketch first; of this, "the flags that suit" are the best for each quality of
a few settings of --accuracy and --tolerance. "nnpeek exact" and "nnpeek mu" go without a sketch. The peers (bench/peers.py) are
scikit-learn's two solvers, ristretto's randomised HALS as published, and HALS in NumPy. All of the latter start from the same
random matrices; sketched fits draw their own. Only a fit that was run with its default stop rule counts as "nnpeek".

e* is the least relative error that any run found, long ones included: nnpeek, exact, 2,000 iterations from several starts, and
scikit-learn cd. A time to 1.01 e* is the first moment at which the error of the whole is at most that; the median over the starts,
where one that does not arrive counts as longer than any. Peers are watched until they are at 1.0005 e* or their time is up."""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile

import fit_data
import fit_plot
import fit_tables
from programs import NNPEEK, Nnpeek, Peer, machine_limits, nnpeek, peer_versions, read_fit, run_nnpeek

EFFORTS = (["--accuracy", "fast", "--tolerance", "1e-3"], ["--accuracy", "fast", "--tolerance", "1e-4"],
           ["--accuracy", "fast", "--tolerance", "1e-5"], ["--tolerance", "1e-4"], ["--tolerance", "1e-6"], ["--tolerance", "1e-7"])
# The methods, and the share of the time limit that each may take.
METHODS = {
    fit_tables.DEFAULT: (Nnpeek([]), 1),
    **{"nnpeek " + " ".join(flags): (Nnpeek(flags), 1) for flags in EFFORTS},
    fit_tables.EXACT: (Nnpeek(["--iterations", 2000, "--tolerance", "1e-6"], shared=True), 1 / 6),
    fit_tables.MU: (Nnpeek(["--rule", "mu", "--iterations", 10000, "--tolerance", 0], shared=True), 1 / 12),
    fit_tables.CD: (Peer("cd"), 1),
    fit_tables.PEER_MU: (Peer("mu"), 1 / 6),
    fit_tables.RANDOMISED: (Peer("rhals"), 1 / 3),
    fit_tables.HALS: (Peer("hals"), 1 / 6),
}
LONG = Nnpeek(["--accuracy", "exact", "--iterations", 2000, "--tolerance", "1e-8"])
WATCHED_TO = 1.0005


def note(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.results = {"options": {key: vars(given)[key] for key in ("runs", "ranks", "threads", "limit", "quick")},
                        "machine": describe_machine(), "limits": {}, "data": {}, "runs": [], "sweeps": []}

    def keep(self):
        """Written as it grows: what an interrupted run has measured can be shown."""
        if self.given.output:
            with open(self.given.output + ".tmp", "w") as file:
                json.dump(self.results, file)
            os.replace(self.given.output + ".tmp", self.given.output)

    def fit(self, program, method, data, rank, seed, threads, limit, target=0.0):
        run = program.fit(f"{self.folder}/{data}", rank, seed, threads, limit, target)
        run.update(method=method, data=data, rank=rank, seed=seed, threads=threads)
        self.results["runs"].append(run)
        note(f"{data}, {threads} threads, k = {rank}, start {seed}, {method}: {len(run['trace'])} points in "
             f"{run['trace'][-1][0]:.2f} s, error {run['trace'][-1][1]:.5f}, {run['memory']:.0f} MB")
        return run["trace"][-1][1]

    def find_best(self, data, rank, limit):
        """The long runs that e* comes from, on all threads."""
        cores = os.cpu_count()
        for seed in range(self.given.long):
            self.fit(LONG, "long nnpeek", data, rank, 1000 + seed, cores, limit / 2)
        peer = Peer("cd")
        self.fit(peer, "long cd", data, rank, 1000, cores, limit / 2)
        peer.close()

    def race(self, data, rank, threads, limit):
        """All methods in turns, start after start."""
        target = WATCHED_TO * fit_tables.best_error(self.results, data, rank)
        for seed in range(self.given.runs):
            for method, (program, share) in METHODS.items():
                if method in self.given.methods:
                    self.fit(program, method, data, rank, seed, threads, share * limit, target)
        for program, _ in METHODS.values():
            program.close()
        self.keep()

    def sweep(self, data, threads):
        """The ranks and restarts of --sweep: nnpeek's one call, and scikit-learn cd to the same quality."""
        ranks, restarts, folder = self.given.sweep, self.given.restarts, f"{self.folder}/{data}"
        found, memory = [], 0
        for _ in range(3):
            _, seconds, peak = run_nnpeek("fit", *fit_data.about(folder)["given"], "--ranks", ",".join(map(str, ranks)),
                                          "--restarts", restarts, "--threads", threads, "-o", f"{folder}/fit")
            found.append(seconds)
            memory = max(memory, peak)
            note(f"{data}, {threads} threads, the sweep: {seconds:.2f} s")
        within, peers = 0, []
        for rank in ranks:
            errors = [start["relative_error"] for start in read_fit(folder, rank)["starts"]]
            within += sum(e <= 1.01 * min(errors) for e in errors)
            peer = Peer("cd")
            fits = [peer.fit(folder, rank, seed, threads, self.given.limit, 1.01 * min(errors)) for seed in range(restarts)]
            peer.close()
            peers.append({"rank": rank, "errors": errors, "seconds": [fit["trace"][-1][0] for fit in fits],
                          "missed": sum(fit["stop"] == "time" for fit in fits)})
            note(f"{data}, {threads} threads, the sweep, k = {rank}, scikit-learn cd: {sum(peers[-1]['seconds']):.2f} s")
        self.results["sweeps"].append({"data": data, "threads": threads, "ranks": ranks, "restarts": restarts, "seconds": found,
                                       "memory": memory, "within": within, "peer": peers})
        self.keep()

    def run(self):
        first = True
        for threads in self.given.threads:
            self.results["limits"][str(threads)] = machine_limits(threads)
        say(fit_tables.head(self.results))
        for data in self.given.data:
            about = fit_data.make(data, nnpeek, f"{self.folder}/{data}", self.given.samples, self.given.quick)
            if not about:
                continue
            self.results["data"][data] = about
            limit = self.given.limit / (1 if first else 2)
            for rank in self.given.ranks:
                self.find_best(data, rank, limit)
            for threads in self.given.threads[:None if first else 1]:
                for rank in self.given.ranks:
                    self.race(data, rank, threads, limit)
                if first and self.given.sweep:
                    self.sweep(data, threads)
            first = False
            say(fit_tables.data_tables(self.results, data))


def say(lines):
    print("\n".join(lines), flush=True)


def describe_machine():
    with open("/proc/cpuinfo") as file:
        processor = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    version = subprocess.run([NNPEEK, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {"processor": processor, "cores": os.cpu_count(), "load": os.getloadavg()[0],
            "versions": f"{version}, {peer_versions()}"}


def numbers(text):
    """'10,20,50' or '10:50:10', as nnpeek reads ranks."""
    if ":" not in text:
        return [int(part) for part in text.split(",")]
    first, last, by = map(int, text.split(":"))
    return list(range(first, last + 1, by))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under two minutes: small data, few ranks and starts")
    parser.add_argument("--data", help="data sets in order (default: mnist,generated,strokes; where MNIST is missing, without)")
    parser.add_argument("--samples", type=int, help="of each data set (default 10000; quick: 2000)")
    parser.add_argument("--ranks", type=numbers, help="default 10,20,50 (quick: 10)")
    parser.add_argument("--threads", type=numbers, help="default 1,2 (quick: 1)")
    parser.add_argument("--runs", type=int, help="starts (default 5; quick: 3)")
    parser.add_argument("--limit", type=float, help="seconds of a scikit-learn cd run; others get a part (default 30; quick: 4)")
    parser.add_argument("--long", type=int, help="long nnpeek runs for e* (default 2; quick: 1)")
    parser.add_argument("--methods", help=f"some of: {', '.join(METHODS)}")
    parser.add_argument("--sweep", type=numbers, help="ranks of the sweep; 0: none (default 10:50:10; quick: 4:12:4)")
    parser.add_argument("--restarts", type=int, help="starts of each rank of the sweep (default 4; quick: 2)")
    parser.add_argument("-o", "--output", help="file for all that was measured, JSON")
    parser.add_argument("--plot", help="file for the plot, SVG")
    parser.add_argument("--show", help="only show the results in this file")
    given = parser.parse_args()
    quick, full = ({"data": "mnist,generated,strokes", "samples": 2000, "ranks": [10], "threads": [1], "runs": 3, "limit": 4,
                    "long": 1, "sweep": [4, 8, 12], "restarts": 2},
                   {"data": "mnist,generated,strokes", "samples": 10000, "ranks": [10, 20, 50], "threads": [1, 2], "runs": 5,
                    "limit": 30, "long": 2, "sweep": [10, 20, 30, 40, 50], "restarts": 4})
    for key, value in (quick if given.quick else full).items():
        if getattr(given, key) is None:
            setattr(given, key, value)
    given.data = given.data.split(",")
    given.methods = given.methods.split(",") if given.methods else list(METHODS)
    given.sweep = [] if given.sweep == [0] else given.sweep
    return given


def main():
    given = arguments()
    if given.show:
        with open(given.show) as file:
            results = json.load(file)
        say(fit_tables.head(results))
        for data in results["data"]:
            say(fit_tables.data_tables(results, data))
    else:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(given, folder)
            bench.run()
            bench.keep()
            results = bench.results
    if given.plot:
        with open(given.plot, "w") as file:
            file.write(fit_plot.draw(results, results["options"]["threads"][0]))


if __name__ == "__main__":
    main()
