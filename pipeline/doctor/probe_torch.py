"""A probe: whether torch can be imported, and whether it computes on each GPU."""

from typing import Any

from pipeline.doctor.probes import answer
from pipeline.errors import in_one_line


def main() -> None:
    """Prints the version, whether CUDA is there or why not, and the GPUs with what went wrong on each."""
    try:
        import torch
    except Exception as error:  # a library under it may be missing, or another version
        answer({"error": in_one_line(error)})
        return
    told: dict[str, Any] = {"torch": torch.__version__, "cuda": torch.version.cuda, "devices": []}
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except Exception as error:  # says more than is_available(): the driver is too old, no device, ...
        told["why"] = in_one_line(error)
    else:
        told["devices"] = [_device(number) for number in range(torch.cuda.device_count())]
    answer(told)


def _device(number: int) -> dict[str, Any]:
    import torch

    name = torch.cuda.get_device_name(number)
    try:
        ones = torch.ones(64, 64, device=f"cuda:{number}")
        computes = float((ones @ ones).sum()) == 64.0**3
        free, total = torch.cuda.mem_get_info(number)
    except Exception as error:
        return {"name": name, "why": in_one_line(error)}
    return {"name": name, "free": free, "total": total, "why": "" if computes else "computes something else"}


if __name__ == "__main__":
    main()
