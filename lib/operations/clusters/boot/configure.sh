
# Megabytes by what the machine has, never by what its type is called.
memory_mb() { awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo; }

# `at_least LEAST MOST VALUE`
bounded() { echo $(($3 < $1 ? $1 : $3 > $2 ? $2 : $3)); }

xml_escape() {
  local text=${1//&/&amp;}
  text=${text//</&lt;}
  printf '%s' "${text//>/&gt;}"
}

# A site file of Hadoop's from pairs NAME VALUE; pairs with an empty value are left out.
site_xml() {
  echo '<?xml version="1.0"?>'
  echo '<configuration>'
  while (($# > 1)); do
    if [[ -n $2 ]]; then
      printf '  <property><name>%s</name><value>%s</value></property>\n' "$1" "$(xml_escape "$2")"
    fi
    shift 2
  done
  echo '</configuration>'
}

# `under_data_dirs SUFFIX PREFIX`: the data directories as one list.
under_data_dirs() {
  local suffix=$1 prefix=${2-} dir list=
  for dir in "${data_dirs[@]}"; do list+=,$prefix$dir/$suffix; done
  echo "${list#,}"
}

phase_disks() {
  mount_storage
  mount_blank_disks
  if ((${#data_dirs[@]} == 0)); then data_dirs=(/var/lib/hadoop); fi
  local dir
  for dir in "${data_dirs[@]}"; do
    install -d -m 0755 -o "$daemon_user" -g "$daemon_user" "$dir" "$dir"/{name,checkpoint,data,local,spark,zk}
    chmod 0711 "$dir/local"
    # Whoever submits a job has its driver write there, too.
    chmod 1777 "$dir/spark"
  done
  install -d -m 0755 -o "$daemon_user" -g "$daemon_user" /var/log/hadoop-ec2
  install -d -m 1777 -o "$daemon_user" -g "$daemon_user" /var/log/spark-events
  printf '%s\n' "${data_dirs[@]}" | write_file "$state_dir/data_dirs" 0644
  write_settings
}

# For a node that runs: told of hubs that came after it, its commands find them.
rewrite_settings() {
  own_address=$(metadata local-ipv4)
  find_java
  mapfile -t data_dirs <"$state_dir/data_dirs"
  find_hubs
  write_settings
}

# What --pip names is on every node: executors import it, too.
phase_python() {
  local wanted=()
  if [[ -n ${PIP_REQUIREMENTS:-} ]]; then mapfile -t wanted <<<"$PIP_REQUIREMENTS"; fi
  if has_role jupyter; then wanted+=('jupyterlab>=4,<5' 'ipykernel>=6'); fi
  if ((${#wanted[@]} > 0)); then install_python "${wanted[@]}"; fi
}

phase_config() {
  find_hubs
  install_lease_timer
  install_node_command
  install_commands
}

# The hubs that others run were told to us; our own are here.
find_hubs() {
  if has_role zk; then ZK_HOST=$own_address; fi
  if has_role nn; then NN_HOST=$own_address; fi
  if has_role rm; then RM_HOST=$own_address; fi
  if has_role jhs; then JHS_HOST=$own_address; fi
  if has_role sm; then SM_HOST=$own_address; fi
}

# What depends on the disks is written once they are mounted.
write_settings() {
  local memory cores rest daemon_mb worker_mb=0 daemons=0 shares=0 role
  # YARN's web pages are made by a library that reaches into java.lang, which Java 17 forbids unless told; Java 8 skips the option.
  local java_options='-Djava.net.preferIPv4Stack=true -XX:+IgnoreUnrecognizedVMOptions --add-opens=java.base/java.lang=ALL-UNNAMED'
  memory=$(memory_mb)
  cores=$(nproc)
  # As lib/decisions/clusters/fit.ts counts: what is offered to jobs is what the rest leaves, and not more.
  for role in zk nn snn rm jhs sm shs dn nm sw; do if has_role "$role"; then daemons=$((daemons + 1)); fi; done
  for role in nm sw; do if has_role "$role"; then shares=$((shares + 1)); fi; done
  rest=$((memory - 384 - daemons * 128))
  if has_role jupyter; then rest=$((rest - 512)); fi
  daemon_mb=$(((rest - shares * 1024) / (daemons ? daemons : 1)))
  daemon_mb=$(bounded 256 4096 $((daemon_mb < memory / 8 ? daemon_mb : memory / 8)))
  if ((shares > 0)); then
    worker_mb=$(((rest - daemons * daemon_mb) / shares))
    if ((worker_mb < 128)); then die "this machine has $memory MB: too few for the roles $roles"; fi
  fi

  write_file "$settings_dir/daemons.env" 0644 <<END
JAVA_HOME=$java_home
HADOOP_HOME=$hadoop_home
HADOOP_COMMON_HOME=$hadoop_home
HADOOP_HDFS_HOME=$hadoop_home
HADOOP_YARN_HOME=$hadoop_home
HADOOP_MAPRED_HOME=$hadoop_home
HADOOP_CONF_DIR=$conf_dir
HADOOP_LOG_DIR=/var/log/hadoop-ec2
HADOOP_OPTS="$java_options"
HADOOP_HEAPSIZE_MAX=${daemon_mb}m
YARN_CONF_DIR=$conf_dir
SPARK_HOME=$spark_home
SPARK_CONF_DIR=$conf_dir
SPARK_LOG_DIR=/var/log/hadoop-ec2
SPARK_DAEMON_MEMORY=${daemon_mb}m
SPARK_WORKER_CORES=$cores
SPARK_WORKER_MEMORY=${worker_mb}m
SPARK_WORKER_DIR=${data_dirs[0]}/spark
SPARK_LOCAL_DIRS=$(under_data_dirs spark)
END

  local file_system='' spark_master='local[*]' event_log=file:///var/log/spark-events
  if [[ -n ${NN_HOST:-} ]]; then
    file_system=hdfs://$NN_HOST:8020
    event_log=hdfs://$NN_HOST:8020/spark-events
  fi
  if [[ -n ${RM_HOST:-} ]]; then spark_master=yarn; fi
  if [[ -n ${SM_HOST:-} ]]; then spark_master=spark://$SM_HOST:7077; fi
  # S3 with the role of the instance, so that no key is ever on a node.
  site_xml fs.defaultFS "$file_system" \
    hadoop.tmp.dir "${data_dirs[0]}/local" \
    fs.s3a.aws.credentials.provider org.apache.hadoop.fs.s3a.auth.IAMInstanceCredentialsProvider \
    fs.s3a.endpoint.region "${AWS_REGION:-}" \
    ha.zookeeper.quorum "${ZK_HOST:+$ZK_HOST:2181}" |
    write_file "$conf_dir/core-site.xml" 0644
  site_xml dfs.replication "${REPLICATION:-3}" \
    dfs.namenode.name.dir "$(under_data_dirs name file://)" \
    dfs.namenode.checkpoint.dir "$(under_data_dirs checkpoint file://)" \
    dfs.datanode.data.dir "$(under_data_dirs data file://)" \
    dfs.namenode.http-address "${NN_HOST:+$NN_HOST:9870}" \
    dfs.namenode.http-bind-host 0.0.0.0 \
    dfs.namenode.rpc-bind-host 0.0.0.0 \
    dfs.namenode.secondary.http-address 0.0.0.0:9868 \
    dfs.namenode.datanode.registration.ip-hostname-check false \
    dfs.hosts.exclude "$conf_dir/exclude" \
    dfs.namenode.decommission.interval 5 \
    dfs.permissions.superusergroup "$daemon_user" |
    write_file "$conf_dir/hdfs-site.xml" 0644
  site_xml yarn.resourcemanager.hostname "${RM_HOST:-}" \
    yarn.resourcemanager.bind-host 0.0.0.0 \
    yarn.nodemanager.bind-host 0.0.0.0 \
    yarn.nodemanager.resource.memory-mb "${worker_mb#0}" \
    yarn.nodemanager.resource.cpu-vcores "$cores" \
    yarn.nodemanager.local-dirs "$(under_data_dirs local)" \
    yarn.nodemanager.vmem-check-enabled false \
    yarn.nodemanager.aux-services mapreduce_shuffle \
    yarn.scheduler.minimum-allocation-mb 256 \
    yarn.scheduler.maximum-allocation-mb "${worker_mb#0}" \
    yarn.resourcemanager.nodes.exclude-path "$conf_dir/exclude" \
    yarn.log-aggregation-enable "${NN_HOST:+true}" |
    write_file "$conf_dir/yarn-site.xml" 0644
  # The resource manager has no queue of its own accord.
  site_xml yarn.scheduler.capacity.root.queues default \
    yarn.scheduler.capacity.root.default.capacity 100 \
    yarn.scheduler.capacity.maximum-am-resource-percent 0.5 |
    write_file "$conf_dir/capacity-scheduler.xml" 0644
  site_xml mapreduce.framework.name yarn \
    mapreduce.jobhistory.address "${JHS_HOST:+$JHS_HOST:10020}" \
    mapreduce.jobhistory.webapp.address "${JHS_HOST:+$JHS_HOST:19888}" \
    mapreduce.jobhistory.intermediate-done-dir /mr-history-tmp \
    mapreduce.jobhistory.done-dir /mr-history-done \
    yarn.app.mapreduce.am.env "HADOOP_MAPRED_HOME=$hadoop_home" \
    mapreduce.map.env "HADOOP_MAPRED_HOME=$hadoop_home" \
    mapreduce.reduce.env "HADOOP_MAPRED_HOME=$hadoop_home" \
    yarn.app.mapreduce.am.resource.mb 512 \
    mapreduce.map.memory.mb 512 \
    mapreduce.reduce.memory.mb 512 \
    yarn.app.mapreduce.am.staging-dir /user |
    write_file "$conf_dir/mapred-site.xml" 0644
  write_file "$conf_dir/spark-defaults.conf" 0644 <<END
spark.master $spark_master
spark.driver.host $own_address
spark.driver.bindAddress 0.0.0.0
spark.eventLog.enabled true
spark.eventLog.dir $event_log
spark.history.fs.logDirectory $event_log
${PIP_REQUIREMENTS:+spark.pyspark.python $python_home/bin/python3}
END
  # A notebook's kernel finds Spark as its commands do.
  write_file "$settings_dir/jupyter.env" 0644 <<END
JAVA_HOME=$java_home
HADOOP_CONF_DIR=$conf_dir
YARN_CONF_DIR=$conf_dir
SPARK_HOME=$spark_home
SPARK_CONF_DIR=$conf_dir
PYTHONPATH=$spark_home/python:$(printf '%s' "$spark_home"/python/lib/py4j-*.zip)
${PIP_REQUIREMENTS:+PYSPARK_PYTHON=$python_home/bin/python3}
END
  if [[ -f $hadoop_home/etc/hadoop/log4j.properties && ! -e $conf_dir/log4j.properties ]]; then
    cp "$hadoop_home/etc/hadoop/log4j.properties" "$conf_dir/"
  fi
  touch "$conf_dir/exclude" "$conf_dir/workers"
  write_file "$conf_dir/zoo.cfg" 0644 <<END
tickTime=2000
dataDir=${data_dirs[0]}/zk
clientPort=2181
admin.enableServer=false
END
}

# Commands for people and for `hadoop_ec2 exec`, which gets no login shell and so no profile.
install_commands() {
  local name home
  for name in hadoop hdfs yarn mapred spark-submit spark-shell spark-sql pyspark; do
    home=$hadoop_home
    if [[ $name == *spark* ]]; then home=$spark_home; fi
    if [[ ! -x $home/bin/$name ]]; then continue; fi
    write_file "/usr/local/bin/$name" 0755 <<END
#!/bin/sh
set -a
. $settings_dir/daemons.env
unset HADOOP_LOG_DIR SPARK_LOG_DIR
exec $home/bin/$name "\$@"
END
  done
}

# The master has a key of the cluster's own, for scripts that go round the nodes; the student's never leaves the login host.
make_cluster_key() {
  local home
  home=$(getent passwd "$login_user" | cut -d: -f6)
  if [[ ! -e $home/.ssh/id_ed25519 ]]; then
    ssh-keygen -q -t ed25519 -N '' -C "cluster ${CLUSTER:-}" -f "$home/.ssh/id_ed25519"
    chown "$login_user:$login_user" "$home/.ssh/id_ed25519" "$home/.ssh/id_ed25519.pub"
  fi
  mkdir -p "$web_dir"
  write_file "$web_dir/cluster_key.pub" 0644 <"$home/.ssh/id_ed25519.pub"
}

# Workers take that key from the master's page, for use from the master's address only.
trust_master() {
  local home key
  home=$(getent passwd "$login_user" | cut -d: -f6)
  key=$(curl -fsS -m 5 --retry 60 --retry-delay 2 --retry-all-errors --retry-max-time 120 \
    "http://$MASTER_HOST:8099/cluster_key.pub") || {
    say "the master has no key for us; only the master's scripts need it"
    return 0
  }
  if [[ $key != "ssh-ed25519 "* || $key == *$'\n'* ]]; then die "the master's key is none"; fi
  add_authorized_key "$home/.ssh/authorized_keys" "from=\"$MASTER_HOST\" $key"
}
