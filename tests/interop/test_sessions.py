# SPDX-License-Identifier: Apache-2.0
"""What belongs to a session, which is one connection: Close looks at it, and
nothing else does."""

import functools
import time

from harness import Client, Daemon, check, equal, main, new_name
from harness import test, test_on_each_transport

DAEMON = Daemon()


@functools.cache
def clients_of(transport):
    """Three sessions; the last one looks on."""
    return [Client(DAEMON.targets[transport]) for _ in range(3)]


@test_on_each_transport
def test_close_withdraws_what_the_session_entered(transport):
    one, two, other = clients_of(transport)
    election = one.create(new_name())
    one.enter(election, "a")
    two.enter(election, "b")
    one.enter(election, "c")
    two.enter(election, "d")
    one.close(election)
    equal(other.get_term(election), (2, "b", ["d"]))
    two.close(election)
    equal(other.get_term(election), (2, "", []))


@test_on_each_transport
def test_close_is_one_change(transport):
    one, two, other = clients_of(transport)
    election = one.create(new_name())
    for candidate in "abc":
        one.enter(election, candidate)
    two.enter(election, "d")
    watcher = other.watch(election)
    equal(watcher.next(), (1, "a", ["b", "c", "d"]))
    one.close(election)
    two.enter(election, "e")
    equal(watcher.next(), (2, "d", []))
    equal(watcher.next(), (2, "d", ["e"]))
    watcher.cancel()


@test_on_each_transport
def test_close_of_a_session_without_candidates_is_no_change(transport):
    one, two, other = clients_of(transport)
    election = one.create(new_name())
    one.enter(election, "a")
    watcher = other.watch(election)
    equal(watcher.next(), (1, "a", []))
    two.close(election)
    one.close(election)
    one.close(election)
    one.enter(election, "b")
    equal(watcher.next(), (1, "", []))
    equal(watcher.next(), (2, "b", []))
    watcher.cancel()


@test_on_each_transport
def test_close_leaves_other_elections_alone(transport):
    one, _, other = clients_of(transport)
    elections = [one.create(new_name()) for _ in range(2)]
    for election in elections:
        one.enter(election, "a")
    one.close(elections[0])
    equal(other.get_term(elections[0]), (1, "", []))
    equal(other.get_term(elections[1]), (1, "a", []))


@test_on_each_transport
def test_last_to_enter_a_candidate_has_it(transport):
    one, two, other = clients_of(transport)
    election = one.create(new_name())
    one.enter(election, "a")
    equal(two.enter(election, "a"), (1, "a", []))
    one.close(election)
    equal(other.get_term(election), (1, "a", []))
    two.close(election)
    equal(other.get_term(election), (1, "", []))


@test_on_each_transport
def test_anybody_may_move_and_withdraw_a_candidate(transport):
    one, two, _ = clients_of(transport)
    election = one.create(new_name())
    one.enter(election, "a")
    one.enter(election, "b")
    equal(two.promote(election, "b"), (2, "b", ["a"]))
    equal(two.withdraw(election, "a"), (2, "b", []))
    # It is still the first one's.
    two.close(election)
    equal(two.get_term(election), (2, "b", []))


@test_on_each_transport
def test_session_that_goes_leaves_its_candidates(transport):
    *_, other = clients_of(transport)
    with Client(DAEMON.targets[transport]) as client:
        election = client.create(new_name())
        client.enter(election, "a")
    equal(other.get_term(election), (1, "a", []))
    # Nor does a session that comes later inherit them.
    with Client(DAEMON.targets[transport]) as client:
        client.close(election)
        equal(client.get_term(election), (1, "a", []))


@test_on_each_transport
def test_close_under_either_name_is_the_same(transport):
    one, two, _ = clients_of(transport)
    election = one.create(new_name(), stub=one.manager)
    one.enter(election, "a")
    two.enter(election, "b")
    one.close(election, stub=one.manager)
    equal(two.get_term(election), (2, "b", []))
    two.close(election, stub=two.stub)
    equal(two.get_term(election), (2, "", []))


@test_on_each_transport
def test_idle_sessions_do_not_hold_the_shutdown_up(transport):
    daemon = Daemon("--drain-timeout=15s")
    clients = [Client(daemon.targets[transport]) for _ in range(3)]
    for client in clients:
        client.create("a")
    # Nobody looks after these connections: they do not answer a ping.
    begin = time.monotonic()
    daemon.stop()
    took = time.monotonic() - begin
    check(took < 10, f"took {took} s")
    for client in clients:
        client.disconnect()


@test
def test_sessions_of_both_transports_are_told_apart():
    tcp, unix = clients_of("tcp")[0], clients_of("unix")[0]
    election = tcp.create(new_name())
    tcp.enter(election, "a")
    unix.enter(election, "b")
    tcp.close(election)
    equal(unix.get_term(election), (2, "b", []))


@test_on_each_transport
def test_many_sessions_are_told_apart(transport):
    *_, other = clients_of(transport)
    election = other.create(new_name())
    sessions = [Client(DAEMON.targets[transport]) for _ in range(50)]
    for number, session in enumerate(sessions):
        session.enter(election, f"c{number}")
    for number, session in enumerate(sessions):
        rest = [f"c{later}" for later in range(number + 1, 50)]
        equal(other.get_term(election), (number + 1, f"c{number}", rest))
        session.close(election)
        session.disconnect()
    equal(other.get_term(election), (50, "", []))


main(DAEMON)
