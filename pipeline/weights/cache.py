"""The local cache of weight files: lists the missing ones and fetches them."""

from collections.abc import Iterable, Mapping

from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile, WeightOptions


def missing(files: Iterable[WeightFile], options: WeightOptions) -> list[WeightFile]:
    """The files that are not in the cache, each path once (the first entry counts), in the given order."""
    by_path = {options.path(file): file for file in reversed(list(files))}
    return [file for path, file in reversed(by_path.items()) if not path.is_file()]


def ensure(files: Iterable[WeightFile], options: WeightOptions) -> None:
    """Fetches the files that are not in the cache; WeightsError lists all files that could not be fetched."""
    reasons: dict[WeightFile, str] = {}
    for file in missing(files, options):
        try:
            if options.offline:
                raise WeightsError("[Weights] offline is set")
            from pipeline.weights.download import fetch

            fetch(file, options)
        except WeightsError as error:
            reasons[file] = str(error)
    if reasons:
        raise WeightsError(_list_missing(reasons, options))


def _list_missing(reasons: Mapping[WeightFile, str], options: WeightOptions) -> str:
    lines = [f"{len(reasons)} files of weights are not here and could not be had:"]
    for file, reason in reasons.items():
        size = f"{file.size_mb:g} MB" if file.size_mb else "size unknown"
        inside = f", the file {file.member} in it" if file.member else ""
        lines.append(f"  {file.url} ({size}{inside}) -> {options.path(file)}: {reason}")
    lines.append(
        "Put each file where the arrow points, or name a copy of a filled cache under [Weights] mirror in luigi.cfg; "
        "[Weights] seeded = true runs everything on stand-ins, whose features mean nothing"
    )
    return "\n".join(lines)
