/** Puts an interpreter that has moto at `.venv/bin/python`, and says what else the build needs. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CannotRun, root, say } from "./settings.ts"

const requirements = join(root, "tests/emulator/requirements.txt")
const environment = join(root, ".venv")
const python = join(environment, "bin/python")
const packages = join(environment, "packages")
/** A copy of the requirements that the environment was made from. */
const installed = join(environment, "installed.txt")

/** Throws CannotRun without a C compiler. */
export function requireCompiler(): void {
  if (!Bun.which("cc"))
    throw new CannotRun("no C compiler: install gcc or clang (Debian: apt install gcc libc6-dev)")
}

/**
 * Takes the moto that is installed already, else a virtual environment, else a plain folder of packages where Python came
 * without venv. Throws CannotRun where Python offers none of these.
 */
export async function installEmulator(): Promise<void> {
  if (existsSync(installed) && textOf(installed) === textOf(requirements)) return
  if (!Bun.which("python3"))
    throw new CannotRun("no python3: install it (Debian: apt install python3 python3-venv)")
  rmSync(environment, { recursive: true, force: true })
  const present = pythonWithMoto()
  if (present !== null) useInstalledMoto(present)
  else if (succeeds(["python3", "-m", "venv", environment])) {
    say("installing the emulator, moto, into .venv")
    install(python, ["-r", requirements])
  } else if (succeeds(["python3", "-m", "pip", "--version"])) {
    say("installing the emulator, moto, into .venv/packages (this Python has no venv)")
    rmSync(environment, { recursive: true, force: true })
    install("python3", ["--target", packages, "-r", requirements])
    writePython("python3")
  } else
    throw new CannotRun(
      "Python has neither venv nor pip to fetch the emulator (Debian: apt install python3-venv)",
    )
  copyFileSync(requirements, installed)
}

/** The interpreter behind the moto_server on PATH, or python3 itself, if its moto is the wanted one. */
function pythonWithMoto(): string | null {
  const script = Bun.which("moto_server")
  const interpreter = script === null ? undefined : /^#! *(\S+)/.exec(textOf(script))?.[1]
  const check = [
    "import importlib.metadata as installed, flask, flask_cors, sys, yaml",
    `sys.exit(installed.version("moto") != "${pinned("moto")}")`,
  ].join("\n")
  const candidates = ["python3", ...(interpreter === undefined ? [] : [interpreter])]
  return candidates.find((candidate) => succeeds([candidate, "-c", check])) ?? null
}

/** A moto that others installed comes without what tests read our metrics with; without a network they are skipped. */
function useInstalledMoto(interpreter: string): void {
  say(`using the emulator that is installed: moto of ${interpreter}`)
  writePython(interpreter)
  const parser = `prometheus_client==${pinned("prometheus_client")}`
  if (!succeeds([interpreter, ...pipInstall, "--no-deps", "--target", packages, parser]))
    say("Prometheus's parser of metrics could not be installed")
}

const pipInstall = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

function install(interpreter: string, words: string[]): void {
  const { success } = Bun.spawnSync([interpreter, ...pipInstall, ...words], {
    stdio: ["ignore", "inherit", "inherit"],
  })
  if (!success) throw new CannotRun("pip could not install the emulator")
}

/** `.venv/bin/python`: that interpreter, with our folder of packages. */
function writePython(interpreter: string): void {
  mkdirSync(join(environment, "bin"), { recursive: true })
  writeFileSync(python, `#!/bin/sh\nPYTHONPATH='${packages}' exec ${interpreter} "$@"\n`)
  chmodSync(python, 0o755)
}

function pinned(name: string): string {
  return new RegExp(`^${name}==(.*)$`, "m").exec(textOf(requirements))?.[1] ?? ""
}

function succeeds(command: string[]): boolean {
  if (!Bun.which(command[0] ?? "")) return false
  return Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).success
}

function textOf(path: string): string {
  return readFileSync(path, "utf8")
}
