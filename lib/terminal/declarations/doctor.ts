import type { Declaration } from "../declaration.ts"

export const doctor = {
  name: "doctor",
  description: "Check the installation and say how to fix it",
  arguments: {
    "check-config": {
      type: "string",
      valueHint: "FILE",
      completes: "file",
      description: "Judge this config alone, before it goes live",
    },
    offline: { type: "boolean", description: "Leave out the checks that ask AWS" },
    prefix: {
      type: "string",
      valueHint: "DIR",
      completes: "directory",
      description: "Where the programs are installed (as they were built)",
    },
    quiet: { type: "boolean", alias: "q", description: "Print only warnings and errors" },
    "accept-config": {
      type: "boolean",
      description: "Let this host's config hold for all hosts of a course on PostgreSQL",
    },
    json: { type: "boolean", description: "Print the findings as JSON" },
  },
  details: `Run it as root, which then becomes the course's account, or as that account. Only --accept-config changes anything.

It exits with 0 where everything is right or there are only warnings (with --json see "worst"), and with 1 where there is an
error.`,
  examples: [
    { run: "sudo /opt/ec2-wrappers/libexec/doctor", does: "Check everything" },
    {
      run: "doctor --check-config new.toml",
      does: "Judge a changed config before it takes the place of the old one",
    },
    { run: "doctor --quiet --offline", does: "Print what is wrong on this host, without asking AWS" },
  ],
} as const satisfies Declaration
