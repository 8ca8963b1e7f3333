/**
 * Fingerprints as EC2 makes them: SHA-1 of the private key's DER for RSA pairs that it created, MD5 of the public key's DER for
 * imported ones, SHA-256 in base64 for ed25519.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
 */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto"
import { parsed } from "./moto_client.ts"
import type { AwsRequest, Reply } from "./request.ts"
import type { World } from "./world.ts"
import { findAll, setChild, textAt, writeXml } from "./xml.ts"

export async function makeKeyPair(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const document = parsed(reply)
  const imported = request.form.get("PublicKeyMaterial")
  const fingerprint =
    imported === undefined
      ? fingerprintOfCreated(textAt(document, "keyMaterial"))
      : fingerprintOfImported(Buffer.from(imported, "base64").toString())
  if (fingerprint === null) return reply
  world.fingerprints.set(textAt(document, "keyPairId"), fingerprint)
  setChild(document, "keyFingerprint", fingerprint)
  return withDocument(reply, document)
}

export async function describeKeyPairs(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const document = parsed(reply)
  for (const item of findAll(document, "keySet/item")) {
    const fingerprint = world.fingerprints.get(textAt(item, "keyPairId"))
    if (fingerprint !== undefined) setChild(item, "keyFingerprint", fingerprint)
  }
  return withDocument(reply, document)
}

function withDocument(reply: Reply, document: ReturnType<typeof parsed>): Reply {
  return { ...reply, body: `<?xml version="1.0" encoding="UTF-8"?>\n${writeXml(document)}` }
}

function fingerprintOfCreated(pem: string): string | null {
  if (pem.includes("OPENSSH")) return ed25519Fingerprint(publicOfOpenssh(pem))
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" })
  return colons(createHash("sha1").update(der).digest("hex"))
}

function fingerprintOfImported(openssh: string): string | null {
  const [type, base64] = openssh.trim().split(/\s+/)
  if (base64 === undefined) return null
  const blob = Buffer.from(base64, "base64")
  if (type === "ssh-ed25519") return ed25519Fingerprint(blob)
  if (type !== "ssh-rsa") return null
  const [, e, n] = sshStrings(blob)
  if (!e || !n) return null
  const unsigned = (bytes: Buffer) => bytes.subarray(bytes[0] === 0 ? 1 : 0).toString("base64url")
  const key = createPublicKey({ key: { kty: "RSA", e: unsigned(e), n: unsigned(n) }, format: "jwk" })
  return colons(
    createHash("md5")
      .update(key.export({ type: "spki", format: "der" }))
      .digest("hex"),
  )
}

function ed25519Fingerprint(blob: Buffer): string {
  return createHash("sha256").update(blob).digest("base64")
}

/** The public key inside an `openssh-key-v1` file (PROTOCOL.key): after magic, cipher, KDF, options and the number of keys. */
function publicOfOpenssh(pem: string): Buffer {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64")
  let at = "openssh-key-v1\0".length
  const next = () => {
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    return bytes.subarray(at - length, at)
  }
  for (let skipped = 0; skipped < 3; skipped += 1) next()
  at += 4
  return next()
}

function sshStrings(blob: Buffer): Buffer[] {
  const strings: Buffer[] = []
  for (let at = 0; at + 4 <= blob.length; ) {
    const length = blob.readUInt32BE(at)
    strings.push(blob.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return strings
}

function colons(hex: string): string {
  return hex.replace(/..(?!$)/g, "$&:")
}
