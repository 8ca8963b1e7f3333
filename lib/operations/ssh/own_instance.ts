/** Which instance is meant: the one that is named, or the only one there is. Whose it is, is judged by AWS's answer. */
import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { hasEnded, type Instance, tagOf } from "../../base/instance.ts"
import { quoted } from "../../base/text.ts"
import { isInstanceId } from "../../decisions/ssh/login_target.ts"
import type { ShellDeps } from "./deps.ts"

/** Throws Refused for another's instance, Failed where there is none, UsageError where several are meant. */
export async function meantInstance(deps: ShellDeps, id: string | null): Promise<Instance> {
  const ec2 = await deps.ec2()
  if (id === null) {
    const listed = await ec2.instances({ tags: { [tagOf.owner]: deps.login } })
    const own = listed.filter((instance) => isOwnInstance(deps, instance) && !hasEnded(instance))
    const on = own.filter(({ state }) => state === "running" || state === "pending")
    const [only, ...others] = on.length > 0 ? on : own
    if (!only) throw new Failed("ec2", "you have no instance; launch one with ec2-run")
    if (others.length === 0) return only
    const ids = [only, ...others].map((instance) => instance.id).join(", ")
    throw new UsageError("arguments", `you have several instances, name one of ${ids}`)
  }
  const [found] = (await ec2.instances({ ids: [id] })).filter((instance) => instance.id === id)
  if (!found) throw new Failed(id, "AWS does not list it; ec2-active shows your instances")
  if (!isOwnInstance(deps, found)) throw new Refused(id, `is not an instance of ${deps.login}`)
  if (hasEnded(found)) throw new Failed(id, `is ${found.state}; ec2-run launches another`)
  return found
}

/** By the owner's tag and by an id that is one: a listing could hold anything. */
export function isOwnInstance({ login }: Pick<ShellDeps, "login">, { id, tags }: Instance): boolean {
  return isInstanceId(id) && tags[tagOf.owner] === login
}

/** The first word is an id or belongs to the command. Throws UsageError for what was meant as an id and is none. */
export function idAndWords(words: readonly string[]): { id: string | null; rest: string[] } {
  const [first, ...rest] = words
  if (first === undefined || !/^i-/.test(first)) return { id: null, rest: [...words] }
  if (!isInstanceId(first)) throw new UsageError("arguments", `${quoted(first)} is not an instance id`)
  return { id: first, rest }
}
