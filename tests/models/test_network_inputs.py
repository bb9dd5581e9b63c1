import pytest

from models.network_inputs import ExpertInput, TextInput


def test_netvlad_makes_a_vector_longer_and_a_mean_does_not():
    assert ExpertInput("audio", 128, "vlad", 8, 29).pooled_dim == 1024
    assert ExpertInput("rgb", 128).pooled_dim == 128
    with pytest.raises(ValueError, match="expert audio: pool: vlad needs"):
        ExpertInput("audio", 128, "vlad")


def test_a_caption_becomes_longer_by_netvlad_and_keeps_its_length_without_it():
    assert TextInput(300, 4, 1, 32).pooled_dim == 1200
    assert TextInput(512, 0, 0, 1).pooled_dim == 512
