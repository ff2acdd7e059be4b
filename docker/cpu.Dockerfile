# The project on CPUs: docker build -f docker/cpu.Dockerfile -t mmpanonas:cpu .
# Never built by us: no container could be built where this was written (docs/install.md).
FROM python:3.11-bookworm
# PyPI's PyTorch brings CUDA along, a few GB. An index with CPU builds makes the image smaller:
# --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
WORKDIR /mmpanonas
COPY . .
# pip keeps the wheel of mmcv that it compiles, for the next build.
ENV PIP_CACHE_DIR=/var/cache/pip
RUN --mount=type=cache,target=/var/cache/pip tools/setup.sh
ENV PATH=/mmpanonas/.venv/bin:$PATH
CMD ["bash"]
