/** `microproxy` as a command: from its words to a proxy that runs until it is interrupted. */
import { ExitCode, Failed, UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Clock } from "../../base/time.ts"
import { allowedBy, allowHosts, parseAllow } from "../../decisions/proxy/allowed.ts"
import type { prefixOf } from "../../decisions/proxy/target.ts"
import { checkUrl } from "./check.ts"
import { directDial, socksDial, systemResolve } from "./dial.ts"
import { type LogEntry, logLine } from "./log.ts"
import { certificatesFrom, defaultSite, listenAddress, listenPort, socksProxy, tokenFrom } from "./options.ts"
import { newToken, startProxy } from "./start.ts"

export interface MicroproxyArguments {
  port?: string | undefined
  default_url?: string | undefined
  listen?: string | undefined
  allow: string[]
  cluster?: string | undefined
  socks?: string | undefined
  "token-file"?: string | undefined
  "legacy-hosts": boolean
  shim: boolean
  "no-shim": boolean
  "by-path": boolean
  "ca-file"?: string | undefined
  insecure: boolean
  check?: string | undefined
  quiet: boolean
  json: boolean
}

/** What the command needs of its surroundings. */
export interface RunDeps {
  clock: Clock
  interrupt: AbortSignal
  /** The hosts of a cluster's nodes, by its tags. */
  clusterHosts: (cluster: string) => Promise<string[]>
}

/** What a command prints to; `handOver` hands on what waits, since a server's end is far. */
export interface Lines {
  line(text?: string): void
  json(value: unknown): void
  note(text: string): void
  readonly interactive: boolean
  handOver?(): NodeJS.ErrnoException | null
}

export async function runMicroproxy(
  args: MicroproxyArguments,
  deps: RunDeps,
  output: Lines,
): Promise<ExitCode> {
  if (args.shim && args["no-shim"]) throw new UsageError("--shim", "cannot be combined with --no-shim")
  const listen = listenAddress(args.listen, listenPort(args.port))
  const site = defaultSite(args.default_url)
  const { cluster } = args
  const nodes = cluster === undefined ? undefined : () => deps.clusterHosts(cluster)
  if (nodes && (await nodes()).length === 0) {
    throw new Failed("--cluster", `${quoted(cluster ?? "")} of yours has no running node`)
  }
  // The default site is what the old tool showed without further words.
  const allow = [...args.allow, ...(site ? [allowTextOf(site.target)] : [])].map(parseAllow)
  const socks = args.socks === undefined ? null : socksProxy(args.socks)
  if (args.check !== undefined) {
    const known = [...allow, ...allowHosts(nodes ? await nodes() : [])]
    const allowed = allowedBy(known, { legacyHosts: args["legacy-hosts"] })
    const checked = await checkUrl(args.check, allowed, socks ? null : systemResolve)
    if (args.json) output.json(checked)
    else
      output.line(
        `${checked.allowed ? "allowed" : "refused"}: ${checked.because}${checked.allowed ? `; ${checked.path}` : ""}`,
      )
    return checked.allowed ? ExitCode.done : ExitCode.refused
  }
  const log = logTo(output, args)
  const proxy = await startProxy(
    {
      dial: socks ? socksDial(socks) : directDial(),
      log: log.add,
      now: () => deps.clock.now(),
      ...(nodes ? { nodes } : {}),
    },
    {
      listen,
      token: args["token-file"] === undefined ? newToken() : tokenFrom(args["token-file"]),
      allow,
      legacyHosts: args["legacy-hosts"],
      defaultSite: site,
      shim: !args["no-shim"],
      byPath: args["by-path"],
      tls: {
        ca: args["ca-file"] === undefined ? null : certificatesFrom(args["ca-file"]),
        insecure: args.insecure,
      },
    },
  )
  const url = site ? proxy.linkTo(site.target, site.rest) : proxy.linkTo()
  if (args.json) output.json({ url, origin: proxy.origin, address: listen.address, port: proxy.port })
  else output.line(`Open ${url}`)
  try {
    requireRead(output)
    if (proxy.allowed().entries.length === 0 && !args["legacy-hosts"]) {
      output.note("nothing is allowed yet: name backends with --allow or --cluster")
    }
    await aborted(deps.interrupt)
  } finally {
    await proxy.close()
    log.flush()
  }
  return ExitCode.done
}

/** Ends a proxy whose address could not be printed: nobody could use it. */
export function requireRead(output: Lines): void {
  const lost = output.handOver?.()
  if (lost) throw new Failed("stdout", `cannot be written (${lost.code}), nobody would learn the address`)
}

/** Lines of the log, written together a few times a second: one write for each would cost more than the request. */
export function logTo(output: Pick<Lines, "note">, { quiet, json }: { quiet: boolean; json: boolean }) {
  let pending: string[] = []
  let timer: ReturnType<typeof setTimeout> | null = null
  const flush = () => {
    if (timer) clearTimeout(timer)
    timer = null
    if (pending.length > 0) output.note(pending.join("\n"))
    pending = []
  }
  return {
    add(entry: LogEntry) {
      if (quiet && entry.cause === undefined) return
      pending.push(json ? JSON.stringify(entry) : logLine(entry))
      timer ??= setTimeout(flush, 100)
    },
    flush,
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
}

function allowTextOf(target: Parameters<typeof prefixOf>[0]): string {
  return `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`
}
