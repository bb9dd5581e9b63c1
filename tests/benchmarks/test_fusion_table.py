from benchmarks.fusion_table import table


def row(first: float) -> list[dict[str, float]]:
    """Metrics of two seeds, the second one better by two points."""
    return [{"R@1": first + more, "R@5": 50.0, "R@10": 60.0, "MdR": 3.0} for more in (0.0, 2.0)]


def test_a_line_is_the_mean_with_the_worst_and_the_best_seed_and_the_differences_are_told():
    one = {"mean": 12.25, "low": 10.0, "high": 14.0}
    facts = [{"helps": 26.0, "hurts": 34.0, "residual kept": 0}, {"helps": 28.0, "hurts": 36.0, "residual kept": 3}]
    rows = {"fixed": row(40.0), "selector": row(52.0), "alone: look": row(20.0)}
    rows |= {"start": row(30.0), "residual": [row(29.0)[0], row(31.0)[1]]}
    signal = {"rows": rows, "differences": {"selector - fixed": {"R@1": one}}, "captions": 700, "facts": facts}
    lines = table({"signal": signal, "none": {"rows": {"fixed": row(70.0)}, "equal": 2, "facts": facts}})
    assert lines[2].startswith("| look alone, untrained | 21.0 (20.0 to 22.0) |")
    assert lines[3].startswith("| untrained fusion, best fixed weights | 41.0 (40.0 to 42.0) | 50.0 (50.0 to 50.0) |")
    told = " ".join(lines)
    assert "speech helps 27 % of the captions and hurts 35 %" in told
    assert "the same with the selector over untrained fusion, best fixed weights +12.2 (+10.0 to +14.0)." in told
    assert "over 700 captions of 2 seeds" in told
    assert "CE residual is below its start in 1 of 2 seeds (R@1), and is it, epoch 0, exactly, in 1." in told
    assert "(R@1 71.0)" in told and "in 2 of 2 seeds." in told
