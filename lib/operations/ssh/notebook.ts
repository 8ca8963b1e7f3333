/**
 * JupyterLab on an instance, through ssh and the microproxy: it listens on the instance's loopback, each connection to it is one of
 * `ssh -W` over a control socket that only its owner can open, and this host's port wants the microproxy's secret.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import { duration } from "../../base/time.ts"
import { readText } from "../../host/files/text_files.ts"
import { refuseDenied } from "../proxy/dial.ts"
import { aborted } from "../proxy/run.ts"
import { newToken, startProxy } from "../proxy/start.ts"
import type { LoginTarget, ShellDeps } from "./deps.ts"
import { instanceJupyter } from "./jupyter_script.ts"
import { loginCommand } from "./log_in.ts"

export interface Notebook {
  link: string
  port: number
  /** Ends the proxy and the tunnel with it; throws Failed where ssh ended first. */
  untilInterrupted(): Promise<void>
}

const pollMs = 2_000
const sshMs = 30_000
const { port, tokenFile } = instanceJupyter

/** Waits until JupyterLab is installed and answers. Throws Failed where that takes longer than `timeoutMs`. */
export async function serveNotebook(deps: ShellDeps, target: LoginTarget): Promise<Notebook> {
  const { programs, clock, interrupt } = deps
  const directory = mkdtempSync(join(tmpdir(), "ec2-ssh-"))
  const [socket, log] = [join(directory, "control"), join(directory, "log")]
  const over = (...extra: string[]) => ({ batch: true, extra: ["-S", socket, ...extra] })
  const control = programs.startDetached(
    loginCommand(target, [], over("-M", "-N", "-o", "ControlPersist=no")),
    log,
  )
  const end = () => {
    control.end()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const begun = clock.now()
    let token = ""
    for (;;) {
      if (control.code() !== null)
        throw new Failed(
          `ssh ${target.id}`,
          (readText(log) ?? "").trim().split("\n").at(-1) || "does not connect",
        )
      // Its output is this process's own: the token stands in no argument and no environment of this host.
      const asked = loginCommand(target, [readyToken], over("-o", "ControlMaster=no"))
      const { code, stdout } = await programs.run(asked, { timeoutMs: sshMs })
      token = stdout.trim()
      if (code === 0 && /^[0-9a-f]{48}$/.test(token)) break
      const waitedMs = clock.now() - begun
      if (waitedMs >= deps.timeoutMs) {
        throw new Failed(
          target.id,
          `JupyterLab does not answer after ${duration(waitedMs)}; was it launched with ec2-run --jupyter? Its log is /var/log/cloud-init-output.log there`,
        )
      }
      deps.progress(`${target.id}: JupyterLab is being installed (${duration(waitedMs)})`)
      await clock.sleep(pollMs, interrupt)
    }
    const page = { scheme: "http" as const, host: target.address, port }
    const proxy = await startProxy(
      {
        dial: async (host, _port, _policy, signal) => {
          refuseDenied(host)
          signal.throwIfAborted()
          const words = over("-o", "ControlMaster=no", "-W", `127.0.0.1:${port}`)
          return programs.openStream(loginCommand(target, [], words))
        },
        log: () => {},
        now: () => clock.now(),
        nodes: async () => [target.address],
      },
      {
        listen: { address: "127.0.0.1", port: 0 },
        token: newToken(),
        allow: [],
        legacyHosts: false,
        defaultSite: null,
        shim: true,
        tls: { ca: null, insecure: false },
      },
    )
    return {
      link: proxy.linkTo(page, `/lab?token=${token}`),
      port: proxy.port,
      async untilInterrupted() {
        await Promise.race([aborted(interrupt), control.exited])
        await proxy.close()
        end()
        if (!interrupt.aborted)
          throw new Failed(`ssh ${target.id}`, "has ended: is the instance still there?")
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

/** Prints the token once the port answers. */
const readyToken = `cat ${tokenFile} && bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`
