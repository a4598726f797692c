"""The peers of bench/fit.py: scikit-learn's coordinate descent and multiplicative updates, and two algorithms in NumPy.

    python3 bench/peers.py FOLDER METHOD RANK

answers lines of JSON on standard input, one fit each ({"seed", "limit", "target"}), with the times and errors of its iterations.
A process of its own, so that its threads and its peak memory are its own. Only the factorisation is timed, the error is evaluated
in between. All work in float32 on the same X and from the same starts."""
import json
import math
import platform
import sys
import time

import numpy as np

import fit_data

OVERSAMPLING, POWER_ITERATIONS = 20, 2  # ristretto's defaults


class ScikitLearn:
    """The solvers behind sklearn.decomposition.NMF, without what it does around them: no checks of X, no stop rule (tol=0), no
    error before the first iteration."""

    def __init__(self, x, f, w, solver):
        from sklearn.decomposition import _nmf
        _nmf._beta_divergence = lambda *_, **__: 1.0  # asked for at the start of every call, and not used with tol=0
        self.fit = _nmf._fit_coordinate_descent if solver == "cd" else _nmf._fit_multiplicative_update
        self.x, self.f, self.h = x, f, np.ascontiguousarray(w.T)

    def iterate(self, count):
        self.f, self.h, _ = self.fit(self.x, self.f, self.h, tol=0, max_iter=count)

    def pair(self):
        return self.f, self.h.T


def descend(m, gram, numerator):
    """One sweep of coordinate descent over the rows of M (k x count): m_r <- max(0, m_r + (R_r - G_r M) / G_rr)."""
    for r in range(len(m)):
        if gram[r, r] > 0:
            np.maximum(m[r] + (numerator[r] - gram[r] @ m) / gram[r, r], 0, out=m[r])


class Hals:
    """A. Cichocki, A.-H. Phan, IEICE Transactions E92-A 2009, one sweep an iteration, as nonnegfac does it in NumPy."""

    def __init__(self, x, f, w):
        self.x, self.f, self.w = x, np.ascontiguousarray(f.T), np.ascontiguousarray(w.T)

    def iterate(self, count):
        for _ in range(count):
            descend(self.w, self.f @ self.f.T, self.f @ self.x)
            descend(self.f, self.w @ self.w.T, self.w @ self.x.T)

    def pair(self):
        return self.f.T, self.w.T


class RandomisedHals:
    """N. B. Erichson, A. Mendible, S. Wihlborn, J. N. Kutz, Randomized Nonnegative Matrix Factorization, Pattern Recognition
    Letters 2018, algorithm 1: with X close to Q B, Q (T x l) orthonormal, HALS on B (l x n), each new column of Q^T F led back
    through F = max(0, Q Q^T F)."""

    def __init__(self, x, f, w):
        self.x, self.f, self.w = x, np.ascontiguousarray(f.T), np.ascontiguousarray(w.T)
        self.b = None

    def compress(self):
        random, width = np.random.default_rng(0), len(self.f) + OVERSAMPLING
        y = self.x @ random.random((self.x.shape[1], width), np.float32)
        for _ in range(POWER_ITERATIONS):
            q, _ = np.linalg.qr(y)
            q, _ = np.linalg.qr(self.x.T @ q)
            y = self.x @ q
        q, _ = np.linalg.qr(y)
        self.b = q.T @ self.x
        self.q, self.qt = np.ascontiguousarray(q), np.ascontiguousarray(q.T)
        self.small = self.f @ self.q  # (Q^T F)^T

    def iterate(self, count):
        if self.b is None:
            self.compress()
        for _ in range(count):
            descend(self.w, self.f @ self.f.T, self.small @ self.b)
            gram, numerator = self.w @ self.w.T, self.w @ self.b.T
            for r in range(len(self.f)):
                if gram[r, r] > 0:
                    small = self.small[r] + (numerator[r] - gram[r] @ self.small) / gram[r, r]
                    np.maximum(small @ self.qt, 0, out=self.f[r])
                    self.small[r] = self.f[r] @ self.q

    def pair(self):
        return self.f.T, self.w.T


METHODS = {
    "cd": lambda x, f, w: ScikitLearn(x, f, w, "cd"),
    "mu": lambda x, f, w: ScikitLearn(x, f, w, "mu"),
    "hals": Hals,
    "rhals": RandomisedHals,
}


def relative_error(x, square, f, w):
    """||X - F W^T|| / ||X|| by the trace identity, sums in double."""
    explained = np.einsum("ij,ij->", x @ np.ascontiguousarray(w), f, dtype=np.float64)
    f, w = f.astype(np.float64), w.astype(np.float64)
    return math.sqrt((square - 2 * explained + np.vdot(f.T @ f, w.T @ w)) / square)


def fit(x, square, folder, method, rank, seed, limit, target):
    """[seconds, relative error] after every few iterations, until the target or the time limit is reached."""
    solver = METHODS[method](x, *fit_data.start(folder, rank, seed))
    passed, trace, chunk = 0, [], 1
    while not trace or (passed < limit and trace[-1][1] > target):
        begin = time.perf_counter()
        solver.iterate(chunk)
        passed += time.perf_counter() - begin
        trace.append([round(passed, 6), relative_error(x, square, *solver.pair()), chunk])
        chunk = min(5, max(1, len(trace) // 4))
    return trace


def limits():
    """What NumPy's BLAS reaches here: GFLOP/s of a large product, GB/s of reading memory; the best of several."""
    a = np.random.default_rng(0).random((2048, 2048)).astype(np.float32)
    v = np.ones(64 << 20, np.float32)
    best = [float("inf")] * 2
    for _ in range(7):
        for i, job in enumerate((lambda: a @ a, lambda: v @ v)):
            begin = time.perf_counter()
            job()
            best[i] = min(best[i], time.perf_counter() - begin)
    return {"sgemm_gflops": 2 * 2048 ** 3 / best[0] / 1e9, "read_gbs": v.nbytes / best[1] / 1e9}


def versions():
    import sklearn
    from threadpoolctl import threadpool_info  # scikit-learn needs it, so it is there
    blas = next((i for i in threadpool_info() if i["user_api"] == "blas"), {})
    return (f"scikit-learn {sklearn.__version__}, NumPy {np.__version__} on {blas.get('internal_api', 'an unknown BLAS')} "
            f"{blas.get('version', '')} for {blas.get('architecture', 'an unknown processor')}, Python {platform.python_version()}")


def peak_memory():
    """In MB, of this process alone (ru_maxrss would start from that of the process it was forked from)."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def main():
    if len(sys.argv) == 2:
        print(json.dumps({"limits": limits, "versions": versions}[sys.argv[1]]()))
        return
    folder, method, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
    x = np.load(f"{folder}/x.npy")
    square = float(np.einsum("ij,ij->", x, x, dtype=np.float64))
    for line in sys.stdin:
        job = json.loads(line)
        trace = fit(x, square, folder, method, rank, job["seed"], job["limit"], job["target"])
        print(json.dumps({"trace": trace, "memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
