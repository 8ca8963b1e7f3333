
# `unit ROLE DESCRIPTION COMMAND...`: a daemon of a role of ours, restarted when it fails. Hadoop's launchers refuse where they cannot write a pid file,
# or where one of theirs is left: systemd gives each a directory, and takes it away.
unit() {
  local role=$1 description=$2
  shift 2
  if ! has_role "$role"; then return 0; fi
  write_file "/etc/systemd/system/hadoop-ec2-$role.service" 0644 <<END
[Unit]
Description=$description
Wants=network-online.target
After=network-online.target local-fs.target
StartLimitIntervalSec=300
StartLimitBurst=4

[Service]
User=$daemon_user
EnvironmentFile=$settings_dir/daemons.env
Environment=HADOOP_PID_DIR=/run/hadoop-ec2-$role
RuntimeDirectory=hadoop-ec2-$role
ExecStart=$*
SuccessExitStatus=143
Restart=on-failure
RestartSec=5
LimitNOFILE=65536
END
}

# `start ROLE...`: those that are ours, unless they run. Not enabled: the boot script starts them, once their disks are mounted.
start() {
  local role
  for role in "$@"; do
    if has_role "$role"; then systemctl start "hadoop-ec2-$role"; fi
  done
}

# `await ROLE PORT...`: not go on before it listens on all of them. Members wait for their hub, which may boot more slowly.
await() {
  local role=$1 port waited=0
  shift
  if ! has_role "$role"; then return 0; fi
  for port in "$@"; do
    until listens "$port"; do
      if systemctl is-failed -q "hadoop-ec2-$role"; then die "$role ended again and again: $(last_words "$role")"; fi
      if ((waited++ >= 600)); then die "$role does not listen on port $port: $(last_words "$role")"; fi
      sleep 1
    done
  done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || (exec 3<>"/dev/tcp/$own_address/$1") 2>/dev/null; }

# The last line of a daemon's log that says what is wrong, or the very last.
last_words() {
  local log
  log=$(journalctl --no-pager -o cat -n 100 -u "hadoop-ec2-$1" 2>/dev/null)
  { grep -E 'Exception|ERROR|Error' <<<"$log" || tail -n 1 <<<"$log"; } | tail -n 1 | cut -c 1-300
}

phase_daemons() {
  write_units
  systemctl daemon-reload
  if has_role nn; then format_name_node; fi
  start zk nn rm sm dn nm sw
  await zk 2181
  await nn 8020 9870
  if has_role nn; then lay_out_hdfs; fi
  # These write into HDFS.
  await_layout
  start snn jhs shs jupyter
  await snn 9868
  await rm 8032 8088
  await jhs 10020 19888
  await sm 7077 8080
  await shs 18080
  await dn 9864
  await nm 8042
  await sw 8081
  await jupyter 8888
}

write_units() {
  local spark_class=$spark_home/bin/spark-class deploy=org.apache.spark.deploy
  unit zk 'ZooKeeper' "$java_home/bin/java" -cp "$(zookeeper_classpath)" \
    org.apache.zookeeper.server.quorum.QuorumPeerMain "$conf_dir/zoo.cfg"
  unit nn 'HDFS name node' "$hadoop_home/bin/hdfs" namenode
  unit snn 'HDFS secondary name node' "$hadoop_home/bin/hdfs" secondarynamenode
  unit dn 'HDFS data node' "$hadoop_home/bin/hdfs" datanode
  unit rm 'YARN resource manager' "$hadoop_home/bin/yarn" resourcemanager
  unit nm 'YARN node manager' "$hadoop_home/bin/yarn" nodemanager
  unit jhs 'MapReduce job history server' "$hadoop_home/bin/mapred" historyserver
  unit sm 'Spark master' "$spark_class" "$deploy.master.Master" --host "${SM_HOST:-}" --port 7077 --webui-port 8080
  unit sw 'Spark worker' "$spark_class" "$deploy.worker.Worker" --host "$own_address" --webui-port 8081 "spark://${SM_HOST:-}:7077"
  unit shs 'Spark history server' "$spark_class" "$deploy.history.HistoryServer"
  if has_role jupyter; then jupyter_env_file=$settings_dir/jupyter.env write_jupyter_unit; fi
}

