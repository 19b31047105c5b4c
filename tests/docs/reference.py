"""What the code has that a reference page has to name, and what the pages name."""

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from prometheus_client import Metric
from pydantic import SecretStr
from pydantic_settings import BaseSettings

import activities
import api
import intake
import settings
import store
import telemetry
import whatsapp
from store.endings import ENDINGS
from store.errors import HoldfastError
from workers.temporal_metrics import TemporalMetrics

ROOT = Path(__file__).parents[2]
_ROOMS = (activities, api, intake, store, whatsapp)
_FROM_THE_FRAMEWORK = {"method_not_allowed"}
"""Codes that api/problems.py makes of an HTTP status's own phrase."""


def sections(page: str) -> dict[str, str]:
    """The third-level headings of a page and what stands under them."""
    parts = re.split(r"^### (.+)$|^## .+$", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True) if name}


def environment() -> dict[str, str]:
    """Every setting's environment name and its default, as .env would hold it."""
    found = {}
    for group in dataclasses.fields(settings.Settings):
        kind = group.type
        assert isinstance(kind, type)
        assert issubclass(kind, BaseSettings)
        for name, field in kind.model_fields.items():
            variable = f"{kind.model_config.get('env_prefix', '')}{name}".upper()
            found[variable] = _as_text(field.get_default(call_default_factory=True))
    return found


def _as_text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return f"{value.total_seconds():g}"
        case bool():
            return str(value).lower()
        case None | []:
            return ""
    return str(value)


def error_codes() -> set[str]:
    """The codes of our exceptions, and those that are written out where a problem is answered."""
    for room in _ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if "migrations" not in module.name:
                importlib.import_module(module.name)
    codes = {error.code for error in _family(HoldfastError)}
    for path in sorted((ROOT / "api").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            codes |= set(_answered_codes(node))
    return codes | ENDINGS.keys() | _FROM_THE_FRAMEWORK


def _family(error: type[HoldfastError]) -> Iterator[type[HoldfastError]]:
    yield error
    for child in error.__subclasses__():
        yield from _family(child)


def _answered_codes(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return
    if node.func.id not in {"problem_body", "problem_answer", "_Refusal"} or not node.args:
        return
    if isinstance(node.args[0], ast.Constant):
        yield str(node.args[0].value)


def our_metrics() -> set[str]:
    """Our metrics in the registry, and those that join it in the worker."""
    families: list[Metric] = [*telemetry.REGISTRY.collect(), *TemporalMetrics.renamed({})]
    return {_family.name for _family in families if _family.name.startswith("holdfast_")}
