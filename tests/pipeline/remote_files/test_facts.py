"""What tells two versions of a remote file apart."""

import hashlib
from dataclasses import replace

from pipeline.remote_files.facts import Facts, Inside

LISTED = Facts("https://a.org/x", 5, '"a"', "Monday")
MD5 = f'"{hashlib.md5(b"x").hexdigest()}"'


def test_an_etag_of_the_content_is_the_same_file_wherever_it_lies_and_any_other_is_one_of_its_address():
    in_a, in_b = (Facts(f"s3://{bucket}/x.mp4", 5, MD5) for bucket in ("one", "two"))
    assert in_a.identity == in_b.identity
    for etag in ('"5-60b1c2"', 'W/"abc"', MD5):  # Starlette's ETag is the MD5 of date and size
        one, two = (Facts(f"https://{host}/x.mp4", 5, etag, "now") for host in ("a.org", "b.org"))
        assert one.identity != two.identity


def test_another_etag_size_or_date_is_another_version():
    facts = Facts("https://a.org/x", 5, '"a"', "Monday")
    assert len({facts.identity, replace(facts, etag='"b"').identity, replace(facts, size=6).identity}) == 3
    assert facts.differs(replace(facts, etag='"b"')) and facts.differs(replace(facts, size=6))
    assert not facts.differs(Facts(facts.address))  # an answer that states nothing
    undated = replace(facts, etag="")
    assert undated.differs(replace(undated, modified="Tuesday"))
    assert undated.identity != replace(undated, modified="Tuesday").identity


def test_a_weak_etag_counts_with_the_date():
    weak = Facts("https://a.org/x", 5, 'W/"a"', "Monday")
    assert weak.identity != replace(weak, modified="Tuesday").identity
    assert weak.strong_etag == ""


def test_the_promised_hash_is_the_identity_and_a_signature_is_none():
    assert Facts("https://a.org/x", sha256="ab" * 32, etag='"a"').identity == "ab" * 32
    one, two = (Facts(f"https://a.org/x?sig={sig}", 5, '"a"') for sig in "12")
    assert one.identity == two.identity and one.stamp == two.stamp


def test_nothing_tells_the_version_of_a_file_without_etag_and_date():
    assert Facts("https://a.org/x", 5).identity == ""


def test_a_stamp_fits_into_a_column_of_64_bits_and_that_of_a_broken_file_is_none():
    size, number = Facts("https://a.org/x", 5, '"a"').stamp
    assert size == 5 and 0 <= number < 2**63
    assert Facts("https://a.org/x", 5).broken("404").stamp == (-1, 0)


def test_what_lies_inside_of_another_file_is_told_by_its_bytes_and_kept_by_its_place():
    inside = replace(LISTED, size=10, inside=Inside(512, 2048))
    assert inside.identity == "" and inside.container == replace(LISTED, size=2048)
    others = [
        replace(inside, inside=Inside(1024, 2048)), replace(inside, inside=Inside(512, 2048, 0, "video.bytes")),
        replace(inside, size=11), replace(inside, etag='"other"'),
    ]  # fmt: skip
    assert len({one.entry for one in [inside, LISTED, *others]}) == 6
    assert replace(inside, etag='"other"').stamp != inside.stamp  # so that it is looked into again
    assert replace(inside, inside=Inside(512, 2049)).stamp != inside.stamp


def test_a_remote_file_that_is_hashed_has_another_stamp_and_no_identity_but_a_promised_one():
    hashed = replace(LISTED, is_hashed=True)
    assert hashed.identity == "" and hashed.stamp != LISTED.stamp and hashed.entry == LISTED.entry
    assert replace(hashed, sha256="ab" * 32).identity == "ab" * 32
