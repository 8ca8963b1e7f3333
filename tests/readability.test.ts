/** What people read is plain English: short sentences, and none of the turns that readers asked about. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { marked, type Token } from "marked"
import writeGood from "write-good"
import { commands, tools } from "../lib/base/commands.ts"
import type { Tool } from "../lib/cli.ts"
import { configReference } from "../lib/host/config/config_reference.ts"
import { helpText } from "../lib/terminal/help.ts"

const root = join(import.meta.dir, "..")
const medianAtMost = 18
const wordsAtMost = 35

/** Turns that are no plain English, or that nobody outside the team understood. */
const riddles = [
  /\bof old\b/,
  /\bin vain\b/,
  /\bso to speak\b/,
  /\bwhat is no\b/,
  /\bis no \w+ (?:of|that)\b/,
  /\band (?:its|their) kin\b/,
  /\bas one expects\b/,
  /\bwhat is what\b/,
  /\bheld against\b/,
  /\bby hand of\b/,
  /\bthe likes of\b/,
]

/** write-good's check for the riddles, in its own form. */
const ownWords = {
  riddles: {
    explanation: "is a riddle",
    fn: (text: string) =>
      riddles.flatMap((riddle) =>
        [...text.matchAll(new RegExp(riddle, "gi"))].map(({ index, 0: found }) => ({
          index,
          offset: found.length,
        })),
      ),
  },
}
const complaintsOf = (text: string) => [
  // What stands in quotes is spoken of, not used.
  ...writeGood(text.replace(/"[^"]*"/g, '""'), { checks: ownWords }),
  ...writeGood(text, {
    passive: false,
    weasel: false,
    adverb: false,
    so: false,
    thereIs: false,
    tooWordy: false,
    eprime: false,
    whitelist: ["on the spot market", "on the Spot market"],
  }),
]

const sentenceBreaks = new Intl.Segmenter("en", { granularity: "sentence" })
const wordBreaks = new Intl.Segmenter("en", { granularity: "word" })
const wordsOf = (sentence: string) =>
  [...wordBreaks.segment(sentence)].filter(({ isWordLike }) => isWordLike).length

/** A sentence has a verb, so more than three words; labels and table cells are none. */
function sentencesOf(texts: readonly string[]): { words: number; text: string }[] {
  return texts
    .flatMap((text) => [...sentenceBreaks.segment(text.replace(/\s+/g, " "))])
    .map(({ segment }) => ({ words: wordsOf(segment), text: segment.trim() }))
    .filter(({ words }) => words > 3)
}

/** The texts of a page: paragraphs, items and cells, without blocks of code; a code span counts as one word. */
function textsOf(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token): string[] => {
    if (token.type === "list") return token.items.flatMap((item: { tokens: Token[] }) => textsOf(item.tokens))
    if (token.type === "blockquote") return textsOf(token.tokens ?? [])
    if (token.type === "table")
      return [token.header, ...token.rows].flat().map((cell: { tokens: Token[] }) => inlineText(cell.tokens))
    return "tokens" in token && token.tokens ? [inlineText(token.tokens)] : []
  })
}

/** Numbers code spans, so that two in a row are no repeated word. */
let spans = 0

function inlineText(tokens: readonly Token[]): string {
  return tokens
    .map((token): string => {
      if (token.type === "codespan") return `Code${spans++}`
      if (token.type === "br") return " "
      return "tokens" in token && token.tokens ? inlineText(token.tokens) : "text" in token ? token.text : ""
    })
    .join("")
}

const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"))

describe.each(pages)("%s", (page) => {
  const texts = textsOf(marked.lexer(readFileSync(join(root, page), "utf8")))
  const sentences = sentencesOf(texts)

  test("has short sentences", () => {
    expect(sentences.filter(({ words }) => words > wordsAtMost)).toEqual([])
    const lengths = sentences.map(({ words }) => words).toSorted((a, b) => a - b)
    expect(lengths[Math.floor(lengths.length / 2)] ?? 0).toBeLessThanOrEqual(medianAtMost)
  })

  test("holds no riddle", () => {
    expect(
      sentences.flatMap(({ text }) => complaintsOf(text).map(({ reason }) => `${reason}: ${text}`)),
    ).toEqual([])
  })
})

describe("help and the reference of the config", async () => {
  const helps = await Promise.all(
    tools.map(async (name) => {
      const { tool } = (await import(join(root, "scripts", `${name}.ts`))) as { tool: Tool }
      const called = commands.find((command) => command.tool === name)?.name ?? name
      return { name, text: helpText(tool, called, 1000) }
    }),
  )
  const keys = configReference.flatMap(({ table, keys }) =>
    keys.map(({ key, meaning }) => ({ name: `${table}.${key}`, text: inlineText(marked.lexer(meaning)) })),
  )

  test.each([...helps, ...keys])("$name", ({ text }) => {
    const sentences = sentencesOf(text.split(/\n| {2,}/))
    expect(sentences.filter(({ words }) => words > wordsAtMost)).toEqual([])
    expect(
      sentences.flatMap(({ text: one }) => complaintsOf(one).map(({ reason }) => `${reason}: ${one}`)),
    ).toEqual([])
  })
})

test("the linter refuses what it is for", () => {
  for (const text of [
    "The keys of old.",
    "It asks in vain.",
    "This is no part of it.",
    "It stops the the run.",
  ])
    expect(complaintsOf(text)).not.toEqual([])
  expect(complaintsOf("The tool stops the run.")).toEqual([])
})
