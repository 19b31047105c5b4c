"""Files of our own in a message: named by `media_id` where Meta takes its own `id`, which one number alone knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from whatsapp.kinds import FILES


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A place in a message that names a file of ours."""

    where: str
    """The field's name, with dots."""
    kind: str
    """What the file has to be: image, audio, video, document or sticker."""
    media_id: str


def own_files(kind: str, content: Mapping[str, Any]) -> list[OwnFile]:
    """Where a message of this kind names files of ours; content that nobody has checked may be anything."""
    return [
        OwnFile(f"{where}.media_id", of, part["media_id"])
        for where, of, part in _file_parts(kind, content.get(kind), where=kind)
        if isinstance(part.get("media_id"), str)
    ]


def with_meta_id(kind: str, content: Mapping[str, Any], meta_media_id: str | None) -> Mapping[str, Any]:
    """The content as Meta takes it, once it has the file: a message names one file of ours at most."""
    if meta_media_id is None or not own_files(kind, content):
        return content
    return {**content, kind: _renamed(kind, content[kind], meta_media_id)}


def _file_parts(key: str, value: Any, *, where: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if key in FILES:
            yield where, key, value
        for inner in filter(_HOLDERS.__contains__, value):
            yield from _file_parts(inner, value[inner], where=f"{where}.{inner}")
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from _file_parts(key, one, where=f"{where}.{n}")


def _renamed(key: str, value: Any, meta_media_id: str) -> Any:
    if isinstance(value, list):
        return [_renamed(key, one, meta_media_id) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {name: _renamed(name, inner, meta_media_id) if name in _HOLDERS else inner for name, inner in value.items()}
    if key in FILES and isinstance(made.get("media_id"), str):
        del made["media_id"]
        made["id"] = meta_media_id
    return made


# What the business's own software put into a message (a flow's data) may look like a file and is none.
_HOLDERS = frozenset({*FILES, "header", "action", "components", "parameters", "cards"})
