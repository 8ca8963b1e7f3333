/** `ec2-ssh --jupyter`: a link to JupyterLab on an instance, and the instance too where it is to be launched. */
import { Failed } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { isInstanceId } from "../../decisions/ssh/login_target.ts"
import { launcherPath } from "../../host/config/config_programs.ts"
import type { LoginTarget, ShellDeps } from "../../operations/ssh/deps.ts"
import { serveNotebook } from "../../operations/ssh/notebook.ts"
import type { Output } from "../output.ts"

/** Prints the link and serves it until it is interrupted. */
export async function showNotebook(deps: ShellDeps, target: LoginTarget, output: Output): Promise<void> {
  const { link, port, untilInterrupted } = await serveNotebook(deps, target)
  if (output.interactive) output.progress("")
  output.line(link)
  output.note(
    `It opens on your laptop while this runs there: ssh -N -L ${port}:127.0.0.1:${port} LOGIN@THIS-HOST`,
  )
  output.note("Ctrl-C ends it; the instance goes on until its lease ends.")
  await untilInterrupted()
}

/** Launches an instance with JupyterLab through ec2-run, with its limits; returns its id. */
export async function launchWithJupyter(
  { programs }: Pick<ShellDeps, "programs">,
  output: Output,
): Promise<string> {
  // Never interrupted: what ec2-run began, it ends and books.
  const { code, stdout } = await programs.run([launcherPath(), "--jupyter"], {
    apart: true,
    onLine: (line, stream) => {
      if (stream === "stderr") output.note(line)
    },
  })
  const [, id = ""] = /^\["([^"]*)"\]\n$/.exec(stdout) ?? []
  if (code === 0 && isInstanceId(id)) return id
  throw new Failed("launch", `ec2-run ended with ${code} and the output ${quoted(stdout)}`)
}
