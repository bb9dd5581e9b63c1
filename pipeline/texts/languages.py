"""Languages and kinds of subtitles, as file names and the metadata of tracks write them."""

import re
from dataclasses import dataclass

_NAMES = """
ar ara arabic, bg bul bulgarian, bn ben bengali, bs bos bosnian, ca cat catalan, cs ces cze cz czech, da dan dk danish,
de deu ger german deutsch, el ell gre gr greek, en eng english, es spa esp spanish español, et est estonian,
eu eus baq basque, fa fas per persian farsi, fi fin finnish, fr fra fre french français, gl glg galician,
he heb iw hebrew, hi hin hindi, hr hrv croatian, hu hun hungarian, hy hye arm armenian, id ind indonesian,
is isl ice icelandic, it ita italian italiano, ja jpn jp japanese, ka kat geo georgian, kk kaz kazakh, ko kor korean,
lt lit lithuanian, lv lav latvian, mk mkd mac macedonian, ml mal malayalam, mr mar marathi, ms msa may malay,
my mya bur burmese, nl nld dut dutch, no nor nob nno norwegian, pl pol polish, pt por portuguese, pb pob,
ro ron rum romanian, ru rus russian, sk slk slo slovak, sl slv slovenian slovene, sq sqi alb albanian,
sr srp scc serbian, sv swe swedish, sw swa swahili, ta tam tamil, te tel telugu, th tha thai, tl tgl fil filipino,
tr tur turkish, uk ukr ukrainian, ur urd urdu, uz uzb uzbek, vi vie vietnamese,
zh zho chi cmn yue cn chs cht chinese
"""
"""The code of ISO 639-1, those of ISO 639-2, and names in use; OpenSubtitles says "pb" for Brazil."""

_OTHERS = """
aa ab ae af ak am an as av ay az ba be bh bi bm bo br ce ch co cr cu cv cy dv dz ee eo ff fj fo fy ga gd gn gu gv ha ho
ht hz ia ie ig ii ik io iu jv kg ki kj kl km kn kr ks ku kv kw ky la lb lg li ln lo lu mg mh mi mn mt na nb nd ne ng nn
nr nv ny oc oj om or os pa pi ps qu rm rn rw sa sc sd se sg si sm sn so ss st su tg ti tk tn to ts tt tw ty ug ve vo wa
wo xh yi yo za zu
"""
"""Codes of ISO 639-1 that have no other name here."""

_CODES = {name: names.split()[0] for names in _NAMES.split(",") for name in names.split()}
_CODES |= {code: code for code in _OTHERS.split()} | {"pb": "pt", "pob": "pt", "nb": "no", "nn": "no"}

_FLAGS = {
    "forced": "forced", "foreign": "forced", "signs": "forced",
    "commentary": "commentary", "comment": "commentary", "descriptions": "commentary",
    "sdh": "impaired", "cc": "impaired", "hi": "impaired",
    "auto": "automatic", "asr": "automatic", "generated": "automatic",
    "default": "default",
    "full": "", "orig": "", "original": "", "sub": "", "subs": "", "subtitles": "", "utf8": "", "utf-8": "",
}  # fmt: skip
"""Words in the names of subtitle files, and what they say; empty: nothing that matters here."""

_CODE = re.compile(r"([a-zñç]{2,12})(?:[-_][a-z0-9]{1,8}){0,3}", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """What is known of subtitles before they are read."""

    language: str = ""
    """Code of ISO 639-1; empty: not known."""
    flags: frozenset[str] = frozenset()
    """Of: forced (only what is foreign in the film), commentary, impaired (sounds described), automatic, default."""

    def rank(self, language: str) -> tuple[bool, bool, int]:
        """The lower, the better: whole dialogue first, then the wanted `language`, then an unknown one."""
        foreign = 0 if not language or self.language == language else 2 if self.language else 1
        return "forced" in self.flags, "commentary" in self.flags, foreign

    @property
    def burden(self) -> int:
        """How much is in the text that nobody says, or that nobody has checked; 0 is best."""
        return len(self.flags & {"impaired", "automatic"})


def language_code(name: str) -> str:
    """The code of ISO 639-1 for a code or a name, with or without a region: en for eng, en-US, English; else empty."""
    match = _CODE.fullmatch(name)
    return _CODES.get(match.group(1).lower(), "") if match else ""


def kind_of(parts: list[str]) -> Kind | None:
    """What the parts of a file name between stem and suffix say; None when one of them is no language and no flag.

    "hi" is Hindi, unless another language stands before it: then it is "hearing impaired".
    """
    language, flags = "", set()
    for part in map(str.lower, parts):
        if not language and (code := language_code(part)) and (part == "hi" or part not in _FLAGS):
            language = code
        elif part in _FLAGS:
            flags.add(_FLAGS[part])
        else:
            return None
    return Kind(language, frozenset(flags - {""}))


def flags_in(title: str) -> frozenset[str]:
    """What the title of a track says, e.g. "English (SDH)", where its disposition says nothing."""
    words = re.findall(r"[a-z]+", title.lower())
    return frozenset(_FLAGS[word] for word in words if word != "hi" and _FLAGS.get(word))
