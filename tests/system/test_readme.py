"""The README's walk-through does what it says."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.system.stack import Market

pytestmark = pytest.mark.xdist_group("market")

README = Path(__file__).parents[2] / "README.md"


def test_a_stranger_buys_a_ticket_with_curl(market: Market) -> None:
    [script] = re.findall(r"```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert "URL=http://localhost:8080\n" in script
    script = script.replace("URL=http://localhost:8080\n", f"URL={market.url}\n")

    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail"], input=script, capture_output=True, text=True, timeout=180
    )

    assert done.returncode == 0, done.stderr
    assert '"orderId":null' in done.stdout
    assert '"status":"created"' in done.stdout
    assert "Your card was declined." in done.stdout
    assert '"stripeId":"pi_' in done.stdout
    assert '"status":"complete"' in done.stdout.splitlines()[-1]
