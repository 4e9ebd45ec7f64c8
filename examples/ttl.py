#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A leader by a time to live, which stops before that time is over.

Usage: export PYTHONPATH=build/release/gen/python
       /usr/bin/python3 examples/ttl.py [ENDPOINT]

It enters again every second. Each answer that says that it leads lets it act
for four fifths of the time to live, from the moment before it asked: the daemon
counts from later, and the last fifth is for clocks that run at different rates.
A program that can hold a stream open is better off with a Campaign, which also
knows of its predecessor: docs/clients.md.
"""

import contextlib
import os
import queue
import secrets
import sys
import threading
import time

import grpc

from atomix.runtime.election.v1 import election_pb2, election_pb2_grpc
from atomix.runtime.v1 import primitive_pb2

TTL_S = 5
# Nobody else's, nor that of this program's next process.
NAME = "ttl-" + secrets.token_hex(8)
act_until = 0.0
lines = queue.Queue(100)


def work(term):
    """What only the leader may do. It ends with the process."""
    say(f"I lead, in term {term}")


def write_lines():
    while True:
        with contextlib.suppress(OSError, ValueError):
            print(lines.get(), flush=True)


def say(line):
    """Leaves a line to a thread of its own. Output that is stuck or closed must
    hold nothing up, and end no thread that this program needs."""
    with contextlib.suppress(queue.Full):
        lines.put_nowait(line)


def now():
    """A clock that keeps running while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def stop(why):
    """Ends the process, and the work with it, whatever becomes of the line."""
    say(f"I stop: {why}")
    time.sleep(0.01)
    os._exit(1)


def lead(term):
    """Acts in one term, for as long as its time to live is renewed."""
    threading.Thread(target=work, args=(term,), daemon=True).start()
    while now() < act_until:
        time.sleep(0.02)
    stop("not renewed in time")


def main():
    """Enters, and renews."""
    global act_until
    threading.Thread(target=write_lines, daemon=True).start()
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5678"
    election = primitive_pb2.PrimitiveId(name="demo")
    stub = election_pb2_grpc.LeaderElectionStub(grpc.insecure_channel(endpoint))
    stub.Create(election_pb2.CreateRequest(id=election), timeout=5)
    me = election_pb2.EnterRequest(id=election, candidate=NAME)
    ttl = (("electd-ttl-ms", str(TTL_S * 1000)),)
    term = 0
    while True:
        sent = now()
        try:
            answer = stub.Enter(me, timeout=1, metadata=ttl).term
        except grpc.RpcError:
            pass  # nothing is renewed: act_until runs out
        else:
            leads = answer.leader == NAME
            if term and (not leads or answer.term != term):
                stop("this process leads no more")
            if leads:
                act_until = sent + TTL_S * 4 / 5
            if leads and not term:
                term = answer.term
                threading.Thread(target=lead, args=(term,), daemon=True).start()
        time.sleep(1)


if __name__ == "__main__":
    main()
