/** `emr-proxy-into`: the tunnel and the proxy together, and what there is to click. */
import { accessSync, constants } from "node:fs"
import { ExitCode, Failed, messageOf } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { allowHosts, parseAllow } from "../../decisions/proxy/allowed.ts"
import { canonicalHost } from "../../decisions/proxy/host.ts"
import { listenPort } from "./options.ts"
import { aborted, type Lines, logTo, type RunDeps, requireRead } from "./run.ts"
import { hostKeyOptions, openSshTunnel, tunnelSshOptions } from "./ssh_tunnel.ts"
import { newToken, startProxy } from "./start.ts"

export interface EmrArguments {
  host: string
  keyfile: string
  port?: string | undefined
  user: string
  allow: string[]
  "ssh-option": string[]
  "no-shim": boolean
  quiet: boolean
  json: boolean
}

/** Where clusters show their pages, newer ones first. */
const pages: [port: number, name: string][] = [
  [8088, "YARN ResourceManager"],
  [9870, "HDFS NameNode"],
  [50070, "HDFS NameNode (Hadoop 2)"],
  [18080, "Spark history"],
  [19888, "MapReduce history"],
  [8188, "YARN timeline"],
  [8080, "Spark master"],
  [4040, "Spark application"],
  [9100, "JobTracker (Hadoop 1)"],
  [9101, "NameNode (Hadoop 1)"],
  [80, "index"],
]

export async function runEmrProxy(
  args: EmrArguments,
  deps: Pick<RunDeps, "clock" | "interrupt">,
  output: Lines,
): Promise<ExitCode> {
  const port = args.port === undefined ? 0 : listenPort(args.port)
  const allow = args.allow.map(parseAllow)
  requireKey(args.keyfile)
  const tunnel = await openSshTunnel({
    options: [
      "-i",
      args.keyfile,
      ...tunnelSshOptions("IdentitiesOnly=yes"),
      "-l",
      args.user,
      ...tunnelSshOptions(...args["ssh-option"]),
      // It is the key or nothing: a password that is asked for here would be somebody's mistake.
      ...tunnelSshOptions("PasswordAuthentication=no", "KbdInteractiveAuthentication=no"),
      ...(await hostKeyOptions(args.host, output.interactive)),
    ],
    destination: args.host,
    signal: deps.interrupt,
  })
  const log = logTo(output, args)
  try {
    const { names, ports } = await tunnel.facts()
    const hosts = ["localhost", "127.0.0.1", args.host, ...names]
    const proxy = await startProxy(
      {
        dial: tunnel.dial,
        log: log.add,
        now: () => deps.clock.now(),
        nodes: async () => [...hosts, ...(await tunnel.facts()).nodes],
      },
      {
        listen: { address: "127.0.0.1", port },
        token: newToken(),
        allow: [...allow, ...allowHosts(hosts)],
        legacyHosts: false,
        defaultSite: null,
        shim: !args["no-shim"],
        tls: { ca: null, insecure: false },
      },
    )
    const master = names.find((name) => canonicalHost(name) !== null) ?? "localhost"
    const found = pages
      .filter(([page]) => ports.includes(page))
      .map(([page, name]) => ({
        name,
        url: proxy.linkTo({ scheme: "http", host: canonicalHost(master) ?? "localhost", port: page }),
      }))
    if (args.json)
      output.json({ url: proxy.linkTo(), origin: proxy.origin, port: proxy.port, master, pages: found })
    else {
      for (const { name, url } of found) output.line(`${name}: ${url}`)
      output.line(`All backends: ${proxy.linkTo()}`)
    }
    requireRead(output)
    const lost = await Promise.race([aborted(deps.interrupt), tunnel.ended])
    await proxy.close()
    if (lost !== undefined) throw new Failed("ssh", `${args.host}: ${lost || "the connection ended"}`)
    return ExitCode.done
  } finally {
    tunnel.close()
    log.flush()
  }
}

function requireKey(file: string): void {
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    throw new Failed("KEYFILE", `${quoted(file)}: ${messageOf(error)}`)
  }
}
