"""Which stages each field of each config makes stale when it changes, with another value to try.

To correct the table: give the field another class, or say in NOT_ALONE why it is not changed on its own. What the
classes mean is compared with docs/reruns.md.
"""

TRAINED = {"train", "evaluate", "index"}
CLASSES = {
    "nothing": set(),
    "expert": {"expert"} | TRAINED,
    "text": {"text"} | TRAINED,
    "model": TRAINED,
    "manifest": {"manifest"} | TRAINED,
    "seeds": {"evaluate"},
    "index": {"index"},
    "shown": {"evaluate", "index"},
}
"""Class -> the stages that a change of such a field makes stale."""

IN_MANUAL = {
    "`runtime:` of an expert or a model": "nothing",
    "`params:`, `precision:`, `labels:` or `version` of one expert, or its weights": "expert",
    "the text encoder's YAML, but for `runtime:`": "text",
    "`index:` in `configs/search.yaml`": "index",
    "the rest of `configs/search.yaml`, and of a dataset's YAML what decides neither captions nor splits": "nothing",
    "captions or splits": "manifest",
    "new expert in a model": "model",
    "model YAML, but for `runtime:`": "model",
}
"""A row of the table in docs/reruns.md -> its class."""

EXPERT = {
    "extractor": ("expert", "gist"), "modality": ("shown", "scene"), "weights": ("nothing", "seeded"),
    "runtime.batch_size": ("nothing", 3), "runtime.compile": ("nothing", True), "runtime.onnx": ("nothing", True),
    "runtime.gpu_batch_size": ("nothing", 3),
    "runtime.server": ("nothing", "http://127.0.0.1:1/v1"), "runtime.timeout_s": ("nothing", 7.0),
    "precision": ("expert", "bf16"),
    "model.pool": ("model", "mean"), "model.clusters": ("model", 3), "model.max_tokens": ("model", 5),
}  # fmt: skip
"""Fields of an expert's YAML -> class and another value; all of `params:` is of the class "expert". The light experts
have no weights to be named: `WEIGHTS` are those of a network."""

TEXT = {
    "encoder": ("text", "word_vectors"), "weights": ("nothing", "seeded"),
    "runtime.batch_size": ("nothing", 3), "runtime.compile": ("nothing", True), "runtime.onnx": ("nothing", True),
    "runtime.gpu_batch_size": ("nothing", 3),
    "runtime.server": ("nothing", "http://127.0.0.1:1/v1"), "runtime.timeout_s": ("nothing", 7.0),
}  # fmt: skip

MODEL_FIELDS = {
    "experts": ("model", ["rgb_light"]), "text": ("text", "shorter"),
    "text_pool.clusters": ("model", 3), "text_pool.ghost_clusters": ("model", 2), "text_pool.max_tokens": ("model", 5),
    "architecture.shared_dim": ("model", 16), "architecture.gating": ("model", "none"),
    "architecture.activation": ("model", "relu"), "architecture.batch_norm": ("model", False),
    "architecture.mask_padding": ("model", False), "architecture.standardise": ("model", True),
    "architecture.mixture": ("model", "uniform"), "architecture.num_g_layers": ("model", 2),
    "architecture.num_h_layers": ("model", 1), "architecture.include_self": ("model", False),
    "architecture.head": ("model", "residual"),
    "training.batch_size": ("model", 5), "training.epochs": ("model", 3), "training.learning_rate": ("model", 0.02),
    "training.weight_decay": ("model", 0.1), "training.optimizer": ("model", "radam"),
    "training.schedule": ("model", {"schedule": "step", "gamma": 0.9}),
    "training.gamma": ("model", {"schedule": "step", "gamma": 0.8}),
    "training.loss": ("model", {"loss": "margin", "margin": 0.2, "temperature": None}),
    "training.margin": ("model", {"loss": "margin", "margin": 0.3, "temperature": None}),
    "training.temperature": ("model", 0.1), "training.teachers": ("model", ["second"]),
    "training.worst_rank": ("model", {"teachers": ["second"], "worst_rank": 3}),
    "training.selection": ("model", "last"), "training.ema": ("model", 0.9), "training.seeds": ("seeds", [0, 1]),
    "pools": ("model", {"rgb_light": {"clusters": 2, "max_tokens": 3}}),
    "runtime.device": ("nothing", "cpu"), "training.precision": ("model", "bf16"),
    "runtime.threads": ("nothing", 1), "runtime.checkpoint_s": ("nothing", 1.0), "selector": ("seeds", True),
    "late_interaction": ("nothing", True),  # no expert of that project has a text tower
}  # fmt: skip

