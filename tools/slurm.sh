#!/usr/bin/env bash
# tools/slurm.sh PARTITION JOB_NAME TOOL [arguments]: what slurm_train.sh and slurm_test.sh share.
# As MMDetection's: GPUS (8) processes in all, GPUS_PER_NODE (8), CPUS_PER_TASK (5), SRUN_ARGS (more words
# for srun) and MASTER_PORT (29500, one for each job of a machine) are set in the environment.
set -e
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
TOOLS=$(cd "$(dirname "$0")" && pwd)

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

# shellcheck disable=SC2086  # SRUN_ARGS is several words
exec srun --partition="$1" --job-name="$2" \
    --ntasks="${GPUS:-8}" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --gres=gpu:"$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    $SRUN_ARGS \
    "${PYTHON:-python}" -u "$TOOLS/$3" "${@:4}"
