# The project on GPUs: docker build -f docker/cuda.Dockerfile -t mmpanonas:cuda .
# Never built by us: no container could be built where this was written (docs/install.md).
# CUDA's compiler must be of the version that PyTorch was built with: 13.0 for torch 2.13.0.
FROM nvidia/cuda:13.0.1-devel-rockylinux9
RUN dnf install -y gcc-c++ make python3.11 python3.11-devel && dnf clean all
# While an image is built no GPU is seen: mmcv is told to compile for GPUs, and for which.
ENV FORCE_CUDA=1
# From Turing to Blackwell, newer ones by PTX. Your GPU's number alone compiles several times as fast.
ARG TORCH_CUDA_ARCH_LIST="7.5;8.0;8.6;8.9;9.0;10.0;12.0+PTX"
WORKDIR /mmpanonas
COPY . .
# pip keeps the wheel of mmcv that it compiles, for the next build; by the list of GPUs, which pip ignores.
ENV PIP_CACHE_DIR="/var/cache/pip/$TORCH_CUDA_ARCH_LIST"
RUN --mount=type=cache,target=/var/cache/pip tools/setup.sh
ENV PATH=/mmpanonas/.venv/bin:$PATH
CMD ["bash"]
