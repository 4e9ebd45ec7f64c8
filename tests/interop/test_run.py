# SPDX-License-Identifier: Apache-2.0
"""`electctl run` against a daemon that behaves as no electd does that is well:
it does not confirm, it is an older one, its life changes. It is a server of
Python's own gRPC, whose HTTP/2 answers pings all the while."""

import concurrent.futures
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time

import grpc
from google.protobuf import duration_pb2

from electd.v1 import candidacy_pb2
from electd.v1 import candidacy_pb2_grpc

from atomix.runtime.election.v1 import election_pb2

from harness import DEADLINE_S, check, equal, main, test

# The shortest times: what is confirmed is valid for 1.7 s, of which the last
# half second is for SIGKILL, and 0.2 s before that for ending.
FAST = ("--candidate=a", "--kill-after=200ms", "--grace=2125ms")
VALID_MS = 1700

# Says when it started, and that it is alive still; it ignores SIGTERM.
PROGRAM = (
    "import os, signal, sys, time\n"
    "def say(*words):\n"
    "    with open(sys.argv[1], 'a') as file:\n"
    "        print(*words, time.monotonic(), file=file)\n"
    "signal.signal(signal.SIGTERM, lambda *_: None)\n"
    "say('start', os.environ['ELECTD_TERM'])\n"
    "while True:\n"
    "    time.sleep(0.005)\n"
    "    say('alive', 0)\n"
)


def duration(ms):
    result = duration_pb2.Duration()
    result.FromMilliseconds(ms)
    return result


def leads(term=1, earlier_ms=0, **fields):
    """An answer of Campaign: a leads. No `earlier_ms` is not known."""
    fields.setdefault("leads", True)
    fields.setdefault("life", "one")
    answer = candidacy_pb2.CampaignResponse(
        term=election_pb2.Term(term=term, leader="a"),
        reason=candidacy_pb2.REASON_CURRENT,
        revision=term,
        **fields,
    )
    if earlier_ms is not None:
        answer.earlier_leader_until.CopyFrom(duration(earlier_ms))
    return answer


def confirmed(request, leads=True, life="one", valid_ms=VALID_MS):
    return candidacy_pb2.ConfirmResponse(
        term=election_pb2.Term(term=request.term, leader="a"),
        leads=leads,
        valid_for=duration(valid_ms if leads else 0),
        life=life,
    )


class Scripted(candidacy_pb2_grpc.CandidacyServicer):
    """`confirm` answers each Confirm; `streams` has, for each Campaign that
    comes, the request and the queue of what it answers (None is its end)."""

    def __init__(self):
        self.confirm = confirmed
        self.streams = queue.Queue()
        self.ends = queue.Queue()
        self.confirms = []

    def Campaign(self, request, context):
        answers = queue.Queue()
        context.add_callback(lambda: answers.put(None))
        context.add_callback(lambda: self.ends.put(time.monotonic()))
        self.streams.put((request, answers))
        while (answer := answers.get()) is not None:
            yield answer

    def Confirm(self, request, context):
        self.confirms.append((time.monotonic(), request))
        answer = self.confirm(request)
        if answer is None:
            answer = grpc.StatusCode.UNAVAILABLE
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "not now")
        return answer


class Older(candidacy_pb2_grpc.CandidacyServicer):
    """An electd of the time before Confirm."""

    def Campaign(self, request, context):
        yield leads(life="")
        while context.is_active():
            time.sleep(0.01)


