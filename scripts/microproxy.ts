import { defineTool, main } from "../lib/cli.ts"
import { clusterHosts } from "../lib/operations/proxy/cluster_hosts.ts"
import { runMicroproxy } from "../lib/operations/proxy/run.ts"

export const tool = defineTool({
  name: "microproxy",
  description: "Show web pages of a cluster, whose links point at private addresses, to a browser anywhere",
  arguments: {
    port: {
      type: "positional",
      required: false,
      description: "Port to listen on (8888; 0 takes a free one)",
    },
    default_url: { type: "positional", required: false, description: "Site for paths that name no backend" },
    listen: { type: "string", valueHint: "ADDRESS", description: "Address to listen on (127.0.0.1)" },
    allow: {
      type: "string",
      multiple: true,
      valueHint: "HOST[:PORTS]",
      description:
        "A backend: host, address or CIDR, PORTS like 8088,9000-9010 (80, 443, 1000-65535); repeatable",
    },
    cluster: { type: "string", valueHint: "C", description: "Allow the nodes of this cluster of yours" },
    socks: {
      type: "string",
      valueHint: "HOST:PORT",
      description:
        "Reach backends through this SOCKS5 proxy, which then resolves their names, unchecked by us",
    },
    "token-file": {
      type: "string",
      valueHint: "FILE",
      description: "Take the secret from this file, mode 0600",
    },
    "legacy-hosts": {
      type: "boolean",
      description:
        "Allow 10.*, *.internal, *.amazonaws.com, localhost from port 1000 on, as the old tool did",
    },
    shim: { type: "boolean", description: "Put a script into pages that maps the URLs their scripts build" },
    "ca-file": {
      type: "string",
      valueHint: "FILE",
      description: "Trust these certificates of https backends, too",
    },
    insecure: { type: "boolean", description: "Do not check certificates of https backends" },
    check: {
      type: "string",
      valueHint: "URL",
      description: "Only say whether URL may be reached, and why (exit 3: no)",
    },
    quiet: { type: "boolean", alias: "q", description: "No line for each request" },
    json: { type: "boolean", description: "Print what is printed, and the log, as JSON lines" },
  },
  details: `A backend is shown under /HOST/PORT/REST, one that speaks TLS under /~https/HOST/PORT/REST. Only what --allow and
--cluster name is reached, never link-local addresses or the metadata service. The address that is printed holds a secret;
whoever has it sees the pages. With --socks, names are resolved at the far end: only their spelling is checked here.`,
  run: (args, context, output) =>
    runMicroproxy(
      args,
      {
        clock: context.clock,
        interrupt: context.interrupt,
        clusterHosts: async (cluster) =>
          clusterHosts(await context.ownEc2(context.config.aws.region), context.caller.login, cluster),
      },
      output,
    ),
})

if (import.meta.main) await main(tool)
