#!/usr/bin/env bash
# Behind `npm test`, `npm run demo` and `npm run bench`: installs what is missing into this folder, builds, runs.
# Needs Node with npm (or Bun), a C compiler and Python 3; no AWS account. The last line of `npm test` counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export TEST_RUN_MARK="ec2-wrappers-$$" TEST_SKIPS="$root/.cache/skips" TEST_TOOLS=compiled
mkdir -p .cache
: >"$TEST_SKIPS"
TEST_SCRATCH=$(mktemp -d)
export TEST_SCRATCH
trap 'end_what_is_left; rm -rf "$TEST_SCRATCH"' EXIT

main() {
  install_packages
  PATH="$root/node_modules/.bin:$PATH:/usr/sbin:/sbin" # mkfs, sshd: not on every user's PATH
  install_emulator
  case ${1-} in
    test) run_tests ;;
    demo) build && bun tests/demo/main.ts ;;
    bench) build && bun tests/bench/main.ts "${@:2}" ;;
    *) stop "run.sh: wanted test, demo or bench" ;;
  esac
}

say() { printf '== %s\n' "$*" >&2; }
stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

# The copy of the lock file beside the packages says what they were installed from.
install_packages() {
  command -v cc >/dev/null || stop "no C compiler: install gcc or clang (Debian: apt install gcc libc6-dev)"
  command -v python3 >/dev/null || stop "no python3: install it (Debian: apt install python3 python3-venv)"
  if ! cmp -s package-lock.json node_modules/.ec2w-lock; then
    say "installing the npm packages of package-lock.json"
    if command -v npm >/dev/null; then
      npm ci --no-audit --no-fund --loglevel=error
    elif command -v bun >/dev/null; then
      bun install --frozen-lockfile
    else
      stop "neither npm nor bun: install Node 18 or later"
    fi
    cp package-lock.json node_modules/.ec2w-lock
  fi
  # Where npm refuses install scripts, bun's own has not put its executable in place.
  node_modules/.bin/bun --version >/dev/null 2>&1 || "$(command -v node || command -v bun)" node_modules/bun/install.js
}

# Ends with .venv/bin/python having moto: the moto that is installed already, a virtual environment, or a plain folder of packages
# where Python came without venv.
install_emulator() {
  local wanted=tests/emulator/requirements.txt installed
  cmp -s $wanted .venv/installed.txt && return
  rm -rf .venv
  if installed=$(python_with_moto); then
    say "using the emulator on PATH: moto of $installed"
    python_script "PYTHONPATH='$root/.venv/packages' exec '$installed'"
    # A moto that others installed comes without what tests read our metrics with; without a network they are skipped.
    "$installed" -m pip install --quiet --disable-pip-version-check --no-deps --target .venv/packages \
      "$(grep '^prometheus_client==' $wanted)" || say "Prometheus's parser of metrics could not be installed"
  elif python3 -m venv .venv 2>/dev/null; then
    say "installing the emulator, moto, into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r $wanted
  elif python3 -m pip --version >/dev/null 2>&1; then
    say "installing the emulator, moto, into .venv/packages (this Python has no venv)"
    rm -rf .venv
    python3 -m pip install --quiet --disable-pip-version-check --target .venv/packages -r $wanted
    python_script "PYTHONPATH='$root/.venv/packages' exec python3"
  else
    stop "Python has neither venv nor pip, which fetch the emulator (Debian: apt install python3-venv)"
  fi
  cp $wanted .venv/installed.txt
}

