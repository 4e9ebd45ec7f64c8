# SPDX-License-Identifier: Apache-2.0
"""One run of the measurements: what its modules share."""

import os
import pathlib
import sys
import tempfile
import time

from measure import servers

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Run:
    """See the package's docstring for what a measuring module uses."""

    def __init__(self, quick=False, build=ROOT / "build" / "release"):
        self.quick = quick
        self.build = pathlib.Path(build).resolve()
        servers.raise_file_limit()
        self.started = time.monotonic()
        # In the build directory, since /tmp may be no disk.
        where = ROOT / "build" / "bench"
        where.mkdir(parents=True, exist_ok=True)
        self._directory = tempfile.TemporaryDirectory(
            prefix="scratch-", dir=where
        )
        self.scratch = pathlib.Path(self._directory.name)

    def bin(self, name):
        """The path of a built program. ELECTD_BIN can name another electd."""
        if name == "electd" and "ELECTD_BIN" in os.environ:
            return os.environ["ELECTD_BIN"]
        path = self.build / "bin" / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is not built")
        return str(path)

    def start(self, kind, *flags):
        """A server that is ready: "electd" or "floor"."""
        if kind == "electd":
            return servers.start_electd(self.bin("electd"), *flags)
        if kind == "floor":
            return servers.start_floor(self.bin("bench/floor"), *flags)
        raise ValueError(kind)

    def seconds(self):
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    def say(self, text):
        """One line on stderr."""
        print(f"[{self.seconds():5.0f} s] {text}", file=sys.stderr, flush=True)

    def close(self):
        """Removes what the run wrote on its way."""
        self._directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
