# SPDX-License-Identifier: Apache-2.0
"""The programs in the documentation that campaign, built as it says there, and
the stories that each of them must live through.

A program says "I lead, in term N" when it begins to act, and has stopped when
its process has ended.
"""

import contextlib
import os
import pathlib
import pty
import queue
import re
import shutil
import subprocess
import tempfile
import termios
import threading
import time

from harness import DEADLINE_S, Client, Daemon, Skip, check, concurrently, equal
from relay import Relay

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ADDRESS = "127.0.0.1:5678"


def read_program(file, language):
    """The commands that a file of the documentation has in front of a program,
    and the program."""
    text = (ROOT / file).read_text(encoding="utf-8")
    ((commands, program),) = re.findall(
        rf"^```sh\n([^`]*?)^```\n\n^```{language}\n(.*?)^```$",
        text, re.M | re.S,
    )
    check(ADDRESS in program, f"the {language} program has another address")
    return commands, program


def environment(stubs=False, **values):
    """PYTHONPATH, with the stubs of the tests, is theirs alone."""
    values = dict(os.environ, PYTHONUNBUFFERED="1", **values)
    if not stubs:
        values.pop("PYTHONPATH", None)
    return values


@contextlib.contextmanager
def new_project():
    """A directory as the documentation wants it: with a copy of proto/."""
    with tempfile.TemporaryDirectory(prefix="electd-") as path:
        directory = pathlib.Path(path)
        shutil.copytree(ROOT / "proto", directory / "proto")
        yield directory


def run(command, directory, **values):
    """Runs a step of the build, in a shell."""
    done = subprocess.run(
        ["sh", "-e", "-c", command], cwd=directory,
        env=environment(**values), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=100, check=False,
    )
    check(done.returncode == 0, done.stdout)


def need_network(*tools):
    """For tests that download what their tools build with."""
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(f"no {tool}")
    if os.environ.get("CI") != "true":
        raise Skip("it downloads what it builds with: set CI=true")


