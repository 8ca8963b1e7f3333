/** A course on a clean root: its configuration, its key, and students who never stop calling. */
import { credentials } from "../support/emulator.ts"
import type { CleanRoot } from "./clean_root.ts"

export const prefix = "/opt/ec2-wrappers"
export const dataDir = "/var/lib/ec2-wrappers"
export const config = "/etc/ec2-wrappers/config.toml"

/** As the administrator does it by what the installer said. Throws where a step fails. */
export async function setUpCourse(clean: CleanRoot, endpoint: string): Promise<void> {
  const key = JSON.stringify({
    aws_access_key_id: credentials.accessKeyId,
    aws_secret_access_key: credentials.secretAccessKey,
  })
  const done = await clean.sh(`set -e
    sed -i 's|^region.*|region = "us-east-1"\\nendpoint = "${endpoint}"|' ${config}
    as="setpriv --reuid cs61c --regid cs61c --clear-groups env -i PATH=/usr/bin:/bin"
    printf '%s' '${key}' | $as sh -c 'umask 377; cat >${dataDir}/root-access-key'
    $as ${prefix}/libexec/init_dbs
    $as ${prefix}/libexec/setup
    $as ${prefix}/libexec/usage_cron`)
  if (done.code !== 0) throw new Error(`setting up the course: ${done.stdout}${done.stderr}`)
  const made = await clean.as("cs61c-aa", "ec2-util --init")
  if (made.code !== 0) throw new Error(`ec2-util --init: ${made.stdout}${made.stderr}`)
}

export interface Load {
  /** Waits until the students have called so many times more. */
  calls(count: number): Promise<void>
  /** Ends it; returns what went wrong, a line each, and how often they called. */
  stop(): Promise<{ failures: string; calls: number }>
}

/** A student who calls three commands in a loop, as fast as they answer. */
export async function studentsAtWork(clean: CleanRoot): Promise<Load> {
  await clean.sh("rm -rf /tmp/load; mkdir -m 777 /tmp/load")
  const loop = `cd /tmp/load; while [ ! -e stop ] && [ -e . ]; do
    for command in 'ec2-active' 'ec2-util --list' 'ec2-usage --offline'; do
      if ! said=$($command 2>&1); then
        case $said in
        # The emulator on a busy machine, which no upgrade touches.
        *'does not answer in time'*) echo >>unanswered ;;
        *) printf '%s: %s\\n' "$command" "$said" >>failures ;;
        esac
        sleep 1
      fi
      echo >>calls
    done
  done`
  const working = clean.start("cs61c-aa", loop)
  const count = async () => Number((await clean.sh("wc -l </tmp/load/calls || echo 0")).stdout)
  return {
    async calls(wanted) {
      const goal = (await count()) + wanted
      while ((await count()) < goal) await Bun.sleep(100)
    },
    async stop() {
      await clean.sh("touch /tmp/load/stop")
      await working.exited
      return { failures: (await clean.sh("cat /tmp/load/failures")).stdout, calls: await count() }
    },
  }
}
