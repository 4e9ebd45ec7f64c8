# SPDX-License-Identifier: Apache-2.0
"""What the README tells a newcomer to type does what it says there."""

import os
import pathlib
import re
import subprocess

from harness import Daemon, main, test

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def read_sessions():
    """The commands of each ```console block, with what they are to print."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sessions = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        commands = []
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        sessions.append(commands)
    return sessions


@test
def test_first_election_works_as_printed():
    (commands,) = read_sessions()
    daemon = Daemon()
    try:
        environment = dict(os.environ, ELECTD_ENDPOINT=daemon.targets["tcp"])
        # Of the tests alone; a newcomer's Python has none of it.
        environment.pop("PYTHONPATH", None)
        binaries = os.path.dirname(os.environ["ELECTCTL_BIN"])
        environment["PATH"] = f"{binaries}:{environment['PATH']}"
        for command, expected in commands:
            done = subprocess.run(
                command, shell=True, cwd=ROOT, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20,
                check=False,
            )
            assert done.stdout.splitlines() == expected, (command, done.stdout)
            assert done.returncode == 0, command
    finally:
        daemon.stop()


@test
def test_each_file_that_the_readme_links_to_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


if __name__ == "__main__":
    main()
