#!/bin/sh
# Installs ec2-wrappers on a login host from the directory that this file is in. Run as root; needs no Bun, only a POSIX
# shell, coreutils and awk. Run it again to upgrade or repair: what is right already stays untouched.
#
#     install [--dry-run] [--uninstall | --configure]
#
#   --dry-run    print what would be done, and do nothing
#   --uninstall  remove programs, crontab and log rotation; configuration and data stay
#   --configure  everything but copying the programs, which are in place (the Debian package)
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

prefix='@PREFIX@'
config='@CONFIG@'
account='@ACCOUNT@'
login_prefix='@LOGIN_PREFIX@'
slots='@SLOTS@'
crontab=/etc/cron.d/@NAME@
rotation=/etc/logrotate.d/@NAME@
setuid_commands='@SETUID_COMMANDS@'
plain_commands='@PLAIN_COMMANDS@'
tools='@TOOLS@'

dry_run=no
changed=no
action=install
for option; do
  case $option in
    --dry-run) dry_run=yes ;;
    --uninstall) action=uninstall ;;
    --configure) action=configure ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" && exit 0 ;;
    *) printf 'install: unknown option "%s" (--help lists them)\n' "$option" >&2 && exit 2 ;;
  esac
done

main() {
  [ "$dry_run" = yes ] || [ "$(id -u)" = 0 ] || stop "must run as root (--dry-run need not)"
  if [ $action = uninstall ]; then
    uninstall
    return
  fi
  check_account
  data_dir=$(configured_data_dir)
  check_place "$prefix" programs
  check_place "$(dirname "$config")" configuration
  check_not_nosuid "$prefix"
  check_local "$data_dir"
  check_data_dir
  if [ $action = install ]; then
    from=$(cd "$(dirname "$0")" && pwd)
    check_complete
    directory "$prefix" root:root 0755
    directory "$prefix/bin" root:root 0755
    directory "$prefix/libexec" root:root 0755
    first_link=
    for tool in $tools; do tool "$tool"; done
    for name in $plain_commands; do program "$from/bin/$name" "$prefix/bin/$name" root:root 0755; done
    for name in $setuid_commands; do program "$from/bin/$name" "$prefix/bin/$name" "$account:$group" 4755; done
    program "$from/install" "$prefix/libexec/install" root:root 0755
    program "$from/libexec/postgres.node" "$prefix/libexec/postgres.node" root:root 0644
    retire_old_commands
  else
    for tool in $tools; do owned "$prefix/libexec/$tool" root:root 0111; done
    owned "$prefix/libexec/postgres.node" root:root 0644
    for name in $setuid_commands; do owned "$prefix/bin/$name" "$account:$group" 4755; done
  fi
  directory "$(dirname "$config")" root:root 0755
  [ -e "$config" ] || file "$config" 0644 default_config
  directory "$data_dir" "$account:$group" 2700
  directory "$slots" "$account:$group" 2700
  directory "$data_dir/backups" "$account:$group" 2700
  tighten_data
  file "$crontab" 0644 crontab_lines
  file "$rotation" 0644 rotation_lines
  [ $changed = yes ] || printf 'nothing to do\n'
  [ "$dry_run" = yes ] || say_what_is_left
}

stop() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

# Says what is done, and does it unless this is a dry run.
act() {
  changed=yes
  printf '%s\n' "$*"
  [ "$dry_run" = yes ] || "$@"
}

check_account() {
  id -u "$account" >/dev/null 2>&1 ||
    stop "account $account: does not exist, make it first, e.g. useradd --system --user-group --create-home $account"
  [ "$(id -u "$account")" != 0 ] || stop "account $account: is root, wanted an account without privileges"
  group=$(id -gn "$account" 2>/dev/null) || stop "account $account: its group has no name, wanted one of its own"
  [ "$(id -g "$account")" != 0 ] || stop "account $account: its group is root's, wanted one of its own"
  case $account in
    [!a-z_]* | *[!a-z0-9_-]*) stop "account $account: has characters that the wrappers do not accept" ;;
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
  set -- "$1" $(mount_of "$1")
  case ,${2-}, in
    *,nosuid,*) stop "$1: lies on ${4-/}, which is mounted nosuid: the setuid bits would do nothing; choose another --prefix when building, or remount it" ;;
    *,noexec,*) stop "$1: lies on ${4-/}, which is mounted noexec" ;;
  esac
}

