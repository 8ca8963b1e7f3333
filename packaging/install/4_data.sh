
# A data_dir mistyped as /var/lib must not be taken away from the system. One that root made for us holds only what is ours.
check_data_dir() {
  [ ! -L "$data_dir" ] || stop "$data_dir: is a link, wanted a directory"
  if [ ! -d "$data_dir" ] || owns_data; then return; fi
  owner=$(stat -c %U "$data_dir")
  foreign=$(find "$data_dir" -mindepth 1 -maxdepth 1 -printf '%f\n' |
    grep -Evx '(users|usage)[.]db.*|audit-log.*|root-access-key.*|slots|locks|backups|(usage-cron|backup|turn|store-key)[.]lock|shares|reserve|reserve-students|lost[+]found' | head -n 1)
  if [ "$owner" = root ] && [ -z "$foreign" ] && only_root_changes "$data_dir"; then return; fi
  if [ "$owner" = root ] && [ -z "$(find "$data_dir" -mindepth 1 -maxdepth 1)" ] && only_root_changes "$(dirname "$data_dir")"; then return; fi
  stop "$data_dir: belongs to $owner and is not empty${foreign:+ ($foreign)}, wanted $account's; chown it if it is the data directory"
}

# Root makes or takes over the directory where only root can change names; everything in it is the account's business.
make_data_dir() {
  if ! owns_data; then
    if only_root_changes "$(dirname "$data_dir")"; then
      [ -d "$data_dir" ] || act mkdir -p -m 0700 "$data_dir"
      act chmod 0700 "$data_dir"
      take_over_files
      act chown -h "$account:$group" "$data_dir"
    else
      act_as_account mkdir -m 0700 "$data_dir"
    fi
  fi
  private "$data_dir" 2700
  for inner in "$data_dir/backups" "$slots"; do
    if as_account_unless_dry test -d "$inner"; then
      private "$inner" 2700
    elif [ "${inner#"$data_dir"/}" != "$inner" ] || ! only_root_changes "$(dirname "$inner")"; then
      act_as_account mkdir "$inner"
      private "$inner" 2700
    else
      act mkdir -m 0700 "$inner"
      act chown -h "$account:$group" "$inner"
      private "$inner" 2700
    fi
  done
  tighten_data
}

# In a directory that only root can change until the next line: nobody swaps a name.
take_over_files() {
  for path in "$data_dir"/* ; do
    if [ -L "$path" ] || [ ! -e "$path" ] || [ "${path##*/}" = lost+found ]; then continue; fi
    # One name only: a second one may be somewhere else, and its file not ours.
    case $(stat -c '%U %h %F' "$path") in
      "root 1 regular"*) act chmod go-rwx "$path" && act chown -h "$account:$group" "$path" ;;
      root*directory) act chown -h "$account:$group" "$path" ;;
    esac
  done
}

private() {
  [ "$(as_account_unless_dry stat -c '%a' "$1" 2>/dev/null)" = "$2" ] || act_as_account chmod "$2" "$1"
}

# Looking changes nothing; before there is an account, there is nobody to look as.
as_account_unless_dry() {
  if [ "$(id -u)" = 0 ] && id -u "$account" >/dev/null 2>&1; then as_account "$@"; else "$@"; fi
}

# The tools of 2010 left 0644.
tighten_data() {
  [ -d "$data_dir" ] || return 0
  if [ -n "$(as_account_unless_dry find "$data_dir" -xdev ! -type l -user "$account" -perm /077 2>/dev/null | head -n 1)" ]; then
    act_as_account find "$data_dir" -xdev ! -type l -user "$account" -perm /077 -exec chmod go-rwx {} +
  fi
  key=$data_dir/root-access-key
  if as_account_unless_dry test -O "$key" && as_account_unless_dry test ! -L "$key"; then
    private "$key" 400
  fi
  as_account_unless_dry find "$data_dir" -mindepth 1 -maxdepth 1 ! -type l ! -user "$account" ! -name lost+found 2>/dev/null | while read -r path; do
    printf 'install: %s belongs to another login, and the tools will not use it; put it there as %s\n' "$path" "$account" >&2
  done
}

# New tools need the schema that they know, old ones work on with it for a day. So this comes before the switch, by the new tools; where
# it refuses, a downgrade say, nothing has changed yet.
upgrade_databases() {
  as_account_unless_dry test -f "$data_dir/usage.db" || grep -q '^[[:space:]]*\[database\]' "$config" || return 0
  program=$incoming/libexec/init_dbs
  [ -f "$program" ] || program=$prefix/libexec/init_dbs
  changed=yes
  printf 'as %s: %s\n' "$account" "$program"
  [ "$dry_run" = no ] || return 0
  as_account "$program" && return 0
  rm -rf "$incoming"
  stop "the databases are not as this version ($version) needs them, see above; the tools that were installed work on. To go back behind a newer version: $from/libexec/backup_dbs --restore with the newest $data_dir/backups/before-upgrade-*, then run this again"
}
