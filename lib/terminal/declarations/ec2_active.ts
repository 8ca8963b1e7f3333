import { type Declaration, grouped } from "../declaration.ts"
import { runningOrders } from "../reports/running_orders.ts"

export const ec2Active = {
  name: "ec2_active",
  description: "Show, terminate, stop, start or extend your instances",
  arguments: {
    ids: {
      type: "positional",
      multiple: true,
      required: false,
      valueHint: "ID",
      completes: "instance",
      description:
        "Your instances (i-...), or with --delete volumes and snapshots (vol-..., snap-...); or ALL (staff only)",
    },
    ...grouped("Instances", {
      terminate: { type: "boolean", description: "Terminate these instances" },
      "terminate-all": {
        type: "boolean",
        description: "Cancel your Spot requests and terminate all your instances",
      },
      "cancel-spot-requests": { type: "boolean", description: "Cancel your Spot requests" },
      stop: { type: "boolean", description: "Stop these instances" },
      start: { type: "boolean", description: "Start these stopped instances if limits and budget allow it" },
      together: { type: "boolean", description: "With --start: start all of them, or none" },
      extend: {
        type: "boolean",
        description: "Extend the leases of these instances: --extend ID... DURATION (2h, 90m)",
      },
      wait: {
        type: "boolean",
        description: "Wait for the change; without a change, wait until pending instances run",
      },
    }),
    ...grouped("Volumes and snapshots", {
      storage: { type: "boolean", description: "Show your volumes and snapshots that outlive instances" },
      delete: { type: "boolean", description: "Delete these volumes and snapshots" },
    }),
    ...grouped("Everybody's instances: ec2-active ALL (staff)", {
      user: {
        type: "string",
        valueHint: "LOGIN",
        completes: "login",
        description: "With ALL: show only what this login has",
      },
      sort: {
        type: "enum",
        options: [...runningOrders],
        description: "With ALL: the order of the lines (default: owner)",
      },
    }),
    "ssh-config": {
      type: "boolean",
      description: "Print a Host block for each instance, for ~/.ssh/config and editors",
    },
    quota: { type: "boolean", description: "Show what you have used, reserved and left" },
    complete: {
      type: "enum",
      options: ["instance", "stored", "key", "type", "login"],
      hidden: true,
      description: "Print words for a shell's completion",
    },
    json: { type: "boolean", description: "Print JSON" },
    "dry-run": { type: "boolean", description: "Print what would be done, and do nothing" },
  },
  examples: [
    { run: "ec2-active", does: "Show your instances and when their leases end" },
    { run: "ec2-active --terminate i-0a1b2c3d4e5f60718", does: "Terminate one instance" },
    { run: "ec2-active ALL --sort cost", does: "Show what everybody has, the dearest first (staff)" },
    { run: "ec2-active --extend i-0a1b2c3d4e5f60718 2h", does: "Move the end of its lease by two hours" },
  ],
} as const satisfies Declaration
