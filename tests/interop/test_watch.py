# SPDX-License-Identifier: Apache-2.0
"""What a watcher is told: from its registration on every change, once and in
order, until its stream ends."""

import functools
import random

from harness import Client, Daemon, Term, check, concurrently, equal
from harness import fails, main, new_name, test, test_on_each_transport

# Nobody here is to be too slow, but for those that are so on purpose.
DAEMON = Daemon("--watch-backlog=10000")

WRITERS = 4
MOVES_EACH = 150


@functools.cache
def clients_of(transport):
    return [Client(DAEMON.targets[transport]) for _ in range(2)]


@test_on_each_transport
def test_watcher_of_a_new_election_hears_that_it_is_registered(transport):
    client, _ = clients_of(transport)
    election = client.create(new_name())
    # Returns with the initial metadata, before any message.
    watcher = client.watch(election)
    client.enter(election, "a")
    equal(watcher.next(), (1, "a", []))
    watcher.cancel()


@test_on_each_transport
def test_watcher_hears_the_current_term_first(transport):
    client, other = clients_of(transport)
    election = client.create(new_name())
    client.enter(election, "a")
    client.enter(election, "b")
    equal(other.watch(election).next(), (1, "a", ["b"]))
    client.evict(election, "a")
    client.evict(election, "b")
    # A term without a leader is one too.
    equal(other.watch(election).next(), (2, "", []))


@test_on_each_transport
def test_watcher_hears_every_change(transport):
    client, other = clients_of(transport)
    election = client.create(new_name())
    watcher = other.watch(election)
    changes = [
        client.enter(election, "a"),
        client.enter(election, "b"),
        client.enter(election, "c"),
        client.promote(election, "c"),
        client.demote(election, "c"),
        client.anoint(election, "c"),
        client.demote(election, "c"),
        client.withdraw(election, "c"),
        client.evict(election, "a"),
        client.withdraw(election, "b"),
    ]
    equal(watcher.until((4, "", [])), changes)
    watcher.cancel()


@test_on_each_transport
def test_what_is_no_change_is_not_told(transport):
    client, other = clients_of(transport)
    election = client.create(new_name())
    client.enter(election, "a")
    client.enter(election, "b")
    watcher = other.watch(election)
    equal(watcher.next(), (1, "a", ["b"]))
    client.create(election)
    client.get_term(election)
    client.enter(election, "a")
    client.enter(election, "b")
    client.withdraw(election, "z")
    client.anoint(election, "a")
    client.promote(election, "a")
    client.demote(election, "b")
    other.enter(client.create(new_name()), "c")
    client.enter(election, "c")
    equal(watcher.next(), (1, "a", ["b", "c"]))
    watcher.cancel()


@test_on_each_transport
def test_own_close_ends_the_stream_behind_its_change(transport):
    with Client(DAEMON.targets[transport]) as client:
        other, _ = clients_of(transport)
        election = client.create(new_name())
        client.enter(election, "a")
        other.enter(election, "b")
        own = [client.watch(election) for _ in range(2)]
        others = other.watch(election)
        client.close(election)
        for watcher in own:
            equal(watcher.next(), (1, "a", ["b"]))
            equal(watcher.next(), (2, "b", []))
            equal(watcher.end(), ("OK", ""))
        # The other session's goes on.
        client.enter(election, "c")
        equal(others.until((2, "b", ["c"]))[-2], (2, "b", []))
        others.cancel()


@test_on_each_transport
def test_own_close_that_changes_nothing_ends_the_stream(transport):
    with Client(DAEMON.targets[transport]) as client:
        election = client.create(new_name())
        watcher = client.watch(election)
        client.close(election)
        equal(watcher.end(), ("OK", ""))
        # The election can be watched again.
        again = client.watch(election)
        client.enter(election, "a")
        equal(again.next(), (1, "a", []))
        again.cancel()


@test_on_each_transport
def test_close_of_another_election_ends_nothing(transport):
    with Client(DAEMON.targets[transport]) as client:
        elections = [client.create(new_name()) for _ in range(2)]
        watcher = client.watch(elections[0])
        client.close(elections[1])
        client.enter(elections[0], "a")
        equal(watcher.next(), (1, "a", []))
        watcher.cancel()


@test_on_each_transport
def test_watch_of_an_unknown_election_ends_at_once(transport):
    client, _ = clients_of(transport)
    name = new_name()
    details = f"election '{name}' does not exist: call Create first"
    equal(client.watch(name).end(), ("NOT_FOUND", details))


