"""Our transport alone: its echo, on a FastAPI route that accepts and returns: what any gateway on it takes."""

from bench.servers.common import prepare
from gateway.transport.echo import main as serve

if __name__ == "__main__":
    prepare()
    serve(["--port", "0"])
