import type { Declaration } from "../declaration.ts"

export const courseFreeze = {
  name: "course_freeze",
  description: "Block launches for the course or one login; --lift undoes it",
  arguments: {
    login: {
      type: "positional",
      required: false,
      completes: "login",
      description: "Suspend this login instead of the whole course",
    },
    lift: { type: "boolean", alias: ["thaw", "unfreeze"], description: "Allow launches again" },
    stop: { type: "boolean", description: "Also stop running instances" },
    terminate: { type: "boolean", description: "Also terminate running and stopped instances" },
    reason: {
      type: "string",
      valueHint: "TEXT",
      default: "no reason given",
      description: "The reason, shown to everybody who is refused",
    },
    status: { type: "boolean", description: "Show who is frozen: since when, by whom and why" },
    force: { type: "boolean", description: "Also suspend a login that no record and no account here has" },
    "dry-run": { type: "boolean", description: "Print the plan, and do nothing" },
    yes: { type: "boolean", alias: "y", description: "Do not ask for the course's or the login's name" },
    json: { type: "boolean", description: "Print what is done as JSON" },
  },
  details: "The plan is shown first. Nothing is done until the course's name, or the login's, is typed.",
  examples: [
    { run: 'course_freeze --terminate --reason "keys on GitHub"', does: "Block launches and end everything" },
    { run: "course_freeze cs61c-ab", does: "Suspend one login" },
    { run: "course_freeze --status", does: "Show who is frozen or suspended" },
  ],
} as const satisfies Declaration
