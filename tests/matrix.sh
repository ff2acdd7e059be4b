#!/usr/bin/env bash
# The tests in which chance has a part, under settings that must not matter:
#
#   tests/matrix.sh [PYTEST ARGUMENT ...]    # instead of those files, such as `tests` for all
#
# Five seeds of every random or trained network, two threads, no vector instructions, random order.
set -uo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tests/recalibration tests/search tests/training tests/inference tests/models tests/convert tests/test_evaluation.py \
    tests/test_full_size.py tests/tools/test_image_demo.py tests/tools/test_main_job.py \
    tests/tools/test_model_converters.py tests/tools/test_pretraining.py \
    tests/visualization/test_panel_hook.py
failed=0
run() { # pytest's words; the settings come as environment
    local out
    out=$("${PYTHON:-.venv/bin/python}" -m pytest -q "$@" 2>&1) || failed=1
    grep -E '^(FAILED|ERROR)|(passed|failed|error).* in ' <<<"$out"
}
for seed in 0 1 2 3 4; do
    echo "seed $seed"
    MMPANONAS_TEST_SEED=$seed run "$@"
done
echo "two threads"
MMPANONAS_TEST_THREADS=2 OMP_NUM_THREADS=2 run "$@"
echo "ATEN_CPU_CAPABILITY=default"
ATEN_CPU_CAPABILITY=default run "$@"
echo "random order"
run --random-order "$@"
exit $failed