# The interpreter behind a moto_server on PATH, or python3 itself, if its moto is the wanted one.
python_with_moto() {
  local moto candidate
  moto=$(sed -n 's/^moto==//p' tests/emulator/requirements.txt)
  for candidate in python3 "$(head -n 1 "$(command -v moto_server)" 2>/dev/null | sed -n 's/^#! *//p')"; do
    if [ -n "$candidate" ] && $candidate -c "
import importlib.metadata as installed, flask, flask_cors, sys, yaml
sys.exit(installed.version('moto') != '$moto')" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

python_script() {
  mkdir -p .venv/bin
  printf '#!/bin/sh\n%s "$@"\n' "$1" >.venv/bin/python
  chmod +x .venv/bin/python
}

build() {
  say "building dist"
  bun tests/support/build.ts
}

# Format, types and build count as one check each. Tests that set up machines, browsers and servers, and those of whole tools, wait
# more than they work, and so run beside the others.
run_tests() {
  passed=0 failed=0 skipped=0
  check "formatted and linted" bun node_modules/.bin/biome check .
  check "types" bun node_modules/.bin/tsc -p .
  check "builds" bun tests/support/build.ts
  say "tests, in three parts side by side; the output of the second and third comes after the first's"
  local machines=(tests/boundary/ tests/clusters/ tests/proxy/ tests/ui/) tools=(tests/scripts/) others statuses=0 part
  mapfile -t others < <(comm -23 <(ls -d tests/*/ tests/*.test.ts | sort) <(printf '%s\n' "${machines[@]}" "${tools[@]}" | sort))
  in_network_of_its_own bun test --timeout 120000 "${machines[@]}" >.cache/test-machines.log 2>&1 &
  local parts=($!)
  bun test --timeout 120000 "${tools[@]}" >.cache/test-tools.log 2>&1 &
  parts+=($!)
  bun test --timeout 120000 "${others[@]}" 2>&1 | tee .cache/test-others.log || statuses=$?
  for part in "${parts[@]}"; do wait "$part" || statuses=$?; done
  cat .cache/test-tools.log .cache/test-machines.log
  for part in others tools machines; do add_counts ".cache/test-$part.log"; done
  [ $statuses = 0 ] || [ "$failed" -gt 0 ] || failed=1
  say_what_failed .cache/test-{others,tools,machines}.log
  [ "$failed" = 0 ] || try_failures_alone
  say_what_was_skipped
  end_what_is_left
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}

# The clusters' machines have EC2's addresses, and the real daemons fixed ports, which the host may use itself. What they run is fetched
# before. Needs root; without it those machines are skipped.
in_network_of_its_own() {
  if unshare --net true 2>/dev/null && command -v ip >/dev/null; then
    bun -e 'import { hadoopHome } from "./tests/clusters/hadoop.ts"; import { fetchJars } from "./tests/ui/jars.ts"
      await fetchJars(); await hadoopHome()' || true # the tests say what they lack
    unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
  else
    "$@"
  fi
}

# Once more at the end, where whoever reads a long output looks first: what each failed test printed, then their names.
say_what_failed() {
  failures '{ printf "%s\n%s%s\n", file, said, $0 }' "$@"
  failures '{ sub(/^\(fail\)/, "failed:"); print }' "$@"
}

# A test that fails beside two busy neighbours may have failed of them: its whole file runs once more, by itself. What passes then was
# unsteady, which is said and not hidden; what fails again is wrong. A failed check, a crash and a change that broke much are no
# unsteadiness.
try_failures_alone() {
  local files count logs=(.cache/test-{others,tools,machines}.log)
  mapfile -t files < <(failures '{ sub(/:$/, "", file); print file }' "${logs[@]}" | sort -u)
  count=$(failures '{ print }' "${logs[@]}" | wc -l)
  [ "$count" = "$failed" ] && [ ${#files[@]} -le 5 ] || return 0
  say "once more, alone: ${files[*]}"
  if in_network_of_its_own bun test --timeout 120000 "${files[@]}" >.cache/again.log 2>&1; then
    passed=$((passed + failed)) failed=0
    failures '{ sub(/^\(fail\)/, "unsteady, passed alone:"); print }' "${logs[@]}"
  else
    say_what_failed .cache/again.log
  fi
}

# Runs this awk program for each failed test of bun's outputs, with its file's line in `file` and what was printed before in `said`. bun
# may list failures again at its end.
failures() {
  plain "${@:2}" | awk '
    /^bun test |^[0-9]+ tests (failed|skipped):$/ { file = said = "" }
    /^tests\/.*\.test\.ts:$/ { file = $0; said = ""; next }
    /^\((pass|skip|todo)\)/ { said = ""; next }
    /^\(fail\)/ { if (file != "") '"$1"'; said = ""; next }
    { said = said $0 "\n" }'
}

# Without colours, and without bytes for which grep and awk would take it for no text.
plain() { cat "$@" | LC_ALL=C tr -cd '\t\n\033 -~' | sed 's/\x1b\[[0-9;]*m//g'; }

check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# bun ends with lines such as ` 12 pass`, ` 1 skip`, ` 0 fail`, ` 1 error`. A part that does not has not run to its end.
add_counts() {
  local number what ended=0
  while read -r number what; do
    case $what in
      pass) passed=$((passed + number)) ended=1 ;;
      skip | todo) skipped=$((skipped + number)) ;;
      fail | error | errors) failed=$((failed + number)) ;;
    esac
  done < <(plain "$1" | grep -E '^ +[0-9]+ (pass|skip|todo|fail|errors?)$')
  [ $ended = 1 ] || failed=$((failed + 1))
}

say_what_was_skipped() {
  sort "$TEST_SKIPS" | uniq -c | sed 's/^ *\([0-9]*\) /skipped, \1: /'
}

# What a killed test left behind carries the mark of this run in its environment.
end_what_is_left() {
  local environment pid
  for environment in $(grep -lsa "^TEST_RUN_MARK=$TEST_RUN_MARK\|.TEST_RUN_MARK=$TEST_RUN_MARK" /proc/[0-9]*/environ); do
    pid=${environment#/proc/}
    pid=${pid%/environ}
    if [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] && [ -d "/proc/$pid" ]; then
      say "ending what was left running: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
      kill -9 "$pid" 2>/dev/null || true
    fi
  done
}

main "$@"
