/** What of the config money depends on. All hosts of a course must agree on it: two budgets for one course are none. */
import type { Config } from "../../base/config.ts"

/** Values as JSON, by their key in config.toml. */
export type ConfigTerms = Record<string, string>

export function termsOf(config: Config): ConfigTerms {
  const { course, aws, limits, limitsOfUsers, limitsOfSections, courseBudget, leases, billing, prices } =
    config
  const { enforce: _, schedulerRole: __, ...leaseTerms } = leases
  const { images: ___, ...amounts } = limits
  const tables = {
    course: { name: course.name, term_start: course.termStartUtcMs },
    aws: { region: aws.region, regions: aws.regions },
    limits: {
      ...amounts,
      users: limitsOfUsers,
      // Only where there are any: a host of the version before, which has none, agrees.
      ...(Object.keys(limitsOfSections).length > 0 && { sections: limitsOfSections }),
      course_budget: courseBudget,
    },
    leases: leaseTerms,
    billing,
    prices,
  }
  return Object.fromEntries(
    Object.entries(tables).flatMap(([table, values]) =>
      Object.entries(values).map(([key, value]) => [`${table}.${snakeCase(key)}`, canonical(value)] as const),
    ),
  )
}

/** The keys whose values differ, as config.toml names them. */
export function differingKeys(one: ConfigTerms, other: ConfigTerms): string[] {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].filter((key) => one[key] !== other[key]).sort()
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner) =>
      inner && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? "null"
  )
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
