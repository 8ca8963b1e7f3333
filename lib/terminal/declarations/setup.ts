import type { Declaration } from "../declaration.ts"

export const setup = {
  name: "setup",
  description: "Create or repair the students' IAM group, role and policies",
  arguments: {
    "print-policy": {
      type: "boolean",
      description: "Print the least IAM policy that the account's key needs, and do nothing",
    },
    "store-key": {
      type: "boolean",
      description:
        "Read the account's access key on standard input, judge it, and put it into the place of the old one",
    },
    "remove-other-policies": {
      type: "boolean",
      description:
        "Also remove other policies of group and role: students may do whatever any of them allows",
    },
    "take-over": {
      type: "boolean",
      description: "Go on here with a course that another installation, or a copy of this one, has",
    },
    "retire-keys": {
      type: "boolean",
      description: "Remove the access keys, passwords and IAM users of logins with sessions",
    },
    "dry-run": { type: "boolean", description: "Show what differs, and change nothing" },
    json: { type: "boolean", description: "Print the result as one JSON object" },
  },
  details: `Run it as the course's account. A second run changes nothing.

A course belongs to one installation, which a policy at IAM names. --take-over
makes it this one; the other launches nothing from the next hour on.

--retire-keys lists what it would remove and wants the course's name typed (on standard input).`,
  examples: [
    { run: "setup --dry-run", does: "Show what differs between AWS and the wanted state" },
    { run: "setup --store-key <key.json", does: "Replace the account's key by one that has been judged" },
    { run: "setup --print-policy", does: "Print the policy for the account's own key" },
  ],
} as const satisfies Declaration
