/** The reader of AWS's replies, held against saxes, a strict XML parser written by others. */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { SaxesParser } from "saxes"
import { GarbledReply } from "../../../lib/aws/protocol/garbled_reply.ts"
import { readXml, type Shape, text } from "../../../lib/aws/protocol/xml.ts"

const shape = {
  a: text,
  b: { c: text, d: { a: text } },
  set: [{ a: text, b: [text], c: { d: text } }],
} as const

const bytesOf = (xml: string) => new TextEncoder().encode(xml)
const read = (xml: string | Uint8Array) =>
  readXml(typeof xml === "string" ? bytesOf(xml) : xml, "root", shape, [])

/** What can only be meant by a chunk that came: one byte at a time, or cut anywhere. */
async function* cutAt(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((x, y) => x - y), bytes.length]) {
    yield bytes.slice(from, to)
    from = to
  }
}

/** A document as text, with everything that XML allows where AWS could come to write it. */
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("a", "b", "c", "d", "set", "item") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("root", "other", "x-y.z", "ns:e", "é", "constructor", "__proto__"),
  },
)
const blank = fc.constantFrom("", " ", "\n", "\t\r\n ")
const written = fc
  .string({ unit: fc.constantFrom(..."ab <>&'\"]é€𝒳\n\r\t0;#".split("")), maxLength: 12 })
  .filter((value) => !/[\ud800-\udfff]/.test(value.replace(/[\ud800-\udbff][\udc00-\udfff]/g, "")))
const escaped = written.map((value) =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
)
const reference = fc.constantFrom(
  "&amp;",
  "&lt;",
  "&gt;",
  "&quot;",
  "&apos;",
  "&#65;",
  "&#x1F600;",
  "&#xe9;",
  "&#10;",
)
const cdata = written.map((value) => `<![CDATA[${value.replaceAll("]]>", "")}]]>`)
const comment = fc.constantFrom("<!-- a <b> & c -->", "<!---->", "<!-- ]]> -->")
const instruction = fc.constantFrom("<?pi some <a> thing?>", "<?pi?>")
const attributes = fc.constantFrom(
  "",
  "",
  ' x="1"',
  " x='>/' y=\"&amp;'\"",
  ' xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"',
)
const noise = fc.oneof(escaped, blank, reference, cdata, comment, instruction)
const tagged = (tag: string, content: fc.Arbitrary<string[]>) =>
  fc
    .tuple(attributes, blank, content, fc.boolean())
    .map(([attribute, space, inner, short]) =>
      inner.length === 0 && short
        ? `<${tag}${attribute}${space}/>`
        : `<${tag}${attribute}${space}>${inner.join("")}</${tag}${space}>`,
    )
