/** Posting to webhooks and mailing: never an address, nor a reply, in what is said of a failure. */
import { existsSync } from "node:fs"
import { loginPattern } from "../../base/login.ts"
import { escapeControls } from "../../base/text.ts"
import type { Payload } from "../../decisions/messages/payloads.ts"
import { runWithInput } from "../processes/run_with_input.ts"

/** `unknown`: it may have arrived. `failure`: it did not. */
export type Delivered = { sent: true } | { unknown: string } | { failure: string }

export interface PostSettings {
  proxy: string | null
  /** PEM, or null. */
  ca: string | null
  signal: AbortSignal
}

/** Posts once. Redirects are not followed: a secret address must not lead anywhere else. */
export async function postWebhook(
  url: URL,
  { contentType, body }: Payload,
  settings: PostSettings,
): Promise<Delivered> {
  const { address, authorization } = withoutCredentials(url)
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": contentType, ...(authorization && { authorization }) },
      body,
      redirect: "manual",
      signal: settings.signal,
      // `false` keeps Bun from HTTP_PROXY; its types know only strings.
      proxy: (settings.proxy ?? false) as string,
      tls: { rejectUnauthorized: true, ...(settings.ca === null ? {} : { ca: settings.ca }) },
    })
    await response.body?.cancel()
    if (response.status >= 200 && response.status < 300) return { sent: true }
    if (response.status >= 300 && response.status < 400)
      return { failure: `answers with a redirect (HTTP ${response.status}), which is not followed` }
    return { failure: `answers HTTP ${response.status}` }
  } catch (error) {
    const { code = "", name } = error as { code?: string; name?: string }
    if (settings.signal.aborted || name === "TimeoutError") return { unknown: "did not answer in time" }
    const why = /^[A-Za-z0-9_]{1,64}$/.test(code) ? ` (${code})` : ""
    return neverArrived.test(code)
      ? { failure: `cannot be reached${why}` }
      : { unknown: `ended the connection${why}` }
  }
}

/** Before anything was sent. */
const neverArrived =
  /^(ConnectionRefused|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|FailedToOpenSocket|.*CERT.*|.*SIGNED.*|ERR_TLS.*|.*ISSUER.*|.*SIGNATURE.*)$/

/** Zulip's bot and key stand before the host, and go into a header. What says where to post is Zulip's parameters, not the address's. */
function withoutCredentials(url: URL): { address: string; authorization: string | null } {
  const plain = new URL(url)
  const { username, password } = plain
  plain.username = ""
  plain.password = ""
  if (username === "") return { address: plain.href, authorization: null }
  plain.search = ""
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { address: plain.href, authorization: `Basic ${Buffer.from(credentials).toString("base64")}` }
}

const sendmailPlaces = ["/usr/sbin/sendmail", "/usr/lib/sendmail"]

/** Mails to a login or an address. */
export async function mailTo(
  recipient: string,
  { subject, text, patienceMs }: { subject: string; text: string; patienceMs: number },
): Promise<Delivered> {
  const sendmail = sendmailPlaces.find((place) => existsSync(place))
  if (sendmail === undefined) return { failure: "has no sendmail on this host" }
  if (!recipientPattern.test(recipient)) return { failure: "is no login and no address" }
  const mail = `To: ${recipient}\nSubject: ${escapeControls(subject)}\nAuto-Submitted: auto-generated\nContent-Type: text/plain; charset=utf-8\n\n${text}\n`
  const taken = await runWithInput([sendmail, "-i", "--", recipient], mail, patienceMs)
  if (taken === null) return { unknown: "did not end in time" }
  return taken ? { sent: true } : { failure: "was not taken by sendmail" }
}

const recipientPattern = new RegExp(`${loginPattern.source}|^[\\w.+=-]{1,64}@[\\w.-]{1,190}$`)
