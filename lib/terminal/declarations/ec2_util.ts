import { type Declaration, grouped } from "../declaration.ts"

export const ec2Util = {
  name: "ec2_util",
  description: "Set up your AWS account: keys, password, files in your home",
  arguments: {
    ...grouped("Account", {
      "delete-account": {
        type: "boolean",
        description: "Remove your AWS user and everything that belongs to it",
      },
      "terminate-instances": {
        type: "boolean",
        description: "With --delete-account: terminate your instances first",
      },
      init: { type: "boolean", description: "Create or repair your account; it is safe to repeat" },
    }),
    ...grouped("Console password", {
      "show-password": { type: "boolean", description: "Print your password for the AWS console" },
      "set-password": { type: "boolean", description: "Set this password; asks for it twice" },
    }),
    ...grouped("SSH keys", {
      "create-ssh-key": { type: "boolean", description: "Create an SSH key and write it into your home" },
      "import-ssh-key": {
        type: "boolean",
        description: "Import a public SSH key from standard input (ed25519 or RSA)",
      },
      "delete-ssh-key": { type: "boolean", description: "Delete the SSH key that --key-name names" },
      "dump-ssh-key": { type: "boolean", description: "Write a private SSH key into your home again" },
    }),
    ...grouped("Access key", {
      "rotate-secret": { type: "boolean", description: "Replace your AWS access key by a new one" },
      list: { type: "boolean", description: "Print your AWS access key and your SSH keys" },
    }),
    ...grouped("Limits", {
      request: {
        type: "string",
        valueHint: "LIMIT=N",
        description: "Ask staff for more: budget=30, max_hourly_cost=0.5 or max_instances=5; or withdraw",
      },
      reason: { type: "string", valueHint: "TEXT", description: "With --request: why" },
    }),
    ...grouped("Session", {
      credentials: {
        type: "boolean",
        description: "Print your session's credentials, for credential_process in ~/.aws/config",
      },
      console: { type: "boolean", description: "Print a link that signs you in to the AWS console" },
      format: {
        type: "string",
        valueHint: "FORMAT",
        description: "With --credentials: process, env or json; with --console: url, also into a pipe",
      },
    }),
    "key-name": {
      type: "string",
      valueHint: "NAME",
      completes: "key",
      description: "The SSH key to work on (LOGIN-default)",
    },
    "dry-run": { type: "boolean", description: "Print what would be done, and do nothing" },
    json: { type: "boolean", description: "Print the result as one JSON object" },
  },
  details: `--credentials and --console are used by themselves, in a course whose students have sessions instead of access keys.

Other options may be combined. They are carried out in the order above, and the first failure ends the run.

With --init, --import-ssh-key imports your default key, so that no private key is created or stored here.`,
  examples: [
    { run: 'eval "$(ec2-util --credentials --format env)"', does: "Use your session in this shell" },
    { run: 'ec2-util --request budget=30 --reason "project 3"', does: "Ask for a budget of $30" },
    { run: "ec2-util --init", does: "Create your account and write its files into your home" },
    {
      run: "ec2-util --import-ssh-key --key-name laptop < ~/.ssh/id_ed25519.pub",
      does: "Use a key of your own",
    },
  ],
} as const satisfies Declaration
