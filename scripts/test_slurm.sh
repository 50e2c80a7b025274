#!/usr/bin/env bash
# Tests `ferrotype sweep --launcher slurm` against a real slurmctld and slurmd on this machine alone:
# two workers share a study, one is killed with kill -9, one job is told to end and goes back into the queue, and in the
# end every trial was done exactly once. Then `ferrotype train --seeds 0..2 --launcher slurm`: one of two members is told to
# end and goes on from its checkpoint, and the last one writes the group's report.
#
#   scripts/test_slurm.sh [path to ferrotype]      (default: target/release/ferrotype)
#
# Needs root on Debian or a relative of it; installs slurmctld, slurmd, slurm-client, munge and slurm-wlm-basic-plugins
# where they are missing. Everything else is in a temporary folder. Stops exactly the processes it started. Where the
# packages cannot be installed it says so and ends well. About a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "skipped: $*"; exit 0; }
say() { echo "== $*"; }

FERROTYPE="$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/ferrotype}")" || true
[ -x "$FERROTYPE" ] || { echo "error: no program at $FERROTYPE: build it with cargo build --release"; exit 1; }
[ "$(id -u)" = 0 ] || skip "only root can start slurmd"

PROGRAMS="slurmctld slurmd sbatch squeue scontrol munged"
missing() { for p in $PROGRAMS; do command -v "$p" >/dev/null || { echo "$p"; return; }; done; }
if [ -n "$(missing)" ]; then
    command -v apt-get >/dev/null || skip "no $(missing), and no apt-get to install it with"
    say "installing Slurm"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge slurm-wlm-basic-plugins \
        >/dev/null 2>&1 || skip "Slurm's packages cannot be installed here"
    [ -z "$(missing)" ] || skip "Slurm's packages lack $(missing)"
fi

F="$(mktemp -d /tmp/ferrotype-slurm.XXXXXX)"
STARTED=()
stop() {
    status=$?
    [ "$status" = 0 ] || { echo "failed; the last lines of the logs:"; tail -n 15 "$F"/log/*.log "$F"/work/study/slurm-*.log "$F"/work/groups/*/slurm-*.log 2>/dev/null || true; }
    if [ -n "${SLURM_CONF:-}" ]; then scancel --user=root --name=slurm_test >/dev/null 2>&1 || true; sleep 1; fi
    # Last started, first stopped.
    for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do
        kill "${STARTED[$i]}" 2>/dev/null || true
    done
    for pid in "${STARTED[@]}"; do
        for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        if kill -0 "$pid" 2>/dev/null; then echo "warning: process $pid did not end"; fi
    done
    [ "$status" != 0 ] && [ -n "${KEEP:-}" ] && echo "kept: $F" || rm -rf "$F"
    exit "$status"
}
trap stop EXIT

HOST="$(hostname -s)"
CPUS="$(nproc)"
mkdir -p "$F"/{state,spool,log,munge,work}
# The socket's folder must be reachable for all, key and log must not.
chmod 755 "$F"
dd if=/dev/urandom of="$F/munge/key" bs=128 count=1 status=none
chmod 711 "$F/munge"; chmod 400 "$F/munge/key"; chown -R munge:munge "$F/munge"
PORT=$((16800 + RANDOM % 2000 * 2))
cat >"$F/slurm.conf" <<CONF
ClusterName=local
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$F/munge/socket,cred_expire=10
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
StateSaveLocation=$F/state
SlurmdSpoolDir=$F/spool
SlurmctldPidFile=$F/slurmctld.pid
SlurmdPidFile=$F/slurmd.pid
SlurmctldLogFile=$F/log/slurmctld.log
SlurmdLogFile=$F/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=20
SchedulerParameters=sched_interval=1,sched_min_interval=200000,batch_sched_delay=0
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$F/slurm.conf"

say "starting munge, slurmctld and slurmd"
setpriv --reuid=munge --regid=munge --clear-groups munged --foreground --key-file="$F/munge/key" \
    --socket="$F/munge/socket" --pid-file="$F/munge/pid" --log-file="$F/munge/log" --seed-file="$F/munge/seed" >"$F/log/munged.log" 2>&1 &
STARTED+=($!)
for _ in $(seq 50); do [ -S "$F/munge/socket" ] && break; sleep 0.1; done
slurmctld -D -f "$F/slurm.conf" -c >/dev/null 2>&1 &
STARTED+=($!)
slurmd -D -f "$F/slurm.conf" -N "$HOST" >/dev/null 2>&1 &
STARTED+=($!)
for _ in $(seq 200); do sinfo -h -o %t 2>/dev/null | grep -q idle && break; sleep 0.1; done
sinfo -h -o %t | grep -q idle || { echo "error: slurmd did not become ready"; sinfo || true; exit 1; }

cd "$F/work"
cat >experiment.yaml <<'YAML'
name: slurm_test
threads: 1
data:
  path: small.h5
  source: {synthetic: {count: 1200, seed: 1, size: 24, identities: 12}}
  split: own
  preprocess: {size: 24, scale: signed}
  workers: 1
