# SPDX-License-Identifier: Apache-2.0
"""Behind nginx's grpc_pass: campaigns get through; a client whose host has
frozen is replaced if it promised to confirm, and never if it did not, as nginx
answers the daemon's pings in its place."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import grpc
from google.protobuf import duration_pb2

from electd.v1 import candidacy_pb2
from electd.v1 import candidacy_pb2_grpc

from harness import DEADLINE_S, Client, Daemon, Skip, check, election_id, equal
from harness import main, new_channel, new_name, term_of, test

LEAD = "--lead"
GRACE_MS = 500
CONFIRM_MS = 2000
# A client of the daemon itself that falls silent is noticed within 2.5 s.
KEEPALIVE = ("--keepalive-time=500ms", "--keepalive-timeout=2s")
# How long "never" is waited for.
NEVER_S = 7
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

# All that nginx writes goes into the directory.
CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen unix:{directory}/nginx.sock http2;
        location / {{
            grpc_pass grpc://{target};
            grpc_read_timeout 10m;
            grpc_send_timeout 10m;
        }}
    }}
}}
"""


class Nginx:
    """nginx in front of a daemon, in a directory of its own; `target` is what
    clients connect to."""

    def __init__(self, target):
        if NGINX is None:
            # Where all of it must run, nothing is skipped.
            check(not os.environ.get("CI"), "nginx is not installed")
            raise Skip("nginx is not installed: scripts/install-deps ci")
        self.directory = tempfile.TemporaryDirectory(prefix="electd-nginx-")
        name = self.directory.name
        # Its worker is another user if this is root.
        os.chmod(name, 0o755)
        path = os.path.join(name, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(directory=name, target=target))
        command = ["setpriv", "--pdeathsig=KILL", NGINX]
        command += ["-e", os.path.join(name, "log"), "-c", path]
        self.process = subprocess.Popen(command)
        self.target = f"unix:{name}/nginx.sock"
        self._wait_until_ready()

    def _wait_until_ready(self):
        with new_channel(self.target) as channel:
            grpc.channel_ready_future(channel).result(timeout=DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE_S)
        self.directory.cleanup()


def duration(milliseconds):
    message = duration_pb2.Duration()
    message.FromMilliseconds(milliseconds)
    return message


def campaign(channel, election, candidate, confirm_within_ms=0):
    request = candidacy_pb2.CampaignRequest(
        id=election_id(election),
        candidate=candidate,
        instance=f"instance of {candidate}",
        grace=duration(GRACE_MS),
        confirm_within=duration(confirm_within_ms),
    )
    stub = candidacy_pb2_grpc.CandidacyStub(channel)
    return stub.Campaign(request, timeout=2 * DEADLINE_S)


def confirm(channel, election, candidate, term):
    request = candidacy_pb2.ConfirmRequest(
        id=election_id(election),
        candidate=candidate,
        instance=f"instance of {candidate}",
        term=term,
    )
    stub = candidacy_pb2_grpc.CandidacyStub(channel)
    return stub.Confirm(request, timeout=DEADLINE_S)


def lead(target, election, confirm_within_ms):
    """In a process of its own: campaigns as n1, says so when it leads, and
    confirms for as long as it may."""
    confirm_within_ms = int(confirm_within_ms)
    with new_channel(target) as channel:
        answers = campaign(channel, election, "n1", confirm_within_ms)
        answer = next(answers)
        check(answer.leads, "it is the first")
        while confirm(channel, election, "n1", answer.term.term).leads:
            print("leads", flush=True)
            time.sleep((confirm_within_ms or 400) / 4000)


class Leader:
    """A process that leads by way of nginx."""

    def __init__(self, target, election, confirm_within_ms):
        # However this process ends, the other one does not outlive it.
        command = ["setpriv", "--pdeathsig=KILL", sys.executable]
        command += [os.path.abspath(__file__), LEAD]
        command += [target, election, str(confirm_within_ms)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True
        )
        equal(self.process.stdout.readline(), "leads\n")

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


if sys.argv[1:2] == [LEAD]:
    lead(*sys.argv[2:])
    sys.exit()

DAEMON = Daemon(*KEEPALIVE)
DIRECT = DAEMON.targets["unix"]


@test
def test_campaigns_and_their_ends_get_through():
    with Client(DIRECT) as direct, Nginx(DIRECT) as nginx:
        election = direct.create(new_name())
        with new_channel(nginx.target) as channel:
            first = campaign(channel, election, "n1")
            equal(term_of(next(first)), (1, "n1", []))
            answer = confirm(channel, election, "n1", 1)
            check(answer.leads, "it leads")
            check(0 < answer.valid_for.ToMilliseconds() < GRACE_MS, answer)
            second = campaign(channel, election, "n2")
            equal(term_of(next(second)), (1, "n1", ["n2"]))
            equal(term_of(next(first)), (1, "n1", ["n2"]))
            direct.anoint(election, "n2")
            equal(term_of(next(second)), (2, "n2", ["n1"]))
            check(not confirm(channel, election, "n1", 1).leads, "no more")
            direct.evict(election, "n2")
            equal(term_of(next(second)), (3, "n1", []))
            try:
                raise AssertionError(f"got {next(second)!r} instead of the end")
            except grpc.RpcError as error:
                equal(error.code().name, "ABORTED")
            watcher = direct.watch(election)
            equal(watcher.next(), (3, "n1", []))
            first.cancel()
            equal(watcher.next(), (3, "", []))
            watcher.cancel()


@test
def test_frozen_client_that_promised_to_confirm_is_replaced():
    with Client(DIRECT) as direct, Nginx(DIRECT) as nginx:
        election = direct.create(new_name())
        with Leader(nginx.target, election, CONFIRM_MS) as leader:
            second = campaign(direct.channel, election, "n2")
            equal(term_of(next(second)), (1, "n1", ["n2"]))
            # It confirms, and so it stays.
            time.sleep((CONFIRM_MS + GRACE_MS) / 1000 + 1)
            equal(direct.get_term(election), (1, "n1", ["n2"]))
            leader.freeze()
            frozen_s = time.monotonic()
            equal(term_of(next(second)), (2, "n2", []))
            lasted_s = time.monotonic() - frozen_s
            print(f"# replaced after {lasted_s:.3f} s")
            # The last Confirm was about a quarter of its time before; more if
            # the process was slow.
            check(lasted_s > GRACE_MS / 1000, f"after {lasted_s} s")
            check(lasted_s < DEADLINE_S, f"after {lasted_s} s")
            second.cancel()


@test
def test_frozen_client_that_did_not_promise_is_never_replaced():
    with Client(DIRECT) as direct, Nginx(DIRECT) as nginx:
        election = direct.create(new_name())
        with Leader(nginx.target, election, 0) as leader:
            leader.freeze()
            # The daemon's pings are answered: by nginx.
            time.sleep(NEVER_S)
            with Client(DIRECT) as other:
                equal(other.enter(election, "n2"), (1, "n1", ["n2"]))


@test
def test_frozen_client_of_the_daemon_itself_is_replaced():
    """Or the test above would tell nothing of nginx."""
    with Client(DIRECT) as direct:
        election = direct.create(new_name())
        with Leader(DIRECT, election, 0) as leader:
            second = campaign(direct.channel, election, "n2")
            equal(term_of(next(second)), (1, "n1", ["n2"]))
            leader.freeze()
            equal(term_of(next(second)), (2, "n2", []))
            second.cancel()


main(DAEMON)
