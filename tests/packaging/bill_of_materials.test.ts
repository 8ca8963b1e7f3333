/** The bill of materials names what is compiled in, and nothing else. */
import { expect, test } from "bun:test"
import { billOfMaterials, type LockFile } from "../../packaging/bill_of_materials.ts"

const lock: LockFile = {
  name: "ours",
  version: "1.2.3",
  packages: {
    "": { version: "1.2.3", dependencies: { direct: "1.0.0", "@scope/one": "2.0.0" } },
    "node_modules/direct": { version: "1.0.0", license: "MIT", dependencies: { shared: "^1" } },
    "node_modules/direct/node_modules/shared": { version: "1.5.0", dependencies: { "@scope/one": "2" } },
    "node_modules/shared": { version: "2.5.0" },
    "node_modules/@scope/one": { version: "2.0.0", integrity: "sha512-AAAA" },
    "node_modules/compiler": { version: "9.0.0" },
  },
}

test("names what is depended on, at the version that is used, and neither peers nor what is for development", () => {
  const { components, serialNumber } = JSON.parse(billOfMaterials(lock))
  expect(components.map(({ purl }: { purl: string }) => purl)).toEqual([
    "pkg:npm/%40scope/one@2.0.0",
    "pkg:npm/direct@1.0.0",
    "pkg:npm/shared@1.5.0",
  ])
  expect(components[0].hashes).toEqual([{ alg: "SHA-512", content: "000000" }])
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(billOfMaterials(lock)).toBe(billOfMaterials(structuredClone(lock)))
})

test("refuses a lock file that lacks what is depended on", () => {
  const { "node_modules/direct": _, ...packages } = lock.packages
  expect(() => billOfMaterials({ ...lock, packages })).toThrow("package-lock.json lacks direct")
})
