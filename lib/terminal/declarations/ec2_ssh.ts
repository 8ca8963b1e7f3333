import { type Declaration, grouped } from "../declaration.ts"

export const ec2Ssh = {
  name: "ec2_ssh",
  description: "Log in to your instances, run commands there, copy files",
  arguments: {
    words: {
      type: "positional",
      multiple: true,
      required: false,
      valueHint: "[ID] [COMMAND]",
      completes: "instance",
      description: "Your instance (i-...), needed where you have several, and a command to run there",
    },
    ...grouped("Logging in", {
      user: {
        type: "string",
        valueHint: "USER",
        description: "Whom to log in as (the course's user, or the image's)",
      },
      tty: { type: "boolean", alias: "t", description: "Give the command a terminal" },
      timeout: {
        type: "string",
        valueHint: "DURATION",
        description: "How long to wait until the instance answers (5m)",
      },
    }),
    copy: {
      type: "boolean",
      description: "Copy files: FILE... :PATH to the instance, :PATH... DIRECTORY from it",
    },
    ...grouped("JupyterLab", {
      jupyter: {
        type: "boolean",
        description: "Print a link to the JupyterLab of an instance that ec2-run --jupyter launched",
      },
      launch: { type: "boolean", description: "With --jupyter: launch that instance first" },
    }),
    stdio: {
      type: "boolean",
      description: "Connect standard input and output with its sshd, as a ProxyCommand of ssh",
    },
  },
  details: `It waits until the instance runs and answers. Its host key is the one that its console showed, so that no other machine can
take its place. Nothing is forwarded. Options stand before COMMAND, and everything after it belongs to it. One word of
COMMAND is read by the shell there; several arrive as they are.`,
  examples: [
    { run: "ec2-ssh", does: "Log in to your only instance" },
    { run: "ec2-ssh i-0a1b2c3d4e5f60718 uptime", does: "Run a command on one of several" },
    { run: "ec2-ssh --copy results.csv :", does: "Copy a file into its home" },
  ],
  exitCodes: ["once it is connected, the code of ssh or scp, which is the command's"],
} as const satisfies Declaration
