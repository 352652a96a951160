"""A small authenticating reverse proxy, for the tests alone: a Chroma server by itself asks nobody for a token.

It lets a request through that bears the right token in either header, and can be told to answer something else.
"""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "canary-7d1f-token"  # noqa: S105


class Proxy:
    """A proxy on a free port, stopped at the end of its `with`."""

    def __init__(self, host: str, port: int, token: str = TOKEN) -> None:
        self.answer: tuple[int, dict[str, str]] | None = None
        """A status and headers to answer with instead of passing a request on."""
        self.stall = threading.Event()
        """While set, requests get no answer."""
        self.released = threading.Event()
        self.seen: list[dict[str, str]] = []
        """Headers of every request."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer would wait 40 ms for the one before to be noticed

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.seen.append(headers)
                if outer.stall.is_set():
                    outer.released.wait(30)
                    self.close_connection = True
                    return
                allowed = headers.get("authorization") == f"Bearer {token}" or headers.get("x-chroma-token") == token
                if outer.answer is not None:
                    self.reply(outer.answer[0], b"no", outer.answer[1])
                elif not allowed:
                    self.reply(401, b'{"error":"AuthError","message":"who are you?"}', {})
                else:
                    upstream = http.client.HTTPConnection(host, port, timeout=30)
                    upstream.request(self.command, self.path, body, {"content-type": "application/json"})
                    answer = upstream.getresponse()
                    self.reply(answer.status, answer.read(), {"content-type": "application/json"})
                    upstream.close()

            do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815

            def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing either: a client that goes away is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host, self.port = "127.0.0.1", int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def separate(host: str, port: int, token: str) -> Iterator[tuple[str, int]]:
    """A proxy in a process of its own, so that none of its threads and objects are in this one; where it listens.

    The token is said to it over a pipe, for arguments can be seen by everybody.
    """
    proxy = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert proxy.stdin is not None
    assert proxy.stdout is not None
    with proxy:
        print(host, port, token, file=proxy.stdin, flush=True)
        yield "127.0.0.1", int(proxy.stdout.readline())
        proxy.stdin.close()


if __name__ == "__main__":
    there, number, asked = sys.stdin.readline().split()
    with Proxy(there, int(number), asked) as serving:
        print(serving.port, flush=True)
        sys.stdin.read()  # until whoever started this closes the pipe, or is gone
