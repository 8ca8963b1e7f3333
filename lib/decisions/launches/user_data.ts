/**
 * The shutdown timer that travels in the user data: a boot hook that shuts the instance down, which terminates it, when
 * its lease ends, and that asks for the lease's tag each minute, so that an extension reaches it. It works when the login host
 * is down. The user's own script stays what it was: cloud-init takes both as parts of one MIME archive.
 * https://cloudinit.readthedocs.io/en/latest/explanation/format.html
 */
import { tagOf } from "../../base/instance.ts"
import { isoUtc, type UtcMs } from "../../base/time.ts"
import { mostUserDataBytes } from "./launch_order.ts"

export interface TimerTime {
  leaseEndsAtUtcMs: UtcMs
  /** How much later it shuts down: where enforcement stops instances, it gets to be first. */
  graceMs: number
}

export interface MergedUserData {
  /** What EC2 is sent. */
  bytes: Uint8Array
  /** Whether the timer is in it. */
  hasTimer: boolean
  /** Why it is not: said to the caller, who may want to know. */
  because: string | null
}

/** The user's data with the timer; the user's alone where cloud-init could not read both, or they would not fit. */
export function withShutdownTimer(userData: Uint8Array | null, time: TimerTime): MergedUserData {
  const hook = shutdownHook(time)
  if (userData === null || userData.length === 0) {
    return { bytes: new TextEncoder().encode(hook), hasTimer: true, because: null }
  }
  const plain = unpacked(userData)
  const part = plain === null ? null : (partOf(plain) ?? encodedPart(plain))
  if (!part) {
    return withoutTimer(userData, "the user data is nothing that cloud-init runs")
  }
  const archive = new TextEncoder().encode(mimeArchive([hookPart(hook), part]))
  const packed = archive.length <= mostUserDataBytes ? archive : Bun.gzipSync(archive, { level: 9 })
  if (packed.length > mostUserDataBytes) {
    const room = `${packed.length} bytes gzipped with it, at most ${mostUserDataBytes}`
    return withoutTimer(userData, `the user data leaves no room for it (${room})`)
  }
  return { bytes: packed, hasTimer: true, because: null }
}

export function withoutTimer(userData: Uint8Array | null, because: string): MergedUserData {
  return { bytes: userData ?? new Uint8Array(), hasTimer: false, because }
}

/** The most that packed data may unpack to: a bomb would eat the launcher's memory. */
const mostUnpackedBytes = 4 * 1024 * 1024

/** The text in user data that may be gzipped; null where it is no text. */
function unpacked(userData: Uint8Array): string | null {
  let bytes = userData
  if (userData[0] === 0x1f && userData[1] === 0x8b) {
    const inflated = gunzipped(userData)
    if (!inflated) return null
    bytes = inflated
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function gunzipped(bytes: Uint8Array): Uint8Array | null {
  // The last four bytes hold the length of what is packed, modulo 2^32 (RFC 1952).
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 18 || length.getUint32(bytes.length - 4, true) > mostUnpackedBytes) return null
  try {
    const inflated = Bun.gunzipSync(bytes as Uint8Array<ArrayBuffer>)
    return inflated.length <= mostUnpackedBytes ? inflated : null
  } catch {
    return null
  }
}

interface Part {
  type: string
  text: string
}

/** How cloud-init knows a part: by its beginning, in any case and after any white space, the longer one first. */
const partTypes: [beginning: string, type: string][] = [
  ["#cloud-config-archive", "text/cloud-config-archive"],
  ["#cloud-config-jsonp", "text/cloud-config-jsonp"],
  ["## template: jinja", "text/jinja2"],
  ["#cloud-boothook", "text/cloud-boothook"],
  ["#cloud-config", "text/cloud-config"],
  ["#include-once", "text/x-include-once-url"],
  ["#part-handler", "text/part-handler"],
  ["#include", "text/x-include-url"],
  ["#!", "text/x-shellscript"],
]

function partOf(text: string): Part | null {
  const beginning = text.trimStart().toLowerCase()
  const type = partTypes.find(([known]) => beginning.startsWith(known))?.[1]
  if (type !== undefined) return { type, text }
  // a message of its own, of one part or several, where cloud-init looks for it
  if (!/mime-version:/i.test(text.slice(0, 4096))) return null
  // mail programs put a line before the headers, which only the first message may have
  return { type: message, text: text.replace(/^From .*\r?\n/, "") }
}

/** Not a type: the text has its headers. */
const message = "message"

/** Newer cloud-inits decode what was encoded once more than EC2 asks for; a script, plain or packed, is in it or nothing is. */
function encodedPart(text: string): Part | null {
  const compact = text.replace(/\s+/g, "")
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2,3}={0,2})?$/.test(compact)) return null
  const decoded = unpacked(Buffer.from(compact, "base64"))
  return decoded === null ? null : partOf(decoded)
}

