#!/usr/bin/env bash
# All that is measured on a GPU, in one command of at most 9 minutes:
#
#   where an index can be reached:     python -m bench.gpu_pack        # fills .gpu: wheels and data, under 60 MB
#   there, in a copy with .gpu:        bash bench/gpu.sh               # Python 3.12, torch, torchvision, OpenCV, no network
#   the same steps without a GPU:      DEVICE=cpu OUT=/tmp/records SLACK=5 bash bench/gpu.sh   # limits 5 times as long
#
# Each step has a limit of its own, writes its record into OUT as soon as it has it, and does not stop the others.
# It ends with the seconds that each took. `bash bench/gpu.sh NAME` runs one step.
set -uo pipefail
cd "$(dirname "$0")/.."

export DEVICE=${DEVICE:-cuda} OUT=${OUT:-bench/results} PYTHON=${PYTHON:-python3} SITE=${SITE:-/tmp/patchwatch-site}
export PYTHONUNBUFFERED=1 PATCHWATCH_TEST_DATA=${PATCHWATCH_TEST_DATA:-$PWD/.gpu/data} PYTHONPATH=$SITE
NEEDS_GPU=75 # exit status of a step that can do nothing here

if [[ $DEVICE == cuda ]]; then # enough to measure; on a CPU little enough to rehearse
  batches=(1 16 64) batch=60 most=256 engine=(--frames 192 --rounds 4) crew=(--frames 240 --rounds 4) alone=1 many=14 some=(4 8)
else
  batches=(1 4) batch=4 most=2 engine=(--frames 8 --rounds 1) crew=(--frames 8 --rounds 1) alone=1 many=2 some=()
fi

install() {
  "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check --upgrade \
    --target "$SITE" .gpu/wheels/*.whl &&
    "$PYTHON" -c 'import platform, torch; print("Python", platform.python_version(), "torch", torch.__version__, "on",
      torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")'
}

probe() { "$PYTHON" -m bench.gpu_probe --device "$DEVICE" --most $most --out "$OUT/gpu-probe.json"; }

tests() { # without a GPU it is seen that they can be collected
  local pytest=("$PYTHON" -m pytest -o addopts= -o filterwarnings=default --import-mode=importlib -p no:cacheprovider
    -q -m gpu tests/models)
  if "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    PATCHWATCH_REQUIRE=gpu,clip,data "${pytest[@]}"
  else
    "${pytest[@]}" --collect-only && return $NEEDS_GPU
  fi
}

limits() { "$PYTHON" -m bench.limits --device "$DEVICE" --batches "${batches[@]}" --out "$OUT/limits-$DEVICE.json"; }

engine() {
  "$PYTHON" -m bench.engine --device "$DEVICE" --profiles clip objects reference --batches "${batches[@]}" \
    "${engine[@]}" --no-anomalib --out "$OUT/engine-$DEVICE.json"
}

workers() { # name of the record, then options
  "$PYTHON" -m bench.workers --device "$DEVICE" --profile clip --batch $batch "${crew[@]}" \
    --out "$OUT/workers-$DEVICE-$1.json" "${@:2}"
}

workers_fused() { workers clip-fused --fused --workers $alone "${some[@]}" $many; }

workers_plain() { workers clip --no-trace --workers $many; }

workers_mps() { # processes whose work runs on the GPU at the same time
  command -v nvidia-cuda-mps-control >/dev/null || return $NEEDS_GPU
  export CUDA_MPS_PIPE_DIRECTORY=$SITE/mps CUDA_MPS_LOG_DIRECTORY=$SITE/mps-log
  mkdir -p "$CUDA_MPS_PIPE_DIRECTORY" "$CUDA_MPS_LOG_DIRECTORY"
  nvidia-cuda-mps-control -d || return $NEEDS_GPU
  workers clip-fused-mps --fused --no-trace --workers $many
  local status=$?
  echo quit | nvidia-cuda-mps-control
  return $status
}

if (($#)); then
  "$1"
  exit
fi

summary=() failed=0
step() { # limit in seconds, name
  local start=$SECONDS limit=$(($1 * ${SLACK:-1})) status=0 word
  echo "=== $2, at most $limit s"
  timeout --kill-after=5 "$limit" bash bench/gpu.sh "$2" || status=$?
  case $status in
    0) word=passed ;;
    "$NEEDS_GPU") word="needs a GPU" ;;
    124 | 137) word="cut off" failed=1 ;;
    *) word="FAILED with $status" failed=1 ;;
  esac
  summary+=("$(printf '%-16s %4d s of %3d  %s' "$2" $((SECONDS - start)) "$limit" "$word")")
}

step 40 install
step 60 probe
step 80 tests
step 40 limits
step 90 engine
step 120 workers_fused
step 60 workers_plain
step 50 workers_mps
printf '%s\n' "" "${summary[@]}" "records in $OUT, all steps $SECONDS s"
exit $failed
