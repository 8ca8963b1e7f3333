/** `npm run bench [NAME…]`: runs each benchmark of this folder, all of them by default, and prints what it found beside its target. */
import { readdirSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import type { Bench } from "./support/figures.ts"
import { printFigures } from "./support/figures.ts"

const wanted = process.argv.slice(2)
const names = readdirSync(import.meta.dir)
  .filter((name) => name.endsWith(".bench.ts"))
  .map((name) => name.slice(0, -".bench.ts".length))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
if (names.length === 0) throw new Error(`no benchmark is called ${wanted.join(" or ")}`)

console.log(`${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, Bun ${Bun.version}`)
let missed = 0
for (const name of names) {
  const { bench } = (await import(join(import.meta.dir, `${name}.bench.ts`))) as { bench: Bench }
  console.log(`\n${name}: ${bench.what}`)
  try {
    missed += printFigures(await bench.run())
  } catch (error) {
    console.log(`  FAILED: ${error instanceof Error ? error.message : error}`)
    missed += 1
  }
}
console.log(missed === 0 ? "\nevery target is met" : `\n${missed} missed`)
process.exit(missed === 0 ? 0 : 1)
