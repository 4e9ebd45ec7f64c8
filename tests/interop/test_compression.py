# SPDX-License-Identifier: Apache-2.0
"""Requests that the client compresses, the harmful ones included: a few KiB
that become many MiB where somebody unpacks them without a limit."""

import functools
import os
import time

import grpc

from harness import Client, Daemon, check, concurrently, equal, fails, main
from harness import ELECTION, new_name, test_on_each_transport

DAEMON = Daemon()

GET_TERM = ELECTION + "GetTerm"
ALGORITHMS = (grpc.Compression.Gzip, grpc.Compression.Deflate)
REQUEST_SIZE_MAX = 16384
# As zeros they take 15 KiB and less when they are compressed.
BOMB_SIZE = 15_000_000
# Unpacked in full, each takes 15 ms and more.
BOMBS = 60
BOMBS_CPU_S_MAX = 0.4
# The most that the daemon may grow by meanwhile. A sanitizer keeps what is
# freed for a while.
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
GROWTH_MAX_KIB = 1024 * (64 if SANITIZED else 8)


@functools.cache
def client_of(transport, algorithm=None):
    return Client(DAEMON.targets[transport], algorithm)


def padded(election, size):
    """A Watch or GetTerm request that an unknown field brings to that size."""
    name = election.encode()
    request = bytes([0x0A, len(name) + 2, 0x0A, len(name)]) + name
    # The field's size, in so many bytes as a number can have.
    size -= len(request) + 6
    varint = bytes(size >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21))
    return request + b"\x7a" + varint + b"\x00" + bytes(size)


@test_on_each_transport
def test_every_call_may_be_compressed(transport):
    for algorithm in ALGORITHMS:
        client = client_of(transport, algorithm)
        election = client.create(new_name("long" * 40), tags=["t" * 200] * 20)
        watcher = client.watch(election)
        told = [
            client.enter(election, "a" * 200),
            client.enter(election, "b" * 200),
            client.promote(election, "b" * 200),
            client.demote(election, "b" * 200),
            client.anoint(election, "b" * 200),
            client.withdraw(election, "b" * 200),
            client.evict(election, "a" * 200),
            client.enter(election, "c" * 200),
        ]
        equal(client.get_term(election), (6, "c" * 200, []))
        client.close(election)
        equal(watcher.rest(), told + [(6, "", [])])
        equal(client.get_term(election), (6, "", []))


@test_on_each_transport
def test_errors_are_those_of_uncompressed_requests(transport):
    for algorithm in ALGORITHMS:
        client = client_of(transport, algorithm)
        fails(
            "INVALID_ARGUMENT",
            "candidate has 5000 bytes: it takes 1 to 253",
            *(client.enter, client.create(new_name()), "x" * 5000),
        )
        fails("NOT_FOUND", None, client.get_term, new_name())
        details = "the request does not parse as "
        details += "atomix.runtime.election.v1.EnterRequest"
        fails("INTERNAL", details, client.raw, ELECTION + "Enter", b"\x0a" * 99)


@test_on_each_transport
def test_limit_is_on_the_size_when_unpacked(transport):
    plain = client_of(transport)
    election = plain.create(new_name())
    for algorithm in ALGORITHMS:
        client = client_of(transport, algorithm)
        request = padded(election, REQUEST_SIZE_MAX)
        equal(len(request), REQUEST_SIZE_MAX)
        client.raw(GET_TERM, request)
        request = padded(election, REQUEST_SIZE_MAX + 1)
        for call, method in (
            (client.raw, "GetTerm"),
            (client.raw_stream, "Watch"),
        ):
            error = fails(
                "RESOURCE_EXHAUSTED", None, call, ELECTION + method, request
            )
            check(str(REQUEST_SIZE_MAX) in error.details(), error.details())


@test_on_each_transport
def test_what_inflates_without_end_is_refused_and_forgotten(transport):
    plain = client_of(transport)
    election = plain.create(new_name())
    plain.enter(election, "a")
    watcher = plain.watch(election)
    request = padded(election, BOMB_SIZE)
    before = DAEMON.memory_kib()

    def throw(number):
        client = client_of(transport, ALGORITHMS[number % 2])
        for _ in range(2):
            fails(
                "RESOURCE_EXHAUSTED",
                f"the request has more than {REQUEST_SIZE_MAX} bytes, unpacked",
                *(client.raw, GET_TERM, request),
            )

    concurrently(throw, range(4))
    growth = DAEMON.memory_kib("VmHWM") - before
    check(growth < GROWTH_MAX_KIB, f"grew by {growth} KiB")
    if not SANITIZED:
        # It looks each second.
        deadline = time.monotonic() + 10
        while DAEMON.memory_kib() - before >= 32 * 1024:
            check(time.monotonic() < deadline, "keeps the memory")
            time.sleep(0.1)
    began_s = DAEMON.cpu_s()
    for number in range(BOMBS):
        client = client_of(transport, ALGORITHMS[number % 2])
        fails("RESOURCE_EXHAUSTED", None, client.raw, GET_TERM, request)
    used_s = DAEMON.cpu_s() - began_s
    print(f"# {BOMBS} of them took {used_s:.2f} s of the daemon's time")
    check(SANITIZED or used_s < BOMBS_CPU_S_MAX, f"took {used_s} s")
    # All the others are served as before.
    plain.enter(election, "b")
    equal(watcher.until((1, "a", ["b"]))[0], (1, "a", []))
    watcher.cancel()


main(DAEMON)
