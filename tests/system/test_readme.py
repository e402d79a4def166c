"""The walk-through of the README."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.system.stack import RunningStack

pytestmark = pytest.mark.xdist_group("stack")

README = Path(__file__).parents[2] / "README.md"


def test_readme_commands_buy_a_ticket(stack: RunningStack) -> None:
    [script] = re.findall(r"```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert "URL=http://localhost:8080\n" in script
    script = script.replace("URL=http://localhost:8080\n", f"URL={stack.url}\n")

    result = subprocess.run(
        ["bash", "-eu", "-o", "pipefail"], input=script, capture_output=True, text=True, timeout=180
    )

    assert result.returncode == 0, result.stderr
    assert '"orderId":null' in result.stdout
    assert '"status":"created"' in result.stdout
    assert "Your card was declined." in result.stdout
    assert '"stripeId":"pi_' in result.stdout
    assert '"status":"complete"' in result.stdout.splitlines()[-1]
