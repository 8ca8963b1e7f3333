/** Style sheets as CSS's tokenizer reads them, in however many pieces they come. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { prefix, rewritten, rewrittenInPieces } from "./oracle.ts"

const runs = Number(process.env.FUZZ_RUNS ?? 3000)

const ours = `${prefix}/x`

describe("what a browser takes for a URL", () => {
  test.each([
    ["u\\72l(/x)", `u\\72l(${ours})`],
    ["\\75 rl(/x)", `\\75 rl(${ours})`],
    ["\\url(/x)", `\\url(${ours})`],
    ["@im\\70ort '/x'", `@im\\70ort '${ours}'`],
    ["im\\61 ge-set('/x' 1x)", `im\\61 ge-set('${ours}' 1x)`],
    ["<!--url(/x)-->url(/x)", `<!--url(${ours})-->url(${ours})`],
    ["5%url(/x)", `5%url(${ours})`],
    ["url(/x\\79 z)", `url(${ours}\\79 z)`],
    ["'\\\r\n'url(/x)", `'\\\r\n'url(${ours})`],
    ["'\\61\n'url(/x)", `'\\61\n'url(${ours})`],
  ])("is rewritten: %j", (before, after) => {
    expect(rewritten(before, "css")).toBe(after)
  })

  test.each([
    ["5url(/x)"],
    ["-url(/x)"],
    ["\u00e9url(/x)"],
    ["\\31 url(/x)"],
    ["a\\ url(/x)"],
    ["#url(/x)"],
    ["@url(/x)"],
    ["\\@import '/x'"],
    ["@imports '/x'"],
    ["@import x '/x'"],
    ["@import, '/x'"],
    ["@import <!-- '/x'"],
    ["@import /'/x'"],
    ["image-set(type('/x'))"],
  ])("is not: %j", (sheet) => {
    expect(rewritten(sheet, "css")).toBe(sheet)
  })
})

const part = fc.constantFrom(
  ...["url(/x)", "url( '/x' )", 'src("/x\\")y")', "@import '/x';", "@import/**/url(/x) a;", "a{b:c}", "'/n'"],
  ...[
    "image-set('/x' 1x, url(/x) 2x)",
    "u\\72l(/x)",
    "\\75 rl(/x)",
    "xurl(/n)",
    "-url(/n)",
    "5url(/n)",
    "\\",
  ],
  ...[
    "@im\\70ort '/x';",
    "/*",
    "*/",
    '"',
    "'",
    "(",
    ")",
    "\r\n",
    "<!--",
    "-->",
    "url(/x y)",
    "url(/x\\62 y)",
  ],
)

test("a style sheet in pieces is rewritten like the whole", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const sheet = parts.join("")
      const everywhere = Array.from(sheet, (_, at) => at)
      expect(rewrittenInPieces(sheet, everywhere, "css")).toBe(rewritten(sheet, "css"))
    }),
    { numRuns: runs, endOnFailure: true },
  )
})

test("a name that does not end is not held back, and is no function at its end either", () => {
  const long = "a".repeat(100_000)
  expect(rewrittenInPieces(`${long}url(/n) url(/x)`, [long.length], "css")).toBe(
    `${long}url(/n) url(${ours})`,
  )
})
