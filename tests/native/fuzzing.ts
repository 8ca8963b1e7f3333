/** Builds and runs the fuzz targets of native/fuzz. As a program: `npm run fuzz -- [RUNS]`, 10 million of each by default. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dir, "..", "..")

/** What each target holds the code to stands at its top. */
export const targets = ["wrapper", "writer"] as const
export type Target = (typeof targets)[number]

export const corpusOf = (target: Target) => join(import.meta.dir, "corpus", target)

const sanitizers = ["-g", "-O1", "-fno-sanitize-recover=all"]

/** Fuzzes a target from its corpus; throws with libFuzzer's report at the first finding. Returns its last line. */
export function fuzz(target: Target, runs: number): string {
  const directory = mkdtempSync(join(tmpdir(), `fuzz-${target}-`))
  try {
    const program = join(directory, target)
    const source = join(root, "native/fuzz", `${target}_fuzz.c`)
    run(["clang", ...sanitizers, "-fsanitize=fuzzer,address,undefined", "-o", program, source])
    const corpus = join(directory, "corpus") // libFuzzer adds what it finds to the first one
    cpSync(corpusOf(target), corpus, { recursive: true })
    const options = [
      `-runs=${runs}`,
      "-max_len=4096",
      `-artifact_prefix=${tmpdir()}/${target}-`,
      "-print_final_stats=1",
    ]
    const { stderr } = run([program, ...options, corpus])
    return stderr.split("\n").find((line) => line.startsWith("Done ")) ?? "no end"
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Runs a target once over each file of its corpus, with any compiler. */
export function replay(target: Target): number {
  const directory = mkdtempSync(join(tmpdir(), `replay-${target}-`))
  try {
    const program = join(directory, target)
    const sources = ["replay.c", `${target}_fuzz.c`].map((name) => join(root, "native/fuzz", name))
    run(["cc", ...sanitizers, "-fsanitize=address,undefined", "-o", program, ...sources])
    const files = readdirSync(corpusOf(target)).map((name) => join(corpusOf(target), name))
    run([program, ...files])
    return files.length
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Whether clang is here, with libFuzzer. */
export function hasLibFuzzer(): boolean {
  const tried =
    Bun.which("clang") &&
    Bun.spawnSync(["clang", "-fsanitize=fuzzer", "-x", "c", "-o", "/dev/null", "-"], {
      stdin: new TextEncoder().encode(
        "int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n ? 0 : 0; }",
      ),
    })
  return tried ? tried.success : false
}

function run(command: string[]): { stderr: string } {
  const { success, stderr } = Bun.spawnSync(command, { stdout: "ignore", stderr: "pipe" })
  if (!success) throw new Error(`${command[0]}:\n${String(stderr).slice(-4000)}`)
  return { stderr: String(stderr) }
}

if (import.meta.main) {
  if (!hasLibFuzzer()) throw new Error("no clang with libFuzzer (Debian: apt install clang libclang-rt-dev)")
  for (const target of targets)
    console.log(`${target}: ${fuzz(target, Number(process.argv[2] ?? 10_000_000))}, no finding`)
}
