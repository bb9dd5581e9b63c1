"""Which tensors of a PE-AV network are one: not the tables of places in its picture network, which are no parameters.

transformers 5.23 leaves out one of timm's two tables (`rope.pos_embed`) by name; timm 1.0.31 has another, `rope.bands`,
and every PE-AV checkpoint fails to load for it.
"""


def leave_out_tables() -> None:
    """Takes both tables out of the patterns by which transformers makes tensors of a PE-AV one. To be called first."""
    from transformers import PeAudioVideoModel

    patterns = PeAudioVideoModel._tied_weights_keys or {}
    PeAudioVideoModel._tied_weights_keys = {_wider(target): _wider(source) for target, source in patterns.items()}


def _wider(pattern: str) -> str:
    return pattern.replace(r"\.rope\.pos_embed", r"\.rope\.")
