import { defineTool, main } from "../lib/cli.ts"
import { runEmrProxy } from "../lib/operations/proxy/emr_proxy.ts"

export const tool = defineTool({
  name: "emr_proxy_into",
  description: "Show the web pages of a cluster to your browser, through ssh to its master",
  arguments: {
    host: { type: "positional", required: true, description: "The master, as ssh knows it" },
    keyfile: { type: "positional", required: true, description: "Your private key for it" },
    port: { type: "positional", required: false, description: "Port to listen on (a free one)" },
    user: {
      type: "string",
      alias: "l",
      valueHint: "USER",
      description: "Login there ($EMR_HADOOP_USER, else hadoop)",
    },
    allow: {
      type: "string",
      multiple: true,
      valueHint: "HOST[:PORTS]",
      description: "A backend besides the master and the nodes that YARN names; repeatable",
    },
    "ssh-option": {
      type: "string",
      alias: "o",
      multiple: true,
      valueHint: "NAME=VALUE",
      description: "As ssh's -o; repeatable",
    },
    shim: { type: "boolean", description: "Put a script into pages that maps the URLs their scripts build" },
    quiet: { type: "boolean", alias: "q", description: "No line for each request" },
    json: { type: "boolean", description: "Print what is printed, and the log, as JSON lines" },
  },
  details: `Opens no SOCKS port, which every user of this host could use: each connection goes through ssh -W over a private control
socket. Names are resolved on the master. A host key that changed is refused, one never seen is asked about on a terminal and
remembered elsewhere. Everything ends with this command.`,
  run: ({ user, ...args }, context, output) =>
    runEmrProxy({ ...args, user: user ?? context.emrUser }, context, output),
})

if (import.meta.main) await main(tool)
