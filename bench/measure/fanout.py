# SPDX-License-Identifier: Apache-2.0
"""Fan-out: from a change's request until the first, the median and the last
of many watchers have it.

The change is Anoint, of n2 and n1 in turn, so that each is one. etcd's is
whatever its Observe streams tell of. The servers are measured in turn.
"""

import contextlib
import statistics

from measure import etcd, figures, tools, wire

ELECTION = "demo"
CANDIDATES = ("n1", "n2")
# Watchers and connections.
SHAPES = (
    (1, 1),
    (100, 1),
    (100, 100),
    (1000, 10),
    (1000, 1000),
    (10000, 100),
    (10000, 1000),
)
QUICK_SHAPES = ((1, 1), (1000, 10))
# Each watcher in an election of its own.
APART = (10000, 100)
QUICK_APART = (1000, 10)
STALLED_CHANGES = 5000


def label(shape):
    """A shape as it is written: watchers on connections."""
    return f"{shape[0]} on {shape[1]}"


def changes_of(watchers):
    """How many changes give a stable median; an even number, after which the
    first candidate leads again."""
    return 20 if watchers > 1000 else 50


def rounds_of(run):
    """How often each server is measured."""
    return 2 if run.quick else 3


class Together:
    """electd or the floor, with all watchers in one election."""

    def __init__(self, run, server):
        self.run = run
        self.server = server
        self.name = server.name
        self.greeting = server.name != "floor"
        scratch = run.scratch
        self.watch = (
            wire.path("Watch"),
            wire.write_messages(
                scratch / "watch", [wire.watch(ELECTION)]
            ),
        )
        # n1 leads at first.
        self.change = (
            wire.path("Anoint"),
            wire.write_messages(
                scratch / "anoint",
                [wire.anoint(ELECTION, name) for name in ("n2", "n1")],
            ),
        )
        wire.make_election(server, ELECTION, *CANDIDATES)

    def open(self, watchers, connections, changes, stalled=0):
        """The watchers, who wait."""
        anoint = wire.anoint(ELECTION, "n1")
        wire.call(self.server, wire.path("Anoint"), anoint)
        return tools.Fanout(
            self.run,
            self.server,
            self.watch,
            self.change,
            watchers,
            connections,
            changes=changes,
            expect=watchers,
            stalled=stalled,
            greeting=self.greeting,
        )


class Apart:
    """electd, with each watcher in an election of its own."""

    def __init__(self, run, server, elections):
        self.run = run
        self.server = server
        self.name = server.name
        self.elections = [f"e{number:07}" for number in range(elections)]
        self.leader = "n1"
        scratch = run.scratch
        self._all("Create", "create-apart", map(wire.create, self.elections))
        for candidate in CANDIDATES:
            messages = [
                wire.enter(election, candidate) for election in self.elections
            ]
            self._all("Enter", f"enter-apart-{candidate}", messages)
        watch = map(wire.watch, self.elections)
        self.watch = (
            wire.path("Watch"),
            wire.write_messages(scratch / "watch-apart", watch),
        )

    def _all(self, method, name, messages):
        """One call for each election, and all before the next method's."""
        file_path = wire.write_messages(self.run.scratch / name, messages)
        target = (wire.path(method), file_path)
        tools.calls(self.run, self.server, [target], 10, 10)

    def open(self, watchers, connections, changes):
        """The watchers, who wait. Each election's change is another leader
        than the one that the last round left."""
        self.leader = "n2" if self.leader == "n1" else "n1"
        messages = [
            wire.anoint(election, self.leader)
            for election in self.elections[:changes]
        ]
        change = wire.write_messages(
            self.run.scratch / "anoint-apart", messages
        )
        return tools.Fanout(
            self.run,
            self.server,
            self.watch,
            (wire.path("Anoint"), change),
            watchers,
            connections,
            changes=changes,
            expect=1,
            greeting=True,
        )


class Observe:
    """etcd's Observe, over as many elections as are given.

    Each opening has an etcd of its own: once a thousand streams have closed,
    etcd 3.4 tells new ones of no change any more."""

    name = "etcd"

    def __init__(self, run, elections):
        self.run = run
        self.server = None
        self.elections = elections

    @contextlib.contextmanager
    def open(self, watchers, connections, changes):
        """The watchers, who wait."""
        with etcd.start_etcd(self.run, "tmpfs") as server:
            self.server = server
            targets = etcd.observe_targets(self.run, server, self.elections)
            with tools.Fanout(
                self.run,
                server,
                targets[0:2],
                targets[2:4],
                watchers,
                connections,
                changes=changes,
                expect=watchers if self.elections == 1 else 1,
                greeting=targets[4],
            ) as fanout:
                yield fanout


