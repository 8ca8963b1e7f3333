
# `unit ROLE DESCRIPTION COMMAND...`: a daemon, restarted when it fails.
unit() {
  local role=$1 description=$2
  shift 2
  write_file "/etc/systemd/system/hadoop-ec2-$role.service" 0644 <<END
[Unit]
Description=$description
Wants=network-online.target
After=network-online.target local-fs.target

[Service]
User=$daemon_user
EnvironmentFile=$settings_dir/daemons.env
ExecStart=$*
SuccessExitStatus=143
Restart=on-failure
RestartSec=5
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
END
}

# `start ROLE PORT`: unless it runs, and not go on before it listens.
start() {
  local role=$1 port=$2 waited
  systemctl enable --now "hadoop-ec2-$role"
  for ((waited = 0; waited < 180; waited++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    if (exec 3<>"/dev/tcp/$own_address/$port") 2>/dev/null; then return; fi
    sleep 1
  done
  die "$role does not listen on port $port (journalctl -u hadoop-ec2-$role)"
}

phase_daemons() {
  systemctl daemon-reload
  if has_role zk; then
    unit zk 'ZooKeeper' "$java_home/bin/java" -cp "$(zookeeper_classpath)" \
      org.apache.zookeeper.server.quorum.QuorumPeerMain "$conf_dir/zoo.cfg"
    start zk 2181
  fi
  if has_role nn; then
    format_name_node
    unit nn 'HDFS name node' "$hadoop_home/bin/hdfs" namenode
    start nn 9870
    lay_out_hdfs
  fi
  if has_role snn; then
    unit snn 'HDFS secondary name node' "$hadoop_home/bin/hdfs" secondarynamenode
    start snn 9868
  fi
  if has_role rm; then
    unit rm 'YARN resource manager' "$hadoop_home/bin/yarn" resourcemanager
    start rm 8088
  fi
  if has_role jhs; then
    unit jhs 'MapReduce job history server' "$hadoop_home/bin/mapred" historyserver
    start jhs 19888
  fi
  if has_role sm; then
    unit sm 'Spark master' "$spark_home/bin/spark-class" org.apache.spark.deploy.master.Master \
      --host "$SM_HOST" --port 7077 --webui-port 8080
    start sm 8080
  fi
  if has_role shs; then
    unit shs 'Spark history server' "$spark_home/bin/spark-class" org.apache.spark.deploy.history.HistoryServer
    start shs 18080
  fi
  if has_role dn; then
    unit dn 'HDFS data node' "$hadoop_home/bin/hdfs" datanode
    start dn 9864
  fi
  if has_role nm; then
    unit nm 'YARN node manager' "$hadoop_home/bin/yarn" nodemanager
    start nm 8042
  fi
  if has_role sw; then
    unit sw 'Spark worker' "$spark_home/bin/spark-class" org.apache.spark.deploy.worker.Worker \
      --host "$own_address" --webui-port 8081 "spark://${SM_HOST:?}:7077"
    start sw 8081
  fi
}

# Hadoop and Spark both bring ZooKeeper's server.
zookeeper_classpath() {
  if [[ -d $hadoop_home/share/hadoop/common/lib ]]; then
    echo "$hadoop_home/share/hadoop/common/lib/*"
  else
    echo "$spark_home/jars/*"
  fi
}

as_daemon() { runuser -u "$daemon_user" -- env "JAVA_HOME=$java_home" "HADOOP_CONF_DIR=$conf_dir" HADOOP_LOG_DIR=/var/log/hadoop-ec2 "$@"; }

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
  local hdfs=("$hadoop_home/bin/hdfs" dfs) user
  as_daemon "$hadoop_home/bin/hdfs" dfsadmin -safemode wait
  as_daemon "${hdfs[@]}" -mkdir -p /tmp /user /spark-events
  as_daemon "${hdfs[@]}" -chmod 1777 /tmp /spark-events
  for user in "$login_user" ${OWNER:+"$OWNER"}; do
    as_daemon "${hdfs[@]}" -mkdir -p "/user/$user"
    as_daemon "${hdfs[@]}" -chown "$user" "/user/$user"
  done
}

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
  unit index 'index page' "$(command -v python3)" -m http.server 80 --bind "$own_address" --directory "$web_dir"
  sed -i 's/^User=.*/User=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE/' /etc/systemd/system/hadoop-ec2-index.service
  start index 80
}