/** Elements of any name and content. */
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: name.chain((tag) => tagged(tag, fc.array(tie("content"), { maxLength: 4 }))),
  content: fc.oneof({ maxDepth: 4 }, noise, tie("element")),
}))
/** An element as the shape wants it, with others between. */
function wanted(tag: string, part: Shape): fc.Arbitrary<string> {
  const children = part === text ? [] : Array.isArray(part) ? [["item", part[0]]] : Object.entries(part)
  const inner = children.map(([child, inside]) => ({ weight: 4, arbitrary: wanted(child, inside) }))
  const weight = part === text ? 8 : 1
  return tagged(
    tag,
    fc.array(fc.oneof(...inner, { weight, arbitrary: noise }, { weight: 1, arbitrary: element }), {
      maxLength: 6,
    }),
  )
}
const document = fc
  .tuple(
    fc.constantFrom("", "\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n'),
    wanted("root", shape),
    fc.constantFrom("", "\n", "<!-- end -->\n"),
  )
  .map(([start, root, end]) => `${start}${root}${end}`)

/** What saxes makes of a document, by the shape; null where it refuses it. */
function judge(xml: string, shape: Shape): unknown {
  interface Element {
    name: string
    children: Element[]
    text: string
  }
  const top: Element = { name: "", children: [], text: "" }
  const open = [top]
  const parser = new SaxesParser({ xmlns: false })
  parser.on("opentag", (tag) => {
    const element = { name: tag.name, children: [], text: "" }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on("closetag", () => open.pop())
  const add = (piece: string) => {
    const inner = open.at(-1)
    if (inner) inner.text += piece
  }
  parser.on("text", add)
  parser.on("cdata", add)
  try {
    parser.write(xml).close()
  } catch {
    return null
  }
  const readingOf = (element: Element | undefined, part: Shape): unknown => {
    if (part === text) return element?.text ?? ""
    const children = element?.children ?? []
    if (Array.isArray(part))
      return children.filter((child) => child.name === "item").map((child) => readingOf(child, part[0]))
    return Object.fromEntries(
      Object.entries(part).map(([key, inner]) => [
        key,
        readingOf(
          children.findLast((child) => child.name === key),
          inner,
        ),
      ]),
    )
  }
  return readingOf(top.children[0], shape)
}

const garbled = (reading: Promise<unknown>) =>
  reading.then(
    () => false,
    (error) => error instanceof GarbledReply,
  )

describe("the reader of XML", () => {
  test("reads what saxes reads, from any document", async () => {
    await fc.assert(
      fc.asyncProperty(document, async (xml) => {
        const judged = judge(xml, shape)
        fc.pre(judged !== null)
        expect(await read(xml)).toEqual(judged as never)
      }),
      { numRuns: 2000 },
    )
  })

  test("reads the same however the bytes are cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(document, fc.array(fc.nat(), { maxLength: 20 }), async (xml, cuts) => {
        const whole = await read(xml)
        expect(await readXml(cutAt(bytesOf(xml), cuts), "root", shape)).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })

  test("refuses a document that ends at any earlier byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        document,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        async (xml, at) => {
          const bytes = bytesOf(xml)
          const end = bytesOf(xml.replace(/(<!-- end -->)?\n?$/, "")).length
          expect(await garbled(read(bytes.slice(0, Math.floor(at * end))))).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test("with bytes changed, either refuses or reads what saxes reads", async () => {
    const bytes = fc
      .constantFrom(...'<>/&;!-[]?"= \n\0a'.split(""))
      .map((character) => character.charCodeAt(0))
    await fc.assert(
      fc.asyncProperty(
        document,
        fc.array(fc.tuple(fc.nat(), bytes), { minLength: 1, maxLength: 3 }),
        async (xml, changes) => {
          const changed = bytesOf(xml)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          let characters: string
          try {
            characters = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(changed)
          } catch {
            return
          }
          const judged = judge(characters, shape)
          // What saxes refuses we may take: what nobody wants is not looked at.
          if (judged === null) return
          const ours = await read(changed).catch((error) => error)
          if (!(ours instanceof GarbledReply)) expect(ours).toEqual(judged)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test("never fails otherwise than by refusing, whatever the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await garbled(read(bytes))).toBe(true)
      }),
    )
  })

  test.each([
    ["nothing", ""],
    ["white space", " \n"],
    ["two roots", "<root></root><root></root>"],
    ["another root", "<html><body>503 Service Unavailable</body></html>"],
    ["text before the root", "x<root></root>"],
    ["text after the root", "<root></root>x"],
    ["tags that cross", "<root><b><c></b></c></root>"],
    ["a tag that nobody opened", "<root></a></root>"],
    ["a longer closing tag", "<root><a>1</ab></root>"],
    ["an attribute without quotes", "<root x=1></root>"],
    ["an attribute without a value", "<root x></root>"],
    ["attributes that touch", "<root x='1'y='2'></root>"],
    ["an entity of somebody's own", "<root><a>&x;</a></root>"],
    ["an entity of JavaScript's", "<root><a>&constructor;</a></root>"],
    ["a bare ampersand", "<root><a>AT&T</a></root>"],
    ["a character that XML does not have", "<root><a>&#0;</a></root>"],
    ["half of a surrogate pair", "<root><a>&#xd800;</a></root>"],
    ["a NUL", "<root><a>\0</a></root>"],
    ["a document type", '<!DOCTYPE root [<!ENTITY x "y">]><root></root>'],
    ["an unclosed comment", "<root></root><!-- "],
    ["an unclosed CDATA", "<root><a><![CDATA[x</a></root>"],
    ["elements without end", `<root>${"<a>".repeat(100_000)}`],
    ["JSON", '{"Reservations": []}'],
  ])("refuses %s", async (_what, xml) => {
    expect(await garbled(read(xml))).toBe(true)
  })

  test("refuses bytes that are not UTF-8", async () => {
    expect(
      await garbled(read(new Uint8Array([...bytesOf("<root><a>"), 0xff, ...bytesOf("</a></root>")]))),
    ).toBe(true)
  })

  test("refuses a reply without what it must have", async () => {
    expect(await garbled(readXml(bytesOf("<root><a/></root>"), "root", shape, ["set"]))).toBe(true)
    expect(await readXml(bytesOf("<root><set/></root>"), "root", shape, ["set"])).toMatchObject({ set: [] })
  })

  test("gives what is absent as empty", async () => {
    expect(await read("<root/>")).toEqual({ a: "", b: { c: "", d: { a: "" } }, set: [] })
  })
})
