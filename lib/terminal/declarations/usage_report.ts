import { balanceOrders } from "../../decisions/reports/balance.ts"
import { type Declaration, grouped } from "../declaration.ts"

export const usageReport = {
  name: "usage_report",
  description: "Report what you, a user or the course has spent on EC2",
  arguments: {
    user: {
      type: "positional",
      required: false,
      completes: "login",
      description: "A login, or ALL (staff only); yourself by default",
    },
    ...grouped("What to count", {
      from: { type: "string", valueHint: "DATE", description: "Count from this UTC day or time" },
      to: {
        type: "string",
        valueHint: "DATE",
        description: "Count until the end of this UTC day, or this time",
      },
      assignment: {
        type: "string",
        valueHint: "NAME",
        description: "Count the date range of this assignment",
      },
      by: {
        type: "enum",
        options: ["day", "week", "assignment", "section", "user-day"],
        description: "Print a line for each of these",
      },
      sort: {
        type: "enum",
        options: [...balanceOrders],
        description: "With ALL: print each user's budget beside the spending, in this order",
      },
      top: { type: "string", valueHint: "N", description: "With --sort: only the first N users" },
      offline: { type: "boolean", description: "Use the database alone; do not ask EC2 first" },
    }),
    ...grouped("Output", {
      json: { type: "boolean", description: "Print the report as JSON: US$ with both bounds" },
      csv: { type: "boolean", description: "Print every charge, or what --by and --sort print, as CSV" },
      focus: { type: "boolean", description: "Print every charge as CSV with the columns of FOCUS 1.2" },
      html: {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Write a page with charts (- for standard output)",
      },
      prometheus: {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Write metrics for node_exporter's textfile collector",
      },
    }),
    ...grouped("Evidence", {
      rehearse: {
        type: "string",
        valueHint: "FILE",
        completes: "file",
        description: "Show which launches another config would have refused, and what that saves",
      },
      explain: {
        type: "string",
        valueHint: "ID",
        completes: "instance",
        description: "Explain how the runs of an instance are known",
      },
      reconcile: {
        type: "string",
        multiple: true,
        valueHint: "FILE",
        completes: "file",
        description: "Compare with AWS's bill, a CUR or FOCUS export (- for standard input)",
      },
    }),
  },
  examples: [
    { run: "ec2-usage --by day", does: "Show what you spent on each day" },
    { run: "ec2-usage ALL --from 2026-09-01", does: "Show what everybody has spent since a day (staff)" },
  ],
} as const satisfies Declaration
