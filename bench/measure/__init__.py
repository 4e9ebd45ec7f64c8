# SPDX-License-Identifier: Apache-2.0
"""Measures electd beside two baselines: the floor, which is gRPC C-core with
nothing behind it, and etcd.

Happy path: __main__.py makes a Run (run.py) and hands it to one measuring
module after the other; goals.py holds their figures against the goals,
report.py and plots.py write them down. A module that fails is reported and
the others still run.

A measuring module has

    measure(run) -> dict

whose result is what JSON can hold. The name of a figure ends with its unit
(`cpu_us_per_call`). churn.py alone has a class instead, Churn(run) with
start() and stop() -> dict, since it works behind all the others. `run` has

    run.quick        whether minutes matter more than fine figures
    run.scratch      a directory on disk (a Path), removed at the end
    run.bin(name)    the path of a built program: "electd", "bench/floor"
    run.start(kind, *flags)
                     a Server (servers.py); kind is "electd" or "floor"
    run.say(text)    tells on stderr how far the run is

and etcd.start_etcd(run, where) gives a Server too. Start servers in the main
thread: they end with the thread that started them.

Children are started by the words of servers.mortal(), and never with
preexec_fn: for that Python has to fork, and gRPC, which has threads in this
process, does not survive each fork.

Load generators (tools.py) know paths and bytes; wire.py writes the bytes.
"""
