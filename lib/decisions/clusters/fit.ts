/** Whether an instance type has the memory and the architecture for what is to run on it. boot/configure.sh divides the memory alike. */
import type { Role } from "./roles.ts"

/** An instance type as EC2 describes it. */
export interface TypeFacts {
  name: string
  memoryMib: number
  /** `x86_64`, `arm64`; some have several. */
  architectures: string[]
}

/** What the kernel leaves of a type's memory, at least: /proc/meminfo shows 93 to 97 % of it. */
const usable = 0.93
/** For the system, sshd and agents. */
const systemMb = 384
/** A daemon's least heap, and what its Java machine needs beside it. */
const daemonMb = 256 + 128
/** The least that a worker must have to offer: Spark's usual executor takes 1 GiB. */
const offeredMb = 1024
const jupyterMb = 512

/** The sum of what these roles need and the type does not have; null where it fits. */
export function memoryObjection({ name, memoryMib }: TypeFacts, roles: readonly Role[]): string | null {
  const daemons = roles.filter((role) => role !== "jupyter").length
  const offering = roles.filter((role) => role === "nm" || role === "sw")
  const terms: [mb: number, text: string][] = [
    [systemMb, `${systemMb} for the system`],
    [daemons * daemonMb, `${daemons} × ${daemonMb} for daemons`],
    [offering.length * offeredMb, `${offering.length} × ${offeredMb} for jobs (${offering.join(", ")})`],
    [roles.includes("jupyter") ? jupyterMb : 0, `${jupyterMb} for JupyterLab`],
  ]
  const needed = terms.reduce((sum, [mb]) => sum + mb, 0)
  const there = Math.floor(memoryMib * usable)
  if (needed <= there) return null
  const shown = terms.filter(([mb]) => mb > 0).map(([, text]) => text)
  return `${roles.join(",")}: ${shown.join(" + ")} = ${needed} MB, and ${name} has ${there} MB`
}

/** Null where the image runs on the type. */
export function architectureObjection(
  { name, architectures }: TypeFacts,
  image: { id: string; architecture: string },
): string | null {
  if (image.architecture === "" || architectures.length === 0) return null
  if (architectures.includes(image.architecture)) return null
  return `image ${image.id} is for ${image.architecture}, and ${name} is ${architectures.join(" or ")}`
}
