#!/bin/bash
# Makes a fresh machine a node of a cluster. Runs as root, from user data; running it again changes nothing that is right.
# Written by hadoop_ec2 of ec2-wrappers. What it is told comes in here, quoted for the shell, and holds no secret:
export %ENV%

set -euo pipefail
set -E # so that the trap on ERR, which notes the line, holds in functions too
umask 022

roles=${ROLES?}
state_dir=/var/lib/hadoop-ec2
# On a tmpfs, so that a machine that has just been started again does not show what its last start ended with.
run_dir=/run/hadoop-ec2
status_file=$run_dir/status
settings_dir=/etc/hadoop-ec2
conf_dir=$settings_dir/conf
web_dir=$state_dir/www
hadoop_home=${HADOOP_HOME:-/opt/hadoop}
spark_home=${SPARK_HOME:-/opt/spark}
imds=http://169.254.169.254/latest
# Daemons run as the one, people log in as the other, which is nobody special to HDFS.
daemon_user=hdfs
login_user=hadoop
python_home=/opt/hadoop-ec2/python
jupyter_unit=hadoop-ec2-jupyter
data_dirs=()
# Hubs that the client told of later.
# shellcheck source=/dev/null
if [[ -r $settings_dir/hubs.env ]]; then . "$settings_dir/hubs.env"; fi
current_phase=start
failed_command=

has_role() { [[ ,$roles, == *,"$1",* ]]; }

has_any() {
  local role
  for role in "$@"; do
    if has_role "$role"; then return 0; fi
  done
  return 1
}

record() {
  printf '%s %s %s %s\n' "$(date -u +%FT%TZ)" "$1" "$2" "${3-}" >>"$status_file"
  { printf 'hadoop-ec2: %s %s %s\n' "$1" "$2" "${3-}" >/dev/console; } 2>/dev/null || true
}

on_exit() {
  local code=$? reason
  if ((code == 0)); then return; fi
  reason=$(cat "$state_dir/failure" 2>/dev/null) || reason="line ${failed_line:-?}, ${failed_command%%$'\n'*}, ended with $code"
  record "$current_phase" failed "$reason"
}

run_phase() {
  current_phase=$1
  record "$1" begin
  "phase_$1"
  record "$1" "done"
}

# IMDSv2 only: a token first, and with every question.
metadata() {
  if [[ -z ${imds_token:-} ]]; then
    imds_token=$(curl -fsS -m 5 --retry 5 --retry-connrefused -X PUT \
      -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/api/token")
  fi
  curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $imds_token" "$imds/meta-data/$1"
}
