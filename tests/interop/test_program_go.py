# SPDX-License-Identifier: Apache-2.0
"""The program of docs/clients.md that campaigns, in Go."""

import os
import re
import subprocess

from harness import Skip, main, test
from programs import (
    live_through_the_stories, need_network, new_project, read_program, run,
)


def need_go(*version):
    """The program needs `cmp.Or`, and the tools a Go that gets its own newer
    one."""
    told = subprocess.run(
        ["go", "env", "GOVERSION"], text=True, stdout=subprocess.PIPE,
        check=True,
    ).stdout
    found = re.match(r"go(\d+)\.(\d+)", told)
    if found and tuple(map(int, found.groups())) < version:
        raise Skip(f"{told.strip()} is too old")


@test
def test_go():
    commands, program = read_program("docs/clients.md", "go")
    need_network("go")
    need_go(1, 22)
    with new_project() as directory:
        tools = {
            "GOBIN": f"{directory}/bin",
            "PATH": f"{directory}/bin:{os.environ['PATH']}",
        }
        (directory / "main.go").write_text(program, encoding="utf-8")
        run("go mod init app\n" + commands, directory, **tools)
        run("go mod tidy\ngo build -o app .", directory)
        live_through_the_stories(["./app"], directory)


if __name__ == "__main__":
    main()
