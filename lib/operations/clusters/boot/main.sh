
phase_ready() { if [[ -n ${MASTER_HOST:-} ]]; then trust_master; else start_index_page; fi; }

# cloud-init runs this script at a machine's first start only; what mounts disks and starts daemons has to run at each.
boot_at_each_start() {
  write_file /etc/systemd/system/hadoop-ec2-boot.service 0644 <<END
[Unit]
Description=boot script of the cluster
Wants=network-online.target
After=network-online.target local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/opt/hadoop-ec2/boot.sh
StandardOutput=append:/var/log/cloud-init-output.log
StandardError=append:/var/log/cloud-init-output.log

[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  systemctl enable hadoop-ec2-boot
}

main() {
  trap 'failed_line=$LINENO failed_command=$BASH_COMMAND' ERR
  trap on_exit EXIT
  mkdir -p "$run_dir" "$state_dir" "$settings_dir" "$conf_dir"
  : >"$status_file"
  ln -sfn "$status_file" "$state_dir/status"
  rm -f "$state_dir/failure"
  if [[ $0 != /opt/hadoop-ec2/boot.sh ]]; then install -D -m 0755 "$0" /opt/hadoop-ec2/boot.sh; fi
  boot_at_each_start
  own_address=$(metadata local-ipv4)
  make_users
  if [[ -z ${MASTER_HOST:-} ]]; then make_cluster_key; fi
  start_status_page
  run_phase java
  run_phase hadoop
  run_phase spark
  run_phase python
  run_phase config
  run_phase disks
  run_phase daemons
  run_phase ready
}

# Sourced, as tests do, it only defines its functions.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
