#!/usr/bin/env bash
# Runs a command on every node of a SLURM job: one task per node, which drives all its GPUs.
# Submit it from the repository's root, once `make install` has made .venv on the shared disk:
#
#   sbatch --nodes=2 launch/slurm.sh python main.py --config=configs/wgan_gp.py:cifar10
#
# Options to sbatch (--partition, --account, --gpus-per-node, --time, ...) override those below.
#SBATCH --job-name=gan_jax
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --output=slurm-%j.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
set -uo pipefail

if (($# == 0)); then
  echo "usage: sbatch launch/slurm.sh COMMAND..." >&2
  exit 2
fi
# shellcheck disable=SC1091
source .venv/bin/activate || exit 1

# JAX takes a SLURM task for the owner of one GPU unless it is told which GPUs are its own.
if ((${SLURM_GPUS_ON_NODE:-0} > 0)); then
  JAX_LOCAL_DEVICE_IDS=$(seq -s, 0 $((SLURM_GPUS_ON_NODE - 1)))
  export JAX_LOCAL_DEVICE_IDS
fi

# Five minutes before the time limit SLURM wakes this script; SIGTERM makes the tasks save and end.
stopping=false
trap 'stopping=true; scancel --signal=TERM "$SLURM_JOB_ID"' USR1

srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" "$@" &
tasks=$!
wait "$tasks"
code=$?
if $stopping; then
  wait "$tasks" # the signal has cut the first wait short
  code=$?
  if ((code == 0)); then
    scontrol requeue "$SLURM_JOB_ID" # the same command goes on from what was saved
    code=$?
  fi
fi
exit "$code"
