
phase_ready() { if [[ -n ${MASTER_HOST:-} ]]; then trust_master; else start_index_page; fi; }

main() {
  trap 'failed_line=$LINENO failed_command=$BASH_COMMAND' ERR
  trap on_exit EXIT
  mkdir -p "$state_dir" "$settings_dir" "$conf_dir"
  : >"$status_file"
  rm -f "$state_dir/failure"
  if [[ $0 != /opt/hadoop-ec2/boot.sh ]]; then install -D -m 0755 "$0" /opt/hadoop-ec2/boot.sh; fi
  own_address=$(metadata local-ipv4)
  make_users
  if [[ -z ${MASTER_HOST:-} ]]; then make_cluster_key; fi
  start_status_page
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
