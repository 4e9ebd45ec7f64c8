# SPDX-License-Identifier: Apache-2.0
"""Programs that were written for the Atomix runtime: what their client library
calls, in which order, at which address."""

import socket
import threading

import grpc

from harness import Client, Daemon, Skip, check, concurrently, equal, main
from harness import new_name, test, test_on_each_transport

DAEMON = Daemon()

# Where such a program looks for its runtime.
DEFAULT_PORT = 5678
REPLICAS = 20


class Election:
    """What the library makes of an election: a candidate in it. The newer ones
    create and close elections by the service LeaderElections."""

    def __init__(self, target, name, candidate, newer=True):
        self.client = Client(target)
        self.name = name
        self.candidate = candidate
        self.manager = self.client.manager if newer else self.client.stub
        try:
            self.client.create(name, tags=["a", "b"], stub=self.manager)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise

    def enter(self):
        return self.client.enter(self.name, self.candidate)

    def leave(self):
        return self.client.withdraw(self.name, self.candidate)

    def anoint(self, candidate):
        return self.client.anoint(self.name, candidate)

    def watch(self):
        return self.client.watch(self.name)

    def close(self):
        self.client.close(self.name, stub=self.manager)

    def disconnect(self):
        self.client.disconnect()


def tell_story(target, newer):
    """Three replicas, each of which leads once."""
    name = new_name()
    one, two, three = [
        Election(target, name, f"replica-{number}", newer) for number in "123"
    ]
    terms = three.watch()
    equal(one.enter(), (1, "replica-1", []))
    equal(two.enter(), (1, "replica-1", ["replica-2"]))
    equal(three.enter(), (1, "replica-1", ["replica-2", "replica-3"]))
    # The leader steps down in good order, and comes back behind the others.
    equal(one.leave(), (2, "replica-2", ["replica-3"]))
    equal(one.enter(), (2, "replica-2", ["replica-3", "replica-1"]))
    # The next one closes its election without leaving it first.
    two.close()
    equal(one.client.get_term(name), (3, "replica-3", ["replica-1"]))
    equal(
        terms.until((3, "replica-3", ["replica-1"])),
        [
            (1, "replica-1", []),
            (1, "replica-1", ["replica-2"]),
            (1, "replica-1", ["replica-2", "replica-3"]),
            (2, "replica-2", ["replica-3"]),
            (2, "replica-2", ["replica-3", "replica-1"]),
            (3, "replica-3", ["replica-1"]),
        ],
    )
    equal(one.anoint("replica-1"), (4, "replica-1", ["replica-3"]))
    one.close()
    three.close()
    equal(
        terms.rest(),
        [
            (4, "replica-1", ["replica-3"]),
            (5, "replica-3", []),
            (5, "", []),
        ],
    )
    equal(terms.call.code(), grpc.StatusCode.OK)
    for election in (one, two, three):
        election.disconnect()


@test_on_each_transport
def test_program_of_a_newer_library_leads_and_follows(transport):
    tell_story(DAEMON.targets[transport], newer=True)


@test_on_each_transport
def test_program_of_an_older_library_leads_and_follows(transport):
    tell_story(DAEMON.targets[transport], newer=False)


@test
def test_programs_of_both_libraries_meet_in_one_election():
    name = new_name()
    older = Election(DAEMON.targets["tcp"], name, "older", newer=False)
    newer = Election(DAEMON.targets["unix"], name, "newer", newer=True)
    equal(newer.enter(), (1, "newer", []))
    equal(older.enter(), (1, "newer", ["older"]))
    newer.close()
    equal(older.enter(), (2, "older", []))
    older.close()


@test
def test_default_address_is_where_they_look():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError as error:
            raise Skip(f"port {DEFAULT_PORT}: {error.strerror}") from error
    with Daemon(listen=()) as daemon:
        equal(daemon.targets, {"tcp": f"127.0.0.1:{DEFAULT_PORT}"})
        tell_story(f"127.0.0.1:{DEFAULT_PORT}", newer=True)


def lead_once(target, name, candidate, start):
    """Enters at the same moment as the others, waits to lead, and leaves; the
    term in which it led, and all that it was told."""
    election = Election(target, name, candidate)
    watcher = election.watch()
    start.wait()
    told = [election.enter()]
    while told[-1].leader != candidate:
        told.append(watcher.next())
    led = told[-1].term
    told.append(election.leave())
    watcher.cancel()
    election.disconnect()
    return led, told


@test_on_each_transport
def test_one_leader_in_each_term_whoever_enters_at_once(transport):
    target = DAEMON.targets[transport]
    name = new_name()
    onlooker = Election(target, name, "nobody")
    watcher = onlooker.watch()
    start = threading.Barrier(REPLICAS)
    results = concurrently(
        lambda number: lead_once(target, name, f"replica-{number}", start),
        range(REPLICAS),
    )
    last = onlooker.client.get_term(name)
    equal(last, (REPLICAS, "", []))
    told = watcher.until(last)
    leaders = {}
    for term in told + sum((told_one for _, told_one in results), []):
        if term.leader != "":
            leaders.setdefault(term.term, set()).add(term.leader)
        check(term.leader not in term.candidates, "the leader is queued")
        check(
            len(set(term.candidates)) == len(term.candidates),
            "somebody is queued twice",
        )
    # No term without a leader, none with two, and everybody had one.
    equal(sorted(leaders), list(range(1, REPLICAS + 1)))
    for number, (led, _) in enumerate(results):
        equal(leaders[led], {f"replica-{number}"})
    # Nor did the onlooker miss one on the way.
    gaps = [new.term - old.term for old, new in zip(told, told[1:])]
    check(set(gaps) <= {0, 1}, f"the terms go up by {gaps}")
    equal(told[0].term, 1)
    # Each entered and left, which makes two changes.
    equal(len(told), 2 * REPLICAS)
    onlooker.close()


main(DAEMON)
