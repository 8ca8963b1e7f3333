import { describe, expect, test } from "bun:test"
import { architectureObjection, memoryObjection } from "../../../lib/decisions/clusters/fit.ts"
import { masterRoles, type Role, workerRoles } from "../../../lib/decisions/clusters/roles.ts"

const gib = (name: string, memory: number) => ({ name, memoryMib: memory * 1024, architectures: ["x86_64"] })

describe("memory", () => {
  test.each([
    [
      "t3.micro",
      1,
      masterRoles,
      "nn,snn,rm,jhs,sm,shs: 384 for the system + 6 × 384 for daemons = 2688 MB, and t3.micro has 952 MB",
    ],
    [
      "t3.micro",
      1,
      ["sw"],
      "sw: 384 for the system + 1 × 384 for daemons + 1 × 1024 for jobs (sw) = 1792 MB, and t3.micro has 952 MB",
    ],
    ["t3.small", 2, ["sw"], null],
    ["t3.small", 2, ["sw", "jupyter"], "+ 512 for JupyterLab = 2304 MB, and t3.small has 1904 MB"],
    ["t3.small", 2, ["sm"], null],
    ["t3.medium", 4, masterRoles, null],
    ["t3.medium", 4, workerRoles, null],
    ["t3.micro", 1, [], null],
  ] as [string, number, Role[], string | null][])(
    "of %s (%d GiB) for %j",
    (name, memory, roles, objection) => {
      const found = memoryObjection(gib(name, memory), roles)
      if (objection === null) expect(found).toBeNull()
      else expect(found).toContain(objection)
    },
  )
})

test.each([
  ["x86_64", ["x86_64", "i386"], null],
  ["arm64", ["x86_64"], "image ami-1 is for arm64, and T is x86_64"],
  ["x86_64", ["arm64"], "image ami-1 is for x86_64, and T is arm64"],
  ["", ["arm64"], null],
  ["arm64", [], null],
])("an image for %j on a type of %j", (architecture, architectures, objection) => {
  const type = { name: "T", memoryMib: 1024, architectures }
  expect(architectureObjection(type, { id: "ami-1", architecture })).toBe(objection)
})
