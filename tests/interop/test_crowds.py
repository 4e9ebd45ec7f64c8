# SPDX-License-Identifier: Apache-2.0
"""What one connection can make the daemon keep: streams, answers that it does
not read, metadata. Beside it, the others are served as if it were not there.

Tests that wait for the native transport are skipped; with ELECTD_TEST_NATIVE
in the environment they run, and fail on this one."""

import os
import time

from frames import GET_TERM, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS
from frames import NATIVE, PROMOTE, WATCH
from frames import Closed, Frames, get_term_request, promote_request
from harness import Client, Daemon, Skip, check, concurrently, equal, fails
from harness import main, new_name, test_on_each_transport

SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
STREAMS_MAX = 8192
METADATA_MAX = 8192
# These clients answer no pings.
PATIENT = ("--keepalive-time=1h", "--keepalive-timeout=1h")
# Large answers: 250 KB each.
CANDIDATES = 1000
# A stream that waits costs C-core 12 KiB.
STREAM_KIB = 24


def waits_for_native(reason):
    if not NATIVE:
        raise Skip(f"waits for the native transport: {reason}")


def crowded(client):
    """An election whose every answer is large."""
    election = client.create(new_name())
    names = [f"{number:04}".ljust(250, "x") for number in range(CANDIDATES)]
    for name in names:
        client.enter(election, name)
    return election, names


def grows_at_most(daemon, before_kib, limit_kib, seconds=2):
    """The daemon's memory stays below the limit for a while."""
    deadline = time.monotonic() + seconds
    growth = 0
    while time.monotonic() < deadline:
        growth = max(growth, daemon.memory_kib() - before_kib)
        check(SANITIZED or growth < limit_kib, f"grew by {growth} KiB")
        time.sleep(0.02)
    print(f"# grew by {growth} KiB")


@test_on_each_transport
def test_answers_that_nobody_reads_do_not_pile_up(transport):
    with Daemon(*PATIENT) as daemon, Client(daemon.targets[transport]) as other:
        election, names = crowded(other)
        before_kib = daemon.memory_kib()
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            for name in names:
                request = promote_request(election, name)
                frames.send(frames.call(PROMOTE, request))
            frames.ping()
            grows_at_most(daemon, before_kib, 32 * 1024)
        # Those that had not begun are not begun once it has gone.
        term = other.get_term(election)
        time.sleep(0.5)
        equal(other.get_term(election), term)


@test_on_each_transport
def test_daemon_ends_while_calls_wait(transport):
    daemon = Daemon(*PATIENT, "--drain-timeout=1s")
    with Client(daemon.targets[transport]) as other:
        election, names = crowded(other)
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            # One of their answers fits.
            for name in names[:100]:
                request = promote_request(election, name)
                frames.send(frames.call(PROMOTE, request))
            frames.ping()
            daemon.stop()
            check(
                not any("drain_incomplete" in line for line in daemon.log),
                f"calls were left: {daemon.log[-3:]}",
            )


@test_on_each_transport
def test_calls_that_wait_are_answered_when_the_others_are_read(transport):
    with Daemon(*PATIENT) as daemon:
        client = Client(daemon.targets[transport])
        election, names = crowded(client)
        terms = concurrently(
            lambda name: client.promote(election, name), names[500:564]
        )
        for term in terms:
            equal((term.leader, len(term.candidates)), (names[0], 999))


@test_on_each_transport
def test_calls_whose_window_is_shut_are_limited(transport):
    with Daemon(*PATIENT) as daemon, Client(daemon.targets[transport]) as other:
        election = other.create(new_name())
        # It acknowledges nothing, so that HTTP/2's limit does not bind it.
        with Frames(
            daemon.targets[transport], [(INITIAL_WINDOW_SIZE, 0)]
        ) as frames:
            request = get_term_request(election)
            for _ in range(30):
                calls = (frames.call(GET_TERM, request) for _ in range(1000))
                frames.send(b"".join(calls))
            frames.ping()
            equal(other.get_term(election), (0, "", []))
            check(
                frames.wait(lambda: len(frames.ended) >= 20000),
                f"only {len(frames.ended)} were ended",
            )
        equal(other.get_term(election), (0, "", []))


