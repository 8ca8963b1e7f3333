import { describe, expect, test } from "bun:test"
import { microUsd } from "../../../lib/base/money.ts"
import { embeddedPrice, embeddedTypes, isEstimated } from "../../../lib/decisions/pricing/embedded_prices.ts"
import { operationOfProduct } from "../../../lib/decisions/pricing/spot_products.ts"

test.each([
  ["Linux/UNIX", "RunInstances"],
  ["Linux/UNIX (Amazon VPC)", "RunInstances"],
  ["Windows", "RunInstances:0002"],
  ["Windows (Amazon VPC)", "RunInstances:0002"],
  ["SUSE Linux", "RunInstances:000g"],
  ["Red Hat Enterprise Linux", "RunInstances:0010"],
  ["Red Hat Enterprise Linux (Amazon VPC)", "RunInstances:0010"],
  ["Debian", null],
  ["Old Windows", null],
  ["", null],
])("spot product %p is sold as %p", (product, operation) => {
  expect(operationOfProduct(product)).toBe(operation)
})

describe("the prices that travel with the tools", () => {
  test.each<[type: string, usd: number | null, estimated: boolean]>([
    ["t3.micro", 0.0104, false],
    ["m5.large", 0.096, false],
    // AWS publishes none for it any more.
    ["m1.small", 0.044, false],
    ["m99.huge", null, false],
    ["", null, false],
    ["instance_type", null, false],
    ["t3.micro,0.0104\nt3.small", null, false],
    ["3.micro", null, false],
  ])("of %p is %p; estimated: %p", (type, usd, estimated) => {
    expect(embeddedPrice(type)).toBe(usd === null ? null : microUsd(usd))
    expect(isEstimated(type)).toBe(estimated)
  })

  test("are above nothing for every type that is sold", () => {
    const types = embeddedTypes()
    expect(types.length).toBeGreaterThan(1000)
    expect(types.filter((type) => !((embeddedPrice(type) ?? 0) > 0))).toEqual([])
    expect(types.filter(isEstimated)).toEqual([])
  })
})
