# SPDX-License-Identifier: Apache-2.0
"""The results as tables, on stdout or in docs/performance.md.

That file is written by hand except for its blocks, which stand between
`<!-- begin NAME -->` and `<!-- end NAME -->` and are replaced here.
"""

import re

from measure import goals
from measure.run import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
NOT_MEASURED = "Not measured in this run.\n"

# Of a figure's name, the end that is its unit.
UNITS = {
    "us": "µs",
    "ms": "ms",
    "s": "s",
    "kib": "KiB",
    "bytes": "bytes",
    "percent": "%",
    "kib_per_min": "KiB a minute",
}

FAILOVERS = {
    "electd_kill": "electd, the leader is killed",
    "electd_stop": "electd, the leader is stopped (keepalive 200 + 200 ms)",
    "electd_ttl": "electd, a time to live of 500 ms ends: how late",
    "etcd_campaign": "etcd, the leader's lease ends",
}


def number(value):
    """Three digits that matter, or whole numbers with commas."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(figure):
    """A median with the range of the rounds."""
    return (
        f"{number(figure['median'])}"
        f" ({number(figure['min'])}–{number(figure['max'])})"
    )


def table(heads, rows):
    """A Markdown table; all columns but the first are numbers."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    lines = [heads, rule, *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _goal_row(goal, results):
    value, met = goals.judge(goal, results)
    unit = "×" if goal.unit == "×" else f" {goal.unit}"
    measured = "not measured"
    if value is not None:
        # A ratio near one needs its hundredths.
        told = f"{value:.2f}" if goal.unit == "×" else number(value)
        measured = told + unit
    return [
        goal.figure,
        f"{goal.relation} {goal.limit:g}{unit}",
        measured,
        {None: "–", True: "yes", False: "**no**"}[met],
    ]


def goals_block(results):
    """Those whose figures were measured."""
    rows = [
        _goal_row(goal, results)
        for goal in goals.GOALS
        if goals.judge(goal, results)[0] is not None
    ]
    return table(["figure", "goal", "measured", "met"], rows)


def machine_block(results):
    rows = [[name, value] for name, value in results["machine"].items()]
    minutes = results["seconds"] / 60
    rows.append(["the run took", f"{minutes:.0f} minutes"])
    return table(["", ""], rows).replace("---:", "---")


CALL_HEADS = ["CPU µs a call", "calls/s", "p50 µs", "p99 µs", "p99.9 µs"]
CALL_FIGURES = ("cpu_us_per_call", "rate", "p50_us", "p99_us", "p999_us")


def _calls(figures):
    return [spread(figures[name]) for name in CALL_FIGURES]


def unary_block(results):
    text = ""
    for name, shapes in results["unary"]["workloads"].items():
        rows = [
            [shape, server, *_calls(figures)]
            for shape, servers in shapes.items()
            for server, figures in servers.items()
        ]
        heads = ["connections × in flight", "server", *CALL_HEADS]
        rows = [[row[0].replace("x", " × "), *row[1:]] for row in rows]
        text += f"**{name}**\n\n" + table(heads, rows) + "\n"
    shares = results["unary"]["changes_share"]
    told = ", ".join(
        f"{share:.0%} at {shape.replace('x', ' × ')}"
        for shape, share in shares.items()
    )
    return text + f"Pairs of Enter and Withdraw that made a leader: {told}.\n"


def half_rate_block(results):
    half = results["unary"]["half_rate"]
    rows = [
        [server, *_calls(figures)]
        for server, figures in half.items()
        if server != "rate_asked"
    ]
    asked = number(half["rate_asked"])
    return (
        table(["server", *CALL_HEADS], rows)
        + f"\nRate asked for: {asked} calls/s.\n"
    )


def pair_block(results):
    pair = results["unary"]["pair_beside_etcd"]
    rows = [[server, *_calls(figures)] for server, figures in pair.items()]
    return table(["server", *CALL_HEADS], rows)


def _fanout_rows(shapes):
    return [
        [
            shape,
            server,
            *(spread(figures[f"{name}_us"])
              for name in ("first", "median", "last")),
            spread(figures["cpu_us_per_change"]),
        ]
        for shape, servers in shapes.items()
        for server, figures in servers.items()
    ]


