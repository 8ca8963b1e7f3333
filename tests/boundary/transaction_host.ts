/** A host with a tool behind its wrapper that holds a transaction as long as it is told to. */
import { join } from "node:path"
import {
  compileTool,
  compileWrapper,
  type Host,
  makeDist,
  makeHost,
  prefix,
  root,
  type StartOptions,
  type uids,
} from "./host.ts"

export const tool = `${prefix}/bin/ec2-transaction`
export const launcher = `${prefix}/libexec/transaction`

export async function makeTransactionHost(tools: string[] = ["init_dbs"]): Promise<Host> {
  const host = await makeHost(makeDist(tools))
  const { shared } = host
  await compileTool(join(root, "tests/boundary/transaction.ts"), join(shared, "transaction"))
  compileWrapper(join(shared, "ec2-transaction"), "transaction")
  const ready = host.sh(`set -e
    cp ${shared}/transaction ${launcher} && chmod 0111 ${launcher}
    cp ${shared}/ec2-transaction ${tool} && chown cs61c:cs61c ${tool} && chmod 4755 ${tool}
    ${shared}/act gid=5000 uid=5000 -- ${prefix}/libexec/init_dbs
    chmod 0700 /home/cs61c-aa`)
  if (ready.code !== 0 || ready.stderr !== "") throw new Error(ready.stderr)
  return host
}

/** How many rows the process has committed. */
export const recordedBy = (host: Host, pid: string) =>
  Number(host.sh(`${host.shared}/act gid=5000 uid=5000 -- ${launcher} --count ${pid}`).stdout)

export interface HoldOptions extends StartOptions {
  login?: keyof typeof uids
  /** What to wait for on its stderr. */
  word?: string
  /** The launcher itself, as cron starts it. */
  program?: string
}

/** Starts the slow tool and waits until it is in mid-transaction (or as far as `word`). */
export async function holdOn(
  host: Host,
  args: string[] = [],
  { login = "cs61c-aa", word = "holding", program = tool, ...options }: HoldOptions = {},
) {
  const child = host.start(login, [], [program, ...args], options)
  const stderr = child.stderr.getReader()
  let seen = ""
  while (!seen.includes(`${word} `) && !seen.includes(`${word}\n`)) {
    const { value, done } = await stderr.read()
    if (done) throw new Error(`it ended: ${seen}`)
    seen += new TextDecoder().decode(value)
  }
  const rest = async () => {
    for (let part = await stderr.read(); !part.done; part = await stderr.read()) {
      seen += new TextDecoder().decode(part.value)
    }
    return seen
  }
  const [, identity = ""] = /known as (\S+)/.exec(seen) ?? []
  return { child, rest, pid: /holding (\d+)/.exec(seen)?.[1] ?? "", identity }
}