# Hadoop and Spark both bring ZooKeeper's server.
zookeeper_classpath() {
  if [[ -d $hadoop_home/share/hadoop/common/lib ]]; then
    echo "$hadoop_home/share/hadoop/common/lib/*"
  else
    echo "$spark_home/jars/*"
  fi
}

# Of what is no daemon, too, Hadoop's launchers want to write the process id; /tmp might hold one of some other process.
as_daemon() {
  runuser -u "$daemon_user" -- env "JAVA_HOME=$java_home" "HADOOP_CONF_DIR=$conf_dir" HADOOP_LOG_DIR=/var/log/hadoop-ec2 \
    HADOOP_PID_DIR=/var/log/hadoop-ec2 "$@"
}

# Only what holds no name space yet; -nonInteractive refuses the rest once more.
format_name_node() {
  local dir
  for dir in "${data_dirs[@]}"; do
    if [[ -n $(ls -A "$dir/name") ]]; then return; fi
  done
  as_daemon "$hadoop_home/bin/hdfs" namenode -format -nonInteractive
}

# A home for each user and a sticky /tmp; the root stays the daemons'.
lay_out_hdfs() {
  local users=("$login_user" ${OWNER:+"$OWNER"}) user
  as_daemon "$hadoop_home/bin/hdfs" dfsadmin -safemode wait
  # Not under one of the job history server's own, which would let nobody through to what jobs write there.
  in_hdfs -mkdir -p "${users[@]/#//user/}" /tmp /spark-events /mr-history-tmp
  in_hdfs -chmod 1777 /tmp /spark-events /mr-history-tmp
  for user in "${users[@]}"; do in_hdfs -chown "$user" "/user/$user"; done
}

# On another node than the name node's: what writes there waits for that.
await_layout() {
  local waited
  if has_role nn || [[ -z ${NN_HOST:-} ]] || ! has_any jhs shs; then return 0; fi
  for ((waited = 0; waited < 600; waited += 2)); do
    if curl -fs -m 5 -o /dev/null "http://$NN_HOST:9870/webhdfs/v1/mr-history-tmp?op=GETFILESTATUS"; then return 0; fi
    sleep 2
  done
  die "HDFS at $NN_HOST has no /mr-history-tmp yet"
}

in_hdfs() { as_daemon "$hadoop_home/bin/hdfs" dfs "$@"; }

# The page that the old clusters had on port 80: what runs here, and the cluster's public key.
start_index_page() {
  mkdir -p "$web_dir"
  {
    echo "<!doctype html><title>${CLUSTER:-cluster}</title><h1>${CLUSTER:-cluster}</h1><ul>"
    local page
    for page in nn:9870:HDFS rm:8088:YARN jhs:19888:'job history' sm:8080:Spark shs:18080:'Spark history'; do
      if has_role "${page%%:*}"; then
        local rest=${page#*:}
        echo "<li><a href=\"http://$own_address:${rest%%:*}/\">${rest#*:}</a>"
      fi
    done
    echo '</ul>'
  } | write_file "$web_dir/index.html" 0644
  serve index 80
}

# What the client asks through the master: this node's phase, also where it is stuck. The image may have no Python before phase java.
start_status_page() {
  if ! command -v python3 >/dev/null; then return 0; fi
  mkdir -p "$web_dir"
  ln -sfn "$status_file" "$web_dir/status"
  serve status 8099
}

# `serve NAME PORT`: our page, to whom the security groups let in, as nobody.
serve() {
  write_file "/etc/systemd/system/hadoop-ec2-$1.service" 0644 <<END
[Unit]
Description=$1 page of the cluster
After=network-online.target

[Service]
User=nobody
AmbientCapabilities=CAP_NET_BIND_SERVICE
ExecStart=$(command -v python3) -m http.server $2 --bind $own_address --directory $web_dir
Restart=on-failure

[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  systemctl enable --now "hadoop-ec2-$1"
}
