import type { Declaration } from "../declaration.ts"

export const requests = {
  name: "requests",
  description: "Show and answer what students ask for",
  arguments: {
    command: { type: "positional", required: true, description: "What to do: see Commands" },
    number: { type: "positional", required: false, description: "Of the request, or of the grant" },
    for: { type: "string", valueHint: "DURATION", default: "7d", description: "How long the grant holds" },
    until: {
      type: "string",
      valueHint: "DATE",
      description: "The last day of the grant, in UTC, instead of --for",
    },
    amount: { type: "string", valueHint: "N", description: "Grant this much instead of what was asked for" },
    reason: {
      type: "string",
      valueHint: "TEXT",
      default: "",
      description: "With deny: why, told to the student",
    },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  commands: [
    {
      name: "list",
      usage: "",
      summary: "Show open requests, grants in force, and the last answers",
      options: ["json"],
    },
    {
      name: "grant",
      usage: "NUMBER",
      summary: "Raise the limit that a request asks for, until an end",
      options: ["for", "until", "amount", "json"],
    },
    { name: "deny", usage: "NUMBER", summary: "Deny a request", options: ["reason", "json"] },
    { name: "end", usage: "NUMBER", summary: "End a grant now", options: ["json"] },
  ],
  details: `A student asks with ec2-util --request budget=30 --reason TEXT. A grant raises one limit of that login until its end, in the
ledger; the config stays as it is. The course's budget holds all the same.

When a grant ends, what was admitted runs to its lease's end. Nothing is extended, and saved volumes stay for three days.

Nobody answers his own request.`,
  examples: [
    { run: "requests grant 12 --for 3d", does: "Grant what request 12 asks for, for three days" },
    { run: 'requests deny 13 --reason "end the idle one first"', does: "Deny it, and say why" },
  ],
} as const satisfies Declaration
