# SPDX-License-Identifier: Apache-2.0
"""Servers under measurement, as child processes.

A server never outlives the measuring process, whatever becomes of that one,
and is only ever signalled by its own pid.
"""

import ctypes
import os
import re
import resource
import signal
import subprocess
import threading
import time

READY_S = 20
PR_SET_PDEATHSIG = 1

_LIBC = ctypes.CDLL(None, use_errno=True)
_READY = re.compile(rb"\bevent=ready\b.*\blisten=(\S+)")
# How much of a log is kept: its beginning, and its end.
_LOG_KEPT = 16 * 1024


class NotStarted(Exception):
    """A server ended, or stayed silent, before it was ready."""


def in_child():
    """For a child that was forked: it dies with the thread that forked it."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def mortal(command):
    """The same command as a child that dies with the thread that starts it,
    whatever becomes of that one."""
    words = [str(word) for word in command]
    return ["setpriv", "--pdeathsig=KILL", "--", *words]


def raise_file_limit():
    """Lets the children open as many files as the system lets them: each
    connection is one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def environment():
    """This process's environment without settings meant for a daemon."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ELECTD_", "ETCD_"))
    }


class Server:
    """A running server; as a context manager it is stopped at the end."""

    def __init__(self, name, process, address=None):
        self.name = name
        self.process = process
        self.pid = process.pid
        self.address = address

    def cpu_s(self):
        """User and system time of all its threads so far. The kernel keeps it
        in nanoseconds, /proc in ticks of 10 ms."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_kib(self):
        """What the process holds in memory."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise ProcessLookupError(f"{self.name} has ended")

    def stop(self, signal=signal.SIGTERM, deadline_s=10):
        """Ends it, by force after the deadline, and returns its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal)
            try:
                self.process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


class LoggingServer(Server):
    """A server that says on stderr, in electd's form, where it listens."""

    def __init__(self, name, command):
        process = subprocess.Popen(
            mortal(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        super().__init__(name, process)
        self._beginning = b""
        self._end = b""
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read_away, daemon=True)
        self._reader.start()
        self._ready.wait(READY_S)
        if self.address is None:
            self.stop()
            raise NotStarted(f"{' '.join(command)} did not start: {self.log()}")

    def log(self):
        """What it said first, and what it said last."""
        return (self._beginning + self._end).decode(errors="replace")

    def _read_away(self):
        """Reads until the end: a full pipe would stop the server. In large
        pieces, so as to take as little time from it as can be."""
        stderr = self.process.stderr
        while piece := os.read(stderr.fileno(), 1 << 16):
            if len(self._beginning) < _LOG_KEPT:
                self._beginning += piece
            else:
                self._end = (self._end + piece)[-_LOG_KEPT:]
            if self.address is None and (
                match := _READY.search(self._beginning)
            ):
                self.address = match.group(1).decode()
                self._ready.set()
        self._ready.set()
        stderr.close()


def start_floor(program, *flags):
    """Starts gRPC C-core with constant answers, on a free port."""
    return LoggingServer("floor", [program, *flags])


def start_electd(program, *flags):
    """Starts electd on a free port."""
    return LoggingServer("electd", [program, "--listen", "127.0.0.1:0", *flags])
