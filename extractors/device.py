"""Which device the networks run on."""

from pipeline.errors import ConfigError


def resolve(setting: str) -> str:
    """ "cpu" or "cuda:<n>" for the setting auto, cpu, cuda or cuda:<n>; ConfigError for a device that is not there."""
    if setting == "cpu":
        return setting
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if setting == "auto":
        return "cuda:0" if count else "cpu"
    kind, _, number = setting.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ConfigError(f"device {setting!r}: expected auto, cpu, cuda or cuda:<n>")
    if int(number or 0) >= count:
        raise ConfigError(f"device {setting!r}: there are {count} GPUs here; use auto or cpu")
    return f"cuda:{int(number or 0)}"
