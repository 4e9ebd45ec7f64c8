# SPDX-License-Identifier: Apache-2.0
"""Where and with what a run was made."""

import datetime
import os
import platform
import subprocess

from measure.run import ROOT


def _first_line(*command):
    """What a command prints first; "unknown" if it cannot say."""
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=ROOT
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return (said.stdout.splitlines() or ["unknown"])[0]


def _from_proc(path, key):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return "unknown"


def _package(name):
    return _first_line("dpkg-query", "-W", "-f=${Version}", name)


def _commit():
    commit = _first_line("git", "rev-parse", "--short=12", "HEAD")
    changed = _first_line("git", "status", "--porcelain", "--", "src")
    return commit if changed == "unknown" else commit + ", with changes"


def describe(run):
    """Each thing by its name."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "date": now.strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": _from_proc("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _from_proc("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "electd": _first_line(run.bin("electd"), "--version"),
        "commit": _commit(),
        "compiler": _first_line("cc", "--version"),
        "gRPC C-core": _package("libgrpc-dev"),
        "etcd": _package("etcd-server"),
        "h2load": _package("nghttp2-client"),
    }