@test_on_each_transport
def test_cancelled_watchers_hold_nobody_up(transport):
    client, other = clients_of(transport)
    election = client.create(new_name())
    watchers = [other.watch(election) for _ in range(50)]
    for number, watcher in enumerate(watchers):
        client.enter(election, f"c{number}")
        if number % 2 == 0:
            watcher.cancel()
    last = client.get_term(election)
    for watcher in watchers[1::2]:
        equal(len(watcher.until(last)), 50)
        watcher.cancel()


def is_one_move(before, after):
    """One rule, applied once, makes the one term of the other."""

    def places(term):
        return [term.leader] * (term.leader != "") + term.candidates

    old, new = places(before), places(after)
    elected = new[:1] != [] and new[:1] != old[:1]
    if after.term != before.term + elected:
        return False
    entered = new[:-1] == old and new[-1:] != []
    left = any(new == old[:i] + old[i + 1 :] for i in range(len(old)))
    to_front = any(
        new == [old[i]] + old[:i] + old[i + 1 :] for i in range(1, len(old))
    )
    swapped = any(
        new == old[:i] + [old[i + 1], old[i]] + old[i + 2 :]
        for i in range(len(old) - 1)
    )
    return entered or left or to_front or swapped


def write(target, election, seed):
    """Moves at random; returns the answers."""
    dice = random.Random(seed)
    calls = ["enter"] * 3
    calls += ["withdraw", "evict", "anoint", "promote", "demote"]
    answers = []
    with Client(target) as client:
        for _ in range(MOVES_EACH):
            call = getattr(client, dice.choice(calls))
            answers.append(call(election, f"c{dice.randrange(12)}"))
    return answers


@test_on_each_transport
def test_nothing_is_missed_while_many_write(transport):
    target = DAEMON.targets[transport]
    client, other = clients_of(transport)
    election = client.create(new_name())
    watchers = [client.watch(election), other.watch(election)]

    def write_or_watch(seed):
        if seed < WRITERS:
            return write(target, election, seed)
        # Joins at some moment while the others write.
        for _ in range(50 * (seed - WRITERS + 1)):
            client.get_term(election)
        return other.watch(election)

    *answers, late, later = concurrently(write_or_watch, range(WRITERS + 2))
    last = client.enter(election, "the last one")
    told = watchers[0].until(last)
    equal(watchers[1].until(last), told)
    before = Term(0, "", [])
    for after in told:
        check(is_one_move(before, after), f"{before} became {after}")
        before = after
    # What anybody was answered was true at some moment, and told.
    for answer in sum(answers, []):
        check(answer in told or answer == (0, "", []), f"{answer}: not told")
    for watcher in (late, later):
        rest = watcher.until(last)
        equal(rest, told[-len(rest) :])
        watcher.cancel()
    for watcher in watchers:
        watcher.cancel()


@test_on_each_transport
def test_slow_reader_gets_the_newest_in_the_end(transport):
    # What is not read stays in the daemon once the connection is full.
    names = ["x" * 240 + f"{i:04}" for i in range(200)]
    with Daemon("--watch-backlog=4") as daemon:
        with Client(daemon.targets[transport]) as client, Client(
            daemon.targets[transport]
        ) as slow:
            election = client.create("a")
            for name in names:
                client.enter(election, name)
            watcher = slow.watch(election)
            changes = [client.get_term(election)]
            changes += [client.promote(election, name) for name in names[1:]]
            told = watcher.until(changes[-1])
            check(len(told) < 150, f"{len(told)} of 200 changes are told")
            # Some are left out, the others are in order.
            left = iter(changes)
            check(all(term in left for term in told), "out of order")


@test_on_each_transport
def test_shutdown_ends_watchers_as_unavailable(transport):
    daemon = Daemon()
    clients = [Client(daemon.targets[transport]) for _ in range(2)]
    election = clients[0].create("a")
    watchers = [client.watch(election) for client in clients]
    clients[0].enter(election, "n")
    daemon.terminate()
    for watcher in watchers:
        # What was told before is not lost.
        equal(watcher.next(), (1, "n", []))
        equal(watcher.end(), ("UNAVAILABLE", "shutting down"))
    daemon.stop()
    fails("UNAVAILABLE", None, clients[0].get_term, election)
    for client in clients:
        client.disconnect()


@test
def test_watcher_of_one_transport_hears_of_the_other():
    tcp, unix = clients_of("tcp")[0], clients_of("unix")[0]
    election = tcp.create(new_name())
    watcher = unix.watch(election)
    tcp.enter(election, "a")
    unix.enter(election, "b")
    equal(watcher.until((1, "a", ["b"])), [(1, "a", []), (1, "a", ["b"])])
    watcher.cancel()


main(DAEMON)
