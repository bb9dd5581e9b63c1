import socket

import pytest

from extractors.executors.base import EngineOptions
from extractors.executors.ray_cluster import Demand, Node, Nodes, check_address, demand_of
from pipeline.errors import ConfigError, ExtractionError

GB = 10**9


def node(name="a", alive=True, **resources):
    return Node(name, f"{name} (10.0.0.1)", alive, resources)


@pytest.mark.parametrize(
    ("demand", "slots"),
    [
        (Demand(1, 0, 0), 8 + 2),
        (Demand(3, 0, 0), 2),  # 8 // 3 and 2 // 3
        (Demand(0.5, 0, 0), 16 + 4),
        (Demand(0.1, 0, 0), 80 + 20),  # though 8 / 0.1 is a little less than 80 where floats are divided
        (Demand(1, 1, 0), 2),
        (Demand(1, 0.25, 0), 8),  # the cores are fewer than the quarters of two GPUs
        (Demand(0, 0.25, 0), 8),
        (Demand(1, 0, 4 * GB), 4),  # 16 // 4; 2 GB are too few
        (Demand(16, 0, 0), 0),
    ],
)
def test_a_host_takes_as_many_tasks_as_the_scarcest_of_what_they_ask_for(demand, slots):
    nodes = [node(CPU=8, GPU=2, memory=16 * GB), node(CPU=2, memory=2 * GB), node(alive=False, CPU=64, GPU=8)]
    assert demand.slots(nodes) == slots


def test_a_head_without_cores_takes_none():
    assert Demand(1, 0, 0).slots([node(memory=GB)]) == 0


@pytest.mark.parametrize(
    ("setting", "resources", "num_gpus"),
    [(-1, {"GPU": 4}, 1), (-1, {}, 0), (0, {"GPU": 4}, 0), (0.5, {"GPU": 4}, 0.5), (1, {}, 1)],
)
def test_a_task_asks_for_a_gpu_where_there_are_any_unless_the_setting_says_otherwise(setting, resources, num_gpus):
    engine = EngineOptions(num_gpus=setting, num_cpus=2, memory_gb=1.5)
    assert demand_of(engine, [node(CPU=8, **resources)]) == Demand(2, num_gpus, 1_500_000_000)


def test_gpus_of_a_host_that_is_lost_do_not_count():
    assert demand_of(EngineOptions(), [node(CPU=8), node(alive=False, GPU=4)]).num_gpus == 0


def test_a_host_is_told_as_lost_once():
    nodes = Nodes()
    assert nodes.update([node("a"), node("b"), node("c", alive=False)]) == []
    lost = node("b", alive=False)
    assert nodes.update([node("a"), lost, node("c", alive=False)]) == [lost]
    assert nodes.update([node("a"), lost, node("d")]) == []


@pytest.mark.parametrize("address", ["somewhere", "ray://head:10001", "head:port", ":6379", "head:0", "head:99999"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(ConfigError, match="expected auto, HOST:PORT"):
        check_address(address)


@pytest.mark.parametrize("address", ["", "auto"])
def test_a_cluster_that_is_found_or_started_has_no_address_to_check(address):
    check_address(address)


def test_an_address_where_nobody_listens_is_one_line_before_ray_is_asked():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_address(f"127.0.0.1:{port}")
    with pytest.raises(ExtractionError, match=f"127.0.0.1:{port}: no Ray cluster answers there") as caught:
        check_address(f"127.0.0.1:{port}")
    assert "\n" not in str(caught.value)
