import { type Declaration, grouped } from "../declaration.ts"

export const emrProxyInto = {
  name: "emr_proxy_into",
  description: "Show web pages of a cluster through ssh to its master",
  arguments: {
    host: { type: "positional", required: true, description: "The master, as ssh knows it" },
    keyfile: {
      type: "positional",
      required: true,
      completes: "file",
      description: "Your private key for it",
    },
    port: { type: "positional", required: false, description: "Port to listen on (a free one)" },
    ...grouped("Connection", {
      user: {
        type: "string",
        alias: "l",
        valueHint: "USER",
        description: "Login on the master ($EMR_HADOOP_USER, else hadoop)",
      },
      allow: {
        type: "string",
        multiple: true,
        valueHint: "HOST[:PORTS]",
        description: "A backend besides the master and the nodes that YARN names",
      },
      "ssh-option": {
        type: "string",
        alias: "o",
        multiple: true,
        valueHint: "NAME=VALUE",
        description: "An option for ssh, as its -o",
      },
    }),
    ...grouped("Pages", {
      "no-shim": {
        type: "boolean",
        description: "Put no script into pages to map the URLs that their scripts build",
      },
      shim: { type: "boolean", description: "Accepted for compatibility: the script is the default" },
    }),
    quiet: { type: "boolean", alias: "q", description: "Do not log requests" },
    json: { type: "boolean", description: "Write output and log as JSON lines" },
  },
  details: `It opens no SOCKS port, which every user of this host could use: each connection goes through ssh -W over a private
control socket. The master resolves the names.

A host key that changed is refused. An unknown host key is asked about on a terminal and stored elsewhere. Everything ends with
this command.`,
  examples: [
    {
      run: "emr-proxy-into ec2-203-0-113-5.compute-1.amazonaws.com my.pem",
      does: "Show the pages of an EMR cluster",
    },
    {
      run: "emr-proxy-into ec2-203-0-113-5.compute-1.amazonaws.com my.pem 8080 -l ubuntu",
      does: "Choose the port and the login",
    },
  ],
} as const satisfies Declaration
