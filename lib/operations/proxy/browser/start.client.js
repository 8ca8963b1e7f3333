/** Begins once in each page or worker; `prelude` is this whole script as text, for workers. */
export function start(scope, config, parts, prelude) {
  const mark = Symbol.for("microproxy")
  if (scope[mark]) return
  Object.defineProperty(scope, mark, { value: true })
  const { document } = scope
  // In a worker made of text, the location is no place in the network, but its origin is.
  const origin = new scope.URL(document ? scope.location.href : scope.origin)
  const place = {
    host: origin.host,
    protocol: origin.protocol,
    baseURI: () => (document ? document.baseURI : scope.location.href),
  }
  const mapped = parts.mappingOf(config, place)
  parts.mapNetwork(scope, mapped)
  if (!document) return
  parts.mapWorkers(scope, mapped, prelude)
  parts.mapNavigation(scope, mapped)
  parts.mapElements(scope, mapped)
}
