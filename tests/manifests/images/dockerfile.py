"""A Dockerfile, read as far as ours go: what the image that it builds starts, and how."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Image:
    """What an image says of itself."""

    base: str
    """The image that its first stage is from."""
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    ports: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    """Files and folders of the build's context, in its own stages and those that it copies from."""


def read(file: Path, target: str | None = None, **arguments: str) -> Image:
    """The image of a stage, the last if none is named. Raises ValueError for the shell form."""
    stages: dict[str, Image] = {}
    image, declared = Image(""), dict[str, str]()
    for keyword, rest in instructions(file.read_text()):
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            known = stages.get(base)
            image, declared = _from(known) if known else Image(base), {}
            stages[name] = stages[""] = image
        elif keyword == "ARG":
            declared[rest] = arguments.get(rest, "")
        else:
            _apply(image, keyword, rest, {**image.env, **declared}, stages)
    return stages[target or ""]


def _from(stage: Image) -> Image:
    return Image(
        stage.base,
        dict(stage.env),
        dict(stage.labels),
        stage.user,
        stage.folder,
        list(stage.ports),
        list(stage.command),
        list(stage.copied),
    )


def _apply(
    image: Image, keyword: str, rest: str, known: Mapping[str, str], stages: Mapping[str, Image]
) -> None:
    if keyword in ("CMD", "ENTRYPOINT"):
        if not rest.startswith("["):
            raise ValueError(f"{keyword} {rest}: a shell would get the signals")
        image.command = json.loads(rest)
        return
    said = re.sub(r"\$\{?(\w+)\}?", lambda name: known.get(name[1], ""), rest)
    match keyword:
        case "ENV" | "LABEL":
            pairs = re.findall(r'([\w.]+)=("[^"]*"|\S+)', said)
            values = {name: value.strip('"') for name, value in pairs}
            (image.env if keyword == "ENV" else image.labels).update(values)
        case "USER":
            image.user = said
        case "WORKDIR":
            image.folder = said
        case "EXPOSE":
            image.ports.append(said)
        case "COPY" if said.startswith("--from="):
            image.copied += stages[said.split()[0].removeprefix("--from=")].copied
        case "COPY":
            image.copied += said.split()[:-1]
        case _:
            pass


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction's keyword, and the rest of it in one line."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword:
            yield keyword, rest.strip()
