import { defineTool, main } from "../lib/cli.ts"
import { noticesFor } from "../lib/operations/enforcement/notices.ts"
import { report } from "../lib/operations/reports/report.ts"

export const tool = defineTool({
  name: "usage_report",
  description: "Say what a user, or with ALL everybody, has spent on EC2",
  arguments: {
    user: {
      type: "positional",
      required: false,
      description: "A login, or ALL (staff); yourself by default",
    },
    offline: { type: "boolean", description: "Answer from the database alone, without asking EC2 first" },
    from: { type: "string", valueHint: "DATE", description: "Count from this UTC day or time on" },
    to: {
      type: "string",
      valueHint: "DATE",
      description: "Count until the end of this UTC day, or this time",
    },
    assignment: {
      type: "string",
      valueHint: "NAME",
      description: "Count the config's date range of this name",
    },
    by: { type: "enum", options: ["day", "week", "assignment"], description: "A line for each" },
    json: { type: "boolean", description: "Print the report as JSON, amounts in US$ with their bounds" },
    csv: { type: "boolean", description: "Print every charge as CSV" },
    focus: { type: "boolean", description: "Print every charge as CSV with the columns of FOCUS 1.2" },
    explain: { type: "string", valueHint: "ID", description: "Show how the runs of an instance are known" },
    html: { type: "string", valueHint: "FILE", description: "Write a page with charts (- for stdout)" },
    prometheus: {
      type: "string",
      valueHint: "FILE",
      description: "Write metrics for node_exporter's textfile collector",
    },
    reconcile: {
      type: "string",
      valueHint: "FILE",
      description: "Compare with a CUR or FOCUS export (- for stdin)",
    },
  },
  async run(args, context, output) {
    for (const line of noticesFor(context)) output.note(line)
    const { lines, notes } = await report(context, args, output.warn)
    for (const note of notes) output.warn(note)
    for (const line of lines) output.line(line)
  },
})

if (import.meta.main) await main(tool)
