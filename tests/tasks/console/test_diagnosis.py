from pipeline.doctor.findings import Finding
from tasks.console.diagnosis import print_findings


def test_each_finding_is_a_line_with_what_to_do_below_it():
    lines = []
    print_findings([Finding("GPU", "fault", "hidden", "show it"), Finding("cores", "ok", "2 of 2")], lines.append)
    assert lines == ["FAULT  GPU    hidden", "              -> show it", "ok     cores  2 of 2", "1 fault"]
    print_findings([], lines.append)
    assert lines[-1] == "No faults"
