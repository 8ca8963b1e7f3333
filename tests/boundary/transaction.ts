/** A tool as all are, but slow: it holds the write lock of users.db for a while, then prints as much as it is told to. */
import { Database } from "bun:sqlite"
import { join } from "node:path"
import { defineTool, main } from "../../lib/cli.ts"
import { sqliteDb } from "../../lib/db/sqlite/transaction.ts"
import { tryExclusiveLock } from "../../lib/host/processes/lock_file.ts"
import { isAlive, ownProcess } from "../../lib/host/processes/process_identity.ts"

export const tool = defineTool({
  name: "transaction",
  description: "Hold a transaction",
  arguments: {
    hold: { type: "string", default: "300" },
    lines: { type: "string", default: "1" },
    file: { type: "string" },
    bytes: { type: "string", default: "8", description: "How long the file becomes" },
    count: { type: "string", description: "Only count what this process committed" },
    exclusive: { type: "boolean", default: false, description: "Lock out readers, too" },
    lock: { type: "string", description: "Hold the lock of this file of the data directory instead" },
    refuse: { type: "string", description: "Also write this into the audit log, as a refusal" },
    record: { type: "string", description: "Also write this into the audit log" },
    alive: { type: "string", description: "Only tell whether this process lives" },
  },
  async run(args, context, output) {
    if (!args.exclusive) context.usersDb.path // opened: config, wrapper, modes and schema are checked
    if (args.alive !== undefined) {
      output.line(String(isAlive(args.alive)))
      return
    }
    if (args.count !== undefined) {
      const db = new Database(context.config.paths.userDb)
      const rows = db.query("SELECT 1 FROM users WHERE user_name LIKE ?").all(`%-${args.count}`)
      output.line(String(rows.length))
      return
    }
    if (args.lock !== undefined) {
      const release = tryExclusiveLock(join(context.config.paths.dataDir, args.lock))
      output.note(release ? `holding ${process.pid}` : "somebody else has it")
      Bun.sleepSync(Number(args.hold))
      return
    }
    if (args.refuse !== undefined) context.audit.record(context.caller.login, args.refuse, "refusal")
    if (args.record !== undefined) context.audit.record(context.caller.login, args.record)
    if (args.file !== undefined) {
      context.home.probe()
      output.note("probed")
    }
    const db = new Database(context.config.paths.userDb)
    if (args.exclusive) db.run("PRAGMA locking_mode = EXCLUSIVE")
    output.note(`known as ${ownProcess()}`)
    sqliteDb(db, context.waiting).transaction(() => {
      db.run("INSERT INTO users (user_name) VALUES (?)", [`${context.caller.login}-${process.pid}`])
      output.note(`holding ${process.pid}`)
      Bun.sleepSync(Number(args.hold))
    })
    db.close()
    if (args.file !== undefined) context.home.write(args.file, "x".repeat(Number(args.bytes)))
    for (let line = 0; line < Number(args.lines); line++) output.line(`committed by ${context.caller.login}`)
  },
})

if (import.meta.main) await main(tool)
