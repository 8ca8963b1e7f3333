
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

default_config() {
  cat <<END
# Written by the installer, never overwritten. docs/configuration.md and ec2-wrappers.toml(5) explain every key.
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
max_storage_gib = 1000            # of volumes and snapshots, per user
budget = 50.00                    # US\$ per user and term
# course_budget = 10000.00        # US\$ of all users together

[launch]                          # what ec2-run launches that names nothing
image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
instance_type = "t3.micro"

[leases]
# enforce = true                  # until then usage_cron warns, and ends nothing
END
}

# cron runs nothing where systemd does: there the timers run, and a job twice at once helps nobody.
crontab_lines() {
  cat <<END
# ec2-wrappers: what runs on AWS, what it costs, and the end of leases; prices; both databases' backup. Where systemd runs, its timers
# do this (systemctl list-timers '$name-*').
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
*/5 * * * * $account [ -d /run/systemd/system ] || $prefix/libexec/usage_cron
23 4 * * * $account [ -d /run/systemd/system ] || $prefix/libexec/usage_cron --refresh-prices >/dev/null
11 5 * * 1 $account [ -d /run/systemd/system ] || $prefix/libexec/course_sweep --new
47 3 * * * $account [ -d /run/systemd/system ] || $prefix/libexec/backup_dbs >/dev/null
END
}

# As the account, since the directory is its own. Renamed, never copied and truncated: a line written meanwhile would be lost.
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

# What a package has as its own files.
install_beside_package_manager() {
  [ -d "$links" ] || act mkdir -p "$links"
  for command in $setuid_commands $plain_commands; do
    link=$links/$command
    if [ "$(readlink "$link" 2>/dev/null)" = "$prefix/bin/$command" ]; then continue; fi
    if [ -e "$link" ] || [ -L "$link" ]; then
      printf 'install: %s is another program; students who mean ours need %s/bin on their PATH\n' "$link" "$prefix" >&2
    else
      act ln -s "$prefix/bin/$command" "$link"
    fi
  done
  install_share
  [ -d /run/systemd/system ] || return 0
  new_units=no
  for timer in $timers; do
    for unit in "$name-$timer.service" "$name-$timer.timer"; do
      cmp -s "$from/systemd/$unit" "$units/$unit" && continue
      act cp "$from/systemd/$unit" "$units/$unit"
      new_units=yes
    done
  done
  [ $new_units = no ] || act systemctl daemon-reload
  for timer in $timers; do
    systemctl is-enabled --quiet "$name-$timer.timer" || act systemctl enable --now "$name-$timer.timer"
  done
}

# Manual pages, completions and documentation, and the list of them, by which they are removed.
install_share() {
  [ -d "$from/share" ] || return 0
  (cd "$from/share" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) | while read -r path; do
    cmp -s "$from/share/$path" "$share/$path" && continue
    act mkdir -p "$(dirname "$share/$path")"
    act cp "$from/share/$path" "$share/$path"
    act chmod 0644 "$share/$path"
  done
  file "$installed_share" 0644 share_list
}

share_list() { (cd "$from/share" && find . -type f | sed "s,^\.,$share," | LC_ALL=C sort); }

# Nobody ends them once usage_cron is gone.
say_what_runs() {
  data_dir=$(configured_data_dir)
  if [ "$dry_run" = yes ] || ! owns_data || [ ! -x "$prefix/libexec/usage_report" ]; then return; fi
  running=$(as_account timeout 60 "$prefix/libexec/usage_report" ALL --prometheus - --offline 2>/dev/null |
    awk '/^ec2_wrappers_running_instances[{]/ { sum += $NF } END { print sum + 0 }') || running=0
  case $running in
    0 | '') return ;;
    1) printf 'still running at AWS: 1 instance, which nobody ends now; see the EC2 console\n' ;;
    *) printf 'still running at AWS: %s instances, which nobody ends now; see the EC2 console\n' "$running" ;;
  esac
}

uninstall() {
  say_what_runs
  # The setuid bits go first: a hard link elsewhere loses them too.
  for command in $setuid_commands; do
    if [ -f "$prefix/bin/$command" ]; then act chmod 0 "$prefix/bin/$command"; fi
  done
  retire_old_commands
  if [ $package = no ]; then
    for timer in $timers; do
      [ -f "$units/$name-$timer.timer" ] || continue
      [ ! -d /run/systemd/system ] || act systemctl disable --now "$name-$timer.timer"
      act rm -f "$units/$name-$timer.timer" "$units/$name-$timer.service"
    done
    for command in $setuid_commands $plain_commands; do
      [ "$(readlink "$links/$command" 2>/dev/null)" != "$prefix/bin/$command" ] || act rm -f "$links/$command"
    done
    [ ! -f "$installed_share" ] || while read -r path; do act rm -f "$path"; done <"$installed_share"
  fi
  for path in "$crontab" "$rotation" "$installed_share" "$prefix/libexec/install" "$prefix/libexec/postgres.node"; do
    [ ! -f "$path" ] || act rm -f "$path"
  done
  for command in $setuid_commands $plain_commands; do
    [ ! -e "$prefix/bin/$command" ] || act rm -f "$prefix/bin/$command"
  done
  for tool in $tools; do [ ! -e "$prefix/libexec/$tool" ] || act rm -f "$prefix/libexec/$tool"; done
  [ ! -e "$incoming" ] || act rm -rf "$incoming"
  for path in "$prefix/bin" "$prefix/libexec" "$prefix"; do
    [ ! -d "$path" ] || [ -n "$(ls -A "$path")" ] || act rmdir "$path"
  done
  printf 'kept: %s and the data directory that it names, which hold the course'\''s history\n' "$config"
}

say_what_is_left() {
  as_account test ! -e "$data_dir/root-access-key" || return 0
  cat <<END
next:
  1. edit $config: accounts, staff, region, budget, course_budget, [launch] image and instance_type,
     and [leases] enforce = true, without which nothing is ended; judge it: $prefix/libexec/doctor --check-config $config
  2. make a key in IAM with the least policy that is needed: sudo -u $account $prefix/libexec/setup --print-policy
  3. store it (on stdin, so that no history has it): sudo -u $account $prefix/libexec/setup --store-key
  4. sudo -u $account sh -c '$prefix/libexec/init_dbs && $prefix/libexec/setup'
  5. sudo $prefix/libexec/doctor
END
}

main
