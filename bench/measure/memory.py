# SPDX-License-Identifier: Apache-2.0
"""Resident memory: idle, for each thing that electd keeps, and after
everybody has gone.

C-core takes memory for each call, and the allocator gives it back within a
few seconds, if at all. What counts is what stays: "settled" means that the
resident memory has not moved for as long as that takes. Most of the time goes
by waiting for that, so several servers wait at once where they can.
"""

import collections
import contextlib
import re
import statistics
import time

from measure import etcd, tools, wire
from measure.growth import candidate_name, election_name

STARTS = 3
IDLE_S = 2
POLL_S = 0.5
# electd looks each second.
STILL_S = 2.5
STILL_KIB = 64
SETTLE_S = 10
SHAPE = (10, 10)

ELECTIONS = 1_000_000
QUICK_ELECTIONS = 20_000
# An Enter is answered with the whole queue, so that many candidates of one
# election take their time to enter: with 10,000 each, a quarter of an hour.
CROWDED_ELECTIONS = 100
CANDIDATES = 1000
QUICK_CANDIDATES = 100
WARM_UP_CALLS = 20_000
WATCHERS = 10_000
QUICK_WATCHERS = 1000
WATCHING_CONNECTIONS = 100
IDLE_CONNECTIONS = 1000
# As long as the names of growth.py, 16 bytes.
WATCHED = "election-watched"
PREFIXES = {"electd": "", "floor": "floor_"}

# electd tells each second, on level debug.
_IN_USE = re.compile(r"event=memory\w* in_use=(\d+)")


def settle_kib(servers):
    """The resident memory of each when none has moved for a while, at the
    latest after SETTLE_S."""
    seen = [
        collections.deque(maxlen=round(STILL_S / POLL_S) + 1) for _ in servers
    ]
    for _ in range(round(SETTLE_S / POLL_S)):
        for samples, server in zip(seen, servers):
            samples.append(server.rss_kib())
        if len(seen[0]) == seen[0].maxlen and all(
            max(samples) - min(samples) <= STILL_KIB for samples in seen
        ):
            break
        time.sleep(POLL_S)
    return [samples[-1] for samples in seen]


def settled_kib(server):
    """The same of one server."""
    return settle_kib([server])[0]


def bytes_each(before_kib, after_kib, count):
    """What each of so many things takes."""
    return round((after_kib - before_kib) * 1024 / count, 1)


def measure_idle(run):
    """electd, the floor and etcd with nothing to do: medians of some
    starts."""
    run.say("memory: idle servers")
    starts = {
        "electd": lambda: run.start("electd"),
        "floor": lambda: run.start("floor"),
        "etcd": lambda: etcd.start_etcd(run, "tmpfs"),
    }
    with contextlib.ExitStack() as stack:
        servers = {
            name: [stack.enter_context(start()) for _ in range(STARTS)]
            for name, start in starts.items()
        }
        time.sleep(IDLE_S)
        return {
            f"{name}_idle_kib": statistics.median(
                server.rss_kib() for server in each
            )
            for name, each in servers.items()
        }


def send_all(run, server, method, messages):
    """One call for each message, many at a time."""
    file_path = wire.write_messages(run.scratch / "memory-fill", messages)
    tools.calls(run, server, [(wire.path(method), file_path)], *SHAPE)
    file_path.unlink()


def measure_elections(run):
    """Elections with one candidate each, by now its leader."""
    count = QUICK_ELECTIONS if run.quick else ELECTIONS
    run.say(f"memory: {count:,} elections")
    names = [election_name(number) for number in range(count)]
    candidate = candidate_name(0)
    with run.start("electd", "--max-elections", str(count)) as server:
        time.sleep(IDLE_S)
        before_kib = server.rss_kib()
        send_all(run, server, "Create", map(wire.create, names))
        enters = (wire.enter(name, candidate) for name in names)
        send_all(run, server, "Enter", enters)
        after_kib = settled_kib(server)
    return {
        "elections": count,
        "elections_kib": after_kib,
        "election_bytes": bytes_each(before_kib, after_kib, count),
    }


