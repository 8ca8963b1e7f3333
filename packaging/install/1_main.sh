#!/bin/sh
# Installs ec2-wrappers on a login host from the directory that this file is in. Run as root; needs no Bun, only a POSIX
# shell, coreutils, util-linux and awk. Run it again to upgrade or repair: what is right already stays untouched.
#
#     install [--dry-run] [--uninstall] [--package] | --print-config | --version
#
#   --dry-run       print what would be done, and do nothing
#   --uninstall     remove programs, timers, crontab and log rotation; configuration and data stay
#   --package       leave to the package manager what is its own: links, manual pages, timers (packages call it so)
#   --print-config  print the configuration that a first installation gets
#   --version       print the version that this file installs
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022

version='@VERSION@'
prefix='@PREFIX@'
config='@CONFIG@'
account='@ACCOUNT@'
login_prefix='@LOGIN_PREFIX@'
slots='@SLOTS@'
name='@NAME@'
setuid_commands='@SETUID_COMMANDS@'
plain_commands='@PLAIN_COMMANDS@'
tools='@TOOLS@'

crontab=/etc/cron.d/$name
rotation=/etc/logrotate.d/$name
units=/etc/systemd/system
links=/usr/local/bin
share=/usr/local/share
installed_share=$prefix/libexec/installed-share
incoming=$prefix/.incoming
timers='usage prices backup sweep'

dry_run=no
changed=no
package=no
action=install
for option; do
  case $option in
    --dry-run) dry_run=yes ;;
    --uninstall) action=uninstall ;;
    --package) package=yes ;;
    --print-config) action=print_config ;;
    --version) printf 'ec2-wrappers %s\n' "$version" && exit 0 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" && exit 0 ;;
    *) printf 'install: unknown option "%s" (--help lists them)\n' "$option" >&2 && exit 2 ;;
  esac
done

main() {
  if [ $action = print_config ]; then
    default_config
    return
  fi
  [ "$dry_run" = yes ] || [ "$(id -u)" = 0 ] || stop "must run as root (--dry-run need not)"
  if [ $action = uninstall ]; then
    uninstall
    return
  fi
  from=$(cd "$(dirname "$0")" && pwd)
  data_dir=$(configured_data_dir)
  check_complete
  make_account
  check_account
  check_place "$prefix" programs
  check_place "$(dirname "$config")" configuration
  check_not_nosuid "$prefix"
  check_local "$data_dir"
  check_data_dir

  directory "$prefix" root:root 0755
  directory "$prefix/bin" root:root 0755
  directory "$prefix/libexec" root:root 0755
  gather_programs
  directory "$(dirname "$config")" root:root 0755
  upgrading=no
  if [ -e "$config" ]; then upgrading=yes; else file "$config" 0644 default_config; fi
  make_data_dir
  [ $upgrading = no ] || [ -z "$gathered_tools" ] || upgrade_databases
  switch_programs
  retire_old_commands
  file "$crontab" 0644 crontab_lines
  file "$rotation" 0644 rotation_lines
  [ $package = yes ] || install_beside_package_manager
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

# With the account's rights, groups and an empty environment: root follows no name in a directory of the account's, where it may have
# put links.
as_account() {
  env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME=/nonexistent \
    setpriv --reuid "$(id -u "$account")" --regid "$(id -g "$account")" --clear-groups --no-new-privs --inh-caps=-all -- "$@"
}

act_as_account() {
  changed=yes
  printf 'as %s: %s\n' "$account" "$*"
  [ "$dry_run" = yes ] || as_account "$@"
}
