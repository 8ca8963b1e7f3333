/**
 * Workers that a page makes of text of its own: they get this script in front, `prelude` as text, since no answer of a
 * backend's could carry it there.
 */
export function mapWorkers(page, mapped, prelude) {
  const { URL, Blob, navigator } = page
  const blobs = new Map()
  const { createObjectURL, revokeObjectURL } = URL
  URL.createObjectURL = (what) => {
    const url = createObjectURL.call(URL, what)
    if (what instanceof Blob) blobs.set(url, what)
    return url
  }
  URL.revokeObjectURL = (url) => {
    blobs.delete(url)
    revokeObjectURL.call(URL, url)
  }
  const source = (url) => {
    const blob = blobs.get(String(url))
    if (!blob) return mapped(url)
    return createObjectURL.call(
      URL,
      new Blob([prelude, "\n", blob], { type: blob.type || "text/javascript" }),
    )
  }
  for (const name of ["Worker", "SharedWorker"]) {
    if (!page[name]) continue
    page[name] = new Proxy(page[name], {
      construct: (original, [url, ...rest], target) =>
        Reflect.construct(original, [source(url), ...rest], target),
    })
  }
  const workers = navigator.serviceWorker
  if (workers) {
    const { register } = workers
    workers.register = (url, options) =>
      register.call(
        workers,
        mapped(url),
        options?.scope ? { ...options, scope: mapped(options.scope) } : options,
      )
  }
}
