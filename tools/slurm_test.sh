#!/usr/bin/env bash
# tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]
# What is set in the environment: tools/slurm.sh.
: "${4:?expected PARTITION JOB_NAME CONFIG CHECKPOINT}"
exec bash "$(dirname "$0")/slurm.sh" "$1" "$2" test.py "$3" "$4" --launcher slurm "${@:5}"
