/**
 * The least that an admission could be: one SQL sum over the open leases and one row, committed with the ledger's durability
 * (lib/db/sqlite/open.ts), as fast as SQLite does it.
 *
 *     bun commit_many.ts USAGE.DB MILLISECONDS
 *
 * Prints how many.
 */
import { Database } from "bun:sqlite"

const [path = "", milliseconds = ""] = process.argv.slice(2)
const db = new Database(path)
db.run("PRAGMA journal_mode = WAL")
db.run("PRAGMA synchronous = FULL")
db.run("CREATE TABLE IF NOT EXISTS bench_rows (id INTEGER PRIMARY KEY, text TEXT) STRICT")
const sum = db.query("SELECT count(*), sum(micro_usd_per_hour) FROM leases WHERE ended_at_utc_ms IS NULL")
const insert = db.query("INSERT INTO bench_rows (text) VALUES (?)")
const commit = db.transaction(() => {
  sum.get()
  insert.run("as long as what a reservation has to say of itself")
})
const end = performance.now() + Number(milliseconds)
let committed = 0
while (performance.now() < end) {
  commit.immediate()
  committed += 1
}
db.close()
console.log(committed)
