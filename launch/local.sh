#!/usr/bin/env bash
# Runs a command as several processes on this machine's CPU, joined as a cluster's hosts would be.
#
#   launch/local.sh 2 python main.py --config=configs/gan.py --workdir=runs/two_processes
set -uo pipefail

if (($# < 2)) || [[ ! $1 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: launch/local.sh PROCESSES COMMAND..." >&2
  exit 2
fi

export JAX_PLATFORMS=cpu
export JAX_CPU_COLLECTIVES_IMPLEMENTATION=gloo
export JAX_COORDINATOR_ADDRESS=127.0.0.1:$((20000 + RANDOM % 10000))
export JAX_NUM_PROCESSES=$1
shift

processes=()
for ((id = 0; id < JAX_NUM_PROCESSES; id++)); do
  JAX_PROCESS_ID=$id "$@" &
  processes+=($!)
done

# A process in the background does not see Ctrl-C; SIGTERM lets the run save its last step.
trap 'kill -TERM "${processes[@]}" 2>/dev/null' INT TERM

failed=0
for process in "${processes[@]}"; do
  wait "$process"
  while kill -0 "$process" 2>/dev/null; do
    wait "$process" # a signal has cut the last one short
  done
  wait "$process" # answers again, for a process that has ended
  code=$?
  ((code == 0)) || failed=$code
done
exit "$failed"
