# SPDX-License-Identifier: Apache-2.0
"""The program of docs/clients.md that campaigns, in Node.js."""

import os
import pathlib
import shutil

from harness import Skip, check, main, test
from programs import (
    ROOT, live_through_the_stories, new_project, read_program,
)

PACKAGES = ("@grpc/grpc-js", "@grpc/proto-loader")


def find_modules():
    """Whoever names the directory wants no test skipped."""
    if named := os.environ.get("ELECTD_NODE_MODULES"):
        return pathlib.Path(named).resolve()
    modules = ROOT / "build" / "node_modules"
    if not shutil.which("node"):
        raise Skip("no node")
    for package in PACKAGES:
        if not (modules / package).is_dir():
            raise Skip(f"no {package} in build/node_modules")
    return modules


@test
def test_node():
    commands, program = read_program("docs/clients.md", "js")
    for package in PACKAGES:
        check(package in commands, f"the docs do not install {package}")
    modules = find_modules()
    with new_project() as directory:
        (directory / "node_modules").symlink_to(modules)
        (directory / "main.js").write_text(program, encoding="utf-8")
        live_through_the_stories(["node", "main.js"], directory)


if __name__ == "__main__":
    main()
