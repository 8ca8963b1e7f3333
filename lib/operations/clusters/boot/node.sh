
# What the client asks of a node through ssh, so that it need not know where things are.
install_node_command() {
  write_file /usr/local/bin/hadoop-ec2-node 0755 <<'END'
#!/bin/bash
# hadoop-ec2-node workers < ADDRESSES | decommission < ADDRESSES | recommission < ADDRESSES | format DEVICE VOLUME | logs [LINES]
set -euo pipefail
conf=/etc/hadoop-ec2/conf
set -a
# shellcheck source=/dev/null
. /etc/hadoop-ec2/daemons.env
set +a
if ((EUID != 0)); then exec sudo -n "$0" "$@"; fi

replace() {
  cat >"$1.new"
  chmod 0644 "$1.new"
  mv -f "$1.new" "$1"
}

refresh() {
  if systemctl is-active -q hadoop-ec2-nn; then runuser -u hdfs -- "$HADOOP_HOME/bin/hdfs" dfsadmin -refreshNodes; fi
  if systemctl is-active -q hadoop-ec2-rm; then runuser -u hdfs -- "$HADOOP_HOME/bin/yarn" rmadmin -refreshNodes; fi
}

case ${1-} in
workers)
  replace "$conf/workers"
  ;;
decommission)
  sort -u - "$conf/exclude" | replace "$conf/exclude"
  refresh
  if systemctl is-active -q hadoop-ec2-nn; then
    # Their blocks are copied elsewhere; a cluster too small for that would wait for ever.
    for ((waited = 0; waited < 600; waited += 5)); do
      if ! runuser -u hdfs -- "$HADOOP_HOME/bin/hdfs" dfsadmin -report -decommissioning | grep -q '^Name:'; then exit 0; fi
      sleep 5
    done
    echo "data nodes still hold blocks that are nowhere else" >&2
    exit 1
  fi
  ;;
recommission)
  grep -vxFf /dev/stdin "$conf/exclude" | replace "$conf/exclude" || replace "$conf/exclude" </dev/null
  refresh
  ;;
format)
  # shellcheck source=/dev/null
  . /opt/hadoop-ec2/boot.sh
  device=$(wait_for_device "$2" "$3")
  is_blank "$device" || die "$device is not blank"
  mkfs -t ext4 -q -m 1 "$device"
  sync
  ;;
logs)
  journalctl --no-pager -n "${2:-200}" -u 'hadoop-ec2-*'
  ;;
*)
  echo "usage: hadoop-ec2-node workers|decommission|recommission|format|logs" >&2
  exit 2
  ;;
esac
END
}
