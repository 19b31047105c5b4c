"""Words by which a customer stops marketing messages, or lets them come again: a whole message, never a part of one.

Compared without case, spaces around, punctuation and Unicode's several ways to write the same: "Stop!", " STOP " and
"stop" are one word. Of a button its text counts, and what it carries (payload, id). What else the word may mean, the
bot decides: the message is answered like any other.
"""
# ruff: noqa: RUF001 - words of other alphabets

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

Heard = Literal["stop", "resume"]
StopWords = Mapping[str, Mapping[str, list[str]]]
"""By language: under `stop` the words that stop marketing, under `start` those that let it come again."""

LONGEST = 60
"""Characters of a word or phrase; a longer message is none."""
MOST_LANGUAGES = 40
MOST_WORDS = 50

_NO_SIGN = re.compile(r"[^a-z0-9]+")

# Words that mean something else in many shops (cancel, end, quit, yes) are left out where another one is as common.
DEFAULT: StopWords = MappingProxyType(
    {
        "en": {
            "stop": ["STOP", "STOP ALL", "STOPALL", "STOP PROMOTIONS", "UNSUBSCRIBE", "OPT OUT", "OPTOUT"],
            "start": ["START", "UNSTOP", "SUBSCRIBE", "RESUBSCRIBE", "OPT IN", "OPTIN"],
        },
        "de": {"stop": ["STOPP", "ABMELDEN", "ABBESTELLEN"], "start": ["ABONNIEREN"]},
        "fr": {
            "stop": ["ARRÊT", "ARRET", "ARRÊTER", "ARRETER", "DÉSABONNER", "DESABONNER", "SE DÉSABONNER",
                     "SE DESABONNER", "DÉSINSCRIRE", "DESINSCRIRE", "DÉSINSCRIPTION", "DESINSCRIPTION"],
            "start": ["ABONNER", "S'ABONNER"],
        },
        "es": {
            "stop": ["BAJA", "DAR DE BAJA", "DARME DE BAJA", "PARAR", "CANCELAR", "CANCELAR SUSCRIPCIÓN",
                     "CANCELAR SUSCRIPCION"],
            "start": ["ALTA", "DAR DE ALTA", "DARME DE ALTA", "SUSCRIBIR", "SUSCRIBIRME"],
        },
        "pt": {
            "stop": ["PARAR", "SAIR", "CANCELAR", "DESCADASTRAR", "CANCELAR INSCRIÇÃO", "CANCELAR INSCRICAO"],
            "start": ["INSCREVER", "INSCREVER-ME", "VOLTAR A RECEBER"],
        },
        "it": {"stop": ["BASTA", "DISISCRIVIMI", "DISISCRIVERE", "CANCELLAMI"], "start": ["ISCRIVIMI"]},
        "nl": {"stop": ["AFMELDEN", "UITSCHRIJVEN"], "start": ["INSCHRIJVEN"]},
        "sv": {"stop": ["STOPPA", "AVREGISTRERA"], "start": ["PRENUMERERA"]},
        "da": {"stop": ["AFMELD", "FRAMELD"], "start": ["TILMELD"]},
        "nb": {"stop": ["STOPP", "AVMELD", "MELD AV"], "start": ["MELD PÅ"]},
        "pl": {"stop": ["REZYGNUJĘ", "REZYGNUJE", "WYPISZ", "WYPISZ MNIE"], "start": ["ZAPISZ MNIE"]},
        "ru": {"stop": ["СТОП", "ОТПИСАТЬСЯ", "ОТПИСКА"], "start": ["СТАРТ", "ПОДПИСАТЬСЯ"]},
        "uk": {"stop": ["СТОП", "ВІДПИСАТИСЯ"], "start": ["СТАРТ", "ПІДПИСАТИСЯ"]},
        "tr": {"stop": ["DUR", "ABONELİKTEN ÇIK", "ABONELIKTEN CIK"], "start": ["BAŞLA", "BASLA", "ABONE OL"]},
        "ar": {"stop": ["توقف", "إيقاف", "ايقاف", "إلغاء الاشتراك", "الغاء الاشتراك"], "start": ["اشتراك"]},
        "he": {"stop": ["הסר", "הסרה"], "start": ["הצטרפות"]},
        "hi": {"stop": ["रोकें", "बंद करें"], "start": ["शुरू करें"]},
        "id": {"stop": ["BERHENTI", "BERHENTI BERLANGGANAN"], "start": ["BERLANGGANAN"]},
        "zh": {"stop": ["停止", "退订", "退訂", "取消订阅", "取消訂閱"], "start": ["订阅", "訂閱"]},
        "ja": {"stop": ["停止", "配信停止"], "start": ["配信再開"]},
        "ko": {"stop": ["중지", "수신거부", "수신 거부", "구독취소", "구독 취소"], "start": ["수신동의", "수신 동의"]},
    }
)  # fmt: skip


