/**
 * A host name for each backend, one label below localhost: `HOST--PORT--mp-….localhost`. Names with a common parent would be one
 * site to browsers, and their backends could toss cookies to each other; names of one label are sites of their own.
 */
import { canonicalHost, isAddress } from "./host.ts"
import { portOf, type Target } from "./target.ts"

/** RFC 1035 2.3.4. */
const labelAtMost = 63

/** Ends of EC2's names, which would not fit otherwise. A dot is never followed by a dot, so `__` is free to mark them. */
const shortened = [
  [".compute.internal", "__i"],
  [".compute.amazonaws.com", "__a"],
  [".compute-1.amazonaws.com", "__e"],
] as const

/** What names must not begin with, since it means something else there; `n-` goes before those that do. */
const reserved = /^(?:[nh6]-|xn--|-)|^\d+-\d+-\d+-\d+$/

/** The label of a backend; `base` is the proxy's own, `mp-…`. Each backend has one. Null where it has none. */
export function labelOf({ scheme, host, port }: Target, base: string): string | null {
  const tail = `--${port}${scheme === "https" ? "s" : ""}--${base}`
  return [...formsOf(host)].find((form) => form.length + tail.length <= labelAtMost)?.concat(tail) ?? null
}

/**
 * The backend of a label; `namedHosts` are those that may stand behind a shortened form. Null where the label is no backend's,
 * or not in the one form that `labelOf` gives.
 */
export function targetOfLabel(label: string, base: string, namedHosts: Iterable<string>): Target | null {
  const ending = `--${base}`
  if (label.length > labelAtMost || !label.endsWith(ending)) return null
  const [, form = "", digits = "", secure] = /^(.+)--(\d+)(s?)$/.exec(label.slice(0, -ending.length)) ?? []
  const port = portOf(digits)
  const host = hostOf(form, namedHosts)
  if (port === null || host === null || canonicalHost(bracketed(host)) !== host) return null
  const target: Target = { scheme: secure ? "https" : "http", host, port }
  return labelOf(target, base) === label ? target : null
}

/** From the most readable form to the shortest. */
function* formsOf(host: string): Generator<string> {
  if (host.includes(":")) {
    yield `6-${host.replaceAll(":", "-")}`
    yield `6-${expanded(host)}`
    return
  }
  if (isAddress(host)) {
    yield host.replaceAll(".", "-")
    return
  }
  if (/^[a-z0-9_.-]+$/.test(host)) {
    const end = shortened.find(([long]) => host.endsWith(long))
    const start = end ? host.slice(0, -end[0].length) : host
    const form = start.replaceAll("_", "__u").replaceAll(".", "_") + (end ? end[1] : "")
    yield reserved.test(form) ? `n-${form}` : form
  }
  yield `h-${new Bun.CryptoHasher("sha256").update(host).digest("hex").slice(0, 24)}`
}

/** Reads what `formsOf` gave, and more: the caller compares. */
function hostOf(form: string, namedHosts: Iterable<string>): string | null {
  if (/^\d+-\d+-\d+-\d+$/.test(form)) return form.replaceAll("-", ".")
  if (form.startsWith("h-")) {
    const meant = [...new Set(namedHosts)].filter((host) => [...formsOf(host)].at(-1) === form)
    return meant.length === 1 ? (meant[0] as string) : null
  }
  if (form.startsWith("6-")) {
    const text = form.slice(2)
    const whole = /^[0-9a-f]{32}$/.test(text)
      ? (text.match(/.{4}/g) ?? []).join(":")
      : text.replaceAll("-", ":")
    return canonicalHost(`[${whole}]`)
  }
  const plain = form.startsWith("n-") ? form.slice(2) : form
  const end = shortened.find(([, short]) => plain.endsWith(short))
  const start = end ? plain.slice(0, -end[1].length) : plain
  return start.replace(/__u|_/g, (sign) => (sign === "_" ? "." : "_")) + (end ? end[0] : "")
}

/** All 32 digits of an IPv6 address. */
function expanded(address: string): string {
  const [head = "", tail] = address.split("::")
  const parts = (text: string) => (text === "" ? [] : text.split(":"))
  const [before, after] = [parts(head), parts(tail ?? "")]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0")
  return [...before, ...(tail === undefined ? [] : zeros), ...after]
    .map((part) => part.padStart(4, "0"))
    .join("")
}

const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host)