model: tiny_xception
train: {epochs: 12, batch_size: 32, lr: 4e-3}
YAML
cat >sweep.yaml <<'YAML'
name: slurm_test
experiment: experiment.yaml
space: {train.lr: {log: [1e-3, 1e-2]}}
sampler: random
trials: 8
lease: 10
slurm: {workers: 2, partition: main, cpus: 1, notice: 10, memory: 400M, setup: ["export FERROTYPE_SLURM_TEST=1"]}
YAML
"$FERROTYPE" data prepare synthetic --count 1200 --seed 1 --size 24 --identities 12 --out small.h5 >/dev/null

say "submitting two workers"
"$FERROTYPE" sweep --config sweep.yaml --out study --launcher slurm
JOB="$(head -n 1 study/slurm_jobs.txt)"

until_true() { # what, seconds, command...
    local what="$1" limit="$2"; shift 2
    for _ in $(seq $((limit * 5))); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done
    echo "error: waited $limit s for $what"; squeue || true; "$FERROTYPE" sweep status study || true; exit 1
}
both_train() { [ "$(cat study/journal/*.jsonl | grep -c '"event":"epoch"')" -ge 2 ] && [ "$(ls study/workers/*.json | wc -l)" -ge 2 ]; }
until_true "both workers' first epochs" 60 both_train

# The workers' processes by their own word.
field() { sed -n "s/.*\"$2\":\"\{0,1\}\([^\",]*\).*/\1/p" "$1"; }
pid_of_task() { for f in study/workers/*.json; do [ "$(field "$f" job)" = "${JOB}_$1" ] && field "$f" pid && return; done; return 1; }

say "killing the worker of task 0 with kill -9"
kill -9 "$(pid_of_task 0)"
say "telling task 1 to end, as Slurm does before a job's time is up: it saves and goes back into the queue"
scancel --signal=TERM --batch "${JOB}_1"
requeued() { scontrol show job "${JOB}_1" | grep -Eq "Restarts=[1-9]"; }
until_true "task 1 to be requeued" 60 requeued
"$FERROTYPE" sweep status study
done_all() { "$FERROTYPE" sweep status study --json | grep -o '"state":"[a-z]*"' | sort | uniq -c | grep -q '8 "state":"finished"'; }
until_true "all trials" 240 done_all
until_true "the queue to be empty" 60 sh -c '! squeue -h -t PENDING,RUNNING,COMPLETING | grep -q .'

say "checking that every trial was done exactly once"
"$FERROTYPE" sweep status study
for trial in 0 1 2 3 4 5 6 7; do
    ends="$(cat study/journal/*.jsonl | grep '"event":"ended"' | grep -c "\"trial\":$trial,")"
    [ "$ends" = 1 ] || { echo "error: trial $trial ended $ends times"; exit 1; }
    epochs="$(grep -c '"event":"epoch"' "study/trials/0000$trial/run/metrics.jsonl")"
    [ "$epochs" = 12 ] || { echo "error: trial $trial has $epochs epochs"; exit 1; }
done
over="$(cat study/journal/*.jsonl | grep '"event":"started"' | grep -c '"generation":2')" || true
[ "$over" -ge 1 ] || { echo "error: no trial was taken over"; exit 1; }
[ -s study/report.html ] && [ -s study/best.yaml ] || { echo "error: no report"; exit 1; }
cat >cluster.yaml <<'YAML'
{partition: main, cpus: 1, notice: 10, memory: 400M}
YAML
say "two seeds as one array"
"$FERROTYPE" train --config experiment.yaml --set train.epochs=8 --seeds 0..2 --launcher slurm --launcher-options cluster.yaml --out groups
GROUP="$(ls -d groups/*)"
JOB="$(head -n 1 "$GROUP/slurm_jobs.txt")"
until_true "seed 1's first epoch" 60 grep -q '"event":"epoch"' "$GROUP/seed-1/metrics.jsonl"
say "telling seed 1 to end: it saves and goes back into the queue"
scancel --signal=TERM --batch "${JOB}_1"
until_true "seed 1 to be requeued" 60 requeued
until_true "the group's report" 120 test -s "$GROUP/report.html"
until_true "the queue to be empty" 60 sh -c '! squeue -h -t PENDING,RUNNING,COMPLETING | grep -q .'
for seed in 0 1; do
    epochs="$(grep -c '"event":"epoch"' "$GROUP/seed-$seed/metrics.jsonl")"
    [ "$epochs" = 8 ] || { echo "error: seed $seed has $epochs epochs"; exit 1; }
done
grep -q '"resumed": 1' "$GROUP/seed-1/provenance.json" || { echo "error: seed 1 was not resumed"; exit 1; }
grep -q '"runs": 2' "$GROUP/aggregate.json" || { echo "error: the report is not of both seeds"; exit 1; }
say "training seed 1 by itself: it must give the same"
"$FERROTYPE" train --config experiment.yaml --set train.epochs=8 --set seed=1 --out alone -q >/dev/null
cmp alone/*/predictions.csv "$GROUP/seed-1/predictions.csv"
say "passed: 8 trials done once each, $over taken over, task 1 requeued; a group of two seeds, one requeued, with the same result as by itself"
