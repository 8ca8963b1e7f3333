import type { Declaration } from "../declaration.ts"

export const courseSweep = {
  name: "course_sweep",
  description: "Find what is left over in the account, and remove what is ours",
  arguments: {
    ids: {
      type: "positional",
      required: false,
      multiple: true,
      description: "With --apply: only these, of the last plan",
    },
    apply: {
      type: "boolean",
      description: "Remove what the last plan says is ours, or the IDs that are named",
    },
    new: {
      type: "boolean",
      description: "Print only what no sweep before has found; silent where there is none",
    },
    keep: { type: "string", valueHint: "ID", multiple: true, description: "Remove this in no case" },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  details: `Without --apply this is a dry run. It lists, in every region that the account has enabled, instances, volumes, snapshots,
images, addresses, network interfaces, security groups, key pairs, NAT gateways, load balancers, log groups and schedules,
and IAM's users and roles: whose it is, what it costs a month, since when it is there, and why it would be removed or not.

--apply carries out the plan that the last run printed, within a day, and looks at each thing once more. By itself it
removes only what the ledger has by its id and time of creation, what carries the course's tags, and whose owner is gone.
What has only the tag is removed when its ID is named. Nothing removes what is younger than an hour, in use, or nobody's.

A service that may not be listed is named, and nothing of that region is removed.`,
  examples: [
    { run: "course_sweep", does: "Show what is left over" },
    { run: "course_sweep --apply", does: "Remove what that plan says is ours" },
    { run: "course_sweep --apply sg-0a1b2c3d", does: "Remove one thing that has only the course's tag" },
  ],
} as const satisfies Declaration
