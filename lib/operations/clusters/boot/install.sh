
# The users come before all else: whatever fails later can then be looked at through ssh.
make_users() {
  if ! id "$daemon_user" >/dev/null 2>&1; then
    useradd --system --user-group --home-dir /var/lib/hadoop --shell /usr/sbin/nologin "$daemon_user"
  fi
  if ! id "$login_user" >/dev/null 2>&1; then
    useradd --create-home --user-group --shell /bin/bash "$login_user"
    # No password, but no locked account either, which some sshd let nobody into.
    usermod --password '*' "$login_user"
  fi
  local home
  home=$(getent passwd "$login_user" | cut -d: -f6)
  install -d -m 0700 -o "$login_user" -g "$login_user" "$home/.ssh"
  touch "$home/.ssh/authorized_keys"
  add_authorized_key "$home/.ssh/authorized_keys" "$(metadata public-keys/0/openssh-key)"
  chown "$login_user:$login_user" "$home/.ssh/authorized_keys"
  chmod 0600 "$home/.ssh/authorized_keys"
  if [[ -d /etc/sudoers.d ]]; then
    echo "$login_user ALL=(ALL) NOPASSWD: ALL" | write_file /etc/sudoers.d/90-hadoop-ec2 0440
  fi
}

add_authorized_key() {
  local file=$1 line=$2
  if ! grep -qxF -- "$line" "$file"; then printf '%s\n' "$line" >>"$file"; fi
}

phase_java() {
  local packages=()
  command -v java >/dev/null ||
    if command -v apt-get >/dev/null; then
      packages+=(openjdk-17-jre-headless)
    else
      packages+=(java-17-amazon-corretto-headless)
    fi
  command -v tar >/dev/null || packages+=(tar)
  command -v python3 >/dev/null || packages+=(python3)
  local wanted=()
  # Once: a start that comes later needs no mirror.
  if [[ $(cat "$state_dir/packages" 2>/dev/null) != "${USER_PACKAGES:-}" ]]; then read -ra wanted <<<"$USER_PACKAGES"; fi
  packages+=("${wanted[@]}")
  install_packages "${packages[@]}"
  printf '%s\n' "${USER_PACKAGES:-}" >"$state_dir/packages"
  find_java
  start_status_page
}

find_java() { java_home=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")"); }

phase_hadoop() {
  if ! has_any nn snn dn rm jhs nm zk; then return; fi
  local version=${HADOOP_VERSION:-3.4.2}
  install_release "$hadoop_home" hadoop "hadoop/common/hadoop-$version/hadoop-$version.tar.gz" "${HADOOP_SHA512:-}"
}

phase_spark() {
  if ! has_any sm sw shs jupyter; then return; fi
  local version=${SPARK_VERSION:-3.5.8}
  install_release "$spark_home" spark "spark/spark-$version/spark-$version-bin-hadoop3.tgz" "${SPARK_SHA512:-}"
}

# Unpacks a release unless the image has it. The mirrors are anybody's, so what they send must have the right SHA-512: ours
# if we were given one, else the one that Apache itself publishes.
install_release() {
  local home=$1 name=$2 path=$3 sha512=$4
  if [[ -x $home/bin/$name || -x $home/bin/$name-submit ]]; then return; fi
  local work mirror
  work=$(mktemp -d /opt/.download-XXXXXX)
  if [[ -z $sha512 ]]; then sha512=$(published_sha512 "$path"); fi
  for mirror in ${MIRRORS:-https://dlcdn.apache.org https://archive.apache.org/dist}; do
    say "fetching $mirror/$path"
    if ! curl -fsSL --connect-timeout 10 --retry 2 -o "$work/release" "$mirror/$path"; then continue; fi
    if echo "${sha512,,}  $work/release" | sha512sum --check --status; then
      mkdir "$work/unpacked"
      tar -xzf "$work/release" -C "$work/unpacked" --strip-components=1 --no-same-owner
      rm -rf "$home"
      mv "$work/unpacked" "$home"
      rm -rf "$work"
      return
    fi
    say "$mirror/$path has another SHA-512 than ${sha512:0:16}..."
  done
  rm -rf "$work"
  die "no mirror has $path with the right SHA-512"
}

# Apache has it as "HEX  FILE", as "SHA512 (FILE) = HEX" and, of old, in gpg's groups over several lines.
published_sha512() {
  local path=$1 origin text
  for origin in ${CHECKSUM_ORIGINS:-https://downloads.apache.org https://archive.apache.org/dist}; do
    if text=$(curl -fsSL --connect-timeout 10 --retry 2 "$origin/$path.sha512"); then
      text=${text//"${path##*/}"/ = }
      if text=$(tr -d ' \n\r\t' <<<"${text,,}" | grep -oE '[0-9a-f]{128}' | head -n 1); then
        echo "$text"
        return
      fi
    fi
  done
  die "no SHA-512 of $path is published"
}
