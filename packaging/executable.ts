/** How a script becomes a self-contained executable that obeys nothing in its caller's directory. */
import { ownTarget, type Target } from "./options.ts"

/**
 * Compiles `script` with all that it imports, and the runtime, into the executable `outfile`. `define` replaces names in the source by
 * constants (values are JSON). For another processor
 * Bun fetches its own executable of that kind from the npm registry.
 *
 * @throws AggregateError with the compiler's messages.
 */
export async function compileExecutable(
  script: string,
  outfile: string,
  define: Record<string, string> = {},
  target: Target = ownTarget,
): Promise<void> {
  const built = await Bun.build({
    entrypoints: [script],
    // Every autoload off: a default binary runs `preload` from the bunfig.toml, and reads the .env, of its caller's directory.
    compile: {
      outfile,
      ...(target === ownTarget ? {} : { target: `bun-linux-${target}` as const }),
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    bytecode: true,
    format: "esm",
    minify: true,
    // What is imported lazily becomes a chunk of its own, shaken like the rest: without it, an `await import` of the EC2 client
    // drags in its whole 1.3 MB model, and `--help` takes 13 ms instead of 4. The SDK's ES modules can be shaken, what it
    // offers to Node by default cannot.
    splitting: true,
    conditions: ["module"],
    allowUnresolved: [],
    define,
  })
  if (!built.success) throw new AggregateError(built.logs, `${script} does not compile`)
}
