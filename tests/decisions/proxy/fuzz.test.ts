/** The scanner against an HTML5 parser, on pages that no person would write. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { kindOfAttribute } from "../../../lib/decisions/proxy/attributes.ts"
import { forms } from "./corpus.ts"
import { elementsOf, misled, rewritten, rewrittenInPieces } from "./oracle.ts"

const runs = Number(process.env.FUZZ_RUNS ?? 3000)

const url = fc.constantFrom(...forms.filter((form) => !/[\s"'<>`]/.test(form)))
const space = fc.constantFrom(" ", " ", "\n", "\t", "\f", "\r", "/", " / ", "", "\x0f", "\x1e")
const attribute = fc
  .oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom("href", "src", "HREF", "action", "poster", "cite", "data"), url),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom("class", "title", "alt", "=x", '"q', "a<b"),
        fc.constantFrom("", "a>b", "<a href=/no>", "x=y"),
      ),
    },
  )
  .chain(([name, value]) =>
    fc.constantFrom(
      `${name}="${value}"`,
      `${name}='${value}'`,
      `${name} = "${value}"`,
      `${name}=${value.replace(/[\s>]/g, "") || "v"} `,
      name,
    ),
  )
const tagName = fc.constantFrom(
  "a",
  "img",
  "td",
  "p",
  "form",
  "q",
  "video",
  "object",
  "IMG",
  "div",
  "x-y",
  "image",
  "desc",
  "g",
)
const startTag = fc
  .tuple(
    tagName,
    fc.array(fc.tuple(space, attribute), { maxLength: 3 }),
    space,
    fc.constantFrom(">", ">", ">", "/>", ""),
  )
  .map(
    ([name, attributes, tail, end]) =>
      `<${name} ${attributes.map(([gap, one]) => `${gap || " "}${one}`).join("")}${tail}${end}`,
  )
const piece = fc.oneof(
  { weight: 6, arbitrary: startTag },
  { weight: 2, arbitrary: tagName.map((name) => `</${name}>`) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        "<!--",
        "-->",
        "--!>",
        "<!-->",
        "<!--->",
        "<!",
        "<!doctype html>",
        "<?pi",
        "</>",
        "</ x>",
        "<",
        ">",
        "<a",
        "text",
      ],
      ...[
        "<script>",
        "<script type=importmap>",
        "</script>",
        "<script",
        "</script ",
        "<!--<script>",
        "</SCRIPT/>",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
      ],
      ...[
        "<textarea>",
        "</textarea>",
        "<xmp>",
        "</xmp>",
        "<iframe>",
        "</iframe>",
        "<noembed>",
        "</noembed>",
        "<template>",
        "</template>",
        "<svg>",
        "</svg>",
      ],
      ...[
        "<math>",
        "</math>",
        "<mi>",
        "</mi>",
        "<foreignObject>",
        "</foreignObject>",
        "<![CDATA[",
        "]]>",
        "&amp;",
        '"',
        "'",
        "=",
      ],
      ...[
        "<svg/>",
        "<br>",
        "</p>",
        "</br>",
        "<title/>",
        "<annotation-xml encoding=text/html>",
        "</annotation-xml>",
        "\u00e9",
      ],
    ),
  },
)
/** What pages mostly consist of, and what the scanner passes without looking closer. */
const plain = fc.oneof(
  fc
    .tuple(tagName, fc.constantFrom("href", "src", "cite", "data", "style", "class", "xlink:href"), url)
    .map(([tag, name, value]) => `<${tag} class="c" ${name}="${value}">text</${tag}>\n`),
  fc.constantFrom(
    "<tr><td>",
    "</td></tr>",
    "<br/>",
    "<img src='/i' alt=\"a>b\" />",
    "<input disabled value=1>",
  ),
  fc.constantFrom(
    "<p style='color:red'>",
    '<p style="b:url(/x)">',
    '<a href="#f">',
    '<a href="?a=&b">',
    "a < b ",
  ),
)
const page = fc.array(fc.oneof(piece, plain), { maxLength: 14 }).map((pieces) => pieces.join(""))

describe("the scanner and an HTML5 parser", () => {
  test("see the same elements, and every link leads to the right place", () => {
    fc.assert(
      fc.property(page, (before) => {
        const after = rewritten(before)
        const [seen, now] = [elementsOf(before), elementsOf(after)]
        expect(now.map(({ name }) => name)).toEqual(seen.map(({ name }) => name))
        for (const [index, { name, attributes }] of seen.entries()) {
          for (const [key, value] of attributes) {
            if (key === "style" && value.includes("url(")) continue
            const rewrittenValue = now[index]?.attributes.get(key) ?? "gone"
            const problem =
              kindOfAttribute(name === "img" ? "image" : name, key) === "url" ||
              kindOfAttribute(name, key) === "url"
                ? misled(value, rewrittenValue)
                : value === rewrittenValue
                  ? null
                  : `${key} changed from ${value} to ${rewrittenValue}`
            if (problem) throw new Error(`<${name}> ${problem}\n${before}\n${after}`)
          }
        }
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })

  test("agree with themselves, in however many pieces a page comes", () => {
    fc.assert(
      fc.property(page, fc.array(fc.nat(400), { maxLength: 12 }), (before, cuts) => {
        const whole = rewritten(before)
        expect(rewrittenInPieces(before, cuts)).toBe(whole)
        // Byte by byte, no tag is ever there in one piece: what is passed as plain is then decided by the whole scanner.
        expect(
          rewrittenInPieces(
            before,
            Array.from(before, (_, index) => index),
          ),
        ).toBe(whole)
      }),
      { numRuns: runs, endOnFailure: true },
    )
    const everyByte =
      "<p><a href='/x' ping=\"/a /b\"><style>a{b:url(/c)}</style><!-- x --><meta http-equiv=refresh content='1;url=/d'><noscript><img src=/e></noscript><script>'<a href=/no>'</script><svg><title><a href=/f></title></svg>".repeat(
        2,
      )
    expect(
      rewrittenInPieces(
        everyByte,
        [...everyByte].map((_, index) => index),
      ),
    ).toBe(rewritten(everyByte))
  })

  test("leave every byte that is not ours alone", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString("latin1")
        if (!/href|src|url|style|base/i.test(text)) expect(rewritten(text)).toBe(text)
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })
})
