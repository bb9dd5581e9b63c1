"""Base classes of experts whose rows are words: of subtitles, speech or text in frames."""
