#!/usr/bin/env bash
# `npm run test:ui`: the real pages of Spark and Hadoop, through the compiled microproxy, in headless Chromium. Installs into .cache/ui
# what is missing: Spark from PyPI (300 MB), Hadoop's NameNode from Maven Central, Chromium from Debian where we are root.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/node_modules/.bin:$PATH"
folder=$PWD/.cache/ui
spark=3.5.3 hadoop=3.3.4
mkdir -p "$folder"

skip() {
  echo "SKIPPED: the pages in a browser: $*" >&2
  [ -z "${TEST_SKIPS-}" ] || echo "the pages of Spark and Hadoop in a browser: $*" >>"$TEST_SKIPS"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

command -v java >/dev/null || skip "no Java (Debian: apt install default-jre-headless)"
if ! command -v chromium >/dev/null; then
  [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null ||
    skip "no chromium (Debian: apt install chromium)"
fi
if [ ! -d "$folder/pyspark-$spark/deps/jars" ]; then
  python3 -m pip download --quiet --no-deps --no-binary :all: -d "$folder" "pyspark==$spark" || skip "PyPI's pyspark cannot be had"
  tar -xzf "$folder/pyspark-$spark.tar.gz" -C "$folder"
  rm "$folder/pyspark-$spark.tar.gz"
fi
jar=hadoop-client-minicluster-$hadoop.jar
if [ ! -s "$folder/$jar" ]; then
  if command -v mvn >/dev/null; then
    mvn -q -B dependency:copy "-Dartifact=org.apache.hadoop:hadoop-client-minicluster:$hadoop" "-DoutputDirectory=$folder" ||
      skip "Maven Central's $jar cannot be had"
  else
    curl -fsS -o "$folder/$jar" "https://repo.maven.apache.org/maven2/org/apache/hadoop/hadoop-client-minicluster/$hadoop/$jar" ||
      skip "Maven Central's $jar cannot be had"
  fi
fi
UI_JARS="$folder/pyspark-$spark/deps/jars" UI_HADOOP="$folder/$jar" bun test --timeout 240000 ./tests/ui/cluster_pages.ts
