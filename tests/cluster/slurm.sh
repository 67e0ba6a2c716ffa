#!/usr/bin/env bash
# A real Slurm on this host for tests: munge, slurmctld and two nodes; no systemd, no cgroups.
#
#   slurm.sh start FOLDER [4] until both nodes, of two CPUs or so many, are idle; FOLDER gets keys, state and logs
#   slurm.sh node FOLDER n2   start the daemon of a node, again if it was killed
#   slurm.sh stop FOLDER
#
# Its commands want SLURM_CONF=FOLDER/slurm.conf, and Snakemake's jobs FOLDER/bin first on the path. Nothing is
# written to /etc, so it needs no root, minds no Slurm that the host has, and a kill leaves no trace there.
set -euo pipefail

command=$1 lab=$2
host=$(hostname -s) user=$(id -un)
export SLURM_CONF=$lab/slurm.conf
cpus=${3:-2}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

configure() {
  cat > "$SLURM_CONF" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$lab/munge/socket
CryptoType=crypto/munge
SlurmctldPort=$(free_port)
SlurmctldPidFile=$lab/run/slurmctld.pid
SlurmdPidFile=$lab/run/%n.pid
SlurmctldLogFile=$lab/log/slurmctld.log
SlurmdLogFile=$lab/log/%n.log
StateSaveLocation=$lab/state
SlurmdSpoolDir=$lab/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,batch_sched_delay=0,sched_min_interval=0,bf_interval=5
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$lab/log/jobs
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=300
InactiveLimit=0
MinJobAge=3600
KillWait=3
Waittime=0
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=$cpus RealMemory=20000 Gres=gpu:1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=$cpus RealMemory=20000 Gres=gpu:1
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=04:00:00 State=UP OverSubscribe=NO
CONF
  echo 'NodeName=n[1-2] Name=gpu File=/dev/null' > "$lab/gres.conf"
}

# Snakemake's executor takes SLURM_CONF from what a job starts: the srun of this Slurm knows it by itself.
wrap_srun() {
  mkdir -p "$lab/bin"
  printf '#!/bin/sh\nSLURM_CONF="%s" exec "%s" "$@"\n' "$SLURM_CONF" "$(command -v srun)" > "$lab/bin/srun"
  chmod +x "$lab/bin/srun"
}

start_munge() {
  install -d -m 711 "$lab/munge"
  (umask 077 && head -c 1024 /dev/urandom > "$lab/munge/key")
  munged --force --socket="$lab/munge/socket" --key-file="$lab/munge/key" \
    --pid-file="$lab/run/munged.pid" --log-file="$lab/munge/log" --seed-file="$lab/munge/seed"
}

start_node() {
  slurmd -N "$1" </dev/null >/dev/null 2>&1
}

wait_for_nodes() {
  for _ in $(seq 3000); do
    [ "$(sinfo --noheader --Node --states idle --partition main 2>/dev/null | wc -l)" = 2 ] && return
    sleep 0.1
  done
  tail -n 5 "$lab"/log/*.log >&2
  return 1
}

start() {
  mkdir -p "$lab"/{state,spool,log,run}
  configure
  wrap_srun
  start_munge
  slurmctld -i </dev/null >/dev/null 2>&1
  start_node n1
  start_node n2
  wait_for_nodes
}

stop() {
  for name in n1 n2 slurmctld munged; do
    [ ! -f "$lab/run/$name.pid" ] || kill "$(cat "$lab/run/$name.pid")" 2>/dev/null || true
  done
}

case $command in
  start) start ;;
  node) start_node "$3" ;;
  stop) stop ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
