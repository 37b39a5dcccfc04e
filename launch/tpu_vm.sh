#!/usr/bin/env bash
# Runs a command on every worker of a Cloud TPU VM, after copying this checkout there and
# installing requirements-tpu.txt.
#
#   launch/tpu_vm.sh NAME ZONE python main.py --config=configs/sngan.py:cifar10 --workdir=/mnt/run
#
# PYTHON=python3.12 names the workers' Python (3.11 or newer).
set -euo pipefail

if (($# < 3)); then
  echo "usage: launch/tpu_vm.sh NAME ZONE COMMAND..." >&2
  exit 2
fi
name=$1
zone=$2
shift 2
cd "$(dirname "$0")/.."

workers=$(gcloud compute tpus tpu-vm describe "$name" --zone="$zone" \
  --format='value(networkEndpoints.len())')

# The files that Git tracks, as they stand now.
archive=$(mktemp -d)/gan_jax.tar.gz
trap 'rm -r "$(dirname "$archive")"' EXIT
git ls-files -z | tar --null -T - -czf "$archive"
gcloud compute tpus tpu-vm scp "$archive" "$name:" --zone="$zone" --worker=all

# JAX finds the other workers by itself; their number tells gan_jax that there are any.
gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker=all --command="
  set -e
  mkdir -p gan_jax
  tar -xzf gan_jax.tar.gz -C gan_jax
  cd gan_jax
  make install REQUIREMENTS=requirements-tpu.txt PYTHON=${PYTHON:-python3}
  . .venv/bin/activate
  JAX_NUM_PROCESSES=$workers $(printf '%q ' "$@")"
