import type { Declaration } from "../declaration.ts"

export const roster = {
  name: "roster",
  description: "Say who may use the course, by a list of people",
  arguments: {
    command: { type: "positional", required: true, description: "What to do: see Commands" },
    file: {
      type: "positional",
      required: false,
      completes: "file",
      description: "The list as CSV; - reads standard input",
    },
    "dry-run": { type: "boolean", description: "Show what would change, and change nothing" },
    drop: {
      type: "string",
      valueHint: "N",
      description: "Confirm that the import drops so many people",
    },
    section: {
      type: "string",
      valueHint: "NAME",
      description: "The file is of this section and does not say so",
    },
    "all-sections": {
      type: "boolean",
      description: "The file is of the whole course: also drop people of sections that it does not name",
    },
    "login-column": { type: "string", valueHint: "COLUMN", description: "The column that holds the login" },
    json: { type: "boolean", description: "Print the result as JSON" },
  },
  commands: [
    {
      name: "import",
      usage: "FILE",
      summary: "Replace the roster by a file of Canvas, Gradescope, Moodle or a spreadsheet",
      options: ["dry-run", "drop", "section", "all-sections", "login-column", "json"],
    },
    { name: "list", usage: "", summary: "Show the roster, and who was dropped", options: ["json"] },
    {
      name: "restore",
      usage: "",
      summary: "Put the roster before this one in force again",
      options: ["dry-run", "drop", "json"],
    },
    {
      name: "finish",
      usage: "",
      summary: "Carry out what a run that was killed left undone",
      options: ["json"],
    },
  ],
  details: `Once a roster has been imported, it says who may use the course, in place of the config's accounts. Columns are found by
their header; a column for the login is needed. Values of it may be e-mail addresses, of which the part before the @ counts.

Whoever is dropped is suspended. Instances run until their leases end. Staff is never dropped. An import that drops more
than a tenth of the people is refused until --drop says how many.

A login whose person has another number begins anew: instances are terminated, keys and sessions revoked, saved volumes
and files moved out of reach. What was spent stays with the person who spent it.`,
  examples: [
    { run: "roster import --dry-run week3.csv", does: "Show who would be added, changed and dropped" },
    { run: "roster restore", does: "Undo the last import" },
  ],
} as const satisfies Declaration
