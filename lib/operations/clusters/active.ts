/** Asking `ec2-active`, which alone may start instances and move leases. */
import type { ClusterDeps } from "./deps.ts"

/** What ec2-active printed, and its exit code. What it says to the person is passed on. */
export interface ActiveReply {
  code: number
  lines: string[]
}

/** Moves the end of these instances' leases by a duration such as `2h`, as far as the course's limits allow. */
export function extendClusterLeases(
  deps: ClusterDeps,
  ids: readonly string[],
  duration: string,
  { dryRun }: { dryRun: boolean },
): Promise<ActiveReply> {
  return askActive(deps, ["--extend", ...(dryRun ? ["--dry-run"] : []), ...ids, duration])
}

/** Stops these instances. */
export function stopInstances(
  deps: ClusterDeps,
  ids: readonly string[],
  { dryRun }: { dryRun: boolean },
): Promise<ActiveReply> {
  return askActive(deps, ["--stop", ...(dryRun ? ["--dry-run"] : []), ...ids])
}

/** Starts these stopped instances by one admission: all of them, or none. */
export function startInstances(
  deps: ClusterDeps,
  ids: readonly string[],
  { dryRun }: { dryRun: boolean },
): Promise<ActiveReply> {
  return askActive(deps, ["--start", "--together", ...(dryRun ? ["--dry-run"] : []), ...ids])
}

async function askActive(deps: ClusterDeps, words: readonly string[]): Promise<ActiveReply> {
  const { code, stdout, stderr } = await deps.programs.run([deps.active, ...words])
  if (stderr.trim() !== "") deps.terminal.note(stderr.trim())
  return { code, lines: stdout.trim() === "" ? [] : stdout.trimEnd().split("\n") }
}
