/** What scripts ask for by themselves: fetch and its kin, in pages and in workers. `scope` is their global object. */
export function mapNetwork(scope, mapped) {
  const { fetch, Request, XMLHttpRequest, navigator } = scope
  // Our host name must not be told to anybody outside.
  const quietly = (init, request) =>
    init?.referrerPolicy || request?.referrerPolicy ? { ...init, referrerPolicy: "same-origin" } : init
  scope.fetch = (input, init) => {
    if (!(input instanceof Request)) return fetch.call(scope, mapped(input), quietly(init))
    const url = mapped(input.url)
    const own = quietly(init, input)
    if (url === input.url) return fetch.call(scope, input, own)
    if (/^(?:GET|HEAD)$/.test(input.method)) return fetch.call(scope, new Request(url, input), own)
    // A body that is handed over as a stream cannot be sent by HTTP/1.
    return input.arrayBuffer().then((body) => {
      const { method, headers, cache, redirect, keepalive, signal } = input
      return fetch.call(scope, url, { method, headers, cache, redirect, keepalive, signal, body, ...own })
    })
  }
  if (XMLHttpRequest) {
    const { open } = XMLHttpRequest.prototype
    XMLHttpRequest.prototype.open = function (method, url, ...rest) {
      return open.call(this, method, mapped(url), ...rest)
    }
  }
  for (const name of ["WebSocket", "EventSource"]) {
    if (!scope[name]) continue
    scope[name] = new Proxy(scope[name], {
      construct: (original, [url, ...rest], target) =>
        Reflect.construct(original, [mapped(url), ...rest], target),
    })
  }
  if (navigator.sendBeacon) {
    const beacon = navigator.sendBeacon
    navigator.sendBeacon = (url, body) => beacon.call(navigator, mapped(url), body)
  }
  if (scope.importScripts) {
    const { importScripts } = scope
    scope.importScripts = (...urls) => importScripts.apply(scope, urls.map(mapped))
  }
}