check_local() {
  set -- "$1" $(mount_of "$1")
  case ${3-} in
    nfs* | cifs | smb* | afs | 9p | ceph | glusterfs | lustre | gpfs | fuse.sshfs)
      stop "$1: lies on a network file system (${3-}), which cannot hold the databases; set data_dir in $config" ;;
  esac
}

check_complete() {
  for tool in $tools postgres.node; do [ -f "$from/libexec/$tool" ] || stop "$from/libexec/$tool: is missing, build everything first"; done
  for name in $setuid_commands $plain_commands; do
    [ -f "$from/bin/$name" ] || stop "$from/bin/$name: is missing, build everything first"
  done
}

directory() {
  [ ! -L "$1" ] || stop "$1: is a link, wanted a directory"
  [ -d "$1" ] || act mkdir -p "$1"
  owned "$1" "$2" "$3"
}

owned() {
  if [ "$(stat -c '%U:%G' "$1" 2>/dev/null)" != "$2" ]; then act chown "$2" "$1"; fi
  # After chown, which takes the setuid bit away.
  if [ "$(stat -c '%a' "$1" 2>/dev/null)" != "${3#0}" ]; then act chmod "$3" "$1"; fi
}

# One executable may be all tools, under as many names: it stays one.
tool() {
  source=$from/libexec/$1
  target=$prefix/libexec/$1
  if [ -n "$first_link" ] && [ "$(inode_of "$source")" = "$(inode_of "$from/libexec/$first_link")" ]; then
    [ "$(inode_of "$target")" = "$(inode_of "$prefix/libexec/$first_link")" ] || {
      act ln -f "$prefix/libexec/$first_link" "$target.new"
      act mv -f "$target.new" "$target"
    }
  else
    program "$source" "$target" root:root 0111
    [ -n "$first_link" ] || [ "$(stat -c %h "$source")" = 1 ] || first_link=$1
  fi
}

inode_of() { stat -c %d:%i "$1" 2>/dev/null; }

# Under its name there is always a program that works: callers notice nothing. A setuid program that is replaced loses its bits right
# after: a hard link to one with a hole would otherwise outlive it.
program() {
  if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2"; then
    owned "$2" "$3" "$4"
    return
  fi
  act cp "$1" "$2.new"
  act chown "$3" "$2.new"
  act chmod "$4" "$2.new"
  replaced=
  if [ -u "$2" ] && [ ! -L "$2" ]; then
    replaced=$(dirname "$2")/.replaced-$(basename "$2")
    act ln -f "$2" "$replaced"
  fi
  act mv -f "$2.new" "$2"
  [ -z "$replaced" ] || retire "$replaced"
}

retire() {
  act chmod 0 "$1"
  act rm -f "$1"
}

