/** A data directory on a disk that can be full: a tmpfs of some megabytes in a mount namespace of its own. Needs root. */
import { type Finished, finished, type Workspace } from "./tools.ts"

/** Null where it can be made. */
export function whyNoSmallDisk(): string | null {
  if (process.getuid?.() !== 0) return "it needs root"
  if (!Bun.which("unshare") || !Bun.which("nsenter")) return "unshare and nsenter are missing (util-linux)"
  const command = "unshare --mount --propagation private mount -t tmpfs x /mnt"
  return Bun.spawnSync(command.split(" ")).success ? null : "this root may not make namespaces and mounts"
}

export interface SmallDisk {
  /** Runs a shell's script where the disk is seen. */
  inside(script: string): Promise<Finished>
  fill(): Promise<void>
  free(): Promise<void>
  end(): Promise<void>
}

/** Mounts it over the course's data directory, which keeps what it has. */
export async function smallDisk({ dataDir, directory }: Workspace, megabytes = 4): Promise<SmallDisk> {
  const holder = Bun.spawn(
    ["unshare", "--mount", "--propagation", "private", "--kill-child", "sh", "-c", "echo; cat"],
    { stdin: "pipe", stdout: "pipe" },
  )
  await holder.stdout.getReader().read()
  const inside = async (script: string) => {
    const enter = ["nsenter", "--target", String(holder.pid), "--mount", "--"]
    const child = Bun.spawn([...enter, "sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin" },
      stdout: "pipe",
      stderr: "pipe",
    })
    return finished(child)
  }
  const mount = `mount -t tmpfs -o size=${megabytes}m,mode=700 small ${dataDir}`
  await inside(`cp -a ${dataDir} ${directory}/kept && ${mount} && cp -a ${directory}/kept/. ${dataDir}/`)
  return {
    inside,
    async fill() {
      await inside(`umask 077; cat /dev/zero > ${dataDir}/filler`)
    },
    async free() {
      await inside(`rm ${dataDir}/filler`)
    },
    async end() {
      holder.stdin.end()
      await holder.exited
    },
  }
}
