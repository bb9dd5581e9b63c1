import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from extractors import registry, word_vectors
from extractors.text.hashed_words import EncoderParams as HashedParams
from extractors.word_vectors import Encoder, EncoderParams
from extractors.words import Encoder as Hashed
from pipeline.errors import WeightsError
from pipeline.untrusted.download import checksum
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource

VECTORS = {"the": [1.0, 0.0, 0.5], "harbor": [0.0, 2.0, -1.0], "Paris": [3.0, 3.0, 3.0]}


def text_file(path, total=3):
    lines = [f"{word} {' '.join(map(str, vector))} " for word, vector in VECTORS.items()]
    path.write_text("\n".join([f"{total} 3", *lines]) + "\n", encoding="utf-8")


def binary_file(path):
    rows = [word.encode() + b" " + np.array(vector, "<f4").tobytes() + b"\n" for word, vector in VECTORS.items()]
    path.write_bytes(b"3 3\n" + b"".join(rows))


def encoder(folder, name, **params):
    source = WeightSource(WeightOptions(folder), {"words": WeightFile("http://a/b", place=name)})
    made = Encoder(EncoderParams(**({"source": "file", "dim": 3} | params)), source)
    made.load("cpu")
    return made


@pytest.mark.parametrize(("name", "write"), [("v.vec", text_file), ("v.bin", binary_file)])
def test_words_of_a_file_have_its_vectors(tmp_path, name, write):
    write(tmp_path / name)
    made = encoder(tmp_path, name)
    (found,) = made.encode(["The HARBOR, of Paris"])
    np.testing.assert_allclose(found, [VECTORS["the"], VECTORS["harbor"], VECTORS["Paris"]])
    values, known = made.known_vectors(["paris", "Paris", "xyz", "the"])
    assert known.tolist() == [1, 3]
    np.testing.assert_allclose(values, [VECTORS["Paris"], VECTORS["the"]])
    np.testing.assert_array_equal(made.encode(["xyz", ""])[0], np.zeros((1, 3)))
    assert made.weights == {"words": checksum(tmp_path / name)}


def test_a_word_that_the_file_has_not_as_written_is_looked_up_folded(tmp_path):
    (tmp_path / "v.vec").write_text("2 3\ncafe 1 0 0\n\u0643\u062a\u0627\u0628 0 1 0\n", encoding="utf-8")
    made = encoder(tmp_path, "v.vec")
    values, known = made.known_vectors(["Café", "\u0643\u0650\u062a\u064e\u0627\u0628", "caf"])  # with Arabic vowels
    assert known.tolist() == [0, 1]
    np.testing.assert_array_equal(values, [[1, 0, 0], [0, 1, 0]])


def test_only_the_first_words_are_read(tmp_path):
    text_file(tmp_path / "v.vec")
    assert encoder(tmp_path, "v.vec", max_words=1).known_vectors(["the", "harbor"])[1].tolist() == [0]


def test_hashed_vectors_are_those_of_the_words_encoder():
    made, hashed = Encoder(EncoderParams()), Hashed(HashedParams())
    made.load("cpu")
    np.testing.assert_array_equal(made.encode(["Two words"])[0], hashed.encode(["Two words"])[0])
    assert made.weights == {}
    assert made.weight_files() == {}


def test_the_stand_ins_of_a_file_are_hashed():
    made = Encoder(EncoderParams(source="file"), WeightSource(always_seeded=True))
    made.load("cpu")
    assert made.encode(["harbor"])[0].shape == (1, 300)
    assert made.weights == {"words": "seeded"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("3 4\n", "vectors of length 4"), ("the 1 2 3\n", "no word2vec file"), ("9 3\nthe 1 2 3\n", "1 words, where")],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path, text, told):
    (tmp_path / "v.vec").write_text(text)
    with pytest.raises(WeightsError, match=told):
        encoder(tmp_path, "v.vec")


