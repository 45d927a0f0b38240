"""Real servers on loopback that misbehave in one way each."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def raw_server(behave):
    """Serve connections with `behave(connection)` in threads; yield the base address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    def guarded(connection):
        with connection:
            try:
                behave(connection)
            except OSError:
                return

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone would not wake the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def heard(connection):
    """Return the bytes of one request, head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Broker:
    """A web server that answers every request by `answer(request) -> status, headers, body`."""

    def __init__(self, answer):
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                request = (self.command, self.path, dict(self.headers), body)
                outer.requests.append(request)
                status, headers, data = answer(*request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the library's names

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that hangs up is what some tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True, args=(0.01,)).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def says(status, body=b"{}", **headers):
    """Return an answer function that always says the same."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *request: (status, named, body)
