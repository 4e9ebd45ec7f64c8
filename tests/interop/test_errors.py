# SPDX-License-Identifier: Apache-2.0
"""What is refused, with which code and in which words; requests are written
byte by byte where Python's protobuf would refuse to build them."""

import functools
import time

from harness import Client, Daemon, check, equal, fails, main, new_name
from harness import DEADLINE_S, ELECTION, ELECTIONS, TRANSPORTS
from harness import test, test_on_each_transport

DAEMON = Daemon()

MOVES = ("Enter", "Withdraw", "Anoint", "Promote", "Demote", "Evict")
UNARY = ("Create", "Close", "GetTerm") + MOVES
REQUEST_SIZE_MAX = 16384

# What no name may be, and what is said of it behind the field's name.
EMPTY = "is empty: it takes 1 to 253 bytes"
CONTROL = "holds a control character (at byte {})"
BAD_NAMES = {
    b"": EMPTY,
    b"x" * 254: "has 254 bytes: it takes 1 to 253",
    "\u20ac".encode() * 85: "has 255 bytes: it takes 1 to 253",
    b"a\xff": "is not UTF-8 (at byte 1)",
    b"abc\xe2\x82": "is not UTF-8 (at byte 3)",
    b"\xed\xa0\x80": "is not UTF-8 (at byte 0)",
    b"\xc0\x80": "is not UTF-8 (at byte 0)",
    b"\xf4\x90\x80\x80": "is not UTF-8 (at byte 0)",
    b"\0": CONTROL.format(0),
    b"lead\0er": CONTROL.format(4),
    b"a\n": CONTROL.format(1),
    b"a\tb": CONTROL.format(1),
    b"\x7f": CONTROL.format(0),
    b"\xc3\xa4\xc2\x85": CONTROL.format(2),
}

MALFORMED = {
    "a key without its end": b"\x80",
    "a size without its end": b"\x12\x80",
    "a string beyond the end": b"\x12\x05n",
    "a field of the number 0": b"\x00\x00",
    "a group": b"\x0b\x0c",
    "an unknown group": b"\x7b\x7c",
    "a type that does not exist": b"\x0f",
    "a string that is a number": b"\x0a\x02\x08\x01",
    "a message that is a number": b"\x08\x01",
    "a varint of eleven bytes": b"\x78" + b"\xff" * 10 + b"\x01",
    "a message in a message beyond its end": b"\x0a\x02\x0a\x05",
    "text": b"GET / HTTP/1.1",
}


def sized(number, content):
    """A field that is a string or a message."""
    size = len(content)
    varint = b""
    while size > 0x7F:
        varint += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([size]) + content


def request_of(name, candidate=None):
    request = sized(1, sized(1, name))
    return request if candidate is None else request + sized(2, candidate)


@functools.cache
def client_of(transport):
    return Client(DAEMON.targets[transport])


def call_raw(transport, method, request):
    client = client_of(transport)
    if method == "Watch":
        return client.raw_stream(ELECTION + method, request)
    return client.raw(ELECTION + method, request)


@test_on_each_transport
def test_bad_name_of_an_election_is_refused_by_every_call(transport):
    for method in UNARY + ("Watch",):
        for name, rule in BAD_NAMES.items():
            request = request_of(name, b"n" if method in MOVES else None)
            fails(
                "INVALID_ARGUMENT",
                "id.name " + rule,
                *(call_raw, transport, method, request),
            )


@test_on_each_transport
def test_bad_name_of_a_candidate_is_refused_by_every_call(transport):
    election = client_of(transport).create(new_name()).encode()
    for method in MOVES:
        for name, rule in BAD_NAMES.items():
            fails(
                "INVALID_ARGUMENT",
                "candidate " + rule,
                *(call_raw, transport, method, request_of(election, name)),
            )
    equal(client_of(transport).get_term(election.decode()), (0, "", []))


@test_on_each_transport
def test_missing_id_is_refused_by_every_call(transport):
    for method in UNARY + ("Watch",):
        request = sized(2, b"n") if method in MOVES else b""
        fails(
            "INVALID_ARGUMENT",
            "id is missing",
            *(call_raw, transport, method, request),
        )


@test_on_each_transport
def test_missing_strings_are_empty_ones(transport):
    fails(
        "INVALID_ARGUMENT",
        "id.name " + EMPTY,
        *(call_raw, transport, "GetTerm", b"\x0a\x00"),
    )
    fails(
        "INVALID_ARGUMENT",
        "candidate " + EMPTY,
        *(call_raw, transport, "Enter", request_of(b"x")),
    )


@test_on_each_transport
def test_bad_tag_is_refused(transport):
    name = new_name()
    for tag, rule in {
        b"\xff": "tags is not UTF-8 (at byte 0)",
        b"a\0": "tags holds a control character (at byte 1)",
    }.items():
        request = request_of(name.encode()) + sized(2, b"good") + sized(2, tag)
        fails("INVALID_ARGUMENT", rule, call_raw, transport, "Create", request)
    fails("NOT_FOUND", None, client_of(transport).get_term, name)


@test_on_each_transport
def test_no_call_but_create_makes_an_election(transport):
    client = client_of(transport)
    name = new_name("who's there? \U0001f5f3 ")
    details = f"election '{name}' does not exist: call Create first"
    for method in UNARY + ("Watch",):
        if method != "Create":
            request = request_of(name.encode(), b"n")
            fails("NOT_FOUND", details, call_raw, transport, method, request)
    client.create(name)
    equal(client.get_term(name), (0, "", []))


