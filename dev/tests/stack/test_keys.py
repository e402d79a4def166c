import json
from dataclasses import asdict
from pathlib import Path

from ticketing_dev.stack.secrets import Secrets


def test_a_key_that_a_stack_has_not_had_yet_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    before = asdict(Secrets())
    del before["nats"]
    path.write_text(json.dumps(before))

    keys = Secrets.load_or_create(path)

    assert asdict(keys).items() > before.items()
    assert Secrets.load_or_create(path) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [path]


def test_each_user_of_nats_has_a_password_of_its_own_that_is_no_number() -> None:
    keys = Secrets()
    assert keys.nats_password("auth") == keys.nats_password("auth")
    assert keys.nats_password("auth") != keys.nats_password("tickets")
    assert keys.nats_password("auth") != Secrets().nats_password("auth")
    assert keys.nats_password("auth")[0].isalpha()
