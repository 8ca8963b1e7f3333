/** Where else a launch may go when EC2 has no room: which types and zones it tries, and what a refusal means for the next attempt. */
import type { Market } from "../../base/instance.ts"
import type { MicroUsd } from "../../base/money.ts"
import { plural } from "../../base/text.ts"

/** The most types that one launch may name: each is priced, and each is asked for in every zone. */
export const mostTypes = 8

export interface TypesAsked {
  /** In the order in which they are tried. Each must pass every rule. */
  named: string[]
  /** The course's, for a launch of one type: those that break a rule are left out. */
  fallback: string[]
}

/** `g6.xlarge,g5.xlarge`, or the course's type; `fallback`: `[launch] fallback`. */
export function typesAsked(
  asked: string,
  { instanceType, fallback }: { instanceType: string; fallback: Readonly<Record<string, readonly string[]>> },
): TypesAsked {
  const named = [...new Set((asked ? asked.split(",") : [instanceType]).map((type) => type.trim()))]
  const [only = ""] = named
  const others = named.length === 1 ? (fallback[only] ?? []) : []
  return { named, fallback: [...new Set(others)].filter((type) => type !== only) }
}

/** Why not, or null. */
export function objectionToTypes({ named }: TypesAsked): string | null {
  if (named.length > mostTypes) return `names ${plural(named.length, "type")}, at most ${mostTypes}`
  return named.includes("") && named.length > 1 ? "has an empty name between its commas" : null
}

/** One RunInstances: what is asked for, where, and what one instance costs there at most. */
export interface PlannedAttempt {
  /** 0 for the first. */
  number: number
  instanceType: string
  /** Null: EC2 chooses. */
  zone: string | null
  market: Market
  /** Of one instance; Spot: the maximum price sent. */
  microUsdPerHour: MicroUsd
}

/** Zones first, then types. `zones` begins with where the launch wants to go. */
export function attemptsOf(
  candidates: readonly Pick<PlannedAttempt, "instanceType" | "market" | "microUsdPerHour">[],
  zones: readonly (string | null)[],
): PlannedAttempt[] {
  return candidates
    .flatMap(({ instanceType, market, microUsdPerHour }) =>
      zones.map((zone) => ({ instanceType, zone, market, microUsdPerHour })),
    )
    .map((attempt, number) => ({ number, ...attempt }))
}

/** EC2's ClientToken of an attempt: the first one's is the reservation's id. At most 64 characters. */
export function attemptToken(reservationId: string, number: number): string {
  return number === 0 ? reservationId : `${reservationId}-${number}`
}

/** Whether it is the token of an attempt of this reservation. */
export function isAttemptToken(token: string, reservationId: string): boolean {
  if (token === reservationId) return true
  return token.startsWith(`${reservationId}-`) && /^\d{1,3}$/.test(token.slice(reservationId.length + 1))
}

/**
 * Codes by which EC2 says that it launched nothing and has no room: InsufficientInstanceCapacity comes with HTTP 500, as what may have
 * launched does. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const noRoom: Record<string, "zone" | "type"> = {
  InsufficientInstanceCapacity: "zone",
  InsufficientHostCapacity: "zone",
  InsufficientCapacity: "zone",
  InsufficientFreeAddressesInSubnet: "zone",
  // Not sold in that zone.
  Unsupported: "zone",
  // Each zone has its own Spot price.
  SpotMaxPriceTooLow: "zone",
  // Quotas hold for a region.
  VcpuLimitExceeded: "type",
  MaxSpotInstanceCountExceeded: "type",
}

/** What is tried after EC2 refused `attempt` with `code`; null: the launch ends with this refusal. */
export function attemptAfter(
  attempts: readonly PlannedAttempt[],
  attempt: PlannedAttempt,
  code: string,
): PlannedAttempt | null {
  const what = Object.hasOwn(noRoom, code) ? noRoom[code] : undefined
  if (what === undefined) return null
  return (
    attempts
      .slice(attempt.number + 1)
      .find(({ instanceType }) => what === "zone" || instanceType !== attempt.instanceType) ?? null
  )
}

/** `m5.large in any zone, us-east-1b; m6i.large in us-east-1a`. */
export function triedLine(attempts: readonly PlannedAttempt[]): string {
  const zonesOf = new Map<string, string[]>()
  for (const { instanceType, zone } of attempts) {
    zonesOf.set(instanceType, [...(zonesOf.get(instanceType) ?? []), zone ?? "any zone"])
  }
  return `${[...zonesOf].map(([type, zones]) => `${type} in ${zones.join(", ")}`).join("; ")}`
}
