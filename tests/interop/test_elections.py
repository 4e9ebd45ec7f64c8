# SPDX-License-Identifier: Apache-2.0
"""The rules of an election as a Python program sees them."""

import functools

from atomix.runtime.election.v1 import election_pb2

from harness import Client, Daemon, check, equal, main, new_name
from harness import ELECTION, test, test_on_each_transport

DAEMON = Daemon()


@functools.cache
def client_of(transport):
    return Client(DAEMON.targets[transport])


def begin(transport, *candidates):
    """A new election which those entered, and how to move in it."""
    client = client_of(transport)
    election = client.create(new_name())
    for candidate in candidates:
        client.enter(election, candidate)

    def move(call, candidate):
        return getattr(client, call)(election, candidate)

    return move


@test_on_each_transport
def test_new_election_has_no_leader_and_no_term(transport):
    client = client_of(transport)
    election = client.create(new_name())
    equal(client.get_term(election), (0, "", []))


@test_on_each_transport
def test_second_create_changes_nothing(transport):
    client = client_of(transport)
    election = client.create(new_name(), tags=["one", "two"])
    client.enter(election, "a")
    client.create(election, tags=["three"])
    equal(client.get_term(election), (1, "a", []))


@test_on_each_transport
def test_first_to_enter_leads_and_the_others_queue_in_order(transport):
    move = begin(transport)
    equal(move("enter", "a"), (1, "a", []))
    equal(move("enter", "b"), (1, "a", ["b"]))
    equal(move("enter", "c"), (1, "a", ["b", "c"]))


@test_on_each_transport
def test_entering_again_changes_nothing(transport):
    move = begin(transport, "a", "b")
    equal(move("enter", "a"), (1, "a", ["b"]))
    equal(move("enter", "b"), (1, "a", ["b"]))


@test_on_each_transport
def test_withdraw_and_evict_take_a_candidate_out(transport):
    for call in ("withdraw", "evict"):
        move = begin(transport, "a", "b", "c", "d")
        equal(move(call, "c"), (1, "a", ["b", "d"]))
        equal(move(call, "a"), (2, "b", ["d"]))
        equal(move(call, "b"), (3, "d", []))
        equal(move(call, "d"), (3, "", []))
        equal(move("enter", "e"), (4, "e", []))


@test_on_each_transport
def test_anoint_puts_the_old_leader_at_the_head(transport):
    move = begin(transport, "a", "b", "c")
    equal(move("anoint", "c"), (2, "c", ["a", "b"]))
    equal(move("anoint", "c"), (2, "c", ["a", "b"]))
    equal(move("anoint", "b"), (3, "b", ["c", "a"]))


@test_on_each_transport
def test_promote_moves_up_by_one(transport):
    move = begin(transport, "a", "b", "c")
    equal(move("promote", "c"), (1, "a", ["c", "b"]))
    equal(move("promote", "c"), (2, "c", ["a", "b"]))
    equal(move("promote", "c"), (2, "c", ["a", "b"]))


@test_on_each_transport
def test_demote_moves_down_by_one(transport):
    move = begin(transport, "a", "b", "c")
    equal(move("demote", "a"), (2, "b", ["a", "c"]))
    equal(move("demote", "a"), (2, "b", ["c", "a"]))
    equal(move("demote", "a"), (2, "b", ["c", "a"]))


@test_on_each_transport
def test_only_candidate_cannot_be_demoted(transport):
    move = begin(transport, "a")
    equal(move("demote", "a"), (1, "a", []))


@test_on_each_transport
def test_unknown_candidate_changes_nothing(transport):
    move = begin(transport, "a", "b")
    for call in ("withdraw", "anoint", "promote", "demote", "evict"):
        equal(move(call, "z"), (1, "a", ["b"]))


@test_on_each_transport
def test_elections_know_nothing_of_each_other(transport):
    one = begin(transport, "a", "b")
    two = begin(transport, "b", "a")
    equal(one("withdraw", "a"), (2, "b", []))
    equal(two("demote", "a"), (1, "b", ["a"]))


@test_on_each_transport
def test_term_outlives_close(transport):
    with Client(DAEMON.targets[transport]) as client:
        election = client.create(new_name())
        client.enter(election, "a")
        client.close(election)
        equal(client.get_term(election), (1, "", []))
        equal(client.enter(election, "b"), (2, "b", []))


@test_on_each_transport
def test_names_come_back_as_they_went(transport):
    client = client_of(transport)
    for name in (
        " ",
        "pod/worker-0:8080",
        "\u00a0\u00e4\u20ac\U0001f5f3",
        "e\u0301",
        "\u00e9",
        "x" * 253,
        "\u20ac" * 84,
        "%s%n%00",
    ):
        election = client.create(new_name() + "\U0001f5f3 " + name[:60])
        equal(client.enter(election, "first"), (1, "first", []))
        equal(client.enter(election, name), (1, "first", [name]))
        equal(client.anoint(election, name), (2, name, ["first"]))


@test_on_each_transport
def test_name_of_an_election_may_have_253_bytes(transport):
    client = client_of(transport)
    name = "\u20ac" * 80 + new_name().rjust(13, "-")
    equal(len(name.encode()), 253)
    client.create(name)
    equal(client.enter(name, "a"), (1, "a", []))


@test_on_each_transport
def test_long_queue_is_answered_whole(transport):
    client = client_of(transport)
    election = client.create(new_name())
    names = [f"candidate-{i:04}-" + "x" * (i % 100) for i in range(1000)]
    futures = [
        client.stub.Enter.future(
            election_pb2.EnterRequest(id={"name": election}, candidate=name),
            timeout=20,
        )
        for name in names
    ]
    for future in futures:
        future.result()
    term = client.get_term(election)
    equal(term.term, 1)
    equal(sorted([term.leader] + term.candidates), sorted(names))


@test_on_each_transport
def test_fields_that_the_daemon_does_not_know_are_ignored(transport):
    client = client_of(transport)
    election = client.create(new_name())
    request = election_pb2.EnterRequest(
        id={"name": election}, candidate="a"
    ).SerializeToString()
    # Fields 15 and 9, a string and a number.
    answer = client.raw(ELECTION + "Enter", b"\x7a\x03new" + request + b"\x48*")
    term = election_pb2.EnterResponse.FromString(answer).term
    equal((term.term, term.leader), (1, "a"))


@test_on_each_transport
def test_answer_always_holds_a_term(transport):
    client = client_of(transport)
    election = client.create(new_name())
    request = election_pb2.GetTermRequest(id={"name": election})
    check(client.stub.GetTerm(request, timeout=20).HasField("term"), "no term")


@test
def test_transports_reach_the_same_elections():
    tcp, unix = client_of("tcp"), client_of("unix")
    election = tcp.create(new_name())
    equal(unix.enter(election, "a"), (1, "a", []))
    equal(tcp.enter(election, "b"), (1, "a", ["b"]))
    equal(unix.withdraw(election, "a"), (2, "b", []))


main(DAEMON)