def heard(kind: str, content: Mapping[str, Any], own: str | None) -> Heard | None:
    """What a customer's message of this type says of marketing, if it is one of the words and nothing else.

    `own`: the number's own words as JSON; None: the default ones. Where a button says both, it stops.
    """
    known = _DEFAULT if own is None else _own(own)
    said = {known.get(bare(words)) for words in _said(kind, content)}
    return "stop" if "stop" in said else "resume" if "resume" in said else None


def bare(words: str) -> str:
    """Words as they are compared: without case, punctuation, symbols, and spaces but one between two words."""
    if words.isascii():  # most are, and this takes a fifth of the time
        return " ".join(_NO_SIGN.sub(" ", words.lower()).split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", words).casefold())
    folded = folded.replace("i\u0307", "i").replace("ı", "i")  # Turkish has two, which case-folding mixes up
    return " ".join("".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in folded).split())


def problems(words: StopWords) -> list[str]:
    """What is wrong with a list of words, by language and place; empty when it can be used. No word is repeated."""
    found = [] if len(words) <= MOST_LANGUAGES else [f"has {len(words)} languages, {MOST_LANGUAGES} at most"]
    meanings: dict[str, str] = {}
    for language, lists in words.items():
        for meaning, listed in lists.items():
            where = f"{language}.{meaning}"
            if len(listed) > MOST_WORDS:
                found.append(f"{where}: has {len(listed)} words, {MOST_WORDS} at most")
            for place, word in enumerate(listed[:MOST_WORDS]):
                if not bare(word) or len(word) > LONGEST or "\x00" in word:
                    wants = f"must have letters or digits, {LONGEST} characters at most and no NUL"
                    found.append(f"{where}.{place}: {wants}")
                elif meanings.setdefault(bare(word), meaning) != meaning:
                    found.append(f"{where}.{place}: cannot both stop and start")
    return found


def _said(kind: str, content: Mapping[str, Any]) -> Iterator[str]:
    part = content.get(kind)
    if kind == "interactive" and isinstance(part, Mapping):
        part = part.get("button_reply")
    names = {"text": ("body",), "button": ("payload", "text"), "interactive": ("id", "title")}.get(kind, ())
    for name in names:
        words = part.get(name) if isinstance(part, Mapping) else None
        if isinstance(words, str) and len(words) <= 2 * LONGEST:  # what is longer for its punctuation is no word either
            yield words


def _table(words: StopWords) -> dict[str, Heard]:
    started: dict[str, Heard] = {bare(word): "resume" for lists in words.values() for word in lists.get("start", ())}
    stopped: dict[str, Heard] = {bare(word): "stop" for lists in words.values() for word in lists.get("stop", ())}
    return started | stopped


_DEFAULT = _table(DEFAULT)


@lru_cache(maxsize=256)
def _own(words: str) -> dict[str, Heard]:
    return _table(json.loads(words))
