"""The plot of bench/fit.py as SVG: how far above e* each method stands, against time; both axes logarithmic."""
import math
import statistics

from fit_tables import CD, DEFAULT, EXACT, HALS, MU, PEER_MU, RANDOMISED, best_error, seconds_to, selected

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 230, 58, 40, 14
CURVES = {DEFAULT: ("#d4380d", ""), EXACT: ("#d4380d", "5 3"), MU: ("#d4380d", "1 3"), CD: ("#1668dc", ""),
          PEER_MU: ("#1668dc", "1 3"), RANDOMISED: ("#389e0d", ""), HALS: ("#8c8c8c", "")}
STYLE = """<style>text { font: 11px sans-serif; fill: #333 } .frame { fill: none; stroke: #999 } .grid { stroke: #ddd }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 } }</style>"""
EXCESS = (1e-4, 1.0)  # of the relative error over e*, as a share of it


def curve(runs, best):
    """(seconds, excess): the median time over the starts in which an excess is reached."""
    count, points = 120, []
    for i in range(count + 1):
        excess = EXCESS[1] * (EXCESS[0] / EXCESS[1]) ** (i / count)
        seconds = statistics.median_high([seconds_to(run, (1 + excess) * best) for run in runs])
        if seconds < math.inf:
            points.append((seconds, excess))
    return points


def panel(x, y, title, curves, most_seconds):
    """One rank of one data set: curves is {method: points}."""
    least = 0.02

    def place(seconds, excess):
        across = math.log(max(seconds, least) / least) / math.log(most_seconds / least)
        down = math.log(excess / EXCESS[1]) / math.log(EXCESS[0] / EXCESS[1])
        return f"{x + across * WIDTH:.1f},{y + down * HEIGHT:.1f}"

    out = [f'<text x="{x + WIDTH / 2}" y="{y - 6}" text-anchor="middle">{title}</text>']
    for excess, label in ((1, "2 e*"), (0.1, "1.1 e*"), (0.05, "1.05"), (0.01, "1.01 e*"), (0.001, "1.001 e*"), (1e-4, "1.0001")):
        at, height = place(least, excess).split(",")
        out.append(f'<path class="grid" d="M{at},{height} h{WIDTH}"/>')
        out.append(f'<text x="{x - 4}" y="{float(height) + 4:.1f}" text-anchor="end">{label}</text>')
    for exponent in range(-1, 3):
        if least < 10.0 ** exponent < most_seconds:
            at = place(10.0 ** exponent, 1).split(",")[0]
            out.append(f'<path class="grid" d="M{at},{y} v{HEIGHT}"/>')
            out.append(f'<text x="{at}" y="{y + HEIGHT + 14}" text-anchor="middle">{10.0 ** exponent:g} s</text>')
    for method, points in curves.items():
        if points:
            colour, dashes = CURVES[method]
            path = " ".join(place(*point) for point in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-dasharray="{dashes}"/>')
    return out + [f'<rect class="frame" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}"/>']


def draw(results, threads):
    """The SVG: a row a data set, a column a rank."""
    out, ranks, y = [], results["options"]["ranks"], TOP
    for data, about in results["data"].items():
        if not selected(results, data=data, threads=threads, method=DEFAULT):
            continue
        panels = {}
        for rank in ranks:
            runs = {method: selected(results, data=data, threads=threads, rank=rank, method=method) for method in CURVES}
            panels[rank] = {method: curve(list_, best_error(results, data, rank)) for method, list_ in runs.items() if list_}
        most = max((points[-1][0] for curves in panels.values() for points in curves.values() if points), default=1) * 1.5
        for i, (rank, curves) in enumerate(panels.items()):
            title = f"{about['title'].split(',')[0]}, k = {rank}"
            out += panel(LEFT + i * (WIDTH + LEFT + GAP), y, title, curves, max(most, 1))
        y += HEIGHT + TOP + GAP
    for i, (method, (colour, dashes)) in enumerate(CURVES.items()):
        x = LEFT + i * 140
        out.append(f'<path d="M{x},{y} h24" stroke="{colour}" stroke-width="1.8" stroke-dasharray="{dashes}"/>')
        out.append(f'<text x="{x + 30}" y="{y + 4}">{method}</text>')
    width = max(LEFT + len(ranks) * (WIDTH + LEFT + GAP), LEFT + len(CURVES) * 140)
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 20}" '
                      f'viewBox="0 0 {width} {y + 20}">', STYLE, *out, "</svg>", ""])
