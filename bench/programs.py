"""Running nnpeek and the peers for bench/fit.py: every run gives [seconds, relative error] along its way, and peak memory."""
import json
import os
import subprocess
import sys

import fit_data

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")
ROOFLINE = os.environ.get("NNPEEK_ROOFLINE", os.path.join(os.path.dirname(NNPEEK), "bench", "roofline"))
HERE = os.path.dirname(os.path.abspath(__file__))


# Linux counts the peak memory of a process from before exec() on, so that it is never below that of the process it was forked
# from: nnpeek is started by a small one.
LAUNCHER = """
import os, sys, time
begin = time.perf_counter()
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print()
print(time.perf_counter() - begin, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run_nnpeek(*arguments):
    """Its --json answer, wall time in seconds, peak memory in MB."""
    done = subprocess.run([sys.executable, "-ISc", LAUNCHER, NNPEEK, *map(str, arguments), "--quiet", "--json"],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"nnpeek {' '.join(map(str, arguments))} failed")
    *answer, measured = done.stdout.strip().splitlines()
    seconds, memory = map(float, measured.split())
    return json.loads("\n".join(answer)), seconds, memory


def nnpeek(*arguments):
    return run_nnpeek(*arguments)[0]


def read_fit(folder, rank):
    with open(f"{folder}/fit/rank-{rank}/fit.json") as file:
        return json.load(file)


def trace_of(fit):
    """[seconds, relative error, iterations since the last] of every iteration on the data; the last error is that of the written
    matrices. Where fit.json tells no times, iterations are taken as equally long, and of a fit with a sketch the end is known."""
    square, count = sum(b["norm"] ** 2 for b in fit["blocks"]), len(fit["objective"])
    times = fit.get("times") or [fit["seconds"] * (i + 1) / count for i in range(count)]
    trace = [[t, (j / square) ** 0.5, 1] for t, j in zip(times, fit["objective"])]
    trace[-1][1] = fit["relative_error"]
    return trace if "times" in fit or not fit["sketch"] else [[fit["seconds"], fit["relative_error"], count]]


class Nnpeek:
    """nnpeek with some flags; shared: from the random start of the peers, which goes without a sketch."""

    def __init__(self, flags, shared=False):
        self.flags, self.shared = flags, shared

    def fit(self, folder, rank, seed, threads, limit, _):
        given = fit_data.about(folder)["given"]
        init = ["--init", fit_data.write_start(folder, rank, seed)] if self.shared else ["--seed", seed]
        _, _, memory = run_nnpeek("fit", *given, "--ranks", rank, "--threads", threads, "--time-limit", limit, *init,
                                  *self.flags, "-o", f"{folder}/fit")
        fit = read_fit(folder, rank)
        return {"trace": trace_of(fit), "memory": memory, "stop": fit["stop"]}

    def close(self):
        pass


class Peer:
    """A peer in processes of its own, one for each data set, rank and number of threads, as long as these are asked for."""

    def __init__(self, method):
        self.method, self.key, self.process = method, None, None

    def fit(self, folder, rank, seed, threads, limit, target):
        if self.key != (folder, rank, threads):
            self.close()
            self.key = folder, rank, threads
            self.process = subprocess.Popen([sys.executable, f"{HERE}/peers.py", folder, self.method, str(rank)], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=with_threads(threads))
        print(json.dumps({"seed": seed, "limit": limit, "target": target}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        answer["stop"] = "target" if answer["trace"][-1][1] <= target else "time"
        return answer

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
        self.key = self.process = None


def with_threads(threads):
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}


def ask_peers(what, threads):
    """The answer of bench/peers.py to a question about itself."""
    done = subprocess.run([sys.executable, f"{HERE}/peers.py", what], check=True, text=True, stdout=subprocess.PIPE,
                          env=with_threads(threads))
    return json.loads(done.stdout)


def peer_versions():
    return ask_peers("versions", 1)


def machine_limits(threads):
    """GFLOP/s and GB/s: of NumPy always, and of our own roofline program where it is built."""
    found = ask_peers("limits", threads)
    if os.access(ROOFLINE, os.X_OK):
        done = subprocess.run([ROOFLINE, "--json", "--threads", str(threads)], text=True, stdout=subprocess.PIPE,
                              env=with_threads(threads))
        ours = json.loads(done.stdout) if done.returncode == 0 else {}
        if ours.get("threads") == threads:
            found["fma_gflops"] = ours["fma_gflops"]
            found["read_gbs"] = max(found["read_gbs"], ours["read_gbs"])
    return found
