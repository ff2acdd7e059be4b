#!/usr/bin/env bash
# tools/dist_search.sh CONFIG CHECKPOINT GPUS [arguments of tools/search.py]
# GPUS is the number of processes on this machine. Several machines: set NNODES, MASTER_ADDR (one
# of them) and PORT in the environment, the same on each; the work dir is a folder they share.
# When a process dies, all are started again and the search goes on, MAX_RESTARTS times at most.
set -e
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
NNODES=${NNODES:-1}
PORT=${PORT:-29500}
MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}

if [ "$NNODES" = 1 ]; then
    MEETING=(--master_addr="$MASTER_ADDR" --master_port="$PORT")
else # only this way of meeting starts the processes of all machines again
    MEETING=(--rdzv_backend=c10d --rdzv_endpoint="$MASTER_ADDR:$PORT" --rdzv_id=mmpanonas)
fi
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="$NNODES" \
    "${MEETING[@]}" \
    --nproc_per_node="$GPUS" \
    --max-restarts="${MAX_RESTARTS:-3}" \
    "$(dirname "$0")/search.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
