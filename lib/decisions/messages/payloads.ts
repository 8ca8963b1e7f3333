/**
 * What each provider wants to be sent. Logins, names and reasons are other people's text: each provider gets it in the form in which it
 * formats nothing and calls nobody.
 */
import { escapeControls } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { StaffMessage } from "./staff_message.ts"

export const webhookKinds = ["slack", "mattermost", "zulip", "discord", "webhook"] as const
export type WebhookKind = (typeof webhookKinds)[number]

export interface Payload {
  contentType: "application/json" | "application/x-www-form-urlencoded"
  body: string
}

interface Provider {
  /** Characters that one message may have. */
  longest: number
  payload(text: string, context: { course: string; query: URLSearchParams }): Payload
}

const json = (value: unknown): Payload => ({ contentType: "application/json", body: JSON.stringify(value) })

/** Slack's three: https://docs.slack.dev/messaging/formatting-message-text/#escaping */
const slackText = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** Between fences Markdown is text, and nobody is mentioned. A fence within would end it. */
const fenced = (text: string) => `\`\`\`text\n${text.replaceAll("`", "'")}\n\`\`\``

const providers: Record<Exclude<WebhookKind, "webhook">, Provider> = {
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; a text object of a block has 3000 characters
  slack: {
    longest: 2900,
    payload: (text) =>
      json({
        text: slackText(text),
        blocks: [{ type: "section", text: { type: "plain_text", text, emoji: false } }],
        unfurl_links: false,
        unfurl_media: false,
      }),
  },
  // https://developers.mattermost.com/integrate/webhooks/incoming/; 16383 characters
  mattermost: { longest: 15_000, payload: (text) => json({ text: fenced(text) }) },
  // https://discord.com/developers/docs/resources/webhook#execute-webhook; 2000 characters, flag 4 shows no previews
  discord: {
    longest: 1900,
    payload: (text) => json({ content: fenced(text), allowed_mentions: { parse: [] }, flags: 4 }),
  },
  // https://zulip.com/api/send-message; 10,000 characters
  zulip: {
    longest: 9000,
    payload: (text, { query, course }) => ({
      contentType: "application/x-www-form-urlencoded",
      body: new URLSearchParams({
        type: "stream",
        to: query.get("to") ?? course,
        topic: query.get("topic") ?? "ec2-wrappers",
        content: fenced(text),
      }).toString(),
    }),
  },
}

/** Our own form, for a program of the course's. */
function ownPayload(course: string, messages: readonly StaffMessage[]): Payload {
  return json({
    course,
    messages: messages.map(({ id, topic, text, createdAtUtcMs }) => ({
      id,
      topic,
      text,
      created: isoUtc(createdAtUtcMs),
    })),
  })
}

/**
 * As many of the messages, from the first, as one request holds, and at least one; and that request. `query`: the address's own
 * parameters, which say where Zulip posts.
 */
export function payloadOf(
  kind: WebhookKind,
  messages: readonly StaffMessage[],
  context: { course: string; query: URLSearchParams },
): { sent: readonly StaffMessage[]; payload: Payload } {
  if (kind === "webhook") return { sent: messages, payload: ownPayload(context.course, messages) }
  const { longest, payload } = providers[kind]
  const lines = messages.map((message) => cut(lineOf(context.course, message), longest))
  let count = 1
  while (count < lines.length && lines.slice(0, count + 1).join("\n").length <= longest) count++
  return { sent: messages.slice(0, count), payload: payload(lines.slice(0, count).join("\n"), context) }
}

/** The text of messages by mail: each a paragraph. */
export function mailText(course: string, messages: readonly StaffMessage[]): string {
  return messages.map((message) => lineOf(course, message)).join("\n\n")
}

/** Lines of a digest stay lines; every other control character is made visible. */
function lineOf(course: string, { text }: StaffMessage): string {
  return `${course}: ${text.split("\n").map(escapeControls).join("\n")}`
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
