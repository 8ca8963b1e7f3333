/** The candidates for rewriting, on a page of 15,000 links: Bun's HTMLRewriter, two tokenizers with positions, our scanner. */
import { Tokenizer } from "htmlparser2"
import type { Token } from "parse5"
import { SAXParser } from "parse5-sax-parser"

import { rewritten } from "../decisions/proxy/oracle.ts"
import { type Bench, type Figure, ratio } from "./support/figures.ts"

const page = `<!doctype html><table>\n${Array.from(
  { length: 15_000 },
  (_, i) => `<tr><td><a href="http://10.0.0.${i % 250}:8042/node/${i}">node ${i}</a></td></tr>\n`,
).join("")}</table>`

/** As long, with a URL in every tenth rule. */
const sheet = Array.from(
  { length: Math.ceil(page.length / 100) },
  (_, i) =>
    `.button-${i}:hover, .nav > li > a { ${i % 10 ? "color: #fff" : "b: url(/x)"}; margin: 0 auto; transition: color .15s ease-in }\n`,
)
  .join("")
  .slice(0, page.length)

const replaced = (url: string) => url.replace(/^http:\/\/([\d.]+):(\d+)/, "/$1/$2")

/** Pages that tell candidates apart, each with the one link that a browser sees. */
const telling = {
  scriptInScript: '<script><!--<script></script><a href="/no">--></script><a href="/yes">',
  styleOfSvg: '<svg><style><a href="/yes"></a></style></svg>',
}

/** Why not the faster or readier ones: shown in the same run, so that the README does not outlive what it says. */
async function assertShortcomings(): Promise<void> {
  const bytes = '<a href="/caf\xe9">x</a><noscript><a href="/y">y</a></noscript>'
  const rewriter = new HTMLRewriter().on("a[href]", {
    element: (element) => {
      element.setAttribute("href", `/P${element.getAttribute("href")}`)
    },
  })
  const response = rewriter.transform(new Response(Buffer.from(bytes, "latin1")))
  const text = Buffer.from(await response.arrayBuffer()).toString("latin1")
  assert(!text.includes("/P/caf\xe9"), "HTMLRewriter keeps bytes that are not UTF-8")
  assert(text.includes('<a href="/y">'), "HTMLRewriter reads noscript")
  assert(rewritten(bytes).includes('/caf\xe9"'), "our scanner keeps the bytes")
  for (const page of Object.values(telling)) {
    assert(linksByTokenizer(page).join() !== "/yes", `htmlparser2's tokenizer reads ${page}`)
    assert(
      !/"\/yes"/.test(rewritten(page)) && !rewritten(page).includes("8088/no"),
      `our scanner reads ${page}`,
    )
  }
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`no longer so: ${what}`)
}

function linksByTokenizer(text: string): string[] {
  const found: string[] = []
  let name = ""
  new Tokenizer({ decodeEntities: false }, {
    ...silent,
    onattribname: (start: number, end: number) => {
      name = text.slice(start, end)
    },
    onattribdata: (start: number, end: number) => {
      if (name === "href") found.push(text.slice(start, end))
    },
  } as never).write(text)
  return found
}

const silent = Object.fromEntries(
  "onattribend onattribentity oncdata onclosetag oncomment ondeclaration onend onopentagend onopentagname onprocessinginstruction onselfclosingtag ontext ontextentity isInForeignContext"
    .split(" ")
    .map((name) => [name, () => {}]),
)

const candidates: Record<string, () => Promise<number> | number> = {
  ours: () => rewritten(page).length,
  "ours, a style sheet": () => rewritten(sheet, "css").length,
  HTMLRewriter: async () => {
    const rewriter = new HTMLRewriter().on("a[href]", {
      element(element) {
        element.setAttribute("href", replaced(element.getAttribute("href") ?? ""))
      },
    })
    return (await rewriter.transform(new Response(page)).arrayBuffer()).byteLength
  },
  "htmlparser2's tokenizer": () => {
    let [out, at, attribute] = ["", 0, ""]
    const handlers = {
      onattribname: (start: number, end: number) => {
        attribute = page.slice(start, end)
      },
      onattribdata: (start: number, end: number) => {
        if (attribute !== "href") return
        out += page.slice(at, start) + replaced(page.slice(start, end))
        at = end
      },
    }
    const tokenizer = new Tokenizer({ decodeEntities: false }, { ...silent, ...handlers } as never)
    tokenizer.write(page)
    tokenizer.end()
    return (out + page.slice(at)).length
  },
  "parse5-sax-parser": async () => {
    let [out, at] = ["", 0]
    const parser = new SAXParser({ sourceCodeLocationInfo: true })
    parser.on("startTag", ({ attrs, sourceCodeLocation }) => {
      const href = attrs.find(({ name }) => name === "href")
      const place = (sourceCodeLocation as Token.LocationWithAttributes | null | undefined)?.attrs?.href
      if (!href || !place) return
      out += `${page.slice(at, place.startOffset)}href="${replaced(href.value)}"`
      at = place.endOffset
    })
    const ended = new Promise((resolve) => parser.on("end", resolve))
    parser.resume()
    parser.end(page)
    await ended
    return (out + page.slice(at)).length
  },
}

export const bench: Bench = {
  what: "ways to rewrite a page of 15,000 links, in one process, medians of runs by turns",
  async run(): Promise<Figure[]> {
    await assertShortcomings()
    const times = Object.keys(candidates).map((): number[] => [])
    for (let round = 0; round < 15; round++) {
      for (const [index, candidate] of Object.values(candidates).entries()) {
        const started = performance.now()
        const length = await candidate()
        if (length < page.length / 2) throw new Error("nothing came out")
        times[index]?.push(performance.now() - started)
      }
    }
    const medians = times.map((runs) => runs.sort((a, b) => a - b)[7] as number)
    const [ours = 0, ofSheet = 0] = medians
    const figures = Object.keys(candidates).flatMap((name, index) =>
      index < 2 ? [] : [ratio("our scanner", ours, [name, medians[index] as number], 2)],
    )
    return [...figures, ratio("our scanner, a style sheet as long", ofSheet, ["the page", ours], 1)]
  },
}
