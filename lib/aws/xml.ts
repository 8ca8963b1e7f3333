/**
 * Reads AWS's XML replies strictly and as they arrive. A reply that ends early, is no XML or has another root is an error,
 * never a short list: the SDK's own parser accepts a document that stops in the middle, keeps whole replies in memory, and
 * takes five times as long.
 */
import { SaxesParser } from "saxes"

/** An element whose text is wanted. */
export const text = "text" as const

/**
 * What is wanted of a reply: `text`; `[shape]`, a list of `<item>`; or an object of child elements. All else is passed over.
 * What a reply lacks reads as `""`, `[]`, or an object of such.
 */
export type Shape = typeof text | readonly [Shape] | { readonly [element: string]: Shape }

export type Read<S> = S extends typeof text
  ? string
  : S extends readonly [infer Item]
    ? Read<Item>[]
    : { -readonly [Element in keyof S]: Read<S[Element]> }

/** The reply cannot be what AWS sent: cut short, not XML or not of this operation. Nothing may be concluded from it. */
export class GarbledReply extends Error {
  override readonly name = "GarbledReply"
}

type Body = AsyncIterable<Uint8Array> | Uint8Array

/**
 * Reads one document of the given root element (null: any). `required` are children of the root without which it is garbled.
 */
export async function readXml<S extends { readonly [element: string]: Shape }>(
  body: Body,
  root: string | null,
  shape: S,
  required: readonly (keyof S & string)[] = [],
): Promise<Read<S>> {
  const reader = new ShapeReader(root, nodeOf(shape))
  const decoder = new TextDecoder("utf-8", { fatal: true })
  if (body instanceof Uint8Array) reader.write(decode(decoder, body))
  else for await (const chunk of body) reader.write(decode(decoder, chunk))
  const value = reader.end(decode(decoder)) as Read<S>
  for (const element of required) {
    if (!reader.foundInRoot.has(element)) throw new GarbledReply(`it has no <${element}>`)
  }
  return value
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
  } catch {
    throw new GarbledReply("it is not UTF-8")
  }
}

/** A shape with its children in a map, and a way to make the value of an absent one. */
type Node = { kind: "text" } | { kind: "list"; item: Node } | { kind: "fields"; children: Map<string, Node> }

const nodes = new WeakMap<object, Node>()

function nodeOf(shape: Shape): Node {
  if (shape === text) return { kind: "text" }
  const known = nodes.get(shape as object)
  if (known) return known
  const node: Node = Array.isArray(shape)
    ? { kind: "list", item: nodeOf(shape[0] as Shape) }
    : {
        kind: "fields",
        children: new Map(Object.entries(shape).map(([name, child]) => [name, nodeOf(child)])),
      }
  nodes.set(shape as object, node)
  return node
}

function blank(node: Node): unknown {
  if (node.kind === "text") return ""
  if (node.kind === "list") return []
  const value: Record<string, unknown> = {}
  for (const [name, child] of node.children) value[name] = blank(child)
  return value
}

interface Frame {
  element: string
  node: Node
  value: unknown
}

class ShapeReader {
  readonly foundInRoot = new Set<string>()
  private readonly parser = new SaxesParser({ xmlns: false, position: false })
  private readonly frames: Frame[] = []
  /** How many unwanted elements are open. */
  private passedOver = 0
  private result: unknown

  constructor(root: string | null, node: Node) {
    this.parser.on("opentagstart", ({ name }) => {
      if (this.frames.length === 0) this.openRoot(root, name, node)
      else this.open(name)
    })
    this.parser.on("closetag", () => this.close())
    const addText = (piece: string) => {
      const frame = this.frames.at(-1)
      if (this.passedOver === 0 && frame?.node.kind === "text") frame.value += piece
    }
    this.parser.on("text", addText)
    this.parser.on("cdata", addText)
    // No reply of AWS declares a document type: refused, and with it every trick with entities.
    this.parser.on("doctype", () => {
      throw new GarbledReply("it declares a document type")
    })
    this.parser.on("error", (error) => {
      throw new GarbledReply(`it is not whole XML (${error.message})`)
    })
  }

  write(chunk: string): void {
    this.parser.write(chunk)
  }

  end(rest: string): unknown {
    this.parser.write(rest).close()
    return this.result
  }

  private openRoot(wanted: string | null, name: string, node: Node): void {
    if (wanted !== null && name !== wanted) throw new GarbledReply(`it is <${name}>, not <${wanted}>`)
    this.frames.push({ element: name, node, value: blank(node) })
  }

  private open(name: string): void {
    const frame = this.frames.at(-1)
    if (this.passedOver > 0 || !frame) {
      this.passedOver++
      return
    }
    if (this.frames.length === 1) this.foundInRoot.add(name)
    const node =
      frame.node.kind === "fields"
        ? frame.node.children.get(name)
        : frame.node.kind === "list" && name === "item"
          ? frame.node.item
          : undefined
    if (node) this.frames.push({ element: name, node, value: blank(node) })
    else this.passedOver++
  }

  private close(): void {
    if (this.passedOver > 0) {
      this.passedOver--
      return
    }
    const closed = this.frames.pop()
    const parent = this.frames.at(-1)
    if (!closed) return
    if (!parent) this.result = closed.value
    else if (parent.node.kind === "list") (parent.value as unknown[]).push(closed.value)
    else (parent.value as Record<string, unknown>)[closed.element] = closed.value
  }
}
