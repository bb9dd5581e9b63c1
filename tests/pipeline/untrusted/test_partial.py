from pipeline.untrusted.partial import Partial, Version, version_of


def test_a_date_is_a_validator_only_when_the_file_had_settled():
    """RFC 9110, section 8.8.2.2: at least one second before the Date of the answer."""
    modified = "Wed, 21 Oct 2015 07:28:00 GMT"
    for second, validator in ((0, ""), (1, modified)):
        headers = {"Last-Modified": modified, "Date": f"Wed, 21 Oct 2015 07:28:0{second} GMT"}
        assert version_of("http://a/b", headers) == Version("http://a/b", validator)
    assert version_of("http://a/b", {"Last-Modified": modified}).validator == ""


def test_bytes_of_a_new_version_begin_with_none_and_a_discarded_one_leaves_nothing(tmp_path):
    partial = Partial(tmp_path / "a.bin")
    partial.path.write_bytes(b"old")
    partial.begin(Version("http://a/b", '"v2"'))
    assert (partial.size, partial.version) == (0, Version("http://a/b", '"v2"'))
    partial.discard()
    assert list(tmp_path.iterdir()) == []
    assert partial.version == Version("")