class Clients:
    """Watchers spread over connections, or connections alone."""

    def __init__(self, run, server):
        self.run = run
        self.server = server
        watch = wire.watch(WATCHED)
        self.target = (
            wire.path("Watch"),
            wire.write_messages(run.scratch / "memory-watch", [watch]),
        )
        wire.make_election(server, WATCHED, candidate_name(0))

    def open(self, watchers, connections):
        """They stay until the result is closed."""
        return tools.Fanout(
            self.run,
            self.server,
            self.target,
            self.target,
            watchers,
            connections,
            changes=0,
            expect=0,
            greeting=watchers > 0 and self.server.name == "electd",
        )


def clients_kib(run, cases):
    """What clients make of a new server's memory: for each case, a kind of
    server, a number of watchers and one of connections, KiB before them and
    with them."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(run.start(case[0])) for case in cases]
        clients = [Clients(run, server) for server in servers]
        before = settle_kib(servers)
        for each, case in zip(clients, cases):
            stack.enter_context(each.open(*case[1:]))
        return list(zip(before, settle_kib(servers)))


def measure_clients(run):
    """Watchers, against the same connections without them, and connections
    that do nothing; of electd and of the floor."""
    watchers = QUICK_WATCHERS if run.quick else WATCHERS
    run.say(f"memory: {watchers:,} watchers, {IDLE_CONNECTIONS:,} connections")
    cases = [
        (kind, *case)
        for kind in PREFIXES
        for case in (
            (0, WATCHING_CONNECTIONS),
            (watchers, WATCHING_CONNECTIONS),
            (0, IDLE_CONNECTIONS),
        )
    ]
    kib = clients_kib(run, cases)
    results = {"watchers": watchers, "connections": IDLE_CONNECTIONS}
    for number, prefix in enumerate(PREFIXES.values()):
        alone, watching, idle = kib[3 * number : 3 * number + 3]
        results |= {
            f"{prefix}watcher_bytes": bytes_each(
                alone[1], watching[1], watchers
            ),
            f"{prefix}connection_bytes": bytes_each(*idle, IDLE_CONNECTIONS),
        }
    return results


def every_candidacy(candidates):
    """A request for each candidate of each crowded election: of Enter, and of
    Withdraw."""
    return (
        wire.enter(election_name(election), candidate_name(candidate))
        for candidate in range(candidates)
        for election in range(CROWDED_ELECTIONS)
    )


def crowd(run, server, candidates):
    """Enters the candidates: what each takes. Calls that leave nothing go
    first, so that what calls as such leave does not count."""
    elections = map(election_name, range(CROWDED_ELECTIONS))
    send_all(run, server, "Create", map(wire.create, elections))
    read = wire.get_term(election_name(0))
    send_all(run, server, "GetTerm", [read] * WARM_UP_CALLS)
    before_kib = settled_kib(server)
    send_all(run, server, "Enter", every_candidacy(candidates))
    count = CROWDED_ELECTIONS * candidates
    return bytes_each(before_kib, settled_kib(server), count)


def measure_crowd_and_end(run):
    """Candidates in crowded elections; then watchers and connections too; and
    what is left when all of them have gone. Everybody stays until the memory
    has settled: a burst that is over at once is the easier case."""
    candidates = QUICK_CANDIDATES if run.quick else CANDIDATES
    watchers = QUICK_WATCHERS if run.quick else WATCHERS
    run.say(f"memory: {CROWDED_ELECTIONS * candidates:,} candidates")
    with run.start("electd", "--log-level", "debug") as server:
        clients = Clients(run, server)
        each_bytes = crowd(run, server, candidates)
        with (
            clients.open(watchers, WATCHING_CONNECTIONS),
            clients.open(0, IDLE_CONNECTIONS),
        ):
            full_kib = settled_kib(server)
        send_all(run, server, "Withdraw", every_candidacy(candidates))
        after_kib = settled_kib(server)
        in_use = [int(size) // 1024 for size in _IN_USE.findall(server.log())]
        return {
            "candidates": CROWDED_ELECTIONS * candidates,
            "candidate_bytes": each_bytes,
            "all_there_kib": full_kib,
            "after_all_left_kib": after_kib,
            "in_use_at_first_kib": in_use[0],
            "in_use_after_all_left_kib": in_use[-1],
        }


def measure(run):
    """Sizes in KiB, and bytes for each thing that is kept."""
    return {
        **measure_idle(run),
        **measure_elections(run),
        **measure_clients(run),
        **measure_crowd_and_end(run),
    }
