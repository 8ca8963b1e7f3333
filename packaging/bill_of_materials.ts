/** What the executables are made of, as CycloneDX has it: https://cyclonedx.org/docs/1.5/json/ */
import { createHash } from "node:crypto"

interface LockedPackage {
  version?: string
  license?: string
  dev?: boolean
  integrity?: string
}

export interface LockFile {
  name: string
  version: string
  packages: Record<string, LockedPackage>
}

/**
 * The packages that are compiled in: those of the lock file that are not for development alone. `bun`, the runtime, is one of them. The
 * same lock file gives the same text: no time, and a serial number made of it.
 */
export function billOfMaterials(lock: LockFile): string {
  const components = Object.entries(lock.packages)
    .filter(([path, { dev, version }]) => path !== "" && !dev && version !== undefined)
    .map(([path, locked]) =>
      componentOf(path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), locked),
    )
    .sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1))
  const body = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(components) + lock.version)}`,
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": `pkg:npm/${lock.name}@${lock.version}`,
        name: lock.name,
        version: lock.version,
        licenses: [{ license: { id: "BSD-3-Clause" } }],
      },
    },
    components,
  }
  return `${JSON.stringify(body, null, 2)}\n`
}

function componentOf(name: string, { version = "", license, integrity }: LockedPackage) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`
  const [algorithm, digest] = integrity?.split(" ")[0]?.split("-", 2) ?? []
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    ...(license === undefined
      ? {}
      : { licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }] }),
    ...(algorithm === "sha512" && digest !== undefined
      ? { hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }] }
      : {}),
  }
}

/** Version 8, whose bits are whatever their maker likes: RFC 9562, section 5.8. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex")
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-")
}
