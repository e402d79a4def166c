"""Pin the digests that MongoDB publishes: `python -m ticketing_dev.mongodb.pin`."""

import json
from pathlib import Path

import httpx

from ticketing_dev.mongodb.builds import FILE, builds
from ticketing_dev.mongodb.install import DOWNLOADS, published_digest


def pin(client: httpx.Client, file: Path = FILE) -> None:
    """Write the published digests of all builds to the file.

    Raises:
        InstallError: A digest cannot be fetched. The file is unchanged.
    """
    digests = {name: published_digest(client, build) for name, build in builds(file).items()}
    content = json.loads(file.read_text()) | {"sha256": digests}
    file.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    with httpx.Client(base_url=DOWNLOADS, timeout=30) as downloads:
        pin(downloads)
