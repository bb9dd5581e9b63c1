import numpy as np
import pytest

from search.engines.minus import MINUS, SplitQuery, less, split


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("dog -cat", "dog", ("cat",)),
        ("-cat dog", "dog", ("cat",)),
        ("a dog -cat on a beach -sand", "a dog on a beach", ("cat", "sand")),
        ('dog -"black cat" runs', "dog runs", ("black cat",)),
        ("Hund -Kätzchen", "Hund", ("Kätzchen",)),
        ("犬 -猫", "犬", ("猫",)),
        ("dog -t-shirt", "dog", ("t-shirt",)),
        ("-cat", "", ("cat",)),
    ],
)
def test_words_after_a_hyphen_are_not_wanted(query, wanted, unwanted):
    assert split(query) == SplitQuery(wanted, unwanted)


@pytest.mark.parametrize(
    "query",
    [
        "a t-shirt",
        "dog - cat",
        "at -5 degrees",
        '"dog -cat"',
        "e-mail  and  a  ",
        "dog-cat",
        "-",
        "--",
        "-- cat",
        "",
        "a -",
    ],
)
def test_other_hyphens_stay_character_by_character(query):
    assert split(query) == SplitQuery(query)


def test_a_vector_loses_what_is_not_wanted():
    dog, cat = np.array([1, 0, 0], np.float32), np.array([0.6, 0.8, 0], np.float32)
    left = less(dog, [cat])
    expected = dog - MINUS * cat
    np.testing.assert_allclose(left, expected / np.linalg.norm(expected), rtol=1e-6)
    assert left @ cat < dog @ cat


def test_lengths_do_not_matter_and_nothing_unwanted_changes_nothing():
    dog, cat = np.array([3, 4], np.float32), np.array([1, 0], np.float32)
    np.testing.assert_allclose(less(dog, [cat]), less(10 * dog, [7 * cat]), rtol=1e-6)
    assert less(dog, []) is dog
    assert np.isfinite(less(np.zeros(2, np.float32), [cat])).all()
