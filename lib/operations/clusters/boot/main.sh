
phase_ready() {
  if [[ -n ${MASTER_HOST:-} ]]; then
    trust_master
  else
    make_cluster_key
    start_index_page
  fi
}

main() {
  trap 'failed_line=$LINENO' ERR
  trap on_exit EXIT
  mkdir -p "$state_dir" "$settings_dir" "$conf_dir"
  : >"$status_file"
  if [[ $0 != /opt/hadoop-ec2/boot.sh ]]; then install -D -m 0755 "$0" /opt/hadoop-ec2/boot.sh; fi
  make_users
  run_phase java
  run_phase hadoop
  run_phase spark
  run_phase config
  run_phase disks
  run_phase daemons
  run_phase ready
}

# Sourced, as tests do, it only defines its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
