"""A proxy that tunnels (HTTP CONNECT) on the loopback, for tests; it prints its port and then a line
for each tunnel.
"""
import select
import socket
import socketserver


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split(" ", 2)
        while self.rfile.readline().strip():
            pass
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            return
        host, port = target.rsplit(":", 1)
        print(f"tunnel to {target}", flush=True)
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            ends = {self.connection: there, there: self.connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ends[ready].sendall(data)


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    with Proxy(("127.0.0.1", 0), Tunnel) as proxy:
        print(f"port {proxy.server_address[1]} ", flush=True)
        proxy.serve_forever()