class Program:
    """A program at work. `ended` is when it was seen to have ended, by
    time.monotonic(). What it writes is read until `is_read` is taken back."""

    def __init__(self, command, directory, target, stubs=False, tty=False):
        reading, writing = pty.openpty() if tty else os.pipe()
        # However this process ends, the program does not outlive it.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *command],
            cwd=directory, stdout=writing, stderr=subprocess.STDOUT,
            env=environment(stubs=stubs, ELECTD_ENDPOINT=target),
        )
        os.close(writing)
        self.output = open(reading, encoding="utf-8")
        self.lines = []
        self.terms = queue.Queue()
        self.ended = None
        self.is_read = True
        self.unread = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        # A terminal ends with EIO.
        with contextlib.suppress(OSError):
            for line in self.output:
                self.lines.append(line)
                if leads := re.fullmatch(r"I lead, in term (\d+)\n", line):
                    self.terms.put(int(leads[1]))
                if not self.is_read:
                    break
        self.unread.set()
        self.process.wait()
        self.ended = time.monotonic()
        self.terms.put(None)

    def wait_until_it_leads(self):
        term = self.terms.get(timeout=3 * DEADLINE_S)
        check(term is not None, "it never led: " + "".join(self.lines))
        return term

    def wait_until_it_says(self, line):
        deadline = time.monotonic() + DEADLINE_S
        while line not in self.lines:
            check(time.monotonic() < deadline, "".join(self.lines))
            time.sleep(0.01)

    def wait_until_it_ended(self):
        try:
            self.process.wait(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("it still runs: " + "".join(self.lines))
        self.reader.join()

    def _open_output(self):
        """With a description of its own: the program's blocks as before."""
        return os.open(
            f"/proc/{self.process.pid}/fd/1",
            os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY,
        )

    def stop_terminal(self):
        """Does what Ctrl-S does."""
        output = self._open_output()
        termios.tcflow(output, termios.TCOOFF)
        os.close(output)

    def fill_output(self):
        """Lets the next write to its output block for ever."""
        self.is_read = False
        output = self._open_output()
        os.write(output, b"\n")
        check(self.unread.wait(DEADLINE_S), "its output is still read")
        for size in (4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(output, b"\n" * size)
        os.close(output)

    def close_output(self):
        """Lets the next write to its output fail."""
        self.fill_output()
        self.output.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.reader.join()
        self.output.close()


class Story:
    """A daemon, a network, and a program that leads through it in term 1.
    `start` takes an address and a name, and starts a program; unless `named`,
    the program chooses the name."""

    def __init__(self, start, named=True):
        self.start = start
        self.candidate = "n1" if named else None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(Daemon())
            self.client = stack.enter_context(Client(daemon.targets["tcp"]))
            self.relay = stack.enter_context(Relay(daemon.targets["tcp"]))
            self.target = daemon.targets["tcp"]
            self.program = stack.enter_context(
                self.start(self.relay.target, self.candidate)
            )
            equal(self.program.wait_until_it_leads(), 1)
            self.watcher = self.client.watch("demo")
            stack.callback(self.watcher.cancel)
            if self.candidate is None:
                self.candidate = self.client.get_term("demo").leader
            self.expect(1, self.candidate, [])
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def expect(self, term, leader, queue_):
        """The next change."""
        equal(self.watcher.next(), (term, leader, queue_))


def test_killed(story):
    """It stays for the grace, and is out."""
    story.program.process.kill()
    story.expect(1, "", [])


def test_evicted(story):
    """It stops at once."""
    story.client.evict("demo", story.candidate)
    story.expect(1, "", [])
    story.program.wait_until_it_ended()


def test_frozen(story):
    """It stops before another candidate leads, although it hears of nothing."""
    story.client.enter("demo", "rival")
    story.expect(1, story.candidate, ["rival"])
    story.relay.freeze()
    story.expect(2, "rival", [])
    elected = time.monotonic()
    ended = story.program.ended
    check(
        ended is not None and ended < elected,
        "it still acts, though another candidate leads: "
        + "".join(story.program.lines),
    )


def test_full_output(story):
    """It stops in time, although nobody reads what it writes."""
    story.program.fill_output()
    test_frozen(story)


def test_closed_output(story):
    """It stops in time, although what it writes fails."""
    story.program.close_output()
    test_frozen(story)


def test_stopped_terminal(story):
    """It stops in time, although Ctrl-S has stopped its terminal."""
    story.program.stop_terminal()
    test_frozen(story)


def test_cut(story):
    """It comes back, keeps its term and goes on, without a second beginning."""
    story.relay.cut()
    story.client.enter("demo", "rival")
    story.expect(1, story.candidate, ["rival"])
    # Longer than the grace: it has come back.
    time.sleep(7)
    equal(story.client.get_term("demo"), (1, story.candidate, ["rival"]))
    equal(story.program.process.poll(), None)
    check(story.program.terms.empty(), "it began twice")


def frozen_program_stops_in_time(command):
    """The same for a program whose candidate has any name, and which needs the
    stubs of the tests. `command` makes its command line for an address."""

    def start(target, _):
        return Program(command(target), ROOT, target, stubs=True)

    def live(story):
        with Story(start, named=False) as told:
            story(told)

    concurrently(live, (test_frozen, test_full_output, test_closed_output))


def test_anointed(story):
    """A program that is elected by a command begins after a frozen leader, who
    was not told, has ended."""
    with story.start(story.target, "n2") as second:
        story.expect(1, "n1", ["n2"])
        second.wait_until_it_says("I wait: n1 leads\n")
        story.relay.freeze()
        story.client.anoint("demo", "n2")
        equal(second.wait_until_it_leads(), 2)
        began = time.monotonic()
    ended = story.program.ended
    check(ended is not None and ended < began, "both programs act at once")


def test_named_twice(story):
    """A second process of that name says so, and ends; the first leads on."""
    with story.start(story.target, story.candidate) as second:
        second.wait_until_it_ended()
        check(
            f"I stop: another process has the name {story.candidate}\n"
            in second.lines,
            "".join(second.lines),
        )
    equal(story.program.process.poll(), None)


STORIES = (
    test_killed, test_evicted, test_frozen, test_full_output,
    test_closed_output, test_stopped_terminal, test_cut, test_anointed,
    test_named_twice,
)


def live_through_the_stories(command, directory):
    """All stories at once, each with a daemon of its own."""

    def live(story):
        def start(target, name):
            tty = story is test_stopped_terminal
            return Program([*command, name], directory, target, tty=tty)

        try:
            with Story(start) as told:
                story(told)
        except Exception as error:
            raise AssertionError(f"{story.__name__}: {error}") from error

    concurrently(live, STORIES)
