from search.pages.kept import Kept


def test_what_is_kept_is_not_made_again_and_the_oldest_goes_first():
    made = []

    def get(name: str) -> bytes:
        return kept.get(name, lambda: made.append(name) or name.encode() * 10)

    kept = Kept(25)
    assert get("a") == b"a" * 10
    get("b")
    get("a")
    get("c")  # b is the one asked for longest ago
    get("a")
    assert made == ["a", "b", "c"]
    get("b")
    assert made == ["a", "b", "c", "b"]


def test_what_is_too_large_is_made_each_time():
    kept, made = Kept(5), []
    for _ in range(2):
        assert kept.get("a", lambda: made.append(1) or b"123456") == b"123456"
    assert made == [1, 1]


def test_what_is_forgotten_is_made_again():
    kept, made = Kept(100), []
    for _ in range(2):
        kept.get("a", lambda: made.append(1) or b"12345")
        kept.clear()
    assert len(made) == 2
