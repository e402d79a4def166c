"""Measure the first `make up` on a fresh clone, until the stack is ready.

Needs only Python. Responses of the package index can come from this user's cache.
"""

import argparse
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

LIMIT_SECONDS = 120


def main() -> None:
    argparse.ArgumentParser(prog="make bench-cold", description=__doc__).parse_args()
    checkout = Path(__file__).resolve().parent.parent
    with socket.create_server(("127.0.0.1", 8080)):
        pass  # fails at once if the port is in use, not after two minutes
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(checkout), folder], check=True)
        start = time.perf_counter()
        up = subprocess.Popen(
            ["make", "up"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert up.stdout is not None
        for line in up.stdout:
            print(f"{time.perf_counter() - start:6.1f} s  {line}", end="")
            if re.search(r"Ready in .*http", line):
                break
        seconds = time.perf_counter() - start
        up.send_signal(signal.SIGINT)
        subprocess.run([f"{folder}/.venv/bin/ticketing", "down"], cwd=folder, check=True)
        up.communicate()
    print(
        f"cold `make up`: {seconds:.1f} s, limit {LIMIT_SECONDS} s, {seconds / LIMIT_SECONDS:.2f}"
    )


if __name__ == "__main__":
    main()
