# SPDX-License-Identifier: Apache-2.0
"""A network between a client and a daemon that can freeze, and break.

Frozen, it takes connections and bytes as before and passes nothing on, in
either direction, and neither side hears of it: as a link that loses all
packets, or a proxy that hangs.
"""

import socket
import threading


class Relay:
    """Listens on a port of 127.0.0.1, which `target` names, and makes one
    connection to a daemon ("127.0.0.1:port") for each that it takes."""

    def __init__(self, daemon):
        host, port = daemon.rsplit(":", 1)
        self.daemon = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.sockets = []
        self.passes = threading.Event()
        self.passes.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self):
        self.passes.clear()

    def cut(self):
        """Ends all connections; new ones are taken."""
        with self.lock:
            for end in self.sockets:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it has ended already
            self.sockets.clear()

    def close(self):
        self.listener.close()
        self.passes.set()
        self.cut()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.daemon)
            except OSError:
                return  # the test is over
            with self.lock:
                self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(
                    target=self._pump, args=(source, sink), daemon=True
                ).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                self.passes.wait()
                sink.sendall(data)
        except OSError:
            pass
        self.passes.wait()
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
