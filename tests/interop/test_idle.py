# SPDX-License-Identifier: Apache-2.0
"""Clients that do nothing for a while. C-core's (Python's is one) read their
socket while a call is open, and else every five seconds only: they answer no
ping in time, and must not be asked for one."""

import time

from harness import Client, Daemon, concurrently, equal, main, new_name
from harness import TRANSPORTS, test

DAEMON = Daemon()

CLIENTS = 30
# Longer than the keepalive's time and timeout, by default 2 s and 1 s; and
# longer than C-core's five seconds.
PAUSES_S = (4, 8)


def enter_and_pause(transport, election):
    """The session outlives its pauses: its calls work, and its Close withdraws
    what it entered."""
    with Client(DAEMON.targets[transport]) as client:
        client.create(election)
        client.enter(election, "a")
        for pause_s in PAUSES_S:
            time.sleep(pause_s)
            equal(client.get_term(election), (1, "a", []))
        client.close(election)
        equal(client.get_term(election), (1, "", []))


@test
def test_idle_clients_keep_their_sessions():
    concurrently(
        lambda transport: enter_and_pause(transport, new_name()),
        TRANSPORTS * CLIENTS,
    )


main(DAEMON)
