"""Fits of data that memory cannot hold: seconds an iteration against what the disk and the arithmetic allow, and peak memory.

    NNPEEK=build/nnpeek python3 bench/stream.py --folder DIR [--samples 1000000] [--rank 20] [--iterations 6] [--memory 1G]

Makes two blocks of 784 and 1216 columns in DIR (8 GB with 1,000,000 samples; kept, and used again), and measures in one run
  disk         reading both files past the page cache, two readers, 8 MB at a time: bytes a second
  arithmetic   an iteration on data that are kept in memory (needs as much)
  streamed     an iteration with --memory, the files in the page cache as far as that holds them
  cold         the same within a control group (version 1) of 1.5 GB, page cache included, so that every pass is read from disk;
               left out where such groups cannot be made
All with --accuracy exact, so that every iteration is one over the data. An iteration: the median of the differences of the times
in fit.json. The ratio is to the slower of disk and arithmetic (data streamed from a cache: to the arithmetic)."""
import argparse
import json
import mmap
import os
import statistics
import subprocess
import threading
import time

import numpy as np

NNPEEK = os.environ.get("NNPEEK", "build/nnpeek")
COLUMNS = {"pixels": 784, "relu1": 1216}
GROUP = "/sys/fs/cgroup/memory/nnpeek-bench"
GROUP_BYTES = 1500 << 20


def make(folder, samples):
    """Non-negative data of rank 20 with noise, by pieces; written as a capture writes, front to back."""
    random, rank, piece = np.random.default_rng(0), 20, 20000
    loadings = {name: random.gamma(0.3, size=(rank, n)).astype(np.float32) for name, n in COLUMNS.items()}
    os.makedirs(folder, exist_ok=True)
    files = {}
    for name, n in COLUMNS.items():
        files[name] = open(f"{folder}/{name}.npy", "wb")
        np.lib.format.write_array_header_1_0(files[name], {"descr": "<f4", "fortran_order": False, "shape": (samples, n)})
    for first in range(0, samples, piece):
        count = min(piece, samples - first)
        f = random.gamma(0.3, size=(count, rank)).astype(np.float32)
        for name, n in COLUMNS.items():
            (f @ loadings[name] + random.random((count, n), dtype=np.float32) * 0.1).tofile(files[name])
    for file in files.values():
        file.flush()
        os.fsync(file.fileno())
        file.close()


def read_direct(path, first, last):
    handle, room = os.open(path, os.O_RDONLY | os.O_DIRECT), mmap.mmap(-1, 8 << 20)
    for at in range(first, last, len(room)):
        os.preadv(handle, [room], at)
    os.close(handle)


def disk_speed(paths):
    """Two readers, as two threads of a fit: bytes a second."""
    total, begin = 0, time.perf_counter()
    for path in paths:
        size = os.path.getsize(path)
        half = size // 2 >> 23 << 23
        readers = [threading.Thread(target=read_direct, args=(path, *part)) for part in ((0, half), (half, size))]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        total += size
    return total / (time.perf_counter() - begin)


def drop_cache(paths):
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def peak_of(process):
    """Highest resident size of a process, MB, looked up until it ends."""
    peak = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as file:
                lines = dict(line.split(":", 1) for line in file)
            peak = max(peak, int(lines["VmHWM"].split()[0]) / 1024)
        except (FileNotFoundError, KeyError, ProcessLookupError):
            pass
        time.sleep(0.1)
    return peak


def fit(given, memory, group=None):
    """-> seconds an iteration, peak memory in MB, seconds in all."""
    out = f"{given.folder}/fit"
    command = [NNPEEK, "fit", *(f"{given.folder}/{name}.npy" for name in COLUMNS), "-o", out, "--ranks", str(given.rank), "--tolerance",
               "0", "--accuracy", "exact", "--iterations", str(given.iterations), "--memory", memory, "--quiet"]
    if group:
        command = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh", *command]
    begin = time.perf_counter()
    process = subprocess.Popen(command)
    peak = peak_of(process)
    if process.returncode:
        raise SystemExit("nnpeek fit failed")
    with open(f"{out}/rank-{given.rank}/fit.json") as file:
        times = json.load(file)["times"]
    return statistics.median(np.diff(times)), peak, time.perf_counter() - begin


def cold_group():
    try:
        os.makedirs(GROUP, exist_ok=True)
        with open(f"{GROUP}/memory.limit_in_bytes", "w") as file:
            file.write(str(GROUP_BYTES))
        return GROUP
    except OSError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--samples", type=int, default=1000000)
    parser.add_argument("--rank", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--memory", default="1G")
    given = parser.parse_args()
    paths = [f"{given.folder}/{name}.npy" for name in COLUMNS]
    whole = sum(4 * n * given.samples for n in COLUMNS.values())
    if not all(os.path.exists(path) for path in paths) or sum(map(os.path.getsize, paths)) - whole > 4096:
        make(given.folder, given.samples)
    size = sum(map(os.path.getsize, paths))
    drop_cache(paths)
    speed = disk_speed(paths)
    print(f"{size / 1e9:.2f} GB; disk {speed / 1e9:.2f} GB/s: {size / speed:.2f} s a pass\n")
    print("| | seconds an iteration | ratio | peak memory, MB | seconds in all |\n|---|---|---|---|---|", flush=True)
    for path in paths:
        subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)
    arithmetic, peak, seconds = fit(given, "100G")
    print(f"| kept in memory | {arithmetic:.2f} | | {peak:,.0f} | {seconds:.0f} |", flush=True)
    streamed, peak, seconds = fit(given, given.memory)
    print(f"| streamed, --memory {given.memory} | {streamed:.2f} | {streamed / arithmetic:.2f} | {peak:,.0f} | {seconds:.0f} |", flush=True)
    group = cold_group()
    if group:
        drop_cache(paths)
        limit = max(arithmetic, size / speed)
        streamed, peak, seconds = fit(given, given.memory, group)
        print(f"| the same, every pass from disk | {streamed:.2f} | {streamed / limit:.2f} | {peak:,.0f} | {seconds:.0f} |", flush=True)
        os.rmdir(group)


if __name__ == "__main__":
    main()
