/**
 * What `npm test` and its like start, under Node or Bun and before any package is installed: installs the packages of
 * package-lock.json where they are missing, then runs main.ts under Bun. `check` only says that they are missing.
 */
import { spawn, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const [task = "", ...words] = process.argv.slice(2)
process.chdir(fileURLToPath(new URL("../..", import.meta.url)))
const bun = "node_modules/.bin/bun"
/** The lock file that `bun install` installed from, which leaves no note of its own. */
const installedLock = "node_modules/.ec2w-lock"

if (!packagesAreCurrent()) {
  if (task === "check") stop("check: the packages of package-lock.json are not installed: run npm ci")
  installPackages()
}
if (!runs(bun, "--version")) {
  // npm may have refused to run install scripts, of which Bun's puts its executable in place.
  spawnSync(process.execPath, ["node_modules/bun/install.js"], { stdio: "inherit" })
}
const program = spawn(bun, ["tests/run/main.ts", task, ...words], { stdio: "inherit" })
// The terminal sends ^C to both; the program cleans up and ends, and this ends with it.
process.on("SIGINT", () => {})
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => program.kill(signal))
program.on("error", (error) => stop(`${bun}: ${error.message}`))
program.on("exit", (code) => process.exit(code ?? 1))

/** Whether node_modules holds the versions of package-lock.json: npm keeps a list of what it has installed. */
function packagesAreCurrent() {
  if (!existsSync("node_modules")) return false
  if (textOf(installedLock) === textOf("package-lock.json")) return true
  const wanted = JSON.parse(textOf("package-lock.json")).packages
  const installed = JSON.parse(textOf("node_modules/.package-lock.json") || "{}").packages ?? {}
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || (path in installed ? installed[path].version === version : optional === true),
  )
}

function installPackages() {
  console.error("== installing the npm packages of package-lock.json")
  const command = runs("npm", "--version")
    ? ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    : runs("bun", "--version")
      ? ["bun", "install", "--frozen-lockfile"]
      : stop("neither npm nor bun: install Node 18 or later")
  if (spawnSync(command[0], command.slice(1), { stdio: "inherit" }).status !== 0) {
    stop(`${command.join(" ")} failed`)
  }
  copyFileSync("package-lock.json", installedLock)
}

function runs(/** @type {string} */ name, /** @type {string} */ argument) {
  return spawnSync(name, [argument], { stdio: "ignore" }).status === 0
}

function textOf(/** @type {string} */ path) {
  return existsSync(path) ? readFileSync(path, "utf8") : ""
}

function stop(/** @type {string} */ message) {
  console.error(message)
  process.exit(1)
}