# A setuid command that an older version had and this one has not, and what an upgrade that was killed left.
retire_old_commands() {
  for path in "$prefix"/bin/* "$prefix"/bin/.replaced-*; do
    if [ ! -u "$path" ] || [ -L "$path" ] || [ "$(stat -c %U "$path")" != "$account" ]; then continue; fi
    case " $setuid_commands " in
      *" $(basename "$path") "*) ;;
      *) retire "$path" ;;
    esac
  done
}

# Writes what the command prints to a file of root's, if that changes anything.
file() {
  wanted=$("$3" && printf .)
  if [ -f "$1" ] && [ "$(cat "$1" && printf .)" = "$wanted" ]; then
    owned "$1" root:root "$2"
    return
  fi
  changed=yes
  printf 'write %s\n' "$1"
  [ "$dry_run" = no ] || return 0
  mkdir -p "$(dirname "$1")"
  printf %s "${wanted%.}" >"$1.ec2-wrappers-new"
  chown root:root "$1.ec2-wrappers-new"
  chmod "$2" "$1.ec2-wrappers-new"
  mv -f "$1.ec2-wrappers-new" "$1"
}

# A data_dir mistyped as /var/lib must not be taken away from the system. One that root made for us holds only what is ours.
check_data_dir() {
  if [ ! -d "$data_dir" ] || [ "$(stat -c %U "$data_dir")" = "$account" ]; then return; fi
  foreign=$(ls -A "$data_dir" | grep -Evx '(users|usage)[.]db.*|audit-log.*|root-access-key|slots|locks|backups|(usage-cron|backup|turn)[.]lock|shares|reserve' | head -n 1)
  [ -n "$foreign" ] || [ "$(stat -c %U "$data_dir")" != root ] || return 0
  [ -n "$(ls -A "$data_dir")" ] || return 0
  stop "$data_dir: belongs to $(stat -c %U "$data_dir") and is not empty${foreign:+ ($foreign)}, wanted $account's; chown it if it is the data directory"
}

# The tools of 2010 left 0644. Only what is the account's: in a directory that was open to others until now, a link of
# theirs may lead to a file of root's.
tighten_data() {
  [ -d "$data_dir" ] || return 0
  if [ -n "$(find "$data_dir" -xdev ! -type l -user "$account" -perm /077 | head -n 1)" ]; then
    act find "$data_dir" -xdev ! -type l -user "$account" -perm /077 -exec chmod go-rwx {} +
  fi
  for file in root-access-key:0400 users.db:0600 usage.db:0600 audit-log:0600; do
    path=$data_dir/${file%:*}
    if [ -L "$path" ] || [ ! -f "$path" ]; then continue; fi
    # One name only: a second one may be somewhere else, and its file not ours.
    case $(stat -c '%h %U' "$path") in
      "1 root") owned "$path" "$account:$group" "${file#*:}" ;;
      "1 $account") [ "${file%:*}" != root-access-key ] || owned "$path" "$account:$group" 0400 ;;
    esac
  done
}

default_config() {
  cat <<END
# Written by the installer, never overwritten. Every key is explained in docs/configuration.md.
[course]
name = "$account"                    # IAM path, tag values
accounts = ["${login_prefix:-$account}-??"]           # logins that may use the student tools
staff = ["$account"]                 # may report on anyone, freeze, suspend
iam_group = "students"
# term_start = 2026-08-20         # budgets count from here

[identity]
credentials = "keys"              # as in 2010: an IAM user with an access key for each student
# credentials = "sessions"        # recommended: a role, an hour at a time; no key in any home (docs/sessions.md)

[paths]
data_dir = "/var/lib/ec2-wrappers"

[aws]
region = "us-east-1"

[limits]
max_hourly_cost = 5.10            # US\$ per hour and user
max_instances = 20
# budget = 100.00                 # US\$ per user and term; doctor reports an error without one
# course_budget = 10000.00

[leases]
# enforce = true                  # until then usage_cron warns, and ends nothing
END
}

crontab_lines() {
  cat <<END
# ec2-wrappers: what runs on AWS, what it costs, and the end of leases; prices; both databases' backup.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
*/5 * * * * $account $prefix/libexec/usage_cron
23 4 * * * $account $prefix/libexec/usage_cron --refresh-prices >/dev/null
47 3 * * * $account $prefix/libexec/backup_dbs >/dev/null
END
}

rotation_lines() {
  cat <<END
$data_dir/audit-log {
    su $account $group
    monthly
    rotate 60
    compress
    delaycompress
    missingok
    notifempty
    create 0600 $account $group
}
END
}

uninstall() {
  # The setuid bits go first: a hard link elsewhere loses them too.
  for name in $setuid_commands; do
    if [ -f "$prefix/bin/$name" ]; then act chmod 0 "$prefix/bin/$name"; fi
  done
  retire_old_commands
  for path in "$crontab" "$rotation" "$prefix/libexec/install" "$prefix/libexec/postgres.node"; do
    [ ! -f "$path" ] || act rm -f "$path"
  done
  for name in $setuid_commands $plain_commands; do
    [ ! -e "$prefix/bin/$name" ] || act rm -f "$prefix/bin/$name"
  done
  for tool in $tools; do [ ! -e "$prefix/libexec/$tool" ] || act rm -f "$prefix/libexec/$tool"; done
  for path in "$prefix/bin" "$prefix/libexec" "$prefix"; do
    [ ! -d "$path" ] || [ -n "$(ls -A "$path")" ] || act rmdir "$path"
  done
  printf 'kept: %s and the data directory that it names, which hold the course'\''s history\n' "$config"
}

say_what_is_left() {
  [ -f "$data_dir/root-access-key" ] || cat <<END
next:
  1. put the account's key into $data_dir/root-access-key, owner $account, mode 0400:
     {"aws_access_key_id": "...", "aws_secret_access_key": "..."}
  2. edit $config: accounts, staff, budget
  3. as $account: $prefix/libexec/init_dbs && $prefix/libexec/setup
  4. as root: $prefix/libexec/doctor
END
}

main
