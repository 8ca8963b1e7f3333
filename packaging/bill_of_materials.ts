/** What the executables are made of, as CycloneDX has it: https://cyclonedx.org/docs/1.5/json/ */
import { createHash } from "node:crypto"

interface LockedPackage {
  version?: string
  license?: string
  integrity?: string
  dependencies?: Record<string, string>
}

export interface LockFile {
  name: string
  version: string
  packages: Record<string, LockedPackage>
}

/**
 * The packages that are compiled in: what this project depends on, directly or through others, but for development, optional packages
 * (Bun's executables for other systems) and peers (a compiler that a library can use). `bun`, the runtime, is one of them. The
 * same lock file gives the same text: no time, and a serial number made of it.
 */
export function billOfMaterials(lock: LockFile): string {
  const components = [...compiledIn(lock)]
    .map((path) =>
      componentOf(
        path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
        lock.packages[path] ?? {},
      ),
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

/** Where they lie, as the lock file names it: `node_modules/NAME`, or below the package that wants another version of it. */
function compiledIn({ packages }: LockFile): Set<string> {
  const found = new Set<string>()
  const visit = (from: string) => {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const path = placeOf(name, from, packages)
      if (found.has(path)) continue
      found.add(path)
      visit(path)
    }
  }
  visit("")
  return found
}

/** The nearest of that name, looked up from the package at `from` as Node does. */
function placeOf(name: string, from: string, packages: LockFile["packages"]): string {
  for (let below = from; ; below = below.slice(0, Math.max(0, below.lastIndexOf("/node_modules/")))) {
    const path = below === "" ? `node_modules/${name}` : `${below}/node_modules/${name}`
    if (packages[path] !== undefined) return path
    if (below === "") throw new Error(`package-lock.json lacks ${name}, which ${from} depends on`)
  }
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
