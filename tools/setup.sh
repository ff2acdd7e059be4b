#!/usr/bin/env bash
# Set up everything in .venv (or $VENV): Python 3.10 or later, a C++ compiler and pip's own
# settings (PIP_FIND_LINKS, PIP_INDEX_URL, ...) are all it needs. Repeatable; what is done is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
STAMP=$VENV/.ready-$(cat requirements*.txt tools/setup.sh pyproject.toml | sha256sum | cut -c1-16)

say() { printf '[setup] %s\n' "$*"; }
pinned() { grep -oE "^$1==[^ ;]+" requirements.txt; }
pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

if [ -e "$STAMP" ]; then
    say "$VENV is ready (delete it to start over)"
    exit 0
fi
if [ -x "$VENV/bin/python" ]; then
    PYTHON=$VENV/bin/python
elif [ -z "${PYTHON:-}" ]; then
    python3.11 -c '' 2>/dev/null && PYTHON=python3.11 || PYTHON=python3
fi
VERSION=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
    say "no Python at '$PYTHON'; set PYTHON=/path/to/python3.11" >&2
    exit 2
}
case $VERSION in
    3.11 | 3.13) ;;
    3.1[0-9]) say "Python $VERSION is untried; 3.11 and 3.13 are tried" ;;
    *)
        say "needs Python 3.10 or later, '$PYTHON' is $VERSION; set PYTHON=/path/to/python3.11" >&2
        exit 2
        ;;
esac

if [ ! -x "$VENV/bin/python" ]; then
    say "creating $VENV"
    "$PYTHON" -m venv "$VENV"
fi
say "1/4 torch and build tools (a few minutes, mostly download)"
pip_install $(for name in torch setuptools wheel ninja psutil; do pinned "$name"; done)

if "$VENV/bin/python" -c 'import importlib.metadata as m, sys; sys.exit("onedl-mmcv=="+m.version("onedl-mmcv") != sys.argv[1])' "$(pinned onedl-mmcv)" 2>/dev/null; then
    say "2/4 mmcv with its operators: already there"
else
    CORES=$(nproc)
    say "2/4 mmcv with its operators: compiles once, 5 to 13 minutes on two cores (here: $CORES)" \
        "(seconds where PIP_FIND_LINKS holds a wheel)"
    # CFLAGS replaces the interpreter's own flags: without -O3 RoIAlign and NMS crawl.
    # PyTorch looks for ninja on the path; without it files are compiled one after another.
    PATH=$(cd "$VENV/bin" && pwd):$PATH CFLAGS="-O3 -g0 -fwrapv -DNDEBUG" MAX_JOBS=${MAX_JOBS:-$CORES} MMCV_WITH_OPS=1 \
        pip_install --no-build-isolation --no-deps "$(pinned onedl-mmcv)"
fi
say "3/4 the other packages"
grep -vE '^(#|$|torch==|onedl-mmcv==)' requirements.txt >"$VENV/rest.txt"
pip_install --no-deps --no-build-isolation -r "$VENV/rest.txt"
pip_install --no-deps --no-build-isolation --editable .
rm -rf "$VENV/pretrain"
pip_install --no-deps --no-build-isolation --target "$VENV/pretrain" -r requirements-pretrain.txt

say "4/4 importing what was installed"
"$VENV/bin/python" -W ignore -c '
import cv2, kornia_rs, mmcv, mmcv.ops, mmdet, mmengine, torch
import mmpanonas.register
print(f"[setup] torch {torch.__version__}, mmcv {mmcv.__version__}, mmdet {mmdet.__version__}, "
      f"cv2 {cv2.__version__} (headless), GPU: {torch.cuda.is_available()}")'
rm -f "$VENV"/.ready-*
touch "$STAMP"
say "done: $VENV"
