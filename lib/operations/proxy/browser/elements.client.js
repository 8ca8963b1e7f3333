/** What elements load as soon as a script gives them an address, or makes them of text. */
export function mapElements(page, mapped) {
  const { document, Element } = page
  const policies = ["referrerpolicy", "referrerPolicy"]
  const lists = (value) =>
    String(value).replace(/(^|,)(\s*)([^\s,]\S*)/g, (_, comma, space, url) => comma + space + mapped(url))
  const declared = (value) =>
    String(value).replace(/url\(\s*(["']?)(.*?)\1\s*\)/gi, (whole, quote, url) => {
      const to = mapped(url)
      return to === url ? whole : `url(${quote}${to}${quote})`
    })
  const byName = {
    src: mapped,
    srcset: lists,
    poster: mapped,
    data: mapped,
    href: mapped,
    "xlink:href": mapped,
  }
  const loading = /^(?:img|script|iframe|frame|link|audio|video|source|track|embed|object|input|image|use)$/i
  const valueFor = (element, name, value) => {
    if (policies.includes(name)) return "same-origin"
    if (name === "style") return declared(value)
    if (name === "srcdoc") return mappedHtml(value)
    const map = Object.hasOwn(byName, name) && loading.test(element.localName) ? byName[name] : null
    return map ? map(value) : value
  }

  const wrapSetter = (type, property, change) => {
    const prototype = page[type]?.prototype
    const found = prototype && Object.getOwnPropertyDescriptor(prototype, property)
    if (!found?.set) return
    const set = function (value) {
      found.set.call(this, change(this, value))
    }
    Object.defineProperty(prototype, property, { ...found, set })
  }
  const wrapMethod = (prototype, name, change) => {
    const original = prototype?.[name]
    if (!original) return
    prototype[name] = function (...given) {
      return original.apply(this, change(this, given))
    }
  }

  const properties = {
    src: "Image Script IFrame Frame Media Source Track Embed Input".split(" "),
    srcset: ["Image", "Source"],
    poster: ["Video"],
    data: ["Object"],
    href: ["Link"],
    srcdoc: ["IFrame"],
    referrerPolicy: ["Image", "Script", "IFrame", "Link", "Anchor", "Area"],
  }
  for (const [property, types] of Object.entries(properties)) {
    for (const type of types) {
      wrapSetter(`HTML${type}Element`, property, (element, value) => valueFor(element, property, value))
    }
  }
  wrapMethod(Element.prototype, "setAttribute", (element, [name, value]) => [
    name,
    valueFor(element, String(name).toLowerCase(), value),
  ])
  wrapMethod(Element.prototype, "setAttributeNS", (element, [space, name, value]) => [
    space,
    name,
    valueFor(element, String(name).toLowerCase(), value),
  ])

  // Parsed where nothing loads; what needs no change stays as it was written.
  const template = document.createElement("template")
  const { set: setHtml, get: getHtml } = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML")
  const mappedHtml = (html) => {
    if (typeof html !== "string" || !/src|href|poster|data|style|url\(/i.test(html)) return html
    setHtml.call(template, html)
    let changed = false
    const walk = (root) => {
      for (const element of root.querySelectorAll("*")) {
        if (element.content) walk(element.content)
        for (const { name, value } of element.attributes) {
          const to = valueFor(element, name.toLowerCase(), value)
          if (to === value) continue
          changed = true
          element.attributes.getNamedItem(name).value = to
        }
      }
    }
    walk(template.content)
    const text = changed ? getHtml.call(template) : html
    setHtml.call(template, "")
    return text
  }
  for (const type of ["Element", "ShadowRoot"]) wrapSetter(type, "innerHTML", (_, html) => mappedHtml(html))
  wrapSetter("Element", "outerHTML", (_, html) => mappedHtml(html))
  for (const type of ["Element", "ShadowRoot"]) {
    wrapMethod(page[type]?.prototype, "setHTMLUnsafe", (_, [html, ...rest]) => [mappedHtml(html), ...rest])
  }
  wrapMethod(Element.prototype, "insertAdjacentHTML", (_, [place, html]) => [place, mappedHtml(html)])
  wrapMethod(page.Range.prototype, "createContextualFragment", (_, [html]) => [mappedHtml(html)])
  for (const name of ["write", "writeln"]) {
    wrapMethod(page.Document.prototype, name, (_, texts) => [texts.map(mappedTags).join("")])
  }
  // What is written may end in the middle of a tag: only whole quoted values are looked at.
  const mappedTags = (text) =>
    String(text).replace(
      /\b(src|href|poster|data)(\s*=\s*)(["'])(.*?)\3/gi,
      (whole, name, is, quote, url) => {
        const to = mapped(url.replaceAll("&amp;", "&"))
        return to === url.replaceAll("&amp;", "&")
          ? whole
          : name + is + quote + to.replaceAll("&", "&amp;") + quote
      },
    )
  page.Audio = new Proxy(page.Audio, {
    construct: (original, [url, ...rest], target) =>
      Reflect.construct(original, url === undefined ? [] : [mapped(url), ...rest], target),
  })

  // Images of styles load when styles are resolved, which is after what is observed was told.
  const restyle = (element) => {
    const style = element.getAttribute?.("style")
    if (style && /url\(/i.test(style) && declared(style) !== style) element.setAttribute("style", style)
  }
  const seen = (added) => {
    if (added.localName === "meta") quieten(added)
    restyle(added)
    for (const element of added.querySelectorAll?.('[style*="url("], meta[name="referrer" i]') ?? []) {
      if (element.localName === "meta") quieten(element)
      restyle(element)
    }
  }
  const observer = new page.MutationObserver((records) => {
    for (const record of records) {
      if (record.type === "attributes") restyle(record.target)
      for (const added of record.addedNodes) seen(added)
    }
  })
  // A policy that a script asks for would tell our host name to others.
  const quieten = (meta) => {
    if (/^referrer$/i.test(meta.name) && meta.content !== "same-origin") meta.content = "same-origin"
  }
  const observed = { attributes: true, attributeFilter: ["style"], childList: true, subtree: true }
  observer.observe(document, observed)
  const { attachShadow } = Element.prototype
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init)
    observer.observe(root, observed)
    return root
  }
}
