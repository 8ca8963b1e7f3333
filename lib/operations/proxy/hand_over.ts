/**
 * Secrets of backends' names, and how a browser that may see one backend gets the secret of the next: a ticket in a redirect,
 * for one name, good once and for a minute. It is used up before anything goes to the backend, so no page, Referer or log
 * ever holds one that still counts.
 */
import { createHmac, randomBytes } from "node:crypto"

/** The cookie of a backend's name. Browsers take `__Host-` only from that very host, so no other can toss one in. */
export const backendCookieName = "__Host-microproxy"

const ticketMs = 60_000
/** Nobody opens so many pages at once; a page that tries must not fill our memory. */
const ticketsAtMost = 4096
/** A browser that keeps no cookie would be sent round for ever. */
const roundsAtMost = 5
const roundsMs = 10_000

/** Where a browser shows a backend: in a window of its own, or in a frame on another backend's page. */
export type Place = "window" | "frame"

interface Ticket {
  host: string
  rest: string
  endsAtMs: number
}

export class HandOver {
  readonly #key = randomBytes(32)
  readonly #tickets = new Map<string, Ticket>()
  readonly #rounds = new Map<string, number[]>()
  readonly #secrets = new Map<string, string>()

  constructor(readonly now: () => number) {}

  /** The secret of a backend's name, and the one for frames of it on pages of others: 256 bits each. */
  secretOf(host: string, place: Place): string {
    const key = `${place} ${host}`
    let secret = this.#secrets.get(key)
    if (secret === undefined) {
      secret = createHmac("sha256", this.#key).update(key).digest("base64url")
      if (this.#secrets.size >= ticketsAtMost) this.#secrets.clear()
      this.#secrets.set(key, secret)
    }
    return secret
  }

  secretsOf(host: string): string[] {
    return [this.secretOf(host, "window"), this.secretOf(host, "frame")]
  }

  /** A ticket into `host`, whose page at `rest` is shown then. */
  issue(host: string, rest: string): string {
    for (const [ticket, { endsAtMs }] of this.#tickets) {
      if (endsAtMs > this.now() && this.#tickets.size < ticketsAtMost) break
      this.#tickets.delete(ticket)
    }
    const ticket = randomBytes(32).toString("base64url")
    this.#tickets.set(ticket, { host, rest, endsAtMs: this.now() + ticketMs })
    return ticket
  }

  /** Uses a ticket up, also where it is for another host; returns the path to show, or null. */
  redeem(ticket: string, host: string): string | null {
    const found = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (!found || found.host !== host || found.endsAtMs <= this.now()) return null
    return found.rest
  }

  /** Whether a browser without the secret may be sent for one: not where it came back without one again and again. */
  maySendFor(host: string): boolean {
    const since = this.now() - roundsMs
    const rounds = (this.#rounds.get(host) ?? []).filter((at) => at > since)
    if (this.#rounds.size >= ticketsAtMost) this.#rounds.clear()
    this.#rounds.set(host, [...rounds, this.now()].slice(-roundsAtMost))
    return rounds.length < roundsAtMost
  }
}
