from extractors.text.tokens import tokens


def test_words_and_numbers_are_tokens_and_punctuation_is_not():
    assert tokens("Don't stop -- it's 24/7, sister’s well-known CAFÉ!") == (
        ["Don't", "stop", "it's", "24", "7", "sister's", "well", "known", "CAFÉ"]
    )
    assert tokens("'quoted' _under_score_") == ["quoted", "under", "score"]
    assert tokens(" ... ") == []
