
# For all boot scripts: a cluster's, and an instance's with Jupyter alone. They set state_dir.
say() { printf 'hadoop-ec2: %s\n' "$*" >&2; }

# Its reason goes through a file: what is asked in $(...) is another process.
die() {
  say "$*"
  { echo "$*" >"$state_dir/failure"; } 2>/dev/null || true
  exit 1
}

# Replaces a file whole, so that nobody reads half of one.
write_file() {
  local path=$1 mode=$2
  mkdir -p "$(dirname "$path")"
  cat >"$path.new"
  chmod "$mode" "$path.new"
  mv -f "$path.new" "$path"
}

install_packages() {
  if (($# == 0)); then return; fi
  if command -v apt-get >/dev/null; then
    apt-get -o DPkg::Lock::Timeout=300 update -q
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "$@"
  elif command -v dnf >/dev/null; then
    dnf install -q -y "$@"
  else
    yum install -q -y "$@"
  fi
}
