/** Where scripts, links and forms lead the window. Links and forms are mapped when they are used. */
export function mapNavigation(page, mapped) {
  const { document, history, HTMLFormElement, Element } = page
  const openWindow = page.open
  page.open = (url, ...rest) => openWindow.call(page, url ? mapped(url) : url, ...rest)
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name]
    history[name] = (state, title, url) =>
      original.call(history, state, title, url === undefined || url === null ? url : mapped(url))
  }

  const mapAttribute = (element, name) => {
    const url = element.getAttribute(name)
    if (!url) return
    const to = mapped(new URL(url, element.baseURI).href)
    if (to !== new URL(url, element.baseURI).href) element.setAttribute(name, to)
  }
  const mapUsed = (element) => {
    try {
      for (const name of ["href", "xlink:href", "action", "formaction"]) mapAttribute(element, name)
    } catch {
      // It holds no URL, and leads nowhere.
    }
  }
  const atUse = (event) => {
    const path = event.composedPath()
    const link = path.find((one) => one instanceof Element && /^(?:a|area)$/i.test(one.localName))
    if (link) mapUsed(link)
    const form = path.find((one) => one instanceof HTMLFormElement)
    if (event.type === "submit" && form) {
      mapUsed(form)
      if (event.submitter) mapUsed(event.submitter)
    }
  }
  const watch = (root) => {
    for (const kind of ["click", "auxclick", "contextmenu", "dragstart", "submit"]) {
      root.addEventListener(kind, atUse, true)
    }
  }
  watch(page)
  // What happens inside a closed shadow tree is told to nobody outside it.
  const { attachShadow } = Element.prototype
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init)
    if (init?.mode === "closed") watch(root)
    return root
  }
  const { submit } = HTMLFormElement.prototype
  HTMLFormElement.prototype.submit = function () {
    mapUsed(this)
    submit.call(this)
  }

  // `location`, which cannot be replaced, and all that was missed above.
  page.navigation?.addEventListener("navigate", (event) => {
    const { url } = event.destination
    const to = mapped(url)
    if (to === url || !event.cancelable || event.formData || event.downloadRequest !== null) return
    event.preventDefault()
    const replaces = event.navigationType === "replace" || document.readyState === "loading"
    page.queueMicrotask(() => (replaces ? page.location.replace(to) : page.location.assign(to)))
  })
}
