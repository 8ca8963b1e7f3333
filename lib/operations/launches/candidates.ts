/** The types that a launch may come to: each held against every rule, and priced, before the first is asked for. */
import { Refused, UsageError } from "../../base/errors.ts"
import type { Image } from "../../base/instance.ts"
import { type MicroUsd, mostOf } from "../../base/money.ts"
import { objectionToTypes, type TypesAsked, typesAsked } from "../../decisions/launches/capacity.ts"
import type { LaunchOrder } from "../../decisions/launches/launch_order.ts"
import { objectionToArchitecture, objectionToType } from "../../decisions/launches/launch_policy.ts"
import type { Rates } from "../../decisions/launches/worst_case.ts"
import type { LaunchDeps } from "./deps.ts"
import { defaultZones, refuse } from "./launch_lookups.ts"
import { limitsOf } from "./limits.ts"
import { factsOfTypes } from "./type_facts.ts"

/** A type as it would be launched. */
export interface Candidate {
  instanceType: string
  /** The course names it, not the caller: it is left out where it breaks a rule. */
  isFallback: boolean
  rates: Rates
  /** The most that is bid for an hour; null: on demand. */
  spotMax: MicroUsd | null
}

/** Throws Refused or UsageError for the first named type that breaks a rule; leaves out those of `[launch] fallback` that do. */
export function allowedTypes(deps: LaunchDeps, order: LaunchOrder): TypesAsked {
  const { config, caller } = deps
  const { instanceType, fallback } = config.launch
  if (order.instanceType === "" && instanceType === "") {
    throw new UsageError("instance type", "none is given, and launch.instance_type names none (-t TYPE)")
  }
  // A cluster's settings are made for its type.
  const asked = typesAsked(order.instanceType, {
    instanceType,
    fallback: order.cluster === null ? fallback : {},
  })
  refuse("instance type", objectionToTypes(asked))
  const limits = limitsOf(deps, caller.login)
  for (const type of asked.named) refuse("instance type", objectionToType(type, limits))
  return { ...asked, fallback: asked.fallback.filter((type) => objectionToType(type, limits) === null) }
}

/** Those of the types that the image runs on and that have a price. AWS is asked about them only where there are several. */
export async function candidatesOf(
  deps: LaunchDeps,
  { named, fallback }: TypesAsked,
  image: Image,
  priceOne: (instanceType: string) => Omit<Candidate, "instanceType" | "isFallback">,
): Promise<Candidate[]> {
  const all = [...named, ...fallback]
  const facts = all.length > 1 ? await factsOfTypes(deps, all) : null
  return all.flatMap((instanceType) => {
    const isFallback = fallback.includes(instanceType)
    try {
      if (facts)
        refuse("instance type", objectionToArchitecture(instanceType, facts.get(instanceType), image))
      return [{ instanceType, isFallback, ...priceOne(instanceType) }]
    } catch (error) {
      if (isFallback && error instanceof Refused) return []
      throw error
    }
  })
}

/** What is reserved for one instance: the dearest of the candidates. */
export function dearestOf(candidates: readonly Candidate[]): Rates {
  const [first] = candidates as [Candidate]
  return {
    ...first.rates,
    microUsdPerHour: mostOf(...candidates.map(({ rates }) => rates.microUsdPerHour)),
  }
}

/** Where a launch may go: null, where EC2 chooses, then each zone. Only the one where it names a zone, a subnet or a placement group. */
export async function zonesOf(deps: LaunchDeps, order: LaunchOrder): Promise<(string | null)[]> {
  const { zone, subnet, placementGroup } = order
  if (zone !== null) return [zone]
  if ((subnet ?? deps.config.launch.subnet) !== "" || placementGroup !== null) return [null]
  return [null, ...(await defaultZones(deps))]
}