PART = {"what": "x", "into": "x", "where": "x", "licence": "x", "size": "1 GB"}
RELEASED = {"collection": "x", "model": "second", "lists": {}, "archives": []}
DEMO = {"version": 1, "seed": 1, "num_train": 1, "num_val": 1, "num_test": 1, "captions_per_video": 1}
DEMO |= {"duration_s": [1.0, 2.0], "width_px": 320, "height_px": 240, "fps": 12}
DATASET = {
    "videos": ("nothing", "copied"), "captions": ("manifest", "other.csv"), "fuse_captions": ("manifest", True),
    "gallery": ("seeds", "all"), "near_duplicates": ("seeds", {"expert": "rgb_light"}),
    "model": ("model", "second"), "validation_from_train": ("manifest", 0.5), "max_failed_fraction": ("nothing", 0.5),
    "hours": ("nothing", 3.0),
    "split_fractions": ("manifest", {"train": 0.0, "val": 0.0, "test": 1.0}), "allow_partial": ("nothing", True),
    "parts": ("nothing", [PART]), "released": ("nothing", RELEASED), "demo": ("nothing", DEMO),
    "counts": ("nothing", {"test": {"videos": [3]}}),
}  # fmt: skip

SEARCH = {
    "index.moment_s": ("index", 3.0), "index.approximate_from": ("index", 7), "index.selector": ("index", False),
    "fusion.offset": ("nothing", 5.0), "fusion.weights": ("nothing", {"ce": 2.0, "words": 1.0, "frames": 1.0}),
    "floors.ce_percentile": ("nothing", 7.0), "floors.ce": ("nothing", 0.1), "floors.ce_keep": ("nothing", 0.1),
    "floors.frames_margin": ("nothing", 1.0), "floors.words": ("nothing", 0.1), "floors.labels": ("nothing", 0.2),
    "second_stage.engine": ("nothing", "late_interaction"), "second_stage.candidates": ("nothing", 7),
    "stop_words": ("nothing", ["a"]), "folder.experts": ("nothing", [["rgb_light"]]),
    "floors.label_words": ("nothing", 0.2), "floors.label_words_near": ("nothing", 0.2),
    "floors.label_words_of_near": ("nothing", 0.2), "floors.label_words_keep": ("nothing", 0.1),
    "label_words.text": ("shown", "shorter"), "label_words.temperature": ("seeds", 0.3),
    "label_words.labels": ("seeds", 2), "label_words.power": ("seeds", 0.7), "label_words.pool": ("seeds", "mean"),
}  # fmt: skip

WEIGHTS = {
    "url": ("expert", "https://elsewhere.org/x/resolve/main/x.pth"), "sha256": ("expert", "0123456789abcdef"),
    "revision": ("expert", "0" * 40), "size_mb": ("nothing", 7.0), "licence": ("nothing", "another"),
    "place": ("nothing", "another/place.pth"),
    "member": ("nothing", "another.pth"), "md5": ("nothing", "0" * 32), "keep_first": ("nothing", True),
    "version": ("nothing", "0.2.0"), "state_dict": ("nothing", "by_order"),
}  # fmt: skip

LUIGI = {
    "Extraction": {
        "workers": "2",
        "deadline_s": "7",
        "videos_per_part": "3",
        "seconds_per_part": "5",
        "megabytes_per_part": "1",
        "device": "cpu",
    },
    "Weights": {"cache": "elsewhere", "mirror": "http://127.0.0.1:1", "offline": "true", "seeded": "true"},
}
"""Other values of the options. Of all of them `seeded` alone changes anything: experts that have a network."""

NOT_ALONE = {
    "DatasetConfig": {
        "only_named": "here captions name all videos; tests/pipeline/datasets/test_scan.py has others",
        "annotations": "excludes captions; the readers' tests have datasets of their own",
        "segment": "excludes captions; tests/tasks/plan/test_cut.py has datasets of its own",
    },
    "ExpertConfig": {
        "params": "each of its fields is changed below",
        "runtime.precision": "refused",
        "labels": "of classifiers only; tests/extractors/test_registry.py has their recipes",
    },
    "TextConfig": {"params": "each of its fields is changed below", "runtime.precision": "refused"},
    "ModelConfig": {"runtime.precision": "refused"},
    "WeightFile": {
        "package": "stands in place of url; tests/pipeline/weights/test_files.py has its identity",
        "file": "only with package",
    },
}
"""Fields that are not changed here, and why."""
