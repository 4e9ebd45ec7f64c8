#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A leader that was replaced without noticing, and a table that refuses it.

Usage: export PYTHONPATH=build/release/gen/python
       /usr/bin/python3 examples/fencing.py [ENDPOINT]

`old` leads and writes. It then hangs for a while (a long pause of its runtime,
a swapped-out process) in which somebody evicts it, and `new` leads and writes.
When `old` wakes up it still believes that it leads. Its write carries its term,
which is lower than the one that the table has seen, and is refused.
"""

import sqlite3
import sys

import grpc

from atomix.runtime.election.v1 import election_pb2, election_pb2_grpc
from atomix.runtime.v1 import primitive_pb2

TABLE = """
CREATE TABLE report (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    text TEXT NOT NULL,
    term INTEGER NOT NULL
);
INSERT INTO report VALUES (1, '', 0);
CREATE TRIGGER fence BEFORE UPDATE ON report WHEN new.term < old.term
BEGIN
    SELECT raise(ABORT, 'a newer leader has written');
END;
"""


def write(table, text, term):
    """Writes as the leader of that term; says whether it was let."""
    try:
        with table:
            table.execute("UPDATE report SET text = ?, term = ?", (text, term))
    except sqlite3.IntegrityError as error:
        print(f"term {term}: refused: {error}")
    else:
        print(f"term {term}: written: {text}")


def main():
    """The story."""
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5678"
    election = primitive_pb2.PrimitiveId(name="fencing")
    table = sqlite3.connect(":memory:")
    table.executescript(TABLE)
    with grpc.insecure_channel(endpoint) as channel:
        stub = election_pb2_grpc.LeaderElectionStub(channel)
        stub.Create(election_pb2.CreateRequest(id=election))

        def enter(name):
            request = election_pb2.EnterRequest(id=election, candidate=name)
            return stub.Enter(request).term

        old = enter("old")
        write(table, "by old", old.term)
        enter("new")
        new = stub.Evict(
            election_pb2.EvictRequest(id=election, candidate="old")
        ).term
        write(table, "by new", new.term)
        # Old wakes up. Nobody has told it yet.
        write(table, "by old, again", old.term)
        stub.Evict(election_pb2.EvictRequest(id=election, candidate="new"))
    (text,) = table.execute("SELECT text FROM report").fetchone()
    print(f"the table says: {text}")


if __name__ == "__main__":
    main()
