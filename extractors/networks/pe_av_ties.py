"""What transformers 5.23 needs before it builds or loads a PE-AV network, beside timm 1.0.31.

Which of its tensors are one is said by patterns, which leave out one of timm's tables of places in a picture by name
(`rope.pos_embed`), as they are no parameters; timm has another, `rope.bands`, and no checkpoint loads for it. And while
a PE-Video is built the library prints, in two lines, that a parameter of its own is not documented.
"""

import importlib
from typing import Any


def leave_out_tables() -> None:
    """Takes both tables out of the patterns, and the two lines out of what is printed. To be called first."""
    from transformers import PeAudioVideoModel

    patterns = PeAudioVideoModel._tied_weights_keys or {}
    PeAudioVideoModel._tied_weights_keys = {_wider(target): _wider(source) for target, source in patterns.items()}
    documentation: Any = importlib.import_module("transformers.utils.auto_docstring")
    documentation.print = lambda *told, **how: None  # only this module's


def _wider(pattern: str) -> str:
    return pattern.replace(r"\.rope\.pos_embed", r"\.rope\.")
