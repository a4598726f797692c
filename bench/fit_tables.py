"""Markdown tables of what bench/fit.py measured, from its results alone."""
import math
import statistics

LEVELS = (1.05, 1.01, 1.001)
# What must be and what is aimed at, as ratios to scikit-learn at these ranks.
MUST_QUALITY = {10: 12, 20: 12, 50: 18}  # seconds to 1.01 e*
MUST_MU = {10: 3, 20: 2, 50: 1.5}  # an iteration
MUST_SWEEP, AIM, AIM_RANDOMISED, MUST_MEMORY = 10, 25, 5, 1.3

DEFAULT, EXACT, MU = "nnpeek", "nnpeek exact", "nnpeek mu"
CD, PEER_MU, RANDOMISED, HALS = "scikit-learn cd", "scikit-learn mu", "randomised HALS", "NumPy HALS"


def is_effort(method):
    """Whether it is nnpeek on a sketch first, with any stop rule."""
    return method == DEFAULT or method.startswith("nnpeek --")


def best_error(results, data, rank):
    """e*: the least relative error of all runs and methods."""
    return min(e for run in results["runs"] if (run["data"], run["rank"]) == (data, rank) for _, e, _ in run["trace"])


def seconds_to(run, target):
    return next((seconds for seconds, e, _ in run["trace"] if e <= target), math.inf)


def selected(results, **keys):
    return [run for run in results["runs"] if all(run[key] == value for key, value in keys.items())]


def median_to(runs, target):
    """The median over the starts; one that does not arrive counts as longer than any."""
    return statistics.median_high([seconds_to(run, target) for run in runs]) if runs else math.inf


def bound(runs):
    """Up to when all the runs were watched, where they were ended by their time limit; 0: they stopped by themselves."""
    ends = [run["trace"][-1][0] for run in runs if run["stop"] == "time"]
    return min(ends, default=0)


def step(runs):
    """Seconds of an iteration: the median over all that were timed, without the first ones."""
    steps = [(b[0] - a[0]) / b[2] for run in runs for a, b in zip(run["trace"][1:], run["trace"][2:])]
    return statistics.median(steps) if steps else math.inf


def digits(number):
    """Two after the point, three in all where it is small."""
    return f"{number:.2f}" if 0.1 <= number < 10 else f"{number:.3g}"


def show(seconds, runs):
    if seconds < math.inf:
        return digits(seconds)
    return f"> {digits(bound(runs))}" if bound(runs) else "stopped before"


def ratio(ours, theirs, their_runs):
    """The ratio as text; with '>' where the peer did not arrive in its time."""
    if ours == math.inf:
        return "-"
    if theirs < math.inf:
        return f"{theirs / ours:.1f}"
    return f"> {bound(their_runs) / ours:.1f}" if bound(their_runs) else "-"


def plural(threads):
    return f"{threads} thread{'s' * (threads > 1)}"


def head(results):
    machine = results["machine"]
    return [f"{machine['processor']}, {machine['cores']} cores, load {machine['load']:.1f} at the start; {machine['versions']}. "
            f"Medians of {results['options']['runs']} starts."]


def machine_line(limits):
    fma = f"{limits['fma_gflops']:.0f} GFLOP/s multiply-add, " if "fma_gflops" in limits else ""
    return f"{fma}{limits['sgemm_gflops']:.0f} GFLOP/s in a large sgemm, {limits['read_gbs']:.1f} GB/s reading"


def iteration_table(results, data, threads):
    """Milliseconds an iteration beside what the machine allows: both products at its speed, or X read once."""
    about, limits = results["data"][data], results["limits"][str(threads)]
    flops = limits.get("fma_gflops", limits["sgemm_gflops"])
    lines = [f"\nMilliseconds an iteration, {plural(threads)} ({machine_line(limits)}):\n",
             "| k | limit | nnpeek mu | scikit-learn mu | ratio (must) | nnpeek hals | of the limit | scikit-learn cd | ratio |",
             "|---|---|---|---|---|---|---|---|---|"]
    for rank in results["options"]["ranks"]:
        limit = max(4 * about["rows"] * about["columns"] * rank / flops, 4 * about["rows"] * about["columns"] /
                    limits["read_gbs"]) / 1e9
        mu, peer_mu, hals, cd = (step(selected(results, data=data, threads=threads, rank=rank, method=method))
                                 for method in (MU, PEER_MU, EXACT, CD))
        must = f" ({MUST_MU[rank]})" if rank in MUST_MU else ""
        cells = ["-" if s == math.inf else f"{s * 1e3:.1f}" for s in (limit, mu, peer_mu, hals, cd)]
        lines.append(f"| {rank} | {cells[0]} | {cells[1]} | {cells[2]} | {peer_mu / mu:.2f}{must} | {cells[3]} | {limit / hals:.2f} "
                     f"| {cells[4]} | {cd / hals:.2f} |")
    return lines


