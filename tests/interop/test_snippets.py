# SPDX-License-Identifier: Apache-2.0
"""The README's programs that campaign: each leads, and is out once killed."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from harness import DEADLINE_S, Client, Daemon, Skip, check, equal, main, test

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NODE_PACKAGES = ("@grpc/grpc-js", "@grpc/proto-loader")
ADDRESS = "127.0.0.1:5678"


def read_snippet(language):
    """The commands that the README has for the stubs, and the program."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    ((commands, program),) = re.findall(
        rf"^```sh\n([^`]*?)^```\n\n^```{language}\n(.*?)^```$",
        text, re.M | re.S,
    )
    check(ADDRESS in program, f"the {language} snippet has another address")
    return commands, program


@contextlib.contextmanager
def new_project():
    """A directory as the README wants it: with a copy of proto/."""
    with tempfile.TemporaryDirectory(prefix="electd-") as path:
        directory = pathlib.Path(path)
        shutil.copytree(ROOT / "proto", directory / "proto")
        yield directory


def environment():
    """Of the tests alone is PYTHONPATH, which has stubs too."""
    values = dict(os.environ, PYTHONUNBUFFERED="1")
    values.pop("PYTHONPATH", None)
    return values


def wait_until_it_leads(process):
    """The term that the program prints."""
    lines = []
    for line in process.stdout:
        if leads := re.fullmatch(r"I lead, in term (\d+)\n", line):
            return int(leads[1])
        lines.append(line)
    raise AssertionError("it never led: " + "".join(lines))


def leads_until_killed(command, directory, program, candidate):
    """The file with the program is the last word of the command."""
    with Daemon() as daemon, Client(daemon.targets["tcp"]) as client:
        program = program.replace(ADDRESS, daemon.targets["tcp"])
        (directory / command[-1]).write_text(program, encoding="utf-8")
        # However this process ends, the program does not outlive it.
        with subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *command],
            cwd=directory, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:
            deadline = threading.Timer(DEADLINE_S, process.kill)
            deadline.start()
            try:
                term = wait_until_it_leads(process)
                watcher = client.watch("demo")
                equal(watcher.next(), (term, candidate, []))
                equal(process.poll(), None)
            finally:
                deadline.cancel()
                process.kill()
        equal(watcher.next(), (term, "", []))
        watcher.cancel()


@test
def test_python():
    commands, program = read_snippet("python")
    with new_project() as directory:
        subprocess.run(
            ["sh", "-e", "-c", commands], cwd=directory, env=environment(),
            timeout=DEADLINE_S, check=True,
        )
        leads_until_killed(
            [sys.executable, "main.py"], directory, program, "python"
        )


def find_node_modules():
    """Whoever names the directory wants no test skipped."""
    if named := os.environ.get("ELECTD_NODE_MODULES"):
        return pathlib.Path(named).resolve()
    modules = ROOT / "build" / "node_modules"
    if not shutil.which("node"):
        raise Skip("no node")
    for package in NODE_PACKAGES:
        if not (modules / package).is_dir():
            raise Skip(f"no {package} in build/node_modules")
    return modules


@test
def test_node():
    commands, program = read_snippet("js")
    for package in NODE_PACKAGES:
        check(package in commands, f"the README does not install {package}")
    modules = find_node_modules()
    with new_project() as directory:
        (directory / "node_modules").symlink_to(modules)
        leads_until_killed(["node", "main.js"], directory, program, "node")


if __name__ == "__main__":
    main()
