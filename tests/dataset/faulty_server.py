"""An HTTP server on 127.0.0.1 whose answers are given by the test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[["Handler"], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Answer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the test's answer; `closing` ends whatever would never end."""

    closing: threading.Event

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.answer(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base's name
        pass

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def body(self, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve `answer` and yield the server's address."""
    closing = threading.Event()
    handler = type("TestHandler", (Handler,), {"closing": closing})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.answer = answer
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            closing.set()
            server.shutdown()
            thread.join()


def folder(path: Path) -> Answer:
    """Serve the files of a folder as they are, 404 for others."""

    def answer(handler: Handler) -> None:
        file = path / Path(handler.path).name
        if file.is_file():
            handler.body(file.read_bytes())
        else:
            handler.send_error(404)

    return answer


def page(handler: Handler) -> None:
    handler.body(b"<!doctype html><title>Sign in to the network</title>")


def missing(handler: Handler) -> None:
    handler.send_error(404)


def broken(handler: Handler) -> None:
    handler.send_error(503)


def hang(handler: Handler) -> None:
    handler.closing.wait()


def stall(handler: Handler) -> None:
    """A complete header and the first bytes, then nothing."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x")
    handler.closing.wait()


def drip(handler: Handler) -> None:
    """A complete header, then a byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.closing.wait(0.05):
        handler.wfile.write(b"x")


def drip_header(handler: Handler) -> None:
    """A header that never ends, a byte now and then: no socket time-out sees it."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    while not handler.closing.wait(0.05):
        handler.wfile.write(b"x")


def endless(handler: Handler) -> None:
    """No length, and no end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.closing.is_set():
        handler.wfile.write(bytes(2**16))


def cut(handler: Handler) -> None:
    """Half of what the header announces."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"\x1f\x8b" + bytes(50_000))


def redirect_in_a_circle(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def length_of_5000_digits(handler: Handler) -> None:
    """And then nothing."""
    handler.send_response(200)
    handler.send_header("Content-Length", "9" * 5000)
    handler.end_headers()
