# SPDX-License-Identifier: Apache-2.0
"""What the figures should be, and whether they are.

A goal that compares two servers takes both from the same run. A goal whose
figure was not measured (in a quick run some are not) is neither met nor
missed.
"""

import typing

# What a change must not exceed to be merged: electd's CPU time per call over
# the floor's in the same quick run, with room for a noisy machine.
GUARDS = {"GetTerm": 1.6, "Enter+Withdraw": 1.9}

BUSY = "10x10"
MANY_WATCHERS = "10000 on 100"
CHURN_S = 590


class Goal(typing.NamedTuple):
    """`measured` finds the figure in the results."""

    figure: str
    relation: str
    limit: float
    unit: str
    measured: typing.Callable


def cpu_ratio(results, workload, shape=BUSY):
    """electd's CPU time per call over the floor's."""
    servers = results["unary"]["workloads"][workload][shape]
    figure = "cpu_us_per_call"
    return (
        servers["electd"][figure]["median"]
        / servers["floor"][figure]["median"]
    )


def _rate(results, name):
    servers = results["unary"]["workloads"]["GetTerm"][BUSY]
    return servers[name]["rate"]["median"]


def _rate_over_floor(results):
    return _rate(results, "electd") / _rate(results, "floor")


def _rate_over_etcd(results):
    faster = max(
        _rate(results, f"etcd on tmpfs, {name}") for name in ("Leader", "Range")
    )
    return _rate(results, "electd") / faster


def _half_rate_p99(results):
    half = results["unary"]["half_rate"]
    return (
        half["electd"]["p99_us"]["median"] / half["floor"]["p99_us"]["median"]
    )


def _last_over(name):
    def measured(results):
        servers = results["fanout"]["together"][MANY_WATCHERS]
        return (
            servers["electd"]["last_us"]["median"]
            / servers[name]["last_us"]["median"]
        )

    return measured


def _memory_above(figure, floor_figure):
    def measured(results):
        memory = results["memory"]
        return (memory[figure] - memory[floor_figure]) / 1024

    return measured


def _election_bytes(results):
    memory = results["memory"]
    if memory["elections"] < 1_000_000:
        raise KeyError("too few")
    return memory["election_bytes"]


def _after_all_left(results):
    memory = results["memory"]
    # Pages that the allocator keeps are not in use.
    grown_kib = (
        memory["in_use_after_all_left_kib"] - memory["in_use_at_first_kib"]
    )
    return 1 + grown_kib / memory["electd_idle_kib"]


def _churn_slope(results):
    churn = results["churn"]
    if churn["seconds"] < CHURN_S:
        raise KeyError("too short")
    return churn["slope_kib_per_min"] - churn["floor_slope_kib_per_min"]


def _rate_with_many_elections(results):
    servers = results["growth"]["elections"]["1000000"]
    return (
        servers["electd"]["rate"]["median"]
        / servers["electd of one"]["rate"]["median"]
    )


GOALS = (
    Goal(
        "GetTerm, CPU a call, over the floor's",
        "≤",
        1.15,
        "×",
        lambda results: cpu_ratio(results, "GetTerm"),
    ),
    Goal(
        "Enter+Withdraw, CPU a call, over the floor's",
        "≤",
        1.30,
        "×",
        lambda results: cpu_ratio(results, "Enter+Withdraw"),
    ),
    Goal("GetTerm, rate, over the floor's", "≥", 0.90, "×", _rate_over_floor),
    Goal(
        "GetTerm, rate, over etcd's faster read (tmpfs)",
        "≥",
        4,
        "×",
        _rate_over_etcd,
    ),
    Goal(
        "GetTerm, p99 at half the floor's top rate, over the floor's",
        "≤",
        1.25,
        "×",
        _half_rate_p99,
    ),
    Goal(
        "10,000 watchers on 100 connections, change to last, over the floor's",
        "≤",
        1.10,
        "×",
        _last_over("floor"),
    ),
    Goal(
        "10,000 watchers on 100 connections, change to last, over etcd's",
        "≤",
        1,
        "×",
        _last_over("etcd"),
    ),
    Goal(
        "p99 of 1,000 watchers beside a stalled one, over without it",
        "≤",
        1.05,
        "×",
        lambda results: results["fanout"]["stalled_latency"]["p99_ratio"],
    ),
    Goal(
        "memory for a stalled watcher, after 5,000 changes",
        "≤",
        64,
        "KiB",
        lambda results: results["fanout"]["stalled_memory"]["with_growth_kib"],
    ),
    Goal(
        "memory a watcher, above the floor's stream",
        "≤",
        1,
        "KiB",
        _memory_above("watcher_bytes", "floor_watcher_bytes"),
    ),
    Goal(
        "memory an idle election with one candidate, of 1,000,000",
        "≤",
        400,
        "bytes",
        _election_bytes,
    ),
    Goal(
        "memory of the idle daemon, above the floor's",
        "≤",
        3,
        "MiB",
        _memory_above("electd_idle_kib", "floor_idle_kib"),
    ),
    Goal(
        "memory in use after all have left, over the idle daemon's",
        "≤",
        1.10,
        "×",
        _after_all_left,
    ),
    Goal(
        "growth under churn in the second half of ten minutes, above the"
        " floor's",
        "≤",
        16,
        "KiB a minute",
        _churn_slope,
    ),
    Goal(
        "GetTerm, rate with 1,000,000 elections, over that with one",
        "≥",
        0.85,
        "×",
        _rate_with_many_elections,
    ),
    Goal(
        "start to ready",
        "≤",
        20,
        "ms",
        lambda results: results["lifecycle"]["ready_ms"]["median"],
    ),
    Goal(
        "CPU when idle",
        "≤",
        0.1,
        "%",
        lambda results: results["lifecycle"]["idle_cpu_percent"],
    ),
)


def judge(goal, results):
    """The measured figure, and whether it meets the goal; None and None if it
    was not measured."""
    try:
        value = goal.measured(results)
    except (KeyError, TypeError):
        return None, None
    if goal.relation == "≤":
        return value, value <= goal.limit
    return value, value >= goal.limit


def check_guards(results):
    """What exceeds its guard, or was not measured: a line for each."""
    complaints = []
    for workload, limit in GUARDS.items():
        try:
            ratio = cpu_ratio(results, workload)
        except KeyError:
            complaints.append(f"{workload}: not measured")
            continue
        if ratio > limit:
            complaints.append(
                f"{workload}: {ratio:.2f} times the floor's CPU time a call,"
                f" more than {limit}"
            )
    return complaints