@test_on_each_transport
def test_unknown_election_is_named_in_full(transport):
    name = new_name("x" * 240)
    fails(
        "NOT_FOUND",
        f"election '{name}' does not exist: call Create first",
        *(client_of(transport).get_term, name),
    )


@test_on_each_transport
def test_bad_candidate_is_told_before_an_unknown_election(transport):
    fails(
        "INVALID_ARGUMENT",
        "candidate " + EMPTY,
        *(client_of(transport).enter, new_name(), ""),
    )


@test_on_each_transport
def test_message_that_does_not_parse_is_internal(transport):
    for method in UNARY + ("Watch",):
        details = "the request does not parse as "
        details += f"atomix.runtime.election.v1.{method}Request"
        for request in MALFORMED.values():
            fails("INTERNAL", details, call_raw, transport, method, request)


@test_on_each_transport
def test_manager_refuses_as_the_election_does(transport):
    client = client_of(transport)
    for method in ("Create", "Close"):
        path = ELECTIONS + method
        fails("INVALID_ARGUMENT", "id is missing", client.raw, path, b"")
        fails("INTERNAL", None, client.raw, path, b"\x80")
        fails(
            "INVALID_ARGUMENT",
            "id.name is not UTF-8 (at byte 0)",
            *(client.raw, path, request_of(b"\xff")),
        )
    fails("NOT_FOUND", None, client.raw, ELECTIONS + "Close", request_of(b"?"))


@test_on_each_transport
def test_unknown_method_is_unimplemented(transport):
    client = client_of(transport)
    for path in (
        ELECTION + "Elect",
        ELECTION + "enter",
        ELECTION + "Enter/",
        ELECTIONS + "Enter",
        ELECTIONS + "Watch",
        "/LeaderElection/Enter",
        "/atomix.runtime.election.v2.LeaderElection/Enter",
        "/",
        "/" + "x" * 150,
    ):
        details = f"method '{path}' does not exist"
        request = request_of(b"x", b"n")
        fails("UNIMPLEMENTED", details, client.raw, path, request)
        fails("UNIMPLEMENTED", details, client.raw_stream, path, request)


@test_on_each_transport
def test_request_of_16_kib_is_the_largest(transport):
    client = client_of(transport)
    election = client.create(new_name()).encode()
    request = request_of(election, b"n")
    # An unknown field, behind a byte of key and two of size.
    fits = sized(15, bytes(REQUEST_SIZE_MAX - len(request) - 3))
    equal(len(request + fits), REQUEST_SIZE_MAX)
    client.raw(ELECTION + "Enter", request + fits)
    for size in (REQUEST_SIZE_MAX, 1_000_000):
        error = fails(
            "RESOURCE_EXHAUSTED",
            None,
            *(call_raw, transport, "Enter", request + sized(15, bytes(size))),
        )
        equal(str(REQUEST_SIZE_MAX) in error.details(), True)
        fails(
            "RESOURCE_EXHAUSTED",
            None,
            *(call_raw, transport, "Watch", request + sized(15, bytes(size))),
        )
    equal(client.get_term(election.decode()), (1, "n", []))


@test_on_each_transport
def test_unknown_fields_to_the_limit_do_no_harm(transport):
    client = client_of(transport)
    election = client.create(new_name()).encode()
    request = request_of(election, b"n")
    request += b"\x78\x00" * ((REQUEST_SIZE_MAX - len(request)) // 2)
    before = DAEMON.memory_kib()
    for _ in range(50):
        client.raw(ELECTION + "Enter", request)
    # Unpacked, they take up to sixty times their size, one at a time.
    equal(DAEMON.memory_kib() - before < 64 * 1024, True)


@test
def test_limit_on_elections_is_told_with_its_flag():
    with Daemon("--max-elections=2") as daemon, Client(
        daemon.targets["tcp"]
    ) as client:
        client.create("a")
        client.create("b")
        details = "the limit of 2 elections (--max-elections) is reached"
        fails("RESOURCE_EXHAUSTED", details, client.create, "c")
        fails("NOT_FOUND", None, client.get_term, "c")
        client.create("a")


@test
def test_limit_on_candidates_is_told_with_its_flag():
    with Daemon("--max-candidates=2") as daemon, Client(
        daemon.targets["unix"]
    ) as client:
        client.create("a")
        client.enter("a", "one")
        client.enter("a", "two")
        details = "the limit of 2 candidates in an election "
        details += "(--max-candidates) is reached"
        fails("RESOURCE_EXHAUSTED", details, client.enter, "a", "three")
        equal(client.enter("a", "two"), (1, "one", ["two"]))
        equal(client.withdraw("a", "one"), (2, "two", []))
        equal(client.enter("a", "three"), (2, "two", ["three"]))


@test
def test_limit_on_watchers_is_told_with_its_flag():
    with Daemon("--max-watchers=2") as daemon:
        clients = [Client(daemon.targets[name]) for name in TRANSPORTS]
        clients[0].create("a")
        clients[0].enter("a", "n")
        watchers = [client.watch("a") for client in clients]
        refused = clients[0].watch("a")
        details = "the limit of 2 watchers (--max-watchers) is reached"
        equal(refused.end(), ("RESOURCE_EXHAUSTED", details))
        # One that goes makes room, as soon as the daemon has heard of it.
        watchers[0].cancel()
        deadline = time.monotonic() + DEADLINE_S
        while clients[0].watch("a").ends_at_once():
            check(time.monotonic() < deadline, "there is no room again")
        for client in clients:
            client.disconnect()


@test_on_each_transport
def test_daemon_serves_on_after_all_that(transport):
    with Client(DAEMON.targets[transport]) as client:
        election = client.create(new_name())
        equal(client.enter(election, "a"), (1, "a", []))


main(DAEMON)
