#!/usr/bin/env bash
# tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]
# What is set in the environment: tools/slurm.sh.
: "${4:?expected PARTITION JOB_NAME CONFIG WORK_DIR}"
exec bash "$(dirname "$0")/slurm.sh" "$1" "$2" train.py "$3" --work-dir "$4" --launcher slurm "${@:5}"
