#!/usr/bin/env bash
# tools/dist_search.sh CONFIG CHECKPOINT GPUS [arguments of tools/search.py]
# GPUS is the number of processes on this machine. Several machines: set NNODES, MASTER_ADDR (one
# of them) and PORT in the environment, the same on each; LOCAL_ADDR where the others do not know
# a machine by its host name. The work dir is a folder that they share.
# When a process dies, all are started again and the search goes on, MAX_RESTARTS times at most.
set -e
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
NNODES=${NNODES:-1}
PORT=${PORT:-29500}
MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}
[ "$NNODES" = 1 ] && LOCAL_ADDR=${LOCAL_ADDR:-127.0.0.1}

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
# Only this way of meeting starts the processes of all machines again. Each time they need a new
# store: in a shared one they would find addresses of the dead.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="$NNODES" \
    --nproc_per_node="$GPUS" \
    --rdzv_backend=c10d \
    --rdzv_endpoint="$MASTER_ADDR:$PORT" \
    --rdzv_id=mmpanonas \
    ${LOCAL_ADDR:+--local-addr="$LOCAL_ADDR"} \
    --max-restarts="${MAX_RESTARTS:-3}" \
    "$(dirname "$0")/search.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
