# SPDX-License-Identifier: Apache-2.0
"""The README's program that campaigns, in Python."""

import sys

from harness import main, test
from programs import (
    live_through_the_stories, new_project, read_program, run,
)


@test
def test_python():
    commands, program = read_program("README.md", "python")
    with new_project() as directory:
        run(commands, directory)
        (directory / "main.py").write_text(program, encoding="utf-8")
        live_through_the_stories([sys.executable, "main.py"], directory)


if __name__ == "__main__":
    main()
