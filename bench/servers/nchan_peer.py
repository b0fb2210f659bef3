"""nginx with nchan: this program starts it, and publishes to it over HTTP from the load client's core.

nginx itself runs on the server's core, as one worker, and is what is measured. A turn's messages are pipelined.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.control import Pacer, open_page
from bench.measure import cores
from bench.messages import encode, message
from bench.workloads import find_nginx, nchan_module

CONFIGURATION = """
{module}
daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location = /ws {{ nchan_subscriber websocket; nchan_channel_id T000; nchan_subscriber_first_message newest; }}
        location = /publish {{ nchan_publisher http; nchan_channel_id T000; nchan_store_messages off; }}
    }}
}}
"""


def configuration(module: str, folder: str, port: int) -> str:
    """Return nginx's configuration; `module` is nchan's file, "" where it is built in."""
    return CONFIGURATION.format(module=f"load_module {module};" if module else "", folder=folder, port=port)


def post(number: int, topic: int, stamp: int) -> bytes:
    """Return the request that publishes a message."""
    body = encode(message(number, topic, stamp)).encode()
    return b"POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def connect(port: int) -> socket.socket:
    """Return a connection, as soon as nginx listens. ConnectionError: it does not."""
    for _ in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except ConnectionError:
            time.sleep(0.05)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise ConnectionError("nginx does not listen")


def publish(connection: socket.socket, pacer: Pacer) -> None:
    """Publish for ever."""
    while True:
        count, wait = pacer.turn()
        if count:
            connection.sendall(b"".join(post(*pacer.next()) for _ in range(count)))
            answered, received = 0, b""
            while answered < count:
                received += connection.recv(65536)
                answered = received.count(b"HTTP/1.1 2")
        if wait or not count:
            time.sleep(wait)


def main() -> None:
    """Serve until SIGTERM."""
    nginx = find_nginx()
    module = None if nginx is None else nchan_module(nginx)
    if nginx is None or module is None:
        sys.exit("no nginx with nchan was found")
    pacer = Pacer(open_page(sys.argv[1]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-nchan") as folder:
        path = Path(folder) / "nginx.conf"
        path.write_text(configuration(module, folder, port))
        process = subprocess.Popen([nginx, "-p", folder, "-c", str(path), "-e", f"{folder}/error.log"])
        os.sched_setaffinity(0, {max(os.sched_getaffinity(os.getppid()) - {cores()[0]}, default=cores()[1])})
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            connection = connect(port)
            sys.stdout.write(f"port {port} pid {process.pid}\n")
            sys.stdout.flush()
            publish(connection, pacer)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