@test_on_each_transport
def test_limit_on_streams_is_announced_and_kept(transport):
    with Daemon(*PATIENT) as daemon, Client(daemon.targets[transport]) as other:
        election = other.create(new_name())
        before_kib = daemon.memory_kib()
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            frames.ping()
            equal(frames.settings.get(MAX_CONCURRENT_STREAMS), STREAMS_MAX)
            for _ in range(STREAMS_MAX // 64):
                calls = (frames.call(GET_TERM) for _ in range(64))
                frames.send(b"".join(calls))
            # All that are allowed; one more, and the connection is over.
            frames.ping()
            equal(frames.ended, {})
            try:
                frames.send(frames.call(GET_TERM))
                frames.ping()
                equal(list(frames.ended), [frames.stream])
            except Closed:
                pass
            grows_at_most(daemon, before_kib, STREAMS_MAX * STREAM_KIB)
        equal(other.get_term(election), (0, "", []))


@test_on_each_transport
def test_stream_beyond_the_limit_ends_alone(transport):
    waits_for_native("C-core closes the whole connection")
    with Daemon(*PATIENT) as daemon:
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            frames.ping()
            for _ in range(STREAMS_MAX + 1):
                frames.send(frames.call(GET_TERM))
            frames.ping()
            equal(list(frames.ended), [frames.stream])


@test_on_each_transport
def test_limit_on_streams_holds_before_it_is_acknowledged(transport):
    waits_for_native("C-core limits only clients that acknowledge its limit")
    with Daemon(*PATIENT) as daemon:
        before_kib = daemon.memory_kib()
        with Frames(daemon.targets[transport]) as frames:
            try:
                for _ in range(50):
                    calls = (frames.call(GET_TERM) for _ in range(1000))
                    frames.send(b"".join(calls))
                frames.ping()
            except Closed:
                pass
            grows_at_most(daemon, before_kib, STREAMS_MAX * STREAM_KIB)


@test_on_each_transport
def test_call_without_a_message_ends_after_five_seconds(transport):
    waits_for_native("C-core hands out a call when its message is there")
    with Daemon(*PATIENT) as daemon:
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            frames.send(frames.call(GET_TERM))
            check(
                not frames.wait(lambda: 1 in frames.ended, 4), "ended too soon"
            )
            check(frames.wait(lambda: 1 in frames.ended), "never ended")


@test_on_each_transport
def test_watchers_that_do_not_read_share_a_limit(transport):
    waits_for_native("C-core keeps a message for each stream whose window is 0")
    with Daemon(*PATIENT) as daemon, Client(daemon.targets[transport]) as other:
        election, names = crowded(other)
        before_kib = daemon.memory_kib()
        request = get_term_request(election)
        with Frames(
            daemon.targets[transport],
            [(INITIAL_WINDOW_SIZE, 0)],
            acknowledges=True,
        ) as frames:
            # Each is sent another term, of 250 KB.
            for name in names[500:700]:
                frames.send(frames.call(WATCH, request))
                other.promote(election, name)
            frames.ping()
            grows_at_most(daemon, before_kib, 16 * 1024)


def keeps_other_calls(transport, size):
    """A call with so much metadata ends, and no other of its connection."""
    with Daemon(*PATIENT) as daemon, Client(daemon.targets[transport]) as other:
        request = get_term_request(other.create(new_name()))
        with Frames(daemon.targets[transport], acknowledges=True) as frames:
            frames.send(frames.call(WATCH, request))
            watching = frames.stream
            frames.ping()
            metadata = [("x-large", "a" * size)]
            frames.send(frames.call(GET_TERM, request, metadata))
            check(
                frames.wait(lambda: frames.stream in frames.ended),
                "the call did not end",
            )
            check(watching not in frames.ended, "the other ended too")
            frames.send(frames.call(GET_TERM, request))
            check(
                frames.wait(lambda: frames.stream in frames.ended),
                "the next call did not end",
            )


@test_on_each_transport
def test_call_with_too_much_metadata_ends_alone(transport):
    keeps_other_calls(transport, 2 * METADATA_MAX - 500)


@test_on_each_transport
def test_call_with_far_too_much_metadata_ends_alone(transport):
    waits_for_native("C-core closes the whole connection beyond 16 KiB")
    keeps_other_calls(transport, 2 * METADATA_MAX)


@test_on_each_transport
def test_limit_on_metadata_is_told(transport):
    with Daemon() as daemon, Client(daemon.targets[transport]) as client:
        request = get_term_request(client.create(new_name()))
        watcher = client.watch(new_election := client.create(new_name()))
        client.raw(GET_TERM, request, metadata=[("x-large", "a" * 7000)])
        fails(
            "RESOURCE_EXHAUSTED",
            f"the metadata is too large: it takes {METADATA_MAX} bytes",
            *(client.raw, GET_TERM, request),
            metadata=[("x-large", "a" * METADATA_MAX)],
        )
        client.enter(new_election, "a")
        equal(watcher.next(), (1, "a", []))
        watcher.cancel()


main()
