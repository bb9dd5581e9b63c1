"""Lets stand-ins take the time of real weights, where values decide it: what Whisper says, and what EasyOCR reads."""

from typing import Any

from extractors.registry import NamedExpert

TOKENS = 60
"""That Whisper writes for a window: some 45 words, as they are spoken in 15 s, the length of MSR-VTT's clips."""
FAR = 1e3
"""Of what lies in the residual stream of a network, and of a logit."""


def take_real_time(expert: NamedExpert) -> None:
    """Changes the loaded networks of an expert once; all but two are left as they are."""
    change = {"whisper_speech": _end_the_text, "easyocr_words": _see_no_text}.get(expert.config.extractor)
    network: Any = getattr(expert.extractor, "network", None)
    if change and not hasattr(network, "takes_real_time"):
        import torch  # which no decode worker needs, and each imports the program that started it

        network.takes_real_time = True
        with torch.no_grad():
            change(network)


def _end_the_text(whisper: Any) -> None:
    """From the token TOKENS on the end of the text is the most probable; stand-ins would never come to it."""
    decoder = whisper.decoder
    ending = decoder.token_embedding.weight[_end_of_text(whisper)]
    decoder.positional_embedding[TOKENS:] += FAR * ending / ending.norm()


def _end_of_text(whisper: Any) -> int:
    from whisper.tokenizer import get_tokenizer

    return int(get_tokenizer(whisper.is_multilingual, num_languages=whisper.num_languages).eot)


def _see_no_text(detector: Any) -> None:
    """No pixel belongs to a letter; in the noise of stand-ins there are some 70 words a frame."""
    detector.conv_cls[-1].bias -= FAR
