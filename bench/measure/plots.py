# SPDX-License-Identifier: Apache-2.0
"""The plots of docs/performance.md, by gnuplot. A plot whose figures were not
measured stays as it was."""

import subprocess

from measure.report import FAILOVERS
from measure.run import ROOT

DIRECTORY = ROOT / "docs" / "performance"
COLOURS = {
    "floor": "#8a8f98",
    "electd of one": "#8fb8d8",
    "electd": "#1f6fa8",
    "etcd": "#c9822b",
    "etcd 2": "#e5bd8a",
}
STYLE = """
set encoding utf8
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid ytics linetype 1 linecolor rgb "#dddddd" linewidth 0.5
set key outside top center horizontal reverse Left samplen 1.5
"""


def _draw(name, size, script):
    """Runs gnuplot; the plot appears only if it is whole."""
    path = DIRECTORY / f"{name}.svg"
    terminal = (
        f'set terminal svg size {size} font "sans-serif,13"'
        f' background "#ffffff"\n'
    )
    drawn = subprocess.run(
        ["gnuplot"],
        input=terminal + STYLE + script,
        capture_output=True,
        text=True,
        check=False,
    )
    if drawn.returncode != 0:
        raise RuntimeError(f"gnuplot: {name}: {drawn.stderr}")
    # It prints nothing into a file of its own, so that a failure leaves none.
    path.write_text(drawn.stdout, encoding="utf-8")


def _data(name, rows):
    lines = "\n".join(" ".join(map(str, row)) for row in rows)
    return f"${name} << END\n{lines}\nEND\n"


def _spread(figure):
    return figure["median"], figure["min"], figure["max"]


def plot_unary(results):
    """Bars: rate and CPU time at 10 connections x 10 calls in flight."""
    workloads = results["unary"]["workloads"]
    columns = {
        "floor": "floor",
        "electd": "electd",
        "etcd on tmpfs, Leader": "etcd, Leader",
        "etcd on tmpfs, Range": "etcd, Range",
    }
    colours = dict(zip(columns, ("floor", "electd", "etcd", "etcd 2")))
    panels = []
    script = "set style data histograms\nset style fill solid noborder\n"
    script += "set style histogram clustered gap 1\nset boxwidth 0.9\n"
    script += "set multiplot layout 1,2\n"
    for figure, title, scale in (
        ("rate", "thousand calls a second", 1000),
        ("cpu_us_per_call", "CPU time of the server, µs a call", 1),
    ):
        rows = [
            [
                f'"{name}"',
                *(
                    servers["10x10"][each][figure]["median"] / scale
                    if each in servers["10x10"]
                    else "NaN"
                    for each in columns
                ),
            ]
            for name, servers in workloads.items()
        ]
        script += _data(figure, rows)
        script += f'set ylabel "{title}"\nset yrange [0:*]\n'
        script += "set xtics rotate by -20 scale 0\n"
        panels = [
            f'${figure} using {index}:xtic(1) title "{label}"'
            f" linecolor rgb '{COLOURS[colours[name]]}'"
            for index, (name, label) in enumerate(columns.items(), 2)
        ]
        script += "plot " + ", ".join(panels) + "\n"
    _draw("unary", "900,380", script + "unset multiplot\n")


def _lines(series, style="yerrorlines"):
    """A plot command of named data blocks: (data, title, colour)."""
    parts = [
        f'${data} using 1:2:3:4 with {style} title "{title}"'
        f" linecolor rgb '{COLOURS[colour]}' linewidth 2 pointtype 7"
        f" pointsize 0.5"
        for data, title, colour in series
    ]
    return "plot " + ", ".join(parts) + "\n"


def plot_fanout(results):
    """From a change to the last of the watchers, by their number."""
    together = results["fanout"]["together"]
    script = "set logscale xy\nset format y '%g'\n"
    script += 'set xlabel "watchers (at most 100 on a connection)"\n'
    script += 'set ylabel "from a change to the last watcher, ms"\n'
    script += "set xrange [0.7:14000]\n"
    names = ("floor", "electd", "etcd")
    for name in names:
        rows = []
        for shape, servers in together.items():
            watchers, connections = map(int, shape.split(" on "))
            if connections == max(1, watchers // 100):
                last = [us / 1000 for us in _spread(servers[name]["last_us"])]
                rows.append([watchers, *last])
        script += _data(name, rows)
    titles = {"etcd": "etcd, Observe"}
    script += _lines([(name, titles.get(name, name), name) for name in names])
    _draw("fanout", "720,400", script)


def plot_failover(results):
    """The distribution of each kind of fail-over."""
    script = "set logscale x\nset format x '%g'\nset key maxcols 2\n"
    script += 'set xlabel "until the next candidate leads, ms"\n'
    script += 'set ylabel "share of the trials, %"\nset yrange [0:100]\n'
    colours = ("#1f6fa8", "#5b9f6b", "#8a6fb0", COLOURS["etcd"])
    parts = []
    for (key, title), colour in zip(FAILOVERS.items(), colours):
        samples = sorted(results["failover"][key]["samples_ms"])
        # On a logarithmic axis there is no zero.
        times = [max(ms, 0.01) for ms in samples]
        rows = [[times[0], 0]] + [
            [ms, 100 * (index + 1) / len(times)]
            for index, ms in enumerate(times)
        ]
        script += _data(key, rows)
        parts.append(
            f'${key} using 1:2 with steps title "{title}"'
            f" linecolor rgb '{colour}' linewidth 2"
        )
    script += "plot " + ", ".join(parts) + "\n"
    _draw("failover", "720,400", script)


def plot_churn(results):
    """The servers' memory while candidates and watchers come and go."""
    script = 'set xlabel "minutes"\nset ylabel "resident memory, MiB"\n'
    script += "set yrange [0:*]\nset key bottom right\n"
    plots = []
    for name, key in (("electd", "samples"), ("floor", "floor_samples")):
        rows = [
            [seconds / 60, kib / 1024]
            for seconds, kib in results["churn"][key]
        ]
        script += _data(name, rows)
        plots.append(
            f"${name} using 1:2 with lines linewidth 2"
            f" linecolor rgb '{COLOURS[name]}' title '{name}'"
        )
    script += "plot " + ", ".join(plots) + "\n"
    _draw("churn", "720,320", script)


def plot_growth(results):
    """The rate of GetTerm by the number of elections."""
    elections = results["growth"]["elections"]
    script = "set logscale x\nset format x '%.0f'\nset yrange [0:*]\n"
    script += 'set xlabel "elections"\nset xrange [0.7:1400000]\n'
    script += 'set ylabel "GetTerm, thousand calls a second"\n'
    series = []
    for index, name in enumerate(("floor", "electd of one", "electd")):
        rows = [
            [int(size), *(rate / 1000 for rate in _spread(each[name]["rate"]))]
            for size, each in elections.items()
        ]
        script += _data(f"series{index}", rows)
        series.append((f"series{index}", name, name))
    _draw("growth", "720,360", script + _lines(series))


PLOTS = {
    "unary": plot_unary,
    "fanout": plot_fanout,
    "failover": plot_failover,
    "churn": plot_churn,
    "growth": plot_growth,
}


def write(results):
    """Draws what was measured."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for module, plot in PLOTS.items():
        if module in results:
            plot(results)
