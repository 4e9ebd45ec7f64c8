# SPDX-License-Identifier: Apache-2.0
"""Unary calls: rate, latency and the server's CPU time per call.

One contest is one kind of call in one shape (connections x calls in flight on
each). Its contestants are measured in turn, round after round, so that what
else the machine does hits them alike; the medians of the rounds are compared.
"""

import contextlib

from measure import etcd, figures, tools, wire

# What one measurement takes, about.
MEASURE_S = 0.6
QUICK_MEASURE_S = 0.35
HALF_RATE_S = 2
# Enough for no call to wait for another.
DUE_IN_FLIGHT = 50
WARM_UP_CALLS = 500

SHAPES = ((1, 1), (1, 10), (1, 100), (10, 1), (10, 10), (100, 1))
ETCD_SHAPES = ((1, 1), (10, 10), (100, 1))
QUICK_SHAPES = ((1, 1), (10, 10))
BUSY_SHAPE = (10, 10)
QUICK_ETCD_SHAPES = (BUSY_SHAPE,)

# The methods that are called in turn, and whose candidate their one body
# names. GetTerm skips the further field, as protobuf has it.
WORKLOADS = {
    "GetTerm": (["GetTerm"], None),
    "Enter": (["Enter"], "n2"),
    "Enter+Withdraw": (["Enter", "Withdraw"], "n1"),
    "mix": (["GetTerm"] * 9 + ["Enter"], "n2"),
}


class Contestant:
    """One server with one kind of call: `measure(calls)` makes so many."""

    def __init__(self, name, measure):
        self.name = name
        self.measure = measure
        self.calls = WARM_UP_CALLS

    def warm_up(self, seconds):
        """Finds out how many calls fill the time of a measurement."""
        rate = self.measure(WARM_UP_CALLS)["rate"]
        self.calls = max(WARM_UP_CALLS, round(rate * seconds))


def compete(run, contestants, seconds=MEASURE_S):
    """Measures the contestants in turn: {name: {figure: spread}}."""
    for contestant in contestants:
        contestant.warm_up(QUICK_MEASURE_S if run.quick else seconds)
    results = {contestant.name: [] for contestant in contestants}
    for _ in range(3 if run.quick else 5):
        for contestant in contestants:
            results[contestant.name].append(
                contestant.measure(contestant.calls)
            )
    return {name: figures.gather(each) for name, each in results.items()}


class Workload:
    """One kind of call to the methods of LeaderElection, on an election of
    its own."""

    def __init__(self, run, name):
        self.run = run
        self.name = name
        methods, self.candidate = WORKLOADS[name]
        self.paths = [wire.path(method) for method in methods]
        if self.candidate is None:
            self.message = wire.get_term(name)
        else:
            self.message = wire.enter(name, self.candidate)
        self.body = wire.write_messages(
            run.scratch / f"{name}.body", [self.message]
        )

    def prepare(self, server):
        """Brings the election into the workload's state, and makes one call
        to each path whose status is looked at, as h2load does not."""
        if self.name == "Enter+Withdraw":
            candidates = ("n1",)
        else:
            candidates = ("n1", "n2")
        wire.make_election(server, self.name, *candidates)
        for path in self.paths:
            wire.call(server, path, self.message)

    def contestant(self, server, shape, rate=None):
        """The server with these calls, by h2load."""

        def measure(calls):
            # Whole turns of the paths on each connection.
            turn = len(self.paths) * shape[0]
            calls += -calls % turn
            return tools.h2load(
                self.run, server, self.paths, self.body, *shape, calls, rate
            )

        return Contestant(server.name, measure)


def start_etcds(run, stack):
    """The etcds to measure."""
    return [
        stack.enter_context(etcd.start_etcd(run, place))
        for place in (("tmpfs",) if run.quick else ("disk", "tmpfs"))
    ]


