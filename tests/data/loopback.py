"""A server on loopback that does what a test's fault says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[["Handler", int], None]  # told how many requests came before


class Handler(BaseHTTPRequestHandler):
    """Answers as the test's fault says."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        number = len(self.server.requests)
        self.server.requests.append(self.headers.get("Range"))
        self.server.paths.append(self.path)
        self.close_connection = True
        self.server.fault(self, number)

    def start(self) -> int:
        """From which byte on the file is asked for."""
        wanted = self.headers.get("Range")
        return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0

    def give(self, content: bytes | None = None, *, ranges: bool = True, cut_after: int | None = None) -> None:
        """Answer well, but for what the arguments say."""
        content = self.server.content if content is None else content
        start = self.start() if ranges else 0
        if start >= len(content) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:cut_after])
        if cut_after is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def stall(self, sent: int, over: threading.Event) -> None:
        """Promise all, send the first bytes, and then nothing until it is over."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[:sent])
        self.wfile.flush()
        over.wait(10)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class Server(ThreadingHTTPServer):
    """Gives ``content``; remembers the range (None for none) and the path of each request."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.fault: Fault = lambda handler, _: handler.give()
        self.requests: list[str | None] = []
        self.paths: list[str] = []

    def url(self, file: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self.server_port}/{file}"

    def handle_error(self, *_: object) -> None:
        """A client that went away is no error here."""


@contextlib.contextmanager
def serving(content: bytes = b"") -> Iterator[Server]:
    """A server that runs within."""
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
