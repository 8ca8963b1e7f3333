/** What logging in works with: all of it has the caller's own rights. */
import type { Ec2 } from "../../aws/interfaces.ts"
import type { Clock } from "../../base/time.ts"
import type { Programs } from "../../host/processes/programs.ts"

/** What is asked of EC2, each of which the student policy allows. */
export type ShellEc2 = Pick<Ec2, "instances" | "image"> & {
  /** The console as it is now. */
  freshConsole(id: string): Promise<string>
}

export interface ShellDeps {
  login: string
  home: string
  /** The course's, where images say nothing; "" where it names none. */
  courseUser: string
  ec2(): Promise<ShellEc2>
  programs: Programs
  clock: Clock
  interrupt: AbortSignal
  /** How long an instance is waited for. */
  timeoutMs: number
  progress(text: string): void
  /** Whether a port answers as sshd does. */
  greets(address: string): Promise<boolean>
}

/** An instance that a connection can be made and checked to. */
export interface Reachable {
  id: string
  address: string
  /** The file with the keys that its console showed. */
  knownHosts: string
}

export interface LoginTarget extends Reachable {
  user: string
  /** Of the key pair that it was launched with, where it is in the home; null leaves the choice to ssh. */
  privateKey: string | null
}