def etcd_contestants(run, server, shape):
    """Leader, and a linearizable Range, which stand where GetTerm stands."""
    contestants = []
    targets = etcd.unary_targets(run, server)
    for name in ("Leader", "Range"):
        ((path, body),) = targets[name]
        wire.call(server, path, wire.first_message(body))

        def measure(calls, path=path, body=body):
            return tools.h2load(run, server, [path], body, *shape, calls)

        contestants.append(Contestant(f"{server.name}, {name}", measure))
    return contestants


def label(shape):
    """A shape as it is written: connections x in flight."""
    return f"{shape[0]}x{shape[1]}"


def measure_workload(run, name, servers, etcds=()):
    """All shapes of one kind of call: {shape: {contestant: figures}}."""
    workload = Workload(run, name)
    for server in servers:
        workload.prepare(server)
    results = {}
    for shape in QUICK_SHAPES if run.quick else SHAPES:
        run.say(f"unary: {name} {label(shape)}")
        contestants = [workload.contestant(each, shape) for each in servers]
        with_etcd = QUICK_ETCD_SHAPES if run.quick else ETCD_SHAPES
        if name == "GetTerm" and shape in with_etcd:
            for server in etcds:
                contestants += etcd_contestants(run, server, shape)
        results[label(shape)] = compete(run, contestants)
    return results


def measure_changes_share(run, electd):
    """How many of the pairs' Enters made a leader when there are many pairs
    at once on one election: each that did took a new term."""
    workload = Workload(run, "Enter+Withdraw")
    workload.prepare(electd)
    shares = {}
    for shape in QUICK_SHAPES:
        pairs = 2000
        before = wire.term(electd, workload.name)
        workload.contestant(electd, shape).measure(2 * pairs)
        after = wire.term(electd, workload.name)
        shares[label(shape)] = (after - before) / pairs
    return shares


def measure_half_rate(run, servers, top_rate):
    """Latency of GetTerm at half of the rate that the floor can reach: by
    h2load, and with calls that are due one by one."""
    run.say("unary: GetTerm at half the rate")
    workload = Workload(run, "GetTerm")
    rate = top_rate / 2
    contestants = [
        workload.contestant(server, BUSY_SHAPE, rate) for server in servers
    ]
    for server in servers:

        def measure_due(calls, server=server):
            target = (workload.paths[0], workload.body)
            shape = (BUSY_SHAPE[0], DUE_IN_FLIGHT)
            return tools.calls(run, server, [target], *shape, calls, rate)

        name = f"{server.name}, one by one"
        contestants.append(Contestant(name, measure_due))
    result = compete(run, contestants, HALF_RATE_S)
    result["rate_asked"] = rate
    return result


def measure_pair(run, electd, etcds):
    """One change after the other: Enter and Withdraw beside etcd's Campaign
    and Resign."""
    run.say("unary: Enter+Withdraw beside Campaign+Resign")
    workload = Workload(run, "Enter+Withdraw")
    workload.prepare(electd)
    targets = [(path, workload.body) for path in workload.paths]

    def measure_electd(calls):
        return tools.calls(run, electd, targets, count=calls + calls % 2)

    contestants = [Contestant(electd.name, measure_electd)]
    for server in etcds:

        def measure(calls, server=server):
            return etcd.measure_pairs(run, server, calls)

        contestants.append(Contestant(server.name, measure))
    return compete(run, contestants)


def measure(run):
    """All of it: see the functions above for the keys."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(run.start(kind)) for kind in ("floor", "electd")
        ]
        results = {}
        # etcd works even when it has nothing to do, so it is there only for
        # the contests in which it takes part.
        with contextlib.ExitStack() as etcd_stack:
            etcds = start_etcds(run, etcd_stack)
            results["GetTerm"] = measure_workload(
                run, "GetTerm", servers, etcds
            )
            pair = measure_pair(run, servers[1], etcds)
        for name in ("Enter", "Enter+Withdraw", "mix"):
            results[name] = measure_workload(run, name, servers)
        top_rate = results["GetTerm"]["10x10"]["floor"]["rate"]["median"]
        return {
            "workloads": results,
            "changes_share": measure_changes_share(run, servers[1]),
            "half_rate": measure_half_rate(run, servers, top_rate),
            "pair_beside_etcd": pair,
        }
