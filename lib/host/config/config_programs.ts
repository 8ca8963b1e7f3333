/** Where our other tools are, for those that run with the caller's own rights and start them. */
import { dirname, join } from "node:path"

declare const BUILD_PREFIX: string | undefined
declare const BUILD_LOGIN_PREFIX: string | undefined

/** EC2_RUN, else `ec2-run` under the prefix compiled in. */
export function launcherPath(): string {
  return process.env.EC2_RUN || join(installedPrefix(), "bin", "ec2-run")
}

/** `ec2-active`, beside the launcher. */
export function activePath(): string {
  return process.env.EC2_RUN
    ? join(dirname(process.env.EC2_RUN), "ec2-active")
    : join(installedPrefix(), "bin", "ec2-active")
}

/** `ec2-util`, as clients of AWS are told to start it. */
export function utilityPath(): string {
  return join(installedPrefix(), "bin", "ec2-util")
}

/** `ec2-ssh`, as ssh is told to start it. */
export function loginProgramPath(): string {
  return join(installedPrefix(), "bin", "ec2-ssh")
}

/** Where everything is installed, as compiled in. */
export function installedPrefix(): string {
  return typeof BUILD_PREFIX === "undefined" ? "/opt/ec2-wrappers" : BUILD_PREFIX
}

/** How the logins begin that the wrappers let in, as compiled in beside them; null where nothing was compiled. */
export function builtLoginPrefix(): string | null {
  return typeof BUILD_LOGIN_PREFIX === "undefined" ? null : BUILD_LOGIN_PREFIX
}
