
# What the client asks of a node through ssh, so that it need not know where things are.
install_node_command() {
  write_file /usr/local/bin/hadoop-ec2-node 0755 <<'END'
#!/bin/bash
# hadoop-ec2-node workers|decommission|recommission < ADDRESSES, hubs < NAME=ADDRESS..., format DEVICE VOLUME, logs [LINES]
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

runs() { systemctl is-active -q "hadoop-ec2-$1"; }
hdfs() { runuser -u hdfs -- "$HADOOP_HOME/bin/hdfs" "$@"; }

refresh() {
  if runs nn; then hdfs dfsadmin -refreshNodes; fi
  if runs rm; then runuser -u hdfs -- "$HADOOP_HOME/bin/yarn" rmadmin -refreshNodes; fi
}

# How many data nodes are left without the excluded ones and these.
left_without() {
  hdfs dfsadmin -report -live | sed -n 's/^Name: \([0-9.]*\):.*/\1/p' | grep -vxFf "$conf/exclude" | grep -vcxF "$1" || true
}

# A file that wants more copies than there will be data nodes would keep its blocks from ever being safe elsewhere.
want_fewer_copies() {
  if (($(hdfs getconf -confKey dfs.replication) <= $1)); then return; fi
  hdfs dfs -ls -R / | awk -v most="$1" '/^-/ && $2 > most' | sed -E 's/^([^ ]+ +){7}//' |
    xargs -r -d '\n' runuser -u hdfs -- "$HADOOP_HOME/bin/hdfs" dfs -setrep "$1"
}

decommissioning() {
  curl -fsS -m 5 "http://127.0.0.1:9870/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState" |
    sed -n 's/.*"NumDecommissioningDataNodes" : \([0-9]*\).*/\1/p'
}

case ${1-} in
workers)
  replace "$conf/workers"
  ;;
hubs)
  grep -xE '[A-Z]+_HOST=[0-9.]+' | replace /etc/hadoop-ec2/hubs.env
  # shellcheck source=/dev/null
  . /opt/hadoop-ec2/boot.sh
  rewrite_settings
  ;;
decommission)
  leaving=$(sort -u)
  if runs nn; then
    left=$(left_without "$leaving")
    if ((left == 0)); then
      echo "no data node would be left to hold what these hold (--skip-decommission gives it up)" >&2
      exit 1
    fi
    want_fewer_copies "$left"
  fi
  sort -u - "$conf/exclude" <<<"$leaving" | replace "$conf/exclude"
  refresh
  if runs nn; then
    # Their blocks are copied elsewhere.
    for ((waited = 0; waited < 600; waited += 2)); do
      if [[ $(decommissioning) == 0 ]]; then exit 0; fi
      sleep 2
    done
    echo "after 10 minutes data nodes still hold blocks that are not copied: repeat it, or --skip-decommission gives them up" >&2
    exit 1
  fi
  ;;
recommission)
  # They stay excluded until a new node has the address: a daemon that is gone must not be written to.
  coming=$(cat)
  if grep -qxF "$coming" "$conf/exclude"; then
    { grep -vxF "$coming" "$conf/exclude" || (($? == 1)); } | replace "$conf/exclude"
    refresh
  fi
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
  echo "usage: hadoop-ec2-node workers|decommission|recommission|hubs|format|logs" >&2
  exit 2
  ;;
esac
END
}