def quality_rows(results, data, threads, rank):
    best = best_error(results, data, rank)
    runs = {}
    for run in selected(results, data=data, threads=threads, rank=rank):
        if not run["method"].startswith("long"):
            runs.setdefault(run["method"], []).append(run)
    if not runs:
        return []
    times = {method: [median_to(list_, level * best) for level in LEVELS] for method, list_ in runs.items()}
    efforts = [method for method in times if is_effort(method)]
    chosen = [min(efforts, key=lambda method: times[method][i]) for i in range(len(LEVELS))] if efforts else []
    rows, size = [], results["data"][data]["megabytes"]
    for method, list_ in runs.items():
        if is_effort(method) and method != DEFAULT:
            continue
        cells = [show(seconds, list_) for seconds in times[method]]
        memory = max(run["memory"] for run in list_)
        most = f" ({memory / size:.2f} X)"
        rows.append(f"| {rank} | {method} | {' | '.join(cells)} | {memory:.0f}{most} |")
        if method == DEFAULT and len(efforts) > 1:
            cells = [f"{show(times[effort][i], runs[effort])} `{effort[7:] or 'default'}`" if times[effort][i] < math.inf else
                     show(math.inf, runs[effort]) for i, effort in enumerate(chosen)]
            rows.append(f"| {rank} | nnpeek, the flags that suit | {' | '.join(cells)} | |")
    for name, peer in (("cd", CD), ("randomised HALS", RANDOMISED)):
        if not efforts or peer not in times:
            continue
        for label, methods in (("nnpeek", [DEFAULT] * len(LEVELS)), ("nnpeek, the flags that suit", chosen)):
            cells = [ratio(times[method][i], times[peer][i], runs[peer]) for i, method in enumerate(methods)]
            if peer == CD and rank in MUST_QUALITY:
                cells[1] += f" (must {MUST_QUALITY[rank]}, aim {AIM})"
            elif peer == RANDOMISED:
                cells[1] += f" (aim {AIM_RANDOMISED})"
            rows.append(f"| {rank} | *{name} / {label}* | {' | '.join(cells)} | |")
    return rows


def quality_table(results, data, threads):
    lines = [f"\nSeconds to a quality, {plural(threads)} "
             f"(memory: the peak of the process; nnpeek must stay within {MUST_MEMORY} X):\n",
             f"| k | method | {' | '.join(f'{level} e*' for level in LEVELS)} | peak memory, MB |",
             f"|---|---|{'---|' * len(LEVELS)}---|"]
    for rank in results["options"]["ranks"]:
        lines += quality_rows(results, data, threads, rank)
    return lines


def sweep_table(results, data, threads):
    lines = []
    for sweep in results["sweeps"]:
        if (sweep["data"], sweep["threads"]) != (data, threads):
            continue
        ranks, restarts = sweep["ranks"], sweep["restarts"]
        peer = sum(sum(fits["seconds"]) for fits in sweep["peer"])
        missed = sum(fits["missed"] for fits in sweep["peer"])
        ours = statistics.median(sweep["seconds"])
        lines += [f"\nThe sweep, {plural(threads)}: ranks {', '.join(map(str, ranks))}, {restarts} starts each, in one call of "
                  f"nnpeek (wall time of the process, reading and writing included; median of {len(sweep['seconds'])}); "
                  f"scikit-learn cd, each fit until it is within 1 % of nnpeek's best error of that rank.\n",
                  "| | seconds | models within 1 % of nnpeek's best of their rank | peak memory, MB |", "|---|---|---|---|",
                  f"| nnpeek | {ours:.2f} | {sweep['within']} of {len(ranks) * restarts} | {sweep['memory']:.0f} |",
                  f"| scikit-learn cd | {'> ' * bool(missed)}{peer:.1f} | {len(ranks) * restarts - missed} of "
                  f"{len(ranks) * restarts} | |",
                  f"| *ratio* | {'> ' * bool(missed)}{peer / ours:.1f} (must {MUST_SWEEP}, aim {AIM}) | | |"]
    return lines


def data_tables(results, data):
    about = results["data"][data]
    errors = {rank: best_error(results, data, rank) for rank in results["options"]["ranks"]
              if selected(results, data=data, rank=rank)}
    lines = [f"\n### {about['title']}\n", f"{about['rows']:,} samples, {about['columns']:,} columns in {len(about['files'])} "
             f"blocks, X is {about['megabytes']:.0f} MB. e* at k = " +
             ", ".join(f"{rank}: {error:.5f}" for rank, error in errors.items()) + "."]
    for threads in results["options"]["threads"]:
        if selected(results, data=data, threads=threads, method=DEFAULT):
            lines += iteration_table(results, data, threads) + quality_table(results, data, threads)
        lines += sweep_table(results, data, threads)
    return lines
