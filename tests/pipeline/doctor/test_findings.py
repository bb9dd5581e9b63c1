from pipeline.doctor.findings import Finding, checked, sorted_by_state


def test_a_check_that_fails_is_a_finding_itself_after_those_that_it_made():
    def check():
        yield Finding("disk", "ok", "there")
        raise OSError("the disk\nis gone")

    first, second = checked("disk", check)
    assert first == Finding("disk", "ok", "there")
    assert (second.subject, second.state) == ("disk", "fault")
    assert second.found == "could not be looked at: OSError: the disk is gone"
    assert second.advice


def test_faults_come_first_and_else_the_order_stays():
    found = [Finding(name, state, "") for name, state in (("a", "ok"), ("b", "note"), ("c", "fault"), ("d", "ok"))]
    assert [one.subject for one in sorted_by_state(found)] == ["c", "b", "a", "d"]
