/** The little XML that the query protocols use: elements with either text or children, no attributes that matter. */

export interface Element {
  name: string
  text: string
  children: Element[]
}

/** Content of an element that is to be built: text, or children by name; `null` and `undefined` children are left out. */
export type Content = string | number | boolean | Element[] | { [name: string]: Content | null | undefined }

/** Builds an element; a list of elements named `item` is what EC2 writes for a list. */
export function element(name: string, content: Content): Element {
  if (Array.isArray(content)) return { name, text: "", children: content }
  if (typeof content !== "object") return { name, text: String(content), children: [] }
  const children = Object.entries(content).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [element(key, value)],
  )
  return { name, text: "", children }
}

export function itemsOf(contents: Content[], name = "item"): Element[] {
  return contents.map((content) => element(name, content))
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }

/** Reads a document as AWS and moto write them; throws where tags do not match. */
export function parseXml(document: string): Element {
  const top: Element = { name: "", text: "", children: [] }
  const open = [top]
  for (const [, closing, name, selfClosing, text] of document.matchAll(
    /<(?:\?[^>]*|(\/)?([\w:.-]+)[^>]*?(\/)?)>|([^<]+)/g,
  )) {
    const current = open.at(-1) ?? top
    if (text !== undefined) current.text += unescapeXml(text)
    else if (name === undefined) continue
    else if (closing) {
      if (open.pop()?.name !== name) throw new Error(`unexpected </${name}>`)
    } else {
      const child = { name, text: "", children: [] }
      current.children.push(child)
      if (!selfClosing) open.push(child)
    }
  }
  const [root] = top.children
  if (!root || open.length > 1) throw new Error("the document is not complete")
  return root
}

export function writeXml({ name, text, children }: Element): string {
  const content = children.length > 0 ? children.map(writeXml).join("") : escapeXml(text)
  return content === "" ? `<${name}/>` : `<${name}>${content}</${name}>`
}

/** The element at a path such as `instancesSet/item`, the first of each name; undefined where there is none. */
export function find(from: Element, path: string): Element | undefined {
  let current: Element | undefined = from
  for (const step of path.split("/")) current = current?.children.find(({ name }) => name === step)
  return current
}

/** All elements at a path, of every branch. */
export function findAll(from: Element, path: string): Element[] {
  return path
    .split("/")
    .reduce<Element[]>(
      (found, step) => found.flatMap(({ children }) => children.filter(({ name }) => name === step)),
      [from],
    )
}

/** The text at a path, "" where there is none. */
export function textAt(from: Element, path: string): string {
  return find(from, path)?.text ?? ""
}

/** Sets or, with null, removes a child. */
export function setChild(parent: Element, name: string, content: Content | null): void {
  const at = parent.children.findIndex((child) => child.name === name)
  if (content === null) {
    if (at >= 0) parent.children.splice(at, 1)
  } else if (at >= 0) parent.children[at] = element(name, content)
  else parent.children.push(element(name, content))
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal) return String.fromCodePoint(Number(decimal))
    return entities[name] ?? whole
  })
}

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (character) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[character] ?? "")
}
