/** native/postgres.c, found beside the executable that runs, so that a build tree works uninstalled. */
import { dirname, join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import { whyUntrusted } from "../../host/files/trusted_path.ts"

declare const BUILD_PREFIX: string | undefined

/** An open connection; only the addon knows what is in it. */
export type Handle = { readonly connection: unique symbol }

export interface Rows {
  columns: string[]
  /** Row by row. */
  values: (string | number | null)[]
  changes: number
}

/** Every function throws an Error whose `code` is an SQLSTATE. */
export interface Addon {
  connect(keywords: string[], values: string[]): Handle
  execute(handle: Handle, sql: string): Rows
  query(handle: Handle, sql: string, params: (string | null)[]): Rows
  prepare(handle: Handle, name: string, sql: string): Rows
  queryPrepared(handle: Handle, name: string, params: (string | null)[]): Rows
  /** Each with a name, SQL or, to be prepared as that name, both. Results in the same order; the first error ends all. */
  pipeline(
    handle: Handle,
    statements: [name: string | null, sql: string | null, params: (string | null)[]][],
  ): Rows[]
  canPipeline(): boolean
  backendPid(handle: Handle): number
  close(handle: Handle): void
}

let loaded: Addon | undefined

/** Loads the addon at first use. It is trusted like the program: throws Failed where anybody but root and this account may change it. */
export function loadAddon(): Addon {
  loaded ??= load(addonPath())
  return loaded
}

/** A compiled tool has it beside itself; a script finds what build.ts made. */
function addonPath(): string {
  return typeof BUILD_PREFIX === "undefined"
    ? join(import.meta.dir, "../../../dist/libexec/postgres.node")
    : join(dirname(process.execPath), "postgres.node")
}

function load(path: string): Addon {
  try {
    const untrusted = whyUntrusted(path, process.geteuid?.() ?? 0)
    if (untrusted) throw new Failed(`load ${path}`, `cannot be trusted: ${untrusted}`)
    const module = { exports: {} }
    process.dlopen(module, path)
    return module.exports as Addon
  } catch (error) {
    if (error instanceof Failed) throw error
    throw new Failed(`load ${path}`, `${messageOf(error)}; build.ts makes it, or take [database] out`, {
      cause: error,
    })
  }
}
