import { type Declaration, grouped } from "../declaration.ts"

export const ec2Runner = {
  name: "ec2_runner",
  description: "Launch instances within the course's limits and your budget",
  arguments: {
    ...grouped("What to launch", {
      ami: {
        type: "string",
        alias: "a",
        valueHint: "IMAGE",
        description: "Image id or public SSM parameter",
      },
      count: {
        type: "string",
        alias: "c",
        valueHint: "N",
        default: "1",
        description: "Number of instances (1)",
      },
      "instance-type": {
        type: "string",
        alias: "t",
        valueHint: "TYPE",
        completes: "type",
        description: "Instance type such as t3.micro, or several to try: g6.xlarge,g5.xlarge",
      },
      "key-name": {
        type: "string",
        alias: "k",
        valueHint: "NAME",
        completes: "key",
        description: "Your SSH key (LOGIN-default)",
      },
      "root-gib": { type: "string", valueHint: "GIB", description: "Size of the root volume in GiB" },
      "instance-profile": {
        type: "string",
        valueHint: "PROFILE",
        description: "IAM instance profile, one that the course lists",
      },
      tag: { type: "string", valueHint: "NAME=VALUE", multiple: true, description: "A tag of your own" },
    }),
    ...grouped("Where", {
      "availability-zone": {
        type: "string",
        alias: "z",
        valueHint: "ZONE",
        description: "Zone, such as us-east-1a",
      },
      subnet: { type: "string", valueHint: "SUBNET", description: "Subnet id" },
      "security-group": { type: "string", valueHint: "GROUP", multiple: true, description: "Name or id" },
      "placement-group": { type: "string", alias: "g", valueHint: "GROUP", description: "Placement group" },
    }),
    ...grouped("Time and price", {
      lease: {
        type: "string",
        valueHint: "DURATION",
        description: "How long the instances may run, such as 3h; then they are terminated",
      },
      spot: {
        type: "boolean",
        alias: "s",
        description: "Launch Spot instances; print the ids of their requests",
      },
      "max-price": {
        type: "string",
        valueHint: "PRICE",
        description: "Most US$ per hour for a Spot instance (the on-demand price)",
      },
    }),
    ...grouped("First boot", {
      "user-data": {
        type: "string",
        alias: "u",
        valueHint: "SCRIPT",
        description: "User data: the text of a script, or other data that cloud-init runs",
      },
      force: {
        type: "boolean",
        description: "Take user data that cloud-init does not run",
      },
      "stdin-user-data": { type: "boolean", description: "Read the user data from standard input" },
    }),
    jupyter: {
      type: "boolean",
      description: "Install JupyterLab at the first boot, for ec2-ssh --jupyter",
    },
    "stdin-json": {
      type: "boolean",
      description: "Read the whole request from standard input as one JSON object",
    },
    "client-token": {
      type: "string",
      valueHint: "TOKEN",
      description: "A second request with the same token launches nothing and prints the same ids",
    },
    wait: { type: "boolean", description: "Wait until the instances are running" },
    json: { type: "boolean", description: "Print ids, addresses, cost and lease as JSON (protocol 2)" },
    "dry-run": {
      type: "boolean",
      description: "Print the price, the worst case and what would be left; launch nothing",
    },
  },
  details: `Without options it launches what the course names, else a t3.micro with Amazon Linux. Standard output is one JSON array of
instance ids. Everything else is on standard error: the price, the end, what is left of the budget, and how to log in.`,
  examples: [
    { run: "ec2-run", does: "Launch one instance as the course has set it up" },
    { run: "ec2-run -t t3.micro --lease 3h", does: "Launch one instance for three hours" },
    { run: "ec2-run -t t3.micro -c 4 --dry-run", does: "Show what four instances would cost" },
  ],
} as const satisfies Declaration