class Run:
    """electctl run, with a program that stays, and the daemon of its own."""

    def __init__(self, servicer, *flags):
        pool = concurrent.futures.ThreadPoolExecutor(16)
        # By default this server ends whoever pings as often as electctl.
        self.server = grpc.server(
            pool, options=[("grpc.http2.max_ping_strikes", 0)]
        )
        candidacy_pb2_grpc.add_CandidacyServicer_to_server(
            servicer, self.server
        )
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.directory = tempfile.TemporaryDirectory(prefix="electctl-")
        self.file = os.path.join(self.directory.name, "log")
        self.process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig=KILL", os.environ["ELECTCTL_BIN"]),
                *("run", f"--endpoint=127.0.0.1:{port}", *FAST, *flags, "e"),
                *("--", "/usr/bin/python3", "-S", "-c", PROGRAM, self.file),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)

    def _lines(self, word):
        """(term, when) of each line that begins with that word."""
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="ascii") as file:
            lines = [line.split() for line in file if line.endswith("\n")]
        return [
            (int(term), float(when))
            for what, term, when in lines
            if what == word
        ]

    def starts(self):
        """(term, when) of each program that was started."""
        return self._lines("start")

    def await_start(self, count=1):
        until(lambda: len(self.starts()) >= count, "no start")
        return self.starts()[count - 1]

    def last_alive(self):
        """When a program was last seen to run."""
        lines = self._lines("start") + self._lines("alive")
        return max(when for _, when in lines)

    def await_said(self, text):
        until(lambda: text in "".join(self.said), f"it does not say {text!r}")

    def exit(self):
        return self.process.wait(timeout=DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        self.server.stop(None).wait()
        self.directory.cleanup()
        if exception[0] is not None:
            print("# electctl said:", *self.said, sep="\n# ")


def until(condition, otherwise):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        check(time.monotonic() < deadline, otherwise)
        time.sleep(0.005)


def next_stream(daemon):
    return daemon.streams.get(timeout=DEADLINE_S)


@test
def a_daemon_without_confirm_is_too_old():
    with Run(Older()) as run:
        equal(run.exit(), 1)
        run.await_said("the daemon is older than this electctl")
        equal(run.starts(), [])


@test
def a_program_starts_only_once_it_is_confirmed():
    daemon = Scripted()
    daemon.confirm = lambda request: None
    with Run(daemon) as run:
        request, answers = next_stream(daemon)
        check(request.confirm_within.ToMilliseconds() == 1500, request)
        answers.put(leads())
        until(lambda: len(daemon.confirms) >= 3, "no Confirm")
        run.await_said("does not confirm: UNAVAILABLE: not now")
        equal(run.starts(), [])
        daemon.confirm = confirmed
        run.await_start()


@test
def a_program_ends_before_what_was_confirmed_last_is_over():
    """The stream stays open, and pings are answered, as behind a proxy whose
    daemon is gone."""
    daemon = Scripted()
    never = threading.Event()
    answered = []

    def confirm(request):
        if len(answered) == 5:
            never.wait()
        answered.append(time.monotonic())
        return confirmed(request)

    daemon.confirm = confirm
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        equal(run.exit(), 5)
        run.await_said("it was not confirmed in time")
        check(len(answered) == 5, answered)
        # It ignores SIGTERM, and so ran as long as it could.
        left = daemon.confirms[4][0] + VALID_MS / 1000 - run.last_alive()
        check(left > 0, f"it ran {-left} s too long")
        never.set()


@test
def whoever_hears_too_late_makes_way():
    """The answers take longer than a Confirm may, and the stream is fine."""
    daemon = Scripted()

    def confirm(request):
        time.sleep(0.7)
        return confirmed(request)

    daemon.confirm = confirm
    with Run(daemon) as run:
        for _ in range(2):
            request, answers = next_stream(daemon)
            answers.put(leads())
            ended = daemon.ends.get(timeout=DEADLINE_S)
        run.await_said(
            "leads, but the daemon's answers take too long (over 0.5s): "
            "making way for others\n"
        )
        # Its place lapses meanwhile.
        daemon.confirm = confirmed
        _, answers = next_stream(daemon)
        check(time.monotonic() > ended + 2.125 + 1, "it comes too soon")
        answers.put(leads(term=2))
        equal(run.await_start()[0], 2)


@test
def whoever_may_not_act_makes_way():
    daemon = Scripted()
    daemon.confirm = lambda request: confirmed(request, valid_ms=0)
    with Run(daemon) as run:
        for _ in range(2):
            next_stream(daemon)[1].put(leads())
            daemon.ends.get(timeout=DEADLINE_S)
        run.await_said(
            "the daemon does not confirm: it says that this candidate leads, "
            "but not for long enough to act (valid_for)\n"
        )
        run.await_said(
            "leads, but the daemon does not confirm it: making way for others"
        )
        daemon.confirm = confirmed
        next_stream(daemon)[1].put(leads(term=2))
        equal(run.await_start()[0], 2)


@test
def nobody_may_act_for_longer_than_its_grace_allows():
    daemon = Scripted()
    daemon.confirm = lambda request: confirmed(request, valid_ms=3600000)
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        run.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(
            lambda: time.monotonic() > run.last_alive() + 0.5,
            "the program does not end",
        )
        check(run.last_alive() < stopped + VALID_MS / 1000, "it ran too long")
        run.process.send_signal(signal.SIGCONT)
        equal(run.exit(), 5)


@test
def a_proxy_that_does_not_know_confirm_once_is_no_older_daemon():
    daemon = Scripted()
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        answers = [grpc.StatusCode.UNIMPLEMENTED]
        daemon.confirm = lambda request: (
            answers.pop() if answers else confirmed(request)
        )
        run.await_said("the daemon does not confirm: UNIMPLEMENTED: not now")
        before = len(daemon.confirms)
        until(lambda: len(daemon.confirms) >= before + 8, "no Confirm")
        equal(run.process.poll(), None)
        equal(len(run.starts()), 1)


@test
def a_stopped_electctl_extends_nothing():
    daemon = Scripted()
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        run.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(
            lambda: time.monotonic() > run.last_alive() + 0.5,
            "the program does not end",
        )
        check(run.last_alive() < stopped + VALID_MS / 1000, "it ran too long")
        run.process.send_signal(signal.SIGCONT)
        run.await_said("leadership lost: electctl stood still for ")
        equal(run.exit(), 5)


@test
def a_denied_leader_ends_before_its_stream_says_so():
    daemon = Scripted()
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        daemon.confirm = lambda request: confirmed(request, leads=False)
        run.await_said("the daemon says so")
        # What it leaves by.
        next_stream(daemon)[1].put(leads())
        equal(run.exit(), 5)


@test
def another_life_does_not_count():
    daemon = Scripted()
    daemon.confirm = lambda request: confirmed(request, life="two")
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        # It gives that stream up.
        _, answers = next_stream(daemon)
        equal(run.starts(), [])
        answers.put(leads(life="two"))
        run.await_start()


@test
def another_life_each_time_is_told_once():
    daemon = Scripted()
    daemon.confirm = lambda request: confirmed(request, life="two")
    with Run(daemon) as run:
        for _ in range(2):
            next_stream(daemon)[1].put(leads())
            ended = daemon.ends.get(timeout=DEADLINE_S)
        next_stream(daemon)
        check(time.monotonic() > ended + 2.125 + 1, "it comes too soon")
        equal(run.starts(), [])
        equal(
            [line for line in run.said if "load balancer" in line],
            [
                "electctl: the Confirm was answered by another daemon than "
                "the Campaign; is there a load balancer in between?\n"
            ],
        )


@test
def another_life_ends_the_program():
    daemon = Scripted()
    with Run(daemon) as run:
        next_stream(daemon)[1].put(leads())
        run.await_start()
        daemon.confirm = lambda request: confirmed(request, life="two")
        run.await_said("another daemon, or a restarted one")
        equal(run.exit(), 5)


@test
def a_leader_of_the_same_name_is_somebody_else():
    daemon = Scripted()
    with Run(daemon) as run:
        _, answers = next_stream(daemon)
        answers.put(leads(leads=False))
        run.await_said("waiting: 'a' leads (term 1)")
        until(lambda: len(daemon.confirms) >= 2, "no Confirm")
        equal(run.starts(), [])
        answers.put(leads(term=2))
        equal(run.await_start()[0], 2)


@test
def a_place_in_the_queue_is_told():
    daemon = Scripted()
    with Run(daemon) as run:
        answer = leads(leads=False, earlier_ms=None)
        answer.term.leader = "b"
        answer.term.candidates.extend(["c", "a"])
        next_stream(daemon)[1].put(answer)
        run.await_said("waiting: 'b' leads (term 1); 2nd in the queue\n")


@test
def it_waits_as_long_as_an_earlier_leader_may_act():
    daemon = Scripted()
    with Run(daemon) as run:
        _, answers = next_stream(daemon)
        before = time.monotonic()
        answers.put(leads(term=4, earlier_ms=1500))
        run.await_said(
            "elected (term 4); starting in at most 1.5s: the earlier leader "
            "may act until then\n"
        )
        _, started = run.await_start()
        check(started >= before + 1.5, "it started too soon")


@test
def what_nobody_can_be_promised_is_not_waited_for():
    daemon = Scripted()
    with Run(daemon) as run:
        _, answers = next_stream(daemon)
        answers.put(leads(term=4, earlier_ms=2**40))
        run.await_said("elected (term 4); starting in at most 600s: ")
        answers.put(leads(term=5, earlier_ms=-1000))
        run.await_said("elected (term 5); starting in ")
        check("is not known" in run.said[-1], run.said)


@test
def it_waits_no_longer_when_the_earlier_leader_has_left():
    daemon = Scripted()
    with Run(daemon) as run:
        _, answers = next_stream(daemon)
        answers.put(leads(term=4, earlier_ms=600000))
        run.await_said("starting in at most 600s")
        answers.put(leads(term=4, earlier_ms=0))
        run.await_start()


@test
def it_waits_the_start_delay_when_nobody_knows():
    daemon = Scripted()
    with Run(daemon, "--start-delay=1800ms") as run:
        before = time.monotonic()
        next_stream(daemon)[1].put(leads(term=4, earlier_ms=None))
        run.await_said(
            "elected (term 4); starting in at most 1.8s: what an earlier "
            "leader was promised is not known (--start-delay)\n"
        )
        _, started = run.await_start()
        check(started >= before + 1.8, "it started too soon")


@test
def each_program_has_an_instance_of_its_own():
    """And the daemon hears under the old one that its program is gone."""
    daemon = Scripted()
    with Run(daemon, "--retry") as run:
        first, answers = next_stream(daemon)
        answers.put(leads(term=1))
        run.await_start()
        answers.put(None)
        leave, answers = next_stream(daemon)
        equal(leave.instance, first.instance)
        equal(leave.HasField("grace"), False)
        answers.put(leads(term=1))
        second, answers = next_stream(daemon)
        check(second.instance not in ("", first.instance), "the same instance")
        answers.put(leads(term=2))
        equal(run.await_start(2)[0], 2)
        equal(
            {request.instance for _, request in daemon.confirms[-1:]},
            {second.instance},
        )


if __name__ == "__main__":
    main()
