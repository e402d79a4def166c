"""A reader of the project's Dockerfiles: the command, user and content of their images."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Image:
    """The properties of an image."""

    base: str
    """The image of its first stage."""
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    ports: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    """The files and folders of the build context that it contains."""


def read(file: Path, target: str | None = None, **arguments: str) -> Image:
    """Return the image of a stage, by default the last. Raises: ValueError for the shell form."""
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
            raise ValueError(f"{keyword} {rest}: a shell would receive the signals")
        image.command = json.loads(rest)
        return
    text = re.sub(r"\$\{?(\w+)\}?", lambda name: known.get(name[1], ""), rest)
    match keyword:
        case "ENV" | "LABEL":
            pairs = re.findall(r'([\w.]+)=("[^"]*"|\S+)', text)
            values = {name: value.strip('"') for name, value in pairs}
            (image.env if keyword == "ENV" else image.labels).update(values)
        case "USER":
            image.user = text
        case "WORKDIR":
            image.folder = text
        case "EXPOSE":
            image.ports.append(text)
        case "COPY" if text.startswith("--from="):
            image.copied += stages[text.split()[0].removeprefix("--from=")].copied
        case "COPY":
            image.copied += text.split()[:-1]
        case _:
            pass


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword of each instruction, and the rest in one line."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword:
            yield keyword, rest.strip()
