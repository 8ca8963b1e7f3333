/** Sends what waits: once, all together within five seconds, after enforcement. */
import { readFileSync } from "node:fs"
import type { Config } from "../../base/config.ts"
import { messageOf } from "../../base/errors.ts"
import { later, msPerMinute, msPerSecond } from "../../base/time.ts"
import { mailText, payloadOf } from "../../decisions/messages/payloads.ts"
import type { StaffMessage } from "../../decisions/messages/staff_message.ts"
import { type Delivered, mailTo, postWebhook } from "../../host/messages/deliver.ts"
import { readWebhooks, type Webhook } from "../../host/messages/webhook_file.ts"
import type { LedgerDeps } from "../launches/deps.ts"

const deadlineMs = 5 * msPerSecond
const mostAtOnce = 20
const mostAttempts = 10

interface Destination {
  name: string
  /** Sends some of the messages, from the first, and says which. */
  send(
    messages: readonly StaffMessage[],
    signal: AbortSignal,
  ): { sent: readonly StaffMessage[]; done: Promise<Delivered> }
}

type SendDeps = Pick<LedgerDeps, "config" | "usageDb" | "clock">

/** Whether anybody is to be told at all. */
export function hasDestinations({ config }: Pick<SendDeps, "config">): boolean {
  if (config.notify.mail.length > 0) return true
  try {
    return readWebhooks(config.notify.webhooksFile).length > 0
  } catch {
    return true
  }
}

/** Returns what is worth a line of cron's, never an address. */
export async function sendMessages(deps: SendDeps): Promise<string[]> {
  const { config, usageDb, clock } = deps
  const { destinations, wrong } = destinationsOf(config)
  // Kept until the file can be read.
  if (wrong !== null) return [wrong]
  const names = destinations.map(({ name }) => name)
  usageDb.transaction(() => {
    usageDb.messages.giveUpInterrupted(later(clock.now(), -msPerMinute))
    usageDb.messages.dispatch(config.notify.about, names, clock.now())
  })
  const signal = AbortSignal.timeout(deadlineMs)
  const said = await Promise.all(destinations.map((destination) => sendTo(deps, destination, signal)))
  return said.flatMap((line) => line ?? [])
}

async function sendTo(
  deps: SendDeps,
  { name, send }: Destination,
  signal: AbortSignal,
): Promise<string | null> {
  const { usageDb, clock } = deps
  const waiting = usageDb.messages.waiting(name, mostAtOnce)
  if (waiting.length === 0) return null
  const claimed = usageDb.transaction(() =>
    usageDb.messages.claim(
      name,
      waiting.map(({ id }) => id),
      clock.now(),
    ),
  )
  const messages = waiting.filter(({ id }) => claimed.includes(id))
  if (messages.length === 0) return null
  const { sent, done } = send(messages, signal)
  const ids = sent.map(({ id }) => id)
  const rest = claimed.filter((id) => !ids.includes(id))
  const outcome = await done.catch((): Delivered => ({ unknown: "could not be sent" }))
  return usageDb.transaction(() => {
    usageDb.messages.settle(name, rest, "waiting", null)
    if ("sent" in outcome) {
      usageDb.messages.settle(name, ids, "sent", null)
      return null
    }
    if ("unknown" in outcome) {
      usageDb.messages.settle(name, ids, "unknown", outcome.unknown)
      return `notify ${name}: ${outcome.unknown}; whether it arrived is not known, and it is not sent again`
    }
    usageDb.messages.settle(name, ids, "waiting", outcome.failure)
    const attempts = usageDb.messages.attempts(name)
    if (attempts >= mostAttempts) usageDb.messages.settle(name, ids, "failed", outcome.failure)
    if (attempts > 1 && attempts < mostAttempts) return null
    const next = attempts >= mostAttempts ? "given up" : "the next run tries again"
    return `notify ${name}: ${outcome.failure}; ${next}`
  })
}

function destinationsOf(config: Config): { destinations: Destination[]; wrong: string | null } {
  const { notify, aws, course } = config
  try {
    const ca = aws.caFile === null ? null : readFileSync(aws.caFile, "utf8")
    const webhooks = readWebhooks(notify.webhooksFile).map((webhook) =>
      ofWebhook(webhook, course.name, aws.proxy, ca),
    )
    return { destinations: [...webhooks, ...notify.mail.map((to) => ofMail(to, course.name))], wrong: null }
  } catch (error) {
    return { destinations: [], wrong: messageOf(error) }
  }
}

function ofWebhook(
  { name, kind, url }: Webhook,
  course: string,
  proxy: string | null,
  ca: string | null,
): Destination {
  return {
    name,
    send(messages, signal) {
      const { sent, payload } = payloadOf(kind, messages, { course, query: url.searchParams })
      return { sent, done: postWebhook(url, payload, { proxy, ca, signal }) }
    },
  }
}

function ofMail(recipient: string, course: string): Destination {
  return {
    name: `mail ${recipient}`,
    send: (messages) => ({
      sent: messages,
      done: mailTo(recipient, {
        subject: `${course}: ${messages.length === 1 ? (messages[0]?.topic ?? "") : `${messages.length} messages`}`,
        text: mailText(course, messages),
        patienceMs: deadlineMs,
      }),
    }),
  }
}
