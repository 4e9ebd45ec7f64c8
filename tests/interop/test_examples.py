# SPDX-License-Identifier: Apache-2.0
"""What docs/ shows of examples/ is what they print."""

import pathlib
import re
import subprocess
import sys

from harness import Daemon, main, test
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


@test
def test_trigger_of_the_docs_is_that_of_the_example():
    docs = (ROOT / "docs" / "leases.md").read_text(encoding="utf-8")
    (trigger,) = re.findall(r"^```sql\n(.*?)^```$", docs, re.M | re.S)
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
