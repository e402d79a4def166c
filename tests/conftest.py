"""The collection of the tests that only `make test-manifests` runs."""

import os

SLOW = [
    "local_cluster/test_local_cluster.py",
    "manifests/images/test_image_processes.py",
    "manifests/test_linters.py",
]
"""They need programs of their own or take minutes."""

collect_ignore = [] if "TICKETING_MANIFESTS" in os.environ else SLOW
