/** Names of backends, both ways: each backend has one, and each label means one backend or none. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { labelOf, targetOfLabel } from "../../../lib/decisions/proxy/backend_names.ts"
import { canonicalHost } from "../../../lib/decisions/proxy/host.ts"
import type { Target } from "../../../lib/decisions/proxy/target.ts"

const base = "mp-abcdefghijklm"
const http = (host: string, port = 8088): Target => ({ scheme: "http", host, port })

describe("names of backends", () => {
  test.each([
    ["10.0.0.7", "10-0-0-7"],
    ["6.0.0.1", "6-0-0-1"],
    ["node-", "node-"],
    ["localhost", "localhost"],
    ["node.internal", "node_internal"],
    ["ip-10-0-0-7", "ip-10-0-0-7"],
    ["ip-10-0-0-7.ec2.internal", "ip-10-0-0-7_ec2_internal"],
    ["ip-172-31-255-255.ap-southeast-2.compute.internal", "ip-172-31-255-255_ap-southeast-2__i"],
    ["ec2-203-0-113-5.compute-1.amazonaws.com", "ec2-203-0-113-5__e"],
    ["ec2-203-0-113-5.us-west-2.compute.amazonaws.com", "ec2-203-0-113-5_us-west-2__a"],
    ["fd00::1", "6-fd00--1"],
    ["::1", "6---1"],
    ["2600:1f18:1234:5678:9abc:def0:1234:5678", "6-26001f18123456789abcdef012345678"],
    ["xn--bcher-kva.internal", "n-xn--bcher-kva_internal"],
    ["10-0-0-7", "n-10-0-0-7"],
    ["n-x", "n-n-x"],
    ["6-fd00--1", "n-6-fd00--1"],
    ["h-x", "n-h-x"],
    ["a--b", "a--b"],
    ["a_b", "a__ub"],
  ])("%s is %s", (host, form) => {
    expect(labelOf(http(host), base)).toBe(`${form}--8088--${base}`)
    expect(targetOfLabel(`${form}--8088--${base}`, base, [])).toEqual(http(host))
    const secure: Target = { scheme: "https", host, port: 443 }
    expect(labelOf(secure, base)).toBe(`${form}--443s--${base}`)
    expect(targetOfLabel(`${form}--443s--${base}`, base, [])).toEqual(secure)
  })

  test.each([
    ["2130706433"],
    ["0x7f000001"],
    ["0177-0-0-1"],
    ["010-0-0-7"],
    ["256-0-0-1"],
    ["10-0-0-7_"],
    ["node_"],
    ["_node"],
    ["n-node"],
    ["n-10_0_0_7"],
    ["10_0_0_7"],
    ["6-fd00-0-0-0-0-0-0-1"],
    ["6-FD00--1"],
    ["6-zz"],
    ["6---ffff-10.0.0.7"],
    ["6-0000000000000000000000000000000g"],
    ["xn--80"],
    ["h-000000000000000000000000"],
    ["a__b"],
    [""],
    ["-"],
  ])("%p means no backend", (form) => {
    expect(targetOfLabel(`${form}--8088--${base}`, base, [])).toBeNull()
  })

  test.each([["0"], ["080"], ["65536"], ["80ss"], ["s"], [""]])("port %p means no backend", (port) => {
    expect(targetOfLabel(`node--${port}--${base}`, base, [])).toBeNull()
  })

  test("another proxy's random part, or none, means no backend", () => {
    for (const label of ["node--80--mp-bbcdefghijklm", "node--80", base, `--${base}`, `node--80--x${base}`]) {
      expect(targetOfLabel(label, base, [])).toBeNull()
    }
  })

  test("a host that fits into no label is known by a hash, where it is named", () => {
    const host = `${"long-".repeat(10)}name.default.svc.cluster.local`
    const label = labelOf(http(host), base) ?? ""
    expect(label.length).toBeLessThanOrEqual(63)
    expect(targetOfLabel(label, base, [])).toBeNull()
    expect(targetOfLabel(label, base, ["node", host, host])).toEqual(http(host))
    expect(
      targetOfLabel((labelOf(http("node"), base) ?? "").replace("node", label.slice(0, 26)), base, ["node"]),
    ).toBeNull()
  })

  test("every host has one label of at most 63 characters, and gets it back", () => {
    const word = fc.stringMatching(/^[a-z0-9_-]{1,12}$/)
    const hosts = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((text) => `[${text}]`),
      fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(".")),
      fc
        .constantFrom("n-", "h-", "6-", "xn--", "mp-", "10-0-0-7", "--", "_", "a._b", "a_.b")
        .chain((start) => word.map((end) => start + end)),
      fc
        .tuple(word, fc.constantFrom(".compute.internal", ".ec2.internal", ".compute-1.amazonaws.com"))
        .map((parts) => parts.join("")),
    )
    const labels = new Map<string, string>()
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 65_535 }), fc.boolean(), (text, port, secure) => {
        const host = canonicalHost(text)
        if (host === null) return
        const target: Target = { scheme: secure ? "https" : "http", host, port }
        const label = labelOf(target, base) ?? ""
        const meant = `${target.scheme} ${host} ${port}`
        expect(label).toMatch(/^(?!xn--)[a-z0-9_-]{1,63}$/)
        expect(labels.get(label) ?? meant).toBe(meant)
        labels.set(label, meant)
        expect(targetOfLabel(label, base, [host])).toEqual(target)
      }),
      { numRuns: 3000 },
    )
  })

  test("every label means the one backend that has it, or none", () => {
    const piece = fc.constantFrom(
      "n-",
      "h-",
      "6-",
      "xn--",
      "--",
      "-",
      "_",
      "__",
      "__i",
      "__u",
      "0",
      "10",
      "255",
      "a",
      "fd00",
      "s",
      "80",
      "443s",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const label = `${pieces.join("")}--${base}`
        const target = targetOfLabel(label, base, [])
        if (target) expect(labelOf(target, base)).toBe(label)
      }),
      { numRuns: 5000 },
    )
  })
})
