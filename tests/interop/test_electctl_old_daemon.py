# SPDX-License-Identifier: Apache-2.0
"""electctl and a daemon that is older than it: without Confirm."""

import concurrent.futures
import os
import subprocess
import threading

import grpc

from atomix.runtime.election.v1 import election_pb2, election_pb2_grpc
from electd.v1 import candidacy_pb2, candidacy_pb2_grpc
from harness import DEADLINE_S, equal, main, test

OLDER = (
    "electctl: the daemon is older than this electctl "
    "(UNIMPLEMENTED: Method not implemented!)\n"
)


class OldCandidacy(candidacy_pb2_grpc.CandidacyServicer):
    """Campaign as it was: without `leads` and `life`."""

    def Campaign(self, request, context):
        answer = candidacy_pb2.CampaignResponse(
            reason=candidacy_pb2.REASON_CURRENT, revision=1
        )
        answer.term.term = 1
        answer.term.leader = request.candidate
        yield answer
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(DEADLINE_S)


class OldElection(election_pb2_grpc.LeaderElectionServicer):
    """As much of it as a Campaign that ends needs."""

    def Withdraw(self, request, context):
        return election_pb2.WithdrawResponse()


def run(endpoint, *words):
    done = subprocess.run(
        [os.environ["ELECTCTL_BIN"], "--endpoint", endpoint, *words],
        text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        timeout=DEADLINE_S, check=False,
    )
    return done.returncode, done.stderr


@test
def test_campaign_says_that_the_daemon_is_older_and_ends():
    pool = concurrent.futures.ThreadPoolExecutor(4)
    server = grpc.server(pool)
    candidacy_pb2_grpc.add_CandidacyServicer_to_server(OldCandidacy(), server)
    election_pb2_grpc.add_LeaderElectionServicer_to_server(
        OldElection(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        endpoint = f"127.0.0.1:{port}"
        equal(run(endpoint, "campaign", "--grace", "5s", "a"), (1, OLDER))
        asked = ("confirm", "--instance", "i", "--term", "1", "a", "b")
        equal(run(endpoint, *asked), (1, OLDER))
    finally:
        server.stop(None).wait()
        pool.shutdown()


if __name__ == "__main__":
    main()
