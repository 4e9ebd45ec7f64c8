# SPDX-License-Identifier: Apache-2.0
"""What docs/ shows of examples/ is what they print."""

import pathlib
import re
import sqlite3
import subprocess
import sys

from harness import Daemon, equal, main, test
from programs import frozen_program_stops_in_time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@test
def test_table_refuses_the_term_of_a_leader_that_was_replaced():
    text = (ROOT / "docs" / "leases.md").read_text(encoding="utf-8")
    (expected,) = re.findall(r"^```\n(term 1: .*?)^```$", text, re.M | re.S)
    daemon = Daemon()
    try:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "fencing.py",
             daemon.targets["tcp"]],
            text=True, stdout=subprocess.PIPE, timeout=20, check=True,
        )
        assert done.stdout == expected, done.stdout
    finally:
        daemon.stop()


def read_sql():
    docs = (ROOT / "docs" / "leases.md").read_text(encoding="utf-8")
    return re.findall(r"^```sql\n(.*?)^```$", docs, re.M | re.S)


@test
def test_a_life_of_the_daemon_fences_as_the_docs_say():
    _, recipe = read_sql()
    table, leader, operator = re.split(r"^--.*\n", recipe, flags=re.M)
    database = sqlite3.connect(":memory:")
    database.executescript(table)
    database.execute("INSERT INTO fence VALUES ('a', 0)")

    def writes(term, life):
        try:
            done = database.execute(leader, {"term": term, "life": life})
        except sqlite3.IntegrityError:
            return False
        return done.rowcount == 1

    equal(writes(7, "a"), True)
    equal(writes(6, "a"), False)
    equal(writes(1, "b"), False)
    database.execute(operator, {"new_life": "b"})
    equal(writes(1, "b"), True)
    equal(writes(8, "a"), False)


@test
def test_trigger_of_the_docs_is_that_of_the_example():
    trigger, _ = read_sql()
    example = (ROOT / "examples" / "fencing.py").read_text(encoding="utf-8")
    assert trigger in example


@test
def test_leader_by_a_time_to_live_stops_before_the_next_one_leads():
    script = ROOT / "examples" / "ttl.py"
    frozen_program_stops_in_time(
        lambda target: [sys.executable, script, target]
    )


if __name__ == "__main__":
    main()
