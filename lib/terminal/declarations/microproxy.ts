import { type Declaration, grouped } from "../declaration.ts"

export const microproxy = {
  name: "microproxy",
  description: "Show web pages of a private network in your browser",
  arguments: {
    port: {
      type: "positional",
      required: false,
      description: "Port to listen on (8888; 0 takes a free one)",
    },
    default_url: { type: "positional", required: false, description: "Site for paths that name no backend" },
    ...grouped("What may be reached", {
      allow: {
        type: "string",
        multiple: true,
        valueHint: "HOST[:PORTS]",
        description: "A backend: host, address or CIDR; PORTS like 8088,9000-9010 (80, 443, 1000-65535)",
      },
      cluster: {
        type: "string",
        valueHint: "CLUSTER",
        completes: "cluster",
        description: "Allow the nodes of this cluster of yours",
      },
      "legacy-hosts": {
        type: "boolean",
        description:
          "Allow 10.*, *.internal, *.amazonaws.com and localhost from port 1000, as the old tool did",
      },
      check: {
        type: "string",
        valueHint: "URL",
        description: "Only say whether URL may be reached, and why (exit code 3: it may not)",
      },
    }),
    ...grouped("How backends are reached", {
      socks: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Use this SOCKS5 proxy, which then resolves names that are not checked here",
      },
      "ca-file": {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Also trust these certificates of https backends",
      },
      insecure: { type: "boolean", description: "Do not check certificates of https backends" },
    }),
    ...grouped("Listening", {
      listen: { type: "string", valueHint: "ADDRESS", description: "Address to listen on (127.0.0.1)" },
      "token-file": {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Read the secret from this file, mode 0600",
      },
    }),
    ...grouped("Pages", {
      "by-path": {
        type: "boolean",
        description: "Show all backends under one name, by path; their pages can then read each other",
      },
      "no-shim": {
        type: "boolean",
        description: "Put no script into pages to map the URLs that their scripts build",
      },
      shim: { type: "boolean", description: "Accepted for compatibility: the script is the default" },
    }),
    quiet: { type: "boolean", alias: "q", description: "Do not log requests" },
    json: { type: "boolean", description: "Write output and log as JSON lines" },
  },
  details: `On loopback each backend has a host name of its own below localhost, which browsers find by themselves: open
/HOST/PORT/REST, or /~https/HOST/PORT/REST for a backend with TLS. Programs and browsers elsewhere are answered by path. Only
backends that --allow and --cluster name are reached, never link-local addresses or the metadata service.

The printed address holds a secret. Whoever has it sees the pages.

With --socks, names are resolved at the far end: only their spelling is checked here.`,
  examples: [
    { run: "microproxy 8888 http://10.0.0.5:8088/ --allow 10.0.0.0/24", does: "Show the pages of a network" },
    { run: "microproxy --cluster words", does: "Show the pages of your cluster words" },
  ],
} as const satisfies Declaration
