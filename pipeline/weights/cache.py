"""The cache of weights: which files are missing from it, and the one error that lists what could not be had."""

from collections.abc import Iterable, Mapping

from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile, WeightOptions


def missing(files: Iterable[WeightFile], options: WeightOptions) -> list[WeightFile]:
    """Those that are not in the cache, each once, also where two parts of a run tell of it in different words."""
    first = {options.path(file): file for file in reversed(list(files))}
    return [file for path, file in reversed(first.items()) if not path.is_file()]


def ensure(files: Iterable[WeightFile], options: WeightOptions) -> None:
    """Fetches what is not in the cache; one WeightsError that lists every file that could not be had."""
    lacking, reasons = missing(files, options), {}
    for file in lacking:
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
