/** Each provider's documented shape, and other people's text in it, which must call nobody and format nothing. */
import { describe, expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import { mailText, payloadOf, type WebhookKind } from "../../../lib/decisions/messages/payloads.ts"
import type { StaffMessage } from "../../../lib/decisions/messages/staff_message.ts"

const message = (text: string, id = 1): StaffMessage => ({
  id,
  topic: "requests",
  text,
  createdAtUtcMs: utcMsOf(0),
})
const sent = (kind: WebhookKind, texts: string[], query = "") =>
  payloadOf(
    kind,
    texts.map((text, index) => message(text, index + 1)),
    {
      course: "cs61c",
      query: new URLSearchParams(query),
    },
  )
const bodyOf = (kind: WebhookKind, text: string) => JSON.parse(sent(kind, [text]).payload.body)
const hostile =
  "<!channel> @channel @everyone @**all** <@U123> [x](http://e) *b* `c` ```\n=cmd\u001b[31m & <b>"
const shown =
  "cs61c: <!channel> @channel @everyone @**all** <@U123> [x](http://e) *b* `c` ```\n=cmd\\x1b[31m & <b>"

describe("a payload", () => {
  test("for Slack is a block of plain text, with the fallback escaped", () => {
    expect(bodyOf("slack", hostile)).toEqual({
      text: shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
      blocks: [{ type: "section", text: { type: "plain_text", text: shown, emoji: false } }],
      unfurl_links: false,
      unfurl_media: false,
    })
  })

  const fenced = `\`\`\`text\n${shown.replaceAll("`", "'")}\n\`\`\``
  test("for Mattermost and Discord is within a fence that nothing in it ends", () => {
    expect(bodyOf("mattermost", hostile)).toEqual({ text: fenced })
    expect(bodyOf("discord", hostile)).toEqual({ content: fenced, allowed_mentions: { parse: [] }, flags: 4 })
  })

  test("for Zulip is a form that posts to the address's stream and topic", () => {
    const { payload } = sent("zulip", [hostile], "to=staff&topic=money")
    expect(payload.contentType).toBe("application/x-www-form-urlencoded")
    expect(Object.fromEntries(new URLSearchParams(payload.body))).toEqual({
      ...{ type: "stream", to: "staff", topic: "money", content: fenced },
    })
  })

  test("for a program of the course's is JSON with every message", () => {
    expect(JSON.parse(sent("webhook", ["a", "b"]).payload.body)).toEqual({
      course: "cs61c",
      messages: [
        { id: 1, topic: "requests", text: "a", created: "1970-01-01T00:00:00Z" },
        { id: 2, topic: "requests", text: "b", created: "1970-01-01T00:00:00Z" },
      ],
    })
  })

  test.each(["slack", "mattermost", "discord", "zulip"] as const)(
    "for %s holds what fits, and at least one",
    (kind) => {
      const longest = { slack: 3000, mattermost: 16_383, discord: 2000, zulip: 10_000 }[kind]
      const one = sent(kind, ["x".repeat(20_000), "second"])
      expect(one.sent.map(({ id }) => id)).toEqual([1])
      const text = (body: string) =>
        kind === "zulip"
          ? (new URLSearchParams(body).get("content") ?? "")
          : (JSON.parse(body).blocks?.[0].text.text ?? JSON.parse(body).text ?? JSON.parse(body).content)
      expect(text(one.payload.body).length).toBeLessThanOrEqual(longest)
      expect(text(one.payload.body)).toContain("x…")
      expect(sent(kind, ["a", "b", "c"]).sent).toHaveLength(3)
    },
  )

  test("by mail cannot grow a header or move a cursor", () => {
    expect(mailText("cs61c", [message(hostile), message("next")])).toBe(`${shown}\n\ncs61c: next`)
  })
})
