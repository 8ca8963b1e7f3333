/**
 * Where a URL that a script builds leads through the proxy: the same decisions as lib/decisions/proxy/link_map.ts.
 * `config` is what shim.ts writes; `place` says where this script runs: {host, protocol, baseURI()}.
 */
export function mappingOf(config, place) {
  const { rules, legacyHosts, prefix, byName, crossing, self } = config
  // A node's own names for itself; in a browser each of them would be the reader's machine.
  const selfNames = ["localhost", "127.0.0.1", "127.0.1.1", "0.0.0.0", "::1"]
  const number = (address) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
  const isLegacy = (host) =>
    /^(?:localhost|127\.0\.0\.1|10\.\d+\.\d+\.\d+|[a-z0-9.-]+\.(?:internal|amazonaws\.com))$/.test(host)
  // EC2's names for private addresses carry them.
  const addressOf = (host) =>
    host.replace(/^ip-(\d+)-(\d+)-(\d+)-(\d+)(?:\.(?:ec2|[a-z0-9-]+\.compute)\.internal)?$/, "$1.$2.$3.$4")
  const permits = (host, port) =>
    (legacyHosts && port >= 1000 && isLegacy(host)) ||
    rules.some((rule) => {
      if (!rule.ports.some(([from, to]) => from <= port && port <= to)) return false
      if (rule.host !== null) return rule.host === host
      const address = addressOf(host)
      if (rule.range === null || !/^\d+(\.\d+){3}$/.test(address)) return false
      const size = 2 ** (32 - rule.range[1])
      return Math.floor(number(address) / size) === Math.floor(number(rule.range[0]) / size)
    })
  const isSelf = (secure, host, port) =>
    host === self.host && port === self.port && secure === (self.scheme === "https")
  const hostMeant = (secure, host, port) => {
    const allowed = isSelf(secure, host, port) || permits(host, port)
    if (!selfNames.includes(host)) return allowed ? host : null
    return isSelf(secure, self.host, port) || permits(self.host, port) || !allowed ? self.host : host
  }
  // As the proxy reads paths: `/api/1/jobs` is one of the backend, for no node is called by one bare word.
  const isPrefixed = (path) => {
    const [, host = "", port = ""] = /^\/(?:~https\/)?([^/]+)\/(\d+)(?:\/|$)/.exec(path) ?? []
    if (host === "") return path.startsWith("/~microproxy/")
    return !/^[a-z][\w-]*$/.test(host) || permits(host, Number(port))
  }
  return (input) => {
    let url
    try {
      url = new URL(String(input), place.baseURI())
    } catch {
      return input
    }
    const socket = url.protocol === "ws:" || url.protocol === "wss:"
    if (!socket && url.protocol !== "http:" && url.protocol !== "https:") return input
    const base = `${socket ? "ws:" : place.protocol}//${place.host}`
    const rest = url.pathname + url.search + url.hash
    if (url.host === place.host) return byName || isPrefixed(url.pathname) ? input : base + prefix + rest
    const secure = url.protocol === "https:" || url.protocol === "wss:"
    const port = Number(url.port || (secure ? 443 : 80))
    const host = hostMeant(secure, url.hostname.replace(/^\[|\]$/g, ""), port)
    if (host === null) return input
    if (isSelf(secure, host, port)) return base + prefix + rest
    const shown = host.includes(":") ? `[${host}]` : host
    return `${base}${crossing}${secure ? "/~https" : ""}/${shown}/${port}${rest}`
  }
}
