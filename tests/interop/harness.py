# SPDX-License-Identifier: Apache-2.0
"""What the tests of this directory share: a daemon to talk to, clients made of
Python's own gRPC and generated stubs, and the printing of TAP.

A file of tests registers them with @test or @test_on_each_transport and ends
with main(). The environment says which daemon to start (ELECTD_BIN) and where
the stubs are (PYTHONPATH).
"""

import collections
import concurrent.futures
import faulthandler
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import traceback

import grpc

from atomix.runtime.election.v1 import election_pb2
from atomix.runtime.election.v1 import election_pb2_grpc
from atomix.runtime.election.v1 import elections_pb2_grpc
from atomix.runtime.v1 import primitive_pb2

# No call takes that long; a test that waits for what does not come fails.
DEADLINE_S = 20
# A file of tests that hangs all the same says where, before ctest ends it.
FILE_DEADLINE_S = 150

ELECTION = "/atomix.runtime.election.v1.LeaderElection/"
ELECTIONS = "/atomix.runtime.election.v1.LeaderElections/"
TRANSPORTS = ("tcp", "unix")

# The answer of every call that has one.
Term = collections.namedtuple("Term", "term leader candidates")


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


class Daemon:
    """A daemon that listens on a port of 127.0.0.1 and on a Unix socket, in a
    directory of its own, or else where `listen` says; `targets` has the
    addresses by transport, `life` is the id that its log tells."""

    def __init__(self, *flags, listen=None):
        self.directory = tempfile.TemporaryDirectory(prefix="electd-")
        path = os.path.join(self.directory.name, "socket")
        if listen is None:
            listen = ("127.0.0.1:0", f"unix:{path}")
        # However this process ends, the daemon does not outlive it.
        command = ["setpriv", "--pdeathsig=KILL", os.environ["ELECTD_BIN"]]
        command += ["--log-format=json", *flags]
        for address in listen:
            command += ["--listen", address]
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("ELECTD_")
        }
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.terminated = False
        self.events = queue.Queue()
        self.log = []
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        self.targets = {}
        for address in self._wait_until_ready():
            kind = "unix" if address.startswith("unix:") else "tcp"
            self.targets[kind] = address

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            try:
                self.events.put(json.loads(line))
            except ValueError:
                pass
        self.events.put(None)

    def _wait_until_ready(self):
        while event := self.events.get(timeout=DEADLINE_S):
            if event.get("event") == "ready":
                self.life = event.get("life")
                return event["listen"]
        raise AssertionError("the daemon did not start: " + "".join(self.log))

    def memory_kib(self, what="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(what + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {what}")

    def cpu_s(self):
        """The processor time that it has used."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self):
        """Begins the shutdown. (A second signal would end it on the spot.)"""
        if not self.terminated:
            self.terminated = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Ends the daemon, which must succeed."""
        self.terminate()
        try:
            status = self.process.wait(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "killed, since it did not end"
        self.reader.join()
        self.process.stderr.close()
        self.directory.cleanup()
        if status != 0:
            raise AssertionError(f"exit status {status}: " + "".join(self.log))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


def new_channel(target, compression=None):
    """A channel with a connection of its own: a session."""
    return grpc.insecure_channel(
        target,
        options=[("grpc.use_local_subchannel_pool", 1)],
        compression=compression,
    )


def election_id(name):
    return primitive_pb2.PrimitiveId(name=name)


def term_of(response):
    term = response.term
    return Term(term.term, term.leader, list(term.candidates))


class Client:
    """One session, with a method for each call. An answer with a term is
    returned as a Term, which equals a tuple."""

    def __init__(self, target, compression=None):
        self.channel = new_channel(target, compression)
        self.stub = election_pb2_grpc.LeaderElectionStub(self.channel)
        self.manager = elections_pb2_grpc.LeaderElectionsStub(self.channel)

    def create(self, election, tags=(), stub=None):
        request = election_pb2.CreateRequest(
            id=election_id(election), tags=tags
        )
        (stub or self.stub).Create(request, timeout=DEADLINE_S)
        return election

    def close(self, election, stub=None):
        request = election_pb2.CloseRequest(id=election_id(election))
        (stub or self.stub).Close(request, timeout=DEADLINE_S)

    def get_term(self, election):
        request = election_pb2.GetTermRequest(id=election_id(election))
        return term_of(self.stub.GetTerm(request, timeout=DEADLINE_S))

    def _move(self, method, election, candidate):
        request = getattr(election_pb2, method + "Request")(
            id=election_id(election), candidate=candidate
        )
        call = getattr(self.stub, method)
        return term_of(call(request, timeout=DEADLINE_S))

    def enter(self, election, candidate):
        return self._move("Enter", election, candidate)

    def withdraw(self, election, candidate):
        return self._move("Withdraw", election, candidate)

    def anoint(self, election, candidate):
        return self._move("Anoint", election, candidate)

    def promote(self, election, candidate):
        return self._move("Promote", election, candidate)

    def demote(self, election, candidate):
        return self._move("Demote", election, candidate)

    def evict(self, election, candidate):
        return self._move("Evict", election, candidate)

    def watch(self, election):
        """Returns when the daemon has said that it is registered."""
        request = election_pb2.WatchRequest(id=election_id(election))
        return Watcher(self.stub.Watch(request, timeout=2 * DEADLINE_S))

    def raw(self, path, request, **options):
        """A unary call of bytes."""
        options.setdefault("timeout", DEADLINE_S)
        return self.channel.unary_unary(path)(request, **options)

    def raw_stream(self, path, request):
        """A call with a stream of bytes for an answer: all of them."""
        return list(
            self.channel.unary_stream(path)(request, timeout=DEADLINE_S)
        )

    def disconnect(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.disconnect()


class Watcher:
    """A Watch stream; its answers are read as a test asks for them."""

    def __init__(self, call):
        self.call = call
        self.metadata = call.initial_metadata()

    def next(self):
        return term_of(next(self.call))

    def until(self, last):
        """All up to that term, which is the last one."""
        terms = [self.next()]
        while terms[-1] != last:
            terms.append(self.next())
        return terms

    def rest(self):
        """What is left of the stream, which must end."""
        terms = []
        try:
            for response in self.call:
                terms.append(term_of(response))
        except grpc.RpcError:
            pass
        return terms

    def ends_at_once(self):
        """The stream ends before it has told anything."""
        try:
            self.next()
        except grpc.RpcError:
            return True
        return False

    def end(self):
        """The stream's code and details; nothing is left before it."""
        equal(self.rest(), [])
        return self.call.code().name, self.call.details()

    def cancel(self):
        self.call.cancel()


def equal(got, expected):
    if got != expected:
        raise AssertionError(f"got {got!r}, expected {expected!r}")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def fails(code, details, function, *arguments, **options):
    """The call fails with that code, by its name, and those details (None for
    any)."""
    try:
        got = function(*arguments, **options)
    except grpc.RpcError as error:
        equal(error.code().name, code)
        if details is not None:
            equal(error.details(), details)
        return error
    raise AssertionError(f"got {got!r}, expected {code}")


def concurrently(function, arguments):
    """Calls the function with each of the arguments, each in a thread."""
    arguments = list(arguments)
    with concurrent.futures.ThreadPoolExecutor(len(arguments)) as pool:
        futures = [pool.submit(function, argument) for argument in arguments]
        return [future.result() for future in futures]


_numbers = itertools.count(1)
_tests = []


def new_name(prefix="election"):
    """A name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


def test(function):
    _tests.append((function.__name__, function))
    return function


def test_on_each_transport(function):
    """Registers the test for each transport, which is its first argument."""
    for transport in TRANSPORTS:
        _tests.append(
            (
                f"{function.__name__}, {transport}",
                lambda transport=transport: function(transport),
            )
        )
    return function


def _run(number, name, function):
    try:
        function()
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}")
    except Exception:  # pylint: disable=broad-except
        print(f"not ok {number} - {name}")
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
        return False
    else:
        print(f"ok {number} - {name}")
    return True


def main(*daemons):
    """Runs all tests and stops the daemons that they shared."""
    faulthandler.dump_traceback_later(FILE_DEADLINE_S, exit=True)
    only = sys.argv[1:]
    tests = [
        (name, function)
        for name, function in _tests
        if not only or any(part in name for part in only)
    ]
    print(f"1..{len(tests)}")
    passed = True
    for number, (name, function) in enumerate(tests, 1):
        passed &= _run(number, name, function)
    for daemon in daemons:
        daemon.stop()
    sys.exit(0 if passed else 1)
