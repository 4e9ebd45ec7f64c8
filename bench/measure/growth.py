# SPDX-License-Identifier: Apache-2.0
"""What a call costs as there is more to keep: GetTerm over ever more
elections, Enter in an ever longer queue.

At each size three servers are measured in turn: the floor, which tells how
noisy the machine is; a daemon that stays at one election (or candidate); and
the one that grows. Every round calls other elections, chosen at random.
"""

import random

from measure import figures, tools, wire

ELECTIONS = (1, 10, 1000, 100000, 1000000)
QUICK_ELECTIONS = (1, 10000)
CANDIDATES = (1, 10, 100, 1000, 10000)
QUICK_CANDIDATES = (1, 100)
MEASURE_S = 0.5
# Enough that a measurement calls few elections twice.
SAMPLE = 40000
WARM_UP_CALLS = 500
SHAPE = (10, 10)
CANDIDATE = "candidate-000000"
CROWDED = "election-crowded"


def election_name(number):
    """16 bytes."""
    return f"election-{number:07}"


def candidate_name(number):
    """16 bytes."""
    return f"candidate-{number:06}"


def rounds_of(run):
    """How often each server is measured at each size."""
    return 2 if run.quick else 3


class Grower:
    """A server and the calls to it at its present size."""

    def __init__(self, run, name, server, random_source):
        self.run = run
        self.name = name
        self.server = server
        self.random = random_source
        self.size = 0

    def send_all(self, method, messages):
        """One call for each message, many at a time, in no certain order."""
        file_path = wire.write_messages(self.run.scratch / "fill", messages)
        target = (wire.path(method), file_path)
        tools.calls(self.run, self.server, [target], *SHAPE)
        file_path.unlink()

    def sampled(self, method, message):
        """Calls with the messages for random numbers below the size."""
        numbers = self.random.choices(range(self.size), k=SAMPLE)
        if self.size < SAMPLE:
            numbers = list(range(self.size)) * (SAMPLE // self.size)
            self.random.shuffle(numbers)
        file_path = wire.write_messages(
            self.run.scratch / "sample", map(message, numbers)
        )
        target = (wire.path(method), file_path)
        warm_up = tools.calls(
            self.run, self.server, [target], *SHAPE, count=WARM_UP_CALLS
        )
        count = max(WARM_UP_CALLS, round(warm_up["rate"] * MEASURE_S))
        return tools.calls(
            self.run, self.server, [target], *SHAPE, count=count
        )


class Elections(Grower):
    """Grows by elections, each with one candidate, its leader."""

    def grow_to(self, size):
        """Makes the elections that are missing."""
        missing = range(self.size, size)
        if self.server.name == "electd" and missing:
            names = list(map(election_name, missing))
            self.send_all("Create", map(wire.create, names))
            self.send_all("Enter", (wire.enter(n, CANDIDATE) for n in names))
        self.size = size

    def measure(self):
        """GetTerm of random elections."""
        return self.sampled(
            "GetTerm", lambda number: wire.get_term(election_name(number))
        )


class Candidates(Grower):
    """Grows by candidates of one election."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        wire.make_election(self.server, CROWDED, candidate_name(0))
        self.size = 1

    def grow_to(self, size):
        """Enters the candidates that are missing."""
        missing = range(self.size, size)
        if self.server.name == "electd" and missing:
            names = map(candidate_name, missing)
            self.send_all("Enter", (wire.enter(CROWDED, n) for n in names))
        self.size = size

    def measure(self):
        """Enter, again, of random candidates: all but one of them wait."""
        return self.sampled(
            "Enter",
            lambda number: wire.enter(CROWDED, candidate_name(number)),
        )


def measure_sizes(run, kind, sizes, flags=()):
    """{size: {contestant: {figure: spread}}}; the contestants are the floor,
    "electd of one" and "electd"."""
    source = random.Random(1)
    results = {}
    with (
        run.start("floor") as floor,
        run.start("electd", *flags) as small,
        run.start("electd", *flags) as large,
    ):
        growers = [
            kind(run, "floor", floor, source),
            kind(run, "electd of one", small, source),
            kind(run, "electd", large, source),
        ]
        growers[1].grow_to(1)
        for size in sizes:
            run.say(f"growth: {size:,} {kind.__name__.lower()}")
            growers[0].grow_to(size)
            growers[2].grow_to(size)
            rounds = {grower.name: [] for grower in growers}
            for _ in range(rounds_of(run)):
                for grower in growers:
                    rounds[grower.name].append(grower.measure())
            results[str(size)] = {
                name: figures.gather(each) for name, each in rounds.items()
            }
    return results


def measure(run):
    """GetTerm by the number of elections, Enter by that of candidates."""
    elections = QUICK_ELECTIONS if run.quick else ELECTIONS
    candidates = QUICK_CANDIDATES if run.quick else CANDIDATES
    return {
        "elections": measure_sizes(
            run, Elections, elections, ("--max-elections", "1000000")
        ),
        "candidates": measure_sizes(
            run, Candidates, candidates, ("--max-candidates", "10000")
        ),
    }
