/** What `hadoop_ec2` asks of EC2 besides `Ec2`: all of it with the student's own credentials, and free of charge. */
import type { TypeFacts } from "../../decisions/clusters/fit.ts"
import type { Ec2 } from "../interfaces.ts"

export interface ClusterEc2 extends Ec2 {
  /** All of them by one request for each thousand; returns the ids that AWS does not know, which are gone or too young. */
  terminateAll(ids: readonly string[]): Promise<string[]>
  /** The console as it is now where the type of instance can show it, else as it was last kept. */
  freshConsole(id: string): Promise<string>
  /** Attaching what is attached there already succeeds. */
  attachVolume(volumeId: string, instanceId: string, device: string): Promise<void>
  /** What EC2 says of these types; those that it does not know, or that are not offered in this region, are missing. */
  instanceTypes(names: readonly string[]): Promise<TypeFacts[]>
  /** AWS's word: pending, completed, error ...; "" where AWS does not list it, or not yet. */
  snapshotState(snapshotId: string): Promise<string>
}
