#!/usr/bin/env bash
# What a device does, in about ten minutes and without a network: whether it computes what the CPU computes, whether a run
# ends and resumes, and how fast it trains, beside PyTorch where Python has it.
#
#   scripts/check_gpu.sh target/release/ferrotype [cuda:0] [folder for what it writes]
#
# PYTHON names another Python than python3; MODELS, BATCHES and STEPS other networks, batch sizes and numbers of steps.
# Ends with 1 where a layer is wrong or a run does not end as it should.
set -uo pipefail

program=$(realpath "${1:?the program: scripts/check_gpu.sh target/release/ferrotype [device] [folder]}")
device=${2:-cuda:0}
out=${3:-$(mktemp -d)}
python=${PYTHON:-python3}
models=${MODELS:-vgg13 resnet18}
batches=${BATCHES:-32 128 512}
steps=${STEPS:-10}
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
out=$(realpath "$out")
failed=0
section() { printf '\n== %s\n' "$1"; }
say_failed() { echo "FAILED: $1"; failed=1; }

section "machine"
command -v nvidia-smi > /dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
"$program" doctor

section "parity with the CPU"
timeout 240 "$program" bench parity --device "$device" | tee "$out/parity.txt" || say_failed "parity"

section "quickstart, whole, and killed and resumed"
cd "$out" || exit 1
training=("$program" train --config "$root/configs/quickstart.yaml" --set "device=$device" --set train.checkpoint.steps=20)
began=$(date +%s)
if timeout 150 "${training[@]}" --out whole > whole.log 2>&1; then
    tail -n 12 whole.log
    echo "$(($(date +%s) - began)) s"
else
    tail -n 5 whole.log
    say_failed "the quickstart"
fi
"${training[@]}" --out killed > killed.log 2>&1 &
job=$!
# Killed as soon as there is a checkpoint to go on from.
for _ in $(seq 600); do
    [ -n "$(find killed -name 'last*' -path '*checkpoints*' 2> /dev/null | head -n 1)" ] && break
    sleep 0.1
done
kill -KILL "$job" 2> /dev/null
wait "$job" 2> /dev/null
run=$(find killed -maxdepth 1 -mindepth 1 -type d | head -n 1)
if [ -n "$run" ] && timeout 150 "$program" train --resume "$run" > resumed.log 2>&1; then
    "$program" compare whole/* "$run" 2> /dev/null | tail -n 20
else
    tail -n 5 resumed.log 2> /dev/null
    say_failed "the resumed run"
fi
cd "$root" || exit 1

section "training steps, images/s"
printf '%-12s %6s %-24s %12s\n' network batch who images/s
row() { printf '%-12s %6s %-24s %12s\n' "$1" "$2" "$3" "$4"; }
for model in $models; do
    for batch in $batches; do
        line=$(timeout 120 "$program" bench --models "$model" --batch "$batch" --mode train --steps "$steps" --rounds 3 --device "$device" --json 2> "$out/error.txt" | tail -n 1)
        rate=$(sed -n 's/.*"images_per_second":\([0-9]*\.\{0,1\}[0-9]\{0,1\}\).*/\1/p' <<< "$line")
        row "$model" "$batch" "ferrotype, $device" "${rate:-$(tail -n 1 "$out/error.txt" | cut -c1-60)}"
        case $device in cuda* | tch-cuda*) torch=cuda ;; *) torch=cpu ;; esac
        for how in "eager" "tf32" "compiled" "compiled tf32"; do
            [ "$torch" = cpu ] && [[ $how == *tf32* ]] && continue
            flags=()
            [[ $how == *tf32* ]] && flags+=(--tf32)
            [[ $how == *compiled* ]] && flags+=(--compile)
            line=$(timeout 120 "$python" scripts/bench_pytorch.py --device "$torch" "${flags[@]}" --once train "$model" "$batch" "$((3 * steps))" 2> "$out/error.txt" | tail -n 1)
            rate=$("$python" -c 'import json, statistics, sys
print("%.1f" % (1e3 * int(sys.argv[2]) / statistics.median(json.loads(sys.argv[1])["ms"])))' "$line" "$batch" 2> /dev/null)
            row "$model" "$batch" "PyTorch, $torch, $how" "${rate:-$(tail -n 1 "$out/error.txt" | cut -c1-60)}"
        done
    done
done
if command -v nvidia-smi > /dev/null; then
    section "memory of the GPU while VGG13 trains at the largest batch, MiB"
    "$program" bench --models vgg13 --batch "${batches##* }" --mode train --steps "$steps" --rounds 3 --device "$device" > /dev/null 2>&1 &
    job=$!
    most=0
    while kill -0 "$job" 2> /dev/null; do
        now=$(nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | head -n 1)
        [ "${now:-0}" -gt "$most" ] && most=$now
        sleep 0.2
    done
    echo "$most"
fi
echo
echo "files: $out"
exit $failed
