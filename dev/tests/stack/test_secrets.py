import json
from dataclasses import asdict
from pathlib import Path

from ticketing_dev.stack.secrets import Secrets


def test_load_or_create_adds_missing_secrets_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    stored = asdict(Secrets())
    del stored["nats"]
    path.write_text(json.dumps(stored))

    secrets = Secrets.load_or_create(path)

    assert asdict(secrets).items() > stored.items()
    assert Secrets.load_or_create(path) == secrets
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [path]


def test_nats_password_differs_by_user_and_is_not_numeric() -> None:
    secrets = Secrets()
    assert secrets.nats_password("auth") == secrets.nats_password("auth")
    assert secrets.nats_password("auth") != secrets.nats_password("tickets")
    assert secrets.nats_password("auth") != Secrets().nats_password("auth")
    assert secrets.nats_password("auth")[0].isalpha()
