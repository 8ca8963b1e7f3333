/** The public half of a private SSH key that we recorded, for importing it into EC2 again. */
import { createPublicKey } from "node:crypto"

/** `TYPE BASE64`; null where the key's form is not known. */
export function publicKeyOf(privateKey: string): string | null {
  try {
    return privateKey.includes("OPENSSH PRIVATE KEY") ? ofOpenSsh(privateKey) : ofPem(privateKey)
  } catch {
    return null
  }
}

/** PKCS #1, as EC2 makes RSA keys, and PKCS #8. */
function ofPem(privateKey: string): string | null {
  const jwk = createPublicKey(privateKey).export({ format: "jwk" }) as Record<string, string | undefined>
  if (jwk.kty === "RSA" && jwk.n && jwk.e) {
    return encoded("ssh-rsa", [positive(fromUrl(jwk.e)), positive(fromUrl(jwk.n))])
  }
  return jwk.crv === "Ed25519" && jwk.x ? encoded("ssh-ed25519", [fromUrl(jwk.x)]) : null
}

/** https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key: the public half lies in it unencrypted. */
function ofOpenSsh(privateKey: string): string | null {
  const bytes = Buffer.from(privateKey.replace(/-----[^-]+-----/g, ""), "base64")
  let at = "openssh-key-v1\0".length
  const next = () => {
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    return bytes.subarray(at - length, at)
  }
  for (const _skipped of ["cipher", "key derivation", "its options"]) next()
  if (bytes.readUInt32BE(at) !== 1) return null
  at += 4
  const blob = next()
  return `${blob.subarray(4, 4 + blob.readUInt32BE(0))} ${blob.toString("base64")}`
}

function encoded(type: string, fields: Uint8Array[]): string {
  const parts = [Buffer.from(type), ...fields].flatMap((field) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(field.length)
    return [length, field]
  })
  return `${type} ${Buffer.concat(parts).toString("base64")}`
}

function fromUrl(text: string): Uint8Array {
  return Buffer.from(text, "base64url")
}

/** An integer of RFC 4251: a leading zero where the first bit would mean a minus. */
function positive(bytes: Uint8Array): Uint8Array {
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
}