/** A message of the user's own becomes a part as it is: cloud-init walks nested ones. */
function mimeArchive(parts: Part[]): string {
  const text = parts.map((part) => part.text).join("")
  let boundary = "==ec2-wrappers=="
  while (text.includes(boundary)) boundary = `=${boundary}=`
  const body = parts.map((part) => {
    const head =
      part.type === message
        ? part.text
        : `Content-Type: ${part.type}; charset="utf-8"\nContent-Transfer-Encoding: ${encodingOf(part.text)}\n\n${encoded(part.text)}`
    return `--${boundary}\n${head}\n`
  })
  return `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n${body.join("")}--${boundary}--\n`
}

/** 8bit keeps text small and readable; what is not ASCII, or has lone carriage returns, survives only as base64. */
const encodingOf = (text: string) => (/^[\n\t\x20-\x7e]*$/.test(text) ? "7bit" : "base64")
const encoded = (text: string) =>
  encodingOf(text) === "7bit"
    ? text
    : (
        Buffer.from(text, "utf8")
          .toString("base64")
          .match(/.{1,76}/g) ?? []
      ).join("\n")

const hookPart = (hook: string): Part => ({ type: "text/cloud-boothook", text: hook })

/**
 * Runs at every boot, before the user's own scripts, and stays: systemd holds it where there is systemd, so that it outlives
 * cloud-init. The embedded end holds until the tag can be read, and for good where it never can.
 */
export function shutdownHook({ leaseEndsAtUtcMs, graceMs }: TimerTime): string {
  return `#cloud-boothook
#!/bin/sh
# ec2-wrappers: this instance ends with its lease (${isoUtc(leaseEndsAtUtcMs)}); "ec2-active --extend" moves it.
mkdir -p /run && cat >/run/ec2-lease <<'END'
#!/bin/sh
end=${Math.ceil(leaseEndsAtUtcMs / 1000)} grace=${Math.ceil(graceMs / 1000)} warned=
imds=http://169.254.169.254/latest
while :; do
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $imds/api/token)
  tag=$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" $imds/meta-data/tags/instance/${tagOf.leaseEnd})
  new=$(date -u -d "$tag" +%s 2>/dev/null)
  case $tag:$new in 20*:[0-9]*) end=$new;; esac
  left=$((end - $(date +%s)))
  if [ $((left + grace)) -le 0 ]; then shutdown -h now || poweroff; fi
  if [ $left -le 900 ] && [ "$warned" != $end ]; then
    warned=$end
    wall "The lease of this instance ends in $((left / 60)) minutes. On the login host: ec2-active --extend" 2>/dev/null
  fi
  left=$((left + grace))
  if [ $left -gt 60 ] || [ $left -le 0 ]; then left=60; fi
  sleep $left
done
END
chmod 700 /run/ec2-lease
systemd-run -u ec2-lease /bin/sh /run/ec2-lease 2>/dev/null || setsid /bin/sh /run/ec2-lease >/dev/null 2>&1 </dev/null &
`
}
