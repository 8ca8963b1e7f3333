
# The account runs the tools and owns the data. Where the package makes it, sysusers.d has it; an account that is there already may be
# somebody else's: a configuration or data of its own says that it is the course's.
make_account() {
  if id -u "$account" >/dev/null 2>&1; then
    [ $package = no ] || [ -e "$config" ] || owns_data || is_made_by_package || stop "account $account: is there already and may be somebody else's; if it is the course's, say so: mkdir -p $(dirname "$config") && $0 --print-config >$config; then configure the package again"
    return
  fi
  if [ $package = yes ] && command -v systemd-sysusers >/dev/null; then
    act systemd-sysusers "/usr/lib/sysusers.d/$name.conf"
  elif command -v useradd >/dev/null; then
    act useradd --system --user-group --no-create-home --home-dir "$data_dir" --shell /usr/sbin/nologin --comment "$account_comment" "$account"
  else
    stop "account $account: does not exist, and there is no useradd to make it"
  fi
}

account_comment='ec2-wrappers course account'

owns_data() { [ -d "$data_dir" ] && [ "$(stat -c %U "$data_dir")" = "$account" ]; }

is_made_by_package() {
  getent passwd "$account" | awk -F: -v comment="$account_comment" -v home="$data_dir" '$5 == comment && $6 == home { found = 1 } END { exit !found }'
}

check_account() {
  if [ "$dry_run" = yes ] && ! id -u "$account" >/dev/null 2>&1; then
    group=$account
    return
  fi
  [ "$(id -u "$account")" != 0 ] || stop "account $account: is root, wanted an account without privileges"
  group=$(id -gn "$account" 2>/dev/null) || stop "account $account: its group has no name, wanted one of its own"
  [ "$(id -g "$account")" != 0 ] || stop "account $account: its group is root's, wanted one of its own"
  case $account in
    -* | *[!A-Za-z0-9_+=.@-]*) stop "account $account: has characters that the wrappers do not accept" ;;
  esac
}

# What the config names, since the wrappers and tools will look there; else the default.
configured_data_dir() {
  named=
  [ ! -r "$config" ] || named=$(awk -F'"' '/^[[:space:]]*data_dir[[:space:]]*=/ { print $2; exit }' "$config")
  named=${named:-/var/lib/ec2-wrappers}
  case $named in
    /*) printf '%s\n' "$named" ;;
    *) stop "$config: data_dir is \"$named\", wanted an absolute path" ;;
  esac
}

# The wrappers refuse to start what somebody else could have put in place of the tools.
check_place() {
  above=$1
  while [ "$above" != / ]; do
    if [ -e "$above" ]; then
      [ ! -L "$above" ] || [ "$2" != programs ] || stop "$above: is a link, wanted a plain directory above the programs"
      found=$(stat -L -c '%u %A' "$above")
      case $found in
        "0 d"????-??-[!t]) ;;
        "0 d"????????t) ;;
        "$(id -u "$account") d"????-??-?) ;;
        *) stop "$above: is \"$found\", wanted root's, not writable by group or others ($2)" ;;
      esac
    fi
    above=$(dirname "$above")
  done
}

# Whether only root can change what lies directly in a directory, and which directory it is.
only_root_changes() {
  above=$1
  while :; do
    [ ! -L "$above" ] || return 1
    if [ -e "$above" ]; then
      case $(stat -c '%u %A' "$above") in
        "0 d"????-??-?) ;;
        *) return 1 ;;
      esac
    fi
    [ "$above" != / ] || return 0
    above=$(dirname "$above")
  done
}

# The fields of /proc/self/mountinfo for a path: options, type.
mount_of() {
  path=$1
  while [ ! -e "$path" ]; do path=$(dirname "$path"); done
  path=$(cd "$path" && pwd -P)
  awk -v path="$path" '
    {
      point = $5; type = ""
      gsub(/\\040/, " ", point)
      for (i = 7; i < NF; i++) if ($i == "-") { type = $(i + 1); super = $(i + 3); break }
      if (point == "/" || path == point || index(path, point "/") == 1)
        if (length(point) >= length(best)) { best = point; found = $6 "," super " " type " " point }
    }
    END { print found }' /proc/self/mountinfo
}

check_not_nosuid() {
  # shellcheck disable=SC2046 # three words
  set -- "$1" $(mount_of "$1")
  case ,${2-}, in
    *,nosuid,*) stop "$1: lies on ${4-/}, which is mounted nosuid: the setuid bits would do nothing; choose another --prefix when building, or remount it" ;;
    *,noexec,*) stop "$1: lies on ${4-/}, which is mounted noexec" ;;
  esac
}

check_local() {
  # shellcheck disable=SC2046
  set -- "$1" $(mount_of "$1")
  case ${3-} in
    nfs* | cifs | smb* | afs | 9p | ceph | glusterfs | lustre | gpfs | fuse.sshfs)
      stop "$1: lies on a network file system (${3-}), which cannot hold the databases; set data_dir in $config" ;;
  esac
}

check_complete() {
  for tool in $tools postgres.node; do [ -f "$from/libexec/$tool" ] || stop "$from/libexec/$tool: is missing, build everything first"; done
  for command in $setuid_commands $plain_commands; do
    [ -f "$from/bin/$command" ] || stop "$from/bin/$command: is missing, build everything first"
  done
}
