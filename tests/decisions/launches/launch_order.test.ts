/** Requests as they come: whatever is sent is either an order in bounds or one line that says what is wrong. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { UsageError } from "../../../lib/base/errors.ts"
import { parseLaunchRequest } from "../../../lib/decisions/launches/launch_order.ts"
import { objectionToTags } from "../../../lib/decisions/launches/launch_policy.ts"

const parse = (request: unknown) => parseLaunchRequest(JSON.stringify(request))
const problemOf = (request: unknown): string => {
  try {
    parse(request)
    return "none"
  } catch (error) {
    if (error instanceof UsageError) return error.reason
    throw error
  }
}

describe("a launch request", () => {
  test("may have null for everything but the key's name", () => {
    const keys = [
      "image_id",
      "count",
      "security_groups",
      "instance_type",
      "placement",
      "use_spot",
      "user_data",
    ]
    const nulls = Object.fromEntries(keys.map((key) => [key, null]))
    expect(parse({ key_name: "k", ...nulls })).toEqual(parse({ key_name: "k" }))
    expect(problemOf({ count: 1 })).toBe("key_name is missing")
    expect(problemOf({ key_name: null })).toContain("key_name")
  })

  test("defect: a count given as text crashed", () => {
    for (const count of [3, "3", " 3 "]) expect(parse({ key_name: "k", count }).count).toBe(3)
    for (const count of [0, -1, 1.5, "x", "0", 1001, {}, true]) {
      expect(problemOf({ key_name: "k", count })).toStartWith("count ")
    }
  })

  test("says which key of a union's branch is wrong", () => {
    expect(problemOf({ key_name: "k", spot: { max_price: 0 } })).toStartWith("spot.max_price is less than")
    expect(problemOf({ key_name: "k", root_volume: { gib: 1.5 } })).toStartWith("root_volume.gib is not")
  })

  test("names no tags of ours, whatever their case", () => {
    const tagsOf = (tags: Record<string, string>) => parse({ key_name: "k", tags }).tags
    for (const key of ["EC2-Wrappers:owner", "aws:x"])
      expect(objectionToTags(tagsOf({ Name: "x", [key]: "x" }))).toContain(`"${key}" is in a namespace`)
    expect(objectionToTags(tagsOf({ Name: "x" }))).toBeNull()
  })

  test("has user data of 16 KiB at the most, to the byte", () => {
    const dataOf = (bytes: number) => ({ key_name: "k", user_data: Buffer.alloc(bytes).toString("base64") })
    expect(parse(dataOf(16_384)).userData).toHaveLength(16_384)
    for (const bytes of [16_385, 16_386]) expect(problemOf(dataOf(bytes))).toContain("16384 bytes")
  })

  test("of any shape gives an order in bounds or a usage error of one line", () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.json(),
      fc.object(),
    )
    const keys = fc.constantFrom(
      "key_name",
      "count",
      "tags",
      "user_data",
      "spot",
      "cluster",
      "root_volume",
      "lease_minutes",
      "protocol",
      "x",
    )
    fc.assert(
      fc.property(fc.dictionary(keys, value), (request) => {
        const problem = problemOf({ key_name: "k", ...request })
        expect(problem).not.toContain("\n")
        if (problem !== "none") return
        const { count, keyName } = parse({ key_name: "k", ...request })
        expect(count >= 1 && count <= 1000 && keyName.length > 0).toBe(true)
      }),
    )
  })

  test("that is no JSON object is a usage error", () => {
    for (const json of ["", "{", "[]", "null", "3", '"x"']) {
      expect(() => parseLaunchRequest(json)).toThrow(UsageError)
    }
  })
})