def measure_once(subject, shape):
    """One round of one server: its figures."""
    changes = changes_of(shape[0])
    with subject.open(*shape, changes) as fanout:
        cpu_s = subject.server.cpu_s()
        told = fanout.measure()
        cpu_s = subject.server.cpu_s() - cpu_s
    return {
        "first_us": told["first_us"],
        "median_us": told["median_us"],
        "last_us": told["last_us"],
        "p99_us": told["p99_us"],
        "cpu_us_per_change": cpu_s / changes * 1e6,
        "open_s": fanout.open_s,
    }


def in_turn(run, subjects, shape, what):
    """All rounds of all servers: {name: {figure: spread}}."""
    rounds = {subject.name: [] for subject in subjects}
    for _ in range(rounds_of(run)):
        for subject in subjects:
            run.say(f"fanout: {label(shape)} {what}, {subject.name}")
            rounds[subject.name].append(measure_once(subject, shape))
    return {name: figures.gather(each) for name, each in rounds.items()}


def measure_shapes(run):
    """All watchers in one election."""
    with contextlib.ExitStack() as stack:
        subjects = [
            Together(run, stack.enter_context(run.start(kind)))
            for kind in ("floor", "electd")
        ]
        subjects.append(Observe(run, 1))
        results = {}
        for shape in QUICK_SHAPES if run.quick else SHAPES:
            results[label(shape)] = in_turn(run, subjects, shape, "together")
        return results


def measure_apart(run):
    """As many elections as watchers: a change is one watcher's news."""
    shape = QUICK_APART if run.quick else APART
    with run.start("electd") as electd:
        subjects = [Apart(run, electd, shape[0]), Observe(run, shape[0])]
        return {label(shape): in_turn(run, subjects, shape, "apart")}


def measure_stalled_latency(run):
    """What 1,000 watchers notice of one more whose reader stands still: their
    p99 with and without it, in turn, and the ratio of the medians."""
    rounds = {"without": [], "with": []}
    with run.start("electd") as electd:
        subject = Together(run, electd)
        for _ in range(3 if run.quick else 9):
            for name, stalled in (("without", 0), ("with", 1)):
                run.say(f"fanout: 1,000 watchers {name} a stalled one")
                with subject.open(1000, 10, 50, stalled) as fanout:
                    rounds[name].append({"p99_us": fanout.measure()["p99_us"]})
    result = {name: figures.gather(each) for name, each in rounds.items()}
    medians = {name: each["p99_us"]["median"] for name, each in result.items()}
    result["p99_ratio"] = medians["with"] / medians["without"]
    return result


def growth_kib(subject, stalled):
    """By how much the daemon grows while one watcher hears of many changes
    and the stalled ones do not."""
    with subject.open(1, 1, STALLED_CHANGES, stalled) as fanout:
        before = subject.server.rss_kib()
        fanout.measure()
        return subject.server.rss_kib() - before


def measure_stalled_memory(run):
    """The daemon's growth with a stalled stream and, as a measure of noise,
    without one. Each time on a new daemon, which is warmed up first."""
    growths = {"without": [], "with": []}
    for _ in range(1 if run.quick else 3):
        for name, stalled in (("without", 0), ("with", 1)):
            run.say(f"fanout: memory {name} a stalled watcher")
            with run.start("electd") as electd:
                subject = Together(run, electd)
                growth_kib(subject, 0)
                growths[name].append(growth_kib(subject, stalled))
    return {
        "changes": STALLED_CHANGES,
        "without_growth_kib": statistics.median(growths["without"]),
        "with_growth_kib": statistics.median(growths["with"]),
        "with_growth_max_kib": max(growths["with"]),
    }


def measure(run):
    """All of it: see the functions above for the keys."""
    return {
        "together": measure_shapes(run),
        "apart": measure_apart(run),
        "stalled_latency": measure_stalled_latency(run),
        "stalled_memory": measure_stalled_memory(run),
    }
