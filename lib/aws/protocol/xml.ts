/**
 * Reads the wanted parts of AWS's XML replies, as they arrive. A reply that ends early, is no XML or has another root is an error,
 * never a short list: the SDK's own parser accepts a document that stops in the middle, and keeps whole replies in memory.
 */
import { GarbledReply } from "./garbled_reply.ts"
import { type Name, type XmlHandler, XmlScanner } from "./xml_scanner.ts"

/** An element whose text is wanted. */
export const text = "text" as const

/**
 * What is wanted of a reply: `text`; `[shape]`, a list of `<item>`; or an object of child elements. All else is passed over.
 * What a reply lacks reads as `""`, `[]`, or an object of such; of what it has twice, the last counts.
 */
export type Shape = typeof text | readonly [Shape] | { readonly [element: string]: Shape }

export type Read<S> = S extends typeof text
  ? string
  : S extends readonly [infer Item]
    ? Read<Item>[]
    : { -readonly [Element in keyof S]: Read<S[Element]> }

/**
 * Reads one document of the given root element (null: any). `required` are children of the root without which it is garbled.
 */
export async function readXml<S extends { readonly [element: string]: Shape }>(
  body: AsyncIterable<Uint8Array> | Uint8Array,
  root: string | null,
  shape: S,
  required: readonly (keyof S & string)[] = [],
): Promise<Read<S>> {
  const reader = new ShapeReader(root, nodeOf(shape))
  const scanner = new XmlScanner(reader)
  if (body instanceof Uint8Array) scanner.write(body)
  else for await (const chunk of body) scanner.write(chunk)
  scanner.end()
  for (const element of required) {
    if (!reader.foundInRoot.has(element)) throw new GarbledReply(`it has no <${element}>`)
  }
  return reader.result as Read<S>
}

/** A shape with the names of its children looked up once. */
type Node =
  | { kind: "text" }
  | { kind: "list"; item: Node }
  | {
      kind: "fields"
      children: Map<string, Node>
      /** The same by `Name.index`, as names turn up; null for what is not wanted. */
      byIndex: (Node | null | undefined)[]
    }

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
        byIndex: [],
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

/** An open element that is wanted. */
interface Frame {
  element: string
  node: Node
  value: unknown
  parent: Frame | null
}

class ShapeReader implements XmlHandler {
  wantsText = false
  result: unknown
  readonly foundInRoot = new Set<string>()
  /** The innermost wanted element. */
  private frame: Frame | null = null
  /** How many unwanted elements are open inside it. */
  private passedOver = 0

  constructor(
    private readonly root: string | null,
    private readonly node: Node,
  ) {}

  open(name: Name): void {
    if (this.passedOver > 0) {
      this.passedOver++
      return
    }
    const parent = this.frame
    if (parent?.parent === null) this.foundInRoot.add(name.text)
    const node = parent ? childOf(parent.node, name) : this.rootOf(name)
    if (node) this.frame = { element: name.text, node, value: blank(node), parent }
    else this.passedOver = 1
    this.wantsText = node?.kind === "text"
  }

  close(): void {
    if (this.passedOver > 0) this.passedOver--
    else this.closeWanted()
    this.wantsText = this.passedOver === 0 && this.frame?.node.kind === "text"
  }

  text(piece: string): void {
    if (this.frame) this.frame.value = (this.frame.value as string) + piece
  }

  private rootOf(name: Name): Node {
    if (this.root === null || name.text === this.root) return this.node
    throw new GarbledReply(`it is <${name.text.slice(0, 40)}>, not <${this.root}>`)
  }

  private closeWanted(): void {
    if (!this.frame) return
    const { element, value, parent } = this.frame
    this.frame = parent
    if (!parent) this.result = value
    else if (parent.node.kind === "list") (parent.value as unknown[]).push(value)
    else (parent.value as Record<string, unknown>)[element] = value
  }
}

function childOf(node: Node, name: Name): Node | null {
  if (node.kind === "list") return name.text === "item" ? node.item : null
  if (node.kind === "text") return null
  const known = node.byIndex[name.index]
  if (known !== undefined) return known
  const child = node.children.get(name.text) ?? null
  node.byIndex[name.index] = child
  return child
}
