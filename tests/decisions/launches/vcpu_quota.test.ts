/** Which vCPU quota of the account a type counts against, and whether it has room. */
import { describe, expect, test } from "bun:test"
import type { Market } from "../../../lib/base/instance.ts"
import { objectionToVcpus, type VcpuFacts, vcpuQuotaOf } from "../../../lib/decisions/launches/vcpu_quota.ts"

describe("the quota of", () => {
  const cases: [type: string, market: Market, code: string | null][] = [
    ["t3.micro", "on-demand", "L-1216C47A"],
    ["m7i-flex.large", "on-demand", "L-1216C47A"],
    ["i4i.large", "on-demand", "L-1216C47A"],
    ["is4gen.large", "on-demand", "L-1216C47A"],
    ["c7g.large", "spot", "L-34B43A08"],
    ["g6.xlarge", "on-demand", "L-DB2E81BA"],
    ["g4dn.xlarge", "spot", "L-3819A6DF"],
    ["gr6.4xlarge", "on-demand", "L-DB2E81BA"],
    ["p3.2xlarge", "spot", "L-7212CCBC"],
    ["p5.48xlarge", "spot", "L-C4BD4855"],
    ["inf2.xlarge", "on-demand", "L-1945791B"],
    ["trn1.2xlarge", "on-demand", "L-2C3B7624"],
    ["x2idn.16xlarge", "on-demand", "L-7295265B"],
    ["u-6tb1.112xlarge", "on-demand", null],
    ["hpc7g.4xlarge", "on-demand", null],
    ["mac2.metal", "on-demand", null],
  ]
  test.each(cases)("%s, %s, is %p", (type, market, code) => {
    expect(vcpuQuotaOf(type, market)?.code ?? null).toBe(code)
  })
})

const facts: VcpuFacts = {
  running: [
    { instanceType: "g5.xlarge", market: "on-demand", count: 2 },
    { instanceType: "g5.xlarge", market: "spot", count: 9 },
    { instanceType: "m5.large", market: "on-demand", count: 50 },
    { instanceType: "g9.unheard", market: "on-demand", count: 50 },
  ],
  launching: [{ instanceType: "g4dn.xlarge", market: "on-demand", count: 1 }],
  vcpus: new Map([
    ["g5.xlarge", 4],
    ["g4dn.xlarge", 4],
    ["m5.large", 2],
  ]),
  quotas: new Map([["L-DB2E81BA", 16]]),
}

describe("what is asked for", () => {
  test("fits up to the quota of its own family and market", () => {
    expect(objectionToVcpus({ instanceType: "g5.xlarge", market: "on-demand", count: 1 }, facts)).toBeNull()
  })

  test("is refused beyond it, with the arithmetic", () => {
    expect(objectionToVcpus({ instanceType: "g5.xlarge", market: "on-demand", count: 2 }, facts)).toBe(
      "8 vCPUs running + 4 launching + 8 asked = 20, quota of the AWS account for G and VT instances 16; staff can ask AWS for more (Service Quotas, L-DB2E81BA)",
    )
  })

  test("is EC2's to judge where its quota or its size is not known", () => {
    const unknown: [string, Market][] = [
      ["m5.large", "on-demand"],
      ["g5.xlarge", "spot"],
      ["g9.unheard", "on-demand"],
      ["u-6tb1.112xlarge", "on-demand"],
    ]
    for (const [instanceType, market] of unknown)
      expect(objectionToVcpus({ instanceType, market, count: 999 }, facts)).toBeNull()
  })
})
