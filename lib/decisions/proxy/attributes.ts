/**
 * Which attributes hold URLs, in which form: the standard's index of attributes, and what older pages and SVG use. And those that
 * say where a URL's page may be told.
 */

export type AttributeKind = "url" | "list" | "srcset" | "css" | "html" | "referrer policy" | "rel"

type Elements = "any" | readonly string[]

const table: [names: string, kind: AttributeKind, elements: Elements][] = [
  ["href src action formaction poster background longdesc lowsrc dynsrc itemid", "url", "any"],
  ["cite", "url", ["blockquote", "del", "ins", "q"]],
  ["data", "url", ["object"]],
  ["codebase classid", "url", ["object", "applet"]],
  ["code", "url", ["applet"]],
  ["archive", "list", ["object", "applet"]],
  ["manifest", "url", ["html"]],
  ["profile", "list", ["head"]],
  ["icon", "url", ["command", "menuitem"]],
  ["ping", "list", ["a", "area"]],
  ["attributionsrc", "list", ["a", "img", "script"]],
  ["srcset imagesrcset", "srcset", "any"],
  ["srcdoc", "html", ["iframe"]],
  ["style", "css", "any"],
  ["referrerpolicy", "referrer policy", "any"],
  ["rel", "rel", ["a", "area", "form", "link"]],
  // SVG presentation attributes may refer to other files by url().
  ["fill stroke filter mask clip-path cursor marker marker-start marker-mid marker-end", "css", "any"],
]

const kinds = new Map<string, { kind: AttributeKind; elements: Elements }>(
  table.flatMap(([names, kind, elements]) => names.split(" ").map((name) => [name, { kind, elements }])),
)

/** All names of attributes that hold URLs in some element, but for those that end in `:href`. */
export const namesWithUrls: readonly string[] = [...kinds.keys()]

/** How this attribute, both names in lower case, is to be read; null where it holds no URL. */
export function kindOfAttribute(element: string, attribute: string): AttributeKind | null {
  const known = kinds.get(attribute)
  if (!known) return attribute.endsWith(":href") ? "url" : null // xlink:href, by whatever prefix
  return known.elements === "any" || known.elements.includes(element) ? known.kind : null
}