def test_a_text_yaml_may_name_it_so_that_captions_have_the_vectors_of_the_experts_words(tmp_path):
    text_file(tmp_path / "v.vec")
    (tmp_path / "mine.yaml").write_text(
        "encoder: word_vectors\nparams: {source: file, dim: 3}\nweights: {words: {url: http://a/v.vec, place: v.vec}}\n"
    )
    named = registry.text("mine", tmp_path, WeightOptions(tmp_path))
    assert named.recipe["extractor"] == "word_vectors"
    named.encoder.load("cpu")
    np.testing.assert_allclose(named.encoder.encode(["the harbor"])[0], [VECTORS["the"], VECTORS["harbor"]])


def test_a_file_must_be_named():
    with pytest.raises(WeightsError, match="under weights"):
        Encoder(EncoderParams(source="file")).weight_files()


PIECES = {piece: number for number, piece in enumerate(["[CLS]", "[SEP]", "[UNK]", "har", "##bor", "##bors", "the"])}
HUB = "transformers/me/tiny"


@pytest.fixture
def released(tmp_path):
    """A language model and its files as the hub has them, in the cache that the source knows."""
    from transformers import AutoConfig, AutoModel

    sizes = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model("bert", **sizes, vocab_size=len(PIECES))).eval()
    folder = tmp_path / "me" / "tiny"
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece(PIECES, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    around = [("[CLS]", 0), ("[SEP]", 1)]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=around)
    tokenizer.save(str(folder / "tokenizer.json"))
    return model, WeightSource(WeightOptions(tmp_path))


def of_hub(source, **changed):
    made = Encoder(EncoderParams(**({"source": HUB, "dim": 12} | changed)), source)
    made.load("cpu")
    return made


def test_a_language_model_gives_a_word_the_mean_of_its_pieces_wherever_it_stands(released):
    model, source = released
    with torch.inference_mode():
        states = model(torch.tensor([[0, 3, 4, 1]])).last_hidden_state[0].numpy()
    made = of_hub(source)
    values, known = made.known_vectors(["the", "Harbor", "harbors", "harbor"])
    assert known.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(values[1], states[1:3].mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(values[1], values[3])
    np.testing.assert_array_equal(of_hub(source).known_vectors(["harbor"])[0], values[3:])
    (text,) = made.encode(["The harbor, the harbors"])
    np.testing.assert_array_equal(text, values[[0, 3, 0, 2]])
    assert made.known_vectors([])[0].shape == (0, 12)


def test_the_files_of_a_language_model_are_in_the_recipe_and_in_the_list(released):
    _, source = released
    made = of_hub(source)
    files = {"words": "model.safetensors", "words_config": "config.json", "words_tokenizer": "tokenizer.json"}
    folder = source.options.cache / "me" / "tiny"
    assert made.weights == {part: checksum(folder / name) for part, name in files.items()}
    assert Encoder(made.params).weights == dict.fromkeys(files, HUB), "without the files"
    assert sorted(file.cached_as for file in made.weight_files().values()) == [
        "me/tiny/config.json",
        "me/tiny/model.safetensors",
        "me/tiny/tokenizer.json",
    ]


def test_a_language_model_of_another_width_is_refused(released):
    with pytest.raises(WeightsError, match="vectors of length 12, where dim is 300"):
        of_hub(released[1], dim=300)


def test_the_stand_ins_of_a_language_model_are_hashed():
    made = of_hub(WeightSource(always_seeded=True), dim=768)
    np.testing.assert_array_equal(made.encode(["harbor"])[0], Hashed(HashedParams(768)).encode(["harbor"])[0])


@pytest.mark.parametrize(
    "wrong",
    [{"dim": 0}, {"shortest": 6}, {"max_words": 0}, {"source": "fasttext"}, {"source": "transformers/bert"}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|need"):
        word_vectors.EncoderParams(**wrong)
