"""A proxy in front of an API server that does what networks and busy servers do, for tests.

It speaks plain HTTP on the loopback and forwards to the server by HTTPS. Faults have chances, set at
start and changed by `PUT /faults` on the admin port; `GET /faults` tells how often each happened:

    drop_before   the connection is closed, nothing is forwarded
    drop_after    the request is done, and its answer is lost
    delay         the answer comes late, by up to `delay_ms`
    truncate      the answer ends in the middle
    busy          429, with Retry-After
    error         500
    gone          410 to a watch
    absent        404 without a Status, as of a server that has begun and does not know its custom
                  resources yet; for Traceflows alone
    unready       403 for Traceflows, as of a server that does not know its roles yet
    cut           a watch ends after a while, in the middle of an event
"""
import argparse
import http.client
import http.server
import json
import random
import ssl
import threading
import time
import urllib.parse

FAULTS = ["drop_before", "drop_after", "delay", "truncate", "busy", "error", "gone", "cut",
          "absent", "unready"]


class Faults:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.chances = {name: 0.0 for name in FAULTS}
        self.delay_ms = 300
        self.counts = {name: 0 for name in FAULTS} | {"requests": 0}

    def set(self, wanted):
        with self.lock:
            for name, chance in wanted.items():
                if name == "delay_ms":
                    self.delay_ms = chance
                else:
                    self.chances[name] = float(chance)

    def happens(self, name):
        with self.lock:
            if self.random.random() >= self.chances[name]:
                return False
            self.counts[name] += 1
            return True

    def count(self):
        with self.lock:
            self.counts["requests"] += 1

    def pause(self, milliseconds):
        with self.lock:
            part = self.random.random()
        time.sleep(part * milliseconds / 1000)


def handler(faults, server, context):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def status(self, code, reason, headers=()):
            body = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                               "message": f"{reason} (made up)", "reason": reason, "code": code})
            self.answer(code, "application/json", body, headers)

        def answer(self, code, kind, body, headers=()):
            self.send_response(code)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def hang_up(self):
            self.close_connection = True
            self.wfile.flush()

        def do(self):
            faults.count()
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else None
            is_watch = "watch=true" in self.path
            if faults.happens("drop_before"):
                return self.hang_up()
            if faults.happens("busy"):
                return self.status(429, "TooManyRequests", [("Retry-After", "0")])
            if faults.happens("error"):
                return self.status(500, "InternalError")
            if is_watch and faults.happens("gone"):
                return self.status(410, "Expired")
            is_traceflow = "/traceflows" in self.path
            if is_traceflow and faults.happens("absent"):
                return self.answer(404, "text/plain", "404 page not found\n")
            if is_traceflow and faults.happens("unready"):
                return self.status(403, "Forbidden")
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in ("host", "accept-encoding", "connection")}
            connection = http.client.HTTPSConnection(
                server.hostname, server.port, context=context, timeout=None if is_watch else 30)
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                if is_watch and answer.status == 200:
                    return self.stream(answer)
                content = answer.read()
            except (OSError, http.client.HTTPException):
                return self.hang_up()
            finally:
                connection.close()
            if faults.happens("drop_after"):
                return self.hang_up()
            if faults.happens("delay"):
                faults.pause(faults.delay_ms)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if len(content) > 1 and faults.happens("truncate"):
                self.wfile.write(content[:len(content) // 2])
                return self.hang_up()
            self.wfile.write(content)

        def stream(self, answer):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            is_cut = faults.happens("cut")
            end = time.monotonic() + 0.2 + faults.random.random() * 2
            for line in answer:
                if is_cut and time.monotonic() > end:
                    line = line[:len(line) // 2]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
                if is_cut and time.monotonic() > end:
                    return self.hang_up()
            self.wfile.write(b"0\r\n\r\n")

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except (OSError, http.client.HTTPException):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    return Handler


def admin(faults):
    class Admin(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_PUT(self):
            length = int(self.headers.get("Content-Length") or 0)
            faults.set(json.loads(self.rfile.read(length)))
            self.do_GET()

        def do_GET(self):
            body = json.dumps(faults.counts).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Admin


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca)
    context.check_hostname = False
    faults = Faults(options.seed)
    front = Listener(
        ("127.0.0.1", 0), handler(faults, urllib.parse.urlsplit(options.server), context))
    back = Listener(("127.0.0.1", 0), admin(faults))
    threading.Thread(target=back.serve_forever, daemon=True).start()
    print(json.dumps({"port": front.server_port, "admin": back.server_port}), flush=True)
    front.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
