import { describe, expect, test } from "bun:test"
import { allowedBy, parseAllow } from "../../../lib/decisions/proxy/allowed.ts"
import { linkMap } from "../../../lib/decisions/proxy/link_map.ts"
import { forms, places, quotings } from "./corpus.ts"
import { elementsOf, misled, rewritten, target } from "./oracle.ts"

/** docs/microproxy.md states these numbers. */
const score = { fixed: 1332, left: 897, broken: 0 }

const bare = (form: string) => !/[\s"'<>`]/.test(form)

describe("the corpus of link forms", () => {
  test("every form in every place leads to the right place", () => {
    const counted = { fixed: 0, left: 0, broken: 0 }
    const wrong: string[] = []
    const templates = [
      ...places,
      ...quotings.map((html) => ({ html, element: "a", attribute: "href" })),
      { html: '<svg><a xlink:href="{}"/></svg>', element: "a", attribute: "xlink:href" },
      { html: '<svg><image href="{}"></svg>', element: "image", attribute: "href" },
    ]
    for (const { html, element, attribute } of templates) {
      for (const form of forms) {
        if (/=\{\}|= \{\}/.test(html) && !bare(form)) continue
        // A tab parts the URLs of a list.
        if (attribute === "ping" && form.includes("&Tab;")) continue
        const page = html.replace("{}", () => form)
        const before = valueIn(page, element, attribute)
        const after = valueIn(rewritten(page), element, attribute)
        const problem = misled(before, after)
        if (problem) wrong.push(`${html} ${problem}`)
        counted[problem ? "broken" : before === after ? "left" : "fixed"]++
      }
    }
    expect(wrong).toEqual([])
    expect(counted).toEqual(score)
  })

  test.each([
    [
      "srcset",
      '<img srcset="/a.png 1x, http://10.0.0.2:8042/b.png 2x,/c.png">',
      "/10.0.0.1/8088/a.png 1x, /10.0.0.2/8042/b.png 2x,/10.0.0.1/8088/c.png",
    ],
    ["imagesrcset", '<link imagesrcset="/a,b.png 100w">', "/10.0.0.1/8088/a,b.png 100w"],
    ["ping", '<a ping="/p http://10.0.0.2:8042/q">', "/10.0.0.1/8088/p /10.0.0.2/8042/q"],
    ["content", '<meta http-equiv=refresh content="5; url=/next">', "5; url=/10.0.0.1/8088/next"],
    [
      "content",
      `<meta content="0;URL='http://10.0.0.2:8042/x'" http-equiv="Refresh">`,
      "0;URL='/10.0.0.2/8042/x'",
    ],
    ["content", '<meta name=description content="0;url=/x">', "0;url=/x"],
    ["style", '<p style="background:url(/a.png)">', "background:url(/10.0.0.1/8088/a.png)"],
    ["style", `<p style="background:url(&quot;/a.png&quot;)">`, 'background:url("/10.0.0.1/8088/a.png")'],
    [
      "srcdoc",
      '<iframe srcdoc="<a href=/x>&amp;</a><img src=&quot;/y&quot;>">',
      '<a href=/10.0.0.1/8088/x>&</a><img src="/10.0.0.1/8088/y">',
    ],
    ["manifest", "<html manifest=/m>", "/10.0.0.1/8088/m"],
    ["fill", '<svg><path fill="url(/defs.svg#g)"></svg>', "url(/10.0.0.1/8088/defs.svg#g)"],
    ["data", '<p data="/x">', "/x"],
    ["href", '<base href="/app/"><a href="x">', "/10.0.0.1/8088/app/"],
  ])("%s holds URLs among other things: %s", (attribute, html, wanted) => {
    const found = elementsOf(rewritten(html)).find(({ attributes }) => attributes.has(attribute))
    expect(found?.attributes.get(attribute)).toBe(wanted)
  })

  test.each([
    [
      "<base href='http://www.example.org/x/'><a href='/y'>",
      "<base href='http://www.example.org/x/'><a href='/y'>",
    ],
    [
      "<base href='http://www.example.org/x/'><a href='http://10.0.0.2:8042/y'><p style='b:url(//10.0.0.2:8042)'>",
      "<base href='http://www.example.org/x/'><a href='http://mp-x.localhost:8888/10.0.0.2/8042/y'><p style='b:url(http://mp-x.localhost:8888/10.0.0.2/8042/)'>",
    ],
    ["<base href='data:x'><a href='/y'>", "<base href='data:x'><a href='/10.0.0.1/8088/y'>"],
    [
      "<svg><base href='http://www.example.org'></svg><a href='/y'>",
      "<svg><base href='http://www.example.org'></svg><a href='/10.0.0.1/8088/y'>",
    ],
    [
      "<template><base href='http://www.example.org'><svg></template><a href='/y'></svg>",
      "<template><base href='http://www.example.org'><svg></template><a href='/10.0.0.1/8088/y'></svg>",
    ],
    [
      "<template><svg><style></template><base href='http://www.example.org'><a href='/y'>",
      "<template><svg><style></template><base href='http://www.example.org'><a href='/y'>",
    ],
    [
      "<base href='//10.0.0.2:8042/a/b'><a href='/y'><a href='../../z'>",
      "<base href='/10.0.0.2/8042/a/b'><a href='/10.0.0.2/8042/y'><a href='/10.0.0.2/8042/z'>",
    ],
    [
      "<base target=x><base href=/a/><base href=/b/>",
      "<base target=x><base href=/10.0.0.1/8088/a/><base href=/10.0.0.1/8088/b/>",
    ],
    [
      "<style>@import '/a.css';b{c:url( /d )}</style>",
      "<style>@import '/10.0.0.1/8088/a.css';b{c:url( /10.0.0.1/8088/d )}</style>",
    ],
    ["<a href=http: class=x><a href=http:y>", "<a href=http: class=x><a href=http:y>"],
    ["<a href=http:../../../../y>", "<a href=/10.0.0.1/8088/y>"],
    [
      "<p style='a:url(/x'><p style=\"a:url('/y\"><style>@import '/z</style>",
      "<p style='a:url(/10.0.0.1/8088/x'><p style=\"a:url('/10.0.0.1/8088/y\"><style>@import '/10.0.0.1/8088/z</style>",
    ],
    [
      `<script type="ImportMap">{"imports":{"a":"/a.js","/b/" : "http://10.0.0.2:8042/b/","c":"./c"},"scopes":{"/s/": {"/a":"/x"}}}</script>`,
      `<script type="ImportMap">{"imports":{"a":"/10.0.0.1/8088/a.js","/b/" : "/10.0.0.2/8042/b/","c":"./c"},"scopes":{"/10.0.0.1/8088/s/": {"/a":"/10.0.0.1/8088/x"}}}</script>`,
    ],
    [`<script type=importmap>{"imports":{"a":"/a.js`, `<script type=importmap>{"imports":{"a":"/a.js`],
    ["<noscript><img src=/x></noscript>", "<noscript><img src=/10.0.0.1/8088/x></noscript>"],
    [
      "<script>a='<img src=/x>'</script><img src=/y>",
      "<script>a='<img src=/x>'</script><img src=/10.0.0.1/8088/y>",
    ],
    [
      "<!-- <a href=/x> --><textarea><a href=/x></textarea>",
      "<!-- <a href=/x> --><textarea><a href=/x></textarea>",
    ],
    ["<svg><style>a{b:url(/x)}</style></svg>", "<svg><style>a{b:url(/10.0.0.1/8088/x)}</style></svg>"],
    [
      "<svg><style>@import &quot;/x?a&amp;b&quot;;</style></svg>",
      "<svg><style>@import &quot;/10.0.0.1/8088/x?a&amp;b&quot;;</style></svg>",
    ],
    [
      "<svg><style><![CDATA[a{b:url(/x?&#41;)}]]></style></svg>",
      "<svg><style><![CDATA[a{b:url(/10.0.0.1/8088/x?&#41;)}]]></style></svg>",
    ],
    [
      '<meta http-equiv="Content-Security-Policy" content="img-src http://10.0.0.2:8042 \'nonce-a\'">',
      `<meta http-equiv="Content-Security-Policy" content="img-src http://mp-x.localhost:8888/10.0.0.2/8042/ &#39;nonce-a&#39;">`,
    ],
  ])("%s", (before, after) => {
    expect(rewritten(before)).toBe(after)
  })

  test("the style sheet of an SVG file may hold character references", () => {
    expect(rewritten("<svg><style>a{b:url(&quot;/x&quot;)}</style></svg>", "xml")).toBe(
      "<svg><style>a{b:url(&quot;/10.0.0.1/8088/x&quot;)}</style></svg>",
    )
  })

  test("a name in UTF-8 is the one that was allowed in punycode", () => {
    const links = linkMap(allowedBy([parseAllow("b\u00fccher.internal:8042")], { legacyHosts: false }), {
      target,
      authorities: [],
      originOf: null,
    })
    for (const written of [
      "b\xc3\xbccher.internal:8042",
      "b%C3%BCcher.internal:8042",
      "XN--BCHER-KVA.internal:8042",
    ]) {
      expect(links.prefixFor("http", written)).toBe("/xn--bcher-kva.internal/8042")
    }
    expect(links.prefixFor("http", "b\xfccher.internal:8042")).toBeNull()
  })

  test("bytes that are no URL of ours come out as they came in", () => {
    const invalid =
      '<p title="\xff\xfe&nbsp;&bogus;\x00">\xc3<a href="/x\xff?&lang=&amp;" \x01 =y>\x80</a><a href="caf\xe9">'
    expect(rewritten(invalid)).toBe(invalid.replace('"/x', '"/10.0.0.1/8088/x'))
  })
})

function valueIn(html: string, element: string, attribute: string): string {
  const found = elementsOf(html).find(({ name, attributes }) => name === element && attributes.has(attribute))
  return found?.attributes.get(attribute) ?? "no such attribute"
}