FANOUT_HEADS = [
    "watchers on connections",
    "server",
    "first µs",
    "median µs",
    "last µs",
    "CPU µs a change",
]


def fanout_block(results):
    return table(FANOUT_HEADS, _fanout_rows(results["fanout"]["together"]))


def apart_block(results):
    rows = _fanout_rows(results["fanout"]["apart"])
    # There is but one watcher to hear of it.
    rows = [[*row[:2], *row[4:]] for row in rows]
    heads = [*FANOUT_HEADS[:2], "µs", FANOUT_HEADS[5]]
    return table(heads, rows)


def stalled_block(results):
    latency = results["fanout"]["stalled_latency"]
    memory = results["fanout"]["stalled_memory"]
    changes = number(memory["changes"])
    heads = [
        "1,000 watchers",
        "p99 µs",
        f"the daemon's growth over {changes} changes, KiB",
    ]
    rows = [
        [
            f"{name} a stalled one",
            spread(latency[name]["p99_us"]),
            number(memory[f"{name}_growth_kib"]),
        ]
        for name in ("without", "with")
    ]
    return table(heads, rows)


def _growth_block(sizes, head):
    rows = [
        [f"{int(size):,}", server, *_calls(figures)]
        for size, servers in sizes.items()
        for server, figures in servers.items()
    ]
    return table([head, "server", *CALL_HEADS], rows)


def elections_block(results):
    return _growth_block(results["growth"]["elections"], "elections")


def candidates_block(results):
    return _growth_block(results["growth"]["candidates"], "candidates")


def _words(name):
    """A figure's name for readers, its unit last."""
    suffix = ""
    for unit, sign in UNITS.items():
        if name.endswith(f"_{unit}"):
            name = name.removesuffix(f"_{unit}")
            suffix = f", {sign}"
    return name.replace("_", " ").replace("cpu", "CPU") + suffix


def _flat(figures, prefix=""):
    """Nested figures as pairs of a readable name and a text; lists are
    samples, which are for plots."""
    for name, value in figures.items():
        words = prefix + _words(name)
        if isinstance(value, list):
            continue
        if not isinstance(value, dict):
            yield words, number(value)
        elif {"median", "min", "max"} <= set(value):
            yield words, spread(value)
        else:
            yield from _flat(value, f"{words}: ")


def _flat_block(module):
    def block(results):
        return table(["figure", "measured"], _flat(results[module]))

    return block


def failover_block(results):
    heads = ["", "min ms", "median ms", "p90 ms", "p99 ms", "max ms", "trials"]
    rows = []
    for key, name in FAILOVERS.items():
        figures = results["failover"].get(key)
        if figures is not None:
            keys = ("min", "median", "p90", "p99", "max", "trials")
            rows.append([name, *(number(figures[each]) for each in keys)])
    return table(heads, rows)


BLOCKS = {
    "goals": goals_block,
    "machine": machine_block,
    "unary": unary_block,
    "half-rate": half_rate_block,
    "pair": pair_block,
    "fanout": fanout_block,
    "apart": apart_block,
    "stalled": stalled_block,
    "elections": elections_block,
    "candidates": candidates_block,
    "memory": _flat_block("memory"),
    "failover": failover_block,
    "lifecycle": _flat_block("lifecycle"),
    "churn": _flat_block("churn"),
}


def block(name, results):
    """A block's text."""
    try:
        return BLOCKS[name](results)
    except KeyError:
        return NOT_MEASURED


def show(results):
    """All that was measured, on stdout."""
    for name in BLOCKS:
        text = block(name, results)
        if text != NOT_MEASURED:
            print(f"== {name}\n\n{text}")


def write(results):
    """Replaces the blocks of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in BLOCKS:
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        content = block(name, results)
        text, count = re.subn(
            pattern,
            lambda match, content=content: match[1] + content + match[2],
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"{DOCUMENT}: {count} blocks named {name}")
    DOCUMENT.write_text(text, encoding="utf-8")
