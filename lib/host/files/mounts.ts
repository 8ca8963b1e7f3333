/** What a path's file system allows. https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo */
import { readFileSync, realpathSync, statfsSync } from "node:fs"

export interface Mount {
  point: string
  /** `rw`, `nosuid` … */
  options: string[]
}

/** The mount that holds an existing path. */
export function mountOf(path: string, table = readFileSync("/proc/self/mountinfo", "utf8")): Mount {
  const real = realpathSync(path)
  let best: Mount = { point: "", options: [] }
  for (const line of table.split("\n")) {
    const [, , , , point = "", options = ""] = line.split(" ").map(unescapeOctal)
    const holds = point === "/" || real === point || real.startsWith(`${point}/`)
    // Of two on one point, the later hides the earlier.
    if (point !== "" && holds && point.length >= best.point.length)
      best = { point, options: options.split(",") }
  }
  return best
}

/** Bytes that an ordinary user may still write, and the share of all that this is. */
export function freeSpace(path: string): { bytes: number; share: number } {
  const { bavail, blocks, bsize } = statfsSync(path)
  return { bytes: bavail * bsize, share: blocks === 0 ? 1 : bavail / blocks }
}

function unescapeOctal(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
}
